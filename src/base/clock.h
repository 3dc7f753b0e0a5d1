/*
 * clock: the only way to learn the time, and to wait.
 *
 * Production uses the system clocks; tests use a clock they set by hand. Code that calls time(),
 * gettimeofday() or sleep() directly does not pass `check`, because it could not be simulated.
 * Waiting takes an absolute deadline on the monotonic clock.
 */
#ifndef SLUICE_BASE_CLOCK_H
#define SLUICE_BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(struct clock *clock); /* Unix time, UTC; may jump. */
    int64_t (*mono_ms)(struct clock *clock); /* For waiting; never goes back. */
    void (*sleep_until)(struct clock *clock, int64_t mono_ms);
};

/* The clock of the system; one for the whole process, may be used from any thread. */
struct clock *clock_system(void);

/* CPU time of the process in microseconds, for benchmarks and run records. */
int64_t clock_cpu_us(void);

static inline int64_t clock_wall_ms(struct clock *clock)
{
    return clock->wall_ms(clock);
}

static inline int64_t clock_mono_ms(struct clock *clock)
{
    return clock->mono_ms(clock);
}

#endif
