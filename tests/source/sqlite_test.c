/* sqlite: tables of a file as messages and as references. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/sqlite.h"
#include "source/select_rig.h"
#include "source/sqlite.h"
#include "test.h"

static char home[64];
static char path[96];
static struct sqlite *db;

static void sql(const char *text)
{
    struct err err = {0};
    if (!sqlite_exec(db, text, &err)) {
        fail_msg("%s", err.text);
    }
}

static int setup(void **state)
{
    const struct sqlite_options options = {.create = true};
    struct err err = {0};
    (void)state;
    (void)snprintf(home, sizeof home, "/tmp/sluice-select-XXXXXX");
    assert_non_null(mkdtemp(home));
    (void)snprintf(path, sizeof path, "%s/crm.db", home);
    assert_true(sqlite_open(&db, str_of(path), &options, &err));
    sql("CREATE TABLE leads(id INTEGER PRIMARY KEY, at TEXT, phone TEXT, note TEXT, price REAL, "
        "photo "
        "BLOB)");
    select_rig_setup();
    select_rig_extra = false;
    return 0;
}

static int teardown(void **state)
{
    char name[128];
    (void)state;
    select_rig_teardown();
    sqlite_close(db);
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < COUNT(ends); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
        (void)unlink(name);
    }
    assert_int_equal(rmdir(home), 0);
    return 0;
}

static void begin(const char *options)
{
    char all[1024];
    (void)snprintf(all, sizeof all, "path=%s|%s", path, options);
    select_rig_begin(&source_sqlite, all);
}

static void values(void **state)
{
    (void)state;
    sql("INSERT INTO leads VALUES(7,'2025-12-09T10:00:00Z','0550000001','שלום',1.5,x'00ff')");
    sql("INSERT INTO leads VALUES(8,'2025-12-09T10:00:01Z',NULL,'bad \xff byte',9e999,NULL)");
    select_rig_extra = true;
    begin("table=leads|cursor_column=id|text_column=note|time_column=at");
    assert_string_equal(
        select_rig_look(10),
        "7 שלום {\"id\":7,\"at\":\"2025-12-09T10:00:00Z\",\"phone\":\"0550000001\",\"note\":"
        "\"שלום\",\"price\":1.5,\"photo\":\"AP8=\"}\n"
        "8 bad \xEF\xBF\xBD byte {\"id\":8,\"at\":\"2025-12-09T10:00:01Z\",\"phone\":null,\"note\":"
        "\"bad \xEF\xBF\xBD byte\",\"price\":\"Infinity\",\"photo\":null}\n");
    select_rig_extra = false;
    begin("table=leads|cursor_column=id|columns=phone,price");
    select_rig_has(select_rig_look(1), "7 phone: 0550000001\nprice: 1.5\nid: 7\nmore\n");
}

static void rows_that_cannot_be_read(void **state)
{
    (void)state;
    sql("INSERT INTO leads VALUES(1,'yesterday','1','a',0,NULL),(2,NULL,'1','b',0,NULL),"
        "(3,'2025-12-09 10:00',NULL,'c',0,NULL),(4,1765306302,'5','d',0,NULL)");
    begin("table=leads|cursor_column=id|text_column=note|time_column=at|chat_column=phone");
    const char *seen = select_rig_look(10);
    select_rig_has(seen, "4 d\n");
    select_rig_has(seen, "! table leads: 1: its time cannot be read");
    select_rig_has(seen, "! table leads: 2: its time is empty");
    select_rig_has(seen, "! table leads: 3: its chat is empty");
    sql("INSERT INTO leads(id,at) VALUES(5,NULL)");
    begin("table=leads|cursor_column=at|id_column=id");
    select_rig_has(select_rig_look(10),
                   "! table leads: rows without a place: 2 rows have no value");
}

static void mistakes(void **state)
{
    static const char *const cases[][2] = {
        {"table=lead|cursor_column=id", "error config source in: "},
        {"table=leads|cursor_column=nr",
         "table leads has no column 'nr' (option `cursor_column`); it has: id, at, phone"},
        {"table=leads|cursor_column=id|text_column=text", "'text' (option `text_column`)"},
        {"table=leads|cursor_column=id|columns=a", "no column 'a' (option `columns`)"},
        {"query=SELECT id, id FROM leads|cursor_column=id", "table"},
        {"query=SELECT nope FROM leads|cursor_column=id", "no such column: nope"},
        {"query=DELETE FROM leads RETURNING id|cursor_column=id", "syntax error"},
        {"table=leads|cursor_column=phone", "two rows with the same `phone`"},
        {"table=leads|cursor_column=photo|id_column=id", "neither a number nor a text"},
    };
    (void)state;
    sql("INSERT INTO leads VALUES(1,'a','1','a',0,x'00'),(2,'a','1','a',0,x'00')");
    for (size_t i = 0; i < COUNT(cases); i++) {
        begin(cases[i][0]);
        const char *seen = select_rig_look(10);
        if (strstr(cases[i][0], "id, id") != NULL) {
            continue; /* SQLite tells such columns apart by itself: "id", "id:1". */
        }
        select_rig_has(seen, "error ");
        select_rig_has(seen, cases[i][1]);
    }
    assert_int_equal(unlink(path), 0);
    begin("table=leads|cursor_column=id");
    select_rig_has(select_rig_look(10), "there is no such file; check the option `path`");
}

