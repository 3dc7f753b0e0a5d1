/* Each kind of step by itself: filter, route, normalize, dedupe, count, collect, lookup, template.
 */
#include <stdio.h>
#include <string.h>

#include "pipeline/rig.h"

#define HIT  "- {kind: write, sink: records, target: t, key: '{id}', set: {a: 1}}\n"
#define LINE "t M1 {\"set\":{\"a\":\"1\"}}"

static const struct {
    const char *test;
    const char *text;
    bool passes;
} filter_cases[] = {
    {"words: [תקלה, דליפה]", "יש דליפה בגג", true},
    {"words: [תקלה, דליפה]", "הכול טוב", false},
    {"words: [שלום], not: true", "הכול טוב", true},
    {"words: [גן], whole_words: true", "מגן דוד", false},
    {"words: [גן]", "מגן דוד", true},
    {"words: [שלומ]", "שָׁלוֹם לך", false},
    {"words: [שלומ], fold: true", "שָׁלוֹם לך", true},
    {"words: [УРА], fold: true", "ура!", true},
    {"pattern: '^\\d{3}$'", "123", true},
    {"pattern: '^\\d{3}$'", "1234", false},
    {"pattern: hello, ignore_case: true", "well HELLO", true},
    {"sender: [Dana]", "x", true},
    {"sender: [Ruth]", "x", false},
    {"chat: [lobby]", "x", true},
    {"on: [tick]", "x", false},
    {"direction: in", "x", true},
    {"direction: out", "x", false},
    {"attachment: yes", "x", false},
    {"attachment: no", "x", true},
    {"where: ['text = x']", "x", true},
    {"where: ['text != x']", "x", false},
    {"where: ['text in a, \"x\"']", "x", true},
    {"where: ['text contains ell']", "hello", true},
    {"where: ['text starts he', 'text ends lo']", "hello", true},
    {"where: ['text starts he', 'text ends la']", "hello", false},
    {"where: ['text > 99']", "100", true},
    {"where: ['text > 99']", "1,200.50", true},
    {"where: ['text > 99']", "many", false},
    {"where: ['text <= 99']", "-3", true},
    {"where: ['text present']", "", false},
    {"where: ['text absent']", "", true},
    {"where: ['sent >= 2025-11-24']", "x", true},
    {"where: ['sent < 2025-11-24T09:00']", "x", false},
    {"where: ['revision = 0', 'deleted = false']", "x", true},
    {"where: ['text = שלום'], fold: true", "  שָׁלוֹם ", true},
    {"where: ['text contains שלומ'], fold: true", "אז שָׁלוֹם לך", true},
};

static void test_filter(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(filter_cases); i++) {
        char yaml[512];
        (void)snprintf(yaml, sizeof yaml, "ops:\n- {kind: filter, %s}\n" HIT, filter_cases[i].test);
        rig_open(yaml);
        rig_say(filter_cases[i].text);
        const char *found = rig_records();
        if (strcmp(found, filter_cases[i].passes ? LINE : "") != 0) {
            fail_msg("%s on \"%s\" gives \"%s\"", filter_cases[i].test, filter_cases[i].text,
                     found);
        }
        rig_close();
    }
}

static void test_filter_by_number(void **state)
{
    (void)state;
    rig_open("ops:\n- {kind: filter, sender: ['+972 55-000-0001']}\n" HIT);
    struct message message = rig_message("x");
    message.sender = STR("972550000001@s.whatsapp.net");
    assert_true(rig_apply(&message));
    assert_string_equal(rig_records(), LINE);
    rig_close();
}

static void test_filter_says_why(void **state)
{
    (void)state;
    rig_open(
        "ops:\n- kind: filter\n  words: [a]\n  where: ['text != ab']\n  otherwise:\n"
        "  - {kind: write, sink: records, target: no, key: '{id}', set: {why: '{reason}'}}\n" HIT);
    rig_say("b");
    rig_say("ab");
    rig_say("a");
    assert_string_equal(rig_records(), "no M1 {\"set\":{\"why\":\"none of the words is there\"}}\n"
                                       "no M2 {\"set\":{\"why\":\"text != ab\"}}\n"
                                       "t M3 {\"set\":{\"a\":\"1\"}}");
    rig_close();
}

#define TO(target)                                                                                 \
    "{kind: write, sink: records, target: " target ", key: '{id}', set: {x: '{text}'}}"

