#include "serve/guesses.h"

#include <string.h>

void guesses_init(struct guesses *guesses, uint64_t seed)
{
    *guesses = (struct guesses){.seed = seed};
}

static bool is_of(const struct guesser *slot, struct str address)
{
    return slot->since_ms != 0 && str_equal(str_of(slot->address), address);
}

/* Its own slot, else one that is free, else the one that began the longest ago. */
static struct guesser *slot_for(struct guesses *guesses, struct str address)
{
    struct guesser *group = guesses->slots[str_hash(address, guesses->seed) % GUESSES_GROUPS];
    struct guesser *oldest = &group[0];
    for (size_t i = 0; i < GUESSES_GROUP; i++) {
        if (is_of(&group[i], address)) {
            return &group[i];
        }
        oldest = group[i].since_ms < oldest->since_ms ? &group[i] : oldest;
    }
    return oldest;
}

int64_t guesses_note(struct guesses *guesses, struct str address, int64_t now_ms)
{
    char room[ADDRESS_TEXT_MAX];
    struct str household = address_household(address, room);
    struct guesser *slot = slot_for(guesses, household);
    if (!is_of(slot, household) || now_ms - slot->since_ms >= GUESSES_WINDOW_MS) {
        *slot = (struct guesser){.since_ms = now_ms != 0 ? now_ms : 1};
        memcpy(slot->address, household.ptr, household.len);
    }
    guesses->total++;
    return ++slot->count;
}
