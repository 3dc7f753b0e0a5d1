#include "engine/retry.h"

#include "base/must.h"

int64_t retry_wait_ms(struct rng *rng, int failures, int64_t ms_max, int64_t retry_after_ms)
{
    must(failures >= 1);
    int64_t bound = RETRY_MS_MIN;
    for (int i = 1; i < failures && bound < ms_max; i++) {
        bound *= 2;
    }
    bound = bound < ms_max ? bound : ms_max;
    int64_t floor = retry_after_ms < RETRY_AFTER_MS_MAX ? retry_after_ms : RETRY_AFTER_MS_MAX;
    int64_t wait = 1 + (int64_t)rng_below(rng, (uint64_t)bound);
    return floor > 0 ? floor + wait / 4 : wait; /* Asked-for times are spread a little, too. */
}

bool breaker_allows(struct breaker *breaker, int64_t mono_ms)
{
    if (breaker->state == BREAKER_OPEN && mono_ms >= breaker->until_ms) {
        breaker->state = BREAKER_PROBING;
    }
    return breaker->state != BREAKER_OPEN;
}

void breaker_succeeded(struct breaker *breaker)
{
    *breaker = (struct breaker){0};
}

void breaker_failed(struct breaker *breaker, int64_t mono_ms)
{
    bool probing = breaker->state == BREAKER_PROBING;
    breaker->failures++;
    if (!probing && breaker->failures < BREAKER_FAILURES) {
        return;
    }
    int64_t open_ms = probing ? breaker->open_ms * 2 : BREAKER_MS_MIN;
    breaker->open_ms = open_ms < BREAKER_MS_MAX ? open_ms : BREAKER_MS_MAX;
    breaker->state = BREAKER_OPEN;
    breaker->until_ms = mono_ms + breaker->open_ms;
}
