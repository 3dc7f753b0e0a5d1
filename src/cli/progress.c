#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "cli/show.h"
#include "store/store.h"

enum { LOOK_MS = 250, LINE_MAX = 256, PACE_MAX = 8, ROUND_MS = 1000 };

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

/* What is left to do, at some moments of the last two seconds. */
struct pace {
    int64_t left[PACE_MAX];
    int64_t at_ms[PACE_MAX];
    size_t count;
};

/* How long it will take at the pace of the last moments; 0: not known. */
static int64_t pace_note(struct pace *pace, int64_t left, int64_t now_ms)
{
    if (pace->count == PACE_MAX) {
        memmove(pace->left, pace->left + 1, (PACE_MAX - 1) * sizeof pace->left[0]);
        memmove(pace->at_ms, pace->at_ms + 1, (PACE_MAX - 1) * sizeof pace->at_ms[0]);
        pace->count--;
    }
    pace->left[pace->count] = left;
    pace->at_ms[pace->count++] = now_ms;
    int64_t done = pace->left[0] - left;
    int64_t took_ms = now_ms - pace->at_ms[0];
    return done > 0 && took_ms > 0 && left > 0 ? left * took_ms / done + 1 : 0;
}

struct counts {
    int64_t head;
    int64_t position; /* Of the slowest pipeline that runs. */
    int64_t running;
    int64_t waiting;
};

static bool count(struct store *store, struct counts *counts)
{
    struct err ignored = {0};
    return store_int(store, "SELECT max(id) FROM archive", &counts->head, &ignored) &&
           store_int(store, "SELECT count(*) FROM outbox", &counts->waiting, &ignored) &&
           store_int(store, "SELECT count(*) FROM run WHERE phase < 3", &counts->running,
                     &ignored) &&
           store_int(store,
                     "SELECT min(coalesce((SELECT id FROM position p WHERE p.pipeline=r.pipeline"
                     " AND p.chat=0), 0)) FROM run r WHERE r.phase < 3",
                     &counts->position, &ignored);
}

/* The line ends at its own beginning, so that a line of the log takes its place. */
static void show_counts(const struct counts *counts, int64_t fresh, int64_t elapsed_ms,
                        int64_t left_ms)
{
    char line[LINE_MAX];
    char numbers[4][SHOW_MAX];
    char time[SHOW_MAX];
    int64_t behind = counts->running > 0 ? counts->head - counts->position : 0;
    struct str length =
        left_ms > 0
            ? show_duration(left_ms < ROUND_MS ? left_ms : left_ms / ROUND_MS * ROUND_MS, time)
            : STR("");
    int len = snprintf(
        line, sizeof line,
        "\x1b[K%.*s new messages, %.*s a second; %.*s to decide, %.*s to deliver%s%.*s%s\r",
        STR_ARG(show_count(fresh, numbers[0])),
        STR_ARG(show_count(elapsed_ms > 0 ? fresh * 1000 / elapsed_ms : 0, numbers[1])),
        STR_ARG(show_count(behind, numbers[2])), STR_ARG(show_count(counts->waiting, numbers[3])),
        left_ms > 0 ? ", " : "", STR_ARG(length), left_ms > 0 ? " left" : "");
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
    struct pace pace = {.count = 0};
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
        struct counts counts = {0};
        if (count(store, &counts)) {
            int64_t left =
                counts.waiting + (counts.running > 0 ? counts.head - counts.position : 0);
            int64_t at_ms = clock_mono_ms(clock);
            show_counts(&counts, counts.head - first, at_ms - begin_ms,
                        pace_note(&pace, left, at_ms));
        }
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
