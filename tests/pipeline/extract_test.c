/* extract: labels in every dress, several leads, near misses; patterns; places in JSON. */
#include <stdio.h>
#include <string.h>

#include "pipeline/rig.h"

#define WRITE                                                                                      \
    "- {kind: write, sink: records, target: t, key: '{id}/{item}', set: {n: '{name}', p: "         \
    "'{phone}', s: '{source}'}}\n"
#define SALES                                                                                      \
    "ops:\n"                                                                                       \
    "- kind: extract\n"                                                                            \
    "  labels: {source: מקור, name: שם, phone: 'טלפון, נייד', email: מייל}\n"                      \
    "  required: [name, phone]\n"                                                                  \
    "  each: true\n"                                                                               \
    "  otherwise:\n"                                                                               \
    "  - {kind: write, sink: records, target: near, key: '{id}/{item}', set: {why: "               \
    "'{reason}'}}\n" WRITE

#define LEAD(entity, name, phone, source)                                                          \
    "t " entity " {\"set\":{\"n\":" name ",\"p\":" phone ",\"s\":" source "}}"
#define NEAR(entity, why) "near " entity " {\"set\":{\"why\":\"" why "\"}}"

static const struct {
    const char *text;
    const char *records;
} label_cases[] = {
    {"שם: דנה\nטלפון: 055-000-0001\nמקור: אתר",
     LEAD("M1/1", "\"דנה\"", "\"055-000-0001\"", "\"אתר\"")},
    {"טלפון:1\nשם:דנה", LEAD("M1/1", "\"דנה\"", "\"1\"", "null")},
    /* Spaces, marks of direction, niqqud, bullets, bold, emoji, a full-width colon. */
    {"\u200F* שם : \u202Aדנה לוי\u202C \r\n  -טלפון :\u00A01",
     LEAD("M1/1", "\"דנה לוי\"", "\"1\"", "null")},
    {"*שם:* דנה\n*טלפון: 1*", LEAD("M1/1", "\"דנה\"", "\"1\"", "null")},
    {"שֵׁם: דנה\n📞 טלפון： 1", LEAD("M1/1", "\"דנה\"", "\"1\"", "null")},
    {"נייד: 7", LEAD("M1/1", "null", "\"7\"", "null")},
    /* The value goes to the end of the line, colons and stars in it stay. */
    {"שם: דנה: *מנהלת*", LEAD("M1/1", "\"דנה: *מנהלת*\"", "null", "null")},
    /* Several: by a label that comes again, and by a block that repeats one. */
    {"שם: א\nטלפון: 1\nשם: ב\nטלפון: 2",
     LEAD("M1/1", "\"א\"", "\"1\"", "null") "\n" LEAD("M1/2", "\"ב\"", "\"2\"", "null")},
    {"שם: א\nטלפון: 1\n\nמקור: אתר\nשם: ב",
     LEAD("M1/1", "\"א\"", "\"1\"", "null") "\n" LEAD("M1/2", "\"ב\"", "null", "\"אתר\"")},
    {"שם: א\n\nטלפון: 1\n\nמקור: אתר", LEAD("M1/1", "\"א\"", "\"1\"", "\"אתר\"")},
    {"שם: א\nסתם שורה\nטלפון: 1", LEAD("M1/1", "\"א\"", "\"1\"", "null")},
    /* Near misses, and what is nothing at all. */
    {"מקור: אתר\nמייל: a@b.c", NEAR("M1/1", "it has source, email, but none of name, phone")},
    {"שם:\nטלפון: ", NEAR("M1/1", "it has no values, but none of name, phone")},
    {"שם: א\nטלפון: 1\n\nמקור: x\nטלפון:\nשם:",
     LEAD("M1/1", "\"א\"", "\"1\"", "null") "\n" NEAR("M1/2",
                                                      "it has source, but none of name, phone")},
    {"שמו: דנה", ""},
    {"בשעה 10:30 נפגש", ""},
    {"", ""},
    {":", ""},
};

static void test_labels(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(label_cases); i++) {
        rig_open(SALES);
        rig_say(label_cases[i].text);
        assert_string_equal(rig_records(), label_cases[i].records);
        rig_close();
    }
}

static void test_one_only(void **state)
{
    (void)state;
    rig_open("ops:\n- kind: extract\n  labels: {name: name, phone: phone, source: source}\n" WRITE);
    rig_say("Name: Ann\nNAME: Bob\nphone: 1");
    assert_string_equal(rig_records(), LEAD("M1/1", "\"Ann\"", "\"1\"", "null"));
    rig_close();
}

