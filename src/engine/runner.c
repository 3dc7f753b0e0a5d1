#include "engine/runner.h"

#include "base/mem.h"
#include "base/must.h"
#include "base/thread.h"

enum { PATIENCE_CREDIT = 8 }; /* So many rings are answered at once after a rest. */

struct seat {
    struct runner *runner;
    struct worker *worker;
    struct thread thread;
    bool running;
    struct signal signal; /* Wakes this one alone. */
    uint64_t rings;       /* Heard so far. */
    int64_t answers_ms;   /* When it may answer the bell again. */
    bool asleep;          /* Then its worker may be looked at under the lock. */
    bool called;          /* Since it fell asleep: once is enough. */
};

struct runner {
    struct bell bell;      /* First: workers ring it. */
    struct lock lock;      /* Guards all below. */
    struct signal changed; /* Stopping, or a thread ended. */
    struct signal rung;    /* Or stopping: for those who pause until somebody rings. */
    uint64_t rings;
    uint64_t nudges;
    bool stopping;
    bool failed;
    struct err failure;
    size_t running;
    size_t count;
    struct seat seats[RUNNER_WORKERS_MAX];
};

/* For what nobody may sleep through. Under the lock. */
static void wake_all(struct runner *runner)
{
    for (size_t i = 0; i < runner->count; i++) {
        signal_all(&runner->seats[i].signal);
    }
    signal_all(&runner->changed);
    signal_all(&runner->rung);
}

/* When a worker that sleeps does its next step if somebody rang. */
static int64_t answer_ms(const struct seat *seat)
{
    const struct worker *worker = seat->worker;
    bool sooner = worker->failures == 0 && seat->answers_ms < worker->wake_ms;
    return sooner ? seat->answers_ms : worker->wake_ms;
}

/* A step begins. Each takes some of its patience, and a rest gives back a few steps' worth. */
static void spend_patience(struct seat *seat, int64_t now_ms)
{
    int64_t patience_ms = seat->worker->type->patience_ms;
    int64_t rested_ms = now_ms - PATIENCE_CREDIT * patience_ms;
    int64_t least_ms = seat->answers_ms > rested_ms ? seat->answers_ms : rested_ms;
    seat->answers_ms = (least_ms < now_ms ? least_ms : now_ms) + patience_ms;
}

