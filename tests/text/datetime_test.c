/* datetime: the calendar over its whole range, every form that is read, and hostile texts. */
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/datetime.h"

/* Walks day by day beside the arithmetic, which must agree with the simplest calendar there is. */
static void every_day_of_the_calendar(void **state)
{
    (void)state;
    int64_t days = DATETIME_MIN_MS / DATETIME_DAY_MS;
    int weekday = 1; /* 0001-01-01 was a Monday. */
    for (int year = 1; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            int last = datetime_month_days(year, month);
            for (int day = 1; day <= last; day++, days++, weekday = (weekday + 1) % 7) {
                struct civil back;
                assert_int_equal(datetime_days(year, month, day), days);
                assert_true(datetime_to_civil(days * DATETIME_DAY_MS, &back));
                assert_true(back.year == year && back.month == month && back.day == day);
                assert_int_equal(datetime_weekday(days), weekday);
            }
        }
    }
    assert_int_equal(days * DATETIME_DAY_MS - 1, DATETIME_MAX_MS);
}

static void leap_years_follow_gregory(void **state)
{
    (void)state;
    assert_true(datetime_is_leap(2024) && datetime_is_leap(2000) && datetime_is_leap(4));
    assert_false(datetime_is_leap(2025) || datetime_is_leap(1900) || datetime_is_leap(2100));
    assert_int_equal(datetime_month_days(2024, 2), 29);
    assert_int_equal(datetime_month_days(2025, 2), 28);
    assert_int_equal(datetime_month_days(2025, 12), 31);
}

static void the_ends_are_guarded(void **state)
{
    (void)state;
    struct civil civil;
    static const int64_t outside[] = {DATETIME_MIN_MS - 1, DATETIME_MAX_MS + 1, INT64_MIN,
                                      INT64_MAX};
    for (size_t i = 0; i < COUNT(outside); i++) {
        assert_false(datetime_to_civil(outside[i], &civil));
        assert_false(datetime_to_civil_at(outside[i], 3600, &civil));
    }
    assert_true(datetime_to_civil(DATETIME_MAX_MS, &civil));
    assert_int_equal(datetime_from_civil(&civil), DATETIME_MAX_MS);
    assert_true(datetime_to_civil(DATETIME_MIN_MS, &civil));
    assert_int_equal(datetime_from_civil(&civil), DATETIME_MIN_MS);
    assert_false(datetime_to_civil_at(DATETIME_MAX_MS, 1, &civil));
    assert_false(datetime_to_civil_at(DATETIME_MIN_MS, -1, &civil));
}

