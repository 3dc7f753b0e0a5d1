/* sink postgres: against a real server with TLS; tables of others, refusals, faults, statements. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/postgres.h"
#include "db/sql.h"
#include "rig/outside.h"
#include "sink/one_rig.h"
#include "sink/postgres.h"
#include "test.h"

enum { PARCELS_MAX = SINK_BATCH_MAX, OUT_SIZE = 4096 };

static struct outside server;
static bool started;
static struct arena arena;  /* Of a test. */
static struct arena opened; /* Of the sink. */
static struct err err;
static struct sink *sink;
static struct postgres *boss; /* The same database, past the sink. */
static struct parcel parcels[PARCELS_MAX];
static int schema_count;
static const char *door; /* Of the sink: "postgres" or "pgbouncer". */
static char schema[32];

static const struct column columns[] = {
    {"number", COLUMN_TEXT, true, NULL, ""},   {"who", COLUMN_TEXT, false, NULL, ""},
    {"note", COLUMN_TEXT, false, NULL, ""},    {"amount", COLUMN_INT, false, "0", ""},
    {"price", COLUMN_DOUBLE, false, NULL, ""}, {"done", COLUMN_BOOL, false, "false", ""},
    {"at", COLUMN_TIME, false, NULL, ""},      {"day", COLUMN_DATE, false, NULL, ""},
    {"list", COLUMN_JSON, false, NULL, ""},    {0},
};
static const char *const indexes[] = {"who", NULL};
static const struct target jobs = {
    .name = "jobs", .key = "number", .columns = columns, .indexes = indexes};
static const struct target others = {.name = "others", .key = "number", .columns = columns};
static const struct target close_job = {.name = "close_job", .key = "key", .columns = columns};
static const struct target *const one_target[] = {&jobs, NULL};
static const struct target *const targets[] = {&jobs, &others, &close_job, NULL};

/* ---- The rig ---- */

static int group_setup(void **state)
{
    static const char *const words[] = {"python3", "tests/db/postgres_server.py", "{folder}",
                                        "pgbouncer", NULL};
    static const char *const plain[] = {"python3", "tests/db/postgres_server.py", "{folder}", NULL};
    (void)state;
    /* Without PgBouncer all but the cases with a pooler can be tried. */
    started = outside_start(&server, words, 120) || outside_start(&server, plain, 120);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    outside_stop(&server);
    return 0;
}

static const char *uri_of(const char *port, const char *user, const char *more)
{
    static char uri[1024];
    (void)snprintf(
        uri, sizeof uri,
        "host=localhost user=%s password=secret dbname=appdb port=%d sslmode=verify-full "
        "sslrootcert=%s/ca.crt %s",
        user, outside_port(&server, port), server.folder, more);
    return uri;
}

static void sink_down(void)
{
    one_rig_drop(&sink);
    arena_reset(&opened);
}

static void sink_with(const char *uri, const struct target *const *to,
                      const struct str_map *statements)
{
    sink_down();
    sink = one_rig_new(&sink_postgres, "records", &opened, to);
    assert_true(secret_make(one_rig_member(sink, "uri"), &opened, str_of(uri)));
    *(struct str *)one_rig_member(sink, "schema") = str_of(schema);
    *(int64_t *)one_rig_member(sink, "connect_timeout") = 5000;
    if (statements != NULL) {
        *(struct str_map *)one_rig_member(sink, "statements") = *statements;
    }
    if (!one_rig_open(&sink, &err)) {
        fail_msg("%s", err.text);
    }
}

static void sink_up(void)
{
    sink_with(uri_of(door, "app", ""), one_target, NULL);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 256 << 20);
    arena_init(&opened, 4 << 20);
    memset(&err, 0, sizeof err);
    memset(parcels, 0, sizeof parcels);
    door = "postgres";
    if (started) {
        struct postgres_options options = {.uri = str_of(uri_of("postgres", "app", ""))};
        (void)snprintf(schema, sizeof schema, "desk %d", ++schema_count);
        assert_true(postgres_open(&boss, &options, &err));
        sink_up();
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sink_down();
    postgres_close(boss);
    boss = NULL;
    arena_free(&arena);
    arena_free(&opened);
    return 0;
}

/* "{s}" in SQL is the schema of the test. */
static const char *sql_of(const char *pattern)
{
    struct buf sql;
    buf_init(&sql, &arena, 256);
    for (const char *at = pattern; *at != '\0'; at++) {
        if (strncmp(at, "{s}", 3) == 0) {
            sql_add_name(&sql, str_of(schema));
            at += 2;
        } else {
            buf_add_byte(&sql, *at);
        }
    }
    return buf_str(&sql).ptr;
}

static void run(const char *pattern)
{
    if (!postgres_script(boss, sql_of(pattern), outside_soon(), &err)) {
        fail_msg("%s: %s", pattern, err.text);
    }
}

static void assert_sql(const char *pattern, const char *expected)
{
    struct str found = {0};
    if (!postgres_one(boss, sql_of(pattern), NULL, 0, outside_soon(), &arena, &found, &err)) {
        fail_msg("%s: %s", pattern, err.text);
    }
    if (!str_equal(found, str_of(expected))) {
        fail_msg("%s\nis %.*s\nnot %s", pattern, STR_ARG(found), expected);
    }
}

static void migrate(void)
{
    struct str done = {0};
    if (!sink_postgres.migrate(sink, false, &arena, &done, &err)) {
        fail_msg("%s", err.text);
    }
}

/* Tables of ours, and a table of the user's own. */
static void adopt(const char *create)
{
    run("CREATE SCHEMA {s}");
    run(create);
    migrate();
}

static struct parcel make(enum record_kind kind, const char *entity, int64_t message,
                          const char *body)
{
    struct str origin = arena_printf(&arena, "%020d", (int)message);
    return (struct parcel){
        .kind = kind,
        .effect = {.pipeline = STR("desk"), .generation = 5, .message = message, .origin = origin},
        .target = STR("jobs"),
        .entity = str_of(entity),
        .body = str_of(body),
    };
}

static bool try_write(size_t count, int64_t deadline_ms)
{
    for (size_t i = 0; i < count; i++) {
        parcels[i].verdict = VERDICT_RETRY;
        parcels[i].why = (struct str){0};
    }
    memset(&err, 0, sizeof err);
    return sink_postgres.write(sink, parcels, count, &arena, deadline_ms, &err);
}

static void write_all(size_t count)
{
    if (!try_write(count, outside_soon())) {
        fail_msg("%s", err.text);
    }
}

static void assert_done(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parcels[i].verdict != VERDICT_DONE) {
            fail_msg("parcel %zu: verdict %d: %.*s", i, (int)parcels[i].verdict,
                     STR_ARG(parcels[i].why));
        }
    }
}

static void write_done(enum record_kind kind, const char *entity, int64_t message, const char *body)
{
    parcels[0] = make(kind, entity, message, body);
    write_all(1);
    assert_done(1);
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", text, part);
    }
}

#define NEEDS_SERVER()                                                                             \
    if (!started) {                                                                                \
        skip();                                                                                    \
    }

/* ---- Tables ---- */