static void test_route(void **state)
{
    (void)state;
    static const char *const matches[] = {"first", "all"};
    static const char *const wanted[] = {
        "a M1 {\"set\":{\"x\":\"a\"}}\n"
        "a M2 {\"set\":{\"x\":\"ab\"}}\n"
        "b M3 {\"set\":{\"x\":\"b\"}}\n"
        "rest M4 {\"set\":{\"x\":\"c\"}}",
        "a M1 {\"set\":{\"x\":\"a\"}}\n"
        "a M2 {\"set\":{\"x\":\"ab\"}}\n"
        "b M2 {\"set\":{\"x\":\"ab\"}}\n"
        "b M3 {\"set\":{\"x\":\"b\"}}\n"
        "rest M4 {\"set\":{\"x\":\"c\"}}",
    };
    for (size_t i = 0; i < COUNT(matches); i++) {
        char yaml[1024];
        (void)snprintf(yaml, sizeof yaml,
                       "ops:\n- kind: route\n  match: %s\n  branches:\n"
                       "  - {words: [a], ops: [" TO("a") "]}\n"
                                                         "  - {words: [b], ops: [" TO(
                                                             "b") "]}\n- " TO("rest") "\n",
                       matches[i]);
        rig_open(yaml);
        rig_say("a");
        rig_say("ab");
        rig_say("b");
        rig_say("c");
        assert_string_equal(rig_records(), wanted[i]);
        rig_close();
    }
}

static const struct {
    const char *form;
    const char *options;
    const char *text;
    const char *value; /* As JSON. */
} normalize_cases[] = {
    {"trim", "", "  א   ב\u200F ", "\"א ב\""},
    {"fold", "", " שָׁלוֹם ", "\"שלומ\""},
    {"lower", "", "ÀB ", "\"àb \""},
    {"digits", "", "א-12٣", "\"123\""},
    {"digits", "", "none", "\"none\""},
    {"phone", "", "\u202A+972\u00A055-000-0001\u202C", "\"972550000001\""},
    {"phone", "", "055-000-0001", "\"972550000001\""},
    {"phone", ", country: south-africa", "082 000 0001", "\"27820000001\""},
    {"phone", ", country: none", "055-000-0001", "\"055-000-0001\""},
    {"phone", ", on_failure: empty", "12", "null"},
    {"email", "", " Dana@Example.COM ", "\"dana@example.com\""},
    {"email", ", on_failure: empty", "dana@", "null"},
    {"email", ", on_failure: empty", "a@b@c.d", "null"},
    {"email", ", on_failure: empty", "a b@c.d", "null"},
    {"email", ", on_failure: empty", "a@c.", "null"},
    {"number", "", "₪ 1,200.50", "1200.5"},
    {"number", ", decimal: comma", "1.200,50 €", "1200.5"},
    {"number", "", "-3", "-3.0"},
    {"number", "", "12 or 13", "null"}, /* A column of numbers takes no words. */
    {"integer", "", "1,200", "1200"},
    {"integer", "", "١٬٢٠٠", "1200"},
    {"number", "", "١٢٫٥", "12.5"},
    {"integer", "", "1.5", "null"},
    {"integer", "", "99999999999999999999", "null"},
    {"date", ", pattern: DD.MM.YYYY", "09.12.2025", "\"2025-12-09\""},
    {"date", "", "2025-12-09", "\"2025-12-09\""},
    {"date", ", on_failure: empty", "31.02.2025", "null"},
    {"time", ", pattern: 'HH:MM, DD.MM.YYYY'", "14:30, 09.12.2025", "\"2025-12-09T12:30:00.000Z\""},
    {"time", "", "2025-12-09T14:30:00+01:00", "\"2025-12-09T13:30:00.000Z\""},
    {"phone", "", "", "null"},
};

static void test_normalize(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(normalize_cases); i++) {
        char yaml[512];
        char wanted[512];
        (void)snprintf(yaml, sizeof yaml,
                       "ops:\n- {kind: template, set: {v: '{text}'}}\n- {kind: normalize, fields: "
                       "{v: %s}%s}\n- {kind: write, sink: records, target: t, key: '{id}', set: "
                       "{v: '{v}'}}\n",
                       normalize_cases[i].form, normalize_cases[i].options);
        (void)snprintf(wanted, sizeof wanted, "t M1 {\"set\":{\"v\":%s}}",
                       normalize_cases[i].value);
        rig_open(yaml);
        rig_say(normalize_cases[i].text);
        assert_string_equal(rig_records(), wanted);
        rig_close();
    }
}

