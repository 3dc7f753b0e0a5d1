/* postgres: against a real server with TLS (tests/db/postgres_server.py). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "db/postgres.h"
#include "db/sql.h"
#include "rig/outside.h"
#include "test.h"

enum { URI_SIZE = 1024 };

static struct outside server;
static bool started;
static struct arena arena;

static int setup(void **state)
{
    static const char *const words[] = {"python3", "tests/db/postgres_server.py", "{folder}", NULL};
    (void)state;
    arena_init(&arena, 256 << 20);
    started = outside_start(&server, words, 120);
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

/* "{d}" in a pattern is the folder of the certificates; the port and the database are added. */
static void make_uri(const char *pattern, char out[URI_SIZE])
{
    size_t len = 0;
    for (const char *at = pattern; *at != '\0' && len + 200 < URI_SIZE; at++) {
        if (strncmp(at, "{d}", 3) == 0) {
            len += (size_t)snprintf(out + len, URI_SIZE - len, "%s", server.folder);
            at += 2;
        } else {
            out[len++] = *at;
        }
    }
    (void)snprintf(out + len, URI_SIZE - len, " dbname=appdb port=%d",
                   outside_port(&server, "postgres"));
}

static bool try(const char *pattern, struct err *err)
{
    char uri[URI_SIZE];
    struct postgres *db = NULL;
    struct str one = {0};
    make_uri(pattern, uri);
    struct postgres_options options = {.uri = str_of(uri)};
    bool ok = postgres_open(&db, &options, err) &&
              postgres_one(db, "SELECT 1", NULL, 0, outside_soon(), &arena, &one, err);
    if (ok) {
        assert_str_equal(one, STR("1"));
    }
    postgres_close(db);
    return ok;
}

#define APP   "host=localhost user=app password=secret "
#define FULL  APP "sslmode=verify-full "
#define CA    "sslrootcert={d}/ca.crt "
#define BOUND "channel_binding=require "

