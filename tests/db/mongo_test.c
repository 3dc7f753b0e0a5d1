/* mongo: against a server that speaks MongoDB's protocol with TLS and SCRAM
 * (tests/db/mongo_server.py). */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "db/document.h"
#include "db/mongo.h"
#include "rig/outside.h"
#include "test.h"

enum { PATIENCE_MS = 20000, URI_SIZE = 1024, CHOOSE_MS = 1200 };

static struct outside server;
static bool started;
static bool second; /* Another program that speaks the protocol, without TLS and users. */
static struct arena arena;

static int setup(void **state)
{
    static const char *const words[] = {"python3", "tests/db/mongo_server.py", "{folder}", NULL};
    static const char *const others[] = {"sh", "tests/db/mongo_java.sh", NULL};
    (void)state;
    arena_init(&arena, 512 << 20);
    started = outside_start(&server, second ? others : words, 240);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    outside_stop(&server);
    arena_free(&arena);
    return 0;
}

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

/* "{p}" is the port (that of the server behind another certificate with `port`), "{d}" the folder
 * of the certificates. */
static void make_uri_at(const char *port, const char *pattern, char out[URI_SIZE])
{
    size_t len = 0;
    for (const char *at = pattern; *at != '\0' && len + 200 < URI_SIZE; at++) {
        if (strncmp(at, "{d}", 3) == 0) {
            len += (size_t)snprintf(out + len, URI_SIZE - len, "%s", server.folder);
            at += 2;
        } else if (strncmp(at, "{p}", 3) == 0) {
            len += (size_t)snprintf(out + len, URI_SIZE - len, "%d", outside_port(&server, port));
            at += 2;
        } else {
            out[len++] = *at;
        }
    }
    out[len] = '\0';
}

static void make_uri(const char *pattern, char out[URI_SIZE])
{
    make_uri_at("mongo", pattern, out);
}

#define APP "mongodb://app:secret@localhost:{p}/work?tls=true" /* invented */
#define CA  "&tlsCAFile={d}/ca.crt"

static struct mongo *open_db(const char *pattern)
{
    char uri[URI_SIZE];
    struct mongo *db = NULL;
    struct err err = {0};
    make_uri(second ? "mongodb://127.0.0.1:{p}/work" : pattern, uri);
    struct mongo_options options = {.uri = str_of(uri)};
    if (!mongo_open(&db, &options, &err) || !mongo_ready(db, outside_soon(), &err)) {
        fail_msg("%s", err.text);
    }
    return db;
}

static bool try(const char *port, const char *pattern, struct err *err)
{
    char uri[URI_SIZE];
    struct mongo *db = NULL;
    make_uri_at(port, pattern, uri);
    struct mongo_options options = {.uri = str_of(uri), .connect_ms = CHOOSE_MS};
    bool ok = mongo_open(&db, &options, err) && mongo_ready(db, outside_soon(), err);
    mongo_close(db);
    return ok;
}

/* A document from JSON as the configuration would write it. */
static struct str document(const char *json)
{
    struct buf buf;
    struct document doc;
    struct err err = {0};
    struct str bytes = {0};
    const struct json_value *root = NULL;
    buf_init(&buf, &arena, 256);
    document_begin(&doc, &buf);
    if (!json_parse(&arena, str_of(json), NULL, &root, &err) ||
        !document_query_members(&doc, root, &err) ||
        !document_end(&doc, DOCUMENT_BATCH_MAX, &bytes, &err)) {
        fail_msg("%s: %s", json, err.text);
    }
    return bytes;
}

static const struct json_value *command(struct mongo *db, const char *json)
{
    const struct json_value *reply = NULL;
    struct err err = {0};
    if (!mongo_command(db, document(json), outside_soon(), &arena, &reply, &err)) {
        fail_msg("%s: %s", json, err.text);
    }
    return reply;
}

static const struct json_value *change(struct mongo *db, const char *json)
{
    const struct json_value *reply = NULL;
    struct err err = {0};
    size_t at = 0;
    size_t item = 0;
    if (!mongo_write(db, document(json), outside_soon(), &arena, &reply, &err) ||
        mongo_item_error(db, reply, &at, &item, &err)) {
        fail_msg("%s: %s", json, err.text);
    }
    return reply;
}

static int64_t number(const struct json_value *value, const char *path)
{
    int64_t out = -1;
    (void)json_int(json_find(value, str_of(path)), &out);
    return out;
}

static int64_t count(struct mongo *db, const char *collection, const char *filter)
{
    char json[1024];
    (void)snprintf(json, sizeof json,
                   "{\"aggregate\":\"%s\",\"pipeline\":[{\"$match\":%s},{\"$count\":\"n\"}],"
                   "\"cursor\":{}}",
                   collection, filter);
    const struct json_value *reply = command(db, json);
    int64_t n = number(reply, "cursor/firstBatch/0/n");
    return n < 0 ? 0 : n;
}

static void drop(struct mongo *db, const char *collection)
{
    char json[128];
    struct err ignored = {0};
    const struct json_value *reply = NULL;
    (void)snprintf(json, sizeof json, "{\"drop\":\"%s\"}", collection);
    (void)mongo_command(db, document(json), outside_soon(), &arena, &reply, &ignored);
}

