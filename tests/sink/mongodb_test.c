/* sink mongodb: collections of others, indexes, schemas, claims, and servers that fail, against a
 * server that speaks MongoDB's protocol with TLS and SCRAM (tests/db/mongo_server.py). What every
 * sink must do is in sink/contract. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"
#include "db/document.h"
#include "db/mongo.h"
#include "rig/outside.h"
#include "sink/mongodb.h"
#include "sink/one_rig.h"
#include "test.h"

enum { URI_SIZE = 512, PATIENCE_MS = 20000, MANY = 360 };

static struct outside server;
static bool started;
static bool second; /* Another program that speaks the protocol, for a second opinion. */
static struct arena arena;
static struct arena opened;
static struct err err;
static struct sink *sink;
static struct mongo *db;
static char database[32];

static const struct column student_columns[] = {
    {"phone", COLUMN_TEXT, true, NULL, ""},       {"name", COLUMN_TEXT, false, NULL, ""},
    {"note", COLUMN_TEXT, false, NULL, ""},       {"lessons", COLUMN_INT, false, NULL, ""},
    {"seen", COLUMN_TIME, false, NULL, ""},       {"list", COLUMN_JSON, false, NULL, ""},
    {"state", COLUMN_TEXT, false, "\"new\"", ""}, {0},
};
static const char *const student_indexes[] = {"name", NULL};
static const struct target students = {
    .name = "students", .key = "phone", .columns = student_columns, .indexes = student_indexes};
static const struct column slot_columns[] = {
    {"slot", COLUMN_TEXT, true, NULL, ""},   {"hour", COLUMN_INT, false, NULL, ""},
    {"state", COLUMN_TEXT, false, NULL, ""}, {"starts", COLUMN_TIME, false, NULL, ""},
    {"log", COLUMN_JSON, false, NULL, ""},   {0},
};
static const struct target slots = {.name = "slots", .key = "slot", .columns = slot_columns};
static const struct target *const both[] = {&students, &slots, NULL};

/* ---- The sink, as the configuration would make it ---- */

struct setting {
    const char *uri;  /* NULL: the usual one. */
    const char *port; /* NULL: the server itself. */
    const char *indexes;
    const char *schema;
    const char *root;
    int64_t timeout_ms;
    const struct target *const *targets;
};

static void set_map(const char *name, const char *text)
{
    struct str_pair *pair = arena_array(&opened, 1, sizeof *pair);
    pair->name = STR("students");
    pair->text = str_of(text);
    *(struct str_map *)one_rig_member(sink, name) = (struct str_map){pair, 1};
}

#define USUAL "mongodb://any:secret@localhost:{p}/x?authSource=admin&tls=true" /* invented */

/* The pattern with the port in its place. The second server has neither TLS nor users. */
static const char *uri_of(const char *pattern, const char *port)
{
    static char text[URI_SIZE];
    const char *tail = strstr(pattern, "{p}");
    must(tail != NULL);
    if (second) {
        (void)snprintf(text, sizeof text, "mongodb://127.0.0.1:%d/x",
                       outside_port(&server, "mongo"));
    } else {
        (void)snprintf(text, sizeof text, "%.*s%d%s&tlsCAFile=%s/ca.crt", (int)(tail - pattern),
                       pattern, outside_port(&server, port), tail + 3, server.folder);
    }
    return text;
}

static bool sink_try(const struct setting *setting)
{
    sink = one_rig_new(&sink_mongodb, "mongo", &opened,
                       setting->targets != NULL ? setting->targets : both);
    const char *uri = uri_of(setting->uri != NULL ? setting->uri : USUAL,
                             setting->port != NULL ? setting->port : "mongo");
    assert_true(secret_make(one_rig_member(sink, "uri"), &opened, str_of(uri)));
    *(struct str *)one_rig_member(sink, "database") = str_of(database);
    *(struct str *)one_rig_member(sink, "ledger") = STR("sluice_effects");
    *(int64_t *)one_rig_member(sink, "timeout") =
        setting->timeout_ms > 0 ? setting->timeout_ms : PATIENCE_MS;
    if (setting->root != NULL) {
        *(struct str *)one_rig_member(sink, "authorities") =
            str_of(outside_path(&server, setting->root));
    }
    if (setting->indexes != NULL) {
        set_map("indexes", setting->indexes);
    }
    if (setting->schema != NULL) {
        set_map("schema", setting->schema);
    }
    memset(&err, 0, sizeof err);
    return one_rig_open(&sink, &err);
}

static void sink_up(const struct setting *setting)
{
    if (!sink_try(setting)) {
        fail_msg("%s", err.text);
    }
}

static struct str migrate(bool dry)
{
    struct str done = {0};
    if (!sink_mongodb.migrate(sink, dry, &arena, &done, &err)) {
        fail_msg("%s", err.text);
    }
    return done;
}

static struct parcel parcel(enum record_kind kind, const struct target *target, const char *entity,
                            int64_t message, const char *body)
{
    static char origins[1024][EFFECT_ORIGIN_SIZE + 1];
    static size_t next;
    char *origin = origins[next++ % COUNT(origins)];
    (void)snprintf(origin, sizeof origins[0], "%020d", (int)message);
    return (struct parcel){
        .kind = kind,
        .effect = {.pipeline = STR("lessons"),
                   .generation = 5,
                   .message = message,
                   .origin = {origin, EFFECT_ORIGIN_SIZE}},
        .target = str_of(target->name),
        .entity = str_of(entity),
        .body = str_of(body),
    };
}

