/* schema: an older store becomes a newer one, with a copy of what it was. The steps are invented.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "store/fixture.h"
#include "store/schema.h"

static const char *const one[] = {"CREATE TABLE a(x)", "INSERT INTO a VALUES(1), (2)", NULL};
static const char *const two[] = {"ALTER TABLE a ADD COLUMN y", "UPDATE a SET y=x*10", NULL};
static const char *const bad[] = {"UPDATE a SET x=7", "ALTER TABLE nothing ADD COLUMN y", NULL};

static const char *const *const old_list[] = {one};
static const char *const *const new_list[] = {one, two};
static const char *const *const bad_list[] = {one, bad};

static const struct schema_steps old_steps = {old_list, 1};
static const struct schema_steps new_steps = {new_list, 2};
static const struct schema_steps bad_steps = {bad_list, 2};

static struct str file(struct fixture *f, const char *ending)
{
    return arena_printf(&f->arena, "%s/old.db%s", f->folder, ending);
}

static bool upgrade(struct fixture *f, const struct schema_steps *steps)
{
    struct sqlite *db = NULL;
    fixture_ok(f, sqlite_open(&db, file(f, ""), &(struct sqlite_options){.create = true}, &f->err));
    bool ok = schema_upgrade(db, file(f, ""), steps, &f->err);
    sqlite_close(db);
    return ok;
}

static int64_t number(struct fixture *f, const char *ending, const char *sql)
{
    struct sqlite *db = NULL;
    int64_t value = -1;
    fixture_ok(f, sqlite_open(&db, file(f, ending), &(struct sqlite_options){0}, &f->err) &&
                      sqlite_int(db, sql, 0, &value, &f->err));
    sqlite_close(db);
    return value;
}

static bool is_there(struct fixture *f, const char *ending)
{
    struct file_info info = {0};
    fixture_ok(f, file_look(file(f, ending), &info, &f->err));
    return info.kind != FILE_MISSING;
}

static void an_older_store_becomes_a_newer_one_and_is_kept(void **state)
{
    struct fixture *f = *state;
    fixture_ok(f, upgrade(f, &old_steps));
    assert_false(is_there(f, ".version-0")); /* A new file has nothing to lose. */
    fixture_ok(f, upgrade(f, &old_steps));
    assert_false(is_there(f, ".version-1"));
    fixture_ok(f, upgrade(f, &new_steps));
    assert_int_equal(number(f, "", "SELECT sum(y) FROM a"), 30);
    assert_int_equal(number(f, "", "PRAGMA user_version"), 2);
    assert_int_equal(number(f, ".version-1", "SELECT sum(x) FROM a"), 3);
    assert_int_equal(number(f, ".version-1", "PRAGMA user_version"), 1);
}

static void an_upgrade_that_fails_changes_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_ok(f, upgrade(f, &old_steps));
    assert_false(upgrade(f, &bad_steps));
    assert_int_equal(number(f, "", "SELECT sum(x) FROM a"), 3);
    assert_int_equal(number(f, "", "PRAGMA user_version"), 1);
    fixture_ok(f, upgrade(f, &new_steps)); /* The copy of the first try is as good. */
    assert_int_equal(number(f, "", "PRAGMA user_version"), 2);
}

static void a_newer_store_is_left_alone(void **state)
{
    struct fixture *f = *state;
    fixture_ok(f, upgrade(f, &new_steps));
    assert_false(upgrade(f, &old_steps));
    assert_int_equal(f->err.kind, ERR_CONFIG);
    assert_int_equal(number(f, "", "PRAGMA user_version"), 2);
}

static void without_a_copy_there_is_no_upgrade(void **state)
{
    struct fixture *f = *state;
    char part[64];
    fixture_ok(f, upgrade(f, &old_steps));
    (void)snprintf(part, sizeof part, ".version-1.%ld.part", (long)getpid());
    fixture_ok(f, file_make_dirs(file(f, part), DIR_PRIVATE, &f->err)); /* It is in the way. */
    assert_false(upgrade(f, &new_steps));
    assert_int_equal(number(f, "", "PRAGMA user_version"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_older_store_becomes_a_newer_one_and_is_kept),
        TEST(an_upgrade_that_fails_changes_nothing),
        TEST(a_newer_store_is_left_alone),
        TEST(without_a_copy_there_is_no_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
