/* Sinks that write files: what they look like, rotation, people who edit them, adopted logs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "sink/csv.h"
#include "sink/json.h"
#include "sink/ndjson.h"
#include "text/test.h"

static struct arena arena;
static struct arena opened;
static struct sink *sink;
static char home[64];
static int64_t wall_ms;
static int64_t next_message;

static int64_t fake_wall(struct clock *clock)
{
    (void)clock;
    return wall_ms;
}

static int64_t fake_mono(struct clock *clock)
{
    (void)clock;
    return 1000;
}

static struct clock clock_fake = {.wall_ms = fake_wall, .mono_ms = fake_mono};

static const struct column columns[] = {
    {"name", COLUMN_TEXT, true, NULL, ""},  {"הערה", COLUMN_TEXT, false, NULL, ""},
    {"count", COLUMN_INT, false, NULL, ""}, {"paid", COLUMN_BOOL, false, NULL, ""},
    {"more", COLUMN_JSON, false, NULL, ""}, {0},
};
static const struct column fewer_columns[] = {
    {"name", COLUMN_TEXT, true, NULL, ""}, {"count", COLUMN_INT, false, NULL, ""}, {0}};
static const struct target leads = {.name = "leads", .key = "name", .columns = columns};
static const struct target fewer = {.name = "leads", .key = "name", .columns = fewer_columns};
static const struct target others = {.name = "others", .key = "name", .columns = columns};
static const struct target hidden = {.name = "../up", .key = "name", .columns = columns};
static const struct target *const one[] = {&leads, NULL};
static const struct target *const one_fewer[] = {&fewer, NULL};
static const struct target *const two[] = {&leads, &others, NULL};
static const struct target *const bad[] = {&hidden, NULL};

static void set(const char *name, const char *text)
{
    const struct option *option = sink->type->connector.options;
    while (option->name == NULL || strcmp(option->name, name) != 0) {
        option++;
    }
    void *to = (char *)sink + option->offset;
    int choice = 0;
    if (option->type == OPTION_TYPE_BOOL) {
        *(bool *)to = strcmp(text, "true") == 0;
    } else if (option->type == OPTION_TYPE_INT || option->type == OPTION_TYPE_SIZE) {
        assert_true(str_to_int64(str_of(text), to));
    } else if (option->type == OPTION_TYPE_CHOICE) {
        while (strcmp(option->choices[choice], text) != 0) {
            choice++;
        }
        *(int *)to = choice;
    } else {
        *(struct str *)to = str_of(text);
    }
}

static void down(void)
{
    if (sink != NULL) {
        sink->type->connector.close(&sink->connector);
        mem_free(sink);
        sink = NULL;
    }
}

/* `options` is "name=text|name=text". */
static bool make(const struct sink_type *type, const struct target *const *targets,
                 const char *options, struct err *err)
{
    static char copy[512];
    down();
    sink = mem_alloc(type->connector.size);
    assert_non_null(sink);
    sink->type = type;
    sink->connector.name = STR("out");
    sink->connector.env = (struct connector_env){
        .clock = &clock_fake, .arena = &opened, .data_dir = str_of(home), .targets = targets};
    (void)snprintf(copy, sizeof copy, "%s", options);
    for (char *name = copy; name != NULL && *name != '\0';) {
        char *next = strchr(name, '|');
        char *text = strchr(name, '=');
        if (next != NULL) {
            *next++ = '\0';
        }
        *text = '\0';
        set(name, text + 1);
        name = next;
    }
    return type->connector.open(&sink->connector, err);
}

static void up(const struct sink_type *type, const char *options)
{
    struct err err = {0};
    if (!make(type, one, options, &err)) {
        fail_msg("%s", err.text);
    }
}

static bool try_say(const char *target, const char *entity, const char *body, struct err *err)
{
    static char origin[EFFECT_ORIGIN_SIZE + 1];
    int64_t message = ++next_message;
    (void)snprintf(origin, sizeof origin, "%020d", (int)message);
    struct parcel parcel = {
        .kind = RECORD_EFFECT,
        .effect = {.pipeline = STR("p"),
                   .generation = 1,
                   .message = message,
                   .origin = {origin, EFFECT_ORIGIN_SIZE}},
        .target = str_of(target),
        .entity = str_of(entity),
        .body = str_of(body),
    };
    arena_reset(&arena);
    bool ok = sink->type->write(sink, &parcel, 1, &arena, 60000, err);
    if (ok && parcel.verdict != VERDICT_DONE) {
        fail_msg("%.*s", STR_ARG(parcel.why));
    }
    return ok;
}

static void say(const char *entity, const char *body)
{
    struct err err = {0};
    if (!try_say("leads", entity, body, &err)) {
        fail_msg("%s", err.text);
    }
}

static const char *path_of(const char *name)
{
    static char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

static const char *text_of(const char *name)
{
    struct err err = {0};
    struct str bytes = {0};
    if (access(path_of(name), F_OK) != 0) {
        return "(none)";
    }
    assert_true(file_read(&arena, str_of(path_of(name)), 1 << 20, &bytes, &err));
    return bytes.ptr;
}

static void put(const char *mode, const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), mode);
    if (file == NULL) {
        fail_msg("a file cannot be written");
        return;
    }
    (void)fputs(text, file);
    (void)fclose(file);
}