static bool write_some(struct parcel *parcels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        parcels[i].verdict = VERDICT_RETRY;
        parcels[i].why = (struct str){0};
    }
    memset(&err, 0, sizeof err);
    return sink_mongodb.write(sink, parcels, count, &arena, outside_soon(), &err);
}

static void write_one(enum record_kind kind, const char *entity, int64_t message, const char *body)
{
    struct parcel one = parcel(kind, &students, entity, message, body);
    if (!write_some(&one, 1) || one.verdict != VERDICT_DONE) {
        fail_msg("%s: verdict %d: %s%.*s", body, (int)one.verdict, err.text, STR_ARG(one.why));
    }
}

static void assert_refused(struct parcel one, const char *why)
{
    if (!write_some(&one, 1)) {
        fail_msg("%s", err.text);
    }
    if (one.verdict != VERDICT_REJECT || str_find(one.why, str_of(why), 0) == STR_NONE) {
        fail_msg("verdict %d: \"%.*s\" does not say \"%s\"", (int)one.verdict, STR_ARG(one.why),
                 why);
    }
}

/* ---- The server, as somebody else sees it ---- */

static struct str document(const char *json)
{
    struct buf buf;
    struct document doc;
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

static const struct json_value *command(const char *json)
{
    const struct json_value *reply = NULL;
    if (!mongo_write(db, document(json), outside_soon(), &arena, &reply, &err)) {
        fail_msg("%s: %s", json, err.text);
    }
    return reply;
}

static int count(const char *collection, const char *filter)
{
    struct str row = {0};
    int rows = 0;
    assert_true(mongo_query(db, str_of(collection), document(filter), (struct str){0},
                            outside_soon(), &err));
    while (mongo_next(db, &arena, &row, &err) && row.ptr != NULL) {
        rows++;
    }
    return rows;
}

static void assert_holds(const char *collection, const char *filter)
{
    if (count(collection, filter) != 1) {
        struct str row = {0};
        (void)mongo_query(db, str_of(collection), document("{}"), (struct str){0}, outside_soon(),
                          &err);
        while (mongo_next(db, &arena, &row, &err) && row.ptr != NULL) {
            print_message("%.*s\n", STR_ARG(row));
        }
        fail_msg("nothing in %s is like %s", collection, filter);
    }
}

static int setup_all(void **state)
{
    static const char *const words[] = {"python3", "tests/db/mongo_server.py", "{folder}", NULL};
    static const char *const others[] = {"sh", "tests/db/mongo_java.sh", NULL};
    (void)state;
    started = outside_start(&server, second ? others : words, 240);
    return 0;
}

static int teardown_all(void **state)
{
    (void)state;
    outside_stop(&server);
    return 0;
}

static int setup(void **state)
{
    static int number;
    (void)state;
    arena_init(&arena, 1024u << 20);
    arena_init(&opened, 8 << 20);
    if (!started) {
        return 0;
    }
    (void)snprintf(database, sizeof database, "test%d", number++);
    struct mongo_options options = {.uri = str_of(uri_of(USUAL, "mongo")),
                                    .database = str_of(database)};
    return mongo_open(&db, &options, &err) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    one_rig_drop(&sink);
    mongo_close(db);
    db = NULL;
    arena_free(&arena);
    arena_free(&opened);
    return 0;
}

/* What the second server has not. */
static void skip_second(const char *what)
{
    if (second) {
        print_message("the second server has not: %s\n", what);
        skip();
    }
}

static void ready(const struct setting *setting)
{
    if (!started) {
        skip();
    }
    sink_up(setting);
    (void)migrate(false);
}

/* ---- Collections of others ---- */

static void documents_of_others_are_adopted(void **state)
{
    (void)state;
    ready(&(struct setting){0});
    skip_second("updates that are pipelines");
    (void)command("{\"insert\":\"students\",\"documents\":[{\"phone\":\"a\",\"name\":\"Dana\","
                  "\"own\":{\"x\":[1]},\"note\":\"old\",\"lessons\":7},{\"phone\":\"bare\"}]}");
    write_one(RECORD_EFFECT, "a", 1,
              "{\"set\":{\"seen\":\"2025-12-09T18:51:42.998Z\"},\"insert\":{\"name\":\"no\"},"
              "\"update\":{\"state\":\"there\"},\"append\":{\"note\":\"+1\"},\"inc\":{\"lessons\":"
              "1}}");
    assert_holds("students",
                 "{\"phone\":\"a\",\"name\":\"Dana\",\"own\":{\"x\":[1]},\"note\":\"old+1\","
                 "\"lessons\":8,\"state\":\"there\",\"_id\":{\"$type\":\"objectId\"},"
                 "\"seen\":{\"$date\":\"2025-12-09T18:51:42.998Z\"},"
                 "\"_sluice.new\":{\"$exists\":false}}");
    /* One with nothing but its key was there as well. */
    write_one(RECORD_EFFECT, "bare", 2,
              "{\"insert\":{\"name\":\"no\"},\"update\":{\"state\":\"there\"}}");
    assert_holds("students",
                 "{\"phone\":\"bare\",\"state\":\"there\",\"name\":{\"$exists\":false}}");
    /* And a new one gets the other half, and its initial values. */
    write_one(RECORD_EFFECT, "c", 3,
              "{\"insert\":{\"name\":\"yes\"},\"update\":{\"note\":\"there\"}}");
    assert_holds("students", "{\"phone\":\"c\",\"name\":\"yes\",\"state\":\"new\","
                             "\"note\":{\"$exists\":false},\"_sluice.new\":{\"$exists\":false}}");
    write_one(RECORD_ABSOLUTE, "a", 4,
              "{\"set\":{\"name\":\"Dana L\"},\"insert\":{\"note\":\"\"}}");
    assert_holds("students", "{\"phone\":\"a\",\"name\":\"Dana L\",\"note\":\"old+1\"}");
}

/* What strangers write is never something to do. */
static void data_is_data(void **state)
{
    static const char *const texts[] = {"$name", "$$ROOT", "{\\\"$gt\\\":\\\"\\\"}", "$literal"};
    (void)state;
    ready(&(struct setting){0});
    skip_second("updates that are pipelines");
    for (size_t i = 0; i < COUNT(texts); i++) {
        char body[256];
        char filter[256];
        char key[8];
        (void)snprintf(key, sizeof key, "k%zu", i);
        (void)snprintf(body, sizeof body,
                       "{\"set\":{\"name\":\"%s\",\"list\":[\"%s\"]},\"update\":{\"state\":\"%s\"},"
                       "\"append\":{\"note\":\"%s\"}}",
                       texts[i], texts[i], texts[i], texts[i]);
        write_one(RECORD_EFFECT, key, 10 + (int64_t)i * 2, body);
        write_one(RECORD_EFFECT, key, 11 + (int64_t)i * 2, body);
        (void)snprintf(filter, sizeof filter,
                       "{\"phone\":\"%s\",\"name\":{\"$eq\":\"%s\"},"
                       "\"state\":{\"$eq\":\"%s\"},\"note\":{\"$eq\":\"%s\"}}",
                       key, texts[i], texts[i], texts[i]);
        assert_holds("students", filter);
    }
    assert_refused(parcel(RECORD_EFFECT, &students, "x", 50,
                          "{\"set\":{\"list\":{\"a\":[{\"$where\":\"1\"}]}}}"),
                   "\"$where\" cannot be a field's name");
    assert_refused(parcel(RECORD_EFFECT, &students, "x", 51, "{\"push\":{\"list\":{\"a.b\":1}}}"),
                   "\"a.b\" cannot be a field's name");
    assert_refused(parcel(RECORD_ABSOLUTE, &students, "x", 52, "{\"set\":{\"seen\":\"today\"}}"),
                   "column seen takes a time");
    assert_int_equal(count("students", "{\"phone\":\"x\"}"), 0);
}

static void names_are_checked(void **state)
{
    static const struct column dotted[] = {{"a.b", COLUMN_TEXT, true, NULL, ""}, {0}};
    static const struct column ours[] = {{"_sluice", COLUMN_TEXT, true, NULL, ""}, {0}};
    static const struct {
        struct target target;
        const char *why;
    } cases[] = {
        {{.name = "a$b", .key = "phone", .columns = student_columns}, "cannot be the name of a"},
        {{.name = "system.x", .key = "phone", .columns = student_columns}, "cannot be the name"},
        {{.name = "t", .key = "a.b", .columns = dotted}, "'a.b' cannot be a field's name"},
        {{.name = "t", .key = "_sluice", .columns = ours}, "'_sluice' is not ours to write"},
        {{.name = "sluice_effects", .key = "phone", .columns = student_columns}, "is the ledger"},
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct target *const targets[] = {&cases[i].target, NULL};
        assert_false(sink_try(&(struct setting){.targets = targets}));
        if (err.kind != ERR_CONFIG || strstr(err.text, cases[i].why) == NULL) {
            fail_msg("case %zu: %s", i, err.text);
        }
    }
}

/* ---- Indexes ---- */

static void indexes_are_made_by_migrate(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    sink_up(
        &(struct setting){.indexes = "name -seen, seen (expires 30d), note (unique sparse), name"});
    struct parcel one = parcel(RECORD_EFFECT, &students, "a", 1, "{\"set\":{\"name\":\"x\"}}");
    assert_false(write_some(&one, 1));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "no unique index on its key phone"));
    assert_non_null(strstr(err.text, "sluice migrate"));
    struct str dry = migrate(true);
    /* The second server has a list of no indexes of a collection that is not there. */
    assert_true(second || str_find(dry, STR("collection students: created"), 0) != STR_NONE);
    assert_int_not_equal(str_find(dry, STR("a unique index phone_1\n"), 0), STR_NONE);
    assert_false(write_some(&one, 1)); /* The dry one did nothing. */
    struct str done = migrate(false);
    assert_str_equal(done, dry);
    assert_int_not_equal(str_find(done, STR("an index name_1_seen_-1\n"), 0), STR_NONE);
    assert_int_not_equal(
        str_find(done, STR("an index seen_1 (documents expire after 2592000 s)\n"), 0), STR_NONE);
    assert_int_not_equal(str_find(done, STR("a unique index note_1\n"), 0), STR_NONE);
    assert_str_equal(migrate(false), STR("nothing to do"));
    assert_true(write_some(&one, 1));
    assert_int_equal(one.verdict, VERDICT_DONE);
}

