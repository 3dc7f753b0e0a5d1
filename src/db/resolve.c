#include "db/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/aside.h"
#include "base/mem.h"
#include "base/must.h"

struct question {
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

static void ask(void *work)
{
    struct question *question = work;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct resolved *answer = &question->answer;
    if (getaddrinfo(question->host, NULL, &hints, &list) == 0) {
        for (const struct addrinfo *one = list;
             one != NULL && answer->count < RESOLVE_ADDRESSES_MAX; one = one->ai_next) {
            note_address(answer, one);
        }
        freeaddrinfo(list);
    }
}

bool resolve_host(const char *host, struct clock *clock, int64_t deadline_ms,
                  bool (*stopping)(void *context), void *stopping_context, struct resolved *out,
                  struct err *err)
{
    struct question *question = mem_alloc(sizeof *question);
    if (question == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a host's name");
    }
    must(strlen(host) <= RESOLVE_HOST_MAX);
    (void)snprintf(question->host, sizeof question->host, "%s", host);
    struct aside aside = {ask, mem_free, clock, deadline_ms, stopping, stopping_context};
    if (!aside_run(&aside, question, err)) {
        return err_prefix(err, "looking up the host's name %s: ", host);
    }
    *out = question->answer;
    mem_free(question);
    return out->count > 0 ||
           err_set(err, ERR_RETRY, "the host's name %s is not known (or there is no network)",
                   host);
}