static void civil_fields_are_checked(void **state)
{
    (void)state;
    static const struct {
        struct civil civil;
        bool valid;
    } cases[] = {
        {{2025, 12, 9, 18, 51, 42, 0}, true},       {{2024, 2, 29, 0, 0, 0, 0}, true},
        {{2025, 2, 29, 0, 0, 0, 0}, false},         {{0, 1, 1, 0, 0, 0, 0}, false},
        {{10000, 1, 1, 0, 0, 0, 0}, false},         {{2025, 0, 1, 0, 0, 0, 0}, false},
        {{2025, 13, 1, 0, 0, 0, 0}, false},         {{2025, 1, 0, 0, 0, 0, 0}, false},
        {{2025, 4, 31, 0, 0, 0, 0}, false},         {{2025, 1, 1, 24, 0, 0, 0}, false},
        {{2025, 1, 1, 0, 60, 0, 0}, false},         {{2025, 1, 1, 0, 0, 60, 0}, false},
        {{2025, 1, 1, 0, -1, 0, 0}, false},         {{2025, 1, 1, 0, 0, 0, -1}, false},
        {{2025, 1, 1, 0, 0, 0, 1000000000}, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(datetime_civil_valid(&cases[i].civil), cases[i].valid);
    }
}

struct iso_case {
    const char *text;
    int64_t unix_ms; /* As if UTC when there is no offset. */
    bool has_offset;
    bool has_time;
};

static const struct iso_case iso_good[] = {
    {"2025-12-09T18:51:42.998Z", 1765306302998, true, true},
    {"2025-12-09t18:51:42z", 1765306302000, true, true},
    {"2025-12-09 20:51:42.998765432+02:00", 1765306302998, true, true},
    {"2025-12-09 20:51:42+02:00", 1765306302000, true, true},
    {"2025-12-09T20:51:42+0200", 1765306302000, true, true},
    {"2025-12-09T20:51:42+02", 1765306302000, true, true},
    {"2025-12-09 20:51:42.5 +0200 IST m=+0.123456", 1765306302500, true, true},
    {"2025-12-09 20:51:42.5 +0200 +02", 1765306302500, true, true},
    {"2025-12-09 18:51:42 +0000 UTC", 1765306302000, true, true},
    {"2025-12-09 18:51:42 +0000 m=-1.5", 1765306302000, true, true},
    {"2025-12-09 16:36:42-02:15", 1765306302000, true, true},
    {"2025-12-09 18:51:42-00:00", 1765306302000, true, true},
    {"2025-12-09T18:51:42+00:00:02", 1765306300000, true, true},
    {"2025-12-09 18:51:42", 1765306302000, false, true},
    {"2025-11-09 12:34:56,789", 1762691696789, false, true},
    {"2025-12-09T18:51", 1765306260000, false, true},
    {"2025-12-09T18:51Z", 1765306260000, true, true},
    {"2025-12-09", 1765238400000, false, false},
    {"20251209", 1765238400000, false, false},
    {"20251209T185142Z", 1765306302000, true, true},
    {"20251209T1851", 1765306260000, false, true},
    {"1969-12-31T23:59:59.999Z", -1, true, true},
    {"1970-01-01T00:00:00Z", 0, true, true},
    {"2016-12-31T23:59:60Z", 1483228799999, true, true},
    {"0001-01-01T00:00:00Z", DATETIME_MIN_MS, true, true},
    {"9999-12-31T23:59:59.999999999Z", DATETIME_MAX_MS, true, true},
    {"2025-10-26 01:30:00+03:00", 1761431400000, true, true},
    {"2025-10-26 01:10:00+02:00", 1761433800000, true, true},
};

static void iso_forms_are_read(void **state)
{
    (void)state;
    struct err err = {0};
    for (size_t i = 0; i < COUNT(iso_good); i++) {
        const struct iso_case *c = &iso_good[i];
        struct stamp stamp;
        if (!datetime_parse_iso(str_of(c->text), &stamp, &err)) {
            fail_msg("%s: %s", c->text, err.text);
        }
        assert_int_equal(stamp.has_offset, c->has_offset);
        assert_int_equal(stamp.has_time, c->has_time);
        int64_t unix_ms = datetime_from_civil(&stamp.civil);
        assert_int_equal(datetime_stamp_ms(&stamp, &unix_ms), c->has_offset);
        assert_int_equal(unix_ms, c->unix_ms);
        int64_t direct = 0;
        assert_int_equal(datetime_parse_iso_ms(str_of(c->text), &direct, &err), c->has_offset);
        assert_int_equal(direct, c->has_offset ? c->unix_ms : 0);
    }
}

static void iso_keeps_nanoseconds(void **state)
{
    (void)state;
    struct err err = {0};
    struct stamp stamp;
    assert_true(datetime_parse_iso(STR("2025-12-09T18:51:42.000200001Z"), &stamp, &err));
    assert_int_equal(stamp.civil.nanosecond, 200001);
    assert_true(datetime_parse_iso(STR("2025-12-09T18:51:42.7Z"), &stamp, &err));
    assert_int_equal(stamp.civil.nanosecond, 700000000);
}

static void iso_refusals_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"", "a year of four digits at offset 0"},
        {"garbage", "a year"},
        {"2025", "a month"},
        {"2025-13-01", "a month, 01 to 12 at offset 5"},
        {"2025-02-29", "a date that exists"},
        {"0000-01-01", "a date that exists"},
        {"2025-12-32", "a day"},
        {"2025-1-01", "a month"},
        {"2025-12-09X18:51", "'T' or a space"},
        {"2025-12-09T", "an hour"},
        {"2025-12-09T24:00:00", "an hour"},
        {"2025-12-09T18", "':' between"},
        {"2025-12-09T18:60", "a minute"},
        {"2025-12-09T18:51:61", "a second"},
        {"2025-12-09T18:51:42.", "one to nine digits"},
        {"2025-12-09T18:51:42.1234567890Z", "one to nine digits"},
        {"2025-12-09T18:51:42+19:00", "hours of an offset"},
        {"2025-12-09T18:51:42+18:01", "at most 18 hours"},
        {"2025-12-09T18:51:42+2", "hours of an offset"},
        {"2025-12-09T18:51:42+02:", "minutes of an offset"},
        {"2025-12-09T18:51:42Zx", "the end at offset 20"},
        {"2025-12-09T18:51:42 IST", "Z, an offset"},
        {" 2025-12-09T18:51:42Z", "a year of four digits at offset 0"},
        {"2025-12-09T18:51:42Z ", "the end"},
        {"2025-12-09T18:51:42+02:00 m=0", "the end"},
        {"2025-12-09T18:51:42+02:00 m=+1x", "the end"},
        {"0001-01-01T00:00:00+01:00", "within the years"},
        {"9999-12-31T23:59:59-00:01", "within the years"},
        {"-025-12-09", "a year"},
        {"2025\0-12-09", "a month"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct stamp stamp = {.offset_s = 77};
        assert_false(datetime_parse_iso(str_of(cases[i].text), &stamp, &err));
        assert_int_equal(err.kind, ERR_REJECT);
        if (strstr(err.text, cases[i].part) == NULL) {
            fail_msg("\"%s\": %s", cases[i].text, err.text);
        }
        assert_int_equal(stamp.offset_s, 77); /* Untouched. */
    }
    struct err err = {0};
    int64_t unix_ms = 5;
    assert_false(datetime_parse_iso_ms(STR("2025-12-09T18:51:42"), &unix_ms, &err));
    assert_non_null(strstr(err.text, "Z or an offset"));
    assert_int_equal(unix_ms, 5);
    assert_false(datetime_parse_iso_ms((struct str){0}, &unix_ms, &err));
}

