/* The upkeep worker: fills the search index behind, keeps the store small. It is never in a hurry. */
#include "engine/worker.h"
#include "store/search.h"
#include "store/upkeep.h"

enum { UPKEEP_EVERY_MS = 60 * 1000, PAUSE_MS = 250 };

static bool upkeep_step(struct worker *worker, struct err *err)
{
    struct upkeep_counts counts = {0};
    struct upkeep_limits limits = {
        .archive_ms = worker->plan->archive_keep_ms,
        .runs_ms = worker->plan->runs_keep_ms,
    };
    bool more_text = false;
    bool more = false;
    int64_t now = worker_mono_ms(worker);
    if (!store_search_fill(worker->store, &worker->arena, SEARCH_STEP_MAX, &more_text, err)) {
        return false;
    }
    if (worker->checked_ms == 0 || now - worker->checked_ms >= UPKEEP_EVERY_MS) {
        if (!store_upkeep(worker->store, &limits, &counts, &more, err)) {
            return false;
        }
        worker->checked_ms = more ? 0 : now;
    }
    if (!more && !more_text) {
        store_shrink(worker->store);
    }
    worker->wake_ms = now + (more || more_text ? PAUSE_MS : WORKER_IDLE_MS);
    return true;
}

const struct worker_type worker_upkeep = {.name = "upkeep", .step = upkeep_step};
