#include "engine/runner.h"

#include "base/mem.h"
#include "base/must.h"
#include "base/thread.h"

struct seat {
    struct runner *runner;
    struct worker *worker;
    struct thread thread;
    bool running;
};

struct runner {
    struct bell bell; /* First: workers ring it. */
    struct lock lock; /* Guards all below. */
    struct signal changed;
    uint64_t rings;
    bool stopping;
    bool failed;
    struct err failure;
    size_t running;
    size_t count;
    struct seat seats[RUNNER_WORKERS_MAX];
};

static void ring(struct bell *bell)
{
    struct runner *runner = (struct runner *)bell;
    lock_take(&runner->lock);
    runner->rings++;
    signal_all(&runner->changed);
    lock_give(&runner->lock);
}

static bool is_stopping(void *context)
{
    struct runner *runner = context;
    lock_take(&runner->lock);
    bool stopping = runner->stopping;
    lock_give(&runner->lock);
    return stopping;
}

/*
 * Sleep until the worker is due or somebody rang since `*rings`. A worker that waits after a
 * failure is not woken by the bell: the outside has not got better by that.
 */
static bool wait_for_work(struct runner *runner, const struct worker *worker, uint64_t *rings)
{
    lock_take(&runner->lock);
    while (!runner->stopping && clock_mono_ms(worker->clock) < worker->wake_ms &&
           (*rings == runner->rings || worker->failures > 0)) {
        (void)signal_wait(&runner->changed, &runner->lock, worker->wake_ms);
    }
    *rings = runner->rings;
    bool go_on = !runner->stopping;
    lock_give(&runner->lock);
    return go_on;
}

static void *run_seat(void *argument)
{
    struct seat *seat = argument;
    struct runner *runner = seat->runner;
    struct err err = {0};
    uint64_t rings = 0;
    bool healthy = true;
    while (healthy && wait_for_work(runner, seat->worker, &rings)) {
        healthy = worker_run(seat->worker, &err);
    }
    worker_close(seat->worker);
    lock_take(&runner->lock);
    if (!healthy && !runner->failed) {
        runner->failed = true;
        runner->failure = err;
        runner->stopping = true;
    }
    seat->running = false;
    runner->running--;
    signal_all(&runner->changed);
    lock_give(&runner->lock);
    return NULL;
}

bool runner_start(struct runner **out, struct worker *const *workers, size_t count, struct err *err)
{
    must(count <= RUNNER_WORKERS_MAX);
    struct runner *runner = mem_alloc(sizeof *runner);
    if (runner == NULL) {
        return err_set(err, ERR_RETRY, "runner: out of memory");
    }
    runner->bell.ring = ring;
    lock_init(&runner->lock);
    signal_init(&runner->changed);
    runner->count = count;
    *out = runner;
    for (size_t i = 0; i < count; i++) {
        struct seat *seat = &runner->seats[i];
        *seat = (struct seat){.runner = runner, .worker = workers[i], .running = true};
        workers[i]->bell = &runner->bell;
        workers[i]->stopping = is_stopping;
        workers[i]->stopping_context = runner;
        lock_take(&runner->lock);
        runner->running++;
        lock_give(&runner->lock);
        if (!thread_start(&seat->thread, run_seat, seat, true, err)) {
            lock_take(&runner->lock);
            seat->running = false;
            runner->running--;
            lock_give(&runner->lock);
            return err_prefix(err, "%s: ", workers[i]->name);
        }
    }
    return true;
}

bool runner_wait(struct runner *runner, struct err *err)
{
    lock_take(&runner->lock);
    while (!runner->stopping) {
        (void)signal_wait(&runner->changed, &runner->lock, INT64_MAX / 2);
    }
    bool ok = !runner->failed;
    if (!ok) {
        *err = runner->failure;
    }
    lock_give(&runner->lock);
    return ok;
}

void runner_ask_stop(struct runner *runner)
{
    lock_take(&runner->lock);
    runner->stopping = true;
    signal_all(&runner->changed);
    lock_give(&runner->lock);
}

size_t runner_stop(struct runner *runner, int64_t limit_ms)
{
    struct clock *clock = clock_system();
    int64_t deadline_ms = clock_mono_ms(clock) + limit_ms;
    lock_take(&runner->lock);
    runner->stopping = true;
    signal_all(&runner->changed);
    while (runner->running > 0 && signal_wait(&runner->changed, &runner->lock, deadline_ms)) {
    }
    size_t left = runner->running;
    lock_give(&runner->lock);
    return left;
}

size_t runner_left(struct runner *runner, const char **names, size_t max)
{
    size_t count = 0;
    lock_take(&runner->lock);
    for (size_t i = 0; i < runner->count && count < max; i++) {
        if (runner->seats[i].running) {
            names[count++] = runner->seats[i].worker->name;
        }
    }
    lock_give(&runner->lock);
    return count;
}

void runner_free(struct runner *runner)
{
    must(runner->running == 0);
    mem_free(runner);
}
