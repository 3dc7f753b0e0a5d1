#include "db/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/thread.h"

enum { SLICE_MS = 200 };

/* Shared by the asker and the thread; the last of the two frees it. */
struct question {
    struct lock lock;
    struct signal answered;
    bool done;
    bool left; /* The asker has gone. */
    char host[RESOLVE_HOST_MAX + 1];
    struct resolved answer;
};

static void note_address(struct resolved *answer, const struct addrinfo *one)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    char *text = answer->addresses[answer->count];
    const char *made = NULL;
    if (one->ai_family == AF_INET && one->ai_addrlen >= sizeof v4) {
        memcpy(&v4, one->ai_addr, sizeof v4);
        made = inet_ntop(AF_INET, &v4.sin_addr, text, RESOLVE_ADDRESS_MAX);
    } else if (one->ai_family == AF_INET6 && one->ai_addrlen >= sizeof v6) {
        memcpy(&v6, one->ai_addr, sizeof v6);
        made = inet_ntop(AF_INET6, &v6.sin6_addr, text, RESOLVE_ADDRESS_MAX);
    }
    answer->count += made != NULL;
}

static void *ask(void *context)
{
    struct question *question = context;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct resolved answer = {.count = 0};
    if (getaddrinfo(question->host, NULL, &hints, &list) == 0) {
        for (const struct addrinfo *one = list; one != NULL && answer.count < RESOLVE_ADDRESSES_MAX;
             one = one->ai_next) {
            note_address(&answer, one);
        }
        freeaddrinfo(list);
    }
    lock_take(&question->lock);
    question->answer = answer;
    question->done = true;
    bool alone = question->left;
    signal_all(&question->answered);
    lock_give(&question->lock);
    if (alone) {
        mem_free(question);
    }
    return NULL;
}

/* True when there is an answer, of whatever kind. */
static bool await(struct question *question, struct clock *clock, int64_t deadline_ms,
                  bool (*stopping)(void *context), void *stopping_context, struct err *err)
{
    while (!question->done) {
        int64_t left_ms = deadline_ms - clock_mono_ms(clock);
        if (stopping != NULL && stopping(stopping_context)) {
            return err_set(err, ERR_STOP, "asked to stop");
        }
        if (left_ms <= 0) {
            return err_set(err, ERR_RETRY, "the name %s was not found in time", question->host);
        }
        int64_t slice_ms = left_ms < SLICE_MS ? left_ms : SLICE_MS;
        (void)signal_wait(&question->answered, &question->lock,
                          clock_mono_ms(clock_system()) + slice_ms);
    }
    return true;
}

bool resolve_host(const char *host, struct clock *clock, int64_t deadline_ms,
                  bool (*stopping)(void *context), void *stopping_context, struct resolved *out,
                  struct err *err)
{
    struct thread thread;
    struct question *question = mem_alloc(sizeof *question);
    if (question == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a host's name");
    }
    must(strlen(host) <= RESOLVE_HOST_MAX);
    lock_init(&question->lock);
    signal_init(&question->answered);
    (void)snprintf(question->host, sizeof question->host, "%s", host);
    if (!thread_start(&thread, ask, question, true, err)) {
        mem_free(question);
        return false;
    }
    lock_take(&question->lock);
    bool ok = await(question, clock, deadline_ms, stopping, stopping_context, err);
    bool done = question->done;
    *out = question->answer;
    question->left = !done;
    lock_give(&question->lock);
    if (done) {
        mem_free(question);
    }
    return ok && (out->count > 0 ||
                  err_set(err, ERR_RETRY,
                          "the host's name %s is not known (or there is no network)", host));
}