/* ---- Without a server ---- */

static void uris(void **state)
{
    static const struct {
        const char *uri;
        bool allow_insecure;
        const char *why; /* NULL: fine. */
        const char *note;
    } cases[] = {
        {"mongodb+srv://u:p@cluster0.abc12.mongodb.net/work?retryWrites=true&w=majority", false,
         NULL, ""},
        {"mongodb://u:p@a.example.com,b.example.com/work?replicaSet=rs0&tls=true", false, NULL, ""},
        {"mongodb://u:p@db.example.com/work", false, "without TLS", NULL},
        {"mongodb://u:p@db.example.com/work", true, NULL, "without TLS"},
        {"mongodb://db.example.com/work?tls=true", false, "without a user", NULL},
        {"mongodb://u:p@db.example.com/work?tls=true&tlsAllowInvalidCertificates=true", false,
         "nobody checks who", NULL},
        {"mongodb://u:p@10.0.0.7/work", false, NULL, "without TLS"},
        {"mongodb://u:p@mongo/work", false, NULL, "without TLS"},
        {"mongodb://mongo/work?tls=true", false, NULL, "without a user"},
        {"mongodb://localhost/work", false, NULL, "without TLS"},
        {"mongodb://u:p@localhost/work", false, NULL, ""},
        {"mongodb://u:p@localhost/", false, "no database is named", NULL},
        {"mongodb://u:p@localhost/a$b", false, "", NULL},
        {"mongodb://u:p@localhost/work?w=0", false, "leave it out", NULL},
        {"mongodb://u:p@localhost/work?w=1", false, NULL, ""},
        {"mongodb://u@localhost/work", false, "no password", NULL},
        {"mongodb://u:p%C3%A4@localhost/work", false, "ASCII", NULL},
        {"mongodb://u:50%off@localhost/work", false, "%25", NULL},
        {"mongodb://u:p@localhost/work?tls=true&tlsCAFile=/nonexistent.crt", false,
         "there is no such file", NULL},
        {"mongodb://u:p@localhost/work?tls=true&tlsCertificateKeyFile=/x.pem", false,
         "not supported", NULL},
        {"postgres://u:p@localhost/work", false, "not right", NULL},
        {"", false, "is empty", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct mongo *db = NULL;
        struct err err = {0};
        struct mongo_options options = {.uri = str_of(cases[i].uri),
                                        .allow_insecure = cases[i].allow_insecure};
        bool ok = mongo_open(&db, &options, &err);
        if (ok != (cases[i].why == NULL)) {
            fail_msg("%s: %s", cases[i].uri, ok ? "taken" : err.text);
        }
        if (!ok && (strstr(err.text, cases[i].why) == NULL || strstr(err.text, "50%off") != NULL)) {
            fail_msg("%s: \"%s\"", cases[i].uri, err.text);
        }
        if (ok) {
            struct str note = mongo_note(db);
            if (cases[i].note[0] == '\0' ? note.len > 0 : strstr(note.ptr, cases[i].note) == NULL) {
                fail_msg("%s: note \"%s\"", cases[i].uri, note.ptr);
            }
        }
        mongo_close(ok ? db : NULL);
    }
}

static void names(void **state)
{
    struct err err = {0};
    (void)state;
    assert_true(mongo_name_check(STR("drops"), false, &err));
    assert_true(mongo_name_check(STR("a.b"), false, &err));
    assert_true(mongo_name_check(STR("שיעורים"), false, &err));
    assert_false(mongo_name_check(STR(""), false, &err));
    assert_false(mongo_name_check(STR("a$b"), false, &err));
    assert_false(mongo_name_check(STR("system.users"), false, &err));
    assert_false(mongo_name_check(STR(".a"), false, &err));
    assert_false(mongo_name_check((struct str){"a\0b", 3}, false, &err));
    assert_true(mongo_name_check(STR("work"), true, &err));
    assert_false(mongo_name_check(STR("a.b"), true, &err));
    assert_false(mongo_name_check(STR("a b"), true, &err));
}

/* ---- Connecting ---- */

static void the_matrix(void **state)
{
    static const struct {
        const char *certificate;
        const char *uri;
        enum err_kind kind;
        const char *why;
    } cases[] = {
        {NULL, APP CA, ERR_NONE, NULL},
        {NULL, "mongodb://app:secret@127.0.0.1:{p}/work?tls=true" CA, ERR_NONE, NULL},
        {NULL, APP "&tlsCAFile={d}/bundle.crt", ERR_NONE, NULL},
        {NULL, APP CA "&authMechanism=SCRAM-SHA-256", ERR_NONE, NULL},
        {NULL, APP CA "&authMechanism=SCRAM-SHA-1", ERR_LOGIN, ""},
        {NULL, "mongodb://old:secret@localhost:{p}/work?tls=true" CA, ERR_NONE, NULL},
        {NULL, "mongodb://old:secret@localhost:{p}/work?tls=true&authMechanism=SCRAM-SHA-1" CA,
         ERR_NONE, NULL},
        {NULL, "mongodb://old:wrong@localhost:{p}/work?tls=true" CA, ERR_LOGIN, "password"},
        {NULL, "mongodb://odd:a%3Ab%2Fc%40d%20%25%24%2C%3D@localhost:{p}/work?tls=true" CA,
         ERR_NONE, NULL},
        {NULL,
         "mongodb://odd:a%3Ab%2Fc%40d%20%25%24%2C%3D@localhost:{p}/work?tls=true"
         "&authMechanism=SCRAM-SHA-1" CA,
         ERR_NONE, NULL},
        {NULL, "mongodb://app:secret@localhost:{p}/work?tls=true&authSource=admin" CA, ERR_LOGIN,
         "authSource"},
        {NULL, APP "&tlsCAFile={d}/otherca.crt", ERR_CONFIG, "not signed by an authority we know"},
        {NULL, APP "&tlsAllowInvalidCertificates=true", ERR_NONE, NULL},
        {NULL, "mongodb://app:wrong@localhost:{p}/work?tls=true" CA, ERR_LOGIN, "password"},
        {NULL, "mongodb://ghost:secret@localhost:{p}/work?tls=true" CA, ERR_LOGIN, "password"},
        {NULL, "mongodb://localhost:{p}/work?tls=true" CA, ERR_CONFIG, ""},
        {NULL, "mongodb://app:secret@localhost:1/work?tls=true" CA, ERR_RETRY, "calling hello"},
        {"ec", APP "&tlsCAFile={d}/ecca.crt", ERR_NONE, NULL},
        {"chain", APP CA, ERR_NONE, NULL},
        {"expired", APP CA, ERR_RETRY, "expired on 2025-01-01"},
        {"expired", APP CA "&tlsAllowInvalidCertificates=true", ERR_NONE, NULL},
        {"wrong", APP CA, ERR_CONFIG, "other.example"},
        {"wrong", APP CA "&tlsAllowInvalidHostnames=true", ERR_NONE, NULL},
        {"nameonly", "mongodb://app:secret@127.0.0.1:{p}/work?tls=true" CA, ERR_CONFIG,
         "use the name instead"},
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        const char *port = cases[i].certificate != NULL ? cases[i].certificate : "mongo";
        int64_t began = now_ms();
        bool ok = try(port, cases[i].uri, &err);
        if (ok != (cases[i].why == NULL)) {
            fail_msg("case %zu, %s: %s", i, cases[i].uri, ok ? "connected" : err.text);
        }
        if (!ok && (strstr(err.text, cases[i].why) == NULL || err.kind != cases[i].kind ||
                    strstr(err.text, "secret") != NULL || now_ms() - began > CHOOSE_MS + 1000)) {
            fail_msg("case %zu, %s: %s: \"%s\" does not say \"%s\", %d ms", i, cases[i].uri,
                     err_kind_name(err.kind), err.text, cases[i].why, (int)(now_ms() - began));
        }
    }
}

/* ---- Commands: what the sinks will ask for ---- */

static void inserting_and_finding(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    struct mongo *db = open_db(APP CA);
    drop(db, "c");
    assert_int_equal(number(change(db, "{\"insert\":\"c\",\"documents\":[{\"_id\":1,\"uniq\":\"a\","
                                       "\"n\":1,\"tags\":[\"x\"],\"arr\":[{\"k\":1,\"v\":1},"
                                       "{\"k\":2,\"v\":2}]}]}"),
                            "n"),
                     1);
    /* 300 kB, and Hebrew. */
    struct buf buf;
    struct document doc;
    struct err err = {0};
    struct str bytes = {0};
    const struct json_value *reply = NULL;
    char *big = arena_bytes(&arena, 300000);
    memset(big, 'z', 300000);
    buf_init(&buf, &arena, 0);
    document_begin(&doc, &buf);
    document_str(&doc, STR("insert"), STR("c"));
    document_array(&doc, STR("documents"));
    document_object(&doc, (struct str){0});
    document_str(&doc, STR("_id"), STR("big"));
    document_str(&doc, STR("s"), (struct str){big, 300000});
    document_str(&doc, STR("he"), STR("שלום"));
    document_int(&doc, STR("large"), 9007199254740993);
    document_close(&doc);
    document_close(&doc);
    assert_true(document_end(&doc, DOCUMENT_BATCH_MAX, &bytes, &err));
    assert_true(mongo_write(db, bytes, outside_soon(), &arena, &reply, &err));
    assert_int_equal(number(reply, "n"), 1);
    struct str row = {0};
    assert_true(mongo_query(db, STR("c"), document("{\"_id\":\"big\"}"), (struct str){0},
                            outside_soon(), &err));
    assert_true(mongo_next(db, &arena, &row, &err));
    assert_non_null(row.ptr);
    const struct json_value *found = NULL;
    assert_true(json_parse(&arena, row, NULL, &found, &err));
    assert_int_equal(json_str(json_get(found, STR("s"))).len, 300000);
    assert_str_equal(json_str(json_get(found, STR("he"))), STR("שלום"));
    assert_int_equal(number(found, "large"), 9007199254740993);
    assert_true(mongo_next(db, &arena, &row, &err));
    assert_null(row.ptr);
    mongo_close(db);
}

static void indexes_and_duplicates(void **state)
{
    const struct json_value *reply = NULL;
    struct err err = {0};
    size_t at = 0;
    size_t item = 0;
    (void)state;
    if (!started) {
        skip();
    }
    struct mongo *db = open_db(APP CA);
    drop(db, "i");
    (void)command(db, "{\"createIndexes\":\"i\",\"indexes\":["
                      "{\"key\":{\"uniq\":1},\"name\":\"uniq_1\",\"unique\":true,\"sparse\":true},"
                      "{\"key\":{\"ts\":1},\"name\":\"ts_1\",\"expireAfterSeconds\":3600},"
                      "{\"key\":{\"a\":1,\"b\":-1},\"name\":\"ab\"}]}");
    (void)command(db, "{\"createIndexes\":\"i\",\"indexes\":[{\"key\":{\"p\":1},\"name\":\"p_1\","
                      "\"unique\":true,\"partialFilterExpression\":{\"p\":{\"$exists\":true}}}]}");
    assert_int_equal(
        json_count(json_find(command(db, "{\"listIndexes\":\"i\"}"), STR("cursor/firstBatch"))), 5);
    /* One bad document does not stop the others, and its place is told. */
    assert_true(mongo_write(db,
                            document("{\"insert\":\"i\",\"ordered\":false,\"documents\":["
                                     "{\"_id\":1,\"uniq\":\"0501234567\"},"
                                     "{\"_id\":2,\"uniq\":\"0501234567\"},{\"_id\":3}]}"),
                            outside_soon(), &arena, &reply, &err));
    assert_int_equal(number(reply, "n"), 2);
    assert_true(mongo_item_error(db, reply, &at, &item, &err));
    assert_int_equal(item, 1);
    assert_int_equal(err.kind, ERR_REJECT);
    assert_non_null(strstr(err.text, "11000"));
    assert_null(strstr(err.text, "0501234567")); /* Somebody's number is not for the log. */
    assert_false(mongo_item_error(db, reply, &at, &item, &err));
    mongo_close(db);
}

static void updating(void **state)
{
    static const struct {
        const char *update; /* One item of "updates". */
        const char *holds;  /* A filter that finds one document then. */
    } cases[] = {
        {"{\"q\":{\"_id\":3},\"u\":{\"$setOnInsert\":{\"created\":1},\"$set\":{\"x\":1}},"
         "\"upsert\":true}",
         "{\"_id\":3,\"created\":1,\"x\":1}"},
        {"{\"q\":{\"_id\":3},\"u\":{\"$setOnInsert\":{\"created\":2},\"$set\":{\"x\":2}},"
         "\"upsert\":true}",
         "{\"_id\":3,\"created\":1,\"x\":2}"},
        {"{\"q\":{\"_id\":1},\"u\":{\"$inc\":{\"n\":5},\"$push\":{\"tags\":{\"$each\":[\"y\",\"z\"]"
         ","
         "\"$slice\":-2}}}}",
         "{\"_id\":1,\"n\":6,\"tags\":[\"y\",\"z\"]}"},
        {"{\"q\":{\"_id\":1},\"u\":{\"$addToSet\":{\"tags\":\"y\"},\"$pull\":{\"none\":1},"
         "\"$unset\":{\"q\":1}}}",
         "{\"_id\":1,\"tags\":{\"$size\":2}}"},
        {"{\"q\":{\"_id\":1,\"arr.k\":2},\"u\":{\"$set\":{\"arr.$.v\":20}}}",
         "{\"_id\":1,\"arr\":{\"$elemMatch\":{\"k\":2,\"v\":20}}}"},
        {"{\"q\":{\"_id\":1},\"u\":{\"$set\":{\"arr.$[e].v\":10}},\"arrayFilters\":[{\"e.k\":1}]}",
         "{\"_id\":1,\"arr\":{\"$elemMatch\":{\"k\":1,\"v\":10}}}"},
        {"{\"q\":{\"_id\":1},\"u\":{\"$set\":{\"d.e\":{\"$date\":\"2026-01-02T03:04:05Z\"}},"
         "\"$max\":{\"n\":9},\"$min\":{\"m\":1},\"$currentDate\":{\"cd\":true}}}",
         "{\"n\":9,\"cd\":{\"$exists\":true},\"d.e\":{\"$type\":\"date\"}}"},
        {"{\"q\":{\"_id\":1},\"u\":[{\"$set\":{\"s\":{\"$concat\":[\"$uniq\",\"-\",\"b\"]}}}]}",
         "{\"s\":\"a-b\"}"},
    };
    (void)state;
    if (!started) {
        skip();
    }
    struct mongo *db = open_db(APP CA);
    drop(db, "c");
    (void)change(db, "{\"insert\":\"c\",\"documents\":[{\"_id\":1,\"uniq\":\"a\",\"n\":1,"
                     "\"tags\":[\"x\"],\"arr\":[{\"k\":1,\"v\":1},{\"k\":2,\"v\":2}]}]}");
    for (size_t i = 0; i < COUNT(cases) - (second ? 1 : 0); i++) { /* It has no pipelines. */
        char json[1024];
        (void)snprintf(json, sizeof json, "{\"update\":\"c\",\"updates\":[%s]}", cases[i].update);
        (void)change(db, json);
        if (count(db, "c", cases[i].holds) != 1) {
            fail_msg("after %s nothing is like %s", cases[i].update, cases[i].holds);
        }
    }
    mongo_close(db);
}

/* Who gets a job, or a slot: find one and change it, and see it as it is then. */
static void claiming(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    struct mongo *db = open_db(APP CA);
    drop(db, "j");
    (void)change(db, "{\"insert\":\"j\",\"documents\":[{\"q\":\"job\",\"st\":\"new\",\"pri\":1},"
                     "{\"q\":\"job\",\"st\":\"new\",\"pri\":7},{\"_id\":1,\"n\":9}]}");
    assert_int_equal(number(change(db, "{\"findAndModify\":\"j\",\"query\":{\"_id\":1},"
                                       "\"update\":{\"$inc\":{\"n\":1}},\"new\":true,"
                                       "\"upsert\":true}"),
                            "value/n"),
                     10);
    static const char claim[] = "{\"findAndModify\":\"j\",\"query\":{\"q\":\"job\",\"st\":\"new\"},"
                                "\"sort\":{\"pri\":-1},\"update\":{\"$set\":{\"st\":\"run\"}},"
                                "\"new\":true}";
    assert_int_equal(number(change(db, claim), "value/pri"), 7);
    assert_int_equal(number(change(db, claim), "value/pri"), 1);
    assert_int_equal(json_kind(json_get(change(db, claim), STR("value"))), JSON_NULL);
    mongo_close(db);
}

static void bulk(void **state)
{
    enum { ROWS = 500 };
    struct buf buf;
    struct document doc;
    struct err err = {0};
    struct str bytes = {0};
    const struct json_value *reply = NULL;
    (void)state;
    if (!started) {
        skip();
    }
    struct mongo *db = open_db(APP CA);
    drop(db, "bulk");
    buf_init(&buf, &arena, 0);
    document_begin(&doc, &buf);
    document_str(&doc, STR("update"), STR("bulk"));
    document_bool(&doc, STR("ordered"), false);
    document_array(&doc, STR("updates"));
    for (int i = 0; i < ROWS; i++) {
        document_object(&doc, (struct str){0});
        document_object(&doc, STR("q"));
        document_int(&doc, STR("_id"), i);
        document_close(&doc);
        document_object(&doc, STR("u"));
        document_object(&doc, STR("$set"));
        document_int(&doc, STR("v"), i * 2);
        document_int(&doc, STR("g"), i % 5);
        document_close(&doc);
        document_object(&doc, STR("$setOnInsert"));
        document_time(&doc, STR("c"), 1767323045000);
        document_close(&doc);
        document_close(&doc);
        document_bool(&doc, STR("upsert"), true);
        document_close(&doc);
    }
    document_close(&doc);
    assert_true(document_end(&doc, DOCUMENT_BATCH_MAX, &bytes, &err));
    int64_t began = now_ms();
    assert_true(mongo_write(db, bytes, outside_soon(), &arena, &reply, &err));
    print_message("%d upserts in one command: %d ms\n", (int)ROWS, (int)(now_ms() - began));
    assert_int_equal(number(reply, "n"), ROWS);
    assert_int_equal(count(db, "bulk", "{\"c\":{\"$type\":\"date\"}}"), ROWS);

    const struct json_value *groups = command(
        db, "{\"aggregate\":\"bulk\",\"cursor\":{},\"pipeline\":[{\"$group\":{\"_id\":\"$g\","
            "\"n\":{\"$sum\":1},\"mx\":{\"$max\":\"$v\"}}},{\"$sort\":{\"_id\":1}}]}");
    assert_int_equal(json_count(json_find(groups, STR("cursor/firstBatch"))), 5);
    assert_int_equal(number(groups, "cursor/firstBatch/0/n"), ROWS / 5);
    assert_int_equal(count(db, "bulk",
                           "{\"$or\":[{\"_id\":{\"$in\":[1,2]}},{\"_id\":{\"$gt\":497}}],"
                           "\"v\":{\"$nin\":[4]}}"),
                     3);

    assert_int_equal(
        count(db, "bulk", "{\"$and\":[{\"_id\":{\"$in\":[1,2,3]}},{\"v\":{\"$ne\":4}}]}"), 2);
    (void)change(db, "{\"update\":\"bulk\",\"updates\":[{\"q\":{\"_id\":7},"
                     "\"u\":{\"$set\":{\"name\":\"Xenia\"}}}]}");
    assert_int_equal(count(db, "bulk", "{\"name\":{\"$regex\":\"^x\",\"$options\":\"i\"}}"), 1);
    const struct json_value *joined =
        command(db, "{\"aggregate\":\"bulk\",\"cursor\":{},\"pipeline\":[{\"$match\":{\"_id\":7}},"
                    "{\"$lookup\":{\"from\":\"bulk\",\"localField\":\"v\",\"foreignField\":\"_id\","
                    "\"as\":\"j\"}},{\"$unwind\":\"$j\"}]}");
    assert_int_equal(number(joined, "cursor/firstBatch/0/j/v"), 28);

    /* Read in small portions, from the end. */
    struct str row = {0};
    int64_t rows = 0;
    assert_true(mongo_query(db, STR("bulk"), document("{}"),
                            document("{\"batchSize\":97,\"sort\":{\"_id\":-1},"
                                     "\"projection\":{\"v\":1}}"),
                            outside_soon(), &err));
    while (mongo_next(db, &arena, &row, &err) && row.ptr != NULL) {
        if (rows++ == 0) {
            assert_str_equal(row, STR("{ \"_id\" : 499, \"v\" : 998 }"));
        }
    }
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(rows, ROWS);
    assert_int_equal(
        number(change(db, "{\"delete\":\"bulk\",\"deletes\":[{\"q\":{\"_id\":{\"$lt\":10}},"
                          "\"limit\":0}]}"),
               "n"),
        10);
    mongo_close(db);
}

static void refusals(void **state)
{
    static const struct {
        const char *uri;
        const char *command;
        enum err_kind kind;
        const char *why;
    } cases[] = {
        {APP CA, "{\"insert\":\"strict\",\"documents\":[{\"y\":1}]}", ERR_REJECT, "[121]"},
        {APP CA, "{\"insert\":\"strict\",\"documents\":[{\"_id\":1,\"z\":1},{\"_id\":1,\"z\":1}]}",
         ERR_REJECT, "[11000]"},
        {APP CA, "{\"nonsense\":1}", ERR_CONFIG, "[59]"},
        {"mongodb://reader:secret@localhost:{p}/work?tls=true" CA,
         "{\"insert\":\"strict\",\"documents\":[{\"z\":1}]}", ERR_CONFIG, "[13]"},
        {APP CA, "{\"update\":\"strict\",\"updates\":[{\"q\":{},\"u\":{\"$nope\":{\"a\":1}}}]}",
         ERR_REJECT, "["},
    };
    (void)state;
    if (!started) {
        skip();
    }
    struct mongo *db = open_db(APP CA);
    drop(db, "strict");
    (void)command(db,
                  "{\"create\":\"strict\",\"validator\":{\"$jsonSchema\":{\"required\":[\"z\"]}}}");
    mongo_close(db);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct json_value *reply = NULL;
        struct err err = {0};
        size_t at = 0;
        size_t item = 0;
        db = open_db(cases[i].uri);
        bool ok =
            mongo_write(db, document(cases[i].command), outside_soon(), &arena, &reply, &err) &&
            !mongo_item_error(db, reply, &at, &item, &err);
        if (ok || err.kind != cases[i].kind || strstr(err.text, cases[i].why) == NULL) {
            fail_msg("%s: %s \"%s\"", cases[i].command, err_kind_name(err.kind), err.text);
        }
        mongo_close(db);
    }
}