static void doubled_keys_are_told(void **state)
{
    struct str done = {0};
    (void)state;
    if (!started) {
        skip();
    }
    (void)command("{\"insert\":\"students\",\"documents\":[{\"phone\":\"secret-a\"},"
                  "{\"phone\":\"secret-a\"}]}");
    sink_up(&(struct setting){0});
    assert_false(sink_mongodb.migrate(sink, false, &arena, &done, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "several documents hold the same value"));
    assert_null(strstr(err.text, "secret-a"));
}

/* ---- Once ---- */

/* The document forgets effects after a while; the ledger does not. */
static void effects_are_remembered_for_good(void **state)
{
    (void)state;
    ready(&(struct setting){0});
    for (int64_t i = 1; i <= 40; i++) {
        write_one(RECORD_EFFECT, "a", i, "{\"inc\":{\"lessons\":1}}");
    }
    assert_holds("students",
                 "{\"phone\":\"a\",\"lessons\":40,\"_sluice.done.lessons\":{\"$size\":16}}");
    for (int64_t i = 1; i <= 40; i++) { /* Another store of the same history. */
        struct parcel again = parcel(RECORD_EFFECT, &students, "a", i, "{\"inc\":{\"lessons\":1}}");
        again.effect.generation = 9;
        again.effect.message = i + 1000;
        assert_true(write_some(&again, 1));
        assert_int_equal(again.verdict, VERDICT_DONE);
    }
    assert_holds("students", "{\"phone\":\"a\",\"lessons\":40}");
    assert_int_equal(count("sluice_effects", "{}"), 40);
}

