/* cron: lines good and refused, next times with clock changes, and a brute-force second opinion. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/cron.h"

static const struct zone *named(const char *name)
{
    const struct zone *zone = zone_find(str_of(name));
    assert_non_null(zone);
    return zone;
}

static int64_t moment(const char *text)
{
    struct err err = {0};
    int64_t unix_ms = 0;
    if (!datetime_parse_iso_ms(str_of(text), &unix_ms, &err)) {
        fail_msg("%s: %s", text, err.text);
    }
    return unix_ms;
}

static struct cron parsed(const char *line)
{
    struct err err = {0};
    struct cron cron;
    if (!cron_parse(str_of(line), &cron, &err)) {
        fail_msg("%s: %s", line, err.text);
    }
    return cron;
}

static void fields_become_sets(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        struct cron cron;
    } cases[] = {
        {"0 6 * * *", {1, 1 << 6, 0xfffffffe, 0x1ffe, 0x7f, false, true, true}},
        {"*/15 8-18/2 1,15 JAN,jul MON-FRI",
         {0x200040008001, 0x55500, 0x8002, 0x82, 0x3e, false, false, false}},
        {"  5   0\t* *  7 ", {32, 1, 0xfffffffe, 0x1ffe, 1, false, true, false}},
        {"0 0 L 2 *", {1, 1, 0, 4, 0x7f, true, false, true}},
        {"0 0 1,l * 5-7", {1, 1, 2, 0x1ffe, 0x61, true, false, false}},
        {"0 0 */10 * FRI-SUN",
         {1, 1, 1u << 1 | 1u << 11 | 1u << 21 | 1u << 31, 0x1ffe, 0x61, false, true, false}},
        {"@hourly", {1, 0xffffff, 0xfffffffe, 0x1ffe, 0x7f, false, true, true}},
        {"@Midnight", {1, 1, 0xfffffffe, 0x1ffe, 0x7f, false, true, true}},
        {" @weekly ", {1, 1, 0xfffffffe, 0x1ffe, 1, false, true, false}},
        {"@monthly", {1, 1, 2, 0x1ffe, 0x7f, false, false, true}},
        {"@annually", {1, 1, 2, 2, 0x7f, false, false, true}},
        {"59 23 31 12 0-7",
         {UINT64_C(1) << 59, 1 << 23, 1u << 31, 1 << 12, 0x7f, false, false, false}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cron cron = parsed(cases[i].line);
        const struct cron *want = &cases[i].cron;
        if (cron.minutes != want->minutes || cron.hours != want->hours || cron.days != want->days ||
            cron.months != want->months || cron.weekdays != want->weekdays ||
            cron.day_last != want->day_last || cron.days_any != want->days_any ||
            cron.weekdays_any != want->weekdays_any) {
            fail_msg("%s: %llx %x %x %x %x", cases[i].line, (unsigned long long)cron.minutes,
                     cron.hours, cron.days, cron.months, cron.weekdays);
        }
    }
}

static void wrong_lines_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *part;
    } cases[] = {
        {"", "minute: expected five fields"},
        {"0 6 * *", "weekday: expected five fields"},
        {"0 6 * * * *", "weekday: expected the end behind five fields"},
        {"60 * * * *", "minute: 60 is not within 0 to 59, at offset 0"},
        {"0 24 * * *", "hour: 24 is not within 0 to 23, at offset 2"},
        {"0 0 0 * *", "day of month: 0 is not within 1 to 31, at offset 4"},
        {"0 0 32 * *", "day of month: 32"},
        {"0 0 * 13 *", "month: 13"},
        {"0 0 * * 8", "weekday: 8 is not within 0 to 7, at offset 8"},
        {"0 0 * * MO", "a name (MON, JAN)"},
        {"0 0 * * MONDAY", "a name"},
        {"0 0 * FOO *", "month: expected"},
        {"a * * * *", "minute: expected '*' or a number at offset 0"},
        {"0 22-2 * * *", "a range that runs upwards"},
        {"0 0 * * SAT-MON", "a range that runs upwards"},
        {"*/0 * * * *", "a step that is not zero"},
        {"*/90 * * * *", "not longer than the field"},
        {"5/15 * * * *", "write 5-59/15"},
        {"*/ * * * *", "a number behind '/'"},
        {"1, * * * *", "minute: expected '*' or a number at offset 2"},
        {"1- * * * *", "minute: expected '*' or a number at offset 2"},
        {"1;2 * * * *", "',', '-', '/' or the end"},
        {"-1 * * * *", "minute: expected"},
        {"99999999999999999999 * * * *", "minute: "},
        {"L * * * *", "minute: expected"},
        {"0 0 ? * *", "day of month: expected"},
        {"@reboot", "@hourly"},
        {"@", "@hourly"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct cron cron;
        if (cron_parse(str_of(cases[i].line), &cron, &err)) {
            fail_msg("\"%s\" was accepted", cases[i].line);
        }
        assert_int_equal(err.kind, ERR_CONFIG);
        if (strstr(err.text, cases[i].part) == NULL) {
            fail_msg("\"%s\": %s", cases[i].line, err.text);
        }
    }
    struct err err = {0};
    struct cron cron;
    static const char longer[CRON_TEXT_MAX + 1] = "*";
    assert_false(cron_parse((struct str){longer, sizeof longer}, &cron, &err));
    assert_false(cron_parse((struct str){0}, &cron, &err));
    assert_false(cron_parse(STR("0\0 6 * * *"), &cron, &err));
}

