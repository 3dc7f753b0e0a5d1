/* faults: what is wrong in `ops:` is said with its place, all of it in one pass. */
#include <stdio.h>
#include <string.h>

#include "pipeline/rig.h"

static const struct {
    const char *yaml;
    const char *faults;
} cases[] = {
    {"ops: []", "1:6 ops: a list of steps is expected here"},
    {"ops: [x]", "1:7 a step: a map of keys is expected here, not text"},
    {"ops:\n- words: [a]", "2:3 a step has no kind; add `kind: …`; docs/reference/ lists them"},
    {"ops:\n- kind: filtr\n  words: [a]",
     "2:9 there is no step of kind 'filtr'; did you mean 'filter'?"},
    {"ops:\n- {kind: branch, ops: []}", "2:10 there is no step of kind 'branch'"},
    {"ops:\n- kind: filter\n  wrods: [a]",
     "3:3 step 'filter': unknown key 'wrods'; did you mean 'words'?"},
    {"ops:\n- kind: filter",
     "2:3 filter: the filter tests nothing; give it words, pattern, where, sender, chat, on, "
     "direction or attachment"},
    /* Fields. */
    {"ops:\n- kind: template\n  set:\n    x: 'to {sendr}'",
     "4:12 set.x: there is no field 'sendr'; did you mean 'sender'?"},
    {"ops:\n- kind: template\n  set:\n    x: to {sendr}",
     "4:11 set.x: there is no field 'sendr'; did you mean 'sender'?"},
    {"ops:\n- {kind: filter, where: ['city = x']}\n- {kind: extract, labels: {city: עיר}}",
     "2:26 option 'where': there is no field 'city'"},
    {"ops:\n- kind: route\n  branches:\n  - {words: [a], ops: [{kind: template, set: {y: z}}]}\n"
     "- {kind: template, set: {x: '{y}'}}",
     "5:30 set.x: there is no field 'y' here (a step sets it, but not in front of this)"},
    {"ops:\n- {kind: template, set: {x: '{reason}'}}",
     "2:30 set.x: there is no field 'reason' here (a step sets it, but not in front of this)"},
    {"ops:\n- {kind: template, set: {uid: x}}",
     "2:26 set.uid: 'uid' belongs to the message and cannot be set; take another name"},
    {"ops:\n- {kind: template, set: {'a b': x}}",
     "2:26 set.a b: 'a b' cannot be the name of a field: letters, digits and '_', at most 64 "
     "bytes"},
    /* Templates. */
    {"ops:\n- {kind: template, set: {x: 'a {b'}}",
     "2:32 set.x: template: a brace that is not closed (write {{ for {), at character 3"},
    {"ops:\n- {kind: template, set: {x: '{text|upper}'}}",
     "2:30 set.x: template: there is no format 'upper' for a value that is no time; there are "
     "line, "
     "html, json, csv and a number of characters"},
    {"ops:\n- {kind: template, set: {x: '{sent|HH:QQ}'}}", NULL},
    /* Patterns and comparisons. */
    {"ops:\n- {kind: filter, pattern: 'a(b'}", NULL},
    {"ops:\n- {kind: extract, pattern: 'ab'}",
     "2:28 option 'pattern': the pattern names no group; a field is made of what stands in "
     "(?<name>…)"},
    {"ops:\n- {kind: extract, pattern: '(?<a>x)', labels: {b: c}}",
     "2:3 extract: write one of `labels`, `pattern` and `json`, and no more than one"},
    {"ops:\n- {kind: extract, labels: {a: x, b: 'y, X'}}",
     "2:37 labels.b: the label 'X' stands for two fields"},
    {"ops:\n- {kind: extract, json: {a: name}}",
     "2:29 json.a: a place in JSON begins with '/': /customer/name"},
    {"ops:\n- {kind: extract, labels: {a: x}, required: [a, b]}",
     "2:49 option 'required': this step extracts no field 'b'"},
    {"ops:\n- {kind: filter, where: ['text ~ x']}",
     "2:32 option 'where': '~' compares nothing; write one of = != < <= > >= in contains starts "
     "ends "
     "present absent"},
    {"ops:\n- {kind: filter, where: ['text > x']}",
     "2:26 option 'where': 'x' is neither a number nor a time (2026-01-31)"},
    {"ops:\n- {kind: filter, where: ['text =']}",
     "2:26 option 'where': something must stand behind '='"},
    {"ops:\n- {kind: filter, on: [messages]}",
     "2:23 option 'on': 'messages' is none of message, tick, run, receipt"},
    {"ops:\n- {kind: normalize, fields: {text: upper}}",
     "2:36 fields.text: 'upper' is none of trim, fold, lower, digits, phone, email, number, "
     "integer, "
     "date, time"},
    {"ops:\n- {kind: normalize, fields: {text: date}, pattern: HH:MM}",
     "2:52 option 'pattern': the pattern lacks a part of the date, so nothing can be read with it"},
    /* State, ways and nesting. */
    {"ops:\n- {kind: count, key: a}\n- {kind: count, key: b}",
     "3:3 count: two steps of this pipeline remember something as 'count'; give one of them a "
     "`name:` "
     "of its own (what it knows is kept under it)"},
    {"ops:\n- {kind: count, key: a, otherwise: [{kind: template, set: {a: b}}]}",
     "2:36 option 'otherwise': a step of kind 'count' leaves nothing out"},
    {"ops:\n- {kind: lookup, reference: citys, key: a, add: {b: c}}",
     "2:29 option 'reference': no source brings a table 'citys'; did you mean 'cities'?"},
    {"ops:\n- {kind: lookup, key: a, add: {b: c}}",
     "2:3 lookup: write `reference` or `table`, one of them"},
    {"ops:\n- {kind: lookup, table: {a: b}, key: a}",
     "2:25 option 'table': the field for what is found is missing: write `as: region`"},
    {"ops:\n- {kind: lookup, table: {a: b, A: c}, key: a, as: x, fold: true}",
     "2:25 option 'table': two names are the same when they are folded: 'a'"},
    /* Writing. */
    {"ops:\n- {kind: write, sink: record, target: t, key: k, set: {a: b}}",
     "2:23 option 'sink': there is no sink 'record'; did you mean 'records'?"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k}",
     "2:3 write: no column is written; add `set: {column: \"{field}\"}`"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, set: {a: b, key: c}}",
     "2:63 set.key: column 'key' holds the key; what it holds is said by `key`"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, set: {a: b}, update: {A: c}}",
     "2:73 update.A: column 'A' is written by `set`, too"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, append: {a: b}}",
     "2:59 option 'append': what is appended can only be written once: add `once: true`"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, inc: {a: '{revision}'}}",
     "2:56 option 'inc': what is added can only be written once: add `once: true`"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, once: true, inc: {a: b}}",
     "2:72 inc.a: only a number can be added; give a field that is one, or say "
     "`types: {'a': int}`"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, once: true, push: {a: b}, "
     "types: {a: text}}",
     "2:88 types.a: what is pushed into is a list; its type is json"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, once: true, insert: {a: 1}, "
     "inc: {a: '{revision}'}}",
     "2:85 inc.a: column 'a' is written by `insert`, too"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, set: {a: b}, types: {a: number}}",
     "2:75 types.a: 'number' is no type of a column; there are text, int, double, bool, time, "
     "date, "
     "json"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, set: {a: b}, types: {c: int}}",
     "2:72 types.c: this step writes no column 'c'"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, set: {a: b}}\n"
     "- {kind: write, sink: records, target: t, key: k, set: {a: '{revision}'}}",
     "3:57 set.a: column 'a' of 't' is text in another step and int here"},
    {"ops:\n- {kind: write, sink: records, target: t, key: k, set: {a: b}}\n"
     "- {kind: write, sink: records, target: t, key: k, key_column: id, set: {b: c}}",
     "3:63 option 'key_column': the key of 't' is 'key' in another step and 'id' here"},
    /* All of them in one pass. */
    {"zone: Asia/Jerusalen\nops:\n- {kind: filter, words: [a]}", NULL},
    {"ops:\n- {kind: count, key: '{a}'}\n- {kind: template, set: {x: '{b}', y: '{c}'}}",
     "2:23 option 'key': there is no field 'a'\n3:30 set.x: there is no field 'b'\n"
     "3:40 set.y: there is no field 'c'"},
    {"ops:\n- kind: filter\n  words: [a]\n  otherwise:\n  - {kind: template, set: {x: "
     "'{reason}'}}\n",
     "ok"},
};

