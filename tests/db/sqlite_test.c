#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/sqlite.h"
#include "text/test.h"

struct world {
    char folder[64];
    char path[96];
    struct sqlite *db;
    struct arena arena;
    struct err err;
};

static void ok(struct world *w, bool result)
{
    if (!result) {
        fail_msg("%s: %s", err_kind_name(w->err.kind), w->err.text);
    }
}

static struct sqlite *open_path(struct world *w, const char *path, bool readonly)
{
    struct sqlite_options options = {.create = !readonly, .readonly = readonly, .busy_ms = 50};
    struct sqlite *db = NULL;
    ok(w, sqlite_open(&db, str_of(path), &options, &w->err));
    return db;
}

static int world_open(void **state)
{
    static bool ready;
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    if (!ready) {
        ready = sqlite_setup(&w->err);
        assert_true(ready);
    }
    (void)snprintf(w->folder, sizeof w->folder, "/tmp/sluice-db-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    (void)snprintf(w->path, sizeof w->path, "%s/a.db", w->folder);
    arena_init(&w->arena, 64 * 1024 * 1024);
    w->db = open_path(w, w->path, false);
    *state = w;
    return 0;
}

static int world_close(void **state)
{
    static const char *const names[] = {"a.db", "a.db-wal",     "a.db-shm", "a.db-journal",
                                        "b.db", "b.db-journal", "junk"};
    struct world *w = *state;
    sqlite_close(w->db);
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", w->folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(w->folder);
    arena_free(&w->arena);
    free(w);
    return 0;
}

static void run(struct world *w, const char *sql)
{
    ok(w, sqlite_exec(w->db, sql, &w->err));
}

static int64_t number(struct world *w, const char *sql)
{
    int64_t value = -1;
    ok(w, sqlite_int(w->db, sql, -1, &value, &w->err));
    return value;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    bool ok = file != NULL && fwrite(bytes, 1, len, file) == len;
    ok = file != NULL && fclose(file) == 0 && ok;
    assert_true(ok);
}

static void what_cannot_be_opened_is_graded(void **state)
{
    struct world *w = *state;
    char junk[128];
    char path_nul[] = "/tmp/a\0b";
    char long_path[5000];
    (void)snprintf(junk, sizeof junk, "%s/junk", w->folder);
    char bytes[4096];
    memset(bytes, 'j', sizeof bytes);
    write_file(junk, bytes, sizeof bytes);
    memset(long_path, 'x', sizeof long_path);
    const struct {
        const char *name;
        struct str path;
        bool create;
        enum err_kind kind;
    } table[] = {
        {"missing folder", STR("/nonexistent/folder/a.db"), true, ERR_RETRY},
        {"missing file", STR("/tmp/sluice-no-such-file.db"), false, ERR_RETRY},
        {"a folder", str_of(w->folder), true, ERR_RETRY},
        {"empty", STR(""), true, ERR_CONFIG},
        {"NUL inside", {path_nul, sizeof path_nul - 1}, true, ERR_CONFIG},
        {"too long", {long_path, sizeof long_path}, true, ERR_CONFIG},
        {"no database", str_of(junk), true, ERR_CONFIG},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct sqlite *db = NULL;
        struct sqlite_options options = {.create = table[i].create};
        int64_t value = 0;
        w->err = (struct err){0};
        bool opened = sqlite_open(&db, table[i].path, &options, &w->err);
        /* SQLite looks into a file when it is first asked for something. */
        if (opened && sqlite_int(db, "SELECT count(*) FROM sqlite_master", 0, &value, &w->err)) {
            fail_msg("%s: works", table[i].name);
        }
        if (opened) {
            sqlite_close(db);
        }
        if (w->err.kind != table[i].kind || w->err.text[0] == '\0') {
            fail_msg("%s: %s, %s", table[i].name, err_kind_name(w->err.kind), w->err.text);
        }
    }
    struct stat info;
    assert_int_not_equal(stat("/tmp/sluice-no-such-file.db", &info), 0);
}

static void a_truncated_file_is_corrupt(void **state)
{
    struct world *w = *state;
    run(w, "CREATE TABLE t(a TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n"
           " WHERE i<1000) INSERT INTO t SELECT printf('%0200d', i) FROM n");
    sqlite_close(w->db);
    assert_int_equal(truncate(w->path, 20000), 0);
    struct sqlite_options options = {.readonly = true};
    int64_t value = 0;
    w->db = NULL; /* Some damage is seen at once, some when it is read. */
    assert_false(sqlite_open(&w->db, str_of(w->path), &options, &w->err) &&
                 sqlite_int(w->db, "SELECT sum(length(a)) FROM t", 0, &value, &w->err));
    assert_int_equal(w->err.kind, ERR_CONFIG);
    assert_true(str_find(str_of(w->err.text), str_of(w->path), 0) != STR_NONE);
}

static void failures_of_statements_are_graded(void **state)
{
    static const struct {
        const char *sql;
        enum err_kind kind;
    } table[] = {
        {"INSERT INTO t(id, a) VALUES(1, 'again')", ERR_REJECT},
        {"INSERT INTO t(id, a) VALUES(2, NULL)", ERR_REJECT},
        {"INSERT INTO t(id, a) VALUES(2, 'bad')", ERR_REJECT},
        {"INSERT INTO t(id, a) VALUES('no number', 'x')", ERR_REJECT},
        {"INSERT INTO t(id, a) VALUES(2, hex(zeroblob(600000000)))", ERR_REJECT},
        {"SELECT nonsense FROM t", ERR_CONFIG},
        {"SELEKT", ERR_CONFIG},
        {"INSERT INTO missing VALUES(1)", ERR_CONFIG},
    };
    struct world *w = *state;
    run(w, "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL CHECK(a<>'bad')) STRICT;"
           "INSERT INTO t VALUES(1, 'x')");
    for (size_t i = 0; i < COUNT(table); i++) {
        w->err = (struct err){0};
        struct query *query = sqlite_query(w->db, table[i].sql, &w->err);
        if (query != NULL && query_run(query, &w->err)) {
            fail_msg("%s: works", table[i].sql);
        }
        if (w->err.kind != table[i].kind) {
            fail_msg("%s: %s, %s", table[i].sql, err_kind_name(w->err.kind), w->err.text);
        }
        assert_true(sqlite_code(w->db) != 0);
        assert_false(sqlite_failed_busy(w->db) || sqlite_failed_full(w->db));
    }
    assert_int_equal(number(w, "SELECT count(*) FROM t"), 1);
}

static void a_file_that_may_only_be_read_says_so(void **state)
{
    struct world *w = *state;
    run(w, "CREATE TABLE t(a)");
    sqlite_close(w->db);
    w->db = open_path(w, w->path, true);
    assert_false(sqlite_exec(w->db, "INSERT INTO t VALUES(1)", &w->err));
    assert_int_equal(w->err.kind, ERR_CONFIG);
    assert_int_equal(number(w, "SELECT count(*) FROM t"), 0);
}

static void another_writer_is_waited_for_and_then_named_busy(void **state)
{
    struct world *w = *state;
    run(w, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    struct sqlite *other = open_path(w, w->path, false);
    ok(w, sqlite_begin(w->db, &w->err));
    assert_false(sqlite_begin(other, &w->err));
    assert_int_equal(w->err.kind, ERR_RETRY);
    assert_true(sqlite_failed_busy(other));
    assert_false(sqlite_in_transaction(other));
    w->err = (struct err){0};
    ok(w, sqlite_commit(w->db, &w->err));
    ok(w, sqlite_begin(other, &w->err));
    sqlite_rollback(other);
    sqlite_rollback(other); /* Nothing open: nothing happens. */
    sqlite_close(other);
}

static void a_full_file_is_tried_again_later(void **state)
{
    struct world *w = *state;
    run(w, "CREATE TABLE t(a TEXT); PRAGMA max_page_count=10");
    ok(w, sqlite_begin(w->db, &w->err));
    assert_false(sqlite_exec(w->db, "INSERT INTO t VALUES(zeroblob(100000))", &w->err));
    assert_int_equal(w->err.kind, ERR_RETRY);
    assert_true(sqlite_failed_full(w->db));
    assert_true(str_find(str_of(w->err.text), STR("free some space"), 0) != STR_NONE);
    sqlite_rollback(w->db);
    w->err = (struct err){0};
    run(w, "PRAGMA max_page_count=1000");
    run(w, "INSERT INTO t VALUES(zeroblob(100000))");
    assert_int_equal(number(w, "SELECT count(*) FROM t"), 1);
}

static void statements_are_kept(void **state)
{
    static const char select[] = "SELECT ?1, ?2";
    struct world *w = *state;
    bool row = false;
    struct query *first = sqlite_query(w->db, select, &w->err);
    assert_non_null(first);
    query_bind_int(first, 1, 7);
    query_bind_text(first, 2, STR("x"));
    ok(w, query_step(first, &row, &w->err));
    assert_true(row);
    query_end(first);
    struct query *second = sqlite_query(w->db, select, &w->err);
    assert_ptr_equal(first, second);
    ok(w, query_step(second, &row, &w->err)); /* Nothing is bound any more. */
    assert_int_equal(query_type(second, 0), QUERY_NULL);
    assert_int_equal(query_type(second, 1), QUERY_NULL);
    query_end(second);
}

static void values_of_all_types_come_back(void **state)
{
    static const struct str texts[] = {STR_INIT(""),         STR_INIT("a\0b\0"),
                                       STR_INIT("\xff\xfe"), STR_INIT("\xed\xa0\x80"),
                                       STR_INIT("12"),       STR_INIT("\xd7\xa9\xd7\x9c")};
    static const int64_t numbers[] = {0, -1, INT64_MIN, INT64_MAX, 1};
    struct world *w = *state;
    bool row = false;
    run(w, "CREATE TABLE t(a ANY) STRICT");
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct query *query =
            sqlite_query(w->db, "SELECT ?1, ?2, length(CAST(?1 AS BLOB))", &w->err);
        assert_non_null(query);
        query_bind_text(query, 1, texts[i]);
        query_bind_blob(query, 2, texts[i]);
        ok(w, query_step(query, &row, &w->err));
        assert_int_equal(query_type(query, 0), QUERY_TEXT);
        assert_int_equal(query_type(query, 1), QUERY_BLOB);
        assert_str_equal(query_text(query, 0), texts[i]);
        assert_str_equal(query_blob(query, 1), texts[i]);
        assert_non_null(query_text(query, 0).ptr);
        assert_non_null(query_blob(query, 1).ptr); /* Empty is not absent. */
        assert_int_equal(query_int(query, 2), texts[i].len);
        query_end(query);
    }
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct query *query = sqlite_query(w->db, "SELECT ?1, ?2, ?3, ?4", &w->err);
        assert_non_null(query);
        query_bind_int(query, 1, numbers[i]);
        query_bind_double(query, 2, 0.5);
        query_bind_text(query, 3, (struct str){0});
        query_bind_blob(query, 4, (struct str){0});
        ok(w, query_step(query, &row, &w->err));
        assert_int_equal(query_columns(query), 4);
        assert_true(query_int(query, 0) == numbers[i]);
        assert_int_equal(query_type(query, 0), QUERY_INT);
        assert_int_equal(query_type(query, 1), QUERY_DOUBLE);
        assert_true(query_double(query, 1) > 0.4 && query_double(query, 1) < 0.6);
        assert_int_equal(query_type(query, 2), QUERY_NULL);
        assert_int_equal(query_type(query, 3), QUERY_NULL);
        assert_null(query_text(query, 2).ptr);
        query_end(query);
    }
}

