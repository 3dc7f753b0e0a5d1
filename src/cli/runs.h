/* runs: how a run is called, for all verbs that show one. */
#ifndef SLUICE_CLI_RUNS_H
#define SLUICE_CLI_RUNS_H

#include "cli/show.h"
#include "cli/table.h"
#include "store/run.h"

/* "ok", "partial", "failed", "stopped", "running". */
const char *run_outcome_name(const struct run *run);
enum show_style run_style(const struct run *run);

/* "schedule", "message", "hand", "webhook". */
const char *run_trigger_name(const struct run *run);

/* An object with all that is known of it. */
void run_json(struct json_writer *json, const struct run *run);

/* A table of them: number, pipeline, outcome, when, how long, counts. */
void runs_table(struct arena *arena, const struct screen *screen, const struct run *runs,
                size_t count, struct buf *out);

#endif
