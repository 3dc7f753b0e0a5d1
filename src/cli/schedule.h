/* schedule: how a pipeline's schedule is said, for all verbs that show one. */
#ifndef SLUICE_CLI_SCHEDULE_H
#define SLUICE_CLI_SCHEDULE_H

#include "cli/show.h"
#include "model/plan.h"

/* "on message", "every 2h", "at 06:00 (Asia/Jerusalem)", "by hand". */
struct str schedule_words(struct arena *arena, const struct schedule *schedule);

/*
 * What is odd about a planned time, because the clocks are changed: "02:30 does not exist on that
 * day → 03:00", "01:30 comes twice on that day: the first". Absent: nothing.
 */
struct str schedule_note(struct arena *arena, const struct schedule *schedule, int64_t planned_ms);

#endif
