#include <inttypes.h>
#include <stdio.h>

#include "model/schedule.h"
#include "text/test.h"
#include "text/zone.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static struct schedule every(int64_t ms, enum misfire_policy misfire)
{
    return (struct schedule){.kind = SCHEDULE_EVERY, .misfire = misfire, .every_ms = ms};
}

static struct schedule cron(const char *text, const char *zone, enum misfire_policy misfire)
{
    struct schedule schedule = {.kind = SCHEDULE_CRON, .misfire = misfire};
    struct err err = {0};
    if (!cron_parse(str_of(text), &schedule.cron, &err)) {
        fail_msg("%s: %s", text, err.text);
    }
    schedule.zone = zone != NULL ? zone_find(str_of(zone)) : NULL;
    assert_true(zone == NULL || schedule.zone != NULL);
    return schedule;
}

static void check(size_t row, const struct schedule_due *is, const struct schedule_due *expected)
{
    if (is->due != expected->due || is->keep != expected->keep ||
        (expected->keep && is->planned_ms != expected->planned_ms) ||
        is->next_ms != expected->next_ms || is->missed != expected->missed) {
        fail_msg("row %zu: due %d, keep %d, planned %" PRId64 ", next %" PRId64 ", missed %" PRId64,
                 row, is->due, is->keep, is->planned_ms, is->next_ms, is->missed);
    }
}

#define BASE INT64_C(1700000000000)

static void every_so_often(void **state)
{
    static const struct {
        enum misfire_policy misfire;
        int64_t last; /* From the base; 0: never ran. */
        int64_t now;
        struct schedule_due due;
    } table[] = {
        /* Never ran: at once, whatever the policy. */
        {MISFIRE_ONCE, 0, 5, {true, true, 5, 5 + HOUR, 0}},
        {MISFIRE_SKIP, 0, 5, {true, true, 5, 5 + HOUR, 0}},
        {MISFIRE_ALL, 0, 5, {true, true, 5, 5 + HOUR, 0}},
        /* Not yet, just in time, a little late: the next one does not drift. */
        {MISFIRE_ONCE, 1, 1 + HOUR - 1, {.next_ms = 1 + HOUR}},
        {MISFIRE_ONCE, 1, 1 + HOUR, {true, true, 1 + HOUR, 1 + 2 * HOUR, 0}},
        {MISFIRE_ONCE, 1, 1 + HOUR + 59 * MINUTE, {true, true, 1 + HOUR, 1 + 2 * HOUR, 0}},
        /* Three times passed: once, none, or each in turn. */
        {MISFIRE_ONCE, 1, 1 + 3 * HOUR + 7, {true, true, 1 + 3 * HOUR, 1 + 4 * HOUR, 2}},
        {MISFIRE_SKIP, 1, 1 + 3 * HOUR + 7, {true, true, 1 + 3 * HOUR, 1 + 4 * HOUR, 2}},
        {MISFIRE_SKIP, 1, 1 + 3 * HOUR + MINUTE, {true, true, 1 + 3 * HOUR, 1 + 4 * HOUR, 2}},
        {MISFIRE_SKIP, 1, 1 + 3 * HOUR + MINUTE + 1, {false, true, 1 + 3 * HOUR, 1 + 4 * HOUR, 3}},
        {MISFIRE_SKIP, 1, 1 + HOUR + MINUTE + 1, {false, true, 1 + HOUR, 1 + 2 * HOUR, 1}},
        {MISFIRE_ALL, 1, 1 + 3 * HOUR + 7, {true, true, 1 + HOUR, 1 + 2 * HOUR, 0}},
        {MISFIRE_ALL, 1 + HOUR, 1 + 3 * HOUR + 7, {true, true, 1 + 2 * HOUR, 1 + 3 * HOUR, 0}},
        {MISFIRE_ALL, 1 + 2 * HOUR, 1 + 3 * HOUR + 7, {true, true, 1 + 3 * HOUR, 1 + 4 * HOUR, 0}},
        {MISFIRE_ALL, 1 + 3 * HOUR, 1 + 3 * HOUR + 7, {.next_ms = 1 + 4 * HOUR}},
        {MISFIRE_ALL, 1, 1 + 24 * HOUR, {true, true, 1 + HOUR, 1 + 2 * HOUR, 0}},
        {MISFIRE_ALL, 1, 1 + 25 * HOUR, {true, true, 1 + 25 * HOUR, 1 + 26 * HOUR, 24}},
        {MISFIRE_ONCE,
         1,
         1 + 10000 * DAY,
         {true, true, 1 + 10000 * DAY, 1 + 10000 * DAY + HOUR, 240000 - 1}},
        /* The clock was put back: less than an interval is waited for, more starts anew. */
        {MISFIRE_ONCE, 1 + HOUR, 1, {.next_ms = 1 + 2 * HOUR}},
        {MISFIRE_ONCE, 1 + HOUR, 0, {true, true, 0, HOUR, 0}},
        {MISFIRE_SKIP, 1 + 300 * HOUR, 0, {true, true, 0, HOUR, 0}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct schedule schedule = every(HOUR, table[i].misfire);
        struct schedule_due expected = table[i].due;
        expected.planned_ms += BASE;
        expected.next_ms += BASE;
        struct schedule_due due = schedule_look(
            &schedule, table[i].last == 0 ? 0 : BASE + table[i].last, BASE + table[i].now);
        check(i, &due, &expected);
    }
}

static void only_what_has_a_time_is_planned(void **state)
{
    static const enum schedule_kind kinds[] = {SCHEDULE_ON_MESSAGE, SCHEDULE_ON_WEBHOOK,
                                               SCHEDULE_BY_HAND};
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct schedule schedule = {.kind = kinds[i]};
        struct schedule_due due = schedule_look(&schedule, 0, BASE);
        int64_t out[2];
        check(i, &due, &(struct schedule_due){0});
        due = schedule_look(&schedule, BASE - DAY, BASE);
        check(i, &due, &(struct schedule_due){0});
        assert_int_equal(schedule_preview(&schedule, 0, BASE, out, COUNT(out)), 0);
    }
}

