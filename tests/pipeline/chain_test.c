/* chain: what goes through it, what state is kept under, that it is the same every time, limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "pipeline/rig.h"

#define WRITE(what) "- {kind: write, sink: records, target: t, key: '{id}', set: {v: '" what "'}}\n"

static void test_what_goes_through(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        enum message_kind kind;
        int32_t revision;
        bool deleted;
        bool passes;
    } cases[] = {
        {"", MESSAGE_CHAT, 0, false, true},
        {"", MESSAGE_TICK, 0, false, true},
        {"", MESSAGE_RUN, 0, false, true},
        {"", MESSAGE_ANSWER, 0, false, false},
        {"", MESSAGE_RECEIPT, 0, false, false},
        {"", MESSAGE_REFERENCE, 0, false, false},
        {"", MESSAGE_CHAT, 1, false, true},
        {"", MESSAGE_CHAT, 1, true, false},
        {"edits: skip\n", MESSAGE_CHAT, 1, false, false},
        {"deletions: true\n", MESSAGE_CHAT, 1, true, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char yaml[256];
        (void)snprintf(yaml, sizeof yaml, "%sops:\n" WRITE("x"), cases[i].options);
        rig_open(yaml);
        struct message message = rig_message("x");
        message.kind = cases[i].kind;
        message.revision = cases[i].revision;
        message.deleted = cases[i].deleted;
        assert_true(rig_apply(&message));
        assert_int_equal(rig_records()[0] != '\0', cases[i].passes);
        rig_close();
    }
}

static void test_fields_of_the_message(void **state)
{
    (void)state;
    rig_open(
        "ops:\n- {kind: write, sink: records, target: t, key: '{uid}/{item}', set: {id: '{id}', "
        "s: '{source}', c: '{chat}', who: '{sender}', k: '{kind}', d: '{direction}', r: "
        "'{revision}', x: '{deleted}', a: '{attachments}', h: '{has_attachment}', e: "
        "'{extra}', sent: '{sent}', now: '{now}'}}\n");
    struct message message = rig_message("x");
    message.extra = STR("{\"media_type\":\"image\"}");
    message.direction = MESSAGE_DIRECTION_UNKNOWN;
    assert_true(rig_apply(&message));
    assert_string_equal(
        rig_records(),
        "t lobby/M1/1 {\"set\":{\"id\":\"M1\",\"s\":\"bridge\",\"c\":\"lobby\",\"who\":\"Dana\","
        "\"k\":\"message\",\"d\":null,\"r\":0,\"x\":false,\"a\":null,\"h\":true,\"e\":\"{\\\"media_"
        "type\\\":\\\"image\\\"}\",\"sent\":\"2025-11-24T08:01:00.000Z\",\"now\":\"2025-11-24T08:"
        "01:00.001Z\"}}");
    rig_close();
}

/* A lead's `source` covers the message's own, and only behind the step that sets it. */
static void test_covered_names(void **state)
{
    (void)state;
    rig_open("ops:\n- {kind: filter, where: ['source = bridge']}\n"
             "- {kind: extract, labels: {source: from}}\n"
             "- {kind: template, set: {text: '{text|4} '}}\n"
             "- {kind: normalize, fields: {text: trim, sender: lower}}\n"
             "- {kind: write, sink: records, target: t, key: '{uid}', set: {s: '{source}', t: "
             "'{text}', w: '{sender}'}}\n");
    rig_say("from: web");
    assert_string_equal(rig_records(),
                        "t lobby/M1 {\"set\":{\"s\":\"web\",\"t\":\"from\",\"w\":\"dana\"}}");
    rig_close();
}

