/*
 * guesses: how often an address came with a token that is none.
 *
 * A token has 258 bits of chance, so nobody finds one by trying; what is kept within bounds is what
 * trying costs, and that somebody hears of it. The table is bounded: an address that is not seen
 * again makes room for others. Addresses of IPv6 count by their network of 64 bits, which one
 * customer has to himself.
 *
 * Nobody is locked out: a good token is good from wherever it comes, also where others guess.
 */
#ifndef SLUICE_SERVE_GUESSES_H
#define SLUICE_SERVE_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "serve/address.h"

enum {
    GUESSES_GROUPS = 256,
    GUESSES_GROUP = 4, /* Addresses that share a place; the oldest of them goes. */
    GUESSES_FREE = 10, /* So many within the window are told that they are wrong, … */
    GUESSES_WINDOW_MS = 60 * 1000,
};

struct guesser {
    char address[ADDRESS_TEXT_MAX];
    int64_t since_ms; /* Monotonic; 0: free. */
    int64_t count;
};

struct guesses {
    uint64_t seed;
    int64_t total;
    struct guesser slots[GUESSES_GROUPS][GUESSES_GROUP];
};

void guesses_init(struct guesses *guesses, uint64_t seed);

/* One more from here, at a monotonic time: how many within the present window. */
int64_t guesses_note(struct guesses *guesses, struct str address, int64_t now_ms);

#endif
