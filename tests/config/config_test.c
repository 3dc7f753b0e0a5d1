/* config: each mistake with its words and its place; what a sound file becomes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/rig.h"

/* Parts of files, so that a case shows only what it is about. */
#define SOURCES "sources:\n  in: {kind: bridge, path: a.db}\n"
#define SINKS   "sinks:\n  records: {kind: table}\n"
#define PIPES   "pipelines:\n  p: {kind: plain, source: in, chats: all}\n"
#define REST    SINKS PIPES
#define FRONT   SOURCES SINKS

struct fault_case {
    const char *yaml;
    const char *expected;
};

static const struct fault_case structure_cases[] = {
    {SOURCES REST, "ok"},
    {"", "sluice.yaml:1:1: the file is empty"},
    {"- a\n", "sluice.yaml:1:1: the file: a map of keys is expected here, not a list"},
    {"storre: data\n" SOURCES REST, "sluice.yaml:1:1: unknown key 'storre'; did you mean 'store'?"},
    {"keep: {messages: 365d, runs: 30d}\n" SOURCES REST, "ok"},
    {"keep: {mesages: 365d}\n" SOURCES REST,
     "sluice.yaml:1:8: keep: unknown key 'mesages'; did you mean 'messages'?"},
    {"keep: 5\n" SOURCES REST,
     "sluice.yaml:1:7: keep: a map of keys is expected here, not a whole number"},
    {"htpp: {}\n" SOURCES REST, "sluice.yaml:1:1: unknown key 'htpp'; did you mean 'http'?"},
    {SOURCES SINKS, "sluice.yaml:1:1: the key 'pipelines' is missing"},
    {"sources: {}\n" REST, "sluice.yaml:1:10: sources: between 1 and 64 are expected\n"
                           "sluice.yaml:5:28: pipeline 'p': there is no source 'in'"},
    {"sources: [a]\n" REST,
     "sluice.yaml:1:10: sources: a map of keys is expected here, not a list"},
    {"sources:\n  in: 5\n" REST,
     "sluice.yaml:2:7: source 'in': a map of keys is expected here, not a whole number"},
    {"sources:\n  9x: {kind: bridge, path: a}\n  in: {kind: bridge, path: a}\n" REST,
     "sluice.yaml:2:3: source '9x': a name has at most 64 letters, digits, '-' and '_', and begins "
     "with a letter"},
    {"sources:\n  in: {path: a}\n" SINKS,
     "sluice.yaml:2:7: source 'in' has no kind; add `kind: …`; docs/reference/ lists "
     "them\nsluice.yaml:1:1: the key 'pipelines' is missing"},
    {"sources:\n  in: {kind: brigde, path: a}\n" SINKS,
     "sluice.yaml:2:14: source 'in': there is no kind 'brigde'; did you mean 'bridge'?\n"
     "sluice.yaml:1:1: the key 'pipelines' is missing"},
    {SOURCES "sinks:\n  records: {kind: tabel}\n" PIPES,
     "sluice.yaml:4:19: sink 'records': there is no kind 'tabel'; did you mean 'table'?"},
    {SOURCES "sinks:\n  records: {kind: table, atempts: 3}\n" PIPES,
     "sluice.yaml:4:26: sink 'records': unknown key 'atempts'; did you mean 'attempts'?"},
    {SOURCES "sinks:\n  records: {kind: table, attempts: 0}\n" PIPES,
     "sluice.yaml:4:36: option 'attempts': between 1 and 1000"},
    {FRONT "pipelines:\n  p: {kind: plain, chats: all}\n",
     "sluice.yaml:6:6: pipeline 'p' has no source; write the name of one of `sources`"},
    {FRONT "pipelines:\n  p: {kind: plain, source: inn, chats: all}\n",
     "sluice.yaml:6:28: pipeline 'p': there is no source 'inn'; did you mean 'in'?"},
    {FRONT "pipelines:\n  p: {kind: plain, source: in}\n",
     "sluice.yaml:6:6: pipeline 'p' listens to no chat; write `chats: all`, or a list of chat ids"},
    {FRONT "pipelines:\n  p: {kind: plain, source: in, chats: some}\n",
     "sluice.yaml:6:39: chats: 'some' is neither all nor a list; write all, or a list of chat ids"},
    {FRONT "pipelines:\n  p: {kind: plain, source: in, chats: []}\n",
     "sluice.yaml:6:39: chats: between 1 and 4096 chat ids are expected"},
    {FRONT "pipelines:\n  p: {kind: plain, source: in, chats: [a, '']}\n",
     "sluice.yaml:6:43: a chat id is empty"},
    {FRONT "pipelines:\n  p: {kind: plain, source: in, chats: [a, {b: c}]}\n",
     "sluice.yaml:6:43: chat: a single value is expected here, not a map"},
    {FRONT "pipelines:\n  p: {kind: desk, source: in, projects: [], chats: all}\n",
     "sluice.yaml:6:52: pipeline 'p': its chats come from another option; leave `chats` out"},
    {FRONT "pipelines:\n  p: {kind: desk, source: in, projects: [], sink: recods}\n",
     "sluice.yaml:6:51: option 'sink': there is no sink 'recods'; did you mean 'records'?"},
    {FRONT "pipelines:\n  p: {kind: desk, source: in}\n",
     "sluice.yaml:6:6: pipeline 'p': option 'projects' is missing; Its groups."},
    {FRONT "pipelines:\n  p: {kind: desk, source: in, projects: none.yaml}\n", NULL},
    /* Two mistakes far apart come in one pass. */
    {"sources:\n  in: {kind: bridge, path: a, cuont: 5}\n" SINKS
     "pipelines:\n  p: {kind: plain, source: in, chats: all, schedul: {}}\n",
     "sluice.yaml:2:31: source 'in': unknown key 'cuont'; did you mean 'count'?\n"
     "sluice.yaml:6:44: pipeline 'p': unknown key 'schedul'; did you mean 'schedule'?"},
};

