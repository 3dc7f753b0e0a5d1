/* from: several sources of one pipeline, ticks, ends of runs, references that nobody listens to. */
#include <stdio.h>
#include <string.h>

#include "config/rig.h"

#define FRONT                                                                                      \
    "sources:\n  in: {kind: bridge, path: a}\n  orders: {kind: bridge, path: b}\n"                 \
    "  clock: {kind: bridge, path: c}\n  roster: {kind: bridge, path: d, table: true}\n"           \
    "sinks:\n  records: {kind: table}\npipelines:\n"

struct from_case {
    const char *pipeline;
    const char *expected;
};

static const struct from_case cases[] = {
    {"  p: {kind: plain, source: in, chats: [a, b]}\n", "in/a in/b"},
    {"  p: {kind: plain, source: in, chats: all, ticks: clock}\n", "in/ clock/"},
    {"  p: {kind: plain, from: [{source: in, chats: [a]}, {source: orders, chats: all}]}\n",
     "in/a orders/"},
    {"  p: {kind: plain, ticks: clock, from: [{source: in, chats: [a]}]}\n", "in/a clock/"},
    {"  p: {kind: plain, from: [{source: runs, chats: [q]}]}\n", "runs/q quiet"},
    {"  p: {kind: plain, from: []}\n",
     "sluice.yaml:9:26: from: a list of 1 to 64 entries {source: NAME, chats: all} is expected"},
    {"  p: {kind: plain, from: [{source: in}]}\n",
     "sluice.yaml:9:27: from: an entry has a source and its chats: {source: NAME, chats: all}"},
    {"  p: {kind: plain, from: [{source: ni, chats: all}]}\n",
     "sluice.yaml:9:36: pipeline 'p': there is no source 'ni'; did you mean 'in'?"},
    {"  p: {kind: plain, from: [{source: in, chat: all}]}\n",
     "sluice.yaml:9:40: from: unknown key 'chat'; did you mean 'chats'?"},
    {"  p: {kind: plain, from: [{source: in, chats: [a]}, {source: in, chats: [b]}]}\n",
     "sluice.yaml:9:62: from: source 'in' stands here twice; put its chats into one list"},
    {"  p: {kind: plain, from: [{source: in, chats: al}]}\n",
     "sluice.yaml:9:47: chats: 'al' is neither all nor a list; write all, or a list of chat ids"},
    {"  p: {kind: plain, chats: all, from: [{source: in, chats: all}]}\n",
     "sluice.yaml:9:20: pipeline 'p' has from and chats; write one of them"},
    {"  p: {kind: plain, source: roster, chats: all}\n",
     "sluice.yaml:9:28: pipeline 'p': source 'roster' brings a table to look things up in and has "
     "no messages; name it where it is looked up"},
    {"  p: {kind: plain, source: in, chats: all, ticks: roster}\n",
     "sluice.yaml:9:51: pipeline 'p': source 'roster' brings a table to look things up in and has "
     "no messages; name it where it is looked up"},
};

static void test_from(void **state)
{
    (void)state;
    rig_begin();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config config;
        char yaml[2048];
        char heard[512] = "";
        (void)snprintf(yaml, sizeof yaml, FRONT "%s", cases[i].pipeline);
        rig_write("sluice.yaml", str_of(yaml));
        const char *result = rig_load(&config, NULL);
        if (strcmp(result, "ok") == 0) {
            const struct plan_pipeline *pipeline = &config.plan.pipelines[0];
            for (size_t j = 0; j < pipeline->chat_count; j++) {
                size_t len = strlen(heard);
                (void)snprintf(heard + len, sizeof heard - len, "%s%.*s/%.*s", j > 0 ? " " : "",
                               STR_ARG(pipeline->chats[j].source),
                               STR_ARG(pipeline->chats[j].chat));
            }
            if (pipeline->quiet) {
                size_t len = strlen(heard);
                (void)snprintf(heard + len, sizeof heard - len, " quiet");
            }
            result = heard;
        }
        if (strcmp(result, cases[i].expected) != 0) {
            fail_msg("%s\nis\n%s\nnot\n%s", cases[i].pipeline, result, cases[i].expected);
        }
        config_free(&config);
    }
    rig_end();
}

static void test_reference(void **state)
{
    struct config config;
    (void)state;
    rig_begin();
    rig_write("sluice.yaml", STR(FRONT "  p: {kind: plain, source: in, chats: all, "
                                       "schedule: {every: 1h}}\n"));
    assert_string_equal(rig_load(&config, NULL), "ok");
    assert_str_equal(config.plan.sources[3].reference, STR("roster"));
    assert_int_equal(config.plan.sources[0].reference.len, 0);
    assert_true(config.plan.sources[0].on_demand);
    assert_false(config.plan.sources[3].on_demand); /* Its changes are wanted at once. */
    config_free(&config);
    rig_write("sluice.yaml",
              STR("sources:\n  in: {kind: bridge, path: a, note: a table that is loud}\n"
                  "sinks:\n  records: {kind: table}\n"
                  "pipelines:\n  p: {kind: plain, source: in, chats: all}\n"));
    assert_string_equal(rig_load(&config, NULL), "sluice.yaml:2:7: its options: `table` and `loud` "
                                                 "do not go together");
    config_free(&config);
    rig_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from),
        cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
