/*
 * habit: what each chat's silence means, learned behind (rhythm.h says how).
 *
 * Upkeep reads what arrived since it last did, some thousand messages a step, and keeps a row for
 * each chat and one for each source as a whole: when its newest message was sent, and until when a
 * silence is as usual (`due_ms`, absent while there is no habit). So whoever asks reads an index
 * and no message. Edits, deletions, ticks, answers and receipts are nobody's speech.
 *
 * The rows are made anew from the archive when the zone is another one, and when they are missing.
 * A chat is forgotten when it was silent for HABIT_FORGET_MS: that is its habit now. A source is
 * not.
 */
#ifndef SLUICE_STORE_HABIT_H
#define SLUICE_STORE_HABIT_H

#include "store/store.h"
#include "text/zone.h"

enum { HABIT_STEP_MAX = 5000, HABIT_BEHIND_MAX = 20000, HABIT_QUIET_MAX = 8 };

#define HABIT_FORGET_MS (INT64_C(28) * 24 * 3600 * 1000)

/* Learn from the next messages; `*more` tells that there are others. Opens its own change. */
bool store_habit_fill(struct store *store, const struct zone *zone, size_t limit, bool *more,
                      struct err *err);

/* Silent for longer than it usually is. */
struct quiet {
    struct str chat; /* Empty: the source as a whole. */
    int64_t newest_ms;
    int64_t due_ms;
    int64_t weekly; /* Messages that a week usually brings. */
};

struct habit {
    int64_t newest_ms; /* Of all chats; 0: nothing is known yet. */
    int64_t watched;   /* Chats that have a habit. */
    int64_t oldest_ms; /* The newest message of that one of them which was silent longest. */
    bool silent;       /* The source as a whole is: `source` says how. */
    struct quiet source;
    int64_t quiet;                       /* Chats that are. */
    struct quiet chats[HABIT_QUIET_MAX]; /* Some of them, the busiest first. */
    size_t chat_count;
};

/*
 * How a source stands by its habits at `at_ms`, up to when it was looked at. Within a look
 * (store_begin_read). Messages that were not learned from yet count as heard; with too many of them
 * nobody is called silent.
 */
bool store_habit_get(struct store *store, struct arena *arena, struct str source, int64_t at_ms,
                     struct habit *out, struct err *err);

#endif
