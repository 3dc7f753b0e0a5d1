/* when: what --since and --until understand, at the beginning and the end of a day. */
#include <string.h>

#include "cli/when.h"
#include "test.h"

/* Monday, 2026-01-05T08:00:03Z: 10:00:03 in Jerusalem. */
#define NOW INT64_C(1767600003000)

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *since;
        const char *until;
    } cases[] = {
        {"now", "2026-01-05T08:00:03.000Z", "2026-01-05T08:00:03.000Z"},
        {"2h", "2026-01-05T06:00:03.000Z", "2026-01-05T06:00:03.000Z"},
        {"30d", "2025-12-06T08:00:03.000Z", "2025-12-06T08:00:03.000Z"},
        {"today", "2026-01-04T22:00:00.000Z", "2026-01-05T22:00:00.000Z"},
        {"Yesterday", "2026-01-03T22:00:00.000Z", "2026-01-04T22:00:00.000Z"},
        {"sunday", "2026-01-03T22:00:00.000Z", "2026-01-04T22:00:00.000Z"},
        {"monday", "2025-12-28T22:00:00.000Z", "2025-12-29T22:00:00.000Z"},
        {"2026-01-05", "2026-01-04T22:00:00.000Z", "2026-01-05T22:00:00.000Z"},
        {"2026-01-05T10:00", "2026-01-05T08:00:00.000Z", "2026-01-05T08:00:00.000Z"},
        {"2026-01-05 10:00", "2026-01-05T08:00:00.000Z", "2026-01-05T08:00:00.000Z"},
        {"2026-01-05T10:00Z", "2026-01-05T10:00:00.000Z", "2026-01-05T10:00:00.000Z"},
        {"2026-01-05T10:00+05:00", "2026-01-05T05:00:00.000Z", "2026-01-05T05:00:00.000Z"},
        /* A day of 23 hours: the clocks go forward on it. */
        {"2026-03-27", "2026-03-26T22:00:00.000Z", "2026-03-27T21:00:00.000Z"},
    };
    const struct zone *zone = zone_find(STR("Asia/Jerusalem"));
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[DATETIME_TEXT_MAX];
        struct err err = {0};
        int64_t ms = 0;
        if (!when_parse(str_of(cases[i].text), WHEN_BEGIN, zone, NOW, &ms, &err)) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
        assert_str_equal(datetime_format_iso(ms, text), str_of(cases[i].since));
        assert_true(when_parse(str_of(cases[i].text), WHEN_END, zone, NOW, &ms, &err));
        assert_str_equal(datetime_format_iso(ms, text), str_of(cases[i].until));
    }
}

static void no_times(void **state)
{
    (void)state;
    static const char *const texts[] = {"",    "soon",       "2",    "-2h",        "2026-13-01",
                                        "2 h", "2026-02-30", "1.5h", "05/01/2026", "אתמול"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct err err = {0};
        int64_t ms = 0;
        assert_false(when_parse(str_of(texts[i]), WHEN_BEGIN, zone_utc(), NOW, &ms, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_non_null(strstr(err.text, "is no time; write 2h"));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(no_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