/* The process died between the document and the ledger. */
static void the_document_speaks_for_the_ledger(void **state)
{
    const char *append = second ? "{\"inc\":{\"lessons\":1}}" /* It has no pipelines. */
                                : "{\"inc\":{\"lessons\":1},\"append\":{\"note\":\"x\"}}";
    (void)state;
    ready(&(struct setting){0});
    write_one(RECORD_EFFECT, "a", 1, append);
    write_one(RECORD_EFFECT, "b", 2, "{\"inc\":{\"lessons\":1}}");
    (void)command("{\"delete\":\"sluice_effects\",\"deletes\":[{\"q\":{},\"limit\":0}]}");
    write_one(RECORD_EFFECT, "a", 1, append);
    write_one(RECORD_EFFECT, "b", 2, "{\"inc\":{\"lessons\":1}}");
    assert_holds("students", "{\"phone\":\"a\",\"lessons\":1}");
    assert_holds("students", "{\"phone\":\"b\",\"lessons\":1}");
    assert_int_equal(count("sluice_effects", "{}"), 2);
}

static void pipelines_do_not_overtake_each_other(void **state)
{
    struct parcel other =
        parcel(RECORD_ABSOLUTE, &students, "a", 5, "{\"set\":{\"state\":\"other\"}}");
    (void)state;
    ready(&(struct setting){0});
    write_one(RECORD_ABSOLUTE, "a", 10, "{\"set\":{\"name\":\"x\"}}");
    other.effect.pipeline = STR("תלמידים.1"); /* No name for a field as it is. */
    assert_true(write_some(&other, 1));
    assert_int_equal(other.verdict, VERDICT_DONE);
    assert_holds("students", "{\"phone\":\"a\",\"name\":\"x\",\"state\":\"other\"}");
}

static void what_was_removed_stays_away(void **state)
{
    struct parcel removal = parcel(RECORD_ABSOLUTE, &students, "a", 20, "{}");
    (void)state;
    ready(&(struct setting){0});
    removal.removed = true;
    write_one(RECORD_ABSOLUTE, "a", 30, "{\"set\":{\"name\":\"newer\"}}");
    assert_true(write_some(&removal, 1));
    assert_int_equal(removal.verdict, VERDICT_DONE);
    assert_int_equal(count("students", "{}"), 1); /* It was older. */
    removal.effect.message = 40;
    assert_true(write_some(&removal, 1));
    assert_int_equal(count("students", "{}"), 0);
    write_one(RECORD_ABSOLUTE, "a", 35, "{\"set\":{\"name\":\"late\"}}");
    assert_int_equal(count("students", "{}"), 0);
    one_rig_drop(&sink);
    sink_up(&(struct setting){0}); /* Another process knows it, too. */
    write_one(RECORD_ABSOLUTE, "a", 35, "{\"set\":{\"name\":\"late\"}}");
    assert_int_equal(count("students", "{}"), 0);
    write_one(RECORD_ABSOLUTE, "a", 41, "{\"set\":{\"name\":\"again\"}}");
    assert_holds("students", "{\"phone\":\"a\",\"name\":\"again\"}");
}

/* ---- What cannot be ---- */