/* The connection matrix; certificates in the order of the cases. */
static void the_matrix(void **state)
{
    static const struct {
        const char *certificate; /* NULL: as it is. */
        const char *uri;
        enum err_kind kind;
        const char *why; /* NULL: connects. */
    } cases[] = {
        {NULL, FULL CA BOUND, ERR_NONE, NULL},
        {NULL, APP "sslmode=require", ERR_NONE, NULL},
        {NULL, APP "sslmode=require sslrootcert={d}/otherca.crt", ERR_CONFIG, "not signed by"},
        {NULL, APP "sslmode=verify-ca " CA, ERR_NONE, NULL},
        {NULL, APP CA, ERR_NONE, NULL},
        {NULL, FULL "sslrootcert={d}/otherca.crt", ERR_CONFIG,
         "not signed by an authority we know"},
        {NULL, FULL "sslrootcert=/nonexistent.crt", ERR_CONFIG, "there is no such file"},
        {NULL, FULL "sslrootcert=/etc/hosts", ERR_CONFIG, "there is no certificate in it"},
        {NULL, FULL "sslrootcert={d}/cut.crt", ERR_CONFIG, "cut off"},
        {NULL, FULL "sslrootcert={d}/bundle.crt", ERR_NONE, NULL},
        {NULL, "host=127.0.0.1 user=app password=secret sslmode=verify-full " CA, ERR_NONE, NULL},
        {NULL, FULL CA "hostaddr=127.0.0.1 host=db1.wild.test", ERR_NONE, NULL},
        {NULL, FULL CA "hostaddr=127.0.0.1 host=a.b.wild.test", ERR_CONFIG, "for another host"},
        {NULL, FULL CA "hostaddr=127.0.0.1 host=rsa.test", ERR_CONFIG, "it is for localhost"},
        {NULL, FULL CA BOUND "password=nope", ERR_LOGIN, "password authentication failed"},
        {NULL, "host=localhost user=app sslmode=verify-full " CA, ERR_LOGIN, "wants a password"},
        {NULL, FULL CA "user=ghost", ERR_LOGIN, "password authentication failed"},
        {NULL, FULL CA "dbname=nowhere", ERR_NONE, NULL}, /* The last dbname counts. */
        {NULL, APP "sslmode=disable", ERR_LOGIN, "no encryption"},
        {NULL, "host=localhost user=plain password=secret sslmode=disable", ERR_NONE, NULL},
        {NULL, "host=localhost user=md5user password=md5pw sslmode=verify-full " CA, ERR_NONE,
         NULL},
        {NULL, "host=localhost user=md5user password=md5pw sslmode=verify-full " CA BOUND,
         ERR_CONFIG, "channel binding"},
        {NULL, FULL CA "channel_binding=disable", ERR_NONE, NULL},
        {NULL, FULL CA "ssl_min_protocol_version=TLSv1.3", ERR_CONFIG, "TLS 1.2 is spoken"},
        {NULL, FULL CA "ssl_max_protocol_version=TLSv1.1", ERR_CONFIG, "protocol version"},
        {NULL, FULL CA "sslcrl={d}/ca.crt", ERR_CONFIG, "not supported"},
        {NULL, FULL CA "sslcert={d}/rsa.crt", ERR_CONFIG, "not supported"},
        {NULL, FULL CA "sslsni=0", ERR_NONE, NULL},
        {NULL, FULL "sslrootcert={d}/rsa.crt", ERR_NONE, NULL},
        {NULL, FULL CA "sslnegotiation=direct", ERR_RETRY, ""}, /* PostgreSQL 15 has it not. */
        {"rsa384", FULL CA BOUND, ERR_NONE, NULL},
        {"rsa512", FULL CA BOUND, ERR_NONE, NULL},
        {"weakhash", FULL CA BOUND, ERR_CONFIG, "SHA-1"},
        {NULL, APP "sslmode=require " BOUND, ERR_NONE, NULL},
        {"ec", FULL "sslrootcert={d}/ecca.crt " BOUND, ERR_NONE, NULL},
        {"ec384", FULL "sslrootcert={d}/ecca.crt " BOUND, ERR_NONE, NULL},
        {"chain", FULL CA BOUND, ERR_NONE, NULL},
        {"expired", FULL CA, ERR_RETRY, "expired on 2025-01-01"},
        {NULL, APP "sslmode=require", ERR_NONE, NULL},
        {"future", FULL CA, ERR_RETRY, "valid only from 2040-01-01"},
        {"wrong", FULL CA, ERR_CONFIG, "other.example"},
        {NULL, APP "sslmode=verify-ca " CA, ERR_NONE, NULL},
        {"pss", FULL CA, ERR_CONFIG, "not supported"},
        {NULL, APP "sslmode=require " BOUND, ERR_NONE, NULL},
        {"ed25519", FULL CA, ERR_CONFIG, "shares no cipher or key type"},
        {NULL, APP "sslmode=require", ERR_CONFIG, "shares no cipher or key type"},
        {"constrained", FULL CA, ERR_CONFIG, "name constraints"},
        {"oldroot", FULL "sslrootcert={d}/expiredca.crt", ERR_CONFIG, "own certificate expired"},
        {"rsa", FULL CA BOUND, ERR_NONE, NULL},
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        char ask[64];
        if (cases[i].certificate != NULL) {
            (void)snprintf(ask, sizeof ask, "cert %s", cases[i].certificate);
            outside_ask(&server, ask);
        }
        bool ok = try(cases[i].uri, &err);
        if (ok != (cases[i].why == NULL)) {
            fail_msg("case %zu, %s: %s", i, cases[i].uri, ok ? "connected" : err.text);
        }
        if (!ok && (strstr(err.text, cases[i].why) == NULL || err.kind != cases[i].kind ||
                    strchr(err.text, '\n') != NULL || strstr(err.text, "secret") != NULL)) {
            fail_msg("case %zu, %s: %s: \"%s\" does not say \"%s\"", i, cases[i].uri,
                     err_kind_name(err.kind), err.text, cases[i].why);
        }
    }
}