static void test_normalize_failures(void **state)
{
    (void)state;
    rig_open(
        "ops:\n- {kind: template, set: {v: '{text}'}}\n"
        "- {kind: normalize, fields: {v: email}, problem: wrong}\n"
        "- {kind: write, sink: records, target: t, key: '{id}', set: {v: '{v}', w: '{wrong}'}}\n");
    rig_say("nobody");
    assert_string_equal(rig_records(), "t M1 {\"set\":{\"v\":\"nobody\",\"w\":\"v is no email\"}}");
    rig_open("ops:\n- {kind: template, set: {v: '{text}'}}\n"
             "- kind: normalize\n  fields: {v: email}\n  on_failure: drop\n"
             "  otherwise: [{kind: write, sink: records, target: no, key: '{id}', set: {w: "
             "'{reason}'}}]\n" HIT);
    rig_say("nobody");
    assert_string_equal(rig_records(), "no M1 {\"set\":{\"w\":\"v is no email\"}}");
    rig_open("ops:\n- {kind: template, set: {v: '{text}'}}\n"
             "- {kind: normalize, fields: {v: phone}, on_failure: reject}\n" HIT);
    struct message message = rig_message("12");
    assert_false(rig_apply(&message));
    assert_non_null(strstr(rig_why(), "normalize: v is no phone: phone: too short"));
    rig_close();
}

#define DEDUPE(options)                                                                            \
    "ops:\n- {kind: dedupe, key: '{text}', " options "}\n"                                         \
    "- {kind: write, sink: records, target: t, key: '{id}', set: {d: 1}}\n"
#define FLAG(options)                                                                              \
    "ops:\n- {kind: dedupe, key: '{text}', action: flag, show: '{id}', " options "}\n"             \
    "- {kind: write, sink: records, target: t, key: '{id}', set: {d: '{duplicate_of}'}}\n"

static void say_at(const char *text, int64_t sent_days, int64_t archived_days)
{
    struct message message = rig_message(text);
    message.sent_ms = RIG_MORNING_MS + sent_days * 86400000;
    message.archived_ms = RIG_MORNING_MS + archived_days * 86400000;
    assert_true(rig_apply(&message));
}

static void test_dedupe(void **state)
{
    (void)state;
    rig_open(DEDUPE("by: sent"));
    rig_say("a");
    rig_say("b");
    rig_say("a");
    rig_say("");
    rig_say("");
    assert_string_equal(rig_records(),
                        "t M1 {\"set\":{\"d\":\"1\"}}\nt M2 {\"set\":{\"d\":\"1\"}}\n"
                        "t M4 {\"set\":{\"d\":\"1\"}}\nt M5 {\"set\":{\"d\":\"1\"}}");
    rig_open(FLAG("window: 30d"));
    say_at("a", 0, 0);
    say_at("a", 29, 29);  /* Of the first. */
    say_at("a", 31, 31);  /* Too late: a new first one. */
    say_at("a", 45, 45);  /* Of M3, not of M1. */
    say_at("a", -20, 46); /* Was sent long before any of them. */
    assert_string_equal(rig_records(),
                        "t M1 {\"set\":{\"d\":null}}\nt M2 {\"set\":{\"d\":\"M1\"}}\n"
                        "t M3 {\"set\":{\"d\":null}}\nt M4 {\"set\":{\"d\":\"M3\"}}\n"
                        "t M5 {\"set\":{\"d\":null}}");
    rig_close();
}

/* History that is read at once is judged by when it was sent. */
static void test_dedupe_of_history(void **state)
{
    (void)state;
    rig_open(FLAG("window: 1d"));
    say_at("a", -100, 0);
    say_at("a", -50, 0);
    say_at("a", -50, 0);
    assert_string_equal(rig_records(), "t M1 {\"set\":{\"d\":null}}\nt M2 {\"set\":{\"d\":null}}\n"
                                       "t M3 {\"set\":{\"d\":\"M2\"}}");
    rig_open(FLAG("window: 1d, by: now"));
    say_at("a", -100, 0);
    say_at("a", -50, 0);
    assert_string_equal(rig_records(),
                        "t M1 {\"set\":{\"d\":null}}\nt M2 {\"set\":{\"d\":\"M1\"}}");
    rig_close();
}