static const char *part_of(size_t index)
{
    const char *yaml = cases[index].yaml;
    return strstr(yaml, "QQ") != NULL    ? "2:30 set.x: template: "
           : strstr(yaml, "a(b") != NULL ? "2:31 option 'pattern': regex"
                                         : "1:7 option 'zone': ";
}

static void test_faults(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *found = rig_faults(cases[i].yaml);
        if (cases[i].faults != NULL && strcmp(found, cases[i].faults) != 0) {
            print_error("%s\ngives \"%s\"\nnot   \"%s\"\n", cases[i].yaml, found, cases[i].faults);
            wrong++;
        }
        if (cases[i].faults == NULL && strncmp(found, part_of(i), strlen(part_of(i))) != 0) {
            print_error("%s\ngives \"%s\"\n", cases[i].yaml, found);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* Thousands of anything end at a limit that is named. */
static void test_limits(void **state)
{
    (void)state;
    static char yaml[128 * 1024];
    static const struct {
        const char *before;
        const char *each;
        const char *behind;
        int count;
        const char *fault;
    } limits[] = {
        {"ops:\n- kind: template\n  set:\n", "    f%d: x\n", "", 4000,
         "more than 256 fields in one pipeline"},
        {"ops:\n", "- {kind: template, set: {a: '%d'}}\n", "", 1000,
         "more than 256 steps in one pipeline"},
        {"ops:\n- kind: write\n  sink: records\n  target: t\n  key: k\n  set:\n", "    c%d: x\n",
         "", 200, "'t' has more than 128 columns"},
        {"ops:\n- kind: extract\n  labels:\n", "    f%d: 'label %d'\n", "", 65,
         "more than 64 fields"},
    };
    for (size_t i = 0; i < COUNT(limits); i++) {
        size_t len = (size_t)snprintf(yaml, sizeof yaml, "%s", limits[i].before);
        for (int k = 0; k < limits[i].count; k++) {
            char number[16];
            (void)snprintf(number, sizeof number, "%d", k);
            for (const char *at = limits[i].each; *at != '\0'; at++) {
                bool place = strncmp(at, "%d", 2) == 0;
                len += (size_t)snprintf(yaml + len, sizeof yaml - len, "%.*s", place ? 16 : 1,
                                        place ? number : at);
                at += place ? 1 : 0;
            }
        }
        assert_non_null(strstr(rig_faults(yaml), limits[i].fault));
    }
}

/* A branch in a branch in a branch: nested too deep is a fault, and no end of the stack. */
static void test_depth(void **state)
{
    (void)state;
    static char yaml[8192];
    for (int depth = 1; depth <= 12; depth++) {
        size_t len = (size_t)snprintf(yaml, sizeof yaml, "ops: ");
        for (int i = 0; i < depth; i++) {
            len += (size_t)snprintf(yaml + len, sizeof yaml - len,
                                    "[{kind: filter, words: [a], otherwise: ");
        }
        len += (size_t)snprintf(yaml + len, sizeof yaml - len, "[{kind: template, set: {a: b}}]");
        for (int i = 0; i < depth; i++) {
            len += (size_t)snprintf(yaml + len, sizeof yaml - len, "}]");
        }
        const char *found = rig_faults(yaml);
        assert_int_equal(strstr(found, "nested more than 8 levels deep") != NULL, depth > 7);
        assert_int_equal(strcmp(found, "ok") == 0, depth <= 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
