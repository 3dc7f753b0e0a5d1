/* timepattern: the forms of the five documents, every part there and back, and hostile texts. */
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/timepattern.h"

static struct timepattern compiled(struct str text)
{
    struct err err = {0};
    struct timepattern pattern;
    if (!timepattern_compile(text, &pattern, &err)) {
        fail_msg("%.*s: %s", STR_ARG(text), err.text);
    }
    return pattern;
}

static const int64_t AT = INT64_C(1765306302998); /* 2025-12-09T18:51:42.998Z, a Tuesday. */

static void moments_are_written(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *zone;
        const char *text;
    } cases[] = {
        {"HH:MM, DD.MM.YYYY", "Asia/Jerusalem", "20:51, 09.12.2025"},
        {"DD/MM/YYYY", "Asia/Jerusalem", "09/12/2025"},
        {"YYYY-MM-DD HH:MM:SS", "Africa/Johannesburg", "2025-12-09 20:51:42"},
        {"YYYY-MM-DDTHH:MM:SS.mmmZ", "UTC", "2025-12-09T18:51:42.998Z"},
        {"YYYY-MM-DDTHH:MM:SS.mmmZ", "Asia/Kathmandu", "2025-12-10T00:36:42.998+05:45"},
        {"YYYY-MM-DD HH:MM:SS,mmm", "UTC", "2025-12-09 18:51:42,998"},
        {"DD.MM.YYYY HH:MM:SS 'UTC'ZZ", "Asia/Jerusalem", "09.12.2025 20:51:42 UTC+02:00"},
        {"D MMMM YYYY", "UTC", "9 December 2025"},
        {"ddd, D MMM YYYY HH:mm:SS ZZZ", "America/New_York", "Tue, 9 Dec 2025 13:51:42 -0500"},
        {"dddd hh:MM A zzz", "Asia/Jerusalem", "Tuesday 08:51 PM IST"},
        {"h:MM A, M/D/YYYY", "UTC", "6:51 PM, 12/9/2025"},
        {"YYYYMMDD-HHMMSS", "UTC", "20251209-185142"},
        {"MM:SS", "UTC", "51:42"},
        {"H.S uuuuuu nnnnnnnnn", "UTC", "18.42 998000 998000000"},
        {"'o''clock' HH '' ", "UTC", "o'clock 18 ' "},
        {"ZZ", "UTC", "+00:00"},
        {"YYYY\xd7\xa9", "UTC", "2025\xd7\xa9"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[DATETIME_TEXT_MAX];
        struct timepattern pattern = compiled(str_of(cases[i].pattern));
        assert_str_equal(timepattern_write(&pattern, zone_find(str_of(cases[i].zone)), AT, out),
                         str_of(cases[i].text));
    }
}

static void noon_and_midnight(void **state)
{
    (void)state;
    struct timepattern pattern = compiled(STR("hh:MM A YYYY-MM-DD"));
    static const char *const texts[] = {"12:00 AM", "01:00 AM", "11:00 AM",
                                        "12:00 PM", "01:00 PM", "11:00 PM"};
    static const int hours[] = {0, 1, 11, 12, 13, 23};
    for (size_t i = 0; i < COUNT(hours); i++) {
        char out[DATETIME_TEXT_MAX];
        struct stamp stamp;
        struct err err = {0};
        struct str text = timepattern_write(&pattern, zone_utc(), hours[i] * DATETIME_HOUR_MS, out);
        assert_str_equal(str_slice(text, 0, 8), str_of(texts[i]));
        assert_true(timepattern_read(&pattern, text, &stamp, &err));
        assert_int_equal(stamp.civil.hour, hours[i]);
    }
}

