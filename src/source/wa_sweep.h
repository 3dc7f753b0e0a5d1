/*
 * wa_sweep: all chats that a source reads, one after the other, in one browser.
 *
 * A round begins with one look at the list of chats. A chat whose line is as it was is not opened,
 * because opening costs calls and marks it read, unless
 *   - it was never read,
 *   - a gap of it is open,
 *   - something in it is unread,
 *   - its known rows have not been looked at for `revisit_ms`: edits and deletions change no line.
 * So a round that finds nothing new is one call.
 *
 * The engine calls wa_sweep_fetch() again and again; a round takes as many fetches as it needs, and
 * what it is in the middle of is only in memory. It notices when the engine could not keep what the
 * fetch before handed out (the cursors are as they were) and begins anew, from what was kept.
 *
 * One chat's trouble (it is not there, two have its title, another one opened instead) does not
 * stop the others: they are read, and then the fetch fails with words that name it (ERR_CONFIG when
 * only a person can change it). It is not tried again at once.
 *
 * A range of dates (`batch->since_ms`) is read whatever is known. Gaps that lie within a range that
 * could be read whole are closed by the next ordinary round.
 */
#ifndef SLUICE_SOURCE_WA_SWEEP_H
#define SLUICE_SOURCE_WA_SWEEP_H

#include "source/wa_visit.h"

enum {
    WA_TROUBLES_MAX = 16,
    WA_REPAIRED_MAX = 64,
    WA_EQUAL_MAX = 64,    /* Titles that several chats have: each is told once. */
    WA_FAILURES_MAX = 3,  /* Of one chat in a row. */
    WA_GLANCE_CHATS = 40, /* Of the list's top: what changed stands there. */
    WA_AGAIN_MS = 60 * 1000,
    WA_QUIET_MS = 3 * 24 * 3600 * 1000, /* `chats: all`: older chats are not looked at for edits. */
    WA_SWEEP_MEMORY_MAX = 16 * 1024 * 1024,
};

struct wa_sweep_options {
    int64_t lookback_ms;
    int64_t first_rows; /* 0: the lookback decides. */
    int64_t revisit_ms;
};

struct wa_task {
    struct str chat;
    struct str preview;
    size_t entry; /* Of the batch's chats. */
    bool full;
};

struct wa_trouble {
    char chat[WA_TITLE_MAX + 1];
    char text[ERR_TEXT_MAX];
    int64_t again_ms; /* Monotonic; 0: the place is free. */
    int told;
    bool lasting; /* Only somebody can change it. */
    bool seen;    /* In this round. */
};

struct wa_repaired {
    char chat[WA_TITLE_MAX + 1];
    int64_t since_ms;
    int64_t until_ms;
};

struct wa_sweep {
    struct wa_visit_env env;
    struct wa_sweep_options options;

    /* The round. */
    struct arena arena;
    bool began;
    uint64_t shape;   /* Which chats, which range. */
    uint64_t *handed; /* Of each entry: what its cursor is when all was kept. */
    struct wa_task *tasks;
    size_t task_count;
    size_t at;
    struct wa_visit visit; /* Of tasks[at], once it began. */
    int failures;          /* Of that visit, in a row. */
    int64_t range_turn;

    struct wa_trouble troubles[WA_TROUBLES_MAX];
    struct wa_repaired repaired[WA_REPAIRED_MAX];
    size_t repaired_count;
    uint64_t equal[WA_EQUAL_MAX];
    size_t equal_count;
    struct wa_tally tally; /* Of all rounds. */
};

void wa_sweep_init(struct wa_sweep *sweep, const struct wa_visit_env *env,
                   const struct wa_sweep_options *options);

/* The contract of a source's fetch (model/source.h). */
bool wa_sweep_fetch(struct wa_sweep *sweep, struct batch *batch, int64_t deadline_ms,
                    struct err *err);

/* The page is another one, or gone: the visit that was going on begins anew. */
void wa_sweep_lost(struct wa_sweep *sweep);

void wa_sweep_free(struct wa_sweep *sweep);

#endif
