/*
 * resolve: a host's name to its addresses, by a deadline.
 *
 * The C library asks the DNS for as long as it likes and cannot be stopped. So it asks on a thread
 * of its own, which is left behind when the deadline comes, or when the owner is asked to stop: it
 * ends by itself some seconds later and gives back what it holds.
 */
#ifndef SLUICE_DB_RESOLVE_H
#define SLUICE_DB_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

enum {
    RESOLVE_ADDRESSES_MAX = 8,
    RESOLVE_ADDRESS_MAX = 46,
    RESOLVE_HOST_MAX = 253,
};

struct resolved {
    char addresses[RESOLVE_ADDRESSES_MAX][RESOLVE_ADDRESS_MAX];
    int count; /* At least one after a success. */
};

/* `stopping` may be NULL. A name that is not known, or not in time, is ERR_RETRY. */
bool resolve_host(const char *host, struct clock *clock, int64_t deadline_ms,
                  bool (*stopping)(void *context), void *stopping_context, struct resolved *out,
                  struct err *err);

#endif