static void mail_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_ms;
    } good[] = {
        {"Tue, 9 Dec 2025 20:51:42 +0200", 1765306302000},
        {"Tue, 09 Dec 2025 18:51:42 GMT", 1765306302000},
        {"9 Dec 2025 18:51 +0000", 1765306260000},
        {"  Tue,9 december 25 13:51:42 EST", 1765306302000},
        {"Tuesday, 09-Dec-25 18:51:42 GMT", 1765306302000},
        {"Tue, 9 Dec 2025 20:51:42 +0200 (IST)", 1765306302000},
        {"Mon, 31 Dec 99 23:59:60 Z", 946684799999},
    };
    static const char *const bad[] = {
        "",
        "Tue",
        "Tue, 9 Dez 2025 20:51:42 +0200",
        "Tue, 31 Feb 2025 20:51:42 +0200",
        "Tue, 9 Dec 2025",
        "Tue, 9 Dec 2025 20:51:42",
        "Tue, 9 Dec 2025 20:51:42 IST",
        "Tue, 9 Dec 2025 20:51:42 +0200 x",
        "9 Dec 20251 20:51:42 +0200",
        "Xxx, 9 Dec 2025 20:51 Z",
    };
    struct err err = {0};
    for (size_t i = 0; i < COUNT(good); i++) {
        struct stamp stamp;
        int64_t unix_ms = 0;
        assert_true(datetime_parse_mail(str_of(good[i].text), &stamp, &err));
        assert_true(datetime_stamp_ms(&stamp, &unix_ms));
        assert_int_equal(unix_ms, good[i].unix_ms);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct stamp stamp;
        assert_false(datetime_parse_mail(str_of(bad[i]), &stamp, &err));
    }
}

