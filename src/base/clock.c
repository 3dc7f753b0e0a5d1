#include "base/clock.h"

#include <errno.h>
#include <time.h>

#include "base/must.h"

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    int rc = clock_gettime(id, &now);
    must(rc == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_MONOTONIC);
}

static void system_sleep_until(struct clock *clock, int64_t mono_ms)
{
    (void)clock;
    if (mono_ms < 0) {
        return;
    }
    struct timespec until = {.tv_sec = (time_t)(mono_ms / 1000),
                             .tv_nsec = (long)(mono_ms % 1000) * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

static struct clock system_clock = {system_wall_ms, system_mono_ms, system_sleep_until};

struct clock *clock_system(void)
{
    return &system_clock;
}

int64_t clock_cpu_us(void)
{
    struct timespec used;
    int rc = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    must(rc == 0);
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}
