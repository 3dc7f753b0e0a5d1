/* What the glue's files share: the limits of the call that this thread is in. */
#ifndef SLUICE_VENDOR_MONGOC_DEADLINE_H
#define SLUICE_VENDOR_MONGOC_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct sluice_mongoc_wait {
    int64_t deadline_ms; /* On the monotonic clock, which does not jump; 0: none. */
    int64_t choose_ms;   /* The same, for finding a server. */
    bool (*stopping)(void *context);
    void *context;
    bool alone;  /* There is one server only. */
    bool jumped; /* The driver's clock runs ahead: see wait.c. */
};

extern _Thread_local struct sluice_mongoc_wait sluice_mongoc_wait;
extern _Thread_local int sluice_mongoc_failure; /* An enum err_kind. */

#endif