/* What a step knows lies under its name, so another place in the chain changes nothing of it. */
static void test_steps_may_move(void **state)
{
    (void)state;
    rig_open("ops:\n- {kind: dedupe, key: '{text}', name: seen}\n- {kind: count, key: all}\n" WRITE(
        "{count}"));
    rig_say("a");
    assert_string_equal(rig_state(), "count:c:/all=1\ncount:m:lobby/M1//all=1 0 1\n"
                                     "seen:k:a=1763971260000 lobby/M1/1\nlobby/M1/1");
    (void)rig_records();
    rig_reopen(
        "ops:\n- {kind: filter, words: [a]}\n- {kind: count, key: all}\n"
        "- {kind: template, set: {x: y}}\n- {kind: dedupe, key: '{text}', name: seen}\n" WRITE(
            "{count}"));
    rig_say("a");
    rig_say("aa");
    assert_string_equal(rig_records(), "t M3 {\"set\":{\"v\":3}}");
    rig_close();
}

static void test_refused_is_undone(void **state)
{
    (void)state;
    rig_open("ops:\n- {kind: count, key: all}\n- {kind: template, set: {v: '{text}'}}\n"
             "- {kind: normalize, fields: {v: phone}, on_failure: reject}\n" WRITE("{count}"));
    struct message message = rig_message("x");
    assert_false(rig_apply(&message));
    assert_int_equal(rig_state_count(), 0);
    rig_say("0550000001");
    assert_string_equal(rig_records(), "t M2 {\"set\":{\"v\":1}}");
    rig_close();
}

static void test_long_keys(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'k', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    rig_open("ops:\n- {kind: dedupe, key: '{text}'}\n- {kind: count, key: '{text}'}\n"
             "- {kind: dedupe, name: d2, key: '{text}', window: 1d}\n" WRITE("{count}"));
    rig_say(text);
    rig_say(text);
    text[1998] = 'l';
    rig_say(text);
    rig_say("#short");
    rig_say("#short");
    assert_string_equal(rig_records(), "t M1 {\"set\":{\"v\":1}}\nt M3 {\"set\":{\"v\":1}}\n"
                                       "t M4 {\"set\":{\"v\":1}}");
    rig_close();
}

/* ---- The same messages and the same rules: the same records ---- */

#define ROUTE                                                                                      \
    "- {kind: route, match: all, branches: [{words: [a], ops: [{kind: count, key: x, name: "       \
    "r%zu}, "                                                                                      \
    "{kind: write, sink: records, target: r, key: '{uid}/{item}', set: {n: '{count}'}}]}]}\n"

static const char *const step_pool[] = {
    "- {kind: filter, words: [a, דנה, '1'], fold: true, not: true}\n",
    "- {kind: filter, where: ['revision = 0']}\n",
    "- {kind: extract, labels: {name: name, phone: phone}, each: true, keep: true}\n",
    "- {kind: extract, pattern: '(?<word>\\pL+)', each: true, keep: true}\n",
    "- {kind: template, set: {text: '{text}.'}}\n",
    "- {kind: normalize, fields: {text: fold, sender: trim}}\n",
    "- {kind: lookup, reference: cities, key: '{text|1}', add: {city: c}, on_miss: park, name: "
    "l%zu}\n",
    "- {kind: dedupe, key: '{text|2}', window: 1h, action: flag, as: d%zu, name: d%zu}\n",
    "- {kind: dedupe, key: '{text|3}', name: e%zu}\n",
    "- {kind: count, key: '{text|2}', per: hour, as: n%zu, name: c%zu}\n",
    "- {kind: collect, line: '{text}', as: lines%zu, name: k%zu}\n",
    ROUTE,
    "- {kind: write, sink: records, target: w%zu, key: '{uid}/{item}', set: {x: '{text|20}'}}\n",
    "- {kind: write, sink: records, target: o%zu, key: '{text|2}', once: true, set: {x: "
    "'{text}'}}\n",
};

static struct rng rng;

static uint64_t draw(uint64_t below)
{
    return rng_below(&rng, below);
}

static void random_chain(char *yaml, size_t size)
{
    size_t len = (size_t)snprintf(yaml, size, "ops:\n");
    size_t count = 1 + draw(7);
    for (size_t i = 0; i < count; i++) {
        const char *step = step_pool[draw(COUNT(step_pool))];
        for (; *step != '\0'; step++) { /* %zu is a number of its own. */
            if (strncmp(step, "%zu", 3) == 0) {
                len += (size_t)snprintf(yaml + len, size - len, "%zu", i);
                step += 2;
            } else {
                yaml[len++] = *step;
            }
        }
        assert_true(len + 1 < size);
    }
    (void)snprintf(yaml + len, size - len,
                   "- {kind: write, sink: records, target: end, key: '{uid}/{item}', set: {x: "
                   "'{text|20}', n: '{now}'}}\n");
}