/* ---- Trouble ---- */

static void deadlines(void **state)
{
    const struct json_value *reply = NULL;
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct mongo *db = open_db(APP CA);
    outside_ask(&server, "pause");
    int64_t began = now_ms();
    assert_false(
        mongo_command(db, document("{\"count\":\"c\"}"), began + 700, &arena, &reply, &err));
    assert_true(now_ms() - began < 4000);
    assert_int_equal(err.kind, ERR_RETRY);
    mongo_close(db);
    char uri[URI_SIZE];
    make_uri(APP CA, uri);
    struct mongo_options options = {.uri = str_of(uri), .connect_ms = CHOOSE_MS};
    assert_true(mongo_open(&db, &options, &err));
    began = now_ms();
    assert_false(mongo_ready(db, began + 700, &err));
    assert_true(now_ms() - began < 4000);
    began = now_ms();
    assert_false(
        mongo_ready(db, began + 60000, &err)); /* Choosing a server has a limit of its own. */
    assert_true(now_ms() - began < 3 * CHOOSE_MS);
    mongo_close(db); /* For 5 seconds the driver would not ask again a server that failed. */
    outside_ask(&server, "resume");
    mongo_close(open_db(APP CA));
}

static bool stop_now(void *context)
{
    return now_ms() > *(int64_t *)context;
}

