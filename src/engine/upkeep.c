/* The upkeep worker: fills the search index behind, keeps the store small. It is never in a hurry.
 */
#include "store/upkeep.h"

#include "engine/worker.h"
#include "store/blobs.h"
#include "store/habit.h"
#include "store/search.h"

enum {
    UPKEEP_EVERY_MS = 60 * 1000,
    SWEEP_EVERY_MS = 3600 * 1000,
    BLOB_AGE_MS = 24 * 3600 * 1000,
    PAUSE_MS = 100,
    /* Few at a time: who files messages waits until a step is over, and somebody waits for him. */
    INDEX_STEP = 500,
    LEARN_STEP = 2000,
    LEARN_PAUSE_MS = 500,
    LEARN_EVERY_MS = 10 * 1000, /* What is usual changes slowly. */
};

static bool set_limits(struct worker *worker, struct upkeep_limits *limits, struct err *err)
{
    const struct plan *plan = worker->plan;
    struct str *names = arena_array(&worker->arena, plan->pipeline_count + 1, sizeof *names);
    if (names == NULL) {
        return err_set(err, ERR_RETRY, "out of step memory for %zu pipelines",
                       plan->pipeline_count);
    }
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        names[i] = plan->pipelines[i].name;
    }
    *limits = (struct upkeep_limits){
        .archive_ms = plan->archive_keep_ms,
        .archive_bytes = plan->archive_keep_bytes,
        .runs_ms = plan->runs_keep_ms,
        .pipelines = names,
        .pipeline_count = plan->pipeline_count,
        .baselines = true,
    };
    return true;
}

/*
 * Attachments that nothing refers to: leftovers of a crash, and those of removed messages. In a
 * folder that other programs share nobody here knows what they refer to: nothing is removed there.
 */
static bool sweep_blobs(struct worker *worker, struct err *err)
{
    int64_t removed = 0;
    if (worker->plan->files_dir.ptr != NULL) {
        return true;
    }
    struct str folder = arena_printf(&worker->arena, "%.*s/files", STR_ARG(worker->data_dir));
    int64_t before_ms = clock_wall_ms(worker->clock) - BLOB_AGE_MS;
    return store_blobs_sweep(worker->store, &worker->arena, folder, before_ms, &removed, err);
}

/* What each chat's silence means is learned behind. */
static bool learn(struct worker *worker, int64_t now_ms, bool *more, struct err *err)
{
    if (now_ms < worker->learned_ms) {
        return true;
    }
    if (!store_habit_fill(worker->store, worker->plan->zone, LEARN_STEP, more, err)) {
        return false;
    }
    worker->learned_ms = now_ms + (*more ? LEARN_PAUSE_MS : LEARN_EVERY_MS);
    return true;
}

static bool upkeep_step(struct worker *worker, struct err *err)
{
    struct upkeep_counts counts = {0};
    struct upkeep_limits limits = {0};
    bool more_text = false;
    bool more = false;
    bool more_habit = false;
    int64_t now = worker_mono_ms(worker);
    if (!set_limits(worker, &limits, err)) {
        return false;
    }
    if (!store_search_fill(worker->store, &worker->arena, INDEX_STEP, &more_text, err)) {
        return false;
    }
    if (worker->checked_ms == 0 || now - worker->checked_ms >= UPKEEP_EVERY_MS) {
        if (!store_upkeep(worker->store, &limits, &counts, &more, err)) {
            return false;
        }
        bool sweep = !more && (worker->swept_ms == 0 || now - worker->swept_ms >= SWEEP_EVERY_MS);
        if (sweep && !sweep_blobs(worker, err)) {
            return false;
        }
        worker->swept_ms = sweep ? now : worker->swept_ms;
        worker->checked_ms = more ? 0 : now;
    }
    if (!learn(worker, now, &more_habit, err)) {
        return false;
    }
    bool left = more || more_text || more_habit;
    worker->rest_ms = left ? now + WORKER_REST_MS : worker->rest_ms;
    worker->wake_ms = now + (left ? PAUSE_MS : WORKER_IDLE_MS);
    return true;
}

const struct worker_type worker_upkeep = {
    .name = "upkeep", .step = upkeep_step, .patience_ms = PAUSE_MS};