static void rolling_back_ends_open_queries(void **state)
{
    static const char select[] = "SELECT a FROM t";
    struct world *w = *state;
    bool row = false;
    run(w, "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2),(3)");
    ok(w, sqlite_begin(w->db, &w->err));
    run(w, "INSERT INTO t VALUES(4)");
    struct query *query = sqlite_query(w->db, select, &w->err);
    assert_non_null(query);
    ok(w, query_step(query, &row, &w->err));
    assert_true(row && sqlite_in_transaction(w->db));
    sqlite_rollback(w->db);
    assert_false(sqlite_in_transaction(w->db));
    query = sqlite_query(w->db, select, &w->err); /* It may be asked for again. */
    assert_non_null(query);
    int64_t rows = 0;
    for (row = true; row; rows += row) {
        ok(w, query_step(query, &row, &w->err));
    }
    assert_int_equal(rows, 3);
    ok(w, sqlite_begin(w->db, &w->err));
    run(w, "INSERT INTO t VALUES(4)");
    ok(w, sqlite_commit(w->db, &w->err));
    assert_int_equal(number(w, "SELECT count(*) FROM t"), 4);
}

static void closing_rolls_back(void **state)
{
    struct world *w = *state;
    bool row = false;
    run(w, "CREATE TABLE t(a)");
    ok(w, sqlite_begin(w->db, &w->err));
    run(w, "INSERT INTO t VALUES(1)");
    struct query *query = sqlite_query(w->db, "SELECT a FROM t", &w->err);
    assert_non_null(query);
    ok(w, query_step(query, &row, &w->err));
    sqlite_close(w->db);
    w->db = open_path(w, w->path, false);
    assert_int_equal(number(w, "SELECT count(*) FROM t"), 0);
    sqlite_close(NULL);
}