/* A stop is heeded while connecting, while choosing a server, and in the middle of reading. */
static void stopping(void **state)
{
    static const char *const uris[] = {
        APP CA, /* Does not answer. */
        "mongodb://app:secret@localhost:1,localhost:2/work?tls=true&replicaSet=rs0" CA, /* Refused.
                                                                                         */
    };
    struct err err = {0};
    char uri[URI_SIZE];
    (void)state;
    if (!started) {
        skip();
    }
    int64_t stop_ms = INT64_MAX;
    make_uri(APP CA, uri);
    struct mongo_options options = {
        .uri = str_of(uri), .stopping = stop_now, .stopping_context = &stop_ms};
    struct mongo *db = NULL;
    assert_true(mongo_open(&db, &options, &err));
    assert_true(mongo_ready(db, outside_soon(), &err));
    outside_ask(&server, "pause");
    const struct json_value *reply = NULL;
    stop_ms = now_ms() + 300;
    assert_false(
        mongo_command(db, document("{\"count\":\"c\"}"), outside_soon(), &arena, &reply, &err));
    assert_int_equal(err.kind, ERR_STOP);
    assert_true(now_ms() - stop_ms < 1000);
    for (size_t i = 0; i < COUNT(uris); i++) {
        struct mongo *other = NULL;
        err = (struct err){0};
        make_uri(uris[i], uri);
        options.uri = str_of(uri);
        stop_ms = INT64_MAX;
        assert_true(mongo_open(&other, &options, &err));
        stop_ms = now_ms() + 300;
        assert_false(mongo_ready(other, outside_soon(), &err));
        if (err.kind != ERR_STOP || now_ms() - stop_ms > 1000) {
            fail_msg("%s: %s after %d ms", err_kind_name(err.kind), err.text,
                     (int)(now_ms() - stop_ms));
        }
        mongo_close(other);
    }
    outside_ask(&server, "resume");
    stop_ms = INT64_MAX; /* The same client is good again. */
    err = (struct err){0};
    if (!mongo_ready(db, outside_soon(), &err)) {
        fail_msg("%s", err.text);
    }
    struct str row = {0};
    assert_true(mongo_query(db, STR("bulk"), document("{}"), document("{\"batchSize\":10}"),
                            outside_soon(), &err));
    assert_true(mongo_next(db, &arena, &row, &err) && row.ptr != NULL);
    stop_ms = 0;
    bool ok = true;
    for (int i = 0; i < 1000 && ok && row.ptr != NULL; i++) {
        ok = mongo_next(db, &arena, &row, &err);
    }
    assert_false(ok); /* Never taken for the end of the rows. */
    assert_int_equal(err.kind, ERR_STOP);
    mongo_close(db);
}

