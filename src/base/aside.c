#include "base/aside.h"

#include "base/mem.h"
#include "base/thread.h"

enum { SLICE_MS = 100 };

/* Shared by the one who waits and the thread; the last of the two frees it. */
struct errand {
    struct lock lock;
    struct signal over;
    bool done;
    bool left; /* Nobody waits any more. */
    void (*run)(void *work);
    void (*drop)(void *work);
    void *work;
};

static void *go(void *context)
{
    struct errand *errand = context;
    errand->run(errand->work);
    lock_take(&errand->lock);
    errand->done = true;
    bool alone = errand->left;
    signal_all(&errand->over);
    lock_give(&errand->lock);
    if (alone) {
        errand->drop(errand->work);
        mem_free(errand);
    }
    return NULL;
}

/* With the lock held. True when the call is over. */
static bool await(struct errand *errand, const struct aside *aside, struct err *err)
{
    while (!errand->done) {
        int64_t left_ms = aside->deadline_ms - clock_mono_ms(aside->clock);
        if (aside->stopping != NULL && aside->stopping(aside->stopping_context)) {
            return err_set(err, ERR_STOP, "asked to stop");
        }
        if (left_ms <= 0) {
            return err_set(err, ERR_RETRY, "no answer in time");
        }
        int64_t slice_ms = left_ms < SLICE_MS ? left_ms : SLICE_MS;
        (void)signal_wait(&errand->over, &errand->lock, clock_mono_ms(clock_system()) + slice_ms);
    }
    return true;
}

bool aside_run(const struct aside *aside, void *work, struct err *err)
{
    struct thread thread;
    struct errand *errand = mem_alloc(sizeof *errand);
    if (errand == NULL) {
        aside->drop(work);
        return err_set(err, ERR_RETRY, "out of memory for a thread");
    }
    lock_init(&errand->lock);
    signal_init(&errand->over);
    errand->run = aside->run;
    errand->drop = aside->drop;
    errand->work = work;
    if (!thread_start(&thread, go, errand, true, err)) {
        aside->drop(work);
        mem_free(errand);
        return false;
    }
    lock_take(&errand->lock);
    bool ok = await(errand, aside, err);
    bool done = errand->done;
    errand->left = !done;
    lock_give(&errand->lock);
    if (done) {
        mem_free(errand);
    }
    return ok;
}
