#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "engine/internal.h"
#include "engine/keys.h"
#include "store/archive.h"
#include "store/outbox.h"
#include "store/run.h"

enum {
    RUN_ONCE_SLEEP_MS = 20,
    RUN_LOOK_MS = 4, /* Between two looks at what the threads have done. */
    RUN_STOP_MS = 60 * 1000,
    RUN_UPKEEP_MS = 250,
    RUN_MUCH = 100 * 1000, /* Messages; whoever waits for so many does not wait for their index. */
    FOLLOW_MS = 200,
    START_WAIT_MS = 500,
    REQUEST_WAIT_MS = 10 * 1000, /* How long a running serve may take to notice a request. */
};

bool engine_open_store(struct engine *engine, struct store **out, struct err *err)
{
    struct store_options options = {
        .path = str_of(engine->store_path),
        .clock = engine->options.clock,
        .gate = engine->gate,
    };
    return store_open(out, &options, err);
}

static struct post *free_post(struct engine *engine)
{
    size_t at = 0;
    while (at < engine->count && engine->posts[at].worker != NULL) {
        at++;
    }
    if (at == ENGINE_WORKERS_MAX) {
        return NULL;
    }
    engine->count = at == engine->count ? at + 1 : engine->count;
    return &engine->posts[at];
}

struct post *engine_post(struct engine *engine, struct edition *edition,
                         const struct worker_type *type, enum part_kind kind, struct str name,
                         struct err *err)
{
    struct worker *worker = mem_alloc(sizeof *worker);
    if (worker == NULL) {
        (void)err_set(err, ERR_RETRY, "out of memory");
        return NULL;
    }
    lock_take(&engine->guard);
    struct post *post = free_post(engine);
    if (post != NULL) {
        *post = (struct post){.engine = engine, .worker = worker, .kind = kind, .edition = edition};
        edition_hold(edition);
    }
    lock_give(&engine->guard);
    if (post == NULL) {
        mem_free(worker);
        (void)err_set(err, ERR_CONFIG,
                      "the configuration needs more than %d workers (sources + pipelines + sinks)",
                      ENGINE_WORKERS_MAX);
        return NULL;
    }
    rng_seed_system(&post->rng);
    worker->type = type;
    worker->plan = &edition->plan;
    worker->clock = engine->options.clock;
    worker->rng = &post->rng;
    worker->data_dir = engine->options.data_dir;
    worker->owner = engine->options.owner;
    worker->leases = engine->leases;
    worker->inboxes = engine->inboxes;
    worker->wake_ms = clock_mono_ms(worker->clock);
    worker->post = post;
    (void)snprintf(worker->name, sizeof worker->name, "%s%s%.*s", type->name,
                   name.len > 0 ? "/" : "", STR_ARG(name));
    arena_init(&worker->arena, WORKER_ARENA_LIMIT);
    arena_init(&worker->open_arena, WORKER_ARENA_LIMIT);
    if (!engine_open_store(engine, &worker->store, err)) {
        engine_post_free(engine, post);
        return NULL;
    }
    return post;
}

void engine_post_free(struct engine *engine, struct post *post)
{
    struct worker *worker = post->worker;
    if (worker->store != NULL) {
        worker_close(worker);
    }
    store_close(worker->store);
    lock_take(&engine->guard);
    edition_drop(post->edition);
    edition_drop(post->next);
    *post = (struct post){0};
    lock_give(&engine->guard);
    mem_free(worker);
}

static bool add_parts(struct engine *engine, enum part_kind kind, struct err *err)
{
    for (size_t i = 0; i < edition_count(engine->edition, kind); i++) {
        if (engine_part_post(engine, engine->edition, kind, i, err) == NULL) {
            return false;
        }
    }
    return true;
}

static bool add_workers(struct engine *engine, struct err *err)
{
    /* The conductor comes first: a run is open before its messages arrive. */
    return engine_post(engine, engine->edition, &worker_conductor, PART_KINDS, STR(""), err) !=
               NULL &&
           add_parts(engine, PART_SOURCE, err) && add_parts(engine, PART_PIPELINE, err) &&
           add_parts(engine, PART_SINK, err);
}