#define OPTION_CASE(text, expected)                                                                \
    {"sources:\n  in:\n    kind: bridge\n    path: a.db\n    " text "\n" REST, expected}

static const struct fault_case option_cases[] = {
    OPTION_CASE("count: 1000", "ok"),
    OPTION_CASE("count: many", "sluice.yaml:5:12: option 'count': 'many' is not a whole number"),
    OPTION_CASE("count: 5.5", "sluice.yaml:5:12: option 'count': '5.5' is not a whole number"),
    OPTION_CASE("count: 0", "sluice.yaml:5:12: option 'count': between 1 and 1000"),
    OPTION_CASE("count: 1001", "sluice.yaml:5:12: option 'count': between 1 and 1000"),
    OPTION_CASE("count: [1]",
                "sluice.yaml:5:12: option 'count': a single value is expected here, not a list"),
    OPTION_CASE("count:", "sluice.yaml:5:11: option 'count' is empty"),
    OPTION_CASE("loud: yes",
                "sluice.yaml:5:11: option 'loud': 'yes' is neither true nor false; write true"),
    OPTION_CASE("loud: true", "ok"),
    OPTION_CASE("lookback: 5 parsecs", NULL),
    OPTION_CASE("lookback: 15", NULL),
    OPTION_CASE("room: 5 furlongs",
                "sluice.yaml:5:11: option 'room': '5 furlongs' is not a size; write a number and "
                "one of B, kB, MB, GB, KiB, MiB, GiB"),
    OPTION_CASE("room: 99999999999GiB",
                "sluice.yaml:5:11: option 'room': '99999999999GiB' is not a size; write a number "
                "and one of B, kB, MB, GB, KiB, MiB, GiB"),
    OPTION_CASE("room: 512 kB", "ok"),
    OPTION_CASE("color: grene", "sluice.yaml:5:12: option 'color': 'grene' is not one of red, "
                                "green, blue; did you mean 'green'?"),
    OPTION_CASE("zone: Asia/Jerusalm", NULL),
    OPTION_CASE("note: ''", "sluice.yaml:5:11: option 'note' is empty"),
    OPTION_CASE("words: [a, [b]]",
                "sluice.yaml:5:16: option 'words': a single value is expected here, not a list"),
    OPTION_CASE("poll: 50ms", "sluice.yaml:5:11: option 'poll': at least 100 milliseconds"),
    OPTION_CASE("pol: 5s", "sluice.yaml:5:5: source 'in': unknown key 'pol'; did you mean 'poll'?"),
    OPTION_CASE("note: ${MISSING}", "sluice.yaml:5:11: the variable MISSING is not set; set it in "
                                    "the environment or in .env, or write ${MISSING:default}"),
    OPTION_CASE("note: see ${NOTEE}",
                "sluice.yaml:5:15: the variable NOTEE is not set; did you mean 'NOTES'? set it in "
                "the environment or in .env, or write ${NOTEE:default}"),
    OPTION_CASE("note: '${a b}'",
                "sluice.yaml:5:12: 'a b' is not the name of a variable; write ${NAME} or "
                "${NAME:default}"),
    OPTION_CASE("note: ${NOTES", "sluice.yaml:5:11: '${' is never closed by '}'"),
    OPTION_CASE("note: $${NOTES}", "ok"),
    OPTION_CASE("count: ${NOTES}", "sluice.yaml:5:12: option 'count': 'abc' is not a whole number"),
};

