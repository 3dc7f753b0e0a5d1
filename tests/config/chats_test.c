/* chats: projects.yaml as people write it, and each way to write it wrong. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "config/nearest.h"
#include "config/rig.h"

#define YAML                                                                                       \
    "sources:\n  in: {kind: bridge, path: a.db}\nsinks:\n  records: {kind: table}\n"               \
    "pipelines:\n  p: {kind: desk, source: in, projects: projects.yaml}\n"

#define ENTRY(name, enabled, jid)                                                                  \
    "  - name: " name "\n    enabled: " enabled "\n    group_jid: \"" jid                          \
    "\"\n    description: \"Made up\"\n"

static void the_document_is_read(void **state)
{
    struct config config;
    (void)state;
    rig_begin();
    rig_write("sluice.yaml", STR(YAML));
    rig_write("projects.yaml",
              STR("# WhatsApp Monitor\n\nprojects:\n" ENTRY("Lawley", "true", "1203630000001@g.us")
                      ENTRY("Velo Test", "false", "1203630000002@g.us")
                          ENTRY("\"שלום\"", "true", "972500000-1360000000@g.us")));
    assert_string_equal(rig_load(&config, NULL), "ok");
    const struct rig_op *op = (const void *)config.plan.pipelines[0].op;
    assert_int_equal(op->projects.count, 2);
    assert_str_equal(op->projects.items[0].name, STR("Lawley"));
    assert_str_equal(op->projects.items[0].chat, STR("1203630000001@g.us"));
    assert_str_equal(op->projects.items[1].name, STR("שלום"));
    assert_int_equal(config.plan.pipelines[0].chat_count, 2);
    assert_str_equal(config.plan.pipelines[0].chats[1].chat, STR("972500000-1360000000@g.us"));
    assert_str_equal(config.plan.pipelines[0].chats[1].source, STR("in"));
    assert_int_equal(config.project_lists, 1);
    assert_int_equal(config.projects[0].chats.count, 2);
    config_free(&config);
    rig_end();
}

static void a_list_may_stand_in_the_configuration(void **state)
{
    struct config config;
    (void)state;
    rig_begin();
    rig_write("sluice.yaml",
              STR("sources:\n  in: {kind: bridge, path: a.db}\nsinks:\n  records: {kind: table}\n"
                  "pipelines:\n  p:\n    kind: desk\n    source: in\n    projects:\n"
                  "      - {name: A, enabled: true, group_jid: 1@g.us, description: d}\n"));
    assert_string_equal(rig_load(&config, NULL), "ok");
    assert_int_equal(config.plan.pipelines[0].chat_count, 1);
    config_free(&config);
    rig_end();
}

static const struct {
    const char *yaml;
    const char *expected;
} cases[] = {
    {"projects: []\n", "ok"},
    {"projects:\n" ENTRY("A", "true", "1@g.us"), "ok"},
    {"projects:\n" ENTRY("A", "true", "1@s.whatsapp.net"),
     "projects.yaml:4:16: group_jid '1@s.whatsapp.net' does not end in @g.us; only groups can be "
     "projects; copy the id of the group"},
    {"projects:\n" ENTRY("A", "true", "@g.us"), "projects.yaml:4:16: group_jid has no number"},
    {"projects:\n" ENTRY("A", "true",
                         "\xE2\x80\x8E"
                         "123@g.us"),
     "projects.yaml:4:16: group_jid has an invisible character, U+200E, as its character 1; "
     "without it: '123@g.us'"},
    {"projects:\n" ENTRY("A", "true", "12 3@g.us"),
     "projects.yaml:4:19: group_jid has something else than digits in front of @g.us, at its "
     "character 3; copy it again"},
    {"projects:\n" ENTRY("A", "yes", "1@g.us"),
     "projects.yaml:3:14: enabled: 'yes' is neither true nor false; write true"},
    {"projects:\n" ENTRY("\" \"", "true", "1@g.us"), "projects.yaml:2:11: name is empty"},
    {"projects:\n" ENTRY("[a]", "true", "1@g.us"),
     "projects.yaml:2:11: name: a single value is expected here, not a list"},
    {"projects:\n" ENTRY("A", "true", "1@g.us") ENTRY("A", "true", "2@g.us"),
     "projects.yaml:6:11: the name 'A' is taken by the project in line 2"},
    {"projects:\n" ENTRY("A", "false", "1@g.us") ENTRY("B", "true", "1@g.us"),
     "projects.yaml:8:16: the group_jid '1@g.us' is taken by the project in line 2"},
    {"projects:\n  - name: A\n    enabled: true\n    description: d\n",
     "projects.yaml:2:5: the project has no 'group_jid'"},
    {"projects:\n  - nmae: A\n    enabled: true\n    group_jid: 1@g.us\n    description: d\n",
     "projects.yaml:2:5: project: unknown key 'nmae'; did you mean 'name'?\nprojects.yaml:2:5: the "
     "project has no 'name'"},
    {"projects:\n" ENTRY("A", "true", "1@g.us") "    color: red\n",
     "projects.yaml:6:5: project: unknown key 'color'"},
    {"projects:\n  - A\n", "projects.yaml:2:5: project: a map of keys is expected here, not text"},
    {"projects: all\n", "projects.yaml:1:11: projects: a list is expected here"},
    {"project:\n" ENTRY("A", "true", "1@g.us"),
     "projects.yaml:1:1: unknown key 'project'; did you mean 'projects'?\nprojects.yaml:1:1: the "
     "key 'projects' is missing"},
    {"", "projects.yaml:1:1: the file is empty"},
    {"projects:\n" ENTRY("A", "maybe", "x") ENTRY("B", "true", "2"),
     "projects.yaml:4:16: group_jid 'x' does not end in @g.us; only groups can be projects; copy "
     "the id of the group\nprojects.yaml:3:14: enabled: 'maybe' is neither true nor false; write "
     "true or false\nprojects.yaml:8:16: group_jid '2' does not end in @g.us; only groups can be "
     "projects; copy the id of the group"},
};

static void each_mistake_has_its_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config config;
        rig_begin();
        rig_write("sluice.yaml", STR(YAML));
        rig_write("projects.yaml", str_of(cases[i].yaml));
        assert_string_equal(rig_load(&config, NULL), cases[i].expected);
        config_free(&config);
        rig_end();
    }
}

static void many_projects_are_told_apart(void **state)
{
    enum { MANY = 3000 };
    struct arena arena;
    struct buf buf;
    struct config config;
    (void)state;
    arena_init(&arena, 16 * 1024 * 1024);
    buf_init(&buf, &arena, 1024);
    buf_add(&buf, STR("projects:\n"));
    for (int i = 0; i < MANY; i++) {
        buf_printf(&buf, "  - {name: N%d, enabled: true, group_jid: %d@g.us, description: d}\n", i,
                   1000 + i);
    }
    buf_printf(&buf, "  - {name: M, enabled: true, group_jid: %d@g.us, description: d}\n", 1500);
    rig_begin();
    rig_write("sluice.yaml", STR(YAML));
    rig_write("projects.yaml", buf_str(&buf));
    assert_string_equal(rig_load(&config, NULL),
                        "projects.yaml:3002:41: the group_jid '1500@g.us' is taken by the project "
                        "in line 502");
    config_free(&config);
    rig_end();
    arena_free(&arena);
}

/* Any bytes: a fault or a plan, and nothing else. */
static void garbage_is_survived(void **state)
{
    static const char seed[] = YAML "projects:\n" ENTRY("Lawley", "true", "12036@g.us");
    struct rng rng;
    (void)state;
    rng_seed(&rng, 7);
    for (int round = 0; round < 300; round++) {
        char text[sizeof seed];
        struct config config;
        memcpy(text, seed, sizeof seed);
        for (uint64_t i = 0; i <= rng_below(&rng, 4); i++) {
            text[rng_below(&rng, sizeof seed - 1)] = (char)rng_below(&rng, 256);
        }
        size_t len = rng_chance(&rng, 50) ? sizeof seed - 1 : rng_below(&rng, sizeof seed);
        rig_begin();
        rig_write("sluice.yaml", (struct str){text, len});
        rig_write("projects.yaml", (struct str){text, len});
        rig_write(".env", (struct str){text, len});
        assert_true(strlen(rig_load(&config, NULL)) > 0);
        config_free(&config);
        rig_end();
    }
}

static void the_nearest_word(void **state)
{
    static const struct {
        const char *word;
        const char *best;
    } words[] = {
        {"pol", "poll"},
        {"PATH", "path"},
        {"paht", "path"},
        {"timout", "timeout"},
        {"timeoutt", "timeout"},
        {"xyz", NULL},
        {"", NULL},
        {"p", NULL},
        {"source", "sources"},
        {"completely-other", NULL},
    };
    static const char *const known[] = {"poll", "path", "timeout", "sources"};
    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        struct nearest nearest;
        nearest_begin(&nearest, str_of(words[i].word));
        for (size_t k = 0; k < COUNT(known); k++) {
            nearest_try(&nearest, str_of(known[k]));
        }
        assert_str_equal(nearest.best, str_of(words[i].best));
        assert_int_equal(strlen(nearest_hint(&nearest)) > 0, words[i].best != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_read),
        cmocka_unit_test(a_list_may_stand_in_the_configuration),
        cmocka_unit_test(each_mistake_has_its_words),
        cmocka_unit_test(many_projects_are_told_apart),
        cmocka_unit_test(garbage_is_survived),
        cmocka_unit_test(the_nearest_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
