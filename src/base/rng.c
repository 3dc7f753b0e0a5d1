#include "base/rng.h"

#include <sys/random.h>

#include "base/must.h"

void rng_seed(struct rng *rng, uint64_t seed)
{
    rng->state = seed;
}

void rng_seed_system(struct rng *rng)
{
    ssize_t got = getrandom(&rng->state, sizeof rng->state, 0);
    must(got == (ssize_t)sizeof rng->state);
}

/* A counter with a large odd step, scrambled: every seed gives the full period. */
uint64_t rng_next(struct rng *rng)
{
    rng->state += 0x9E3779B97F4A7C15U;
    uint64_t word = rng->state;
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9U;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBU;
    return word ^ (word >> 31);
}

uint64_t rng_below(struct rng *rng, uint64_t limit)
{
    must(limit > 0);
    uint64_t uneven = UINT64_MAX - UINT64_MAX % limit;
    for (;;) {
        uint64_t word = rng_next(rng);
        if (word < uneven) {
            return word % limit;
        }
    }
}

bool rng_chance(struct rng *rng, unsigned percent)
{
    return rng_below(rng, 100) < percent;
}
