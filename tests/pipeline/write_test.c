/* write: groups, types, effects that happen once, keys that are none; targets that are shared. */
#include <stdio.h>
#include <string.h>

#include "pipeline/rig.h"

static void test_groups(void **state)
{
    (void)state;
    rig_open(
        "ops:\n- kind: write\n  sink: records\n  target: 'שיחות'\n  key: '{sender}'\n  once: true\n"
        "  set: {a: '{text}'}\n  insert: {b: new, c: '{revision}'}\n"
        "  update: {d: '{now}'}\n  append: {c2: \"{text}\\n\"}\n");
    rig_say("x");
    assert_string_equal(
        rig_records(),
        "!שיחות Dana {\"set\":{\"a\":\"x\"},\"insert\":{\"b\":\"new\",\"c\":0},"
        "\"update\":{\"d\":\"2025-11-24T08:01:00.001Z\"},\"append\":{\"c2\":\"x\\n\"}}");
    rig_say("y"); /* The key was written. */
    assert_string_equal(rig_records(), "");
    assert_string_equal(rig_state(), "write-שיחות:o:Dana=1");
    rig_close();
}

/* What is added and pushed: texts stay texts unless they are said to be JSON; nothing adds nothing.
 */
static void test_growing(void **state)
{
    (void)state;
    rig_open("ops:\n- kind: write\n  sink: records\n  target: t\n  key: '{id}'\n  once: true\n"
             "  inc: {n: '{revision}', m: '{text}'}\n  push: {tags: '{text}', raw: '{text}', r: "
             "'{revision}'}\n  types: {m: int, raw: json}\n");
    rig_say("12");
    assert_string_equal(rig_records(), "!t M1 {\"inc\":{\"n\":0,\"m\":12},"
                                       "\"push\":{\"tags\":\"12\",\"raw\":12,\"r\":0}}");
    rig_close();
    rig_open("ops:\n- kind: write\n  sink: records\n  target: t\n  key: '{id}'\n  once: true\n"
             "  inc: {m: '{extra}'}\n  push: {tags: '{extra}'}\n  types: {m: int}\n");
    rig_say("x");
    assert_string_equal(rig_records(), "!t M1 {\"inc\":{},\"push\":{}}");
    rig_close();
}

/* A later record may be the first that gets to the sink, so it says what the first one said. */
static void test_insert_and_update(void **state)
{
    (void)state;
    rig_open("ops:\n- kind: write\n  sink: records\n  target: t\n  key: k\n  set: {a: '{text}'}\n"
             "  insert: {b: '{id}', status: new}\n  update: {status: 'after {id}', c: '{id}'}\n");
    rig_say("x");
    assert_string_equal(rig_records(), "t k {\"set\":{\"a\":\"x\"},\"insert\":{\"b\":\"M1\","
                                       "\"status\":\"new\"},\"update\":{\"status\":\"after M1\","
                                       "\"c\":\"M1\"}}");
    rig_say("y");
    rig_say("z");
    assert_string_equal(rig_records(), "t k {\"set\":{\"a\":\"y\",\"status\":\"after "
                                       "M2\",\"c\":\"M2\"},\"insert\":{\"b\":\"M1\"}}\n"
                                       "t k {\"set\":{\"a\":\"z\",\"status\":\"after "
                                       "M3\",\"c\":\"M3\"},\"insert\":{\"b\":\"M1\"}}");
    rig_close();
}

static const struct {
    const char *type;
    const char *text;
    const char *value; /* NULL: the message is refused. */
} type_cases[] = {
    {"text", "x", "\"x\""},
    {"int", "1,200", "1200"},
    {"int", "many", NULL},
    {"double", "1.5", "1.5"},
    {"double", "x", NULL},
    {"bool", "true", "true"},
    {"bool", "yes", NULL},
    {"time", "2025-12-09T10:00:00", "\"2025-12-09T08:00:00.000Z\""},
    {"time", "later", NULL},
    {"date", "2025-12-09", "\"2025-12-09\""},
    {"date", "2025-12-09T10:00", NULL},
    {"json", "[1, 2]", "[1,2]"},
    {"json", "no json", "\"no json\""},
};

static void test_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(type_cases); i++) {
        char yaml[512];
        char wanted[512];
        (void)snprintf(
            yaml, sizeof yaml,
            "ops:\n- {kind: write, sink: records, target: t, key: k, set: {v: '{text}'}, "
            "types: {v: %s}}\n",
            type_cases[i].type);
        rig_open(yaml);
        struct message message = rig_message(type_cases[i].text);
        if (type_cases[i].value == NULL) {
            assert_false(rig_apply(&message));
            (void)snprintf(wanted, sizeof wanted, "write: what column 'v' of 't' gets is no %s",
                           type_cases[i].type);
            assert_string_equal(rig_why(), wanted);
        } else {
            assert_true(rig_apply(&message));
            (void)snprintf(wanted, sizeof wanted, "t k {\"set\":{\"v\":%s}}", type_cases[i].value);
            assert_string_equal(rig_records(), wanted);
        }
        rig_close();
    }
}

static void test_date_of_a_time(void **state)
{
    (void)state;
    rig_open(
        "ops:\n- {kind: write, sink: records, target: t, key: k, set: {v: '{sent}'}, types: {v: "
        "date}}\n");
    struct message message = rig_message("x");
    message.sent_ms = INT64_C(1763935200000); /* Midnight in Jerusalem, the day before in UTC. */
    assert_true(rig_apply(&message));
    assert_string_equal(rig_records(), "t k {\"set\":{\"v\":\"2025-11-24\"}}");
    rig_close();
}

static void test_keys(void **state)
{
    (void)state;
    char text[600];
    memset(text, 'k', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    rig_open("ops:\n- {kind: write, sink: records, target: t, key: '{text}', set: {v: 1}}\n");
    struct message message = rig_message("");
    assert_false(rig_apply(&message));
    assert_string_equal(rig_why(), "write: the key '{text}' of 't' has no value");
    message = rig_message(text);
    assert_false(rig_apply(&message));
    assert_string_equal(rig_why(), "write: the key '{text}' of 't' is too long");
    rig_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_growing),
        cmocka_unit_test(test_insert_and_update),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_date_of_a_time),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