static void test_dedupe_of_an_edit(void **state)
{
    (void)state;
    rig_open(FLAG("window: 30d"));
    struct message message = rig_message("a");
    assert_true(rig_apply(&message));
    rig_say("a");
    message.id = 7;
    message.revision = 1;
    assert_true(rig_apply(&message)); /* Not a duplicate of itself. */
    assert_string_equal(rig_records(),
                        "t M1 {\"set\":{\"d\":null}}\nt M2 {\"set\":{\"d\":\"M1\"}}\n"
                        "t M1 {\"set\":{\"d\":null}}");
    rig_close();
}

/* What no window reaches any more is cleared away, a little with each new key. */
static void test_dedupe_is_bounded(void **state)
{
    (void)state;
    char text[16];
    rig_open(FLAG("window: 1d"));
    for (int day = 0; day < 200; day++) {
        for (int i = 0; i < 3; i++) {
            (void)snprintf(text, sizeof text, "%d-%d", day, i);
            say_at(text, day, day);
        }
    }
    assert_in_range(rig_state_count(), 6, 12);
    rig_close();
}

#define COUNT_PER(per)                                                                             \
    "ops:\n- {kind: count, key: '{text}', per: " per "}\n"                                         \
    "- {kind: write, sink: records, target: t, key: '{text}/{count_period?}', set: {n: "           \
    "'{count}'}}\n"

static void test_count(void **state)
{
    (void)state;
    static const struct {
        const char *per;
        int64_t sent_ms;
        const char *period;
    } cases[] = {
        {"total", 0, ""},
        {"day", INT64_C(1763935199999), "2025-11-23"}, /* 23:59:59.999 in Jerusalem, */
        {"day", INT64_C(1763935200000), "2025-11-24"}, /* and midnight. */
        {"hour", INT64_C(1763935200000), "2025-11-24T00"},
        {"month", INT64_C(1764539999999), "2025-11"},
        {"month", INT64_C(1764540000000), "2025-12"},
        {"week", INT64_C(1763935200000), "2025-W48"}, /* A Monday. */
        {"week", INT64_C(1763935199999), "2025-W47"},
        {"week", INT64_C(1767225600000), "2026-W01"}, /* 2026-01-01, a Thursday. */
        {"week", INT64_C(1798761600000), "2026-W53"}, /* 2027-01-01, a Friday. */
        {"week", INT64_C(1735516800000), "2025-W01"}, /* 2024-12-30, a Monday. */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char yaml[512];
        char wanted[256];
        (void)snprintf(yaml, sizeof yaml, COUNT_PER("%s"), cases[i].per);
        (void)snprintf(wanted, sizeof wanted, "t k/%s {\"set\":{\"n\":1}}", cases[i].period);
        rig_open(yaml);
        struct message message = rig_message("k");
        message.sent_ms = cases[i].sent_ms;
        assert_true(rig_apply(&message));
        assert_string_equal(rig_records(), wanted);
        rig_close();
    }
}

static void test_count_of_edits(void **state)
{
    (void)state;
    rig_open(COUNT_PER("total"));
    rig_say("a");
    struct message message = rig_message("a");
    assert_true(rig_apply(&message));
    message.revision = 1; /* Another attachment, the same text: nothing more. */
    assert_true(rig_apply(&message));
    message.revision = 2;
    message.text = STR("b"); /* Counts for b, and takes nothing from a. */
    assert_true(rig_apply(&message));
    message.revision = 3;
    message.text = STR("a");
    assert_true(rig_apply(&message));
    rig_say("");
    rig_say("a");
    assert_string_equal(rig_records(), "t a/ {\"set\":{\"n\":1}}\nt a/ {\"set\":{\"n\":2}}\n"
                                       "t a/ {\"set\":{\"n\":2}}\nt b/ {\"set\":{\"n\":1}}\n"
                                       "t a/ {\"set\":{\"n\":2}}\nt / {\"set\":{\"n\":null}}\n"
                                       "t a/ {\"set\":{\"n\":3}}");
    rig_close();
}

/* Two of one key in one message are two; an edit adds what it has more of. */
static void test_count_of_items(void **state)
{
    (void)state;
    rig_open(
        "ops:\n- {kind: extract, pattern: '(?<w>\\w)', each: true}\n- {kind: count, key: '{w}'}\n"
        "- {kind: write, sink: records, target: t, key: '{w}', set: {n: '{count}'}}\n");
    struct message message = rig_message("a a");
    assert_true(rig_apply(&message));
    assert_string_equal(rig_records(), "t a {\"set\":{\"n\":1}}\nt a {\"set\":{\"n\":2}}");
    message.revision = 1;
    message.text = STR("b a a a");
    assert_true(rig_apply(&message));
    assert_string_equal(rig_records(), "t b {\"set\":{\"n\":1}}\nt a {\"set\":{\"n\":2}}\n"
                                       "t a {\"set\":{\"n\":2}}\nt a {\"set\":{\"n\":3}}");
    message.revision = 2;
    message.text = STR("a");
    assert_true(rig_apply(&message));
    assert_string_equal(rig_records(), "t a {\"set\":{\"n\":3}}");
    rig_close();
}