static void changes_and_versions_are_told(void **state)
{
    struct world *w = *state;
    int64_t before = 0;
    int64_t after = 0;
    run(w, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1),(2),(3)");
    run(w, "UPDATE t SET a=9 WHERE a>1");
    assert_int_equal(sqlite_changes(w->db), 2);
    run(w, "DELETE FROM t WHERE a=77");
    assert_int_equal(sqlite_changes(w->db), 0);
    ok(w, sqlite_data_version(w->db, &before, &w->err));
    run(w, "INSERT INTO t VALUES(4)"); /* One's own commits do not count. */
    ok(w, sqlite_data_version(w->db, &after, &w->err));
    assert_int_equal(before, after);
    struct sqlite *other = open_path(w, w->path, false);
    ok(w, sqlite_exec(other, "INSERT INTO t VALUES(5)", &w->err));
    ok(w, sqlite_data_version(w->db, &after, &w->err));
    assert_int_not_equal(before, after);
    sqlite_close(other);
    assert_int_equal(number(w, "SELECT a FROM t WHERE a=1000"), -1);     /* No row: the fallback. */
    assert_int_equal(number(w, "SELECT max(a) FROM t WHERE a=1000"), 0); /* NULL reads as 0. */
}

static void a_new_file_is_private(void **state)
{
    struct world *w = *state;
    struct stat info;
    mode_t before = umask(0);
    sqlite_close(w->db);
    (void)unlink(w->path);
    w->db = open_path(w, w->path, false);
    run(w, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    (void)umask(before);
    assert_int_equal(stat(w->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    char wal[128];
    (void)snprintf(wal, sizeof wal, "%s-wal", w->path);
    assert_int_equal(stat(wal, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void a_live_file_is_copied_whole(void **state)
{
    struct world *w = *state;
    char copy[128];
    (void)snprintf(copy, sizeof copy, "%s/b.db", w->folder);
    run(w, "PRAGMA journal_mode=WAL; CREATE TABLE t(a TEXT); WITH RECURSIVE n(i) AS"
           " (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000) INSERT INTO t"
           " SELECT printf('%0200d', i) FROM n");
    struct sqlite *other = open_path(w, w->path, false);
    ok(w, sqlite_begin(other, &w->err)); /* A writer in the middle of its change. */
    ok(w, sqlite_exec(other, "DELETE FROM t WHERE a<'1'", &w->err));
    ok(w, sqlite_backup(w->db, str_of(copy), NULL, &w->err));
    sqlite_rollback(other);
    sqlite_close(other);
    struct sqlite *made = open_path(w, copy, true);
    int64_t rows = 0;
    int64_t sound = 0;
    ok(w, sqlite_int(made, "SELECT count(*) FROM t", 0, &rows, &w->err));
    ok(w, sqlite_int(made, "SELECT integrity_check='ok' FROM pragma_integrity_check", 0, &sound,
                     &w->err));
    assert_int_equal(rows, 20000);
    assert_int_equal(sound, 1);
    sqlite_close(made);
    assert_false(sqlite_backup(w->db, STR("/nonexistent/folder/b.db"), NULL, &w->err));
    assert_int_equal(w->err.kind, ERR_RETRY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_cannot_be_opened_is_graded),
        TEST(a_truncated_file_is_corrupt),
        TEST(failures_of_statements_are_graded),
        TEST(a_file_that_may_only_be_read_says_so),
        TEST(another_writer_is_waited_for_and_then_named_busy),
        TEST(a_full_file_is_tried_again_later),
        TEST(statements_are_kept),
        TEST(values_of_all_types_come_back),
        TEST(rolling_back_ends_open_queries),
        TEST(closing_rolls_back),
        TEST(changes_and_versions_are_told),
        TEST(a_new_file_is_private),
        TEST(a_live_file_is_copied_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
