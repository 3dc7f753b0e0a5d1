#include "serve/calls.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

enum { STATUS_UNAVAILABLE = 503, IDLE_MS = 60 * 1000 };

struct calls {
    calls_work *work;
    void *context;
    struct clock *clock;
    struct thread threads[CALLS_HANDS];
    struct calls_hand hands[CALLS_HANDS];
    struct start {
        struct calls *calls;
        struct calls_hand *hand;
    } starts[CALLS_HANDS];
    size_t running;
    struct lock lock; /* Of all below. */
    struct signal woken;
    bool stop;
    struct call *first; /* In order of arrival; those that wait for later keep their place. */
    struct call *last;
    size_t count; /* Also of those at work. */
};

void call_refuse_later(struct call *call, const char *code, const char *why)
{
    call_refuse(call, STATUS_UNAVAILABLE, code, "%s", why);
    call->header = "Retry-After";
    call->header_value = STR("2");
}

static void append(struct calls *calls, struct call *call)
{
    call->next = NULL;
    if (calls->last != NULL) {
        calls->last->next = call;
    } else {
        calls->first = call;
    }
    calls->last = call;
}

/* The first one whose time has come; `*wake_ms` is when the next one's will. */
static struct call *take_due(struct calls *calls, int64_t now_ms, int64_t *wake_ms)
{
    struct call *before = NULL;
    *wake_ms = now_ms + IDLE_MS;
    for (struct call *call = calls->first; call != NULL; before = call, call = call->next) {
        if (call->due_ms > now_ms) {
            *wake_ms = call->due_ms < *wake_ms ? call->due_ms : *wake_ms;
            continue;
        }
        if (before != NULL) {
            before->next = call->next;
        } else {
            calls->first = call->next;
        }
        calls->last = calls->last == call ? before : calls->last;
        return call;
    }
    return NULL;
}

/* Without the lock. */
static bool work_on(struct calls *calls, struct calls_hand *hand, struct call *call)
{
    bool answered = calls->work(calls->context, hand, call);
    store_rollback(hand->store);
    arena_reset(&hand->scratch);
    if (answered) {
        server_resume(call); /* It is somebody else's from here on. */
    }
    return answered;
}

static void *run(void *argument)
{
    struct start *start = argument;
    struct calls *calls = start->calls;
    lock_take(&calls->lock);
    while (!calls->stop) {
        int64_t wake_ms = 0;
        int64_t now_ms = clock_mono_ms(calls->clock);
        struct call *call = take_due(calls, now_ms, &wake_ms);
        if (call == NULL) {
            (void)signal_wait(&calls->woken, &calls->lock, wake_ms);
            continue;
        }
        lock_give(&calls->lock);
        bool answered = work_on(calls, start->hand, call);
        lock_take(&calls->lock);
        if (answered) {
            calls->count--;
        } else {
            call->due_ms = clock_mono_ms(calls->clock) + call->again_ms;
            append(calls, call);
        }
    }
    lock_give(&calls->lock);
    store_leave_thread();
    return NULL;
}

void calls_put(struct calls *calls, struct call *call)
{
    server_defer(call);
    lock_take(&calls->lock);
    bool stop = calls->stop;
    bool room = !stop && calls->count < CALLS_WAITING_MAX;
    if (room) {
        calls->count++;
        call->due_ms = 0;
        append(calls, call);
        signal_all(&calls->woken);
    }
    lock_give(&calls->lock);
    if (!room) {
        call_refuse_later(call, "try_later",
                          stop ? "sluice is stopping" : "too many calls wait already");
        server_resume(call);
    }
}

bool calls_start(struct calls **out, struct engine *engine, calls_work *work, void *context,
                 struct err *err)
{
    struct calls *calls = mem_alloc(sizeof *calls);
    if (calls == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    calls->work = work;
    calls->context = context;
    calls->clock = clock_system();
    lock_init(&calls->lock);
    signal_init(&calls->woken);
    bool ok = true;
    for (size_t i = 0; i < CALLS_HANDS; i++) {
        arena_init(&calls->hands[i].scratch, CALLS_SCRATCH_MAX);
        calls->starts[i] = (struct start){calls, &calls->hands[i]};
        ok = ok && engine_store(engine, &calls->hands[i].store, err);
    }
    for (size_t i = 0; ok && i < CALLS_HANDS; i++) {
        ok = thread_start(&calls->threads[i], run, &calls->starts[i], false, err);
        calls->running += ok;
    }
    if (!ok) {
        calls_stop(calls);
        calls_free(calls);
        return false;
    }
    *out = calls;
    return true;
}

void calls_stop(struct calls *calls)
{
    if (calls == NULL) {
        return;
    }
    lock_take(&calls->lock);
    calls->stop = true;
    signal_all(&calls->woken);
    lock_give(&calls->lock);
    for (size_t i = 0; i < calls->running; i++) {
        thread_join(&calls->threads[i]);
    }
    calls->running = 0;
    while (calls->first != NULL) { /* No thread is left that could take one. */
        struct call *call = calls->first;
        calls->first = call->next;
        call_refuse_later(call, "try_later", "sluice is stopping");
        server_resume(call);
    }
    calls->last = NULL;
}

void calls_free(struct calls *calls)
{
    if (calls == NULL) {
        return;
    }
    for (size_t i = 0; i < CALLS_HANDS; i++) {
        store_close(calls->hands[i].store);
        arena_free(&calls->hands[i].scratch);
    }
    mem_free(calls);
}