/* What a message becomes for one lead is not seen by the next. */
static void test_items_are_apart(void **state)
{
    (void)state;
    rig_open("ops:\n- {kind: extract, labels: {name: n}, each: true}\n"
             "- {kind: template, set: {name: '{name}!'}}\n"
             "- {kind: template, set: {text: '{text|3}', twice: '{name}{name}'}}\n"
             "- {kind: write, sink: records, target: t, key: '{item}', set: {a: '{twice}', b: "
             "'{text}'}}\n");
    rig_say("n: a\nn: b");
    assert_string_equal(rig_records(), "t 1 {\"set\":{\"a\":\"a!a!\",\"b\":\"n: \"}}\n"
                                       "t 2 {\"set\":{\"a\":\"b!b!\",\"b\":\"n: \"}}");
    rig_close();
}

static const struct {
    const char *step;
    const char *text;
    const char *records;
} pattern_cases[] = {
    {"pattern: '(?<a>\\d+) x (?<b>\\w+)', each: true", "3 x לחם, 12 x חלב",
     "t 1 {\"set\":{\"a\":\"3\",\"b\":\"לחם\"}}\nt 2 {\"set\":{\"a\":\"12\",\"b\":\"חלב\"}}"},
    {"pattern: '(?<a>\\d+) x (?<b>\\w+)'", "3 x לחם, 12 x חלב",
     "t 1 {\"set\":{\"a\":\"3\",\"b\":\"לחם\"}}"},
    {"pattern: '^(?<a>ORDER)(?: (?<b>.+))?$', ignore_case: true", "hi\norder",
     "t 1 {\"set\":{\"a\":\"order\",\"b\":null}}"},
    {"pattern: '(?<a>z)(?<b>y)'", "nothing", "left nothing was found {\"set\":{\"a\":1}}"},
    {"pattern: '(?<a>z)(?<b>y)', keep: true", "nothing", "t 1 {\"set\":{\"a\":null,\"b\":null}}"},
    {"pattern: '(?<a>x*)(?<b>)', each: true, required: [a]", "axx",
     "left it has no values, but none of a {\"set\":{\"a\":1}}\n"
     "t 2 {\"set\":{\"a\":\"xx\",\"b\":null}}\n"
     "left it has no values, but none of a {\"set\":{\"a\":3}}"},
    {"json: {a: /media/0/name, b: '/x~1y'}", "{\"media\":[{\"name\":\"a.jpg\"}],\"x/y\":[1,2]}",
     "t 1 {\"set\":{\"a\":\"a.jpg\",\"b\":\"[1,2]\"}}"},
    {"json: {a: /n, b: /t}", "{\"n\":7,\"t\":true}", "t 1 {\"set\":{\"a\":\"7\",\"b\":\"true\"}}"},
    {"json: {a: /n, b: /t}", "{broken", "left nothing was found {\"set\":{\"a\":1}}"},
    {"json: {a: /n/5, b: /t/x/y}", "{\"n\":[1],\"t\":null}",
     "left nothing was found {\"set\":{\"a\":1}}"},
};

static void test_patterns_and_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pattern_cases); i++) {
        char yaml[1024];
        (void)snprintf(yaml, sizeof yaml,
                       "ops:\n- {kind: extract, %s, otherwise: [{kind: write, sink: records, "
                       "target: left, key: '{reason}', set: {a: '{item}'}}]}\n"
                       "- {kind: write, sink: records, target: t, key: '{item}', set: {a: '{a}', "
                       "b: '{b}'}}\n",
                       pattern_cases[i].step);
        rig_open(yaml);
        rig_say(pattern_cases[i].text);
        assert_string_equal(rig_records(), pattern_cases[i].records);
        rig_close();
    }
}

static void test_too_many_items(void **state)
{
    (void)state;
    char text[4096] = "";
    for (size_t i = 0; i < 1001; i++) {
        memcpy(text + 2 * i, "1 ", 3);
    }
    rig_open("ops:\n- {kind: extract, pattern: '(?<name>1)', each: true}\n"
             "- {kind: write, sink: records, target: t, key: '{item}', set: {a: '{name}'}}\n");
    struct message message = rig_message(text);
    assert_false(rig_apply(&message));
    assert_non_null(strstr(rig_why(), "more than 1000 items"));
    assert_string_equal(rig_records(), "");
    rig_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),          cmocka_unit_test(test_one_only),
        cmocka_unit_test(test_items_are_apart), cmocka_unit_test(test_patterns_and_json),
        cmocka_unit_test(test_too_many_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
