#include "cli/signals.h"

#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "cli/cli.h"

enum { REPEAT_NS = 50 * 1000 * 1000 };

static struct watch {
    struct lock lock; /* Guards all below. */
    struct engine *engine;
    int count; /* Signals that asked for an end. */
    bool talk;
    void (*hook)(void *context);
    void *context;
} watch;

static void watched(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
}

void signals_block(void)
{
    sigset_t set;
    watched(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void stop_now(void)
{
    static const char text[] = "stopped at once; nothing that was committed is lost\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(SIGNALS_EXIT_NOW);
}

static void took(int number)
{
    lock_take(&watch.lock);
    watch.count++;
    int count = watch.count;
    bool talk = watch.talk;
    lock_give(&watch.lock);
    if (count > 1) {
        stop_now();
    }
    const char *name = number == SIGINT ? "Ctrl-C" : "SIGTERM";
    log_info("%s: stopping after what is in hand; once more stops now", name);
    if (talk) {
        cli_say("%s: stopping after what is in hand; once more stops now", name);
    }
}

static bool stop_asked(void)
{
    lock_take(&watch.lock);
    bool asked = watch.count > 0;
    if (asked && watch.engine != NULL) {
        engine_stop(watch.engine);
    }
    lock_give(&watch.lock);
    return asked;
}

static void hung_up(void)
{
    lock_take(&watch.lock);
    if (watch.hook != NULL) {
        watch.hook(watch.context);
    } else {
        log_info("SIGHUP: there is nothing to read again; only `serve` has a use for it");
    }
    lock_give(&watch.lock);
}

void signals_on_hangup(void (*hook)(void *context), void *context)
{
    lock_take(&watch.lock);
    watch.hook = hook;
    watch.context = context;
    lock_give(&watch.lock);
}

static void *wait_for_signals(void *argument)
{
    sigset_t set;
    const struct timespec pause = {.tv_nsec = REPEAT_NS};
    watched(&set);
    while (argument == NULL) { /* For ever: the thread ends with the process. */
        /* After the first one again and again: the engine may not have been able to hear it. */
        int number = stop_asked() ? sigtimedwait(&set, NULL, &pause) : sigwaitinfo(&set, NULL);
        if (number == SIGHUP) {
            hung_up();
        } else if (number > 0) {
            took(number);
        }
    }
    return NULL;
}

void signals_talk(bool talk)
{
    watch.talk = talk; /* Before there is a second thread. */
}

bool signals_watch(struct engine *engine, struct err *err)
{
    struct thread thread;
    lock_init(&watch.lock);
    watch.engine = engine;
    watch.count = 0;
    return thread_start(&thread, wait_for_signals, NULL, true, err);
}

bool signals_came(void)
{
    lock_take(&watch.lock);
    bool came = watch.count > 0;
    lock_give(&watch.lock);
    return came;
}

bool signals_release(void)
{
    lock_take(&watch.lock);
    watch.engine = NULL;
    bool stopped = watch.count > 0;
    lock_give(&watch.lock);
    return stopped;
}
