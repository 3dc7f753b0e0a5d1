/* jsonschema: what fits and what does not, keyword by keyword; schemas that are wrong. */
#include <string.h>

#include "text/jsonschema.h"
#include "text/test.h"

enum { ARENA = 1 << 20 };

static const struct {
    const char *schema;
    const char *value;
    const char *why; /* NULL: it fits. */
} cases[] = {
    {"{}", "1", NULL},
    {"{\"type\":\"string\"}", "\"x\"", NULL},
    {"{\"type\":\"string\"}", "1", "refuses it: type"},
    {"{\"type\":[\"string\",\"null\"]}", "null", NULL},
    {"{\"type\":[\"string\",\"null\"]}", "[]", ": type"},
    {"{\"type\":\"integer\"}", "3.0", NULL},
    {"{\"type\":\"integer\"}", "3.5", ": type"},
    {"{\"type\":\"number\"}", "3", NULL},
    {"{\"type\":\"boolean\"}", "true", NULL},
    {"{\"type\":\"boolean\"}", "0", ": type"},
    {"{\"type\":\"array\"}", "{}", ": type"},
    {"{\"enum\":[1,\"a\",null,[1,{\"x\":2}]]}", "1.0", NULL},
    {"{\"enum\":[1,\"a\",null,[1,{\"x\":2}]]}", "[1,{\"x\":2}]", NULL},
    {"{\"enum\":[1,\"a\",null,[1,{\"x\":2}]]}", "[1,{\"x\":3}]", ": enum"},
    {"{\"enum\":[1,\"a\"]}", "\"1\"", ": enum"},
    {"{\"const\":true}", "true", NULL},
    {"{\"const\":true}", "false", ": const"},
    {"{\"const\":{\"a\":1,\"b\":2}}", "{\"b\":2,\"a\":1}", NULL},
    {"{\"minimum\":3}", "3", NULL},
    {"{\"minimum\":3}", "2.9", ": minimum"},
    {"{\"maximum\":3}", "3.1", ": maximum"},
    {"{\"exclusiveMinimum\":3}", "3", ": exclusiveMinimum"},
    {"{\"exclusiveMaximum\":3}", "3", ": exclusiveMaximum"},
    {"{\"exclusiveMaximum\":3}", "\"text\"", NULL},
    {"{\"minLength\":4}", "\"שלום\"", NULL},
    {"{\"maxLength\":3}", "\"שלום\"", ": maxLength"},
    {"{\"minLength\":5}", "\"שלום\"", ": minLength"},
    {"{\"pattern\":\"^05[0-9]{8}$\"}", "\"0500000000\"", NULL},
    {"{\"pattern\":\"^05[0-9]{8}$\"}", "\"12\"", ": pattern"},
    {"{\"pattern\":\"^x\"}", "12", NULL},
    {"{\"items\":{\"type\":\"integer\"}}", "[1,2]", NULL},
    {"{\"items\":{\"type\":\"integer\"}}", "[1,\"2\"]", "refuses it: 1: type"},
    {"{\"minItems\":1}", "[]", ": minItems"},
    {"{\"maxItems\":1}", "[1,2]", ": maxItems"},
    {"{\"required\":[\"a\"]}", "{\"a\":null}", NULL},
    {"{\"required\":[\"a\"]}", "{\"b\":1}", "a: required"},
    {"{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"string\"}}}}}", "{\"a\":{\"b\":1}}",
     "refuses it: a/b: type"},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"a\":1}", NULL},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"c\":1}",
     "c: additionalProperties"},
    {"{\"additionalProperties\":{\"type\":\"string\"}}", "{\"c\":1}", "c: type"},
    {"{\"title\":\"x\",\"description\":\"y\",\"$schema\":\"z\",\"default\":1}", "1", NULL},
};

static void values_fit_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        struct jsonschema *schema = NULL;
        const struct json_value *value = NULL;
        struct err err = {0};
        arena_init(&arena, ARENA);
        if (!jsonschema_open(&schema, &arena, str_of(cases[i].schema), &err)) {
            fail_msg("%s: %s", cases[i].schema, err.text);
        }
        assert_true(json_parse(&arena, str_of(cases[i].value), NULL, &value, &err));
        bool ok = jsonschema_check(schema, value, &err);
        if (ok != (cases[i].why == NULL) ||
            (!ok && (err.kind != ERR_REJECT || strstr(err.text, cases[i].why) == NULL))) {
            fail_msg("%s of %s: %s", cases[i].value, cases[i].schema, ok ? "fits" : err.text);
        }
        jsonschema_close(schema);
        arena_free(&arena);
    }
}

static void schemas_that_are_wrong(void **state)
{
    static const struct {
        const char *schema;
        const char *why;
    } wrong[] = {
        {"[]", "at its top: a schema is a JSON object"},
        {"{", "the schema: JSON"},
        {"{\"type\":\"text\"}", "`type` is one or a list of"},
        {"{\"type\":[]}", "`type` is an empty list"},
        {"{\"properties\":{\"phone\":{\"format\":\"email\"}}}",
         "at phone: the keyword 'format' is not one of those"},
        {"{\"properties\":{\"phone\":{\"pattern\":\"(\"}}}", "at phone: `pattern` "},
        {"{\"properties\":[]}", "`properties` is no object"},
        {"{\"required\":\"a\"}", "`required` is a list of names"},
        {"{\"required\":[1]}", "`required` is a list of names"},
        {"{\"minLength\":-1}", "`minLength` is a whole number"},
        {"{\"minimum\":\"1\"}", "`minimum` is a number"},
        {"{\"enum\":1}", "`enum` is a list"},
        {"{\"items\":[{}]}", "a schema is a JSON object"},
        {"{\"additionalProperties\":1}", "a schema is a JSON object"},
        {"{\"$ref\":\"x\"}", "the keyword '$ref'"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct arena arena;
        struct jsonschema *schema = NULL;
        struct err err = {0};
        arena_init(&arena, ARENA);
        assert_false(jsonschema_open(&schema, &arena, str_of(wrong[i].schema), &err));
        if (err.kind != ERR_CONFIG || strstr(err.text, wrong[i].why) == NULL) {
            fail_msg("%s: %s", wrong[i].schema, err.text);
        }
        assert_null(schema);
        arena_free(&arena);
    }
}

/* What is said of a value never holds it. */
static void values_are_not_told(void **state)
{
    struct arena arena;
    struct jsonschema *schema = NULL;
    const struct json_value *value = NULL;
    struct err err = {0};
    (void)state;
    arena_init(&arena, ARENA);
    assert_true(jsonschema_open(
        &schema, &arena,
        STR("{\"properties\":{\"phone\":{\"pattern\":\"^05\"},\"n\":{\"maximum\":1}}}"), &err));
    assert_true(json_parse(&arena, STR("{\"phone\":\"secret-7\"}"), NULL, &value, &err));
    assert_false(jsonschema_check(schema, value, &err));
    assert_null(strstr(err.text, "secret"));
    assert_true(json_parse(&arena, STR("9"), NULL, &value, &err));
    assert_false(jsonschema_check_property(schema, STR("n"), value, &err));
    assert_true(jsonschema_check_property(schema, STR("other"), value, &err));
    jsonschema_close(schema);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_fit_or_not),
        cmocka_unit_test(schemas_that_are_wrong),
        cmocka_unit_test(values_are_not_told),
    };
    return cmocka_run_group_tests_name("jsonschema", tests, NULL, NULL);
}