static void a_unique_index_of_somebody_else(void **state)
{
    (void)state;
    ready(&(struct setting){.indexes = "name (unique)"});
    struct parcel some[] = {
        parcel(RECORD_ABSOLUTE, &students, "b", 3, "{\"set\":{\"name\":\"secret-a\"}}"),
        parcel(RECORD_EFFECT, &students, "c", 4, "{\"set\":{\"name\":\"c\"}}"),
        parcel(RECORD_EFFECT, &students, "d", 5, "{\"set\":{\"name\":\"secret-a\"}}"),
    };
    write_one(RECORD_ABSOLUTE, "a", 1, "{\"set\":{\"name\":\"secret-a\"}}");
    assert_true(write_some(some, COUNT(some)));
    assert_int_equal(some[0].verdict, VERDICT_REJECT);
    assert_int_equal(some[1].verdict, VERDICT_DONE);
    assert_int_equal(some[2].verdict, VERDICT_REJECT);
    assert_int_not_equal(str_find(some[0].why, STR("name_1"), 0), STR_NONE);
    assert_int_not_equal(str_find(some[0].why, STR("another document"), 0), STR_NONE);
    assert_int_equal(str_find(some[0].why, STR("secret-a"), 0), STR_NONE);
    /* A person clears the way, and tries it again. */
    (void)command("{\"delete\":\"students\",\"deletes\":[{\"q\":{\"phone\":\"a\"},\"limit\":1}]}");
    assert_true(write_some(some, 1));
    assert_int_equal(some[0].verdict, VERDICT_DONE);
    assert_holds("students", "{\"phone\":\"b\",\"name\":\"secret-a\"}");
}

static void a_document_that_is_too_large(void **state)
{
    enum { LARGE = 16 * 1024 * 1024 - 40, HALF = 9 * 1024 * 1024 };
    struct buf large;
    struct buf half;
    (void)state;
    ready(&(struct setting){0});
    buf_init(&large, &arena, LARGE + 64);
    buf_init(&half, &arena, HALF + 64);
    buf_add(&large, STR("{\"set\":{\"note\":\""));
    buf_add(&half, STR("{\"push\":{\"list\":\""));
    for (int i = 0; i < LARGE; i++) {
        buf_add_byte(&large, 'x');
        if (i < HALF) {
            buf_add_byte(&half, 'x');
        }
    }
    buf_add(&large, STR("\"}}"));
    buf_add(&half, STR("\"}}"));
    struct parcel some[] = {
        parcel(RECORD_EFFECT, &students, "a", 1, buf_str(&large).ptr),
        parcel(RECORD_EFFECT, &students, "b", 2, "{\"set\":{\"name\":\"b\"}}"),
        parcel(RECORD_EFFECT, &students, "c", 3, buf_str(&half).ptr),
    };
    assert_true(write_some(some, COUNT(some)));
    assert_int_equal(some[0].verdict, VERDICT_REJECT);
    assert_int_not_equal(str_find(some[0].why, STR("larger than MongoDB takes"), 0), STR_NONE);
    assert_int_equal(some[1].verdict, VERDICT_DONE);
    assert_int_equal(some[2].verdict, VERDICT_DONE);
    skip_second("a limit of 16 MiB");
    /* Twice half of it is too much for the server. */
    struct parcel more[] = {
        parcel(RECORD_EFFECT, &students, "c", 4, buf_str(&half).ptr),
        parcel(RECORD_EFFECT, &students, "d", 5, "{\"set\":{\"name\":\"d\"}}"),
    };
    assert_true(write_some(more, COUNT(more)));
    print_message("a document that grows past 16 MiB: verdict %d, %.*s\n", (int)more[0].verdict,
                  STR_ARG(more[0].why));
    assert_int_not_equal(more[0].verdict, VERDICT_DONE);
    assert_int_equal(more[1].verdict, VERDICT_DONE);
}