static void ring(struct bell *bell)
{
    struct runner *runner = (struct runner *)bell;
    lock_take(&runner->lock);
    runner->rings++;
    for (size_t i = 0; i < runner->count; i++) {
        struct seat *seat = &runner->seats[i];
        if (seat->asleep && !seat->called && seat->worker->failures == 0) {
            seat->called = true;
            signal_all(&seat->signal);
        }
    }
    signal_all(&runner->rung);
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

/* What the thread of a seat has heard. */
struct heard {
    uint64_t rings;
    uint64_t nudges;
    bool due; /* The worker shall do a step. */
};

/*
 * Sleep until the worker is due or somebody rang or nudged since it was heard last. A worker that
 * waits after a failure is not woken by the bell: the outside has not got better by that. One that
 * is patient hears the first ring, and sleeps on until its time: the others do not wake it again.
 */
static bool wait_for_work(struct seat *seat, struct heard *heard)
{
    struct runner *runner = seat->runner;
    const struct worker *worker = seat->worker;
    lock_take(&runner->lock);
    for (;;) {
        bool rung = heard->rings != runner->rings && worker->failures == 0;
        int64_t until_ms = rung ? answer_ms(seat) : worker->wake_ms;
        int64_t now_ms = clock_mono_ms(worker->clock);
        heard->due = now_ms >= until_ms;
        if (runner->stopping || heard->due || heard->nudges != runner->nudges) {
            if (heard->due) {
                spend_patience(seat, now_ms);
            }
            break;
        }
        seat->called = rung; /* A ring more would tell it nothing. */
        seat->asleep = true;
        (void)signal_wait(&seat->signal, &runner->lock, until_ms);
        seat->asleep = false;
    }
    heard->rings = heard->due ? runner->rings : heard->rings;
    heard->nudges = runner->nudges;
    seat->rings = heard->rings;
    bool go_on = !runner->stopping;
    lock_give(&runner->lock);
    return go_on;
}

/* Steps until the runner stops or the worker's time is over (`*over`). False: it failed for good.
 */
static bool repeat(struct seat *seat, bool *over, struct err *err)
{
    struct worker *worker = seat->worker;
    struct heard heard = {0};
    while (wait_for_work(seat, &heard)) {
        if (worker->between != NULL && !worker->between(worker)) {
            *over = true;
            return true;
        }
        if (heard.due && !worker_run(worker, err)) {
            return false;
        }
    }
    return true;
}

static void *run_seat(void *argument)
{
    struct seat *seat = argument;
    struct runner *runner = seat->runner;
    struct worker *worker = seat->worker;
    struct err err = {0};
    bool over = false;
    bool healthy = repeat(seat, &over, &err);
    worker_close(worker);
    if (over && worker->ended != NULL) {
        worker->ended(worker);
    }
    store_leave_thread();
    lock_take(&runner->lock);
    if (!healthy && !runner->failed) {
        runner->failed = true;
        runner->failure = err;
        runner->stopping = true;
        wake_all(runner);
    }
    seat->running = false;
    runner->running--;
    signal_all(&runner->changed);
    lock_give(&runner->lock);
    return NULL;
}

/* A seat whose thread has ended, or a new one. */
static struct seat *take_seat(struct runner *runner)
{
    size_t at = 0;
    while (at < runner->count && runner->seats[at].running) {
        at++;
    }
    if (at == RUNNER_WORKERS_MAX) {
        return NULL;
    }
    runner->count = at == runner->count ? at + 1 : runner->count;
    return &runner->seats[at];
}

bool runner_add(struct runner *runner, struct worker *worker, struct err *err)
{
    lock_take(&runner->lock);
    struct seat *seat = take_seat(runner);
    if (seat != NULL) {
        *seat = (struct seat){.runner = runner, .worker = worker, .running = true};
        signal_init(&seat->signal);
        runner->running++;
    }
    lock_give(&runner->lock);
    if (seat == NULL) {
        return err_set(err, ERR_RETRY, "more than %d workers", RUNNER_WORKERS_MAX);
    }
    worker->bell = &runner->bell;
    worker->stopping = is_stopping;
    worker->stopping_context = runner;
    worker->threads = true;
    if (thread_start(&seat->thread, run_seat, seat, true, err)) {
        return true;
    }
    lock_take(&runner->lock);
    seat->running = false;
    runner->running--;
    lock_give(&runner->lock);
    return err_prefix(err, "%s: ", worker->name);
}

void runner_nudge(struct runner *runner)
{
    lock_take(&runner->lock);
    runner->nudges++;
    wake_all(runner);
    lock_give(&runner->lock);
}

void runner_ring(struct runner *runner)
{
    runner->bell.ring(&runner->bell);
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
    signal_init(&runner->rung);
    *out = runner;
    for (size_t i = 0; i < count; i++) {
        if (!runner_add(runner, workers[i], err)) {
            return false;
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

bool runner_pause(struct runner *runner, int64_t deadline_ms)
{
    lock_take(&runner->lock);
    uint64_t rings = runner->rings;
    while (!runner->stopping && runner->rings == rings &&
           signal_wait(&runner->rung, &runner->lock, deadline_ms)) {
    }
    bool go_on = !runner->stopping;
    lock_give(&runner->lock);
    return go_on;
}

/* It sleeps, not merely because it has not yet woken up. */
static bool is_quiet(const struct runner *runner, const struct seat *seat)
{
    const struct worker *worker = seat->worker;
    return seat->asleep && (worker->failures > 0 || seat->rings == runner->rings) &&
           clock_mono_ms(worker->clock) < worker->wake_ms;
}

bool runner_stuck(struct runner *runner, int failures)
{
    bool quiet = true;
    bool failing = false;
    lock_take(&runner->lock);
    for (size_t i = 0; i < runner->count && quiet; i++) {
        const struct seat *seat = &runner->seats[i];
        if (seat->running) {
            quiet = is_quiet(runner, seat);
            failing = failing || (quiet && seat->worker->failures >= failures);
        }
    }
    lock_give(&runner->lock);
    return quiet && failing;
}

void runner_ask_stop(struct runner *runner)
{
    lock_take(&runner->lock);
    runner->stopping = true;
    wake_all(runner);
    lock_give(&runner->lock);
}

size_t runner_stop(struct runner *runner, int64_t limit_ms)
{
    struct clock *clock = clock_system();
    int64_t deadline_ms = clock_mono_ms(clock) + limit_ms;
    lock_take(&runner->lock);
    runner->stopping = true;
    wake_all(runner);
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
