/*
 * schedule: when a pipeline should run next.
 *
 * Pure arithmetic on planned times; the conductor keeps the last planned time in the store, so a
 * restart neither runs twice nor forgets. A walk through a night: a pipeline with `cron: 30 2 * *
 * *` in Asia/Jerusalem on the night when the clock jumps from 02:00 to 03:00 is planned for 03:00
 * (right after the gap); on the night when 01:00–02:00 comes twice, a plan for 01:30 means the
 * first one. The machine sleeps from Friday to Sunday: MISFIRE_ONCE runs once on waking,
 * MISFIRE_SKIP waits for the next time, MISFIRE_ALL catches up (up to SCHEDULE_CATCH_UP_MAX, beyond
 * that once).
 *
 * `every` counts from the last planned time, so it does not drift. A wall clock that is put back by
 * more than an interval (for cron: a day) starts the counting anew; less than that is waited for,
 * so that nothing runs twice.
 */
#ifndef SLUICE_MODEL_SCHEDULE_H
#define SLUICE_MODEL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/plan.h"

enum { SCHEDULE_CATCH_UP_MAX = 24, SCHEDULE_GRACE_MS = 60 * 1000 };

struct schedule_due {
    bool due;  /* Run now, for `planned_ms`. */
    bool keep; /* `planned_ms` shall be kept as the last planned time, run or not. */
    int64_t planned_ms;
    int64_t next_ms; /* Wall time at which to look again; 0: never by itself. */
    int64_t missed;  /* Planned times that were passed over. */
};

/*
 * What to do at `now_ms`, given the last planned time that was kept (0: none yet; `every` then runs
 * at once, `cron` begins to count). For MISFIRE_SKIP a planned time counts as on time while it is
 * at most SCHEDULE_GRACE_MS old.
 */
struct schedule_due schedule_look(const struct schedule *schedule, int64_t last_planned_ms,
                                  int64_t now_ms);

/* The next `count` planned times after `after_ms`, for a preview; returns how many there are. */
size_t schedule_preview(const struct schedule *schedule, int64_t last_planned_ms, int64_t after_ms,
                        int64_t *out, size_t count);

#endif