static void unix_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum datetime_unit unit;
        bool good;
        int64_t unix_ms;
    } cases[] = {
        {"1765306302", DATETIME_UNIT_AUTO, true, 1765306302000},
        {"1765306302998", DATETIME_UNIT_AUTO, true, 1765306302998},
        {"1765306302998765", DATETIME_UNIT_AUTO, true, 1765306302998},
        {"1765306302998765432", DATETIME_UNIT_AUTO, true, 1765306302998},
        {"1765306302.000200", DATETIME_UNIT_AUTO, true, 1765306302000},
        {"1765306302.998", DATETIME_UNIT_S, true, 1765306302998},
        {"0", DATETIME_UNIT_AUTO, true, 0},
        {"-1", DATETIME_UNIT_S, true, -1000},
        {"-1", DATETIME_UNIT_US, true, -1},
        {"5", DATETIME_UNIT_MS, true, 5},
        {"253402300799", DATETIME_UNIT_S, true, DATETIME_MAX_MS - 999},
        {"253402300800", DATETIME_UNIT_S, false, 0},
        {"253402300800000", DATETIME_UNIT_MS, false, 0},
        {"9223372036854775807", DATETIME_UNIT_S, false, 0},
        {"-9223372036854775808", DATETIME_UNIT_S, false, 0},
        {"-9223372036854775808", DATETIME_UNIT_MS, false, 0},
        {"-9223372036854775808", DATETIME_UNIT_AUTO, true, -9223372036855},
        {"9223372036854775808", DATETIME_UNIT_AUTO, false, 0},
        {"", DATETIME_UNIT_AUTO, false, 0},
        {".5", DATETIME_UNIT_S, false, 0},
        {"5.", DATETIME_UNIT_S, false, 0},
        {"5.1.2", DATETIME_UNIT_S, false, 0},
        {"-5.5", DATETIME_UNIT_S, false, 0},
        {"5.5", DATETIME_UNIT_MS, false, 0},
        {"12ab", DATETIME_UNIT_AUTO, false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        int64_t unix_ms = 0;
        bool good = datetime_parse_unix(str_of(cases[i].text), cases[i].unit, &unix_ms, &err);
        if (good != cases[i].good || unix_ms != cases[i].unix_ms) {
            fail_msg("\"%s\" gave %lld (%s)", cases[i].text, (long long)unix_ms, err.text);
        }
        assert_int_equal(err.kind, good ? ERR_NONE : ERR_REJECT);
    }
}

