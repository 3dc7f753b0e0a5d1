/* mongodb as a source: against a server that speaks its protocol (tests/db/mongo_server.py). */
#include <stdio.h>
#include <string.h>

#include "db/document.h"
#include "db/mongo.h"
#include "rig/outside.h"
#include "source/mongodb.h"
#include "source/select_rig.h"
#include "test.h"

enum { OPTIONS_SIZE = 2048, LINE_MAX = 96 };

static struct outside server;
static bool started;
static struct mongo *boss; /* Writes what is read. */
static struct arena arena;

static void make_uri(const char *user, char *out, size_t size)
{
    (void)snprintf(
        out, size,
        "mongodb://%s:secret@localhost:%d/work?tls=true&tlsCAFile=%s/ca.crt", /* invented */
        user, outside_port(&server, "mongo"), server.folder);
}

static int setup(void **state)
{
    static const char *const words[] = {"python3", "tests/db/mongo_server.py", "{folder}", NULL};
    char uri[1024];
    struct err err = {0};
    (void)state;
    arena_init(&arena, 64 << 20);
    select_rig_setup();
    started = outside_start(&server, words, 240);
    if (started) {
        make_uri("app", uri, sizeof uri);
        struct mongo_options options = {.uri = str_of(uri), .clock = clock_system()};
        assert_true(mongo_open(&boss, &options, &err));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    select_rig_teardown();
    mongo_close(boss);
    outside_stop(&server);
    arena_free(&arena);
    return 0;
}

/* A command as JSON, where operators are meant. */
static void command(const char *text, bool writes)
{
    struct buf buf;
    struct document doc;
    struct str bytes;
    struct err err = {0};
    const struct json_value *root = NULL;
    const struct json_value *reply = NULL;
    arena_reset(&arena);
    buf_init(&buf, &arena, 4096);
    document_begin(&doc, &buf);
    bool ok = json_parse(&arena, str_of(text), NULL, &root, &err) &&
              document_query_members(&doc, root, &err) &&
              document_end(&doc, DOCUMENT_BATCH_MAX, &bytes, &err) &&
              (writes ? mongo_write(boss, bytes, outside_soon(), &arena, &reply, &err)
                      : mongo_command(boss, bytes, outside_soon(), &arena, &reply, &err));
    if (!ok) {
        fail_msg("%s: %s", text, err.text);
    }
}

static void empty(void)
{
    command("{\"delete\":\"leads\",\"deletes\":[{\"q\":{},\"limit\":0}]}", true);
}

static void insert(const char *documents)
{
    char text[8192];
    (void)snprintf(text, sizeof text, "{\"insert\":\"leads\",\"documents\":[%s]}", documents);
    command(text, true);
}

static void begin_as(const char *user, const char *options)
{
    char uri[1024];
    char all[OPTIONS_SIZE];
    make_uri(user, uri, sizeof uri);
    (void)snprintf(all, sizeof all, "uri=%s|%s", uri, options);
    select_rig_begin(&source_mongodb, all);
}

static void begin(const char *options)
{
    begin_as("app", options);
}

static void values(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    empty();
    insert("{\"_id\":{\"$oid\":\"656f0000000000000000000a\"},\"at\":{\"$date\":"
           "\"2025-12-09T10:00:00.123Z\"},\"note\":\"שלום\",\"price\":1.5,\"open\":true,"
           "\"who\":{\"name\":\"דנה\",\"seen\":[{\"$date\":\"2025-12-09T10:00:00Z\"},1]},"
           "\"gone\":null,\"big\":9007199254740993}");
    select_rig_extra = true;
    begin("collection=leads|text_column=note|time_column=at|sender_column=who.name");
    assert_string_equal(
        select_rig_look(10),
        "656f0000000000000000000a שלום {\"_id\":\"656f0000000000000000000a\",\"at\":"
        "\"2025-12-09T10:00:00.123Z\",\"note\":\"שלום\",\"price\":1.5,\"open\":true,\"who\":"
        "{\"name\":\"דנה\",\"seen\":[\"2025-12-09T10:00:00Z\",1]},\"gone\":null,\"big\":"
        "9007199254740993,\"who.name\":\"דנה\"}\n");
    select_rig_extra = false;
    begin("collection=leads|columns=note");
    assert_string_equal(select_rig_look(10),
                        "656f0000000000000000000a _id: 656f0000000000000000000a\nnote: שלום\n");
}

static void batches_and_ties(void **state)
{
    char sum[4096] = "";
    char documents[4096] = "";
    (void)state;
    if (!started) {
        skip();
    }
    empty();
    for (int i = 1; i <= 23; i++) {
        char one[LINE_MAX];
        (void)snprintf(
            one, sizeof one,
            "%s{\"_id\":%d,\"at\":{\"$date\":\"2025-12-09T10:00:0%dZ\"},\"note\":\"n%d\"}",
            i > 1 ? "," : "", i, i / 5, i);
        (void)strncat(documents, one, sizeof documents - strlen(documents) - 1);
    }
    insert(documents);
    begin("collection=leads|cursor_column=at|text_column=note|overlap=0s");
    for (bool more = true; more;) {
        const char *seen = select_rig_look(4);
        more = strstr(seen, "more") != NULL;
        (void)strncat(sum, seen, sizeof sum - strlen(sum) - 1);
    }
    for (int i = 1; i <= 23; i++) {
        char line[LINE_MAX];
        (void)snprintf(line, sizeof line, "%d n%d\n", i, i);
        select_rig_has(sum, line);
    }
    assert_string_equal(select_rig_look(4), "");
    insert("{\"_id\":24,\"at\":{\"$date\":\"2025-12-09T11:00:00Z\"},\"note\":\"new\"}");
    assert_string_equal(select_rig_look(4), "24 new\n");
}

static void late_documents_and_filters(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    empty();
    insert("{\"_id\":1,\"note\":\"a\",\"n\":1},{\"_id\":3,\"note\":\"c\",\"n\":5},{\"_id\":4,\"n\":"
           "0}");
    begin("collection=leads|text_column=note|filter={\"n\": {\"$gt\": 0}}");
    assert_string_equal(select_rig_look(10), "1 a\n3 c\n");
    insert("{\"_id\":2,\"note\":\"late\",\"n\":2}");
    assert_string_equal(select_rig_look(10), "1 a\n2 late\n3 c\n");
    begin("collection=leads|cursor_column=note");
    const char *seen = select_rig_look(10);
    select_rig_has(
        seen, "! collection leads: rows without a place: 1 rows have no value in `note` or `_id`");
}

static void mistakes(void **state)
{
    static const char *const filters[][2] = {
        {"{n: 1}", "option `filter`: "},
        {"[1]", "it must be a JSON object"},
    };
    struct err err = {0};
    char options[OPTIONS_SIZE];
    char uri[1024];
    (void)state;
    if (!started) {
        skip();
    }
    make_uri("app", uri, sizeof uri);
    for (size_t i = 0; i < COUNT(filters); i++) {
        (void)snprintf(options, sizeof options, "uri=%s|collection=leads|filter=%s", uri,
                       filters[i][0]);
        assert_false(select_rig_make(&source_mongodb, options, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        select_rig_has(err.text, filters[i][1]);
    }
    (void)snprintf(options, sizeof options, "uri=%s|collection=$cmd", uri);
    assert_false(select_rig_make(&source_mongodb, options, &err));
    begin("collection=nothing");
    select_rig_has(select_rig_look(10),
                   "has no collection 'nothing': check the options `collection` and");
    begin("collection=leads|filter={\"n\": {\"$nope\": 0}}");
    select_rig_has(select_rig_look(10), "error ");
    insert("{\"_id\":50},{\"_id\":51}");
    begin("collection=leads|reference=true|key=phone");
    select_rig_has(select_rig_look(10), "no row has a value in 'phone' (option `key`)");
}

static void references(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    empty();
    begin("collection=leads|reference=true|key=phone|columns=note|refresh=0s");
    select_rig_has(select_rig_look(10), "has no rows; the last snapshot stays");
    insert(
        "{\"_id\":1,\"phone\":\"b\",\"note\":\"two\"},{\"_id\":2,\"phone\":\"a\",\"note\":\"one\"},"
        "{\"_id\":3,\"phone\":\"b\",\"note\":\"2\"},{\"_id\":4}");
    const char *seen = select_rig_look(10);
    select_rig_has(seen, "= a {");
    select_rig_has(seen, "\"note\":\"one\"");
    select_rig_has(seen, "= b {");
    select_rig_has(seen, "its key stands on another row, too");
    assert_null(strstr(select_rig_look(10), "="));
}

static void down_and_up(void **state)
{
    struct err err = {0};
    struct str found = {0};
    (void)state;
    if (!started) {
        skip();
    }
    empty();
    insert("{\"_id\":1,\"note\":\"one\"}");
    outside_ask(&server, "stop");
    begin("collection=leads|text_column=note");
    select_rig_has(select_rig_look(10), "error retry source in: mongodb localhost:");
    outside_ask(&server, "start");
    assert_string_equal(select_rig_look(10), "1 one\n");
    outside_ask(&server, "stop");
    select_rig_has(select_rig_look(10), "error retry");
    outside_ask(&server, "start");
    mongo_disconnect(boss);
    insert("{\"_id\":2,\"note\":\"two\"}");
    assert_string_equal(select_rig_look(10), "1 one\n2 two\n");
    if (!select_rig_source->type->connector.probe(&select_rig_source->connector, outside_soon(),
                                                  &found, &err)) {
        fail_msg("%s", err.text);
    }
    select_rig_has(found.ptr, "collection leads in localhost:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(batches_and_ties),
        cmocka_unit_test(late_documents_and_filters),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(references),
        cmocka_unit_test(down_and_up),
    };
    return cmocka_run_group_tests_name("source mongodb", tests, setup, teardown);
}
