/* table, diff, show: columns that stand, whatever is in them. */
#include <string.h>

#include "cli/diff.h"
#include "cli/table.h"
#include "test.h"
#include "text/utf8.h"

static struct arena arena;
static struct screen screen;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 64 * 1024 * 1024);
    /* 2026-01-05T08:00:03Z */
    screen =
        (struct screen){.zone = zone_find(STR("Asia/Jerusalem")), .now_ms = INT64_C(1767600003000)};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const struct table_column columns[] = {
    {"id", TABLE_RIGHT, 0}, {"chat", TABLE_LEFT, 8}, {"why", TABLE_LEFT, 8}};

static struct str print(const char *const rows[][2], size_t count, size_t width)
{
    static struct table table;
    struct buf out;
    screen.width = width;
    buf_init(&out, &arena, 256);
    table_init(&table, &arena, &screen, columns, COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        table_count(&table, i == 0 ? 7 : 1000000);
        table_text(&table, str_of(rows[i][0]));
        table_text(&table, str_of(rows[i][1]));
    }
    table_print(&table, &out);
    assert_true(buf_ok(&out));
    return buf_str(&out);
}

static void columns_stand(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"לולי", "short"},
                                          {"家族", "wide"},
                                          {"e\xCC\x81t\xC3\xA9", "marks"},
                                          {"👨‍👩‍👧", "family"}};
    struct str rest = print(rows, COUNT(rows), 0);
    struct str line = {0};
    static const char *const expected[] = {
        "       id  chat    why",    "        7  \xE2\x81\xA8לולי\xE2\x81\xA9    short",
        "1,000,000  家族    wide",   "1,000,000  e\xCC\x81t\xC3\xA9     marks",
        "1,000,000  👨👩👧  family",
    };
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(str_split(&rest, '\n', &line));
        assert_str_equal(line, str_of(expected[i]));
    }
    assert_int_equal(rest.len, 0);
}

static void fits_the_width(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"a group with a very long name indeed", "because of one reason and another"},
        {"קבוצה עם שם ארוך מאוד", "סיבה ארוכה מאוד שלא נכנסת"},
    };
    for (size_t width = SHOW_WIDTH_MIN; width <= 120; width++) {
        struct str rest = print(rows, COUNT(rows), width);
        struct str line = {0};
        while (str_split(&rest, '\n', &line)) {
            if (utf8_width(line) > width) {
                fail_msg("%zu columns of %zu: %.*s", utf8_width(line), width, STR_ARG(line));
            }
            /* What was opened is closed on the same line. */
            size_t opened = str_find(line, STR("\xE2\x81\xA8"), 0);
            assert_true(opened == STR_NONE ||
                        str_find(line, STR("\xE2\x81\xA9"), opened) != STR_NONE);
        }
    }
    struct str wide = print(rows, COUNT(rows), 0);
    assert_true(str_find(wide, STR("…"), 0) == STR_NONE);
}

static void text_is_harmless(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        {"two\nlines\tand\x1b[31m red", "two\\nlines\\tand\\u{1B}[31m red"},
        {"over\xE2\x80\xAEride", "over\\u{202E}ride"},
        {"bad \xFF byte", "bad \\x{FF} byte"},
        {"heart \xE2\x9D\xA4\xEF\xB8\x8F", "heart \xE2\x9D\xA4"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_str_equal(show_text(&arena, str_of(cases[i].text), SHOW_PEOPLE),
                         str_of(cases[i].shown));
    }
    struct str number = STR("call 0501234567"); /* Invented. */
    assert_str_equal(show_text(&arena, number, SHOW_MASKED), STR("call 050•••67"));
    assert_str_equal(show_text(&arena, number, SHOW_PEOPLE), number);
}

static void values(void **state)
{
    (void)state;
    char out[SHOW_MAX];
    int64_t now = screen.now_ms;
    assert_str_equal(show_time(&screen, now, out), STR("2026-01-05 10:00:03"));
    assert_str_equal(show_time(&screen, 0, out), STR("never"));
    assert_str_equal(show_age(&screen, 0, out), STR("never"));
    assert_str_equal(show_age(&screen, now, out), STR("now"));
    assert_str_equal(show_age(&screen, now - 12000, out), STR("12 s ago"));
    assert_str_equal(show_age(&screen, now - 180000, out), STR("3 min ago"));
    assert_str_equal(show_age(&screen, now + 7200000, out), STR("in 2 h"));
    assert_str_equal(show_age(&screen, now - 86400000 * INT64_C(30), out), STR("30 days ago"));
    assert_str_equal(show_count(0, out), STR("0"));
    assert_str_equal(show_count(999, out), STR("999"));
    assert_str_equal(show_count(-1234567, out), STR("-1,234,567"));
    assert_str_equal(show_count(INT64_MIN, out), STR("-9,223,372,036,854,775,808"));
    assert_str_equal(show_size(1023, out), STR("1023 B"));
    assert_str_equal(show_size(1536, out), STR("1.5 KiB"));
    assert_str_equal(show_size(INT64_MAX, out), STR("8388607.9 TiB"));
    assert_str_equal(show_duration(250, out), STR("250 ms"));
    assert_str_equal(show_duration(1500, out), STR("1.5 s"));
    assert_str_equal(show_duration(80000, out), STR("1 min 20 s"));
    assert_str_equal(show_duration(7500000, out), STR("2 h 5 min"));
    assert_str_equal(show_duration(INT64_C(273600000), out), STR("3 d 4 h"));
}

static void diffs(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, &arena, 256);
    screen.width = 0;
    struct diff diff = {.arena = &arena, .screen = &screen, .out = &out, .privacy = SHOW_PEOPLE};
    diff_new(&diff, STR("reviews"), STR("DR1"));
    diff_value(&diff, STR("project"), STR("Lawley"));
    diff_changed(&diff, STR("reviews"), STR("DR2"));
    diff_column(&diff, STR("comment"), (struct str){0}, STR("בוצע"));
    diff_gone(&diff, STR("reviews"), STR("DR3"));
    diff_same(&diff);
    diff_sum(&diff);
    assert_str_equal(buf_str(&out), STR("+ reviews DR1\n"
                                        "    project: Lawley\n"
                                        "~ reviews DR2\n"
                                        "    ~ comment: (none) → \xE2\x81\xA8בוצע\xE2\x81\xA9\n"
                                        "- reviews DR3\n"
                                        "\n"
                                        "1 new, 1 changed, 1 gone, 1 the same\n"));
    buf_clear(&out);
    diff = (struct diff){.arena = &arena, .screen = &screen, .out = &out};
    diff_same(&diff);
    diff_sum(&diff);
    assert_str_equal(buf_str(&out), STR("nothing would change, 1 the same\n"));
}

static void colours(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, &arena, 64);
    screen.colour = true;
    show_styled(&out, &screen, SHOW_BAD, STR("stuck"));
    assert_str_equal(buf_str(&out), STR("\x1b[31mstuck\x1b[0m"));
    screen.colour = false;
    buf_clear(&out);
    show_styled(&out, &screen, SHOW_BAD, STR("stuck"));
    assert_str_equal(buf_str(&out), STR("stuck"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(columns_stand, begin, end),
        cmocka_unit_test_setup_teardown(fits_the_width, begin, end),
        cmocka_unit_test_setup_teardown(text_is_harmless, begin, end),
        cmocka_unit_test_setup_teardown(values, begin, end),
        cmocka_unit_test_setup_teardown(diffs, begin, end),
        cmocka_unit_test_setup_teardown(colours, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