static void test_collect(void **state)
{
    (void)state;
    rig_open(
        "deletions: true\nops:\n- {kind: collect, key: '{sender}', line: '{sent|HH:MM} "
        "{text|line}'}\n"
        "- {kind: write, sink: records, target: t, key: '{lines_group}', set: {l: '{lines}', n: "
        "'{lines_count}', at: '{now|HH:MM}'}}\n");
    rig_tick();
    rig_say("a\nb");
    struct message late = rig_message("first");
    late.sent_ms = RIG_MORNING_MS;
    assert_true(rig_apply(&late));
    struct message other = rig_message("x");
    other.sender = STR("Ruth");
    assert_true(rig_apply(&other));
    struct message edited = rig_message("old");
    assert_true(rig_apply(&edited));
    edited.revision = 1;
    edited.text = STR("new");
    assert_true(rig_apply(&edited));
    struct message gone = rig_message("gone");
    assert_true(rig_apply(&gone));
    gone.revision = 1;
    gone.deleted = true;
    assert_true(rig_apply(&gone));
    assert_string_equal(rig_records(), "");
    rig_tick();
    assert_string_equal(rig_records(),
                        "t Dana {\"set\":{\"l\":\"10:00 first\\n10:02 a b\\n10:05 new\",\"n\":3,"
                        "\"at\":\"10:07\"}}\n"
                        "t Ruth {\"set\":{\"l\":\"10:04 x\",\"n\":1,\"at\":\"10:07\"}}");
    assert_int_equal(rig_state_count(), 0);
    rig_tick();
    assert_string_equal(rig_records(), "");
    rig_close();
}

#define LOOKUP(miss)                                                                               \
    "ops:\n- kind: lookup\n  reference: cities\n  key: '{text}'\n"                                 \
    "  add: {region: אזור, n: n}\n  on_miss: " miss "\n"                                           \
    "- kind: write\n  sink: records\n  target: t\n  key: '{id}'\n"                                 \
    "  set: {r: '{region}', n: '{n}', at: '{now|HH:MM}'}\n"

static void test_lookup(void **state)
{
    (void)state;
    rig_open(LOOKUP("keep"));
    rig_city("חיפה", "{\"אזור\":\"צפון\",\"n\":7}");
    rig_say("חיפה");
    rig_say("אילת");
    assert_string_equal(rig_records(),
                        "t M1 {\"set\":{\"r\":\"צפון\",\"n\":\"7\",\"at\":\"10:01\"}}\n"
                        "t M2 {\"set\":{\"r\":null,\"n\":null,\"at\":\"10:02\"}}");
    rig_open(LOOKUP("drop"));
    rig_say("אילת");
    rig_renew();
    assert_string_equal(rig_records(), "");
    assert_int_equal(rig_state_count(), 0);
    rig_close();
}

static void test_lookup_parks(void **state)
{
    (void)state;
    rig_open(LOOKUP("park"));
    rig_say("אילת");
    struct message edited = rig_message("עכו");
    assert_true(rig_apply(&edited));
    rig_say("אילת");
    assert_string_equal(rig_records(), "");
    rig_renew(); /* Nothing that is wanted. */
    assert_string_equal(rig_records(), "");
    rig_city("אילת", "{\"אזור\":\"דרום\"}");
    edited.revision = 1;
    edited.text = STR("אילת"); /* The edit finds its row: its parked item must not come again. */
    assert_true(rig_apply(&edited));
    assert_string_equal(rig_records(),
                        "t M2 {\"set\":{\"r\":\"דרום\",\"n\":null,\"at\":\"10:02\"}}");
    rig_renew(); /* M5 */
    assert_string_equal(rig_records(),
                        "t M1 {\"set\":{\"r\":\"דרום\",\"n\":null,\"at\":\"10:05\"}}\n"
                        "t M3 {\"set\":{\"r\":\"דרום\",\"n\":null,\"at\":\"10:05\"}}");
    rig_renew();
    assert_string_equal(rig_records(), "");
    assert_string_equal(rig_state(), "lookup:n:=0");
    rig_close();
}

