/*
 * engine: a plan, set up as workers over one store.
 *
 *   struct engine *engine = NULL;
 *   engine_open(&engine, &options, &err)      store opened, workers made, nothing started
 *   engine_serve(engine, &err)                threads until engine_stop(), or
 *   engine_run_once(engine, names, &err)      one run of some pipelines
 *   engine_close(engine)
 *
 * A run that is asked for has threads as well where `threads` says so, and this thread watches
 * them; otherwise this thread does all the steps in turns, by any clock, and a test can repeat it
 * exactly.
 *
 * A second process on the same store is refused with its owner's name, because the work is leased.
 *
 * While it serves, engine_reload() puts another plan in place of the one before. It is taken whole
 * or not at all, and what did not change is not disturbed (edition.h): the same thread goes on with
 * the same open connection. A part that changed ends its step, is closed, and goes on as the new
 * one under the same lease; a part that is gone ends its step and frees its lease; a new one
 * begins.
 */
#ifndef SLUICE_ENGINE_ENGINE_H
#define SLUICE_ENGINE_ENGINE_H

#include "base/clock.h"
#include "base/err.h"
#include "engine/edition.h"
#include "engine/worker.h"
#include "model/plan.h"

struct engine;

enum { ENGINE_STOP_MS = 8000, ENGINE_WORKERS_MAX = 64 };

struct engine_options {
    const struct plan *plan;
    struct plan_owner plan_owner; /* It belongs to the engine once engine_open() has succeeded. */
    struct str data_dir;          /* Holds sluice.db, records.db, files/. */
    struct clock *clock;
    struct str owner; /* "host/pid", for leases. */
    bool threads;     /* engine_ask(), too, gives each worker a thread. */
};

bool engine_open(struct engine **out, const struct engine_options *options, struct err *err);

/*
 * Run everything on threads until engine_stop() is called (from a signal handler's thread) or a
 * worker fails for good. Returns within ENGINE_STOP_MS of the stop. `*left` is the number of
 * workers that did not end in time; the caller must then leave by _exit(), which loses nothing.
 */
bool engine_serve(struct engine *engine, size_t *left, struct err *err);

/* What a reload changed, for whoever tells people about it. */
struct engine_change {
    enum part_kind kind;
    enum part_fate fate; /* Never PART_SAME. */
    struct str name;
};

struct engine_changes {
    struct engine_change items[3 * ENGINE_WORKERS_MAX];
    size_t count;
    size_t same;  /* Parts that go on as before. */
    bool keeping; /* How long things are kept changed. */
};

/*
 * Put another plan in place of the present one; from any thread, while the engine serves. When it
 * returns true, the plan is the engine's and every worker takes it up at the end of its step (a
 * fetch that hangs holds up its own source only); `changes` tells what that means, its texts live
 * in `arena`. False: nothing has changed and the plan is still the caller's. The data folder cannot
 * be changed in this way.
 */
bool engine_reload(struct engine *engine, const struct plan *plan, struct plan_owner owner,
                   struct arena *arena, struct engine_changes *changes, struct err *err);

/* From any thread. A run of engine_run_once() ends after the steps at hand, as partial. */
void engine_stop(struct engine *engine);

/*
 * Run the named pipelines once (all, for count 0): read their sources to the end, work, deliver.
 * `*partial` tells that something failed or waits for another try; the reasons are in the log and
 * in the run's record.
 */
bool engine_run_once(struct engine *engine, const struct str *pipelines, size_t count,
                     bool *partial, struct err *err);

/* The same for any request that the conductor takes: "run" or "replay", with its options. */
struct engine_ask {
    struct str act;
    struct str detail; /* JSON; may be absent. */
};
bool engine_ask(struct engine *engine, const struct engine_ask *ask, const struct str *pipelines,
                size_t count, bool *partial, struct err *err);

/* Names of the workers that are still busy after a stop, for the message. */
size_t engine_left(struct engine *engine, const char **names, size_t max);

/* Counts of what this engine's last engine_run_once() did, by its run records. */
struct engine_counts {
    int64_t messages;
    int64_t fresh;
    int64_t records;
    int64_t delivered;
    int64_t failed;
};
void engine_counts(const struct engine *engine, struct engine_counts *out);

/* A handle of the engine's store for another thread of this process, which then takes turns with
   the workers. To be closed before the engine is. */
bool engine_store(struct engine *engine, struct store **out, struct err *err);

/* What is brought to sources from outside goes in here (model/inbox.h). */
struct inboxes *engine_inboxes(struct engine *engine);

/* Somebody else committed something that the workers may wait for. From any thread. */
void engine_wake(struct engine *engine);

void engine_close(struct engine *engine);

#endif
