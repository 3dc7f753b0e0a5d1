#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "text/test.h"

static const struct str absent;

static void equality_knows_no_difference_between_absent_and_empty(void **state)
{
    static const struct {
        struct str a;
        struct str b;
        bool equal;
        bool equal_case;
        int order;
    } table[] = {
        {{0}, {0}, true, true, 0},
        {{0}, STR_INIT(""), true, true, 0},
        {STR_INIT("a"), {0}, false, false, 1},
        {STR_INIT("a"), STR_INIT("a"), true, true, 0},
        {STR_INIT("a"), STR_INIT("A"), false, true, 1},
        {STR_INIT("a"), STR_INIT("ab"), false, false, -1},
        {STR_INIT("a\0b"), STR_INIT("a\0c"), false, false, -1},
        {STR_INIT("\xff"), STR_INIT("a"), false, false, 1},
        {STR_INIT("\xd7\xa9"), STR_INIT("\xd7\xa9"), true, true, 0},
        {STR_INIT("b"), STR_INIT("ab"), false, false, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        int order = str_compare(table[i].a, table[i].b);
        assert_int_equal(str_equal(table[i].a, table[i].b), table[i].equal);
        assert_int_equal(str_equal_ascii_case(table[i].a, table[i].b), table[i].equal_case);
        assert_int_equal((order > 0) - (order < 0), table[i].order);
        order = str_compare(table[i].b, table[i].a);
        assert_int_equal((order > 0) - (order < 0), -table[i].order);
    }
    assert_null(str_of(NULL).ptr);
    assert_int_equal(str_of("abc").len, 3);
}

static void parts_are_found(void **state)
{
    static const struct {
        struct str text;
        struct str what;
        size_t from;
        size_t at;
    } table[] = {
        {STR_INIT("abcabc"), STR_INIT("bc"), 0, 1},
        {STR_INIT("abcabc"), STR_INIT("bc"), 2, 4},
        {STR_INIT("abcabc"), STR_INIT("bc"), 5, STR_NONE},
        {STR_INIT("abcabc"), STR_INIT("abcabcd"), 0, STR_NONE},
        {STR_INIT("abc"), STR_INIT(""), 3, 3},
        {STR_INIT("abc"), STR_INIT(""), 4, STR_NONE},
        {STR_INIT("a\0b"), STR_INIT("\0b"), 0, 1},
        {{0}, {0}, 0, 0},
        {{0}, {0}, 1, STR_NONE},
        {STR_INIT("abc"), STR_INIT("a"), SIZE_MAX, STR_NONE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_true(str_find(table[i].text, table[i].what, table[i].from) == table[i].at);
    }
    assert_true(str_find_byte(STR("a\0b"), '\0', 0) == 1);
    assert_true(str_find_byte(STR("abc"), 'a', 1) == STR_NONE);
    assert_true(str_find_byte(absent, 'a', 0) == STR_NONE);
    assert_true(str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), absent));
    assert_false(str_starts(STR("ab"), STR("abc")) || str_starts(STR("abc"), STR("b")));
    assert_true(str_ends(STR("abc"), STR("bc")) && str_ends(absent, absent));
    assert_false(str_ends(STR("bc"), STR("abc")) || str_ends(STR("abc"), STR("b")));
}

static void slices_are_clamped(void **state)
{
    static const struct {
        size_t from;
        size_t to;
        struct str part;
    } table[] = {{0, 3, STR_INIT("abc")},
                 {1, 2, STR_INIT("b")},
                 {2, 1, STR_INIT("")},
                 {1, SIZE_MAX, STR_INIT("bc")},
                 {SIZE_MAX, SIZE_MAX, STR_INIT("")},
                 {3, 3, STR_INIT("")}};
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_str_equal(str_slice(STR("abc"), table[i].from, table[i].to), table[i].part);
        assert_non_null(str_slice(STR("abc"), table[i].from, table[i].to).ptr);
    }
    assert_null(str_slice(absent, 1, 5).ptr);
    assert_int_equal(str_slice(absent, 1, 5).len, 0);
    assert_str_equal(str_trim(STR(" \t\r\n\v\f a b \n")), STR("a b"));
    assert_str_equal(str_trim(STR(" \n ")), STR(""));
    assert_null(str_trim(absent).ptr);
}

