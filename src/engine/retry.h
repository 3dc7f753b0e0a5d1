/*
 * retry: how long to wait after a failure, and when to leave a dead peer alone.
 *
 * The wait doubles from one second to five minutes and is drawn evenly from zero to that bound
 * (full jitter), so that many workers who failed together do not come back together. What the peer
 * asked for (Retry-After) is a floor, up to an hour. Twenty attempts take about a day.
 *
 * A breaker stands in front of each sink. After BREAKER_FAILURES calls in a row that told nothing
 * (the sink could not be reached) it opens: no calls for a while. Then one call is let through; if
 * it succeeds the breaker closes, else it opens again for twice as long.
 */
#ifndef SLUICE_ENGINE_RETRY_H
#define SLUICE_ENGINE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

enum {
    RETRY_MS_MIN = 1000,
    RETRY_MS_MAX = 300 * 1000,
    RETRY_PARCEL_MS_MAX = 3 * 3600 * 1000, /* A record that its sink refuses for now. */
    RETRY_AFTER_MS_MAX = 3600 * 1000,
    BREAKER_FAILURES = 5,
    BREAKER_MS_MIN = 10 * 1000,
    BREAKER_MS_MAX = 600 * 1000,
};

/* Wait before the next try after `failures` (from 1) in a row. */
int64_t retry_wait_ms(struct rng *rng, int failures, int64_t ms_max, int64_t retry_after_ms);

enum breaker_state { BREAKER_CLOSED = 0, BREAKER_OPEN, BREAKER_PROBING };

struct breaker {
    enum breaker_state state;
    int failures;     /* In a row. */
    int64_t open_ms;  /* Length of the current pause. */
    int64_t until_ms; /* Monotonic. */
};

/* May a call be made now? An open breaker whose pause is over lets one through. */
bool breaker_allows(struct breaker *breaker, int64_t mono_ms);
void breaker_succeeded(struct breaker *breaker);
void breaker_failed(struct breaker *breaker, int64_t mono_ms);

#endif
