/*
 * ahead: the next fetch, made on a thread of its own while the one before is filed.
 *
 * Filing a large batch takes as long as reading it, so a source that has much to say is read twice
 * as fast so. Only a type that says `ahead` is asked in this way (model/source.h). Nothing else
 * changes: the batches and their order are the same, a batch and the cursor behind it are still
 * filed in one change, and what was fetched ahead of a change that failed is thrown away.
 *
 *   ahead_start(...)   the batch before has been fetched; the next begins where that one ended
 *   ... the batch before is filed ...
 *   ahead_join(...)    the thread has ended; before the end of the step
 *   ahead_take(...)    in the next step: what came of it, as if it were fetched there
 *   ahead_drop(...)    or: it is of no use any more
 *
 * It belongs to one worker. The caller waits for the thread within the same step, so the source is
 * never used by two threads at once, and nothing is left behind when the step is over.
 */
#ifndef SLUICE_ENGINE_AHEAD_H
#define SLUICE_ENGINE_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/thread.h"
#include "model/source.h"

/* Of a batch: two of them are in memory at once, and what works on them begins after the first. */
enum { AHEAD_MESSAGES_MAX = 16384 };

struct ahead {
    struct thread thread;
    struct source *source;
    struct arena arenas[2]; /* In turns: one is filed while the other is filled. */
    size_t turn;
    bool running;
    bool ready;
    int64_t run; /* For the lines of the log. */
    int64_t deadline_ms;

    /* What comes of it. */
    struct batch batch;
    bool ok;
    struct err err;
};

/* Begin where `before` ended. False: no thread or no memory, and the next step fetches by itself.
 */
bool ahead_start(struct ahead *ahead, struct source *source, const struct batch *before,
                 int64_t deadline_ms, int64_t run);
void ahead_join(struct ahead *ahead);

/* Is there one? `batch` is good until the next ahead_start() or ahead_drop(). */
bool ahead_take(struct ahead *ahead, struct batch *batch, bool *ok, struct err *err);

/* Waits for a thread that runs, and gives all memory back. */
void ahead_drop(struct ahead *ahead);

#endif
