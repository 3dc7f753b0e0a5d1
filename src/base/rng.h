/*
 * rng: chance that comes from outside.
 *
 * A generator is given to whoever needs one (jitter, simulation) and is seeded once: by the system
 * in production, by a number in tests, so that a failing run can be repeated. It is fast and good,
 * and not for secrets (those come from crypto/token).
 */
#ifndef SLUICE_BASE_RNG_H
#define SLUICE_BASE_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

void rng_seed(struct rng *rng, uint64_t seed);

/* Seed from the kernel. Dies when the kernel has no randomness: nothing sound could follow. */
void rng_seed_system(struct rng *rng);

uint64_t rng_next(struct rng *rng);

/* Even over 0 … limit-1; limit must be positive. */
uint64_t rng_below(struct rng *rng, uint64_t limit);

/* True in `percent` of a hundred cases. */
bool rng_chance(struct rng *rng, unsigned percent);

#endif