static void migrates(void **state)
{
    struct str dry = {0};
    struct str done = {0};
    (void)state;
    NEEDS_SERVER()
    sink_with(uri_of("postgres", "app", ""), targets, NULL);
    parcels[0] = make(RECORD_EFFECT, "J1", 1, "{\"set\":{\"amount\":1}}");
    assert_false(try_write(1, outside_soon())); /* Nothing is made by writing. */
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_says(err.text, "sluice migrate");
    assert_true(sink_postgres.migrate(sink, true, &arena, &dry, &err));
    assert_sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'desk 1'", "0");
    assert_true(sink_postgres.migrate(sink, false, &arena, &done, &err));
    assert_str_equal(dry, done);
    assert_says(done.ptr, "schema desk 1: created\n");
    assert_says(done.ptr, "table jobs: created\n");
    assert_says(done.ptr, "table sluice_effects: created");
    assert_true(sink_postgres.migrate(sink, false, &arena, &done, &err));
    assert_str_equal(done, STR("nothing to do"));
    assert_sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'desk 1' AND indexname IN "
               "('jobs_number_key', 'jobs_who_index')",
               "2");
    run("ALTER TABLE {s}.jobs DROP COLUMN price, DROP COLUMN list; DROP INDEX {s}.jobs_number_key");
    assert_false(try_write(1, outside_soon()));
    assert_says(err.text, "has no column 'price'; add it or run sluice migrate");
    assert_true(sink_postgres.migrate(sink, true, &arena, &dry, &err));
    assert_true(sink_postgres.migrate(sink, false, &arena, &done, &err));
    assert_str_equal(dry, done);
    assert_str_equal(done, STR("table jobs: added column price (double precision)\n"
                               "table jobs: added column list (jsonb)\n"
                               "table jobs: added a unique index on number\n"));
    write_all(1);
    assert_done(1);
    assert_sql("SELECT count(*) FROM {s}.jobs WHERE number = 'J1'", "1");
}

/* A table that is missing or not fit holds up its own records, and no others. */
static void unfit_tables(void **state)
{
    (void)state;
    NEEDS_SERVER()
    sink_with(uri_of("postgres", "app", ""), targets, NULL);
    migrate();
    run("DROP TABLE {s}.others");
    parcels[0] = make(RECORD_EFFECT, "J1", 1, "{\"set\":{\"amount\":1}}");
    parcels[1] = make(RECORD_EFFECT, "J1", 2, "{\"set\":{\"amount\":2}}");
    parcels[1].target = STR("others");
    parcels[2] = make(RECORD_EFFECT, "J3", 3, "{\"set\":{\"amount\":3}}");
    write_all(3);
    assert_int_equal(parcels[0].verdict, VERDICT_DONE);
    assert_int_equal(parcels[1].verdict, VERDICT_UNTRIED);
    assert_int_equal(parcels[2].verdict, VERDICT_DONE);
    parcels[0] = parcels[1];
    assert_false(try_write(1, outside_soon()));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_says(err.text, "there is no table desk ");
    run("CREATE VIEW {s}.others AS SELECT * FROM {s}.jobs");
    assert_false(try_write(1, outside_soon()));
    assert_says(err.text, "is a view");
    run("DROP VIEW {s}.others; CREATE TABLE {s}.others(number text, who text)");
    assert_false(try_write(1, outside_soon()));
    assert_says(err.text, "has no column 'note'; add it or run sluice migrate");
    run("DROP TABLE {s}.others; CREATE TABLE {s}.others(LIKE {s}.jobs INCLUDING ALL)");
    run("ALTER TABLE {s}.others ADD must text NOT NULL");
    assert_false(try_write(1, outside_soon()));
    assert_says(err.text, "demands a value for column 'must'");
    run("ALTER TABLE {s}.others DROP must");
    write_all(1);
    assert_done(1);
    /* Changed behind our back, while the old shape is still in mind. */
    run("ALTER TABLE {s}.others ADD must text NOT NULL DEFAULT 'x'");
    run("ALTER TABLE {s}.others ALTER must DROP DEFAULT");
    parcels[0] = make(RECORD_EFFECT, "J9", 9, "{\"set\":{\"amount\":3}}");
    parcels[0].target = STR("others");
    assert_false(try_write(1, outside_soon()));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_says(err.text, "demands a value for column 'must'");
    run("ALTER TABLE {s}.others DROP must; DROP INDEX {s}.others_number_idx");
    write_all(1); /* Without the index it is another statement. */
    assert_done(1);
    assert_sql("SELECT string_agg(number, ',' ORDER BY number) FROM {s}.others", "J1,J9");
}

/* What columns of all kinds make of what a record says, and what they refuse. */
static void conversions(void **state)
{
    static const struct {
        const char *type;
        const char *field; /* The declared column that is tried. */
        const char *value;
        const char *expected; /* Of (column)::text; NULL: refused … */
        const char *why;      /* … with this. */
    } cases[] = {
        {"varchar(5)", "who", "\"אבגדה\"", "אבגדה", NULL},
        {"varchar(5)", "who", "\"אבגדהו\"", NULL, "column who takes 5 characters"},
        {"char(3)", "who", "\"ab\"", "ab", NULL},
        {"integer", "who", "\"17\"", "17", NULL},
        {"integer", "who", "\"seventeen\"", NULL, "column who"},
        {"integer", "amount", "3000000000", NULL, "column amount"},
        {"smallint", "amount", "-7", "-7", NULL},
        {"numeric(10,2)", "price", "12.5", "12.50", NULL},
        {"numeric(4,2)", "price", "12345", NULL, "numeric field overflow"},
        {"numeric(10,2)", "who", "\"12.345\"", "12.35", NULL},
        {"text", "price", "0.1", "0.1", NULL},
        {"boolean", "who", "\"yes\"", "true", NULL},
        {"boolean", "who", "\"maybe\"", NULL, "column who"},
        {"integer", "done", "true", "1", NULL},
        {"text", "done", "true", "true", NULL},
        {"boolean", "done", "1", "true", NULL},
        {"timestamptz", "at", "\"2025-12-09T18:51:42.998Z\"", "2025-12-09 18:51:42.998+00", NULL},
        {"timestamp", "at", "\"2025-12-09T18:51:42.998Z\"", "2025-12-09 18:51:42.998", NULL},
        {"timestamp", "at", "\"2025-12-09T20:51:42+02:00\"", "2025-12-09 18:51:42", NULL},
        {"timestamptz", "at", "\"yesterday evening\"", NULL, "column at"},
        {"text", "at", "\"2025-12-09T18:51:42.998Z\"", "2025-12-09T18:51:42.998Z", NULL},
        {"date", "at", "\"2025-12-09T18:51:42.998Z\"", "2025-12-09", NULL},
        {"date", "day", "\"2025-12-09\"", "2025-12-09", NULL},
        {"date", "day", "\"2025-13-09\"", NULL, "column day"},
        {"text", "day", "\"2025-12-09\"", "2025-12-09", NULL},
        {"jsonb", "list", "{\"a\":[1,\"ב\"]}", "{\"a\": [1, \"ב\"]}", NULL},
        {"json", "list", "[1,2]", "[1,2]", NULL},
        {"jsonb", "list", "\"plain\"", "\"plain\"", NULL},
        {"jsonb", "who", "\"plain\"", "\"plain\"", NULL},
        {"text", "list", "[1,2]", "[1,2]", NULL},
        {"uuid", "who", "\"8c2b6d7e-0000-4000-8000-00000000abcd\"",
         "8c2b6d7e-0000-4000-8000-00000000abcd", NULL},
        {"uuid", "who", "\"no uuid\"", NULL, "column who"},
        {"text[]", "who", "\"{a,b}\"", "{a,b}", NULL},
        {"inet", "who", "\"10.0.0.1\"", "10.0.0.1/32", NULL},
        {"{s}.mood", "who", "\"fine\"", "fine", NULL},
        {"{s}.mood", "who", "\"bad\"", NULL, "column who"},
        {"{s}.short", "who", "\"abc\"", "abc", NULL},
        {"{s}.short", "who", "\"abcdef\"", NULL, "short"},
    };
    (void)state;
    NEEDS_SERVER()
    adopt("CREATE TYPE {s}.mood AS ENUM ('fine'); "
          "CREATE DOMAIN {s}.short AS text CHECK (length(VALUE) < 5); "
          "CREATE TABLE {s}.jobs(number text PRIMARY KEY)");
    run("SET TimeZone = 'UTC'");
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[512];
        char body[256];
        (void)snprintf(text, sizeof text,
                       "TRUNCATE {s}.jobs; ALTER TABLE {s}.jobs DROP COLUMN %s; ALTER TABLE "
                       "{s}.jobs ADD COLUMN %s %s",
                       cases[i].field, cases[i].field, cases[i].type);
        run(text);
        sink_up();
        (void)snprintf(body, sizeof body, "{\"set\":{\"%s\":%s}}", cases[i].field, cases[i].value);
        parcels[0] = make(RECORD_EFFECT, "a", (int64_t)i * 2 + 1, "{\"set\":{\"note\":\"x\"}}");
        parcels[1] = make(RECORD_EFFECT, "b", (int64_t)i * 2 + 2, body);
        write_all(2);
        assert_int_equal(parcels[0].verdict, VERDICT_DONE);
        if (cases[i].expected != NULL && parcels[1].verdict == VERDICT_DONE) {
            (void)snprintf(text, sizeof text, "SELECT %s::text FROM {s}.jobs WHERE number='b'",
                           cases[i].field);
            assert_sql(text, cases[i].expected);
            continue;
        }
        if (cases[i].expected != NULL || parcels[1].verdict != VERDICT_REJECT) {
            fail_msg("%s, %s: verdict %d, %.*s", cases[i].type, cases[i].value,
                     (int)parcels[1].verdict, STR_ARG(parcels[1].why));
        }
        assert_says(parcels[1].why.ptr, "table jobs");
        assert_says(parcels[1].why.ptr, cases[i].why);
        char shown[64];
        (void)snprintf(shown, sizeof shown, "%.*s", (int)strlen(cases[i].value) - 2,
                       cases[i].value + 1);
        if (cases[i].value[0] == '"' && strstr(parcels[1].why.ptr, shown) != NULL) {
            fail_msg("\"%.*s\" shows a value", STR_ARG(parcels[1].why));
        }
    }
}

