#include "base/clock.h"
#include "base/rng.h"
#include "base/thread.h"
#include "text/test.h"

enum { THREADS = 4, TURNS = 20000, LIMIT_MAX = 10 };

struct shared {
    struct lock lock;
    struct signal changed;
    int64_t count;
    bool open;
};

static void *add(void *argument)
{
    struct shared *shared = argument;
    lock_take(&shared->lock);
    while (!shared->open) {
        (void)signal_wait(&shared->changed, &shared->lock, INT64_MAX / 2);
    }
    lock_give(&shared->lock);
    for (int i = 0; i < TURNS; i++) {
        lock_take(&shared->lock);
        shared->count++;
        lock_give(&shared->lock);
    }
    return NULL;
}

static void one_at_a_time_and_all_are_woken(void **state)
{
    struct shared shared = {0};
    struct thread threads[THREADS];
    struct err err = {0};
    (void)state;
    lock_init(&shared.lock);
    signal_init(&shared.changed);
    for (size_t i = 0; i < THREADS; i++) {
        assert_true(thread_start(&threads[i], add, &shared, false, &err));
    }
    lock_take(&shared.lock);
    assert_int_equal(shared.count, 0);
    shared.open = true;
    signal_all(&shared.changed);
    lock_give(&shared.lock);
    for (size_t i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
    }
    assert_int_equal(shared.count, THREADS * TURNS);
}

static void waiting_ends_at_its_deadline(void **state)
{
    static const struct {
        int64_t wait_ms;
        int64_t least_ms;
    } table[] = {{-5, 0}, {0, 0}, {30, 30}, {INT64_MIN / 2, 0}};
    struct shared shared = {0};
    struct clock *clock = clock_system();
    (void)state;
    lock_init(&shared.lock);
    signal_init(&shared.changed);
    lock_take(&shared.lock);
    for (size_t i = 0; i < COUNT(table); i++) {
        int64_t from_ms = clock_mono_ms(clock);
        while (signal_wait(&shared.changed, &shared.lock, from_ms + table[i].wait_ms)) {
            assert_true(clock_mono_ms(clock) <= from_ms + 1000); /* Woken for nothing: rare. */
        }
        assert_in_range(clock_mono_ms(clock) - from_ms, table[i].least_ms, 1000);
    }
    lock_give(&shared.lock);
}

static void the_clock_goes_on_and_sleeps(void **state)
{
    struct clock *clock = clock_system();
    int64_t from_ms = clock_mono_ms(clock);
    (void)state;
    clock->sleep_until(clock, from_ms - 1000);
    clock->sleep_until(clock, -1);
    assert_in_range(clock_mono_ms(clock) - from_ms, 0, 1000);
    clock->sleep_until(clock, from_ms + 20);
    assert_in_range(clock_mono_ms(clock) - from_ms, 20, 1000);
    assert_true(clock_wall_ms(clock) > INT64_C(1600000000000));
    assert_true(clock_cpu_us() >= 0);
}

static void chance_repeats_and_is_even(void **state)
{
    struct rng one;
    struct rng two;
    (void)state;
    rng_seed(&one, 42);
    rng_seed(&two, 42);
    for (int i = 0; i < 1000; i++) {
        assert_true(rng_next(&one) == rng_next(&two));
    }
    for (uint64_t limit = 1; limit <= LIMIT_MAX; limit++) {
        int counts[LIMIT_MAX] = {0};
        for (int i = 0; i < 10000; i++) {
            uint64_t drawn = rng_below(&one, limit);
            assert_true(drawn < limit);
            counts[drawn]++;
        }
        for (uint64_t i = 0; i < limit; i++) {
            assert_in_range(counts[i], 10000 / limit * 8 / 10, 10000 / limit * 12 / 10);
        }
    }
    int hits = 0;
    for (int i = 0; i < 10000; i++) {
        assert_false(rng_chance(&one, 0));
        assert_true(rng_chance(&one, 100));
        hits += rng_chance(&one, 30);
        assert_true(rng_below(&one, UINT64_MAX) < UINT64_MAX);
    }
    assert_in_range(hits, 2700, 3300);
    rng_seed_system(&one);
    rng_seed_system(&two);
    assert_true(one.state != two.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time_and_all_are_woken),
        cmocka_unit_test(waiting_ends_at_its_deadline),
        cmocka_unit_test(the_clock_goes_on_and_sleeps),
        cmocka_unit_test(chance_repeats_and_is_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