#define SCHEDULE_CASE(text, expected)                                                              \
    {FRONT                                                                                         \
     "pipelines:\n  p:\n    kind: plain\n    source: in\n    chats: all\n    schedule: " text      \
     "\n",                                                                                         \
     expected}

static const struct fault_case schedule_cases[] = {
    SCHEDULE_CASE("{on: message}", "ok"),
    SCHEDULE_CASE("{every: 2h, misfire: skip, overlap: queue}", "ok"),
    SCHEDULE_CASE("{cron: '0 6 * * *', zone: Asia/Jerusalem}", "ok"),
    SCHEDULE_CASE("{}", "sluice.yaml:10:15: schedule: write exactly one of on, every and cron"),
    SCHEDULE_CASE("{on: message, every: 2h}",
                  "sluice.yaml:10:15: schedule: write exactly one of on, every and cron"),
    SCHEDULE_CASE("daily", "sluice.yaml:10:15: schedule: a map of keys is expected here, not text"),
    SCHEDULE_CASE("{on: mesage}", "sluice.yaml:10:20: on: 'mesage' is not known; did you mean "
                                  "'message'? write message, webhook, demand"),
    SCHEDULE_CASE("{every: 10ms}", "sluice.yaml:10:23: every: at least one second"),
    SCHEDULE_CASE("{every: soon}", NULL),
    SCHEDULE_CASE("{cron: '0 6 * *'}", NULL),
    SCHEDULE_CASE("{cron: '0 0 31 2 *'}",
                  "sluice.yaml:10:22: cron: '0 0 31 2 *' never comes: there is no such date"),
    SCHEDULE_CASE("{every: 2h, zone: Mars/Olympus}", NULL),
    SCHEDULE_CASE("{every: 2h, overlap: both}",
                  "sluice.yaml:10:36: overlap: 'both' is not known; write skip, queue"),
    SCHEDULE_CASE("{evry: 2h}",
                  "sluice.yaml:10:16: schedule: unknown key 'evry'; did you mean 'every'?\n"
                  "sluice.yaml:10:15: schedule: write exactly one of on, every and cron"),
};

/* NULL: another part of sluice chose the words; a place and at least some words are enough. */
static void check_case(const struct fault_case *one)
{
    static const char *const environment[] = {"NOTES=abc", NULL};
    struct config config;
    rig_begin();
    rig_write("sluice.yaml", str_of(one->yaml));
    const char *found = rig_load(&config, environment);
    if (one->expected != NULL) {
        assert_string_equal(found, one->expected);
    } else {
        assert_true(str_starts(str_of(found), STR("sluice.yaml:")));
        assert_true(strlen(found) > 40);
        assert_null(strchr(found, '\n'));
    }
    config_free(&config);
    rig_end();
}