/* Keys of another type, names of another case, and what reading back makes of all of it. */
static void adopted(void **state)
{
    struct held rows[] = {{.target = STR("jobs"), .entity = STR("12")},
                          {.target = STR("jobs"), .entity = STR("no number")},
                          {.target = STR("jobs"), .entity = STR("13")}};
    (void)state;
    NEEDS_SERVER()
    adopt("CREATE TABLE {s}.jobs(\"Number\" integer PRIMARY KEY, \"WHO\" text, note text, amount "
          "int, "
          "price numeric(8,2), done boolean, at timestamp, day date, list jsonb, ours text DEFAULT "
          "'kept'); INSERT INTO {s}.jobs(\"Number\", note) VALUES (12, 'of others')");
    write_done(RECORD_EFFECT, "12", 1,
               "{\"set\":{\"who\":\"דנה\",\"price\":1.5,\"at\":\"2025-12-09T18:51:42.900Z\"},"
               "\"insert\":{\"note\":\"new\"},\"append\":{\"note\":\"!\"}}");
    parcels[0] = make(RECORD_EFFECT, "no number", 2, "{\"set\":{\"who\":\"x\"}}");
    write_all(1);
    assert_int_equal(parcels[0].verdict, VERDICT_REJECT);
    assert_says(parcels[0].why.ptr, "column Number");
    assert_true(sink_postgres.read_back(sink, rows, COUNT(rows), &arena, outside_soon(), &err));
    assert_str_equal(
        rows[0].body,
        STR("{\"number\":\"12\",\"who\":\"דנה\",\"note\":\"of others!\",\"amount\":null,"
            "\"price\":1.5,\"done\":null,\"at\":\"2025-12-09T18:51:42.900Z\",\"day\":"
            "null,\"list\":null}"));
    assert_int_equal(rows[1].body.len, 0);
    assert_int_equal(rows[2].body.len, 0);
    assert_sql("SELECT ours FROM {s}.jobs", "kept");
}

/* ---- Exactly once ---- */

static void without_an_index(void **state)
{
    static const char body[] = "{\"insert\":{\"note\":\"new\",\"who\":\"a\"},\"update\":{\"who\":"
                               "\"b\"},\"append\":{\"note\":\"+\"}}";
    (void)state;
    NEEDS_SERVER()
    adopt("CREATE TABLE {s}.jobs(number text, who text, note text, amount bigint, price float8, "
          "done bool, at timestamptz, day date, list jsonb); INSERT INTO {s}.jobs(number, note) "
          "VALUES ('twice', 'x'), ('twice', 'y'), ('once', 'z')");
    /* 'twice' stands in two rows: no index was made. */
    assert_sql("SELECT count(*) FROM pg_index WHERE indrelid = '{s}.jobs'::regclass", "1");
    for (int times = 0; times < 2; times++) {
        parcels[0] = make(RECORD_EFFECT, "twice", 1, body);
        parcels[1] = make(RECORD_EFFECT, "once", 2, body);
        parcels[2] = make(RECORD_EFFECT, "new", 3, body);
        write_all(3);
        assert_done(3);
        parcels[0] = make(RECORD_EFFECT, "new", 4, body);
        write_all(1);
        assert_done(1);
    }
    assert_sql("SELECT string_agg(number||':'||who||':'||note, ' ' ORDER BY number, note) FROM "
               "{s}.jobs",
               "new:b:new+ once:b:z+ twice:b:x+ twice:b:y+");
    write_done(RECORD_ABSOLUTE, "only", 9, "{\"insert\":{\"note\":\"1\"}}");
    write_done(RECORD_ABSOLUTE, "only", 10, "{\"insert\":{\"note\":\"2\"}}");
    assert_sql("SELECT note FROM {s}.jobs WHERE number = 'only'", "1");
    parcels[0] = make(RECORD_ABSOLUTE, "twice", 11, "{}");
    parcels[0].removed = true;
    write_all(1);
    assert_done(1);
    assert_sql("SELECT count(*) FROM {s}.jobs", "3");
    for (size_t i = 0; i < 200; i++) { /* So many that the table is locked instead of the keys. */
        parcels[i] = make(RECORD_EFFECT, arena_printf(&arena, "n%zu", i % 150).ptr,
                          100 + (int64_t)i % 150, body);
    }
    write_all(150);
    assert_done(150);
    write_all(150);
    assert_sql("SELECT count(*)||','||count(DISTINCT number) FROM {s}.jobs WHERE note = 'new'",
               "150,150");
}