static void moments_are_written(void **state)
{
    (void)state;
    char out[DATETIME_TEXT_MAX];
    int64_t at = 1765306302998;
    assert_str_equal(datetime_format_iso(at, out), STR("2025-12-09T18:51:42.998Z"));
    assert_str_equal(datetime_format_iso_at(at, 7200, out), STR("2025-12-09T20:51:42.998+02:00"));
    assert_str_equal(datetime_format_iso_at(at, -9000, out), STR("2025-12-09T16:21:42.998-02:30"));
    assert_str_equal(datetime_format_iso_at(at, -30, out), STR("2025-12-09T18:51:42.998+00:00"));
    assert_str_equal(datetime_format_bridge(at, 7200, out), STR("2025-12-09 20:51:42.998+02:00"));
    assert_str_equal(datetime_format_bridge(at - 98, 0, out), STR("2025-12-09 18:51:42.9+00:00"));
    assert_str_equal(datetime_format_bridge(at - 998, 0, out), STR("2025-12-09 18:51:42+00:00"));
    assert_str_equal(datetime_format_mail(at, 7200, out), STR("Tue, 09 Dec 2025 20:51:42 +0200"));
    assert_str_equal(datetime_format_http(at, out), STR("Tue, 09 Dec 2025 18:51:42 GMT"));
    assert_str_equal(datetime_format_iso(-1, out), STR("1969-12-31T23:59:59.999Z"));
    assert_str_equal(datetime_format_iso(INT64_MIN, out), STR("0001-01-01T00:00:00.000Z"));
    assert_str_equal(datetime_format_iso(INT64_MAX, out), STR("9999-12-31T23:59:59.999Z"));
    assert_str_equal(datetime_format_iso_at(INT64_MAX, 3600, out),
                     STR("9999-12-31T23:59:59.999+01:00"));
    assert_str_equal(datetime_format_iso_at(INT64_MIN, -3600, out),
                     STR("0001-01-01T00:00:00.000-01:00"));
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    struct rng rng;
    struct err err = {0};
    rng_seed(&rng, 20251209);
    for (int i = 0; i < 200000; i++) {
        char out[DATETIME_TEXT_MAX];
        uint64_t span = (uint64_t)(DATETIME_MAX_MS - DATETIME_MIN_MS - 2 * DATETIME_DAY_MS);
        int64_t at = DATETIME_MIN_MS + DATETIME_DAY_MS + (int64_t)rng_below(&rng, span);
        int offset_s = ((int)rng_below(&rng, 2 * 1080 + 1) - 1080) * 60;
        int64_t back = 0;
        assert_true(datetime_parse_iso_ms(datetime_format_iso(at, out), &back, &err));
        assert_int_equal(back, at);
        assert_true(datetime_parse_iso_ms(datetime_format_iso_at(at, offset_s, out), &back, &err));
        assert_int_equal(back, at);
        assert_true(datetime_parse_iso_ms(datetime_format_bridge(at, offset_s, out), &back, &err));
        assert_int_equal(back, at);
        struct stamp stamp;
        assert_true(datetime_parse_mail(datetime_format_mail(at, offset_s, out), &stamp, &err));
        assert_true(datetime_stamp_ms(&stamp, &back));
        assert_int_equal(back, at - ((at % 1000) + 1000) % 1000);
    }
}

/* Damages good texts byte by byte: nothing may crash, and what is read must be a real date. */
static void damaged_texts_are_safe(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < 300000; i++) {
        char text[64];
        const char *good = i % 2 == 0 ? iso_good[rng_below(&rng, COUNT(iso_good))].text
                                      : "Tue, 9 Dec 2025 20:51:42 +0200 (IST)";
        size_t len = strlen(good);
        memcpy(text, good, len);
        for (uint64_t n = rng_below(&rng, 4); n > 0; n--) {
            text[rng_below(&rng, len)] = (char)rng_below(&rng, 256);
        }
        struct str view = {text, rng_below(&rng, len + 1)};
        struct err err = {0};
        struct stamp stamp;
        int64_t unix_ms = 0;
        if (datetime_parse_iso(view, &stamp, &err) || datetime_parse_mail(view, &stamp, &err)) {
            assert_true(datetime_civil_valid(&stamp.civil));
        }
        (void)datetime_parse_unix(view, DATETIME_UNIT_AUTO, &unix_ms, &err);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_the_calendar),
        cmocka_unit_test(leap_years_follow_gregory),
        cmocka_unit_test(the_ends_are_guarded),
        cmocka_unit_test(civil_fields_are_checked),
        cmocka_unit_test(iso_forms_are_read),
        cmocka_unit_test(iso_keeps_nanoseconds),
        cmocka_unit_test(iso_refusals_say_where),
        cmocka_unit_test(mail_dates),
        cmocka_unit_test(unix_numbers),
        cmocka_unit_test(moments_are_written),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(damaged_texts_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