struct next_case {
    const char *line;
    const char *zone;
    const char *after;
    const char *next[4]; /* One after another, until NULL; "never" ends it. */
};

/* clang-format off */
static const struct next_case next_cases[] = {
    {"0 6 * * *", "UTC", "2025-12-09T06:00Z", {"2025-12-10T06:00Z", "2025-12-11T06:00Z"}},
    {"0 6 * * *", "UTC", "2025-12-09T05:59:59.999Z", {"2025-12-09T06:00Z"}},
    {"* * * * *", "UTC", "2025-12-31T23:59:30Z", {"2026-01-01T00:00Z", "2026-01-01T00:01Z"}},
    {"*/10 * * * *", "Asia/Kathmandu", "2025-12-09T00:00Z", {"2025-12-09T00:05Z"}},
    {"0 9 * * MON-FRI", "Asia/Jerusalem", "2025-12-12T07:00Z", {"2025-12-15T07:00Z"}},
    {"0 0 29 2 *", "UTC", "2096-03-01T00:00Z", {"2104-02-29T00:00Z", "2108-02-29T00:00Z"}},
    {"0 0 31 2 *", "UTC", "2025-01-01T00:00Z", {"never"}},
    {"0 0 31 4,6,9,11 *", "UTC", "2025-01-01T00:00Z", {"never"}},
    {"0 0 L 2 *", "UTC", "2025-01-01T00:00Z", {"2025-02-28T00:00Z", "2026-02-28T00:00Z", "2027-02-28T00:00Z", "2028-02-29T00:00Z"}},
    {"0 0 13 * 5", "UTC", "2026-02-01T00:00Z", {"2026-02-06T00:00Z", "2026-02-13T00:00Z", "2026-02-20T00:00Z"}},
    {"0 0 */2 * 5", "UTC", "2026-02-01T00:00Z", {"2026-02-13T00:00Z", "2026-02-27T00:00Z", "2026-03-13T00:00Z"}},
    {"0 0 31 * *", "UTC", "2026-01-31T00:00Z", {"2026-03-31T00:00Z", "2026-05-31T00:00Z"}},
    {"59 23 31 12 *", "UTC", "9999-12-31T00:00Z", {"9999-12-31T23:59Z", "never"}},

    /* Put forward: Friday 27 March 2026, 02:00 becomes 03:00. */
    {"30 2 * * *", "Asia/Jerusalem", "2026-03-26T00:00Z", {"2026-03-26T00:30Z", "2026-03-27T00:00Z", "2026-03-27T23:30Z"}},
    {"0,30 2 * * *", "Asia/Jerusalem", "2026-03-26T01:00Z", {"2026-03-27T00:00Z", "2026-03-27T23:00Z"}},
    {"0 2,3 * * *", "Asia/Jerusalem", "2026-03-26T12:00Z", {"2026-03-27T00:00Z", "2026-03-27T23:00Z"}},
    {"*/30 * * * *", "Asia/Jerusalem", "2026-03-26T23:20Z", {"2026-03-26T23:30Z", "2026-03-27T00:00Z", "2026-03-27T00:30Z"}},
    {"0 3 * * *", "Asia/Jerusalem", "2026-03-26T12:00Z", {"2026-03-27T00:00Z", "2026-03-28T00:00Z"}},
    /* Put back: Sunday 25 October 2026, 02:00 becomes 01:00. */
    {"30 1 * * *", "Asia/Jerusalem", "2026-10-24T12:00Z", {"2026-10-24T22:30Z", "2026-10-25T23:30Z"}},
    {"30 1 * * *", "Asia/Jerusalem", "2026-10-24T22:30Z", {"2026-10-25T23:30Z"}},
    {"30 1 * * *", "Asia/Jerusalem", "2026-10-24T23:10Z", {"2026-10-25T23:30Z"}},
    {"*/30 * * * *", "Asia/Jerusalem", "2026-10-24T22:30Z", {"2026-10-24T23:00Z", "2026-10-24T23:30Z", "2026-10-25T00:00Z"}},
    {"45 * * * *", "Asia/Jerusalem", "2026-10-24T21:00Z", {"2026-10-24T21:45Z", "2026-10-24T22:45Z", "2026-10-24T23:45Z", "2026-10-25T00:45Z"}},
    {"0 */2 * * *", "Asia/Jerusalem", "2026-10-24T20:00Z", {"2026-10-24T21:00Z", "2026-10-25T00:00Z"}},
    {"0 2 * * *", "America/New_York", "2025-03-08T12:00Z", {"2025-03-09T07:00Z", "2025-03-10T06:00Z"}},
    {"30 1 * * *", "America/New_York", "2025-11-02T00:00Z", {"2025-11-02T05:30Z", "2025-11-03T06:30Z"}},
    /* Half an hour. */
    {"15 2 * * *", "Australia/Lord_Howe", "2025-10-04T00:00Z", {"2025-10-04T15:30Z", "2025-10-05T15:15Z"}},
    {"45 1 * * *", "Australia/Lord_Howe", "2025-04-05T00:00Z", {"2025-04-05T14:45Z", "2025-04-06T15:15Z"}},
    /* A day that never was: 30 December 2011 in Samoa. */
    {"0 6 * * *", "Pacific/Apia", "2011-12-29T17:00Z", {"2011-12-30T10:00Z", "2011-12-30T16:00Z"}},
    /* No daylight saving. */
    {"0 2 * * *", "Africa/Johannesburg", "2026-03-28T12:00Z", {"2026-03-29T00:00Z", "2026-03-30T00:00Z"}},
};
/* clang-format on */

