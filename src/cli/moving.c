#include "cli/moving.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { TELL_MS = 250, LINE_MAX = 160 };

void moving_begin(struct moving *moving, const struct cli *cli)
{
    *moving = (struct moving){.on = isatty(STDERR_FILENO) != 0 && !cli->plain};
}

void moving_show(void *context, const char *what, uint64_t done, uint64_t total)
{
    struct moving *moving = context;
    int64_t now = moving->on ? clock_mono_ms(clock_system()) : 0;
    char line[LINE_MAX];
    if (!moving->on || now - moving->told_ms < TELL_MS) {
        return;
    }
    if (moving->what != what) {
        moving->what = what;
        moving->begun_ms = now;
    }
    moving->told_ms = now;
    uint64_t part = total > 0 && done < total ? done * 100 / total : 100;
    int64_t left_s = done > 0 && done < total
                         ? (int64_t)((double)(now - moving->begun_ms) / (double)done *
                                     (double)(total - done) / 1000)
                         : 0;
    int len = snprintf(line, sizeof line, "\x1b[K%s: %" PRIu64 " %%, %" PRId64 " s left\r", what,
                       part, left_s);
    if (len > 0 && (size_t)len < sizeof line) {
        ssize_t written = write(STDERR_FILENO, line, (size_t)len);
        (void)written;
    }
}

void moving_end(struct moving *moving)
{
    if (moving->on && moving->told_ms > 0) {
        ssize_t written = write(STDERR_FILENO, "\x1b[K", 3);
        (void)written;
    }
}