/* Unix times of the nights: Israel jumps on Friday 2026-03-27 at 02:00, back on 2026-10-25. */
#define SPRING INT64_C(1774562400000) /* 2026-03-27T00:00:00+02:00 is 2026-03-26T22:00:00Z. */
#define AUTUMN INT64_C(1792875600000) /* 2026-10-25T00:00:00+03:00 is 2026-10-24T21:00:00Z. */

static void nights_on_which_the_clock_changes(void **state)
{
    static const struct {
        const char *cron;
        int64_t after;
        int64_t planned[4]; /* From the same base as `after`; the next ones. */
    } table[] = {
        {"30 2 * * *",
         SPRING - DAY,
         {SPRING - DAY + 150 * MINUTE, SPRING + 2 * HOUR, SPRING + DAY - HOUR + 150 * MINUTE, 0}},
        {"0 3 * * *", SPRING, {SPRING + 2 * HOUR, SPRING + 26 * HOUR, 0, 0}},
        {"30 1 * * *", SPRING, {SPRING + 90 * MINUTE, SPRING + 90 * MINUTE + 23 * HOUR, 0, 0}},
        {"30 1 * * *", AUTUMN, {AUTUMN + 90 * MINUTE, AUTUMN + 90 * MINUTE + 25 * HOUR, 0, 0}},
        {"30 2 * * *", AUTUMN, {AUTUMN + 210 * MINUTE, AUTUMN + 210 * MINUTE + DAY, 0, 0}},
        {"0 8 * * *", AUTUMN, {AUTUMN + 9 * HOUR, AUTUMN + 33 * HOUR, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct schedule schedule = cron(table[i].cron, "Asia/Jerusalem", MISFIRE_ONCE);
        int64_t last = table[i].after;
        for (size_t j = 0; j < COUNT(table[i].planned) && table[i].planned[j] != 0; j++) {
            int64_t planned = table[i].planned[j];
            struct schedule_due due = schedule_look(&schedule, last, planned - 1);
            if (due.due || due.next_ms != planned) {
                fail_msg("row %zu, time %zu: next %" PRId64 ", not %" PRId64, i, j, due.next_ms,
                         planned);
            }
            due = schedule_look(&schedule, last, planned);
            assert_true(due.due && due.keep);
            assert_int_equal(due.planned_ms, planned);
            assert_int_equal(due.missed, 0);
            last = planned;
        }
    }
}

/* The first look of a cron only begins to count. */
static void a_new_cron_waits_for_its_first_time(void **state)
{
    struct schedule schedule = cron("0 12 * * *", NULL, MISFIRE_ALL);
    (void)state;
    struct schedule_due due = schedule_look(&schedule, 0, BASE);
    assert_false(due.due);
    assert_true(due.keep);
    assert_int_equal(due.planned_ms, BASE);
    int64_t noon = (BASE / DAY + (BASE % DAY >= 12 * HOUR)) * DAY + 12 * HOUR;
    assert_int_equal(due.next_ms, noon);
    due = schedule_look(&schedule, due.planned_ms, noon);
    assert_true(due.due);
    assert_int_equal(due.planned_ms, noon);
}

/* From Friday noon to Sunday 08:30 nothing ran; planned were Saturday and Sunday at 08:00. */
static void a_sleep_over_the_weekend(void **state)
{
    static const struct {
        enum misfire_policy misfire;
        int64_t late; /* On Sunday, past 08:00. */
        bool due;
        int64_t planned; /* Days from Friday. */
        int64_t missed;
    } table[] = {
        {MISFIRE_ONCE, 30 * MINUTE, true, 2, 1},
        {MISFIRE_SKIP, 30 * MINUTE, false, 2, 2},
        {MISFIRE_SKIP, MINUTE, true, 2, 1},
        {MISFIRE_ALL, 30 * MINUTE, true, 1, 0},
    };
    const int64_t friday = INT64_C(1765526400000) - INT64_C(1765526400000) % DAY; /* 2025-12-12 */
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct schedule schedule = cron("0 8 * * *", NULL, table[i].misfire);
        int64_t last = friday + 8 * HOUR;
        struct schedule_due due =
            schedule_look(&schedule, last, friday + 2 * DAY + 8 * HOUR + table[i].late);
        assert_int_equal(due.due, table[i].due);
        assert_true(due.keep);
        assert_int_equal(due.planned_ms, friday + table[i].planned * DAY + 8 * HOUR);
        assert_int_equal(due.missed, table[i].missed);
    }
}

static void a_very_long_pause_finds_the_latest_time(void **state)
{
    static const struct {
        const char *cron;
        int64_t pause;
        int64_t step;
    } table[] = {{"* * * * *", 400 * DAY, MINUTE},
                 {"0 * * * *", 4000 * DAY, HOUR},
                 {"* * * * *", 40000 * DAY / 10, MINUTE}};
    const int64_t midnight = BASE - BASE % DAY;
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct schedule schedule = cron(table[i].cron, NULL, MISFIRE_ALL);
        int64_t now = midnight + table[i].pause + table[i].step / 2;
        struct schedule_due due = schedule_look(&schedule, midnight, now);
        assert_true(due.due);
        assert_int_equal(due.planned_ms, midnight + table[i].pause);
        assert_int_equal(due.next_ms, midnight + table[i].pause + table[i].step);
        assert_true(due.missed >= SCHEDULE_CATCH_UP_MAX);
    }
}

