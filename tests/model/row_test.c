#include <string.h>

#include "model/row.h"
#include "text/test.h"

enum { ARENA = 1 << 20 };

/* What bodies make of a row; NULL: there was none. */
static const struct {
    const char *held;
    const char *bodies[3];
    const char *column;
    const char *want; /* JSON; NULL: the row does not have it. */
} table[] = {
    {NULL, {"{\"set\":{\"a\":1}}"}, "a", "1"},
    {NULL, {"{\"insert\":{\"a\":1},\"update\":{\"a\":2}}"}, "a", "1"},
    {"{\"a\":0}", {"{\"insert\":{\"a\":1},\"update\":{\"a\":2}}"}, "a", "2"},
    {NULL, {"{\"insert\":{\"a\":1},\"update\":{\"a\":2}}", "{\"update\":{\"a\":3}}"}, "a", "3"},
    {NULL, {"{\"append\":{\"a\":\"x\"}}"}, "a", NULL},
    {"{\"a\":\"one\"}", {"{\"append\":{\"a\":\"\\n\xD7\xA9\"}}"}, "a", "\"one\\n\xD7\xA9\""},
    {"{\"a\":null}", {"{\"append\":{\"a\":\"x\"}}"}, "a", "\"x\""},
    {"{}", {"{\"append\":{\"a\":\"x\"}}", "{\"append\":{\"a\":\"y\"}}"}, "a", "\"xy\""},
    {"{\"a\":1,\"b\":2}", {"{\"set\":{\"b\":null}}"}, "a", "1"},
    {"{\"a\":1}", {"{\"unknown\":{\"a\":2}}"}, "a", "1"},
    {NULL, {"{\"set\":{\"a\":{\"b\":[1,2]}}}"}, "a", "{\"b\":[1,2]}"},
    {NULL, {"{\"inc\":{\"a\":2}}", "{\"inc\":{\"a\":-5}}"}, "a", "-3"},
    {"{\"a\":null}", {"{\"inc\":{\"a\":2}}"}, "a", "2"},
    {"{\"a\":9223372036854775806}", {"{\"inc\":{\"a\":1}}"}, "a", "9223372036854775807"},
    {"{\"a\":1}", {"{\"inc\":{\"a\":0.5}}"}, "a", "1.5"},
    {NULL,
     {"{\"push\":{\"a\":\"x\"}}", "{\"push\":{\"a\":{\"b\":[1]}}}"},
     "a",
     "[\"x\",{\"b\":[1]}]"},
    {"{\"a\":[]}", {"{\"push\":{\"a\":null}}"}, "a", "[null]"},
    {"{\"a\":null}", {"{\"push\":{\"a\":[1]}}"}, "a", "[[1]]"},
};

static void bodies_reach_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct arena arena;
        struct err err = {0};
        struct row row;
        arena_init(&arena, ARENA);
        row_init(&row, &arena);
        struct str held = table[i].held != NULL ? str_of(table[i].held) : (struct str){0};
        assert_true(row_read(&row, held, &err));
        assert_int_equal(row.there, table[i].held != NULL);
        for (size_t j = 0; j < COUNT(table[i].bodies) && table[i].bodies[j] != NULL; j++) {
            assert_true(row_apply(&row, str_of(table[i].bodies[j]), &err));
        }
        assert_true(row.there);
        struct str found = row_value(&row, str_of(table[i].column));
        if (table[i].want == NULL) {
            assert_null(found.ptr);
        } else {
            assert_str_equal(found, str_of(table[i].want));
        }
        arena_free(&arena);
    }
}

static void values_are_compared_by_what_they_say(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } pairs[] = {
        {"1", "1.0", true},     {"1", "2", false},     {"\"1\"", "1", false},
        {"null", NULL, true},   {NULL, NULL, true},    {"null", "\"\"", false},
        {"true", "true", true}, {"true", "1", false},  {"\"a\"", "\"a\"", true},
        {"[1]", "[1]", true},   {"[1]", "[2]", false},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, ARENA);
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct str a = pairs[i].a != NULL ? str_of(pairs[i].a) : (struct str){0};
        struct str b = pairs[i].b != NULL ? str_of(pairs[i].b) : (struct str){0};
        assert_int_equal(row_same(&arena, a, b), pairs[i].same);
        assert_int_equal(row_same(&arena, b, a), pairs[i].same);
    }
    assert_str_equal(row_show(&arena, STR("\"\xD7\xA9\"")), STR("\xD7\xA9"));
    assert_str_equal(row_show(&arena, STR("null")), STR(""));
    assert_str_equal(row_show(&arena, STR("12")), STR("12"));
    arena_free(&arena);
}

static void what_is_no_object_is_refused(void **state)
{
    static const char *const bodies[] = {"", "1", "[]", "\"x\"", "{\"set\":"};
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct arena arena;
        struct err err = {0};
        struct row row;
        arena_init(&arena, ARENA);
        row_init(&row, &arena);
        assert_false(row_apply(&row, str_of(bodies[i]), &err));
        assert_int_equal(err.kind, ERR_REJECT);
        arena_free(&arena);
    }
}

/* Nothing is added to what is no number, and nothing put behind what is no list. */
static void what_does_not_fit_is_refused(void **state)
{
    static const struct {
        const char *held;
        const char *body;
        const char *why;
    } cases[] = {
        {"{\"a\":\"12\"}", "{\"inc\":{\"a\":1}}", "column 'a': what it holds is no number"},
        {"{\"a\":[1]}", "{\"inc\":{\"a\":1}}", "column 'a': what it holds is no number"},
        {"{\"a\":9223372036854775807}", "{\"inc\":{\"a\":1}}", "column 'a': the sum is too large"},
        {"{\"a\":\"12\"}", "{\"push\":{\"a\":1}}", "column 'a': what it holds is no list"},
        {"{\"a\":{}}", "{\"push\":{\"a\":1}}", "column 'a': what it holds is no list"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        struct err err = {0};
        struct row row;
        arena_init(&arena, ARENA);
        row_init(&row, &arena);
        assert_true(row_read(&row, str_of(cases[i].held), &err));
        assert_false(row_apply(&row, str_of(cases[i].body), &err));
        assert_int_equal(err.kind, ERR_REJECT);
        assert_non_null(strstr(err.text, cases[i].why));
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_reach_rows),
        cmocka_unit_test(values_are_compared_by_what_they_say),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name("row", tests, NULL, NULL);
}