static void structure_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(structure_cases); i++) {
        check_case(&structure_cases[i]);
    }
}

static void options_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(option_cases); i++) {
        check_case(&option_cases[i]);
    }
}

static void schedules_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(schedule_cases); i++) {
        check_case(&schedule_cases[i]);
    }
}

static void what_yaml_refuses_has_its_place(void **state)
{
    static const char *const broken[] = {"a: [\n", "a: b: c\n", "a: 1\na: 2\n", "\tx: 1\n",
                                         "a: \xff\n"};
    struct config config;
    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        rig_begin();
        rig_write("sluice.yaml", str_of(broken[i]));
        assert_true(str_starts(str_of(rig_load(&config, NULL)), STR("sluice.yaml:")));
        config_free(&config);
        rig_end();
    }
}

static void values_arrive(void **state)
{
    struct config config;
    (void)state;
    rig_begin();
    rig_write("sluice.yaml",
              STR("sources:\n  in:\n    kind: bridge\n    path: sub/a.db\n    note: \"${A}-${B:two}"
                  "-$${C}\"\n    count: 7\n    loud: true\n    lookback: 1h30m\n    room: 2KiB\n"
                  "    color: blue\n    words: [x, y, 5]\n    zone: asia/jerusalem\n    poll: "
                  "${SCAN:15}s\n" REST));
    static const char *const environment[] = {"A=one", "SCAN=20", NULL};
    assert_string_equal(rig_load(&config, environment), "ok");
    assert_int_equal(config.plan.source_count, 1);
    const struct rig_source *source = (const void *)config.plan.sources[0].source;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/sub/a.db", rig_folder());
    assert_str_equal(source->path, str_of(path));
    assert_str_equal(source->note, STR("one-two-${C}"));
    assert_int_equal(source->count, 7);
    assert_true(source->loud);
    assert_int_equal(source->lookback_ms, 90 * 60 * 1000);
    assert_int_equal(source->room, 2048);
    assert_int_equal(source->color, 2);
    assert_int_equal(source->words.count, 3);
    assert_str_equal(source->words.items[2], STR("5"));
    assert_str_equal(source->zone, STR("Asia/Jerusalem"));
    assert_false(secret_given(&source->password));
    assert_true(config.plan.archive_keep_ms == 0);
    assert_true(config.plan.runs_keep_ms == INT64_C(90) * 24 * 3600 * 1000);
    assert_int_equal(config.plan.sources[0].poll_ms, 20000);
    assert_int_equal(config.plan.sources[0].fetch_ms, 60000);
    assert_int_equal(config.plan.sinks[0].attempts_max, 20);
    assert_str_equal(config.plan.pipelines[0].chats[0].chat, STR(""));
    assert_str_equal(config.plan.pipelines[0].chats[0].source, STR("in"));
    assert_int_equal(config.plan.pipelines[0].schedule.kind, SCHEDULE_ON_MESSAGE);
    assert_str_equal(config.data_dir, STR("data"));
    config_free(&config);
    rig_end();
}

static void defaults_arrive(void **state)
{
    struct config config;
    (void)state;
    rig_begin();
    rig_write("sluice.yaml", STR(SOURCES REST));
    assert_string_equal(rig_load(&config, NULL), "ok");
    const struct rig_source *source = (const void *)config.plan.sources[0].source;
    assert_int_equal(source->count, 50);
    assert_false(source->loud);
    assert_int_equal(source->room, 16 * 1024 * 1024);
    assert_int_equal(source->color, 1);
    assert_int_equal(source->words.count, 1);
    assert_str_equal(source->words.items[0], STR("one"));
    assert_str_equal(source->zone, STR("Asia/Jerusalem"));
    assert_null(source->note.ptr);
    assert_int_equal(config.plan.sources[0].poll_ms, 15000);
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_null(config.log_file.ptr);
    config_free(&config);
    rig_end();
}