static void schemas_refuse(void **state)
{
    static const char schema[] =
        "{\"required\":[\"name\"],\"properties\":{\"phone\":{\"pattern\":\"^[a-z]+$\"},"
        "\"lessons\":{\"minimum\":0},\"state\":{\"enum\":[\"new\",\"old\"]},"
        "\"list\":{\"items\":{\"type\":\"integer\"}}},\"additionalProperties\":true}";
    (void)state;
    ready(&(struct setting){.schema = schema});
    write_one(RECORD_ABSOLUTE, "a", 1, "{\"set\":{\"name\":\"x\",\"lessons\":1,\"list\":[1]}}");
    assert_refused(parcel(RECORD_ABSOLUTE, &students, "A-7", 2, "{\"set\":{\"name\":\"x\"}}"),
                   "the schema refuses it: phone: pattern");
    assert_refused(parcel(RECORD_ABSOLUTE, &students, "b", 3, "{\"set\":{\"lessons\":1}}"),
                   "name: required");
    assert_refused(
        parcel(RECORD_ABSOLUTE, &students, "b", 4, "{\"set\":{\"name\":\"x\",\"lessons\":-1}}"),
        "lessons: minimum");
    assert_refused(parcel(RECORD_EFFECT, &students, "b", 5,
                          "{\"set\":{\"name\":\"x\"},\"update\":{\"state\":\"odd\"}}"),
                   "state: enum");
    assert_refused(parcel(RECORD_EFFECT, &students, "b", 6,
                          "{\"set\":{\"name\":\"x\"},\"push\":{\"list\":\"one\"}}"),
                   "list/0: type");
    struct parcel asked =
        parcel(RECORD_ABSOLUTE, &students, "b", 4, "{\"set\":{\"name\":\"x\",\"lessons\":-1}}");
    assert_false(sink_mongodb.check(sink, &asked, &arena, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_int_equal(count("students", "{}"), 1);
    one_rig_drop(&sink);
    assert_false(sink_try(&(struct setting){.schema = "{\"format\":\"email\"}"}));
    assert_non_null(strstr(err.text, "'format'"));
}

/* ---- Claims ---- */

static struct str ask(int64_t message, const char *body)
{
    struct parcel one = parcel(RECORD_QUESTION, &slots, "q", message, body);
    if (!write_some(&one, 1) || one.verdict != VERDICT_DONE) {
        fail_msg("%s: verdict %d: %s%.*s", body, (int)one.verdict, err.text, STR_ARG(one.why));
    }
    return one.answer;
}

static void claims_take_one_each(void **state)
{
    static const char claim[] =
        "{\"claim\":{\"where\":{\"state\":\"free\",\"hour\":{\"at_least\":9,\"below\":17}},"
        "\"sort\":[\"-hour\"],\"set\":{\"state\":\"taken\"},\"push\":{\"log\":\"t\"}}}";
    (void)state;
    ready(&(struct setting){0});
    (void)command("{\"insert\":\"slots\",\"documents\":["
                  "{\"slot\":\"a\",\"hour\":8,\"state\":\"free\"},"
                  "{\"slot\":\"b\",\"hour\":9,\"state\":\"free\",\"starts\":{\"$date\":"
                  "\"2025-12-09T09:00:00Z\"}},"
                  "{\"slot\":\"c\",\"hour\":16,\"state\":\"free\"},"
                  "{\"slot\":\"d\",\"hour\":17,\"state\":\"free\"}]}");
    struct str first = ask(1, claim);
    assert_str_equal(first, STR("{\"found\":true,\"document\":{\"slot\":\"c\",\"hour\":16,"
                                "\"state\":\"taken\",\"starts\":null,\"log\":[\"t\"]}}"));
    assert_str_equal(ask(1, claim), first);
    /* Answered, and the answer was lost: the document knows whose it is. */
    (void)command("{\"update\":\"sluice_effects\",\"updates\":[{\"q\":{},\"u\":{\"$unset\":"
                  "{\"answer\":1}},\"multi\":true}]}");
    assert_str_equal(ask(1, claim), first);
    assert_str_equal(ask(2, claim),
                     STR("{\"found\":true,\"document\":{\"slot\":\"b\",\"hour\":9,\"state\":"
                         "\"taken\",\"starts\":\"2025-12-09T09:00:00.000Z\",\"log\":[\"t\"]}}"));
    assert_str_equal(ask(3, claim), STR("{\"found\":false}"));
    (void)command("{\"update\":\"slots\",\"updates\":[{\"q\":{\"slot\":\"c\"},\"u\":{\"$set\":"
                  "{\"state\":\"free\"}}}]}");
    assert_str_equal(ask(3, claim), STR("{\"found\":false}")); /* It was answered. */
    assert_str_equal(ask(1, claim), first);
    assert_int_equal(count("slots", "{\"state\":\"free\"}"), 3);
    static const char by_time[] =
        "{\"claim\":{\"where\":{\"starts\":{\"at_most\":\"2025-12-09T09:00:00Z\",\"there\":true},"
        "\"slot\":{\"in\":[\"b\",\"c\"],\"not\":\"c\"}},\"inc\":{\"hour\":1}}}";
    assert_int_not_equal(str_find(ask(4, by_time), STR("\"hour\":10"), 0), STR_NONE);
}

static void claims_that_are_none(void **state)
{
    static const struct {
        const char *body;
        const char *why;
    } cases[] = {
        {"{}", "is not {\"claim\": {…}}"},
        {"{\"claim\":{\"set\":{\"hour\":1}}}", "`where` is no object"},
        {"{\"claim\":{\"where\":{},\"set\":{\"hour\":1}}}", "`where` is no object"},
        {"{\"claim\":{\"where\":{\"hour\":1}}}", "it changes nothing"},
        {"{\"claim\":{\"where\":{\"$where\":\"1\"},\"set\":{\"hour\":1}}}",
         "a column '$where' is not declared"},
        {"{\"claim\":{\"where\":{\"hour\":{\"$gt\":1}},\"set\":{\"hour\":1}}}",
         "'$gt' of column hour is no comparison"},
        {"{\"claim\":{\"where\":{\"hour\":\"late\"},\"set\":{\"hour\":1}}}",
         "column hour takes whole numbers, not text"},
        {"{\"claim\":{\"where\":{\"hour\":1},\"set\":{\"slot\":\"x\"}}}", "is the key"},
        {"{\"claim\":{\"where\":{\"hour\":1},\"set\":{\"none\":\"x\"}}}", "'none' is not declared"},
        {"{\"claim\":{\"where\":{\"hour\":1},\"drop\":{}}}", "'drop' is not one of"},
        {"{\"claim\":{\"where\":{\"hour\":{\"in\":1}},\"set\":{\"hour\":1}}}", "is no list"},
    };
    (void)state;
    ready(&(struct setting){0});
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_refused(parcel(RECORD_QUESTION, &slots, "q", 10 + (int64_t)i, cases[i].body),
                       cases[i].why);
    }
}

/* ---- Servers that fail ---- */

/* Written with everything as it should be: what was in the way is gone, and the record comes again.
 */
static void assert_waited(void)
{
    one_rig_drop(&sink);
    sink_up(&(struct setting){0});
    write_one(RECORD_EFFECT, "waiting", 1, "{\"set\":{\"name\":\"x\"}}");
    assert_holds("students", "{\"phone\":\"waiting\",\"name\":\"x\"}");
    (void)command("{\"delete\":\"students\",\"deletes\":[{\"q\":{},\"limit\":0}]}");
    (void)command("{\"delete\":\"sluice_effects\",\"deletes\":[{\"q\":{},\"limit\":0}]}");
}

/* The record stays undecided, and the words say what to do. */
static void assert_waits(const struct setting *setting, enum err_kind kind, const char *why)
{
    struct parcel one =
        parcel(RECORD_EFFECT, &students, "waiting", 1, "{\"set\":{\"name\":\"x\"}}");
    one_rig_drop(&sink);
    if (!sink_try(setting)) {
        fail_msg("%s: %s", why, err.text);
    }
    bool ok = write_some(&one, 1);
    print_message("%s\n", ok ? "written" : err.text);
    if (ok || err.kind != kind || one.verdict != VERDICT_RETRY || strstr(err.text, why) == NULL ||
        strstr(err.text, "secret") != NULL) {
        fail_msg("%s: %s: %s", why, err_kind_name(err.kind), ok ? "written" : err.text);
    }
}

/* It accepts, and says nothing. */
static int silent_port(int *fd)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(*fd >= 0 && bind(*fd, (struct sockaddr *)(void *)&at, sizeof at) == 0 &&
                listen(*fd, 8) == 0 &&
                getsockname(*fd, (struct sockaddr *)(void *)&at, &size) == 0);
    return ntohs(at.sin_port);
}