/* A child that writes the same effects as its siblings; several meet on each row. */
static void compete(int from, const char *uri)
{
    enum { ROUNDS = 30 };
    sink = NULL;
    sink_with(uri, one_target, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        for (int tries = 0;; tries++) {
            for (int i = 0; i < 4; i++) {
                int n = (round * 4 + i + from) % (ROUNDS * 4);
                parcels[i] = make(RECORD_EFFECT, arena_printf(&arena, "k%d", n % 10).ptr, n + 1,
                                  "{\"insert\":{\"note\":\"1\"},\"append\":{\"note\":\"1\"}}");
            }
            if (try_write(4, outside_soon())) {
                break;
            }
            if (err.kind != ERR_RETRY || tries > 50) {
                (void)fprintf(stderr, "compete: %s\n", err.text);
                _exit(3);
            }
        }
        for (int i = 0; i < 4; i++) {
            if (parcels[i].verdict != VERDICT_DONE) {
                _exit(4);
            }
        }
    }
    _exit(0);
}

static bool has_pooler(void)
{
    for (int i = 0; i < server.count; i++) {
        if (strcmp(server.ports[i].name, "pgbouncer") == 0) {
            return true;
        }
    }
    return false;
}

static void compete_on(const char *port, bool unique)
{
    enum { CHILDREN = 4 };
    pid_t children[CHILDREN];
    migrate();
    if (!unique) {
        run("DROP INDEX {s}.jobs_number_key");
    }
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            compete(i * 17, uri_of(port, "app", ""));
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    /* 120 effects on 10 rows: each row has 12 marks, whoever came first. */
    assert_sql("SELECT count(*)||','||min(length(note))||','||max(length(note)) FROM {s}.jobs",
               "10,12,12");
    assert_sql("SELECT count(*) FROM {s}.sluice_effects", "120");
}

static void several_at_once(void **state)
{
    (void)state;
    NEEDS_SERVER()
    compete_on("postgres", true);
}

static void several_without_an_index(void **state)
{
    (void)state;
    NEEDS_SERVER()
    compete_on("postgres", false);
}

static void several_through_a_pooler(void **state)
{
    (void)state;
    if (!started || !has_pooler()) {
        skip();
    }
    compete_on("pgbouncer", false);
}

/* ---- Refusals ---- */

/* Three of 600 are refused, each with its reason, and the others are written. */
static void some_are_refused(void **state)
{
    static const char *const whys[] = {"jobs_who_key", "jobs_amount_check", "column at"};
    (void)state;
    NEEDS_SERVER()
    migrate();
    run("ALTER TABLE {s}.jobs ADD CHECK (amount < 1000), ADD UNIQUE (who); "
        "INSERT INTO {s}.jobs(number, who) VALUES ('theirs', 'taken')");
    for (size_t i = 0; i < 600; i++) {
        parcels[i] =
            make(i % 2 == 0 ? RECORD_EFFECT : RECORD_ABSOLUTE, arena_printf(&arena, "J%zu", i).ptr,
                 (int64_t)i + 1, "{\"set\":{\"amount\":1}}");
    }
    parcels[17].body = STR("{\"set\":{\"who\":\"taken\"}}");
    parcels[300].body = STR("{\"set\":{\"amount\":5000}}");
    parcels[599].body = STR("{\"set\":{\"at\":\"at noon\"}}");
    write_all(600);
    size_t refused = 0;
    for (size_t i = 0; i < 600; i++) {
        if (parcels[i].verdict == VERDICT_REJECT && refused < 3) {
            assert_true(i == 17 || i == 300 || i == 599);
            assert_says(parcels[i].why.ptr, "table jobs");
            assert_says(parcels[i].why.ptr, whys[refused++]);
            assert_null(strstr(parcels[i].why.ptr, "noon"));
            assert_null(strstr(parcels[i].why.ptr, "5000"));
        } else {
            assert_int_equal(parcels[i].verdict, VERDICT_DONE);
        }
    }
    assert_int_equal(refused, 3);
    assert_sql("SELECT count(*) FROM {s}.jobs", "598");
    assert_sql("SELECT (SELECT count(*) FROM {s}.sluice_effects)+(SELECT count(*) FROM "
               "{s}.sluice_seq)",
               "597"); /* Nothing is noted of those that were refused: */
    run("DELETE FROM {s}.jobs WHERE number = 'theirs'");
    parcels[0] = parcels[17];
    write_all(1); /* once it is mended they can be sent again. */
    assert_done(1);
}

static void triggers(void **state)
{
    (void)state;
    NEEDS_SERVER()
    migrate();
    run("CREATE FUNCTION {s}.judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.who = "
        "'private' THEN RAISE EXCEPTION 'not %', NEW.who; END IF; RETURN NEW; END $$; "
        "CREATE TRIGGER judge BEFORE INSERT OR UPDATE ON {s}.jobs FOR EACH ROW EXECUTE FUNCTION "
        "{s}.judge()");
    parcels[0] = make(RECORD_EFFECT, "a", 1, "{\"set\":{\"who\":\"private\"}}");
    parcels[1] = make(RECORD_EFFECT, "b", 2, "{\"set\":{\"who\":\"fine\"}}");
    write_all(2);
    assert_int_equal(parcels[0].verdict, VERDICT_REJECT);
    assert_says(parcels[0].why.ptr, "a trigger or function of the database refused it [P0001]");
    assert_null(strstr(parcels[0].why.ptr, "private"));
    assert_int_equal(parcels[1].verdict, VERDICT_DONE);
    /* A full disk, as the server would say it: all of it waits, nothing is a dead letter. */
    run("CREATE FUNCTION {s}.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
        "'could not extend file' USING ERRCODE = '53100'; END $$; CREATE TRIGGER zfull BEFORE "
        "INSERT ON {s}.jobs FOR EACH ROW EXECUTE FUNCTION {s}.full()");
    parcels[0] = make(RECORD_EFFECT, "c", 3, "{\"set\":{\"who\":\"fine\"}}");
    assert_false(try_write(1, outside_soon()));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_says(err.text, "free some space on its disk");
    run("DROP TRIGGER zfull ON {s}.jobs");
    write_all(1);
    assert_done(1);
}

/* ---- A server in trouble ---- */

static void logins(void **state)
{
    static const struct {
        const char *user;
        const char *more;
        enum err_kind kind;
        const char *why;
    } cases[] = {
        {"app", "password=wrong", ERR_LOGIN, "password authentication failed"},
        {"app", "sslrootcert=/nonexistent", ERR_CONFIG, "there is no such file"},
        {"app", "hostaddr=127.0.0.1 host=other.test", ERR_CONFIG, "it is for localhost"},
        {"app", "dbname=nowhere", ERR_CONFIG, "create the database"},
        {"reader", "", ERR_CONFIG, "permission denied"},
        {"app", "port=1", ERR_RETRY, "refused"},
    };
    (void)state;
    NEEDS_SERVER()
    migrate();
    run("GRANT USAGE ON SCHEMA {s} TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA {s} TO reader");
    for (size_t i = 0; i < COUNT(cases); i++) {
        sink_with(uri_of("postgres", cases[i].user, cases[i].more), one_target, NULL);
        parcels[0] = make(RECORD_EFFECT, "a", 1, "{\"set\":{\"amount\":1}}");
        assert_false(try_write(1, outside_soon()));
        if (err.kind != cases[i].kind) {
            fail_msg("%s: %s", err_kind_name(err.kind), err.text);
        }
        assert_says(err.text, cases[i].why);
        assert_says(err.text, "sink records: ");
        assert_null(strstr(err.text, "wrong\""));
    }
    struct str found = {0};
    sink_with(uri_of("postgres", "reader", ""), one_target, NULL);
    assert_false(sink_postgres.connector.probe(&sink->connector, outside_soon(), &found, &err));
    assert_says(err.text, "may not read and write table");
    sink_up();
    assert_true(sink_postgres.connector.probe(&sink->connector, outside_soon(), &found, &err));
    assert_says(found.ptr, "/appdb: PostgreSQL ");
    assert_says(found.ptr, "TLSv1.2");
    assert_says(found.ptr, "1 tables are there");
}