enum { SCENE_MESSAGES = 60, SCENE_TEXT = 96 };

struct scene {
    struct message messages[SCENE_MESSAGES];
    char texts[SCENE_MESSAGES][SCENE_TEXT];
    char ids[SCENE_MESSAGES][8];
};

static void random_text(char *text)
{
    static const char *const pieces[] = {"a",    "דנה", "name: ", "phone: ", "\n", "1", " ", "ab",
                                         "\n\n", "é",   "055",    "x",       ":",  "#", "😀"};
    size_t len = 0;
    size_t count = draw(9);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        len += (size_t)snprintf(text + len, SCENE_TEXT - len, "%s", pieces[draw(COUNT(pieces))]);
    }
}

static void random_scene(struct scene *scene)
{
    static const char *const senders[] = {"Dana", "Ruth", ""};
    for (size_t i = 0; i < SCENE_MESSAGES; i++) {
        struct message *message = &scene->messages[i];
        random_text(scene->texts[i]);
        (void)snprintf(scene->ids[i], sizeof scene->ids[i], "M%zu", i);
        *message = (struct message){
            .id = (int64_t)i + 1,
            .kind = MESSAGE_CHAT,
            .source = STR("bridge"),
            .chat = draw(2) == 0 ? STR("lobby") : STR("hall"),
            .external_id = str_of(scene->ids[i]),
            .sender = str_of(senders[draw(COUNT(senders))]),
            .text = str_of(scene->texts[i]),
            .sent_ms = RIG_MORNING_MS + (int64_t)draw(7200000),
            .archived_ms = RIG_MORNING_MS + (int64_t)i * 120000,
        };
        uint64_t what = draw(10);
        if (what == 0) {
            message->kind = MESSAGE_TICK;
        } else if (what == 1) {
            message->kind = MESSAGE_REFERENCE;
            message->chat = STR("cities");
        } else if (what < 4 && i > 0) { /* An edit of an earlier one. */
            const struct message *old = &scene->messages[draw(i)];
            message->chat = old->chat;
            message->external_id = old->external_id;
            message->kind = old->kind;
            message->revision = old->revision + 1;
        }
    }
}

/* Records of the scene; the chain is opened again at `split`, as by another process. */
static void play(const struct scene *scene, const char *yaml, size_t split, char *out, size_t size)
{
    rig_open(yaml);
    for (size_t i = 0; i < SCENE_MESSAGES; i++) {
        if (i == split) {
            rig_reopen(yaml);
        }
        if (i == SCENE_MESSAGES / 2) {
            rig_city("a", "{\"c\":\"Akko\"}");
        }
        (void)rig_apply(&scene->messages[i]); /* Refused ones are refused every time. */
    }
    const char *records = rig_records();
    assert_true(strlen(records) + 1 < size);
    (void)snprintf(out, size, "%s\n%s", records, "");
    size_t len = strlen(out);
    (void)snprintf(out + len, size - len, "%s", rig_state());
    rig_close();
}

/* Fewer where a program runs slowly, as in the simulator. */
static size_t scene_count(void)
{
    int64_t seeds = 0;
    const char *text = getenv("SIM_SEEDS");
    return text != NULL && str_to_int64(str_of(text), &seeds) && seeds > 0 ? 3 * (size_t)seeds
                                                                           : 300;
}

