#include <inttypes.h>
#include <stdio.h>

#include "engine/retry.h"
#include "text/test.h"

enum { DRAWS = 20000 };

/* The waits lie between one and the bound, reach both ends, and are even in between. */
static void a_wait_is_drawn_evenly_up_to_its_bound(void **state)
{
    static const struct {
        int failures;
        int64_t max;
        int64_t bound;
    } table[] = {
        {1, RETRY_MS_MAX, 1000},
        {2, RETRY_MS_MAX, 2000},
        {3, RETRY_MS_MAX, 4000},
        {8, RETRY_MS_MAX, 128000},
        {9, RETRY_MS_MAX, 256000},
        {10, RETRY_MS_MAX, 300000},
        {1000, RETRY_MS_MAX, 300000},
        {INT32_MAX, RETRY_MS_MAX, 300000},
        {14, RETRY_PARCEL_MS_MAX, 8192000},
        {15, RETRY_PARCEL_MS_MAX, 10800000},
        {1, 500, 500},
        {1, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct rng rng;
        int64_t least = INT64_MAX;
        int64_t most = 0;
        int64_t sum = 0;
        int64_t bound = table[i].bound;
        rng_seed(&rng, i);
        for (int draw = 0; draw < DRAWS; draw++) {
            int64_t wait = retry_wait_ms(&rng, table[i].failures, table[i].max, 0);
            least = wait < least ? wait : least;
            most = wait > most ? wait : most;
            sum += wait;
        }
        if (least < 1 || most > bound || least > 1 + bound / 100 || most < bound - bound / 100) {
            fail_msg("row %zu: %" PRId64 " to %" PRId64, i, least, most);
        }
        int64_t mean = sum / DRAWS;
        if (mean < bound * 48 / 100 || mean > (bound + 1) * 52 / 100 + 1) {
            fail_msg("row %zu: mean %" PRId64, i, mean);
        }
    }
}

static void what_the_peer_asks_for_is_a_floor(void **state)
{
    static const struct {
        int64_t after;
        int64_t least;
        int64_t most;
    } table[] = {
        {1, 1, 251},
        {30000, 30000, 30250},
        {RETRY_AFTER_MS_MAX, RETRY_AFTER_MS_MAX, RETRY_AFTER_MS_MAX + 250},
        {INT64_MAX, RETRY_AFTER_MS_MAX, RETRY_AFTER_MS_MAX + 250},
        {-5, 1, 1000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct rng rng;
        bool spread = false;
        rng_seed(&rng, i);
        int64_t first = retry_wait_ms(&rng, 1, RETRY_MS_MAX, table[i].after);
        for (int draw = 0; draw < 1000; draw++) {
            int64_t wait = retry_wait_ms(&rng, 1, RETRY_MS_MAX, table[i].after);
            assert_in_range(wait, table[i].least, table[i].most);
            spread = spread || wait != first;
        }
        assert_true(spread);
    }
}

/* Twenty attempts of one record take about a day. */
static void twenty_attempts_take_about_a_day(void **state)
{
    struct rng rng;
    int64_t total = 0;
    (void)state;
    rng_seed(&rng, 1);
    for (int round = 0; round < 100; round++) {
        for (int attempt = 1; attempt < 20; attempt++) {
            total += retry_wait_ms(&rng, attempt, RETRY_PARCEL_MS_MAX, 0);
        }
    }
    assert_in_range(total / 100, 6 * 3600 * 1000, 36 * 3600 * 1000);
}

static void a_breaker_opens_probes_and_closes(void **state)
{
    struct breaker breaker = {0};
    int64_t now = 1000;
    (void)state;
    for (int i = 1; i < BREAKER_FAILURES; i++) {
        assert_true(breaker_allows(&breaker, now));
        breaker_failed(&breaker, now);
    }
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_true(breaker_allows(&breaker, now));
    breaker_failed(&breaker, now);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    int64_t pause = BREAKER_MS_MIN;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(breaker.until_ms, now + pause);
        assert_false(breaker_allows(&breaker, now));
        assert_false(breaker_allows(&breaker, now + pause - 1));
        now += pause;
        assert_true(breaker_allows(&breaker, now));
        assert_int_equal(breaker.state, BREAKER_PROBING);
        breaker_failed(&breaker, now); /* One is enough now. */
        assert_int_equal(breaker.state, BREAKER_OPEN);
        pause = pause * 2 < BREAKER_MS_MAX ? pause * 2 : BREAKER_MS_MAX;
    }
    assert_int_equal(pause, BREAKER_MS_MAX);
    assert_true(breaker_allows(&breaker, now + pause));
    breaker_succeeded(&breaker);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    breaker_failed(&breaker, now); /* It has forgotten everything. */
    assert_true(breaker_allows(&breaker, now));
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void a_success_in_between_keeps_it_closed(void **state)
{
    struct breaker breaker = {0};
    (void)state;
    for (int i = 0; i < 10 * BREAKER_FAILURES; i++) {
        breaker_failed(&breaker, 1);
        if (i % (BREAKER_FAILURES - 1) == BREAKER_FAILURES - 2) {
            breaker_succeeded(&breaker);
        }
        assert_true(breaker_allows(&breaker, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_is_drawn_evenly_up_to_its_bound),
        cmocka_unit_test(what_the_peer_asks_for_is_a_floor),
        cmocka_unit_test(twenty_attempts_take_about_a_day),
        cmocka_unit_test(a_breaker_opens_probes_and_closes),
        cmocka_unit_test(a_success_in_between_keeps_it_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
