#include "engine/shadow.h"

#include <stdio.h>

#include "base/mem.h"

/* A failure that comes back so often at the same place does not go away. */
enum { FAILURES_MAX = 20 };

static struct worker *seat(const struct shadow_place *place, const struct worker_type *type,
                           struct str name, struct rng *rng, struct err *err)
{
    struct worker *worker = mem_alloc(sizeof *worker);
    if (worker == NULL) {
        (void)err_set(err, ERR_RETRY, "out of memory");
        return NULL;
    }
    rng_seed_system(rng);
    worker->type = type;
    worker->plan = place->plan;
    worker->store = place->store;
    worker->clock = place->clock;
    worker->rng = rng;
    worker->data_dir = place->data_dir;
    worker->owner = STR("shadow");
    worker->stopping = place->stopping;
    worker->stopping_context = place->stopping_context;
    worker->shadowed = true;
    (void)snprintf(worker->name, sizeof worker->name, "%s/%.*s", type->name, STR_ARG(name));
    arena_init(&worker->arena, WORKER_ARENA_LIMIT);
    arena_init(&worker->open_arena, WORKER_ARENA_LIMIT);
    return worker;
}

static void leave(struct worker *worker)
{
    if (worker != NULL) {
        worker_close(worker);
        mem_free(worker);
    }
}

/* Until there is nothing to do; `tries` failures in a row are the end. */
static bool run_to_end(const struct shadow_place *place, struct worker *worker, int tries,
                       struct err *err)
{
    do {
        if (place->stopping != NULL && place->stopping(place->stopping_context)) {
            return err_set(err, ERR_STOP, "asked to stop");
        }
        if (!worker_run(worker, err) || worker->failures >= tries) {
            return false;
        }
    } while (worker->busy || worker->failures > 0);
    *err = (struct err){0};
    return true;
}

static bool count_refused(struct store *store, int64_t *count, struct err *err)
{
    return store_int(store, "SELECT count(*) FROM refused", count, err);
}

bool shadow_run_pipeline(const struct shadow_place *place, const struct shadow_task *task,
                         struct shadow_done *done, struct err *err)
{
    struct rng rng;
    int64_t before = 0;
    *done = (struct shadow_done){0};
    struct worker *worker = seat(place, task->again ? &worker_pipeline_again : &worker_pipeline,
                                 task->pipeline->name, &rng, err);
    if (worker == NULL) {
        return false;
    }
    worker->pipeline = task->pipeline;
    worker->rules.watch = task->watch;
    worker->rules.latest = task->latest;
    worker->rules.replaying = task->from == SHADOW_FROM_BASELINE;
    bool ok = count_refused(place->store, &before, err) &&
              store_shadow_start(place->store, task->pipeline->name, task->from, &done->start, err);
    worker->rules.upto = task->here_only ? done->start.position : 0;
    if (ok && (!task->here_only || done->start.position > 0)) {
        ok = run_to_end(place, worker, FAILURES_MAX, err);
        done->messages = worker->rules.messages;
        done->waits = ok && worker->rules.waits;
    }
    leave(worker);
    ok = ok && count_refused(place->store, &done->refused, err);
    done->refused -= before;
    return ok;
}

bool shadow_run_source(const struct shadow_place *place, const struct plan_source *source,
                       struct err *err)
{
    struct rng rng;
    struct plan_source now = *source;
    struct worker *worker = seat(place, &worker_intake, source->name, &rng, err);
    if (worker == NULL) {
        return false;
    }
    now.on_demand = false; /* Nobody plans a run here: it is looked at at once. */
    worker->source = &now;
    bool ok = run_to_end(place, worker, 1, err);
    leave(worker);
    return ok;
}