static void nobody_may_or_can(void **state)
{
    static const struct {
        struct setting setting;
        enum err_kind kind;
        const char *why;
    } cases[] = {
        {{.root = "otherca.crt"}, ERR_CONFIG, "not signed by an authority we know"},
        {{.port = "expired", .timeout_ms = 1500},
         ERR_RETRY,
         "expired on 2025-01-01"}, /* Renewed there. */
        {{.port = "wrong"}, ERR_CONFIG, "a certificate for another host"},
        {{.port = "tls13"}, ERR_CONFIG, "TLS 1.3"},
        {{.uri = "mongodb://app:secret@localhost:1/x?x={p}&tls=true", /* invented */
          .timeout_ms = 700},
         ERR_RETRY,
         "localhost:1"},
    };
    char uri[URI_SIZE];
    int fd = -1;
    (void)state;
    ready(&(struct setting){0});
    skip_second("TLS and users");
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_waits(&cases[i].setting, cases[i].kind, cases[i].why);
    }
    (void)snprintf(uri, sizeof uri,
                   "mongodb://any:secret@localhost:%d/x?x={p}&tls=true", /* invented */
                   silent_port(&fd));
    assert_waits(&(struct setting){.uri = uri, .timeout_ms = 700}, ERR_RETRY, "localhost");
    (void)close(fd);
    assert_waited();
}

/* Users of the database "work". */
static void users_who_may_not(void **state)
{
    char was[sizeof database];
    (void)state;
    ready(&(struct setting){0});
    skip_second("TLS and users");
    memcpy(was, database, sizeof was);
    (void)snprintf(database, sizeof database, "work");
    one_rig_drop(&sink);
    sink_up(
        &(struct setting){0}); /* Collections that are ready, so that only the right is missing. */
    (void)migrate(false);
    assert_waits(
        &(struct setting){.uri = "mongodb://app:wrong@localhost:{p}/work?tls=true"}, /* invented */
        ERR_LOGIN, "are user, password and authSource right?");
    assert_waits(
        &(struct setting){.uri =
                              "mongodb://reader:secret@localhost:{p}/work?tls=true"}, /* invented */
        ERR_CONFIG, "grant it to the user");
    memcpy(database, was, sizeof database);
    assert_waited();
}

/* The collection has rules of its own; a person changes them, and tries the dead letter again. */
static void rules_of_the_collection(void **state)
{
    struct parcel some[] = {
        parcel(RECORD_ABSOLUTE, &students, "a", 1, "{\"set\":{\"lessons\":-1}}"),
        parcel(RECORD_ABSOLUTE, &students, "b", 2, "{\"set\":{\"lessons\":1}}"),
    };
    const struct json_value *reply = NULL;
    (void)state;
    ready(&(struct setting){0});
    skip_second("rules that are kept");
    if (!mongo_command(
            db,
            document("{\"collMod\":\"students\",\"validator\":{\"$jsonSchema\":{\"properties\":"
                     "{\"lessons\":{\"minimum\":0}}}}}"),
            outside_soon(), &arena, &reply, &err)) {
        fail_msg("%s", err.text);
    }
    assert_true(write_some(some, COUNT(some)));
    assert_int_equal(some[1].verdict, VERDICT_DONE);
    if (some[0].verdict != VERDICT_REJECT ||
        str_find(some[0].why, STR("the collection's own rules refuse it"), 0) == STR_NONE) {
        fail_msg("verdict %d: %.*s", (int)some[0].verdict, STR_ARG(some[0].why));
    }
    assert_true(mongo_command(db, document("{\"collMod\":\"students\",\"validator\":{}}"),
                              outside_soon(), &arena, &reply, &err));
    assert_true(write_some(some, 1));
    assert_int_equal(some[0].verdict, VERDICT_DONE);
}