static void test_same_every_time(void **state)
{
    (void)state;
    static struct scene scene;
    static char yaml[8192];
    static char first[RIG_OUT_MAX];
    static char again[RIG_OUT_MAX];
    size_t records = 0;
    size_t scenes = scene_count();
    for (uint64_t seed = 1; seed <= scenes; seed++) {
        rng_seed(&rng, seed);
        random_chain(yaml, sizeof yaml);
        random_scene(&scene);
        play(&scene, yaml, SIZE_MAX, first, sizeof first);
        records += first[0] != '\n';
        play(&scene, yaml, SIZE_MAX, again, sizeof again);
        if (strcmp(first, again) != 0) {
            fail_msg("seed %d: a second run differs\n%s", (int)seed, yaml);
        }
        play(&scene, yaml, 1 + draw(SCENE_MESSAGES - 1), again, sizeof again);
        if (strcmp(first, again) != 0) {
            fail_msg("seed %d: a split run differs\n%s", (int)seed, yaml);
        }
    }
    assert_true(records > scenes / 2); /* They are not all empty. */
}

/* ---- Hostile input ---- */

#define ALL                                                                                        \
    "ops:\n- {kind: extract, labels: {name: name}, keep: true}\n"                                  \
    "- {kind: filter, words: [zzz], not: true, fold: true}\n"                                      \
    "- {kind: filter, pattern: '(a+)+$', not: true}\n"                                             \
    "- {kind: normalize, fields: {text: fold}}\n"                                                  \
    "- {kind: dedupe, key: '{text}'}\n- {kind: count, key: '{text|40}'}\n"                         \
    "- {kind: template, set: {x: '{text|html}'}}\n"                                                \
    "- {kind: write, sink: records, target: t, key: '{id}', set: {n: '{count}'}}\n"

static void test_huge_and_broken(void **state)
{
    (void)state;
    enum { HUGE_SIZE = 10 << 20, BIG_SIZE = 1 << 20 };
    char *text = malloc(HUGE_SIZE);
    assert_non_null(text);
    static const char *const fills[] = {"a", "<", "\xD7\x90\n", ":\n", "\xFF", "\xE2\x80\x8F",
                                        "\n"};
    rig_open(ALL);
    for (size_t i = 0; i < COUNT(fills); i++) {
        size_t len = strlen(fills[i]);
        size_t size = i == 0 ? HUGE_SIZE : BIG_SIZE;
        for (size_t at = 0; at + len <= size; at += len) {
            memcpy(text + at, fills[i], len);
        }
        struct message message = rig_message("");
        message.text = (struct str){text, size / len * len};
        bool ok = rig_apply(&message);
        assert_true(ok || strlen(rig_why()) > 0); /* Either way, and no crash. */
    }
    (void)rig_records();
    memset(text, '\0', 64);
    struct message message = rig_message("");
    message.text = (struct str){text, 64}; /* NUL bytes: intake replaces them, a chain survives. */
    assert_true(rig_apply(&message));
    message = rig_message("");
    message.text = (struct str){"\xC3\x28\xF0\x9F", 4};
    assert_true(rig_apply(&message));
    message = rig_message("");
    message.text = (struct str){0};
    message.sender = (struct str){0};
    assert_true(rig_apply(&message));
    free(text);
    rig_close();
}

/* A text that doubles with each step ends at a limit, and not at the end of the memory. */
static void test_growing_values(void **state)
{
    (void)state;
    char yaml[4096];
    size_t len = (size_t)snprintf(yaml, sizeof yaml, "ops:\n");
    for (int i = 0; i < 25; i++) {
        len += (size_t)snprintf(yaml + len, sizeof yaml - len,
                                "- {kind: template, set: {text: '{text}{text}'}}\n");
    }
    (void)snprintf(yaml + len, sizeof yaml - len, "%s", WRITE("{text}"));
    rig_open(yaml);
    struct message message = rig_message("ab");
    assert_false(rig_apply(&message));
    assert_non_null(strstr(rig_why(), "a value would be longer than 1048576 bytes"));
    rig_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_goes_through), cmocka_unit_test(test_fields_of_the_message),
        cmocka_unit_test(test_covered_names),     cmocka_unit_test(test_steps_may_move),
        cmocka_unit_test(test_refused_is_undone), cmocka_unit_test(test_long_keys),
        cmocka_unit_test(test_same_every_time),   cmocka_unit_test(test_huge_and_broken),
        cmocka_unit_test(test_growing_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