static void wrong_patterns_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *part;
    } cases[] = {
        {"", "1 to 64 bytes"},
        {"YY-MM-DD", "'letters in quotes' at offset 0"},
        {"YYYY-MM-DD at HH:MM", "'letters in quotes' at offset 11"},
        {"YYYY-MM-DD 'at HH:MM", "a closing quote"},
        {"HHH", "'letters in quotes'"},
        {"hh:MM", "need each other"},
        {"HH:MM A", "need each other"},
        {"%Y-%m-%d", "'letters in quotes' at offset 1"},
        {"Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.Z.", "more than 128 bytes"},
        {"D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D.D", "fewer parts"},
        {"YYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYY", "1 to 64"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct timepattern pattern;
        assert_false(timepattern_compile(str_of(cases[i].pattern), &pattern, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        if (strstr(err.text, cases[i].part) == NULL) {
            fail_msg("\"%s\": %s", cases[i].pattern, err.text);
        }
    }
}

static void texts_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *text;
        const char *iso; /* NULL: refused, */
        const char *why; /* for this reason. */
    } cases[] = {
        {"HH:MM, DD.MM.YYYY", "14:30, 09.12.2025", "2025-12-09T14:30", NULL},
        {"HH:MM, DD.MM.YYYY", "14:30, 9.12.2025", NULL, "a day, 01 to 31 at offset 7"},
        {"HH:MM, DD.MM.YYYY", "14:30 09.12.2025", NULL, "the text of the pattern at offset 5"},
        {"HH:MM, DD.MM.YYYY", "14:30, 31.11.2025", NULL, "a date that exists"},
        {"HH:MM, DD.MM.YYYY", "24:30, 09.12.2025", NULL, "an hour, 0 to 23 at offset 0"},
        {"HH:MM, DD.MM.YYYY", "14:30, 09.12.2025 ", NULL, "the end at offset 17"},
        {"HH:MM, DD.MM.YYYY", "14:30, 09.12.20", NULL, "a year of four digits"},
        {"HH:MM, DD.MM.YYYY", "", NULL, "an hour"},
        {"DD/MM/YYYY", "09/12/2025", "2025-12-09", NULL},
        {"DD.MM.YYYY HH:MM:SS 'UTC'ZZ", "09.12.2025 20:51:42 UTC+02:00",
         "2025-12-09T20:51:42+02:00", NULL},
        {"DD.MM.YYYY HH:MM:SS 'UTC'ZZ", "09.12.2025 20:51:42 UTC-09:30",
         "2025-12-09T20:51:42-09:30", NULL},
        {"DD.MM.YYYY HH:MM:SS 'UTC'ZZ", "09.12.2025 20:51:42 UTC", NULL, "an offset"},
        {"D MMMM YYYY", "25 July 2024", "2024-07-25", NULL},
        {"D MMMM YYYY", "25 may 2024", "2024-05-25", NULL},
        {"D MMMM YYYY", "25 Jul 2024", NULL, "an English name"},
        {"D MMM YYYY", "25 Jul 2024", "2024-07-25", NULL},
        {"D MMM YYYY", "25 July 2024", NULL, "an English name"},
        {"YYYY-MM-DD HH:MM:SS,mmm", "2025-11-09 12:34:56,789", "2025-11-09T12:34:56.789", NULL},
        {"YYYY-MM-DD HH:MM:SS,mmm", "2025-11-09 12:34:56,78", NULL, "digits of a fraction"},
        {"h:MM A, M/D/YYYY", "6:51 pm, 12/9/2025", "2025-12-09T18:51", NULL},
        {"h:MM A, M/D/YYYY", "0:51 pm, 12/9/2025", NULL, "an hour, 1 to 12"},
        {"h:MM A, M/D/YYYY", "6:51 xm, 12/9/2025", NULL, "AM or PM"},
        {"YYYY-MM-DDZ", "0001-01-01+01:00", NULL, "within the years"},
        {"dddd D.M.YYYY", "Monday 9.12.2025", "2025-12-09", NULL},
        {"HH:MM", "14:30", NULL, "cannot be read"},
        {"YYYY-MM-DD zzz", "2025-11-09 IST", NULL, "cannot be read"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct stamp stamp;
        struct stamp want;
        struct timepattern pattern = compiled(str_of(cases[i].pattern));
        bool read = timepattern_read(&pattern, str_of(cases[i].text), &stamp, &err);
        if (read != (cases[i].iso != NULL) || (!read && strstr(err.text, cases[i].why) == NULL)) {
            fail_msg("%s by %s: %s", cases[i].text, cases[i].pattern, err.text);
        }
        if (read) {
            assert_true(datetime_parse_iso(str_of(cases[i].iso), &want, &err));
            assert_memory_equal(&stamp.civil, &want.civil, sizeof want.civil);
            assert_int_equal(stamp.offset_s, want.offset_s);
            assert_int_equal(stamp.has_offset, want.has_offset);
            assert_int_equal(stamp.has_time, want.has_time);
        }
    }
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "YYYY-MM-DDTHH:MM:SS.mmmZ", "ddd D MMM YYYY h:MM:S A mmm ZZ",
        "dddd, MMMM DD YYYY 'at' hh.mm.SS A uuuuuu ZZZ", "DDMMYYYYHHMMSSnnnnnnnnnZZ"};
    struct rng rng;
    rng_seed(&rng, 4);
    for (int i = 0; i < 100000; i++) {
        char out[DATETIME_TEXT_MAX];
        struct err err = {0};
        struct stamp stamp;
        struct timepattern pattern = compiled(str_of(patterns[rng_below(&rng, COUNT(patterns))]));
        const struct zone *zone = zone_at(rng_below(&rng, zone_count()));
        int64_t at = (int64_t)rng_below(&rng, UINT64_C(8000000000000));
        if (zone_offset_at(zone, at).offset_s % 60 != 0) {
            continue; /* A pattern has no seconds of an offset. */
        }
        struct str text = timepattern_write(&pattern, zone, at, out);
        if (!timepattern_read(&pattern, text, &stamp, &err)) {
            fail_msg("%.*s: %s", STR_ARG(text), err.text);
        }
        assert_int_equal(zone_stamp_ms(zone, &stamp, NULL), at);
    }
}

