#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "store/store.h"

enum { LOOK_MS = 250, LINE_MAX = 160 };

static struct progress {
    struct lock lock; /* Guards `ending`. */
    struct signal changed;
    struct thread thread;
    bool running;
    bool ending;
    char path[FILE_PATH_MAX];
} progress;

static void show(const char *text, size_t len)
{
    ssize_t written = write(STDERR_FILENO, text, len);
    (void)written;
}

/* The line ends at its own beginning, so that a line of the log takes its place. */
static void show_counts(struct store *store, int64_t first, int64_t elapsed_ms)
{
    char line[LINE_MAX];
    struct err ignored = {0};
    int64_t head = 0;
    int64_t waiting = 0;
    if (!store_int(store, "SELECT max(id) FROM archive", &head, &ignored) ||
        !store_int(store, "SELECT count(*) FROM outbox", &waiting, &ignored)) {
        return;
    }
    int64_t fresh = head - first;
    int len = snprintf(line, sizeof line,
                       "\x1b[K%" PRId64 " new messages, %" PRId64 " a second, %" PRId64
                       " records to deliver\r",
                       fresh, elapsed_ms > 0 ? fresh * 1000 / elapsed_ms : 0, waiting);
    if (len > 0) {
        show(line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
    }
}

/* Sleep a little; false when the end has come. */
static bool pause_a_little(int64_t until_ms)
{
    lock_take(&progress.lock);
    while (!progress.ending && signal_wait(&progress.changed, &progress.lock, until_ms)) {
    }
    bool go_on = !progress.ending;
    lock_give(&progress.lock);
    return go_on;
}

static void *follow(void *argument)
{
    struct clock *clock = argument;
    struct err ignored = {0};
    struct store *store = NULL;
    int64_t first = 0;
    int64_t begin_ms = clock_mono_ms(clock);
    struct store_options options = {
        .path = str_of(progress.path), .clock = clock, .readonly = true};
    if (!store_open(&store, &options, &ignored) ||
        !store_int(store, "SELECT max(id) FROM archive", &first, &ignored)) {
        store_close(store);
        return NULL;
    }
    for (int64_t now = begin_ms; pause_a_little(now + LOOK_MS); now = clock_mono_ms(clock)) {
        show_counts(store, first, clock_mono_ms(clock) - begin_ms);
    }
    show("\x1b[K", 3);
    store_close(store);
    return NULL;
}

void progress_begin(struct str data_dir)
{
    struct err ignored = {0};
    if (!isatty(STDERR_FILENO)) {
        return;
    }
    int len = snprintf(progress.path, sizeof progress.path, "%.*s/sluice.db", STR_ARG(data_dir));
    if (len < 0 || (size_t)len >= sizeof progress.path) {
        return;
    }
    lock_init(&progress.lock);
    signal_init(&progress.changed);
    progress.ending = false;
    progress.running = thread_start(&progress.thread, follow, clock_system(), false, &ignored);
}

void progress_end(void)
{
    if (!progress.running) {
        return;
    }
    lock_take(&progress.lock);
    progress.ending = true;
    signal_all(&progress.changed);
    lock_give(&progress.lock);
    thread_join(&progress.thread);
    progress.running = false;
}
