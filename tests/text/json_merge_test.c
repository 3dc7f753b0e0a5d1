/* json_merge: what a list of objects becomes, and what is refused. */
#include <string.h>

#include "base/mem.h"
#include "test.h"
#include "text/json_merge.h"

static struct arena arena;
static struct err err;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    memset(&err, 0, sizeof err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mem_fault_set(NULL, NULL);
    arena_free(&arena);
    return 0;
}

static const struct json_value *read_json(const char *text)
{
    const struct json_value *value = NULL;
    assert_true(json_parse(&arena, str_of(text), NULL, &value, &err));
    return value;
}

/* The merged text, or absent when it was refused. */
static struct str merged(const char *held, const char *more)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, &arena, 64);
    json_writer_init(&json, &buf);
    bool ok = json_put_merged(&json, held != NULL ? read_json(held) : NULL, read_json(more), &err);
    return ok ? buf_str(&buf) : (struct str){0};
}

static const char spec[] = "{\"by\":\"lesson\",\"items\":["
                           "{\"set\":{\"lesson\":\"7\",\"count\":5},\"insert\":{\"paid\":false}},"
                           "{\"set\":{\"lesson\":\"8\",\"count\":1},\"insert\":{\"paid\":false}}]}";

static void others_fields_stay(void **state)
{
    static const struct {
        const char *held;
        const char *want;
    } cases[] = {
        {NULL, "[{\"lesson\":\"7\",\"count\":5,\"paid\":false},"
               "{\"lesson\":\"8\",\"count\":1,\"paid\":false}]"},
        {"null", "[{\"lesson\":\"7\",\"count\":5,\"paid\":false},"
                 "{\"lesson\":\"8\",\"count\":1,\"paid\":false}]"},
        {"[{\"note\":\"x\",\"lesson\":\"8\",\"paid\":true}]",
         "[{\"note\":\"x\",\"lesson\":\"8\",\"paid\":true,\"count\":1},"
         "{\"lesson\":\"7\",\"count\":5,\"paid\":false}]"},
        {"[{\"lesson\":\"6\"},null,3,{\"lesson\":\"7\",\"paid\":true,\"count\":4},"
         "{\"lesson\":\"7\"},{\"lesson\":\"8\",\"count\":1}]",
         "[{\"lesson\":\"6\"},null,3,{\"lesson\":\"7\",\"paid\":true,\"count\":5},"
         "{\"lesson\":\"7\",\"count\":5},{\"lesson\":\"8\",\"count\":1}]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str once = merged(cases[i].held, spec);
        assert_non_null(once.ptr);
        assert_string_equal(once.ptr, cases[i].want);
        assert_string_equal(merged(once.ptr, spec).ptr, cases[i].want); /* Twice is once. */
    }
}

static void numbers_and_texts_are_told_apart(void **state)
{
    (void)state;
    struct str found = merged("[{\"n\":\"1\"},{\"n\":1.0}]",
                              "{\"by\":\"n\",\"items\":[{\"set\":{\"n\":1,\"a\":2}}]}");
    assert_string_equal(found.ptr, "[{\"n\":\"1\"},{\"n\":1,\"a\":2}]");
}

static void what_is_no_list_is_not_touched(void **state)
{
    (void)state;
    assert_null(merged("{\"lesson\":\"7\"}", spec).ptr);
    assert_int_equal(err.kind, ERR_REJECT);
    assert_null(merged("\"words\"", spec).ptr);
}

static void wrong_forms_are_refused(void **state)
{
    static const char *const wrong[] = {
        "[]",
        "{}",
        "{\"by\":\"\",\"items\":[]}",
        "{\"by\":\"a\",\"items\":{}}",
        "{\"by\":\"a\",\"items\":[],\"more\":1}",
        "{\"by\":\"a\",\"items\":[3]}",
        "{\"by\":\"a\",\"items\":[{\"set\":{}}]}",
        "{\"by\":\"a\",\"items\":[{\"set\":{\"a\":null}}]}",
        "{\"by\":\"a\",\"items\":[{\"set\":{\"a\":1},\"insert\":3}]}",
        "{\"by\":\"a\",\"items\":[{\"set\":{\"a\":1,\"b\":1},\"insert\":{\"b\":2}}]}",
        "{\"by\":\"a\",\"items\":[{\"set\":{\"a\":1}},{\"set\":{\"a\":1}}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memset(&err, 0, sizeof err);
        assert_null(merged("[]", wrong[i]).ptr);
        assert_int_equal(err.kind, ERR_REJECT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(others_fields_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_and_texts_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_list_is_not_touched, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_forms_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
