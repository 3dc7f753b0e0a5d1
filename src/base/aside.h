/*
 * aside: a call that cannot be interrupted, made on a thread of its own.
 *
 * The C library asks the DNS for as long as it likes, and nothing can stop it. So such a call is
 * made aside, and the one who wants its result waits for it until a deadline, or until it is asked
 * to stop. Then the thread is left behind: it ends by itself some seconds later and gives back what
 * it holds.
 *
 * `work` is what the call needs and what it finds, on the heap. It belongs to the thread while that
 * runs; to the caller again after true; and after false to nobody: `drop` gives it back, sooner or
 * later. So `work` may point to nothing that lives shorter than the process.
 */
#ifndef SLUICE_BASE_ASIDE_H
#define SLUICE_BASE_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct aside {
    void (*run)(void *work);
    void (*drop)(void *work);
    struct clock *clock;
    int64_t deadline_ms;             /* On the monotonic clock. */
    bool (*stopping)(void *context); /* Asked a few times a second; may be NULL. */
    void *stopping_context;
};

/* True: `run` is over. False: ERR_RETRY (no time, no thread) or ERR_STOP, and `work` is gone. */
bool aside_run(const struct aside *aside, void *work, struct err *err);

#endif