static void the_ends_of_time_are_written(void **state)
{
    (void)state;
    char out[DATETIME_TEXT_MAX];
    struct timepattern pattern = compiled(STR("YYYY-MM-DD HH:MM:SS.mmm"));
    const struct zone *zone = zone_find(STR("Asia/Jerusalem"));
    assert_str_equal(timepattern_write(&pattern, zone, INT64_MAX, out),
                     STR("9999-12-31 23:59:59.999"));
    assert_str_equal(timepattern_write(&pattern, zone, INT64_MIN, out),
                     STR("0001-01-01 00:00:00.000"));
}

static void random_bytes_are_safe(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 6);
    for (int i = 0; i < 200000; i++) {
        char text[70];
        char out[DATETIME_TEXT_MAX];
        struct str view = {text, (size_t)rng_below(&rng, sizeof text)};
        size_t run = 1 + (size_t)rng_below(&rng, 4);
        for (size_t n = 0; n < view.len; n++) {
            text[n] = n % run == 0 ? "YMDHhASmuZzd'., T0\xff\0"[rng_below(&rng, 20)] : text[n - 1];
        }
        struct err err = {0};
        struct timepattern pattern;
        struct stamp stamp;
        if (timepattern_compile(view, &pattern, &err)) {
            struct str written = timepattern_write(&pattern, zone_at((size_t)i % 500), AT, out);
            assert_true(written.len <= DATETIME_TEXT_MAX);
            (void)timepattern_read(&pattern, written, &stamp, &err);
            (void)timepattern_read(&pattern, view, &stamp, &err);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_written),
        cmocka_unit_test(noon_and_midnight),
        cmocka_unit_test(wrong_patterns_say_where),
        cmocka_unit_test(texts_are_read),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(the_ends_of_time_are_written),
        cmocka_unit_test(random_bytes_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