static void next_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(next_cases); i++) {
        const struct next_case *c = &next_cases[i];
        struct cron cron = parsed(c->line);
        int64_t at = moment(c->after);
        for (size_t n = 0; n < COUNT(c->next) && c->next[n] != NULL; n++) {
            char out[DATETIME_TEXT_MAX];
            bool found = cron_next(&cron, named(c->zone), at, &at);
            bool never = strcmp(c->next[n], "never") == 0;
            if (found == never || (found && at != moment(c->next[n]))) {
                struct str got = datetime_format_iso(at, out);
                fail_msg("%s in %s: %s %.*s, not %s", c->line, c->zone, found ? "came" : "never",
                         STR_ARG(got), c->next[n]);
            }
        }
    }
}

static void the_ends_of_time_are_safe(void **state)
{
    (void)state;
    struct cron cron = parsed("* * * * *");
    static const int64_t moments[] = {INT64_MIN, DATETIME_MIN_MS - 1, DATETIME_MAX_MS + 1,
                                      DATETIME_MAX_MS, INT64_MAX};
    int64_t at = 0;
    for (size_t i = 0; i < COUNT(moments); i++) {
        assert_false(cron_next(&cron, named("Asia/Jerusalem"), moments[i], &at));
    }
    assert_true(cron_next(&cron, named("UTC"), DATETIME_MIN_MS, &at));
    assert_int_equal(at, DATETIME_MIN_MS + DATETIME_MINUTE_MS);
}

/* Second opinion: every minute of a stretch of the wall, tested one by one. */
enum { DAYS = 5, TIMES_MAX = DAYS * 24 * 60 * 2 + 1 };

static bool fits_by_hand(const struct cron *cron, const struct civil *civil)
{
    int weekday = datetime_weekday(datetime_days(civil->year, civil->month, civil->day));
    bool day = (cron->days >> civil->day & 1) != 0 ||
               (cron->day_last && civil->day == datetime_month_days(civil->year, civil->month));
    bool week = (cron->weekdays >> weekday & 1) != 0;
    bool date = cron->days_any || cron->weekdays_any ? day && week : day || week;
    return date && (cron->minutes >> civil->minute & 1) != 0 &&
           (cron->hours >> civil->hour & 1) != 0 && (cron->months >> civil->month & 1) != 0;
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return a < b ? -1 : (a > b ? 1 : 0);
}

static size_t times_by_hand(const struct cron *cron, const struct zone *zone, int64_t wall_ms,
                            int64_t *times)
{
    size_t count = 0;
    for (int minute = 0; minute < DAYS * 24 * 60; minute++) {
        struct civil civil;
        struct zone_local local;
        assert_true(datetime_to_civil(wall_ms + minute * DATETIME_MINUTE_MS, &civil));
        if (!fits_by_hand(cron, &civil)) {
            continue;
        }
        enum zone_fit fit = zone_local_to_utc(zone, &civil, &local);
        times[count++] = fit == ZONE_GAP ? local.change_ms : local.first_ms;
        if (fit == ZONE_FOLD && cron->hours == 0xffffff) {
            times[count++] = local.second_ms;
        }
    }
    qsort(times, count, sizeof times[0], by_size);
    return count;
}