#define SET  "{\"set\":{"
#define END  "}}"
#define HEAD "name,הערה,count,paid,more\r\n"

static void test_csv_table(void **state)
{
    (void)state;
    up(&sink_csv, "crlf=true|formula_guard=true");
    say("דנה",
        SET "\"הערה\":\"a, \\\"b\\\"\\nc\",\"count\":-5,\"paid\":true,\"more\":[1,\"x\"]" END);
    say("=1+1", SET "\"הערה\":\"-2\"" END);
    say("דנה", SET "\"count\":6" END);
    assert_string_equal(text_of("leads.csv"),
                        HEAD "דנה,\"a, \"\"b\"\"\nc\",6,true,\"[1,\"\"x\"\"]\"\r\n"
                             "'=1+1,'-2,,,\r\n");
    down();
    (void)unlink(path_of("leads.csv"));
    (void)unlink(path_of(".leads.csv.sluice"));
    up(&sink_csv, "bom=true|separator=semicolon");
    say("=1", SET "\"count\":1" END);
    assert_string_equal(text_of("leads.csv"), "\xEF\xBB\xBFname;הערה;count;paid;more\n=1;;1;;\n");
    struct stat info;
    assert_int_equal(stat(path_of(".leads.csv.sluice"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(access(path_of(".leads.csv.sluice-journal"), F_OK), -1);
}

static void test_json(void **state)
{
    (void)state;
    up(&sink_json, "keep=2");
    say("a", SET "\"count\":1" END);
    say("b", SET "\"count\":2" END);
    say("a", SET "\"count\":3" END);
    assert_string_equal(
        text_of("leads.json"),
        "[\n{\"name\":\"a\",\"הערה\":null,\"count\":3,\"paid\":null,\"more\":null},\n"
        "{\"name\":\"b\",\"הערה\":null,\"count\":2,\"paid\":null,\"more\":null}\n]\n");
    assert_non_null(strstr(text_of("leads.json.1"), "\"count\":1"));
    assert_non_null(strstr(text_of("leads.json.1"), "\"b\""));
    assert_null(strstr(text_of("leads.json.2"), "\"b\""));
    say("c", SET "\"count\":4" END);
    assert_string_equal(text_of("leads.json.3"), "(none)");
    struct err err = {0};
    assert_true(
        make(&sink_json, one_fewer, "shape=object", &err)); /* Another form: written anew. */
    say("b", SET "\"count\":9" END);
    assert_string_equal(
        text_of("leads.json"),
        "{\n\"a\":{\"name\":\"a\",\"הערה\":null,\"count\":3,\"paid\":null,\"more\":null},\n"
        "\"b\":{\"name\":\"b\",\"count\":9},\n"
        "\"c\":{\"name\":\"c\",\"הערה\":null,\"count\":4,\"paid\":null,\"more\":null}\n}\n");
}

static void test_rotation(void **state)
{
    (void)state;
    wall_ms = 1765306302998; /* 2025-12-09T18:51 */
    up(&sink_ndjson, "mode=log|rotate_size=100");
    for (int i = 0; i < 5; i++) {
        say("a", SET "\"count\":1" END);
    }
    assert_int_equal(strlen(text_of("leads.000001.ndjson")), 2 * strlen(text_of("leads.ndjson")));
    assert_non_null(strstr(text_of("leads.000001.ndjson"), "{\"_seq\":2,"));
    assert_non_null(strstr(text_of("leads.000002.ndjson"), "{\"_seq\":3,"));
    assert_non_null(strstr(text_of("leads.ndjson"), "{\"_seq\":5,"));
    up(&sink_ndjson, "mode=log|rotate_daily=true|zone=Asia/Jerusalem");
    say("a", SET "\"count\":2" END);
    assert_string_equal(text_of("leads.000003.ndjson"), "(none)");
    wall_ms += INT64_C(4) * 3600 * 1000; /* The next day in Jerusalem, not in UTC. */
    say("a", SET "\"count\":3" END);
    assert_non_null(strstr(text_of("leads.000003.ndjson"), "{\"_seq\":6,"));
    assert_non_null(strstr(text_of("leads.ndjson"), "{\"_seq\":7,"));
    up(&sink_ndjson, "mode=table"); /* The log stays under a name of its own. */
    say("b", SET "\"count\":4" END);
    assert_non_null(strstr(text_of("leads.000004.ndjson"), "{\"_seq\":7,"));
    assert_non_null(strstr(text_of("leads.ndjson"), "{\"name\":\"a\""));
    struct err err = {0};
    assert_false(make(&sink_ndjson, one, "mode=table|rotate_size=5", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

/* Others write into the log, cut it, or take it away: ours goes behind, and nothing is doubled. */
static void test_shared_log(void **state)
{
    (void)state;
    put("w", "leads.csv", HEAD "old,,,,"); /* It was there, without a last line end. */
    up(&sink_csv, "mode=log|crlf=true");
    say("a", SET "\"count\":1" END);
    put("a", "leads.csv", "theirs\n");
    say("b", SET "\"count\":2" END);
    assert_string_equal(text_of("leads.csv"), HEAD "old,,,,\na,,1,,\r\ntheirs\nb,,2,,\r\n");
    put("w", "leads.csv", "cut\n");
    say("c", SET "\"count\":3" END);
    assert_string_equal(text_of("leads.csv"), "cut\nc,,3,,\r\n");
    assert_int_equal(unlink(path_of("leads.csv")), 0);
    say("d", SET "\"count\":4" END);
    assert_string_equal(text_of("leads.csv"), HEAD "d,,4,,\r\n");
    struct err err = {0};
    assert_true(make(&sink_csv, one_fewer, "mode=log|crlf=true", &err)); /* Other columns. */
    say("e", SET "\"count\":5" END);
    assert_string_equal(text_of("leads.csv"), "name,count\r\ne,5\r\n");
    assert_string_equal(text_of("leads.000001.csv"), HEAD "d,,4,,\r\n");
}

static void test_not_ours(void **state)
{
    struct err err = {0};
    (void)state;
    put("w", "leads.csv", "name,other\r\nx,1\r\n");
    up(&sink_csv, "mode=log|crlf=true");
    assert_false(try_say("leads", "a", SET "\"count\":1" END, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "its first line is not the header"));
    up(&sink_csv, "crlf=true");
    memset(&err, 0, sizeof err);
    assert_false(try_say("leads", "a", SET "\"count\":1" END, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "was not written by sluice"));
    assert_string_equal(text_of("leads.csv"), "name,other\r\nx,1\r\n");
}

/* What a person changed in a table is kept before it is replaced. */
static void test_edited_table(void **state)
{
    (void)state;
    up(&sink_csv, "crlf=true");
    say("a", SET "\"count\":1" END);
    put("a", "leads.csv", "mine,,,,\r\n");
    say("b", SET "\"count\":2" END);
    assert_string_equal(text_of("leads.csv"), HEAD "a,,1,,\r\nb,,2,,\r\n");
    assert_string_equal(text_of("leads.edited-000001.csv"), HEAD "a,,1,,\r\nmine,,,,\r\n");
    say("c", SET "\"count\":3" END);
    assert_string_equal(text_of("leads.edited-000002.csv"), "(none)");
}

static void test_paths(void **state)
{
    char path[160];
    struct err err = {0};
    (void)state;
    assert_false(make(&sink_csv, two, "path=/tmp/one.csv", &err));
    assert_non_null(strstr(err.text, "put {target} into `path`"));
    assert_false(make(&sink_csv, bad, "", &err));
    assert_non_null(strstr(err.text, "cannot be the name of a file"));
    (void)snprintf(path, sizeof path, "path=%s/sub/x-{target}.csv", home);
    assert_true(make(&sink_csv, two, path, &err));
    assert_true(try_say("others", "a", SET "\"count\":1" END, &err));
    assert_true(try_say("leads", "a", SET "\"count\":1" END, &err));
    assert_string_equal(text_of("sub/x-others.csv"), "name,הערה,count,paid,more\na,,1,,\n");
    assert_string_equal(text_of("sub/x-leads.csv"), "name,הערה,count,paid,more\na,,1,,\n");
}

/* The ledger is gone: the file of a log is gone on with; a handle that is open does not matter. */
static void test_lost_ledger(void **state)
{
    (void)state;
    up(&sink_ndjson, "mode=log");
    say("a", SET "\"count\":1" END);
    assert_int_equal(unlink(path_of(".leads.ndjson.sluice")), 0);
    say("b", SET "\"count\":2" END);
    assert_non_null(strstr(text_of("leads.ndjson"), "\"a\""));
    assert_non_null(strstr(text_of("leads.ndjson"), "\"b\""));
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(home, sizeof home, "/tmp/sluice-files-XXXXXX");
    assert_non_null(mkdtemp(home));
    arena_init(&arena, 64 << 20);
    arena_init(&opened, 4 << 20);
    wall_ms = 1765306302998;
    return 0;
}

static void remove_all(const char *folder)
{
    struct arena list_arena;
    struct file_list list;
    struct err err = {0};
    char name[256];
    arena_init(&list_arena, 1 << 20);
    if (file_list(&list_arena, str_of(folder), &list, &err)) {
        for (size_t i = 0; i < list.count; i++) {
            (void)snprintf(name, sizeof name, "%s/%.*s", folder, STR_ARG(list.names[i]));
            (void)unlink(name);
        }
        (void)rmdir(folder);
    }
    arena_free(&list_arena);
}

static int teardown(void **state)
{
    char sub[96];
    (void)state;
    down();
    (void)snprintf(sub, sizeof sub, "%s/sub", home);
    remove_all(sub);
    remove_all(home);
    arena_free(&arena);
    arena_free(&opened);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_csv_table), TEST(test_json),         TEST(test_rotation), TEST(test_shared_log),
        TEST(test_not_ours),  TEST(test_edited_table), TEST(test_paths),    TEST(test_lost_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
