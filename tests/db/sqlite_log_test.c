#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/sqlite_log.h"
#include "text/test.h"

/* A VFS that counts what reaches the files of logs, and fails a write when told to. */
static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *system;
    int writes;
    int fail_at; /* Which write from now on. */
    bool fail_now;
    const sqlite3_io_methods *real;
    sqlite3_io_methods methods;
} spy;

static int spy_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
    spy.writes++;
    spy.fail_at -= spy.fail_at > 0;
    if (spy.fail_now && spy.fail_at == 0) {
        spy.fail_now = false;
        (void)spy.real->xWrite(file, bytes, count / 2, at); /* Half of it arrives. */
        return SQLITE_FULL;
    }
    return spy.real->xWrite(file, bytes, count, at);
}

static int spy_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    int rc = spy.system->xOpen(spy.system, path, file, flags, out);
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
        spy.real = file->pMethods;
        spy.methods = *spy.real;
        spy.methods.xWrite = spy_write;
        file->pMethods = &spy.methods;
    }
    return rc;
}

struct desk {
    char folder[64];
    char path[PATH_MAX];
    sqlite3 *writer;
    sqlite3 *reader;
};

static void run(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fail_msg("%s: %s", sql, why);
    }
}

static int number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    assert_non_null(desk);
    if (spy.system == NULL) {
        spy.system = sqlite3_vfs_find(NULL);
        spy.vfs = *spy.system;
        spy.vfs.zName = "spy";
        spy.vfs.xOpen = spy_open;
        assert_int_equal(sqlite3_vfs_register(&spy.vfs, 0), SQLITE_OK);
    }
    (void)snprintf(desk->folder, sizeof desk->folder, "/tmp/sluice-log-XXXXXX");
    assert_non_null(mkdtemp(desk->folder));
    (void)snprintf(desk->path, sizeof desk->path, "%s/x.db", desk->folder);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    assert_int_equal(sqlite3_open_v2(desk->path, &desk->writer, flags, sqlite_log_vfs("spy")),
                     SQLITE_OK);
    run(desk->writer,
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
        "CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB)");
    assert_int_equal(sqlite3_open_v2(desk->path, &desk->reader, flags, NULL), SQLITE_OK);
    spy.writes = 0;
    spy.fail_at = 0;
    spy.fail_now = false;
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    char sidecar[PATH_MAX + 8];
    sqlite3_close(desk->reader);
    sqlite3_close(desk->writer);
    for (int i = 0; i < 3; i++) {
        static const char *const ends[] = {"", "-wal", "-shm"};
        (void)snprintf(sidecar, sizeof sidecar, "%s%s", desk->path, ends[i]);
        (void)unlink(sidecar);
    }
    (void)rmdir(desk->folder);
    free(desk);
    return 0;
}

static const char many_sql[] =
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
    "INSERT INTO t(body) SELECT zeroblob(4000) FROM n";

/* What sqlite_open() asks for is the same kind each time, and one for each below. */
static void there_is_one_for_each_below(void **state)
{
    (void)state;
    assert_string_equal(sqlite_log_vfs("spy"), "log/spy");
    assert_ptr_equal(sqlite_log_vfs("spy"), sqlite_log_vfs("spy"));
    assert_string_equal(sqlite_log_vfs(NULL), "log/unix");
    assert_string_equal(sqlite_log_vfs("nobody"), "nobody");
}

static void a_change_of_many_pages_takes_few_writes(void **state)
{
    struct desk *desk = *state;
    run(desk->writer, many_sql);
    assert_in_range(spy.writes, 7, 12); /* 100 pages and more are 420,000 bytes. */
    assert_int_equal(number(desk->reader, "SELECT count(*) FROM t"), 100);
    spy.writes = 0;
    run(desk->writer, "UPDATE t SET body = x'01' WHERE id = 1");
    assert_in_range(spy.writes, 1, 2);
}

/* Without a sync that would hand it on: others see a commit when it is one. */
static void others_see_a_commit_at_once(void **state)
{
    struct desk *desk = *state;
    run(desk->writer, "PRAGMA synchronous=OFF");
    for (int i = 1; i <= 50; i++) {
        run(desk->writer, "INSERT INTO t(body) VALUES(zeroblob(100))");
        assert_int_equal(number(desk->reader, "SELECT count(*) FROM t"), i);
    }
    assert_int_equal(number(desk->reader, "SELECT count(*) FROM pragma_integrity_check"
                                          " WHERE integrity_check = 'ok'"),
                     1);
}

/* Pages that a change must read again before it ends, and a change that is undone. */
static void what_was_spilled_is_read_back(void **state)
{
    struct desk *desk = *state;
    run(desk->writer, "PRAGMA cache_size=5; BEGIN");
    run(desk->writer, many_sql);
    assert_int_equal(number(desk->writer, "SELECT sum(length(body)) FROM t"), 400000);
    run(desk->writer, "UPDATE t SET body = zeroblob(3000)");
    assert_int_equal(number(desk->reader, "SELECT count(*) FROM t"), 0);
    assert_int_equal(number(desk->writer, "SELECT sum(length(body)) FROM t"), 300000);
    run(desk->writer, "SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT");
    assert_int_equal(number(desk->reader, "SELECT sum(length(body)) FROM t"), 300000);
    run(desk->writer, "BEGIN; DELETE FROM t WHERE id < 90; ROLLBACK");
    run(desk->writer, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(number(desk->reader, "SELECT sum(length(body)) FROM t"), 300000);
    assert_int_equal(number(desk->writer, "SELECT count(*) FROM pragma_integrity_check"
                                          " WHERE integrity_check = 'ok'"),
                     1);
}

/* Each write in turn fails with half of it in the file: the commit says so, the next one holds. */
static void a_write_that_fails_fails_the_commit(void **state)
{
    struct desk *desk = *state;
    for (int at = 1; at <= 8; at++) {
        spy.fail_at = at;
        spy.fail_now = true;
        char *why = NULL;
        int rc = sqlite3_exec(desk->writer, many_sql, NULL, NULL, &why);
        sqlite3_free(why);
        assert_int_equal(rc & 0xff, SQLITE_FULL);
        assert_false(spy.fail_now);
        assert_int_equal(number(desk->reader, "SELECT count(*) FROM t"), at - 1);
        run(desk->writer, "INSERT INTO t(body) VALUES(x'02')");
        assert_int_equal(number(desk->reader, "SELECT count(*) FROM t"), at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_is_one_for_each_below, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_of_many_pages_takes_few_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others_see_a_commit_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_spilled_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_write_that_fails_fails_the_commit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