/* Nothing is decided, nothing written, and once it is mended the same parcel goes through. */
static void assert_waits(const char *uri, int64_t patience_ms, enum err_kind kind, const char *why)
{
    int64_t before = clock_mono_ms(clock_system());
    sink_with(uri, one_target, NULL);
    parcels[0] = make(RECORD_EFFECT, "a", 1, "{\"set\":{\"amount\":1}}");
    assert_false(try_write(1, before + patience_ms));
    if (err.kind != kind) {
        fail_msg("%s: %s", err_kind_name(err.kind), err.text);
    }
    assert_says(err.text, why);
    assert_true(clock_mono_ms(clock_system()) - before < patience_ms + 3000);
    assert_true(parcels[0].verdict != VERDICT_DONE && parcels[0].verdict != VERDICT_REJECT);
}

static void shut_doors(void **state)
{
    char more[256];
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof there;
    (void)state;
    NEEDS_SERVER()
    migrate();
    (void)snprintf(more, sizeof more, "sslrootcert=%s/otherca.crt", server.folder);
    assert_waits(uri_of("postgres", "app", more), 20000, ERR_CONFIG, "authorit");
    /* Somebody takes the call and never says a word. */
    int mute = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (mute < 0) {
        fail_msg("no socket");
        return;
    }
    assert_int_equal(bind(mute, (struct sockaddr *)&there, sizeof there), 0);
    assert_int_equal(listen(mute, 4), 0);
    assert_int_equal(getsockname(mute, (struct sockaddr *)&there, &size), 0);
    (void)snprintf(more, sizeof more, "port=%d", ntohs(there.sin_port));
    assert_waits(uri_of("postgres", "app", more), 700, ERR_RETRY, "no answer in time");
    assert_int_equal(close(mute), 0);
    outside_ask(&server, "sql ALTER SYSTEM SET ssl_min_protocol_version = 'TLSv1.3'");
    outside_ask(&server, "cert rsa"); /* And a restart. */
    assert_waits(uri_of("postgres", "app", ""), 20000, ERR_CONFIG, "TLS 1.2");
    outside_ask(&server, "sql ALTER SYSTEM RESET ssl_min_protocol_version");
    outside_ask(&server, "cert rsa");
    sink_up();
    write_all(1);
    assert_done(1);
    assert_sql("SELECT count(*) FROM {s}.jobs", "1");
}

static void expired(void **state)
{
    (void)state;
    NEEDS_SERVER()
    migrate();
    sink_up();
    outside_ask(&server, "cert expired");
    parcels[0] = make(RECORD_EFFECT, "a", 1, "{\"set\":{\"amount\":1}}");
    assert_false(try_write(1, outside_soon()));
    assert_says(err.text, "expired on 2025-01-01");
    outside_ask(&server, "cert rsa");
    write_all(1);
    assert_done(1);
}