/* Whatever the clock does: a planned time runs once, and they rise. */
static void no_time_runs_twice_while_the_clock_wobbles(void **state)
{
    static const int64_t jumps[] = {0,          30000,     -30000, MINUTE,     -3 * HOUR, HOUR,
                                    3 * HOUR,   -MINUTE,   1,      -20 * HOUR, 21 * HOUR, MINUTE,
                                    -23 * HOUR, 23 * HOUR, HOUR,   -1,         MINUTE,    HOUR};
    struct schedule schedule = cron("*/10 * * * *", "Asia/Jerusalem", MISFIRE_ONCE);
    int64_t last = BASE;
    int64_t now = BASE;
    int64_t ran = 0;
    (void)state;
    for (size_t i = 0; i < 20 * COUNT(jumps); i++) {
        now += jumps[i % COUNT(jumps)];
        struct schedule_due due = schedule_look(&schedule, last, now);
        assert_true(due.next_ms > now || due.due);
        if (due.keep) {
            assert_true(due.planned_ms > last && due.planned_ms <= now);
            last = due.planned_ms;
            ran += due.due;
        }
    }
    assert_true(ran > 20);
}

static void a_clock_put_back_by_days_counts_anew(void **state)
{
    struct schedule schedule = cron("0 8 * * *", NULL, MISFIRE_ONCE);
    (void)state;
    struct schedule_due due = schedule_look(&schedule, BASE + DAY + 1, BASE);
    assert_false(due.due);
    assert_true(due.keep);
    assert_int_equal(due.planned_ms, BASE);
    due = schedule_look(&schedule, BASE + DAY, BASE); /* A day at most: it is waited for. */
    assert_false(due.due || due.keep);
    assert_true(due.next_ms > BASE + DAY);
}