static void edits_and_late_rows(void **state)
{
    (void)state;
    sql("INSERT INTO leads(id,note) VALUES(1,'one'),(3,'three')");
    begin("table=leads|cursor_column=id|text_column=note");
    assert_string_equal(select_rig_look(10), "1 one\n3 three\n");
    sql("INSERT INTO leads(id,note) VALUES(2,'late')");
    sql("UPDATE leads SET note='changed' WHERE id=3");
    assert_string_equal(select_rig_look(10),
                        "1 one\n2 late\n3 changed\n"); /* The archive knows 1. */
    sql("DELETE FROM leads");
    assert_string_equal(select_rig_look(10), "");
    sql("INSERT INTO leads(id,note) VALUES(1,'anew')");
    assert_string_equal(select_rig_look(10), "1 anew\n");
}

static void parameters_are_bound(void **state)
{
    (void)state;
    sql("INSERT INTO leads(id,note) VALUES(1,'x'' OR 1=1'),(2,'b'),(3,'c')");
    begin("query=SELECT * FROM leads WHERE note=:what OR id>:min -- :what\n;|cursor_column=id|"
          "text_column=note|parameters=what:x' OR 1=1,min:2");
    assert_string_equal(select_rig_look(10), "1 x' OR 1=1\n3 c\n");
}

static void references(void **state)
{
    (void)state;
    begin("table=leads|reference=true|key=phone|columns=note|refresh=0s");
    select_rig_has(select_rig_look(10),
                   "error retry source in: table leads has no rows; the last snapshot");
    sql("INSERT INTO leads(id,phone,note) VALUES(1,'b','two'),(2,'a','one'),(3,'b','2'),(4,'','x'),"
        "(5,NULL,'y')");
    const char *seen = select_rig_look(10);
    select_rig_has(
        seen, "= a {\"note\":\"one\",\"phone\":\"a\"}\n= b {\"note\":\"2\",\"phone\":\"b\"}\n");
    select_rig_has(seen, "! table leads: b: its key stands on another row, too");
    select_rig_has(seen, "its key is empty");
    assert_null(strstr(select_rig_look(10), "="));
    sql("UPDATE leads SET note='three' WHERE id=2");
    select_rig_has(select_rig_look(10), "= a {\"note\":\"three\"");
    sql("UPDATE leads SET phone=NULL");
    select_rig_has(select_rig_look(10), "no row has a value in 'phone' (option `key`)");
    sql("DELETE FROM leads");
    select_rig_has(select_rig_look(10), "has no rows");
    sql("INSERT INTO leads(id,phone,note) VALUES(1,'055-660-2298','one'),(2,'נייד','x'),"
        "(3,'+972 55 660 2298','again')");
    begin("table=leads|reference=true|key=phone|columns=note|key_form=phone");
    seen = select_rig_look(10);
    select_rig_has(seen, "! table leads: 972556602298: its key stands on another row, too");
    select_rig_has(seen, "its key is no telephone number");
    select_rig_has(seen, "= 972556602298 {\"note\":\"again\"");
    sql("DELETE FROM leads");
    begin("table=leads|reference=true|key=phone|allow_empty=true");
    assert_string_equal(select_rig_look(10), "");
    sql("INSERT INTO leads(id,phone,note) VALUES(1,'a','first')");
    begin("table=leads|reference=true|key=phone|columns=note|refresh=0s|once=true");
    select_rig_has(select_rig_look(10), "= a {\"note\":\"first\"");
    sql("UPDATE leads SET note='second'");
    assert_string_equal(select_rig_look(10), ""); /* It was read. */
}

static void too_large_a_reference(void **state)
{
    (void)state;
    begin("query=WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500001) "
          "SELECT i AS k FROM n|reference=true|key=k");
    select_rig_has(select_rig_look(10), "is larger than a reference may be (500000 rows, 64 MiB)");
}

/* A file in WAL mode that nobody has open: nothing may appear beside it. */
static void leaves_no_trace(void **state)
{
    const struct sqlite_options options = {0};
    struct err err = {0};
    struct stat info;
    char wal[128];
    (void)state;
    sql("PRAGMA journal_mode=WAL");
    sql("INSERT INTO leads(id,note) VALUES(1,'one')");
    begin("table=leads|cursor_column=id|text_column=note");
    assert_string_equal(select_rig_look(10), "1 one\n");
    sqlite_close(db);
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    assert_int_not_equal(stat(wal, &info), 0);
    assert_string_equal(select_rig_look(10), "1 one\n");
    assert_int_not_equal(stat(wal, &info), 0);
    assert_true(sqlite_open(&db, str_of(path), &options, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_that_cannot_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(mistakes, setup, teardown),
        cmocka_unit_test_setup_teardown(edits_and_late_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_are_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(references, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large_a_reference, setup, teardown),
        cmocka_unit_test_setup_teardown(leaves_no_trace, setup, teardown),
    };
    return cmocka_run_group_tests_name("source sqlite", tests, NULL, NULL);
}
