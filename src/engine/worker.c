#include "engine/worker.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/must.h"
#include "store/archive.h"
#include "store/progress.h"

int64_t worker_mono_ms(const struct worker *worker)
{
    return clock_mono_ms(worker->clock);
}

void worker_ring(struct worker *worker)
{
    if (worker->bell != NULL) {
        worker->bell->ring(worker->bell);
    }
}

static void say_doing(struct worker *worker, const char *what)
{
    (void)snprintf(worker->doing, sizeof worker->doing, "%s", what);
}

static bool open_worker(struct worker *worker, struct err *err)
{
    say_doing(worker, "opening");
    if (worker->lease.work == 0 &&
        !store_lease_take(worker->store, worker->leases, str_of(worker->name), worker->owner,
                          &worker->lease, err)) {
        return false;
    }
    if (worker->type->open != NULL && !worker->type->open(worker, err)) {
        store_rollback(worker->store);
        arena_free(&worker->open_arena);
        return false;
    }
    worker->opened = true;
    return true;
}

/* A failure is told when it is new, and then at its 2nd, 4th, 8th … time. */
static void tell(const struct worker *worker, const struct err *err, int64_t wait_ms)
{
    int times = worker->failures;
    if ((times & (times - 1)) != 0) {
        return;
    }
    log_warn("%s: %s (%s, failure %d; next try in %" PRId64 " s)", worker->name, err->text,
             err_kind_name(err->kind), times, (wait_ms + 999) / 1000);
}

/* The step gave up because it was asked to: nothing failed, and whoever asked knows. */
static bool was_stopped(const struct worker *worker, const struct err *err)
{
    return err->kind == ERR_STOP && worker->stopping != NULL &&
           worker->stopping(worker->stopping_context);
}

static bool ends_process(const struct err *err)
{
    return err->kind == ERR_STORE || err->kind == ERR_STOP;
}

/*
 * What a load needed is given back once nothing was to do for a while. Not at once: what trickles
 * in would make everything anew each time.
 */
static void rest_when_idle(struct worker *worker)
{
    int64_t now = worker_mono_ms(worker);
    bool grown = worker->arena.hint > 0; /* It has more than the smallest block. */
    if (worker->busy || (grown && worker->rest_ms == 0)) {
        worker->rest_ms = now + WORKER_REST_MS;
    }
    if (worker->busy || worker->rest_ms == 0) {
        return;
    }
    if (now < worker->rest_ms) {
        worker->wake_ms = worker->wake_ms < worker->rest_ms ? worker->wake_ms : worker->rest_ms;
        return;
    }
    worker->rest_ms = 0;
    arena_free(&worker->arena);
    store_shrink(worker->store);
    if (worker->type->rest != NULL) {
        worker->type->rest(worker);
    }
}

/* Where a person is awaited, whoever awaits them knows how often it is worth looking. */
static int64_t failure_wait_ms(const struct worker *worker, const struct err *err)
{
    return err->kind == ERR_LOGIN && err->retry_after_ms > 0
               ? err->retry_after_ms
               : retry_wait_ms(worker->rng, worker->failures, RETRY_MS_MAX, err->retry_after_ms);
}

bool worker_run(struct worker *worker, struct err *err)
{
    *err = (struct err){0};
    worker->busy = false;
    worker->wake_ms = worker_mono_ms(worker) + WORKER_IDLE_MS; /* A type may choose another. */
    bool ok = worker->opened || open_worker(worker, err);
    if (ok) {
        say_doing(worker, "working");
        ok = worker->type->step(worker, err);
    }
    if (!ok) {
        must(err->kind != ERR_NONE);
        store_rollback(worker->store);
    }
    arena_reset(&worker->arena);
    say_doing(worker, "waiting");
    if (ok) {
        worker->failures = 0;
        worker->wake_ms = worker->busy ? worker_mono_ms(worker) : worker->wake_ms;
        rest_when_idle(worker);
        return true;
    }
    if (was_stopped(worker, err)) {
        return true;
    }
    if (ends_process(err)) {
        return false;
    }
    worker->failures++;
    int64_t wait_ms = failure_wait_ms(worker, err);
    worker->wake_ms = worker_mono_ms(worker) + wait_ms;
    tell(worker, err, wait_ms);
    return true;
}

static void close_part(struct worker *worker)
{
    store_rollback(worker->store);
    if (worker->opened && worker->type->close != NULL) {
        worker->type->close(worker);
    }
    worker->opened = false;
    arena_free(&worker->arena);
    arena_free(&worker->open_arena);
}

void worker_turn(struct worker *worker)
{
    close_part(worker);
    worker->busy = false;
    worker->failures = 0;
    worker->wake_ms = worker_mono_ms(worker);
    worker->batch = 0;
    worker->calm = false;
    worker->breaker = (struct breaker){0};
    worker->intake = (struct intake){0};
    worker->rules = (struct rules){0};
}

void worker_close(struct worker *worker)
{
    struct err err = {0};
    close_part(worker);
    if (worker->lease.work != 0) {
        (void)store_lease_give(worker->store, worker->leases, &worker->lease, &err);
        worker->lease = (struct lease){0};
    }
}

bool worker_name_run(struct worker *worker, struct str pipeline, struct err *err)
{
    int64_t run = 0;
    if (!store_run_of(worker->store, pipeline, &run, err)) {
        return false;
    }
    log_run_set_id(run);
    return true;
}

bool worker_outside_failed(struct err *err)
{
    if (ends_process(err)) {
        err->kind = ERR_RETRY;
    }
    return false;
}

/* Notes of connectors: read without, written in a change of their own. */
static struct worker *worker_of(struct keep *keep)
{
    return keep->engine;
}

static bool keep_get(struct keep *keep, struct str key, struct arena *arena, struct str *value,
                     struct err *err)
{
    struct worker *worker = worker_of(keep);
    struct str name = worker->source != NULL ? worker->source->name : worker->sink->name;
    return store_keep_get(worker->store, arena, name, key, value, err);
}

static bool keep_put(struct keep *keep, struct str key, struct str value, struct err *err)
{
    struct worker *worker = worker_of(keep);
    struct str name = worker->source != NULL ? worker->source->name : worker->sink->name;
    bool ok = store_begin(worker->store, &worker->lease, err) &&
              store_keep_put(worker->store, name, key, value, err) &&
              store_commit(worker->store, err);
    if (!ok) {
        store_rollback(worker->store);
    }
    return ok;
}

struct connector_env worker_connector_env(struct worker *worker,
                                          const struct target *const *targets)
{
    worker->keep = (struct keep){worker, keep_get, keep_put};
    return (struct connector_env){
        .clock = worker->clock,
        .rng = worker->rng,
        .arena = &worker->open_arena,
        .keep = &worker->keep,
        .data_dir = worker->data_dir,
        .targets = targets,
        .stopping = worker->stopping,
        .stopping_context = worker->stopping_context,
    };
}