/* Killed, standing still, and a session that somebody ended: nothing is lost, nothing doubled. */
static void goes_away(void **state)
{
    static const char body[] = "{\"insert\":{\"note\":\"1\"},\"append\":{\"note\":\"1\"}}";
    (void)state;
    NEEDS_SERVER()
    migrate();
    write_done(RECORD_EFFECT, "a", 1, body);
    outside_ask(&server, "stop");
    parcels[0] = make(RECORD_EFFECT, "a", 2, body);
    assert_false(try_write(1, outside_soon())); /* Neither "not there" nor refused. */
    assert_int_equal(err.kind, ERR_RETRY);
    assert_false(try_write(1, outside_soon()));
    assert_int_equal(err.kind, ERR_RETRY);
    outside_ask(&server, "start");
    write_all(1);
    assert_done(1);
    outside_ask(&server, "pause");
    parcels[0] = make(RECORD_EFFECT, "a", 3, body);
    int64_t before = clock_mono_ms(clock_system());
    assert_false(try_write(1, before + 500));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_true(clock_mono_ms(clock_system()) - before < 6000);
    outside_ask(&server, "resume");
    write_all(1);
    write_all(1);
    assert_done(1);
    postgres_disconnect(boss);
    outside_ask(&server, "sql SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                         "datname = 'appdb' AND pid <> pg_backend_pid()");
    parcels[0] = make(RECORD_EFFECT, "a", 4, body);
    if (!try_write(1, outside_soon())) {
        assert_int_equal(err.kind, ERR_RETRY);
        write_all(1);
    }
    assert_done(1);
    assert_sql("SELECT note FROM {s}.jobs", "1111");
}

/* A server too slow for a batch gets smaller ones, and what was done stays done. */
static void slow(void **state)
{
    enum { COUNT_SLOW = 64 };
    size_t done = 0;
    int calls = 0;
    (void)state;
    NEEDS_SERVER()
    migrate();
    run("CREATE FUNCTION {s}.rest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM "
        "pg_sleep(0.02); RETURN NEW; END $$; CREATE TRIGGER rest BEFORE INSERT ON {s}.jobs FOR "
        "EACH ROW EXECUTE FUNCTION {s}.rest()");
    sink_up();
    for (size_t i = 0; i < COUNT_SLOW; i++) {
        parcels[i] = make(RECORD_EFFECT, arena_printf(&arena, "J%zu", i).ptr, (int64_t)i + 1,
                          "{\"set\":{\"amount\":1}}");
    }
    for (; calls < 40 && done < COUNT_SLOW; calls++) {
        size_t left = COUNT_SLOW - done;
        if (!try_write(left, clock_mono_ms(clock_system()) + 400)) {
            assert_int_equal(err.kind, ERR_RETRY);
            continue;
        }
        size_t now = 0;
        while (now < left && parcels[now].verdict == VERDICT_DONE) {
            now++;
        }
        for (size_t i = now; i < left; i++) {
            assert_int_equal(parcels[i].verdict, VERDICT_UNTRIED);
        }
        memmove(parcels, &parcels[now], (left - now) * sizeof parcels[0]);
        done += now;
    }
    assert_int_equal(done, COUNT_SLOW);
    assert_true(calls > 1);
    assert_sql("SELECT count(*) FROM {s}.jobs", "64");
}

/* ---- Statements of one's own ---- */

static void statements(void **state)
{
    static const struct str_pair pairs[] = {
        {STR_INIT("close_job"),
         STR_INIT(
             "UPDATE {s}.jobs SET done = true, note = coalesce(note, '') || :note WHERE number "
             "= :entity -- not :this\n")},
        {STR_INIT("claim"),
         STR_INIT(
             "UPDATE {s}.jobs SET who = :who WHERE number = (SELECT number FROM {s}.jobs WHERE "
             "who IS NULL AND note <> ':no' ORDER BY number LIMIT 1 FOR UPDATE) RETURNING "
             "number, amount, done, list, 1.5::float8 AS half;")},
        {STR_INIT("wrong"), STR_INIT("SELECT nothing FROM nowhere WHERE a = :a")},
    };
    struct str_pair named[COUNT(pairs)];
    (void)state;
    NEEDS_SERVER()
    for (size_t i = 0; i < COUNT(pairs); i++) {
        named[i] = (struct str_pair){pairs[i].name, str_of(sql_of(pairs[i].text.ptr))};
    }
    struct str_map map = {named, COUNT(named)};
    sink_with(uri_of("postgres", "app", ""), targets, &map);
    migrate();
    assert_sql("SELECT to_regclass('{s}.close_job') IS NULL", "t");
    run("INSERT INTO {s}.jobs(number, note, list) VALUES ('J1', 'a', '[1]'), ('J2', 'b', NULL)");
    for (int times = 0; times < 2; times++) {
        parcels[0] = make(RECORD_EFFECT, "J1", 1, "{\"set\":{\"note\":\"'; DROP TABLE jobs --\"}}");
        parcels[0].target = STR("close_job");
        parcels[1] = make(RECORD_QUESTION, "q", 2, "{\"who\":\"דנה\"}");
        parcels[1].target = STR("claim");
        write_all(2);
        assert_done(2);
        assert_str_equal(parcels[1].answer, STR("{\"number\":\"J1\",\"amount\":0,\"done\":true,"
                                                "\"list\":[1],\"half\":1.5}"));
    }
    assert_sql("SELECT note FROM {s}.jobs WHERE number = 'J1'", "a'; DROP TABLE jobs --");
    parcels[0] = make(RECORD_QUESTION, "q", 3, "{\"who\":\"b\"}");
    parcels[0].target = STR("claim");
    write_all(1);
    assert_non_null(strstr(parcels[0].answer.ptr, "\"J2\""));
    parcels[0] = make(RECORD_QUESTION, "q", 4, "{\"who\":\"c\"}");
    parcels[0].target = STR("claim");
    parcels[1] = make(RECORD_EFFECT, "q", 5, "{\"set\":{\"other\":1}}");
    parcels[1].target = STR("close_job");
    parcels[2] = make(RECORD_EFFECT, "q", 6, "{\"set\":{\"a\":1}}");
    parcels[2].target = STR("wrong");
    write_all(3);
    assert_str_equal(parcels[0].answer, STR("null")); /* No row is left. */
    assert_int_equal(parcels[1].verdict, VERDICT_REJECT);
    assert_says(parcels[1].why.ptr, "the record has no value for :note");
    assert_int_equal(parcels[2].verdict, VERDICT_UNTRIED); /* A person has to mend it. */
    parcels[0] = parcels[2];
    assert_false(try_write(1, outside_soon()));
    assert_says(err.text, "statement wrong: ");
    assert_int_equal(err.kind, ERR_CONFIG);
}

/* ---- Reading ---- */

static bool count_rows(void *context, struct str entity, struct str body, struct err *why)
{
    size_t *count = context;
    (void)why;
    assert_true(body.len > 40 && entity.len > 0);
    ++*count;
    return true;
}

static bool stop_at_once(void *context, struct str entity, struct str body, struct err *why)
{
    (void)context;
    (void)entity;
    (void)body;
    return err_set(why, ERR_REJECT, "enough");
}

static void dumps(void **state)
{
    size_t count = 0;
    size_t used = 0;
    (void)state;
    NEEDS_SERVER()
    migrate();
    run("INSERT INTO {s}.jobs(number, note) SELECT 'J'||n, repeat('x', 100) FROM "
        "generate_series(1, 20000) n");
    used = arena.used;
    assert_true(sink_postgres.dump(sink, STR("jobs"), &arena, count_rows, &count, &err));
    assert_int_equal(count, 20000);
    assert_true(arena.used - used < 1 << 20);
    assert_false(sink_postgres.dump(sink, STR("jobs"), &arena, stop_at_once, &count, &err));
    assert_says(err.text, "enough");
    write_done(RECORD_EFFECT, "J1", 1, "{\"set\":{\"note\":\"y\"}}");
}

/* A whole batch of the largest size, twice; what it writes is counted by the server. */
static void large_batch(void **state)
{
    (void)state;
    NEEDS_SERVER()
    migrate();
    for (size_t i = 0; i < SINK_BATCH_MAX; i++) {
        parcels[i] = make(RECORD_EFFECT, arena_printf(&arena, "J%zu", i).ptr, (int64_t)i + 1,
                          "{\"insert\":{\"note\":\"n\",\"who\":\"דנה \\\"x\\\" \\\\ {a,b} "
                          "NULL\"},\"inc\":{\"amount\":2},\"push\":{\"list\":\"\\\"\"}}");
    }
    for (int times = 0; times < 2; times++) {
        write_all(SINK_BATCH_MAX);
        assert_done(SINK_BATCH_MAX);
    }
    assert_sql("SELECT count(*)||','||sum(amount)||','||count(DISTINCT who)||','||max(list::text) "
               "FROM {s}.jobs WHERE who = 'דנה \"x\" \\ {a,b} NULL'",
               "4096,8192,1,[\"\\\"\"]");
}

/* Many parcels, K0 and up; `bad` has a day that is none. */
static void make_many(enum record_kind kind, size_t count, int64_t message, size_t bad)
{
    for (size_t i = 0; i < count; i++) {
        struct str key = arena_printf(&arena, "K%d", (int)i);
        struct str body =
            arena_printf(&arena,
                         "{\"set\":{\"who\":\"a\\tb\\n\\\\N\",\"amount\":%d,\"done\":true,"
                         "\"day\":\"%s\",\"note\":null,\"list\":[\"\\\\.\"]}}",
                         (int)message, i == bad ? "2025-02-30" : "2025-02-03");
        parcels[i] = make(kind, key.ptr, message + (int64_t)i, body.ptr);
    }
}

/* How the rows came since the last time: by COPY, or by INSERT. */
static void assert_ways(const char *expected)
{
    assert_sql("SELECT coalesce(string_agg(way, ' ' ORDER BY way), '') FROM (SELECT DISTINCT "
               "split_part(query, ' ', 1) AS way FROM {s}.ways) AS w",
               expected);
    run("TRUNCATE {s}.ways");
}

/* Many rows that are new are copied; where one is there after all, nothing is lost or doubled. */
static void copied(void **state)
{
    enum { MANY = 1500, UNSEEN = 7 }; /* UNSEEN is none of the sample. */
    (void)state;
    NEEDS_SERVER()
    migrate();
    run("CREATE TABLE {s}.ways(query text)");
    run("CREATE FUNCTION {s}.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO {s}.ways VALUES(current_query()); RETURN new; END $$; CREATE TRIGGER note "
        "BEFORE INSERT OR UPDATE ON {s}.jobs FOR EACH ROW EXECUTE FUNCTION {s}.note()");
    for (int kind = 0; kind < 2; kind++) {
        enum record_kind one = kind == 0 ? RECORD_EFFECT : RECORD_ABSOLUTE;
        make_many(one, MANY, 1, SIZE_MAX);
        write_all(MANY);
        assert_done(MANY);
        assert_sql("SELECT bool_and(query LIKE '%(FORMAT binary)')::text FROM {s}.ways", "true");
        assert_ways("COPY");
        assert_sql("SELECT count(*)||' '||min(to_json(who)::text)||' '||count(note)||' '||"
                   "min(day)||' '||min(list::text) FROM {s}.jobs",
                   "1500 \"a\\tb\\n\\\\N\" 0 2025-02-03 [\"\\\\.\"]");
        /* Again: all of it was applied. */
        run("UPDATE {s}.jobs SET note = 'mine'");
        write_all(MANY);
        assert_done(MANY);
        assert_sql("SELECT count(*) FROM {s}.jobs WHERE note = 'mine'", "1500");
        sink_up();
        /* Again, with the rows gone: what was applied is not applied twice. */
        run("TRUNCATE {s}.jobs");
        write_all(MANY);
        assert_done(MANY);
        assert_sql("SELECT count(*) FROM {s}.jobs", "0");
        sink_up();
        /* One row is there, unseen; with older sequences, or none. */
        run("TRUNCATE {s}.jobs; INSERT INTO {s}.jobs(number) VALUES('K7'); TRUNCATE {s}.ways");
        make_many(one, MANY, 10000, SIZE_MAX);
        write_all(MANY);
        assert_done(MANY);
        assert_ways("INSERT");
        assert_sql("SELECT count(*)||' '||sum(amount) FROM {s}.jobs", "1500 15000000");
        /* All are there. */
        make_many(one, MANY, 20000, SIZE_MAX);
        write_all(MANY);
        assert_done(MANY);
        assert_ways("UPDATE");
        assert_sql("SELECT count(*)||' '||sum(amount) FROM {s}.jobs", "1500 30000000");
        /* A day that is none is refused by itself. */
        run("TRUNCATE {s}.jobs; TRUNCATE {s}.sluice_seq; TRUNCATE {s}.ways");
        make_many(one, MANY, 30000, UNSEEN);
        write_all(MANY);
        assert_int_equal(parcels[UNSEEN].verdict, VERDICT_REJECT);
        assert_says(parcels[UNSEEN].why.ptr, "column day");
        parcels[UNSEEN].verdict = VERDICT_DONE;
        assert_done(MANY);
        assert_sql("SELECT count(*) FROM {s}.jobs", "1499");
        run("TRUNCATE {s}.jobs; TRUNCATE {s}.sluice_effects; TRUNCATE {s}.sluice_seq; "
            "TRUNCATE {s}.ways");
        sink_up();
    }
}

/* Each transaction may be on another connection of the server. */
static void copied_through_a_pooler(void **state)
{
    if (!started || !has_pooler()) {
        skip();
    }
    door = "pgbouncer";
    sink_up();
    copied(state);
}

/* Of many that are there, some are not, and one is removed by somebody else in the same moment. */
static void updated(void **state)
{
    enum { MANY = 1500 };
    (void)state;
    NEEDS_SERVER()
    migrate();
    run("CREATE TABLE {s}.ways(query text)");
    run("CREATE FUNCTION {s}.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO {s}.ways VALUES(current_query()); RETURN new; END $$; CREATE TRIGGER note "
        "BEFORE INSERT OR UPDATE ON {s}.jobs FOR EACH ROW EXECUTE FUNCTION {s}.note()");
    make_many(RECORD_ABSOLUTE, MANY, 1, SIZE_MAX);
    write_all(MANY);
    run("DELETE FROM {s}.jobs WHERE length(number) = 4; DELETE FROM {s}.sluice_seq WHERE "
        "entity LIKE 'K_'; TRUNCATE {s}.ways");
    /* Each row is written once, whether it was there or not, and so is each sequence. */
    make_many(RECORD_ABSOLUTE, MANY, 10000, SIZE_MAX);
    write_all(MANY);
    assert_done(MANY);
    assert_sql("SELECT count(*) FROM {s}.ways", "1500");
    assert_ways("INSERT UPDATE");
    assert_sql("SELECT count(*)||' '||sum(amount) FROM {s}.jobs", "1500 15000000");
    assert_sql("SELECT count(*)||' '||min(archive_id) FROM {s}.sluice_seq", "1500 10000");
    /* Numbers of the table's own sequence are taken for new rows only. */
    assert_sql("SELECT (max(id) < 3000)::text FROM {s}.jobs", "true");
    /* Half of them are older than what is there: those change nothing. */
    make_many(RECORD_ABSOLUTE, MANY, 20000, SIZE_MAX);
    for (size_t i = 0; i < MANY; i += 2) {
        parcels[i].effect.message = 5;
    }
    write_all(MANY);
    assert_done(MANY);
    assert_sql("SELECT count(*)||' '||sum(amount) FROM {s}.jobs", "1500 22500000");
    /* A trigger that leaves rows as they are: then it is no news that they are fewer. */
    run("CREATE FUNCTION {s}.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RETURN CASE WHEN new.number = 'K7' THEN NULL ELSE new END; END $$; CREATE TRIGGER akeep "
        "BEFORE UPDATE ON {s}.jobs FOR EACH ROW EXECUTE FUNCTION {s}.keep()");
    sink_up();
    make_many(RECORD_ABSOLUTE, MANY, 30000, SIZE_MAX);
    write_all(MANY);
    assert_done(MANY);
    assert_sql("SELECT count(*) FROM {s}.jobs WHERE amount = 30000", "1499");
}

static const struct {
    const char *field;
    const char *value;
} readings[] = {
    {"who", "\"דנה כהן-לוי, 17 years\""},
    {"who", "\"\""},
    {"who", "\"a\\\"b\\\\c\\/d\\be\\ff\\ng\\rh\\ti\""},
    {"who", "\"12345678\""},
    {"who", "\"1234567\\n\""},
    {"who", "\"\\u05d3\\ud83d\\ude00\""},
    {"who", "\"a\\u0000b\""},
    {"who", "\"tab\tinside\""},
    {"who", "\"bad \xff utf-8\""},
    {"who", "\"half \xd7\""},
    {"who", "\"a string that is longer than the twenty characters\""},
    {"who", "17"},
    {"who", "-17"},
    {"who", "017"},
    {"who", "1.5"},
    {"who", "true"},
    {"who", "null"},
    {"who", "[1]"},
    {"amount", "0"},
    {"amount", "-0"},
    {"amount", "00"},
    {"amount", "7"},
    {"amount", "-9223372036854775807"},
    {"amount", "9223372036854775807"},
    {"amount", "9223372036854775808"},
    {"amount", "999999999999999999"},
    {"amount", "1e3"},
    {"amount", "1.0"},
    {"amount", "\"7\""},
    {"small", "32767"},
    {"small", "-32767"},
    {"small", "-32768"},
    {"small", "32768"},
    {"middle", "2147483647"},
    {"middle", "2147483648"},
    {"price", "0.1"},
    {"price", "-0.5"},
    {"price", "-0.0"},
    {"price", "0"},
    {"price", "12"},
    {"price", "-12.25"},
    {"price", "0.30000000000000004"},
    {"price", "123456789012.345"},
    {"price", "9007199254740993"},
    {"price", "1e300"},
    {"price", "1."},
    {"price", ".5"},
    {"price", "--1"},
    {"done", "true"},
    {"done", "false"},
    {"done", "1"},
    {"done", "0"},
    {"done", "2"},
    {"done", "tru"},
    {"at", "\"2025-12-09T18:51:42.998Z\""},
    {"at", "\"1969-12-31T23:59:59.999Z\""},
    {"at", "\"0001-01-01T00:00:00.000Z\""},
    {"at", "\"9999-12-31T23:59:59.999Z\""},
    {"at", "\"2024-02-29T00:00:00.000Z\""},
    {"at", "\"2025-02-29T00:00:00.000Z\""},
    {"at", "\"2025-12-09T24:00:00.000Z\""},
    {"at", "\"2025-12-09T18:51:60.000Z\""},
    {"at", "\"2025-12-09T18:51:42Z\""},
    {"at", "\"2025-12-09T18:51:42.998+02:00\""},
    {"at", "\"0000-12-09T18:51:42.998Z\""},
    {"at", "\"yesterday\""},
    {"day", "\"2025-12-09\""},
    {"day", "\"1900-02-28\""},
    {"day", "\"1900-02-29\""},
    {"day", "\"2000-02-29\""},
    {"day", "\"2025-13-01\""},
    {"day", "\"2025-1-1\""},
    {"day", "\"2025-12-09 \""},
    {"list", "[1,\"א\",{\"a\":[true,false,null]},-5]"},
    {"list", "{}"},
    {"list", "[]"},
    {"list", "[1.10,1e2]"},
    {"list", "[[[[[[[[]]]]]]]]"},
    {"list", "\"text \\\" of one\""},
    {"list", "\"\\u0000\""},
    {"list", "true"},
    {"list", "5"},
    {"list", "[1,]"},
    {"list", "[1}"},
    {"list", "{\"a\" :1}"},
    {"list", "[tru]"},
    {"list", "[01]"},
    {"list", "[1"},
};

enum { CASES = sizeof readings / sizeof readings[0], READINGS = 2 };

static const struct column typed[] = {
    {"number", COLUMN_TEXT, true, NULL, ""},   {"who", COLUMN_TEXT, false, NULL, ""},
    {"note", COLUMN_TEXT, false, NULL, ""},    {"amount", COLUMN_INT, false, NULL, ""},
    {"small", COLUMN_INT, false, NULL, ""},    {"middle", COLUMN_INT, false, NULL, ""},
    {"price", COLUMN_DOUBLE, false, NULL, ""}, {"done", COLUMN_BOOL, false, NULL, ""},
    {"at", COLUMN_TIME, false, NULL, ""},      {"day", COLUMN_DATE, false, NULL, ""},
    {"list", COLUMN_JSON, false, NULL, ""},    {0},
};
static const struct target typed_jobs = {.name = "jobs", .key = "number", .columns = typed};
static const struct target *const typed_targets[] = {&typed_jobs, NULL};

/* A body in our own writing is read in one pass; with a blank in it, as JSON. Both mean one. */
static void two_readings(void **state)
{
    size_t refused = 0;
    (void)state;
    NEEDS_SERVER()
    run("CREATE SCHEMA {s}");
    run("CREATE TABLE {s}.jobs(number text PRIMARY KEY, who varchar(20), note text, amount bigint, "
        "small smallint, middle integer, price float8, done boolean, at timestamptz, day date, "
        "list jsonb)");
    sink_with(uri_of("postgres", "app", ""), typed_targets, NULL);
    migrate();
    for (size_t i = 0; i < CASES * READINGS; i++) {
        size_t at = i / READINGS;
        bool plain = i % READINGS == 0;
        struct str key = arena_printf(&arena, "%03zu%s", at, plain ? "a" : "b");
        struct str body = arena_printf(
            &arena, "{\"set\":{\"note\":\"n\",\"%s\":%s},\"insert\":{\"number\":\"%s\"}%s}",
            readings[at].field, readings[at].value, key.ptr, plain ? "" : " ");
        parcels[i] = make(RECORD_EFFECT, key.ptr, (int64_t)i + 1, body.ptr);
    }
    write_all(CASES * READINGS);
    for (size_t i = 0; i < CASES; i++) {
        const struct parcel *one = &parcels[i * READINGS];
        if (one[0].verdict != one[1].verdict || !str_equal(one[0].why, one[1].why)) {
            fail_msg("%s, %s: %d %.*s / %d %.*s", readings[i].field, readings[i].value,
                     (int)one[0].verdict, STR_ARG(one[0].why), (int)one[1].verdict,
                     STR_ARG(one[1].why));
        }
        refused += one[0].verdict == VERDICT_REJECT;
    }
    assert_true(refused > 20 && refused < CASES - 40);
    assert_sql("SELECT count(*) FROM {s}.jobs AS a JOIN {s}.jobs AS b ON b.number = "
               "left(a.number, 3)||'b' WHERE a.number LIKE '%a' AND to_jsonb(a) - 'number' <> "
               "to_jsonb(b) - 'number'",
               "0");
    assert_sql("SELECT count(*)::text FROM {s}.jobs",
               arena_printf(&arena, "%zu", READINGS * (CASES - refused)).ptr);
}

static void on_version_17(void **state)
{
    static const char *const words[] = {"python3", "tests/db/postgres_server.py", "{folder}", "17",
                                        NULL};
    static void (*const cases[])(void **) = {migrates,         unfit_tables,     conversions,
                                             without_an_index, some_are_refused, statements,
                                             large_batch};
    struct outside other;
    (void)state;
    if (!started || !outside_start(&other, words, 120)) {
        skip();
    }
    struct outside before = server;
    (void)teardown(NULL);
    server = other;
    schema_count = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void)setup(NULL);
        cases[i](NULL);
        (void)teardown(NULL);
    }
    (void)setup(NULL);
    assert_sql("SELECT current_setting('server_version_num')::int / 10000", "17");
    (void)teardown(NULL);
    outside_stop(&server);
    server = before;
    (void)setup(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(migrates, setup, teardown),
        cmocka_unit_test_setup_teardown(unfit_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(conversions, setup, teardown),
        cmocka_unit_test_setup_teardown(adopted, setup, teardown),
        cmocka_unit_test_setup_teardown(without_an_index, setup, teardown),
        cmocka_unit_test_setup_teardown(several_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(several_without_an_index, setup, teardown),
        cmocka_unit_test_setup_teardown(several_through_a_pooler, setup, teardown),
        cmocka_unit_test_setup_teardown(some_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(triggers, setup, teardown),
        cmocka_unit_test_setup_teardown(logins, setup, teardown),
        cmocka_unit_test_setup_teardown(shut_doors, setup, teardown),
        cmocka_unit_test_setup_teardown(expired, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_away, setup, teardown),
        cmocka_unit_test_setup_teardown(slow, setup, teardown),
        cmocka_unit_test_setup_teardown(statements, setup, teardown),
        cmocka_unit_test_setup_teardown(dumps, setup, teardown),
        cmocka_unit_test_setup_teardown(large_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(copied, setup, teardown),
        cmocka_unit_test_setup_teardown(copied_through_a_pooler, setup, teardown),
        cmocka_unit_test_setup_teardown(updated, setup, teardown),
        cmocka_unit_test_setup_teardown(two_readings, setup, teardown),
        cmocka_unit_test_setup_teardown(on_version_17, setup, teardown),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