static const char *random_line(struct rng *rng, char line[64])
{
    static const char *const minutes[] = {"0", "*/10", "30", "*", "7,37", "15-45/5", "59"};
    static const char *const hours[] = {"*", "2", "1", "0-3", "*/2", "23", "1,2,3", "0"};
    static const char *const days[] = {"*", "*", "*", "1-31/2", "L", "28,29"};
    static const char *const weekdays[] = {"*", "*", "0", "5-7", "1"};
    static const char *const months[] = {"*", "*", "3,4,10,11"};
    (void)snprintf(line, 64, "%s %s %s %s %s", minutes[rng_below(rng, COUNT(minutes))],
                   hours[rng_below(rng, COUNT(hours))], days[rng_below(rng, COUNT(days))],
                   months[rng_below(rng, COUNT(months))],
                   weekdays[rng_below(rng, COUNT(weekdays))]);
    return line;
}

static void agrees_with_every_minute(void **state)
{
    (void)state;
    enum { ROUNDS = 600 };
    static const char *const zones[] = {
        "Asia/Jerusalem",    "Europe/London", "America/New_York", "Australia/Lord_Howe",
        "Africa/Casablanca", "Pacific/Apia",  "Asia/Kathmandu"};
    static int64_t times[TIMES_MAX];
    struct rng rng;
    rng_seed(&rng, 99);
    for (int round = 0; round < ROUNDS; round++) {
        char line[64];
        const struct zone *zone = named(zones[rng_below(&rng, COUNT(zones))]);
        struct cron cron = parsed(random_line(&rng, line));
        int64_t change = moment("2009-01-01T00:00Z") + (int64_t)rng_below(&rng, 500000000000);
        (void)zone_next_change(zone, change, &change);
        int64_t wall = change / DATETIME_DAY_MS * DATETIME_DAY_MS - 2 * DATETIME_DAY_MS;
        size_t count = times_by_hand(&cron, zone, wall, times);
        int64_t at = times[0] - 1;
        for (size_t i = 0; i < count; i++) {
            if (i > 0 && times[i] == times[i - 1]) {
                continue;
            }
            if (!cron_next(&cron, zone, at, &at) || at != times[i]) {
                fail_msg("%s in %.*s: %lld, not %lld", line, STR_ARG(zone_name(zone)),
                         (long long)at, (long long)times[i]);
            }
        }
    }
}

static void times_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *words;
    } cases[] = {
        {"* * * * *", "every minute"},
        {"*/10 * * * *", "every 10 minutes"},
        {"0 6 * * *", "at 06:00 every day"},
        {"30 6,18 * * 1,5", "at 06:30 and 18:30 on Monday and Friday"},
        {"15 * * * *", "at minute 15 of every hour"},
        {"7,37 8-9 * * *", "at minutes 7 and 37 of hours 8 and 9 every day"},
        {"*/15 8 * * *", "every 15 minutes of hour 8 every day"},
        {"*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"},
        {"0 0 1 1 *", "at 00:00 on day 1 of the month in January"},
        {"0 0 13 * 5", "at 00:00 on day 13 of the month or on Friday"},
        {"0 0 L * *", "at 00:00 on the last day of the month"},
        {"0 0 1,L * *", "at 00:00 on day 1 of the month and the last day of the month"},
        {"0 0 */15 * 5", "at 00:00 on days 1, 16 and 31 of the month, if it is Friday"},
    };
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf buf;
        struct cron cron = parsed(cases[i].line);
        buf_init(&buf, &arena, 64);
        cron_describe(&cron, &buf);
        assert_str_equal(buf_str(&buf), str_of(cases[i].words));
    }
    arena_free(&arena);
}

static void random_lines_are_safe(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 5);
    static const char bytes[] = "*** *** ***  012359*/-,L\t\0@M\xff";
    int accepted = 0;
    for (int i = 0; i < 300000; i++) {
        char text[24];
        struct str line = {text, (size_t)rng_below(&rng, sizeof text)};
        for (size_t n = 0; n < line.len; n++) {
            text[n] = bytes[rng_below(&rng, sizeof bytes - 1)];
        }
        struct err err = {0};
        struct cron cron;
        int64_t at = 0;
        if (cron_parse(line, &cron, &err)) {
            accepted++;
            (void)cron_next(&cron, zone_utc(), 0, &at);
        }
    }
    assert_true(accepted > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_become_sets),
        cmocka_unit_test(wrong_lines_say_where),
        cmocka_unit_test(next_times),
        cmocka_unit_test(the_ends_of_time_are_safe),
        cmocka_unit_test(agrees_with_every_minute),
        cmocka_unit_test(times_in_words),
        cmocka_unit_test(random_lines_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