bool engine_open(struct engine **out, const struct engine_options *options, struct err *err)
{
    struct engine *engine = mem_alloc(sizeof *engine);
    if (engine == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    engine->options = *options;
    lock_init(&engine->guard);
    lock_init(&engine->reloading);
    signal_init(&engine->changed);
    int len = snprintf(engine->store_path, sizeof engine->store_path, "%.*s/sluice.db",
                       STR_ARG(options->data_dir));
    bool fits = len > 0 && (size_t)len < sizeof engine->store_path;
    bool ok = fits || err_set(err, ERR_CONFIG, "the path of the data folder is too long");
    ok = ok && store_gate_new(&engine->gate, err) && inboxes_new(&engine->inboxes, err) &&
         lease_file_open(&engine->leases, str_of(engine->store_path), err) &&
         engine_open_store(engine, &engine->store, err) &&
         keys_guard(engine->store, options->plan, err) &&
         edition_new(&engine->edition, NULL, options->plan, (struct plan_owner){0}, err) &&
         add_workers(engine, err);
    if (!ok) {
        engine_close(engine);
        return false;
    }
    engine->edition->owner = options->plan_owner; /* From here on it is ours. */
    *out = engine;
    return true;
}

/* The work of all workers is taken before anything starts, so a second process is refused whole. */
static bool take_leases(struct engine *engine, struct err *err)
{
    for (size_t i = 0; i < engine->count; i++) {
        struct worker *worker = engine->posts[i].worker;
        if (worker->lease.work == 0 &&
            !store_lease_take(worker->store, engine->leases, str_of(worker->name), worker->owner,
                              &worker->lease, err)) {
            return false;
        }
    }
    return true;
}

static void set_runner(struct engine *engine, struct runner *runner)
{
    lock_take(&engine->guard);
    engine->runner = runner;
    lock_give(&engine->guard);
}

/* `*out` may be there although it failed: some threads run then and must be stopped. */
static bool start_threads(struct engine *engine, struct runner **out, struct err *err)
{
    struct worker *workers[ENGINE_WORKERS_MAX];
    for (size_t i = 0; i < engine->count; i++) {
        workers[i] = engine->posts[i].worker;
    }
    bool ok = runner_start(out, workers, engine->count, err);
    set_runner(engine, *out);
    return ok;
}

/* A store that cannot be written now (its disk is full) is waited for, as it is later on. */
static bool take_leases_in_time(struct engine *engine, struct err *err)
{
    struct clock *clock = engine->options.clock;
    bool taken = take_leases(engine, err);
    if (!taken && err->kind == ERR_RETRY) {
        log_warn("%s; the start waits for it", err->text);
    }
    while (!taken && err->kind == ERR_RETRY && !atomic_load(&engine->stop)) {
        clock->sleep_until(clock, clock_mono_ms(clock) + START_WAIT_MS);
        *err = (struct err){0};
        taken = take_leases(engine, err);
    }
    return taken;
}

bool engine_serve(struct engine *engine, size_t *left, struct err *err)
{
    *left = 0;
    struct runner *runner = NULL;
    bool started =
        engine_post(engine, engine->edition, &worker_upkeep, PART_KINDS, STR(""), err) != NULL &&
        take_leases_in_time(engine, err);
    for (size_t i = 0; i < engine->count; i++) {
        engine_listen(engine->posts[i].worker);
    }
    started = started && start_threads(engine, &runner, err);
    if (!started) {
        *left = runner == NULL ? 0 : runner_stop(runner, ENGINE_STOP_MS);
        return runner == NULL && err->kind == ERR_RETRY && atomic_load(&engine->stop);
    }
    if (atomic_load(&engine->stop)) { /* Before there was a runner to ask. */
        runner_ask_stop(runner);
    }
    bool ok = runner_wait(runner, err);
    atomic_store(&engine->stop, true); /* No reload begins from here on, and one that runs ends. */
    lock_take(&engine->reloading);
    *left = runner_stop(runner, ENGINE_STOP_MS);
    lock_give(&engine->reloading);
    return ok;
}

void engine_stop(struct engine *engine)
{
    atomic_store(&engine->stop, true);
    lock_take(&engine->guard);
    if (engine->runner != NULL) {
        runner_ask_stop(engine->runner);
    }
    lock_give(&engine->guard);
}

static bool is_stopping(void *context)
{
    struct engine *engine = context;
    return atomic_load(&engine->stop);
}

bool engine_store(struct engine *engine, struct store **out, struct err *err)
{
    return engine_open_store(engine, out, err);
}

struct inboxes *engine_inboxes(struct engine *engine)
{
    return engine->inboxes;
}

void engine_wake(struct engine *engine)
{
    lock_take(&engine->guard);
    if (engine->runner != NULL) {
        runner_ring(engine->runner);
    }
    lock_give(&engine->guard);
}

size_t engine_left(struct engine *engine, const char **names, size_t max)
{
    return engine->runner == NULL ? 0 : runner_left(engine->runner, names, max);
}

static bool ask_runs(struct engine *engine, const struct engine_ask *ask,
                     const struct str *pipelines, size_t count, int64_t *requests, struct err *err)
{
    const struct plan *plan = &engine->edition->plan;
    if (!store_begin(engine->store, NULL, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct request request = {.act = ask->act,
                                  .detail = ask->detail,
                                  .object =
                                      pipelines != NULL ? pipelines[i] : plan->pipelines[i].name};
        if (!store_request_put(engine->store, &request, &requests[i], err)) {
            store_rollback(engine->store);
            return false;
        }
    }
    return store_commit(engine->store, err);
}

static void add_counts(struct engine_counts *counts, const struct run *run)
{
    counts->messages += run->messages;
    counts->records += run->records;
    counts->delivered += run->delivered;
    counts->failed += run->failed;
}

/* A pipeline that listens to the ends of runs has worked on them, and tried to deliver. */
static bool has_heard(struct engine *engine, const struct plan_pipeline *pipeline, bool *has,
                      struct err *err)
{
    bool listens = false;
    bool waits = false;
    int64_t untried = 0;
    int64_t position = 0;
    for (size_t i = 0; i < pipeline->chat_count && !waits; i++) {
        const struct plan_chat *chat = &pipeline->chats[i];
        if (!str_equal(chat->source, STR("runs"))) {
            continue;
        }
        listens = true;
        if (!store_position_get(engine->store, pipeline->name, &position, err) ||
            !store_runs_after(engine->store, chat->chat, position, &waits, err)) {
            return false;
        }
    }
    if (listens && !waits &&
        !store_outbox_untried(engine->store, pipeline->name, INT64_MAX, &untried, err)) {
        return false;
    }
    *has = !waits && untried == 0;
    return true;
}

/* Have all the runs that were asked for ended? */
static bool runs_ended(struct engine *engine, struct arena *arena, const int64_t *requests,
                       size_t count, bool *ended, bool *partial, struct err *err)
{
    *ended = true;
    *partial = false;
    engine->counts = (struct engine_counts){0};
    for (size_t i = 0; i < count && *ended; i++) {
        struct request request = {0};
        struct run run = {0};
        bool found = false;
        if (!store_request_get(engine->store, arena, requests[i], &request, &found, err)) {
            return false;
        }
        *ended = found && request.run_id != 0;
        if (!*ended || request.run_id < 0) {
            *partial = *partial || request.run_id < 0;
            continue;
        }
        if (!store_run_get(engine->store, arena, request.run_id, &run, err)) {
            return false;
        }
        *ended = run.phase == RUN_ENDED;
        *partial = *partial || run.outcome != RUN_OK;
        add_counts(&engine->counts, &run);
    }
    for (size_t i = 0; i < engine->edition->plan.pipeline_count && *ended; i++) {
        if (!has_heard(engine, &engine->edition->plan.pipelines[i], ended, err)) {
            return false;
        }
    }
    return true;
}

/* One round over all workers that are due. */
static bool run_due(struct engine *engine, bool *busy, struct err *err)
{
    *busy = false;
    for (size_t i = 0; i < engine->count; i++) {
        struct worker *worker = engine->posts[i].worker;
        if (clock_mono_ms(engine->options.clock) < worker->wake_ms) {
            continue;
        }
        if (!worker_run(worker, err)) {
            return false;
        }
        *busy = *busy || worker->busy;
    }
    return true;
}

/* In one thread, ringing the bell means that everybody is due who does not wait after a failure. */
static void wake_all(struct bell *bell)
{
    struct engine *engine = ((struct wake_bell *)bell)->engine;
    int64_t now = clock_mono_ms(engine->options.clock);
    for (size_t i = 0; i < engine->count; i++) {
        struct worker *worker = engine->posts[i].worker;
        if (worker->failures == 0 && worker->wake_ms > now) {
            worker->wake_ms = now;
        }
    }
}

/* Workers that have no thread ring for each other, and are stopped with the engine. */
static void listen_here(struct engine *engine)
{
    engine->wake = (struct wake_bell){{wake_all}, engine};
    for (size_t i = 0; i < engine->count; i++) {
        struct worker *worker = engine->posts[i].worker;
        worker->bell = &engine->wake.bell;
        worker->stopping = is_stopping;
        worker->stopping_context = engine;
    }
}

/* What cannot be reached or written must not hold the run for ever: what was tried is enough. */
static bool gave_up(const struct engine *engine)
{
    for (size_t i = 0; i < engine->count; i++) {
        if (engine->posts[i].worker->failures >= BREAKER_FAILURES) {
            return true;
        }
    }
    return false;
}

static bool work_until_ended(struct engine *engine, struct arena *arena, const int64_t *requests,
                             size_t count, bool *partial, struct err *err)
{
    struct clock *clock = engine->options.clock;
    bool ended = false;
    while (!ended) {
        bool busy = false;
        if (!run_due(engine, &busy, err) ||
            !runs_ended(engine, arena, requests, count, &ended, partial, err)) {
            return false;
        }
        arena_reset(arena);
        if (!ended && ((!busy && gave_up(engine)) || is_stopping(engine))) {
            *partial = true;
            return true;
        }
        if (!ended && !busy) {
            clock->sleep_until(clock, clock_mono_ms(clock) + RUN_ONCE_SLEEP_MS);
        }
    }
    return true;
}

/* A run is open before its messages arrive. */
static bool open_first(struct engine *engine, struct err *err)
{
    struct worker *conductor = engine->posts[0].worker;
    must(conductor->type == &worker_conductor);
    do {
        if (!worker_run(conductor, err)) {
            return false;
        }
    } while (conductor->busy && !is_stopping(engine));
    return true;
}

static bool watch_threads(struct engine *engine, struct runner *runner, struct arena *arena,
                          const int64_t *requests, size_t count, bool *partial, struct err *err)
{
    struct clock *clock = engine->options.clock;
    bool ended = false;
    bool stuck = false;
    bool ok = true;
    while (ok && !ended && !stuck) {
        bool stopping = !runner_pause(runner, clock_mono_ms(clock) + RUN_ONCE_SLEEP_MS);
        ok = (!stopping || runner_wait(runner, err)) &&
             runs_ended(engine, arena, requests, count, &ended, partial, err);
        arena_reset(arena);
        stuck = stopping || runner_stuck(runner, BREAKER_FAILURES);
        if (!ended && !stuck) {
            clock->sleep_until(clock, clock_mono_ms(clock) + RUN_LOOK_MS);
        }
    }
    *partial = *partial || !ended;
    return ok;
}

/* The same with a thread for each worker. */
static bool thread_until_ended(struct engine *engine, struct arena *arena, const int64_t *requests,
                               size_t count, bool *partial, struct err *err)
{
    struct runner *runner = NULL;
    if (!open_first(engine, err)) {
        return false;
    }
    bool ok = start_threads(engine, &runner, err);
    if (ok && atomic_load(&engine->stop)) { /* Before there was a runner to ask. */
        runner_ask_stop(runner);
    }
    ok = ok && watch_threads(engine, runner, arena, requests, count, partial, err);
    set_runner(engine, NULL);
    if (runner != NULL) {
        while (runner_stop(runner, RUN_STOP_MS) > 0) { /* Steps have deadlines of their own. */
        }
        runner_free(runner);
    }
    listen_here(engine);
    return ok;
}

/* Another process owns the work: it carries the request out, we watch. */
static bool follow_other(struct engine *engine, struct arena *arena, const int64_t *requests,
                         size_t count, bool *partial, struct err *err)
{
    struct clock *clock = engine->options.clock;
    bool ended = false;
    while (!ended) {
        if (!runs_ended(engine, arena, requests, count, &ended, partial, err)) {
            return false;
        }
        arena_reset(arena);
        if (!ended && is_stopping(engine)) {
            *partial = true;
            return true;
        }
        bool held = true;
        if (!ended &&
            !store_lease_held(engine->store, engine->leases, STR("conductor"), &held, err)) {
            return false;
        }
        if (!ended && !held) {
            return err_set(err, ERR_RETRY,
                           "the process that was working on this store has ended; run again");
        }
        clock->sleep_until(clock, clock_mono_ms(clock) + FOLLOW_MS);
    }
    return true;
}

bool engine_run_once(struct engine *engine, const struct str *pipelines, size_t count,
                     bool *partial, struct err *err)
{
    return engine_ask(engine, &(struct engine_ask){.act = STR("run")}, pipelines, count, partial,
                      err);
}

/*
 * Who only runs (from cron) has no upkeep at work: after each run a little of it is done, so that
 * the search index and retention do not wait for a `serve` that never comes. What is left is done
 * after the next run; a failure is said and fails nothing. A run that took in very much does one
 * step, and leaves the rest to quieter ones.
 */
static void keep_up(struct engine *engine)
{
    struct clock *clock = engine->options.clock;
    struct err err = {0};
    int64_t until_ms = clock_mono_ms(clock) + RUN_UPKEEP_MS;
    struct post *post = NULL;
    for (size_t i = 0; i < engine->count; i++) { /* It stays for the next run. */
        post = engine->posts[i].worker->type == &worker_upkeep ? &engine->posts[i] : post;
    }
    if (post == NULL) {
        post = engine_post(engine, engine->edition, &worker_upkeep, PART_KINDS, STR(""), &err);
    }
    bool ok = post != NULL;
    bool more = ok;
    while (ok && more && !is_stopping(engine) && clock_mono_ms(clock) < until_ms) {
        ok = worker_run(post->worker, &err);
        more = post->worker->wake_ms < clock_mono_ms(clock) + WORKER_REST_MS &&
               engine->counts.messages < RUN_MUCH;
    }
    if (!ok && err.kind != ERR_STOP) { /* A `serve` that began just now does it. */
        log_warn("upkeep after the run: %s", err.text);
    }
}

bool engine_ask(struct engine *engine, const struct engine_ask *ask, const struct str *pipelines,
                size_t count, bool *partial, struct err *err)
{
    int64_t requests[PLAN_PIPELINES_MAX];
    struct arena arena;
    bool held = false;
    *partial = false;
    if (count == 0) {
        pipelines = NULL;
        count = engine->edition->plan.pipeline_count;
    }
    must(count <= PLAN_PIPELINES_MAX);
    if (!store_lease_held(engine->store, engine->leases, STR("conductor"), &held, err) ||
        (!held && !take_leases(engine, err)) ||
        !ask_runs(engine, ask, pipelines, count, requests, err)) {
        return false;
    }
    arena_init(&arena, WORKER_ARENA_LIMIT);
    listen_here(engine);
    engine->posts[0].worker->by_hand = true; /* The conductor's. */
    bool threads = engine->options.threads;
    bool ok = held      ? follow_other(engine, &arena, requests, count, partial, err)
              : threads ? thread_until_ended(engine, &arena, requests, count, partial, err)
                        : work_until_ended(engine, &arena, requests, count, partial, err);
    if (ok && !held) {
        keep_up(engine);
    }
    arena_free(&arena);
    for (size_t i = 0; i < engine->count; i++) {
        engine->posts[i].worker->bell = NULL;
    }
    engine->posts[0].worker->by_hand = false;
    return ok;
}

void engine_counts(const struct engine *engine, struct engine_counts *out)
{
    *out = engine->counts;
}

void engine_close(struct engine *engine)
{
    for (size_t i = 0; i < engine->count; i++) {
        if (engine->posts[i].worker != NULL) {
            engine_post_free(engine, &engine->posts[i]);
        }
    }
    edition_drop(engine->edition);
    store_close(engine->store);
    lease_file_close(engine->leases);
    store_gate_free(engine->gate);
    inboxes_free(engine->inboxes);
    if (engine->runner != NULL) {
        runner_free(engine->runner);
    }
    mem_free(engine);
}