/* A list where a number is added to, a text where something is pushed: told apart from null. */
static void wrong_types_of_others(void **state)
{
    struct parcel some[] = {
        parcel(RECORD_EFFECT, &students, "a", 1, "{\"inc\":{\"lessons\":1}}"),
        parcel(RECORD_EFFECT, &students, "b", 2, "{\"push\":{\"list\":1}}"),
        parcel(RECORD_EFFECT, &students, "c", 3, "{\"inc\":{\"lessons\":1}}"),
    };
    (void)state;
    ready(&(struct setting){0});
    (void)command("{\"insert\":\"students\",\"documents\":[{\"phone\":\"a\",\"lessons\":\"seven\"},"
                  "{\"phone\":\"b\",\"list\":\"no list\"}]}");
    assert_true(write_some(some, COUNT(some)));
    assert_int_equal(some[2].verdict, VERDICT_DONE);
    for (size_t i = 0; i < 2; i++) {
        if (some[i].verdict != VERDICT_REJECT ||
            str_find(some[i].why, STR("collection students"), 0) == STR_NONE) {
            fail_msg("verdict %d: %.*s", (int)some[i].verdict, STR_ARG(some[i].why));
        }
    }
    (void)command("{\"update\":\"students\",\"updates\":[{\"q\":{\"phone\":\"a\"},\"u\":{\"$set\":"
                  "{\"lessons\":7}}}]}");
    assert_true(write_some(some, 1));
    assert_int_equal(some[0].verdict, VERDICT_DONE);
    assert_holds("students", "{\"phone\":\"a\",\"lessons\":8}");
}

/* Effects on a few documents, and the server killed and paused meanwhile: each counts once. */
static void a_server_that_comes_and_goes(void **state)
{
    enum { DOCUMENTS = 20 };
    char entities[DOCUMENTS][8];
    struct parcel some[DOCUMENTS];
    int failures = 0;
    (void)state;
    ready(&(struct setting){.timeout_ms = 1200});
    skip_second("a memory that lasts");
    for (int i = 0; i < MANY;) {
        static const char *const acts[] = {"stop", "pause", "stop"};
        bool act = i > 0 && i % 120 == 0;
        for (int j = 0; j < DOCUMENTS; j++) {
            (void)snprintf(entities[j], sizeof entities[j], "e%d", j);
            some[j] = parcel(RECORD_EFFECT, &students, entities[j], i + j + 1,
                             "{\"inc\":{\"lessons\":1}}");
        }
        if (act) { /* Once with nothing known of the batch, and once more in full. */
            const char *what = acts[i / 120 % 3];
            outside_ask(&server, what);
            failures += !write_some(some, DOCUMENTS);
            assert_int_equal(err.kind, ERR_RETRY);
            outside_ask(&server, strcmp(what, "stop") == 0 ? "start" : "resume");
        }
        bool done = false;
        for (int tries = 0; tries < 20 && !done; tries++) {
            done = write_some(some, DOCUMENTS);
            for (int j = 0; j < DOCUMENTS; j++) {
                done = done && some[j].verdict == VERDICT_DONE;
            }
        }
        if (!done) {
            fail_msg("%s", err.text);
        }
        i += DOCUMENTS;
    }
    assert_true(failures > 0);
    assert_int_equal(count("students", "{\"lessons\":18}"), DOCUMENTS);
    assert_int_equal(count("sluice_effects", "{}"), MANY);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(documents_of_others_are_adopted),
        CASE(data_is_data),
        CASE(names_are_checked),
        CASE(indexes_are_made_by_migrate),
        CASE(doubled_keys_are_told),
        CASE(effects_are_remembered_for_good),
        CASE(the_document_speaks_for_the_ledger),
        CASE(pipelines_do_not_overtake_each_other),
        CASE(what_was_removed_stays_away),
        CASE(a_unique_index_of_somebody_else),
        CASE(a_document_that_is_too_large),
        CASE(schemas_refuse),
        CASE(claims_take_one_each),
        CASE(claims_that_are_none),
        CASE(wrong_types_of_others),
        CASE(rules_of_the_collection),
        CASE(nobody_may_or_can),
        CASE(users_who_may_not),
        CASE(a_server_that_comes_and_goes),
    };
    int failed = cmocka_run_group_tests_name("sink mongodb", tests, setup_all, teardown_all);
    second = true;
    return failed + cmocka_run_group_tests_name("sink mongodb, second opinion", tests, setup_all,
                                                teardown_all);
}
