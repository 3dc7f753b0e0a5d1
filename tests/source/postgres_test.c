/* postgres as a source: against a real server with TLS (tests/db/postgres_server.py). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres.h"
#include "rig/outside.h"
#include "source/postgres.h"
#include "source/select_rig.h"
#include "test.h"

enum { OPTIONS_SIZE = 2048, LARGE_ROWS = 1000000, GROWTH_KIB = 40 * 1024 };

static struct outside server;
static bool started;
static struct postgres *boss; /* Writes what is read. */

static void make_uri(const char *user, char *out, size_t size)
{
    (void)snprintf(
        out, size,
        "host=localhost user=%s password=secret dbname=appdb sslmode=verify-full " /* invented */
        "sslrootcert=%s/ca.crt port=%d",
        user, server.folder, outside_port(&server, "postgres"));
}

static void sql(const char *text)
{
    struct err err = {0};
    if (!postgres_script(boss, text, outside_soon(), &err)) {
        fail_msg("%s", err.text);
    }
}

static int setup(void **state)
{
    static const char *const words[] = {"python3", "tests/db/postgres_server.py", "{folder}", NULL};
    char uri[1024];
    struct err err = {0};
    (void)state;
    select_rig_setup();
    started = outside_start(&server, words, 120);
    if (started) {
        make_uri("app", uri, sizeof uri);
        struct postgres_options options = {.uri = str_of(uri), .clock = clock_system()};
        assert_true(postgres_open(&boss, &options, &err));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    select_rig_teardown();
    postgres_close(boss);
    outside_stop(&server);
    return 0;
}

static void begin_as(const char *user, const char *options)
{
    char uri[1024];
    char all[OPTIONS_SIZE];
    /* A conninfo has '=' and no '|', so it may stand in the rig's options. */
    make_uri(user, uri, sizeof uri);
    (void)snprintf(all, sizeof all, "uri=%s|%s", uri, options);
    select_rig_begin(&source_postgres, all);
}

static void begin(const char *options)
{
    begin_as("app", options);
}

static void leads(void)
{
    sql("DROP SCHEMA IF EXISTS crm CASCADE; CREATE SCHEMA crm;"
        "CREATE TABLE crm.leads(id bigserial PRIMARY KEY, at timestamptz DEFAULT now(), phone text,"
        " note text, price numeric(10,2), score float8, open boolean, more jsonb, day date,"
        " tags text[])");
}

static void values(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    leads();
    sql("INSERT INTO crm.leads VALUES(7,'2025-12-09 12:00:00.123456+02','0550000001','שלום',1.50,"
        "'NaN',true,'{\"b\": [1, 2.0], \"א\": null}','2025-12-09','{a,b}')");
    select_rig_extra = true;
    begin("table=crm.leads|cursor_column=id|text_column=note|time_column=at");
    assert_string_equal(
        select_rig_look(10),
        "7 שלום {\"id\":7,\"at\":\"2025-12-09T10:00:00.123456Z\",\"phone\":\"0550000001\",\"note\":"
        "\"שלום\",\"price\":1.50,\"score\":\"NaN\",\"open\":true,\"more\":{\"b\":[1,2.0],\"א\":"
        "null},"
        "\"day\":\"2025-12-09\",\"tags\":\"{a,b}\"}\n");
    select_rig_extra = false;
}

static void batches_and_ties(void **state)
{
    char sum[4096] = "";
    (void)state;
    if (!started) {
        skip();
    }
    leads();
    sql("INSERT INTO crm.leads(id,at,note) SELECT g,'2025-12-09 "
        "10:00Z'::timestamptz+(g/5)*interval "
        "'1 us','n'||g FROM generate_series(1,23) g");
    begin("table=leads|schema=crm|cursor_column=at|id_column=id|text_column=note|overlap=0s");
    for (bool more = true; more;) {
        const char *seen = select_rig_look(4);
        more = strstr(seen, "more") != NULL;
        (void)strncat(sum, seen, sizeof sum - strlen(sum) - 1);
    }
    for (int i = 1; i <= 23; i++) {
        char line[32];
        (void)snprintf(line, sizeof line, "%d n%d\n", i, i);
        select_rig_has(sum, line);
    }
    assert_string_equal(select_rig_look(4), "");
    sql("INSERT INTO crm.leads(id,at,note) VALUES(24,now(),'new')");
    assert_string_equal(select_rig_look(4), "24 new\n");
}

/* A transaction that took a lower number and commits later. */
static void commits_out_of_order(void **state)
{
    char uri[1024];
    struct err err = {0};
    struct postgres *slow = NULL;
    (void)state;
    if (!started) {
        skip();
    }
    leads();
    make_uri("app", uri, sizeof uri);
    struct postgres_options options = {.uri = str_of(uri), .clock = clock_system()};
    assert_true(postgres_open(&slow, &options, &err));
    assert_true(postgres_begin(slow, outside_soon(), &err));
    assert_true(postgres_exec(slow, "INSERT INTO crm.leads(note) VALUES('slow')", NULL, 0,
                              outside_soon(), NULL, &err));
    sql("INSERT INTO crm.leads(note) VALUES('quick')");
    begin("table=crm.leads|cursor_column=id|text_column=note|columns=phone");
    assert_string_equal(select_rig_look(10), "2 quick\n");
    assert_true(postgres_commit(slow, outside_soon(), &err));
    assert_string_equal(select_rig_look(10), "1 slow\n2 quick\n");
    postgres_close(slow);
}

static void queries(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    leads();
    sql("INSERT INTO crm.leads(id,phone,note) VALUES(1,'1','a'),(2,'2','b''; DROP'),(3,'1','c')");
    begin("query=SELECT id, note, phone::int AS nr FROM crm.leads WHERE phone = :who OR id > "
          ":min::bigint -- the end|parameters=who:2,min:2|cursor_column=id|text_column=note|"
          "chat_column=nr");
    assert_string_equal(select_rig_look(10), "2 b'; DROP\n3 c\n");
}

static void mistakes(void **state)
{
    static const char *const cases[][3] = {
        {"app", "table=crm.lead|cursor_column=id", "crm.lead"},
        {"app", "table=crm.leads|cursor_column=nr",
         "table crm.leads has no column 'nr' (option `cursor_column`); it has: id, at, phone"},
        {"app", "query=SELECT id, id FROM crm.leads|cursor_column=id", "two columns 'id'"},
        {"app", "query=SELECT nope FROM crm.leads|cursor_column=id", "nope"},
        {"app", "query=DELETE FROM crm.leads RETURNING id|cursor_column=id", "syntax"},
        {"app", "query=SELECT 1 AS id) q; DROP TABLE crm.leads; --|cursor_column=id", "syntax"},
        {"app", "query=SELECT nextval('crm.leads_id_seq') AS id|cursor_column=id", "read-only"},
        {"app", "table=crm.leads|cursor_column=note", "two rows with the same `note`"},
        {"reader", "table=crm.leads|cursor_column=id", "permission denied"},
    };
    (void)state;
    if (!started) {
        skip();
    }
    leads();
    sql("INSERT INTO crm.leads(note) VALUES('a'),('a')");
    for (size_t i = 0; i < COUNT(cases); i++) {
        begin_as(cases[i][0], cases[i][1]);
        const char *seen = select_rig_look(10);
        select_rig_has(seen, "error ");
        select_rig_has(seen, "source in: ");
        select_rig_has(seen, cases[i][2]);
    }
    begin("table=crm.leads|cursor_column=id|text_column=note"); /* Nothing was dropped. */
    assert_string_equal(select_rig_look(10), "1 a\n2 a\n");
}

static void references(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    leads();
    begin("table=crm.leads|reference=true|key=phone|columns=note,price|refresh=0s");
    select_rig_has(select_rig_look(10), "has no rows; the last snapshot stays");
    sql("INSERT INTO crm.leads(phone,note,price) VALUES('b','two',2),('a','one',NULL),('b','2',2),"
        "(NULL,'x',1)");
    const char *seen = select_rig_look(10);
    select_rig_has(seen,
                   "= a {\"note\":\"one\",\"price\":null,\"phone\":\"a\"}\n= b {\"note\":\"2\",");
    select_rig_has(seen, "its key stands on another row, too");
    assert_null(strstr(select_rig_look(10), "="));
    sql("UPDATE crm.leads SET note='three' WHERE phone='a'");
    select_rig_has(select_rig_look(10), "= a {\"note\":\"three\"");
}

/* Down at the start, up later, down again and up: errors in words, and nothing skipped. */
static void down_and_up(void **state)
{
    struct err err = {0};
    struct str found = {0};
    (void)state;
    if (!started) {
        skip();
    }
    leads();
    sql("INSERT INTO crm.leads(note) VALUES('one')");
    outside_ask(&server, "stop");
    begin("table=crm.leads|cursor_column=id|text_column=note");
    select_rig_has(select_rig_look(10), "error retry source in: postgres localhost:");
    assert_false(select_rig_source->type->connector.probe(&select_rig_source->connector,
                                                          outside_soon(), &found, &err));
    outside_ask(&server, "start");
    assert_string_equal(select_rig_look(10), "1 one\n");
    outside_ask(&server, "stop");
    select_rig_has(select_rig_look(10), "error retry");
    outside_ask(&server, "start");
    postgres_disconnect(boss);
    sql("INSERT INTO crm.leads(note) VALUES('two')");
    select_rig_has(select_rig_look(10), " two\n");
    err = (struct err){0};
    if (!select_rig_source->type->connector.probe(&select_rig_source->connector, outside_soon(),
                                                  &found, &err)) {
        fail_msg("%s", err.text);
    }
    select_rig_has(found.ptr, "table crm.leads, 10 columns, in localhost:");
    select_rig_has(found.ptr, "TLSv1.2");
}

static int64_t peak_kib(void)
{
    char line[256];
    int64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kib = strtoll(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib;
}

/* A million rows, and the memory of some thousand. */
static void a_large_table(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    sql("DROP TABLE IF EXISTS large; CREATE TABLE large(id bigint PRIMARY KEY, phone text, note "
        "text); INSERT INTO large SELECT g,'055'||g,repeat('שלום ',4)||g FROM "
        "generate_series(1,1000000) g");
    begin("table=large|cursor_column=id|text_column=note|sender_column=phone|overlap=0s");
    int64_t before_ms = clock_mono_ms(clock_system());
    assert_int_equal(select_rig_count(BATCH_MESSAGES_MAX), LARGE_ROWS);
    print_message("a million rows in %" PRId64 " ms, at most %" PRId64 " KiB of memory\n",
                  clock_mono_ms(clock_system()) - before_ms, peak_kib());
    assert_true(peak_kib() < GROWTH_KIB);
    sql("DROP TABLE large");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_table),    cmocka_unit_test(values),
        cmocka_unit_test(batches_and_ties), cmocka_unit_test(commits_out_of_order),
        cmocka_unit_test(queries),          cmocka_unit_test(mistakes),
        cmocka_unit_test(references),       cmocka_unit_test(down_and_up),
    };
    return cmocka_run_group_tests_name("source postgres", tests, setup, teardown);
}