static void test_lookup_parks_no_more(void **state)
{
    (void)state;
    rig_open(LOOKUP("park"));
    for (int i = 0; i < 500; i++) {
        rig_say("nowhere");
    }
    struct message message = rig_message("nowhere");
    assert_false(rig_apply(&message));
    assert_non_null(strstr(rig_why(), "500 items wait for 'cities'"));
    assert_int_equal(rig_state_count(), 501);
    rig_city("nowhere", "{\"n\":1}");
    rig_renew();
    assert_int_equal(rig_state_count(), 1);
    rig_close();
}

static void test_lookup_in_a_table(void **state)
{
    (void)state;
    rig_open(
        "ops:\n- kind: lookup\n  table: {עכו: צפון, חיפה: צפון, אילת: דרום, 'Tel Aviv': center}\n"
        "  key: '{text}'\n  as: region\n  fold: true\n"
        "- {kind: write, sink: records, target: t, key: '{id}', set: {r: '{region}'}}\n");
    rig_say("חֵיפָה");
    rig_say(" tel  aviv ");
    rig_say("nowhere");
    rig_say("");
    assert_string_equal(rig_records(),
                        "t M1 {\"set\":{\"r\":\"צפון\"}}\nt M2 {\"set\":{\"r\":\"center\"}}\n"
                        "t M3 {\"set\":{\"r\":null}}\nt M4 {\"set\":{\"r\":null}}");
    rig_open("ops:\n- kind: lookup\n  table: {a: b}\n  key: '{text}'\n  as: x\n  on_miss: drop\n  "
             "otherwise:\n"
             "  - {kind: write, sink: records, target: no, key: '{id}', set: {r: '{reason}'}}\n");
    rig_say("a");
    rig_say("A");
    assert_string_equal(rig_records(), "no M2 {\"set\":{\"r\":\"'A' is not in table\"}}");
    rig_close();
}

static const struct {
    const char *template;
    const char *value;
} template_cases[] = {
    {"{text}", "\"a <b> \\\"c\\\"\\n=d\""},
    {"{text|5}", "\"a <b>\""},
    {"{text|line}", "\"a <b> \\\"c\\\" =d\""},
    {"{text|html}", "\"a &lt;b&gt; &quot;c&quot;\\n=d\""},
    {"x{text|json}y", "\"xa <b> \\\\\\\"c\\\\\\\"\\\\n=dy\""},
    {"{text|csv}", "\"\\\"a <b> \\\"\\\"c\\\"\\\"\\n=d\\\"\""},
    {"{{{revision}}}", "\"{0}\""},
    {"{revision}", "0"},
    {"{has_attachment}", "false"},
    {"{sent|DD.MM.YYYY HH:MM}", "\"24.11.2025 10:01\""},
    {"{sent}", "\"2025-11-24T08:01:00.000Z\""},
    {"at {sent}", "\"at 2025-11-24T08:01:00.000Z\""},
    {"{extra}", "null"},
    {"[{extra}]", "null"}, /* Half a sentence is worse than none. */
    {"[{extra?}]", "\"[]\""},
    {"{uid}", "\"lobby/M1\""},
};

static void test_template(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(template_cases); i++) {
        char yaml[512];
        char wanted[512];
        (void)snprintf(yaml, sizeof yaml,
                       "ops:\n- {kind: template, set: {v: '%s', w: '{v}'}}\n"
                       "- {kind: write, sink: records, target: t, key: k, set: {w: '{w}'}}\n",
                       template_cases[i].template);
        (void)snprintf(wanted, sizeof wanted, "t k {\"set\":{\"w\":%s}}", template_cases[i].value);
        rig_open(yaml);
        rig_say("a <b> \"c\"\n=d");
        assert_string_equal(rig_records(), wanted);
        rig_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_filter_by_number),
        cmocka_unit_test(test_filter_says_why),
        cmocka_unit_test(test_route),
        cmocka_unit_test(test_normalize),
        cmocka_unit_test(test_normalize_failures),
        cmocka_unit_test(test_dedupe),
        cmocka_unit_test(test_dedupe_of_history),
        cmocka_unit_test(test_dedupe_of_an_edit),
        cmocka_unit_test(test_dedupe_is_bounded),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_count_of_edits),
        cmocka_unit_test(test_count_of_items),
        cmocka_unit_test(test_collect),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_lookup_in_a_table),
        cmocka_unit_test(test_lookup_parks),
        cmocka_unit_test(test_lookup_parks_no_more),
        cmocka_unit_test(test_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
