/*
 * runner: one thread for each worker, and an end within a set time.
 *
 * The thread repeats worker_run() and sleeps until the worker is due or the bell rings (somebody
 * committed something that others may wait for). On stop each worker ends its step. One that does
 * not (a library that hangs) is left behind and named; the caller then leaves by _exit().
 *
 * A worker may say between two steps that its time is over (worker->between): its thread closes it
 * and ends, while the others go on. Others may be added while it runs.
 */
#ifndef SLUICE_ENGINE_RUNNER_H
#define SLUICE_ENGINE_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/worker.h"

enum { RUNNER_WORKERS_MAX = 64 };

struct runner;

/* Workers stay the caller's and must not be touched until the runner has stopped. Each worker's
   bell and stop question are set to the runner's. */
bool runner_start(struct runner **out, struct worker *const *workers, size_t count,
                  struct err *err);

/* One more, while it runs. False: no thread, or no room; the worker was not touched then. */
bool runner_add(struct runner *runner, struct worker *worker, struct err *err);

/* Every worker's thread asks worker->between() soon, also of one that waits after a failure. */
void runner_nudge(struct runner *runner);

/* Wait until a worker failed for good (its error is copied) or runner_ask_stop() was called. */
bool runner_wait(struct runner *runner, struct err *err);

/* As a worker's bell; from any thread. */
void runner_ring(struct runner *runner);

/* Wait until somebody rings or `deadline_ms`; false once it stops, for whatever reason. */
bool runner_pause(struct runner *runner, int64_t deadline_ms);

/* Does everybody wait, and one of them after `failures` or more failures in a row? */
bool runner_stuck(struct runner *runner, int failures);

/* Safe from any thread; from a signal handler only by way of a thread that waits for signals. */
void runner_ask_stop(struct runner *runner);

/* Ask all to stop and wait at most `limit_ms`. Returns how many are still running. */
size_t runner_stop(struct runner *runner, int64_t limit_ms);
size_t runner_left(struct runner *runner, const char **names, size_t max);

/* Only after runner_stop() returned 0. */
void runner_free(struct runner *runner);

#endif
