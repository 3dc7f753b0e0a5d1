/*
 * All waiting of mongo-c-driver: by the deadline of the call, and no longer than its owner works.
 *
 * The driver polls its sockets with limits of its own, looks names up in the DNS for as long as the
 * C library likes, sleeps between two looks at a replica set, and nothing can stop it. The recipe
 * renames what it waits with, so that these functions are called instead. When the owner is asked
 * to stop, the driver's clock jumps ahead: all that it waits for is too late then, and each of its
 * loops ends by itself. A client to which that happened is of no more use, and is thrown away.
 *
 * The same jump ends the search for a server when the only one there is showed a certificate that a
 * person must mend: looking again would not help.
 */
/* The real ones are wanted here. */
#undef clock_gettime
#undef getaddrinfo
#undef poll
#undef res_search
#undef usleep

/* clang-format off */
#include <sys/types.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
/* clang-format on */

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <resolv.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/aside.h"
#include "base/mem.h"
#include "deadline.h"

enum {
    SLICE_MS = 250, /* Between two looks at whether the owner stops; each costs some CPU. */
    NAME_MAX_BYTES = 1024,
    JUMP_S = 100 * 24 * 60 * 60, /* Longer than anything the driver waits for. */
};

/* Elsewhere the system's headers declare them, under the names that the recipe gives. */
int sluice_mongoc_clock_gettime(clockid_t id, struct timespec *out);
int sluice_mongoc_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                              struct addrinfo **out);
int sluice_mongoc_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int sluice_mongoc_res_search(const char *name, int class, int type, unsigned char *answer,
                             int size);
int sluice_mongoc_usleep(useconds_t us);

_Thread_local struct sluice_mongoc_wait sluice_mongoc_wait;

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static bool over(void)
{
    struct sluice_mongoc_wait *wait = &sluice_mongoc_wait;
    wait->jumped = wait->jumped || (wait->stopping != NULL && wait->stopping(wait->context));
    return wait->jumped;
}

int sluice_mongoc_clock_gettime(clockid_t id, struct timespec *out)
{
    int rc = clock_gettime(id, out);
    if (rc == 0 && id == CLOCK_MONOTONIC && over()) {
        out->tv_sec += JUMP_S;
    }
    return rc;
}

/* In slices; 0 for "nothing in time" when the deadline has come or the owner stops. */
int sluice_mongoc_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    const struct sluice_mongoc_wait *wait = &sluice_mongoc_wait;
    int64_t end_ms = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
    if (wait->deadline_ms > 0 && wait->deadline_ms < end_ms) {
        end_ms = wait->deadline_ms;
    }
    for (;;) {
        int64_t left_ms = end_ms - now_ms();
        bool last = over() || left_ms <= 0;
        int slice_ms = last ? 0 : left_ms < SLICE_MS ? (int)left_ms : SLICE_MS;
        int ready = poll(fds, count, slice_ms);
        if (ready != 0 || last) {
            return ready;
        }
    }
}

/* Between two looks at the servers; there is no second one when it cannot help. */
int sluice_mongoc_usleep(useconds_t us)
{
    struct sluice_mongoc_wait *wait = &sluice_mongoc_wait;
    int64_t end_ms = now_ms() + us / 1000 + 1;
    wait->jumped = wait->jumped || (wait->alone && sluice_mongoc_failure == ERR_CONFIG);
    while (!over() && now_ms() < end_ms) {
        (void)poll(NULL, 0, 10);
    }
    return 0;
}

/* ---- Names ---- */

static bool aside(void (*run)(void *), void (*drop)(void *), void *work)
{
    const struct sluice_mongoc_wait *wait = &sluice_mongoc_wait;
    struct err ignored = {0}; /* The driver has words of its own for it. */
    struct aside aside = {
        .run = run,
        .drop = drop,
        .clock = clock_system(),
        .deadline_ms = wait->choose_ms > 0 ? wait->choose_ms : now_ms() + SLICE_MS,
        .stopping = wait->stopping,
        .stopping_context = wait->context,
    };
    return aside_run(&aside, work, &ignored);
}

struct lookup {
    char host[NAME_MAX_BYTES];
    char port[16];
    struct addrinfo hints;
    struct addrinfo *found;
    int rc;
};

static void look_up(void *work)
{
    struct lookup *lookup = work;
    lookup->rc = getaddrinfo(lookup->host, lookup->port, &lookup->hints, &lookup->found);
}

static void drop_lookup(void *work)
{
    struct lookup *lookup = work;
    if (lookup->found != NULL) {
        freeaddrinfo(lookup->found);
    }
    mem_free(lookup);
}

int sluice_mongoc_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                              struct addrinfo **out)
{
    struct lookup *lookup = mem_alloc(sizeof *lookup);
    *out = NULL;
    if (lookup == NULL || strlen(host) >= sizeof lookup->host ||
        strlen(port) >= sizeof lookup->port) {
        mem_free(lookup);
        return lookup == NULL ? EAI_MEMORY : EAI_NONAME;
    }
    memcpy(lookup->host, host, strlen(host));
    memcpy(lookup->port, port, strlen(port));
    lookup->hints = *hints;
    if (!aside(look_up, drop_lookup, lookup)) {
        return EAI_AGAIN;
    }
    int rc = lookup->rc;
    *out = lookup->found;
    mem_free(lookup);
    return rc;
}

struct search {
    char name[NAME_MAX_BYTES];
    int class;
    int type;
    int size;
    int found;
    int trouble; /* h_errno belongs to a thread. */
    unsigned char answer[];
};

static void search(void *work)
{
    struct search *search = work;
    h_errno = 0;
    search->found =
        res_search(search->name, search->class, search->type, search->answer, search->size);
    search->trouble = h_errno;
}

int sluice_mongoc_res_search(const char *name, int class, int type, unsigned char *answer, int size)
{
    struct search *work =
        strlen(name) < NAME_MAX_BYTES && size > 0 ? mem_alloc(sizeof *work + (size_t)size) : NULL;
    h_errno = TRY_AGAIN;
    if (work == NULL) {
        return -1;
    }
    memcpy(work->name, name, strlen(name));
    work->class = class;
    work->type = type;
    work->size = size;
    if (!aside(search, mem_free, work)) {
        return -1;
    }
    int found = work->found;
    h_errno = work->trouble;
    if (found > 0) {
        memcpy(answer, work->answer, (size_t)(found < size ? found : size));
    }
    mem_free(work);
    return found;
}