/* One of the hosts is down: the others are there, and nobody waits for it. */
static void one_host_down(void **state)
{
    static const char *const uris[] = {
        "mongodb://app:secret@127.0.0.1:1,127.0.0.1:{p}/work?tls=true" CA,
        "mongodb://app:secret@127.0.0.1:{p},127.0.0.1:1/work?tls=true&replicaSet=secantus" CA,
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(uris); i++) {
        int64_t began = now_ms();
        struct mongo *db = open_db(uris[i]);
        assert_true(now_ms() - began < 3000);
        drop(db, "hosts");
        (void)change(db, "{\"insert\":\"hosts\",\"documents\":[{\"_id\":1}]}");
        assert_int_equal(count(db, "hosts", "{}"), 1);
        mongo_close(db);
    }
}

/*
 * The server refuses, or cuts the connection, in the middle of a write: the driver sends it once
 * more with the same number. The primary steps down: the write waits for the next one, in its time.
 */
static void failing_over(void **state)
{
    static const struct {
        const char *ask;
        int64_t patience_ms;
        bool ok;
    } cases[] = {
        {"{\"configureFailPoint\":\"failCommand\",\"mode\":{\"times\":1},\"data\":"
         "{\"failCommands\":[\"insert\"],\"closeConnection\":true}}",
         PATIENCE_MS, true},
        {"{\"configureFailPoint\":\"failCommand\",\"mode\":{\"times\":1},\"data\":"
         "{\"failCommands\":[\"insert\"],\"errorCode\":91,"
         "\"errorLabels\":[\"RetryableWriteError\"]}}",
         PATIENCE_MS, true},
        {"{\"configureFailPoint\":\"failCommand\",\"mode\":{\"times\":2},\"data\":"
         "{\"failCommands\":[\"insert\"],\"errorCode\":91,"
         "\"errorLabels\":[\"RetryableWriteError\"]}}",
         PATIENCE_MS, false},
        {"{\"replSetStepDown\":2,\"force\":true}", PATIENCE_MS, true},
        {"{\"replSetStepDown\":3,\"force\":true}", 800, false},
    };
    (void)state;
    if (!started) {
        skip();
    }
    struct mongo *db = open_db("mongodb://app:secret@127.0.0.1:{p}/work?tls=true"
                               "&replicaSet=secantus" CA);
    drop(db, "over");
    int64_t taken = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char ask[512];
        char json[128];
        const struct json_value *reply = NULL;
        struct err err = {0};
        (void)snprintf(ask, sizeof ask, "admin %s", cases[i].ask);
        (void)snprintf(json, sizeof json, "{\"insert\":\"over\",\"documents\":[{\"_id\":%d}]}",
                       (int)i);
        outside_ask(&server, ask);
        int64_t began = now_ms();
        bool ok =
            mongo_write(db, document(json), began + cases[i].patience_ms, &arena, &reply, &err);
        if (ok != cases[i].ok || (!ok && err.kind != ERR_RETRY) ||
            now_ms() - began > cases[i].patience_ms + 500) {
            fail_msg("%s: %s %s, %d ms", cases[i].ask, err_kind_name(err.kind), err.text,
                     (int)(now_ms() - began));
        }
        taken += ok;
    }
    int64_t began = now_ms();
    struct err err = {0};
    const struct json_value *reply = NULL;
    while (!mongo_write(db, document("{\"insert\":\"over\",\"documents\":[{\"_id\":99}]}"),
                        outside_soon(), &arena, &reply, &err) &&
           now_ms() - began < 10000) { /* Until it is the primary again. */
    }
    assert_int_equal(count(db, "over", "{}"), taken + 1);
    /* What is for several documents has no number, and is not sent again. */
    outside_ask(&server, "admin {\"configureFailPoint\":\"failCommand\",\"mode\":{\"times\":1},"
                         "\"data\":{\"failCommands\":[\"update\"],\"closeConnection\":true}}");
    assert_false(mongo_write(db,
                             document("{\"update\":\"over\",\"updates\":[{\"q\":{},"
                                      "\"u\":{\"$set\":{\"a\":1}},\"multi\":true}]}"),
                             outside_soon(), &arena, &reply, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    (void)change(db, "{\"update\":\"over\",\"updates\":[{\"q\":{},\"u\":{\"$set\":{\"a\":1}},"
                     "\"multi\":true}]}");
    mongo_close(db);
    /* A concern of the URI goes along with writes, and not with commands that read. */
    db = open_db(APP CA "&w=majority&retryWrites=true");
    assert_int_equal(number(command(db, "{\"count\":\"over\"}"), "n"), taken + 1);
    mongo_close(db);
}

static void coming_back(void **state)
{
    struct err err = {0};
    const struct json_value *reply = NULL;
    (void)state;
    if (!started) {
        skip();
    }
    struct mongo *db = open_db(APP CA);
    drop(db, "back");
    (void)change(db, "{\"insert\":\"back\",\"documents\":[{\"_id\":1}]}");
    outside_ask(&server, "stop");
    int64_t began = now_ms();
    assert_false(mongo_write(db, document("{\"insert\":\"back\",\"documents\":[{\"_id\":2}]}"),
                             outside_soon(), &arena, &reply, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_true(now_ms() - began < 12000);
    outside_ask(&server, "start");
    (void)change(db, "{\"insert\":\"back\",\"documents\":[{\"_id\":3}]}");
    assert_int_equal(count(db, "back", "{}"), 2);
    mongo_close(db);
}

static void *insert_some(void *context)
{
    struct mongo *db = NULL;
    struct err err = {0};
    char uri[URI_SIZE];
    int id = *(int *)context;
    struct arena own;
    arena_init(&own, 16 << 20);
    make_uri(APP CA, uri);
    struct mongo_options options = {.uri = str_of(uri)};
    bool ok = mongo_open(&db, &options, &err);
    for (int i = 0; ok && i < 25; i++) {
        struct buf buf;
        struct document doc;
        struct str bytes = {0};
        const struct json_value *reply = NULL;
        buf_init(&buf, &own, 0);
        document_begin(&doc, &buf);
        document_str(&doc, STR("insert"), STR("threads"));
        document_array(&doc, STR("documents"));
        document_object(&doc, (struct str){0});
        document_int(&doc, STR("_id"), id * 1000 + i);
        document_close(&doc);
        document_close(&doc);
        ok = document_end(&doc, DOCUMENT_BATCH_MAX, &bytes, &err) &&
             mongo_write(db, bytes, outside_soon(), &own, &reply, &err);
    }
    mongo_close(db);
    arena_free(&own);
    return ok ? context : NULL;
}

static void many_threads(void **state)
{
    enum { THREADS = 6 };
    struct thread threads[THREADS];
    int ids[THREADS];
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct mongo *db = open_db(APP CA);
    drop(db, "threads");
    for (int i = 0; i < THREADS; i++) {
        ids[i] = i;
        assert_true(thread_start(&threads[i], insert_some, &ids[i], false, &err));
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
    }
    assert_int_equal(count(db, "threads", "{}"), THREADS * 25);
    mongo_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris),
        cmocka_unit_test(names),
        cmocka_unit_test(the_matrix),
        cmocka_unit_test(inserting_and_finding),
        cmocka_unit_test(indexes_and_duplicates),
        cmocka_unit_test(updating),
        cmocka_unit_test(claiming),
        cmocka_unit_test(bulk),
        cmocka_unit_test(refusals),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(stopping),
        cmocka_unit_test(one_host_down),
        cmocka_unit_test(failing_over),
        cmocka_unit_test(coming_back),
        cmocka_unit_test(many_threads),
    };
    const struct CMUnitTest again[] = {
        /* Its unique index that is sparse lets duplicates in: not indexes_and_duplicates. */
        cmocka_unit_test(inserting_and_finding),
        cmocka_unit_test(updating),
        cmocka_unit_test(claiming),
        cmocka_unit_test(bulk),
    };
    int failed = cmocka_run_group_tests(tests, setup, teardown);
    second = true;
    return failed + cmocka_run_group_tests_name("second opinion", again, setup, teardown);
}