/* Who wins, and from where a relative path counts. */
static void paths_and_precedence(void **state)
{
    static const struct {
        const char *dotenv; /* NULL: no such file. */
        const char *variable;
        const char *data_flag;
        const char *path; /* Of the source; '~' stands for the folder. */
        const char *data;
    } cases[] = {
        {"DB=x.db\n", NULL, NULL, "~/x.db", "~/stored"},
        {"DB=x.db\n", "DB=y.db", NULL, "y.db", "~/stored"},
        {NULL, "DB=/abs/y.db", NULL, "/abs/y.db", "~/stored"},
        {"DB=x.db\nSLUICE_DATA=dd\n", NULL, NULL, "~/x.db", "~/dd"},
        {"DB=x.db\n", "SLUICE_DATA=here", NULL, "~/x.db", "here"},
        {"DB=x.db\n", "SLUICE_DATA=here", "flag", "~/x.db", "flag"},
        {"# c\n\nexport DB='x y.db' # comment\n", NULL, NULL, "~/x y.db", "~/stored"},
        {"DB=\"a\\\"b.db\"\r\n", NULL, NULL, "~/a\"b.db", "~/stored"},
        {"DB=a.db # the file\n", NULL, NULL, "~/a.db", "~/stored"},
        {"DB=a#b.db\n", NULL, NULL, "~/a#b.db", "~/stored"},
        {"DB=one.db\nDB=two.db", NULL, NULL, "~/two.db", "~/stored"},
        {"\xEF\xBB\xBF"
         "DB=b.db\n",
         NULL, NULL, "~/b.db", "~/stored"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *environment[] = {cases[i].variable, NULL};
        struct config config;
        struct err err = {0};
        char file[128];
        rig_begin();
        rig_write("sluice.yaml",
                  STR("store: stored\nsources:\n  in: {kind: bridge, path: \"${DB}\"}\n" REST));
        if (cases[i].dotenv != NULL) {
            rig_write(".env", str_of(cases[i].dotenv));
        }
        (void)snprintf(file, sizeof file, "%s/sluice.yaml", rig_folder());
        struct config_input input = {.path = str_of(file),
                                     .data_dir = str_of(cases[i].data_flag),
                                     .environment = environment,
                                     .kinds = &rig_kinds};
        if (!config_load(&config, &input, &err)) {
            fail_msg("case %zu: %s", i, err.text);
        }
        const struct rig_source *source = (const void *)config.plan.sources[0].source;
        char expected[128];
        const char *want = cases[i].path;
        (void)snprintf(expected, sizeof expected, "%s%s", *want == '~' ? rig_folder() : "",
                       want + (*want == '~'));
        assert_str_equal(source->path, str_of(expected));
        want = cases[i].data;
        (void)snprintf(expected, sizeof expected, "%s%s", *want == '~' ? rig_folder() : "",
                       want + (*want == '~'));
        assert_str_equal(config.data_dir, str_of(expected));
        config_free(&config);
        rig_end();
    }
}

static void dotenv_mistakes_show_no_value(void **state)
{
    struct config config;
    (void)state;
    rig_begin();
    rig_write("sluice.yaml", STR(SOURCES REST));
    rig_write(".env", STR("hunter2\nA='hunter2\nB=\"x\" hunter2\n1C=hunter2\n"));
    assert_string_equal(rig_load(&config, NULL),
                        ".env:1:1: this is not NAME=value\n.env:2:1: the quote ' is never closed; "
                        "close it in the same line\n.env:3:1: something follows the closing quote "
                        "\"\n.env:4:1: this is not NAME=value");
    config_free(&config);
    rig_end();
}

static void variables_of_the_documents(void **state)
{
    static const struct {
        const char *dotenv;
        const char *variable;
        const char *expected;
    } cases[] = {
        {"", "LOG_LEVEL=DEBUG", "ok"},
        {"", "LOG_LEVEL=warning", "ok"},
        {"", "LOG_LEVEL=LOUD",
         "environment: LOG_LEVEL: 'LOUD' is not one of DEBUG, INFO, WARNING, ERROR"},
        {"X=1\nLOG_LEVEL=DEBGU\n", NULL,
         ".env:2:1: LOG_LEVEL: 'DEBGU' is not one of DEBUG, INFO, WARNING, ERROR; did you mean "
         "'DEBUG'?"},
        {"", "NEON_DATABASE_URL=", "ok"},
        {"NEON_DATABASE_URL=postgresql://u:hunter2@h/d\n", "NEON_DATABASE_URL=", "ok"},
        {"", "NEON_DATABASE_URL=postgresql://u:hunter2@h/d",
         "environment: NEON_DATABASE_URL is set, but no sink here is of kind postgres; add one "
         "(`kind: "
         "postgres`, `uri: env:NEON_DATABASE_URL`), or leave the variable empty to write "
         "elsewhere"},
        {"NEON_DATABASE_URL=postgresql://u:hunter2@h/d\n", NULL,
         ".env:1:1: NEON_DATABASE_URL is set, but no sink here is of kind postgres; add one "
         "(`kind: "
         "postgres`, `uri: env:NEON_DATABASE_URL`), or leave the variable empty to write "
         "elsewhere"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *environment[] = {cases[i].variable, NULL};
        struct config config;
        rig_begin();
        rig_write("sluice.yaml", STR(SOURCES REST));
        rig_write(".env", str_of(cases[i].dotenv));
        assert_string_equal(rig_load(&config, environment), cases[i].expected);
        config_free(&config);
        rig_end();
    }
}

static void log_and_environment(void **state)
{
    static const char *const environment[] = {"LOG_LEVEL=ERROR", "LOG_FILE=logs/a.log",
                                              "ENV=production", NULL};
    struct config config;
    (void)state;
    rig_begin();
    rig_write("sluice.yaml", STR(SOURCES REST));
    assert_string_equal(rig_load(&config, environment), "ok");
    assert_int_equal(config.log_level, LOG_LEVEL_ERROR);
    assert_str_equal(config.log_file, STR("logs/a.log"));
    assert_str_equal(config.environment, STR("production"));
    config_free(&config);
    rig_end();
}

static void a_missing_file_is_named(void **state)
{
    struct config config;
    struct err err = {0};
    struct config_input input = {.path = STR("/nowhere/sluice.yaml"), .kinds = &rig_kinds};
    (void)state;
    assert_false(config_load(&config, &input, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_true(str_find(str_of(err.text), STR("/nowhere/sluice.yaml"), 0) != STR_NONE);
    config_free(&config);
}

static void more_faults_than_are_kept(void **state)
{
    static char text[32 * 1024];
    struct config config;
    size_t len = (size_t)snprintf(text, sizeof text, "%s", SOURCES REST);
    (void)state;
    for (int i = 0; i < FAULTS_MAX + 20; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "key%d: 1\n", i);
    }
    rig_begin();
    rig_write("sluice.yaml", (struct str){text, len});
    (void)rig_load(&config, NULL);
    assert_int_equal(config.faults.count, FAULTS_MAX + 20);
    assert_int_equal(config.faults.kept, FAULTS_MAX);
    config_free(&config);
    rig_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure_is_checked),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(schedules_are_checked),
        cmocka_unit_test(what_yaml_refuses_has_its_place),
        cmocka_unit_test(values_arrive),
        cmocka_unit_test(defaults_arrive),
        cmocka_unit_test(paths_and_precedence),
        cmocka_unit_test(dotenv_mistakes_show_no_value),
        cmocka_unit_test(variables_of_the_documents),
        cmocka_unit_test(log_and_environment),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(more_faults_than_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