static void an_impossible_date_never_comes(void **state)
{
    struct schedule schedule = cron("0 0 30 2 *", NULL, MISFIRE_ONCE);
    int64_t out[2];
    (void)state;
    struct schedule_due due = schedule_look(&schedule, BASE, BASE + 1000 * DAY);
    assert_false(due.due);
    assert_int_equal(due.next_ms, 0);
    assert_int_equal(schedule_preview(&schedule, 0, BASE, out, COUNT(out)), 0);
}

static void a_preview_lists_what_will_be(void **state)
{
    struct schedule hourly = every(HOUR, MISFIRE_ONCE);
    struct schedule daily = cron("0 8 * * *", NULL, MISFIRE_ONCE);
    const int64_t midnight = BASE - BASE % DAY;
    int64_t out[3];
    (void)state;
    assert_int_equal(schedule_preview(&hourly, midnight + 5, midnight + 2 * HOUR, out, 3), 3);
    assert_int_equal(out[0], midnight + 5 + 2 * HOUR);
    assert_int_equal(out[2], midnight + 5 + 4 * HOUR);
    assert_int_equal(schedule_preview(&hourly, 0, midnight, out, 1), 1);
    assert_int_equal(out[0], midnight + HOUR);
    assert_int_equal(schedule_preview(&daily, 0, midnight + 8 * HOUR, out, 2), 2);
    assert_int_equal(out[0], midnight + DAY + 8 * HOUR); /* After means after. */
    assert_int_equal(out[1], midnight + 2 * DAY + 8 * HOUR);
    assert_int_equal(schedule_preview(&daily, 0, midnight, out, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_so_often),
        cmocka_unit_test(only_what_has_a_time_is_planned),
        cmocka_unit_test(nights_on_which_the_clock_changes),
        cmocka_unit_test(a_new_cron_waits_for_its_first_time),
        cmocka_unit_test(a_sleep_over_the_weekend),
        cmocka_unit_test(a_very_long_pause_finds_the_latest_time),
        cmocka_unit_test(no_time_runs_twice_while_the_clock_wobbles),
        cmocka_unit_test(a_clock_put_back_by_days_counts_anew),
        cmocka_unit_test(an_impossible_date_never_comes),
        cmocka_unit_test(a_preview_lists_what_will_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