/* Without any server: what a URI may say, and what the rules about public ways make of it. */
static void uris(void **state)
{
    static const struct {
        const char *uri;
        bool allow_insecure;
        const char *why;  /* NULL: fine. */
        const char *note; /* Part of it, "" for none. */
    } cases[] = {
        {"postgresql://u:p@ep-cool-1.eu-central-1.aws.neon.tech/db?sslmode=require&"
         "channel_binding=require",
         false, NULL, ""},
        {"postgres://u:p@db.example.com/db", false, NULL, ""},
        {"postgresql://u:p@db.example.com/db?sslmode=require", false, NULL, "nobody checks who"},
        {"postgresql://u:p@db.example.com/db?sslmode=disable", false, "in the clear", NULL},
        {"postgresql://u:p@db.example.com/db?sslmode=prefer", false, "in the clear", NULL},
        {"postgresql://u:p@192.168.1.5,db.example.com/db?sslmode=allow", false, "in the clear",
         NULL},
        {"postgresql://u:p@db.example.com/db?sslmode=disable", true, NULL, "TLS is not required"},
        {"postgresql://u:p@10.1.2.3/db", false, NULL, "TLS is not required"},
        {"postgresql://u:p@postgres/db", false, NULL, "TLS is not required"},
        {"postgresql://u:p@localhost/db", false, NULL, ""},
        {"postgresql:///db?host=/var/run/postgresql&user=u", false, NULL, ""},
        {"postgresql://localhost/db", false, "names no user", NULL},
        {"", false, "is empty", NULL},
        {"mysql://u:p@localhost/db", false, "not right", NULL},
        {"postgresql://u:50%off@localhost/db", false, "%25", NULL},
        {"postgresql://u:p@localhost/db?colour=blue", false, "does not know", NULL},
        {"postgresql://u:p@localhost/db?passfile=x", false, "not supported", NULL},
        {"service=other user=u", false, "not supported", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct postgres *db = NULL;
        struct err err = {0};
        struct postgres_options options = {.uri = str_of(cases[i].uri),
                                           .allow_insecure = cases[i].allow_insecure};
        bool ok = postgres_open(&db, &options, &err);
        if (ok != (cases[i].why == NULL)) {
            fail_msg("%s: %s", cases[i].uri, ok ? "taken" : err.text);
        }
        if (!ok) {
            assert_int_equal(err.kind, ERR_CONFIG);
            if (strstr(err.text, cases[i].why) == NULL || strstr(err.text, "50%off") != NULL) {
                fail_msg("%s: \"%s\"", cases[i].uri, err.text);
            }
            continue;
        }
        struct str note = postgres_note(db);
        if (cases[i].note[0] == '\0' ? note.len > 0 : strstr(note.ptr, cases[i].note) == NULL) {
            fail_msg("%s: note \"%s\"", cases[i].uri, note.ptr);
        }
        postgres_close(db);
    }
}

static struct postgres *open_db(const char *pattern, bool prepare)
{
    char uri[URI_SIZE];
    struct postgres *db = NULL;
    struct err err = {0};
    make_uri(pattern, uri);
    struct postgres_options options = {.uri = str_of(uri), .prepare = prepare};
    if (!postgres_open(&db, &options, &err) || !postgres_connect(db, outside_soon(), &err)) {
        fail_msg("%s", err.text);
    }
    return db;
}

static void must_run(struct postgres *db, const char *sql)
{
    struct err err = {0};
    if (!postgres_script(db, sql, outside_soon(), &err)) {
        fail_msg("%s: %s", sql, err.text);
    }
}

static struct str must_one(struct postgres *db, const char *sql)
{
    struct err err = {0};
    struct str out = {0};
    if (!postgres_one(db, sql, NULL, 0, outside_soon(), &arena, &out, &err)) {
        fail_msg("%s: %s", sql, err.text);
    }
    return out;
}

/* Values come back as they went, whatever is in them; prepared or not. */
static void values_travel(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    for (int prepare = 0; prepare < 2; prepare++) {
        static const char sql[] = "SELECT $1::text, $2::int8 + 1, $3::text IS NULL";
        struct postgres *db = open_db(FULL CA, prepare == 1);
        for (int i = 0; i < 3; i++) {
            static const char odd[] = "שלום '\"\\ $1 \n\t{} \xF0\x9F\x98\x80";
            struct str values[] = {STR_INIT(odd), STR_INIT("41"), {0}};
            struct err err = {0};
            bool row = false;
            assert_true(postgres_query(db, sql, values, 3, outside_soon(), &err));
            assert_true(postgres_next(db, &row, &err));
            assert_true(row);
            assert_str_equal(postgres_text(db, 0), STR(odd));
            assert_str_equal(postgres_text(db, 1), STR("42"));
            assert_str_equal(postgres_text(db, 2), STR("t"));
            assert_true(postgres_next(db, &row, &err));
            assert_false(row);
        }
        assert_true(postgres_version(db) >= 130000);
        assert_true(str_starts(postgres_tls(db, &arena), STR("TLSv1.2 ECDHE")));
        postgres_close(db);
    }
}

/* What the server refuses is graded and worded, names places, and never values. */
static void refusals(void **state)
{
    static const struct {
        const char *sql;
        struct str value;
        enum err_kind kind;
        const char *state;
        const char *why;
    } cases[] = {
        {"INSERT INTO shop(n) VALUES($1::text::int)", STR_INIT("0501234567x"), ERR_REJECT, "22P02",
         "invalid input syntax for type integer"},
        {"INSERT INTO shop(n) VALUES($1::int)", STR_INIT("99999999999"), ERR_REJECT, "22003",
         "out of range"},
        {"INSERT INTO shop(short) VALUES($1)", STR_INIT("0501234567"), ERR_REJECT, "22001",
         "value too long"},
        {"INSERT INTO shop(day) VALUES($1::text::date)", STR_INIT("2025-13-77"), ERR_REJECT,
         "22008", "out of range"},
        {"INSERT INTO shop(name, n) VALUES($1, NULL)", STR_INIT("x"), ERR_REJECT, "23502",
         "column n"},
        {"INSERT INTO shop(name, n) VALUES($1, 1)", STR_INIT("taken"), ERR_REJECT, "23505",
         "shop_name_key"},
        {"INSERT INTO shop(name, n) VALUES($1, -1)", STR_INIT("y"), ERR_REJECT, "23514",
         "positive"},
        {"INSERT INTO nothere(name) VALUES($1)", STR_INIT("x"), ERR_CONFIG, "42P01",
         "does the table exist"},
        {"INSERT INTO shop(nothere) VALUES($1)", STR_INIT("x"), ERR_CONFIG, "42703",
         "does the column exist"},
        {"SELEKT $1", STR_INIT("x"), ERR_CONFIG, "42601", "syntax error"},
        {"SELECT count(*) FROM pg_authid WHERE rolname = $1", STR_INIT("x"), ERR_CONFIG, "42501",
         "permission denied"},
    };
    (void)state;
    if (!started) {
        skip();
    }
    struct postgres *db = open_db(FULL CA, false);
    must_run(db, "DROP TABLE IF EXISTS shop; CREATE TABLE shop(name text UNIQUE, n int NOT NULL "
                 "DEFAULT 0 CONSTRAINT positive CHECK (n >= 0), short varchar(3), day date); "
                 "INSERT INTO shop(name, n) VALUES('taken', 1)");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        assert_false(
            postgres_exec(db, cases[i].sql, &cases[i].value, 1, outside_soon(), NULL, &err));
        if (err.kind != cases[i].kind || strcmp(postgres_state(db), cases[i].state) != 0 ||
            strstr(err.text, cases[i].why) == NULL) {
            fail_msg("%s: %s %s \"%s\"", cases[i].sql, err_kind_name(err.kind), postgres_state(db),
                     err.text);
        }
        if (strstr(err.text, "050123") != NULL || strstr(err.text, "99999") != NULL) {
            fail_msg("a value is in \"%s\"", err.text);
        }
        assert_str_equal(must_one(db, "SELECT 7"), STR("7")); /* The connection goes on. */
    }
    struct err err = {0};
    struct str nul = {"a\0b", 3};
    assert_false(postgres_exec(db, "SELECT $1::text", &nul, 1, outside_soon(), NULL, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    postgres_close(db);
}

static void transactions(void **state)
{
    struct err err = {0};
    int64_t rows = 0;
    (void)state;
    if (!started) {
        skip();
    }
    struct postgres *db = open_db(FULL CA, false);
    must_run(db, "DROP TABLE IF EXISTS t; CREATE TABLE t(a int)");
    assert_true(postgres_begin(db, outside_soon(), &err));
    assert_true(postgres_exec(db, "INSERT INTO t SELECT generate_series(1, 5)", NULL, 0,
                              outside_soon(), &rows, &err));
    assert_int_equal(rows, 5);
    postgres_rollback(db, outside_soon());
    assert_false(postgres_in_transaction(db));
    assert_str_equal(must_one(db, "SELECT count(*) FROM t"), STR("0"));

    /* A failed statement makes COMMIT a failure, and not a silent ROLLBACK. */
    assert_true(postgres_begin(db, outside_soon(), &err));
    must_run(db, "INSERT INTO t VALUES(1)");
    assert_false(postgres_exec(db, "SELECT 1/0", NULL, 0, outside_soon(), NULL, &err));
    assert_false(postgres_commit(db, outside_soon(), &err));
    assert_false(postgres_in_transaction(db));
    assert_str_equal(must_one(db, "SELECT count(*) FROM t"), STR("0"));

    /* A lost connection takes its transaction with it, and COMMIT says so. */
    assert_true(postgres_begin(db, outside_soon(), &err));
    must_run(db, "INSERT INTO t VALUES(1)");
    outside_ask(&server, "stop");
    outside_ask(&server, "start");
    assert_false(postgres_commit(db, outside_soon(), &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_str_equal(must_one(db, "SELECT count(*) FROM t"), STR("0"));
    postgres_close(db);
}

/* A million rows in little memory. */
static void large_results(void **state)
{
    struct err err = {0};
    bool row = true;
    int64_t count = 0;
    (void)state;
    if (!started) {
        skip();
    }
    struct postgres *db = open_db(FULL CA, false);
    assert_true(postgres_query(db,
                               "SELECT i, md5(i::text), repeat('x', 60) FROM "
                               "generate_series(1, 300000) i",
                               NULL, 0, now_ms() + 120000, &err));
    while (postgres_next(db, &row, &err) && row) {
        count++;
        assert_int_equal(postgres_text(db, 2).len, 60);
    }
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(count, 300000);

    /* Stopping early costs no reading to the end, and the connection goes on. */
    int64_t began = now_ms();
    assert_true(postgres_query(db, "SELECT generate_series(1, 100000000), repeat('y', 100)", NULL,
                               0, outside_soon(), &err));
    assert_true(postgres_next(db, &row, &err) && row);
    postgres_end(db);
    assert_true(now_ms() - began < 10000);
    assert_str_equal(must_one(db, "SELECT 7"), STR("7"));

    /* A failure in the middle of the rows is a failure. */
    assert_true(postgres_query(db, "SELECT 1/(i-5000) FROM generate_series(1, 10000) i", NULL, 0,
                               outside_soon(), &err));
    bool ok = true;
    while ((ok = postgres_next(db, &row, &err)) && row) {
    }
    assert_false(ok);
    assert_string_equal(postgres_state(db), "22012");
    assert_str_equal(must_one(db, "SELECT 8"), STR("8"));
    postgres_close(db);
}

static void copying(void **state)
{
    struct err err = {0};
    struct buf buf;
    int64_t rows = 0;
    (void)state;
    if (!started) {
        skip();
    }
    struct postgres *db = open_db(FULL CA, false);
    must_run(db, "DROP TABLE IF EXISTS c; CREATE TABLE c(a text, b text)");
    assert_true(postgres_copy_begin(db, "COPY c FROM STDIN", outside_soon(), &err));
    buf_init(&buf, &arena, 1 << 20);
    for (int i = 0; i < 200000; i++) {
        postgres_copy_field(&buf, STR("tab\there\\ and\nline"));
        buf_add_byte(&buf, '\t');
        postgres_copy_field(&buf, (struct str){0});
        buf_add_byte(&buf, '\n');
    }
    assert_true(buf_ok(&buf));
    assert_true(postgres_copy_put(db, buf_str(&buf), &err));
    assert_true(postgres_copy_end(db, true, &rows, &err));
    assert_int_equal(rows, 200000);
    assert_str_equal(must_one(db, "SELECT count(*) FROM c WHERE a = E'tab\\there\\\\ and\\nline' "
                                  "AND b IS NULL"),
                     STR("200000"));
    assert_true(postgres_copy_begin(db, "COPY c FROM STDIN", outside_soon(), &err));
    assert_true(postgres_copy_put(db, STR("x\ty\n"), &err));
    assert_true(postgres_copy_end(db, false, &rows, &err));
    assert_true(postgres_copy_begin(db, "COPY c FROM STDIN", outside_soon(), &err));
    assert_true(postgres_copy_put(db, STR("too\tmany\tfields\n"), &err));
    assert_false(postgres_copy_end(db, true, &rows, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_str_equal(must_one(db, "SELECT count(*) FROM c"), STR("200000"));
    assert_false(postgres_copy_begin(db, "SELECT 1", outside_soon(), &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(postgres_copy_begin(db, "COPY nothere FROM STDIN", outside_soon(), &err));
    assert_string_equal(postgres_state(db), "42P01");
    err = (struct err){0};
    assert_false(postgres_exec(db, "COPY c TO STDOUT", NULL, 0, outside_soon(), NULL, &err));
    assert_str_equal(must_one(db, "SELECT 9"), STR("9"));
    postgres_close(db);
}

static void arrays_and_names(void **state)
{
    struct err err = {0};
    struct buf buf;
    (void)state;
    if (!started) {
        skip();
    }
    struct postgres *db = open_db(FULL CA, false);
    buf_init(&buf, &arena, 0);
    buf_add_byte(&buf, '{');
    postgres_array_item(&buf, true, STR("a\"b\\c,{}"));
    postgres_array_item(&buf, false, (struct str){0});
    postgres_array_item(&buf, false, STR("NULL"));
    postgres_array_item(&buf, false, STR(""));
    buf_add_byte(&buf, '}');
    struct str array = buf_str(&buf);
    struct str out = {0};
    assert_true(postgres_one(db,
                             "SELECT string_agg(coalesce(x, '-'), '|') FROM unnest($1::text[]) x",
                             &array, 1, outside_soon(), &arena, &out, &err));
    assert_str_equal(out, STR("a\"b\\c,{}|-|NULL|"));
    struct buf sql;
    buf_init(&sql, &arena, 0);
    buf_add(&sql, STR("SELECT 5 AS "));
    sql_add_name(&sql, STR("od\"d; DROP TABLE x"));
    bool row = false;
    assert_true(postgres_query(db, buf_str(&sql).ptr, NULL, 0, outside_soon(), &err));
    assert_true(postgres_next(db, &row, &err) && row);
    assert_str_equal(postgres_column_name(db, 0), STR("od\"d; DROP TABLE x"));
    postgres_end(db);
    postgres_close(db);
}

static bool stop_now(void *context)
{
    return now_ms() > *(int64_t *)context;
}

/* Deadlines hold, a statement that ran into one is cancelled there, and a stop is heeded. */
static void deadlines(void **state)
{
    char uri[URI_SIZE];
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct postgres *db = open_db(FULL CA, false);
    int64_t began = now_ms();
    assert_false(postgres_exec(db, "SELECT pg_sleep(30)", NULL, 0, began + 500, NULL, &err));
    assert_true(now_ms() - began < 4000);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "no answer in time"));
    assert_true(postgres_connected(db)); /* Cancelled, not cut. */
    assert_str_equal(must_one(db,
                              "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND "
                              "query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()"),
                     STR("0"));
    postgres_close(db);

    make_uri(FULL CA, uri);
    int64_t stop_ms = now_ms() + 300;
    struct postgres_options options = {
        .uri = str_of(uri), .stopping = stop_now, .stopping_context = &stop_ms};
    assert_true(postgres_open(&db, &options, &err));
    began = now_ms();
    assert_false(postgres_exec(db, "SELECT pg_sleep(30)", NULL, 0, outside_soon(), NULL, &err));
    assert_int_equal(err.kind, ERR_STOP);
    assert_true(now_ms() - began < 4000);
    postgres_close(db);

    /* A server that stands still: connecting and asking end at the deadline. */
    db = open_db(FULL CA, false);
    outside_ask(&server, "pause");
    began = now_ms();
    assert_false(postgres_exec(db, "SELECT 1", NULL, 0, began + 700, NULL, &err));
    assert_true(now_ms() - began < 6000);
    postgres_close(db);
    struct postgres_options plain = {.uri = str_of(uri)};
    assert_true(postgres_open(&db, &plain, &err));
    began = now_ms();
    assert_false(postgres_connect(db, began + 700, &err));
    assert_true(now_ms() - began < 2000);
    assert_int_equal(err.kind, ERR_RETRY);
    outside_ask(&server, "resume");
    assert_true(postgres_connect(db, outside_soon(), &err));
    postgres_close(db);
}

/* Down is not "not there": it is a retry, and the next use connects by itself. */
static void coming_back(void **state)
{
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct postgres *db = open_db(FULL CA, true);
    assert_str_equal(must_one(db, "SELECT 1"), STR("1"));
    outside_ask(&server, "stop");
    assert_false(postgres_exec(db, "SELECT 1", NULL, 0, outside_soon(), NULL, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_false(postgres_exec(db, "SELECT 1", NULL, 0, outside_soon(), NULL, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "refused"));
    outside_ask(&server, "start");
    assert_str_equal(must_one(db, "SELECT 2"), STR("2"));
    outside_ask(&server, "sql SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                         "usename = 'app'");
    err = (struct err){0};
    assert_false(postgres_exec(db, "SELECT 1", NULL, 0, outside_soon(), NULL, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_str_equal(must_one(db, "SELECT 3"), STR("3"));
    postgres_close(db);
}

/* libpq would take much from variables, which would count beside the configuration. */
static void variables_do_not_count(void **state)
{
    static const char *const variables[][2] = {
        {"PGOPTIONS", "-c statement_timeout=1 -c datestyle=German"},
        {"PGSERVICE", "nothere"},
        {"PGSSLCRL", "/nothere"},
        {"PGHOSTADDR", "192.0.2.1"},
        {"PGREQUIREAUTH", "none"},
        {"PGDATESTYLE", "German"},
        {"PGTZ", "Asia/Tokyo"},
        {"PGSSLMAXPROTOCOLVERSION", "TLSv1.1"},
        {"PGCHANNELBINDING", "disable"},
        {"PGPASSWORD", "wrong"}, /* invented */
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(variables); i++) {
        (void)setenv(variables[i][0], variables[i][1], 1);
    }
    struct postgres *db = open_db(FULL CA BOUND, false);
    assert_str_equal(must_one(db, "SELECT pg_sleep(0.05)"), STR(""));
    assert_str_equal(must_one(db, "SELECT '2026-01-02'::date"), STR("2026-01-02"));
    assert_true(!str_equal(must_one(db, "SHOW timezone"), STR("Asia/Tokyo")));
    postgres_close(db);
    for (size_t i = 0; i < COUNT(variables); i++) {
        (void)unsetenv(variables[i][0]);
    }
}

/* Nobody asks for a password: noted here, refused on a public way (judged in `uris` by its looks).
 */
static void without_password(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    struct postgres *db = open_db("host=localhost user=open sslmode=verify-full " CA, false);
    assert_non_null(strstr(postgres_note(db).ptr, "asks for no password"));
    postgres_close(db);
    char uri[URI_SIZE];
    struct err err = {0};
    make_uri("host=db.example.com hostaddr=127.0.0.1 user=open sslmode=verify-ca " CA, uri);
    struct postgres_options options = {.uri = str_of(uri)};
    assert_true(postgres_open(&db, &options, &err));
    assert_false(postgres_connect(db, outside_soon(), &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "anybody can write"));
    postgres_close(db);
    options.allow_insecure = true;
    assert_true(postgres_open(&db, &options, &err));
    assert_true(postgres_connect(db, outside_soon(), &err));
    postgres_close(db);
}

/* A connection to another server than the one of the group. */
static bool reach(const struct outside *other, const char *port, const char *words,
                  struct postgres **db, struct err *err)
{
    char uri[URI_SIZE];
    (void)snprintf(uri, sizeof uri, FULL "sslrootcert=%s/ca.crt dbname=appdb port=%d %s",
                   other->folder, outside_port(other, port), words);
    struct postgres_options options = {.uri = str_of(uri)};
    return postgres_open(db, &options, err) && postgres_connect(*db, outside_soon(), err);
}

/*
 * PostgreSQL 17 speaks TLS from the first byte when it is asked to, and agrees on a protocol then
 * (ALPN). PgBouncer in transaction mode stands between: statements work, transactions hold
 * together, and a channel cannot be bound because PgBouncer offers no binding.
 */
static void direct_tls_and_a_pooler(void **state)
{
    static const char *const words[] = {
        "python3", "tests/db/postgres_server.py", "{folder}", "17", "pgbouncer", NULL};
    struct outside other;
    struct postgres *db = NULL;
    struct err err = {0};
    (void)state;
    if (!outside_start(&other, words, 120)) {
        skip();
    }
    bool ok = reach(&other, "postgres", BOUND "sslnegotiation=direct", &db, &err);
    assert_string_equal(err.text, "");
    assert_true(ok);
    assert_true(postgres_version(db) >= 170000);
    assert_true(str_starts(postgres_tls(db, &arena), STR("TLSv1.2 ECDHE")));
    assert_str_equal(must_one(db, "SELECT 1"), STR("1"));
    postgres_close(db);

    ok = reach(&other, "pgbouncer", "", &db, &err);
    assert_string_equal(err.text, "");
    assert_true(ok);
    must_run(db, "CREATE TABLE pooled(a int)");
    for (int i = 0; i < 20; i++) {
        assert_true(postgres_begin(db, outside_soon(), &err));
        must_run(db, "INSERT INTO pooled VALUES(1)");
        if (i % 2 == 0) {
            assert_true(postgres_commit(db, outside_soon(), &err));
        } else {
            postgres_rollback(db, outside_soon());
        }
    }
    assert_str_equal(must_one(db, "SELECT count(*) FROM pooled"), STR("10"));
    int64_t began = now_ms();
    assert_false(postgres_exec(db, "SELECT pg_sleep(30)", NULL, 0, began + 500, NULL, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_true(now_ms() - began < 4000);
    assert_str_equal(must_one(db, "SELECT 3"), STR("3"));
    postgres_close(db);
    db = NULL;
    assert_false(reach(&other, "pgbouncer", BOUND, &db, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "channel binding"));
    postgres_close(db);
    db = NULL;
    assert_false(reach(&other, "pgbouncer", "password=nope", &db, &err));
    assert_int_equal(err.kind, ERR_LOGIN); /* PgBouncer itself calls it a protocol violation. */
    assert_non_null(strstr(err.text, "are user and password right"));
    postgres_close(db);
    db = NULL;
    assert_false(reach(&other, "pgbouncer", "user=ghost", &db, &err));
    assert_int_equal(err.kind, ERR_LOGIN);
    postgres_close(db);
    outside_stop(&other);
}

static void *connect_often(void *context)
{
    char uri[URI_SIZE];
    make_uri(FULL CA BOUND, uri);
    for (int i = 0; i < 10; i++) {
        struct postgres *db = NULL;
        struct err err = {0};
        struct postgres_options options = {.uri = str_of(uri)};
        bool ok = postgres_open(&db, &options, &err) &&
                  postgres_exec(db, "SELECT 1", NULL, 0, outside_soon(), NULL, &err);
        postgres_close(db);
        if (!ok) {
            *(bool *)context = false;
        }
    }
    return NULL;
}

static void many_threads(void **state)
{
    enum { THREADS = 6 };
    struct thread threads[THREADS];
    bool fine[THREADS];
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    for (int i = 0; i < THREADS; i++) {
        fine[i] = true;
        assert_true(thread_start(&threads[i], connect_often, &fine[i], false, &err));
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
        assert_true(fine[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris),
        cmocka_unit_test(the_matrix),
        cmocka_unit_test(values_travel),
        cmocka_unit_test(refusals),
        cmocka_unit_test(transactions),
        cmocka_unit_test(large_results),
        cmocka_unit_test(copying),
        cmocka_unit_test(arrays_and_names),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(coming_back),
        cmocka_unit_test(variables_do_not_count),
        cmocka_unit_test(without_password),
        cmocka_unit_test(direct_tls_and_a_pooler),
        cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