static void splitting_hands_out_every_part(void **state)
{
    static const struct {
        struct str text;
        size_t parts;
        struct str last;
    } table[] = {{STR_INIT("a,b,c"), 3, STR_INIT("c")}, {STR_INIT(""), 1, STR_INIT("")},
                 {STR_INIT(","), 2, STR_INIT("")},      {STR_INIT("a,"), 2, STR_INIT("")},
                 {STR_INIT("abc"), 1, STR_INIT("abc")}, {{0}, 0, STR_INIT("none")}};
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct str rest = table[i].text;
        struct str part = STR("none");
        size_t parts = 0;
        while (str_split(&rest, ',', &part)) {
            parts++;
        }
        assert_int_equal(parts, table[i].parts);
        assert_str_equal(part, table[i].last);
    }
}

static void numbers_are_whole_or_refused(void **state)
{
    static const struct {
        struct str text;
        bool ok;
        int64_t value;
    } table[] = {
        {STR_INIT("0"), true, 0},
        {STR_INIT("-0"), true, 0},
        {STR_INIT("+7"), true, 7},
        {STR_INIT("007"), true, 7},
        {STR_INIT("9223372036854775807"), true, INT64_MAX},
        {STR_INIT("-9223372036854775808"), true, INT64_MIN},
        {STR_INIT("9223372036854775808"), false, 0},
        {STR_INIT("-9223372036854775809"), false, 0},
        {STR_INIT("99999999999999999999999"), false, 0},
        {STR_INIT(""), false, 0},
        {STR_INIT("-"), false, 0},
        {STR_INIT("+-1"), false, 0},
        {STR_INIT(" 1"), false, 0},
        {STR_INIT("1 "), false, 0},
        {STR_INIT("1.0"), false, 0},
        {STR_INIT("0x1"), false, 0},
        {STR_INIT("1\0"), false, 0},
        {STR_INIT("/"), false, 0},
        {STR_INIT(":"), false, 0},
        {{0}, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        int64_t value = 4711;
        bool ok = str_to_int64(table[i].text, &value);
        if (ok != table[i].ok || value != (ok ? table[i].value : 4711)) {
            fail_msg("row %zu", i);
        }
    }
}

/* Neighbouring texts fall evenly into slots, by their low bits and by their high ones. */
static void hashes_are_spread(void **state)
{
    enum { SLOTS = 256, TEXTS = SLOTS * 64 };
    enum { FORMS = 4 };
    (void)state;
    for (size_t f = 0; f < FORMS; f++) {
        int low[SLOTS] = {0};
        int high[SLOTS] = {0};
        for (int i = 0; i < TEXTS; i++) {
            char text[64];
            int len = f == 0   ? snprintf(text, sizeof text, "%d", i)
                      : f == 1 ? snprintf(text, sizeof text, "id-%08d", i)
                      : f == 2 ? snprintf(text, sizeof text, "%032d", i)
                               : snprintf(text, sizeof text, "a rather long text, number %d", i);
            uint64_t hash = str_hash((struct str){text, (size_t)len}, 7);
            low[hash % SLOTS]++;
            high[hash >> 56]++;
        }
        for (size_t i = 0; i < SLOTS; i++) {
            assert_in_range(low[i], 24, 112);
            assert_in_range(high[i], 24, 112);
        }
    }
    assert_true(str_hash(STR("a"), 1) != str_hash(STR("a"), 2));
    assert_true(str_hash(STR("a"), 1) != str_hash(STR("a\0"), 1));
    assert_true(str_hash(absent, 1) == str_hash(STR(""), 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_knows_no_difference_between_absent_and_empty),
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(slices_are_clamped),
        cmocka_unit_test(splitting_hands_out_every_part),
        cmocka_unit_test(numbers_are_whole_or_refused),
        cmocka_unit_test(hashes_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
