/* file: atomic under every fault, limits, hostile paths, one owner a lock. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "test.h"

static struct arena arena;
static struct err err;
static char home[64];
static char name[256];

static struct str at(const char *leaf)
{
    (void)snprintf(name, sizeof name, "%s/%s", home, leaf);
    return str_of(name);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 8 << 20);
    memset(&err, 0, sizeof err);
    (void)snprintf(home, sizeof home, "/tmp/sluice-file-XXXXXX");
    return mkdtemp(home) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    file_fault_set(NULL, NULL);
    mem_fault_set(NULL, NULL);
    struct file_list list;
    if (file_list(&arena, str_of(home), &list, &err)) {
        for (size_t i = 0; i < list.count; i++) {
            struct str path = at(list.names[i].ptr);
            if (unlink(path.ptr) != 0) {
                (void)rmdir(path.ptr);
            }
        }
    }
    (void)rmdir(home);
    arena_free(&arena);
    return 0;
}

static size_t names_in_home(void)
{
    struct file_list list;
    assert_true(file_list(&arena, str_of(home), &list, &err));
    return list.count;
}

static void assert_content(const char *leaf, struct str want)
{
    struct str got = {0};
    assert_true(file_read(&arena, at(leaf), 1 << 20, &got, &err));
    assert_true(str_equal(got, want));
    assert_int_equal(got.ptr[got.len], 0);
}

static void test_write_then_read(void **state)
{
    (void)state;
    char big[200000];
    for (size_t i = 0; i < sizeof big; i++) {
        big[i] = (char)(i * 7);
    }
    const struct str all[] = {
        STR(""), STR("a"), STR("two\nlines\n"), STR("nul\0inside"), {big, sizeof big}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_true(file_write(at("f"), FILE_PRIVATE, all[i], &err));
        assert_content("f", all[i]);
        assert_int_equal(names_in_home(), 1); /* No temporary file is left. */
    }
}

static void test_write_sets_exact_mode(void **state)
{
    (void)state;
    mode_t before = umask(077);
    struct file_info info;
    assert_true(file_write(at("f"), 0644, STR("x"), &err));
    assert_true(file_look(at("f"), &info, &err));
    assert_int_equal(info.mode, 0644);
    assert_true(file_write(at("f"), FILE_PRIVATE, STR("x"), &err));
    assert_true(file_look(at("f"), &info, &err));
    assert_int_equal(info.mode, 0600);
    (void)umask(before);
}

static void test_write_replaces_a_link(void **state)
{
    (void)state;
    assert_true(file_write(at("target"), FILE_PRIVATE, STR("old"), &err));
    char link[256];
    (void)snprintf(link, sizeof link, "%s/link", home);
    assert_int_equal(symlink(at("target").ptr, link), 0);
    assert_true(file_write(at("link"), FILE_PRIVATE, STR("new"), &err));
    assert_content("target", STR("old"));
    assert_content("link", STR("new"));
}

static void test_read_limits(void **state)
{
    (void)state;
    struct str got = {0};
    assert_true(file_write(at("f"), FILE_PRIVATE, STR("12345"), &err));
    assert_true(file_read(&arena, at("f"), 5, &got, &err));
    assert_false(file_read(&arena, at("f"), 4, &got, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_true(file_read(&arena, STR("/proc/self/status"), 1 << 20, &got, &err));
    assert_true(got.len > 100);
    assert_false(file_read(&arena, STR("/proc/self/status"), 10, &got, &err));
    assert_int_equal(err.kind, ERR_REJECT);

    struct arena small;
    arena_init(&small, 16);
    assert_true(file_write(at("f"), FILE_PRIVATE, STR("more than sixteen bytes"), &err));
    assert_false(file_read(&small, at("f"), 1000, &got, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    arena_free(&small);
}

static void test_read_refuses(void **state)
{
    (void)state;
    struct str got = {0};
    assert_false(file_read(&arena, at("absent"), 10, &got, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "no such file"));
    assert_non_null(strstr(err.text, name));
    assert_false(file_read(&arena, str_of(home), 10, &got, &err));
    assert_non_null(strstr(err.text, "directory"));
    assert_int_equal(mkfifo(at("pipe").ptr, 0600), 0);
    assert_false(file_read(&arena, at("pipe"), 10, &got, &err)); /* And does not hang. */
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_false(file_read(&arena, STR(""), 10, &got, &err));
    assert_false(file_read(&arena, STR("/tmp/a\0b"), 10, &got, &err));
    assert_non_null(strstr(err.text, "NUL"));
    char longest[FILE_PATH_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_false(file_read(&arena, (struct str){longest, FILE_PATH_MAX}, 10, &got, &err));
    assert_false(file_read(&arena, (struct str){longest, FILE_PATH_MAX - 1}, 10, &got, &err));
    assert_non_null(strstr(err.text, "too long"));
}

/* Views need no NUL behind them. */
static void test_paths_are_views(void **state)
{
    (void)state;
    assert_true(file_write(at("f"), FILE_PRIVATE, STR("x"), &err));
    struct str path = at("fxx");
    path.len -= 2;
    struct str got = {0};
    assert_true(file_read(&arena, path, 10, &got, &err));
    assert_true(file_remove(path, &err));
    assert_true(file_remove(path, &err));
    struct file_info info;
    assert_true(file_look(path, &info, &err));
    assert_int_equal(info.kind, FILE_MISSING);
}

struct plan {
    enum file_step step;
    int answer;
    int skip;
    int hits;
};

static int plan_fault(void *context, enum file_step step)
{
    struct plan *plan = context;
    if (step != plan->step) {
        return 0;
    }
    plan->hits++;
    return plan->hits > plan->skip ? plan->answer : 0;
}

static void test_write_faults_keep_the_old_file(void **state)
{
    (void)state;
    static const struct {
        enum file_step step;
        int answer;
        enum err_kind kind;
        const char *text;
    } cases[] = {
        {FILE_STEP_OPEN, EACCES, ERR_CONFIG, "permission denied"},
        {FILE_STEP_OPEN, EMFILE, ERR_RETRY, "too many open files"},
        {FILE_STEP_WRITE, ENOSPC, ERR_RETRY, "no space left on the disk; free some and run again"},
        {FILE_STEP_WRITE, EIO, ERR_STORE, "input/output error"},
        {FILE_STEP_WRITE, 4095, ERR_RETRY, "error 4095"},
        {FILE_STEP_SYNC, ENOSPC, ERR_STORE, "no space"},
        {FILE_STEP_SYNC, EIO, ERR_STORE, "input/output error"},
        {FILE_STEP_RENAME, EROFS, ERR_CONFIG, "read-only"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file_fault_set(NULL, NULL);
        assert_true(file_write(at("f"), FILE_PRIVATE, STR("old"), &err));
        struct plan plan = {.step = cases[i].step, .answer = cases[i].answer};
        file_fault_set(plan_fault, &plan);
        assert_false(file_write(at("f"), FILE_PRIVATE, STR("new bytes"), &err));
        file_fault_set(NULL, NULL);
        assert_true(plan.hits > 0);
        assert_int_equal(err.kind, cases[i].kind);
        assert_non_null(strstr(err.text, cases[i].text));
        assert_content("f", STR("old"));
        assert_int_equal(names_in_home(), 1);
    }
    struct plan plan = {.step = FILE_STEP_SYNC_DIR, .answer = EIO};
    file_fault_set(plan_fault, &plan);
    assert_false(file_write(at("f"), FILE_PRIVATE, STR("new"), &err));
    assert_int_equal(err.kind, ERR_STORE);
    plan.answer = EINVAL; /* A file system that cannot sync directories. */
    assert_true(file_write(at("f"), FILE_PRIVATE, STR("new"), &err));
}

static void test_short_steps_are_continued(void **state)
{
    (void)state;
    struct plan plan = {.step = FILE_STEP_WRITE, .answer = FILE_FAULT_SHORT};
    file_fault_set(plan_fault, &plan);
    assert_true(file_write(at("f"), FILE_PRIVATE, STR("byte by byte"), &err));
    assert_int_equal(plan.hits, 12);
    plan = (struct plan){.step = FILE_STEP_READ, .answer = FILE_FAULT_SHORT};
    assert_content("f", STR("byte by byte"));
    assert_int_equal(plan.hits, 13);
    plan = (struct plan){.step = FILE_STEP_READ, .answer = EIO};
    struct str got = {0};
    assert_false(file_read(&arena, at("f"), 100, &got, &err));
    assert_int_equal(err.kind, ERR_STORE);
}

static void test_dirs_and_list(void **state)
{
    (void)state;
    struct file_info info;
    assert_true(file_make_dirs(at("a"), DIR_PRIVATE, &err));
    assert_true(file_make_dirs(at("a//b/c/"), DIR_PRIVATE, &err));
    assert_true(file_make_dirs(at("a/b/c"), 0755, &err)); /* Again; the mode stays. */
    assert_true(file_look(at("a/b/c"), &info, &err));
    assert_int_equal(info.kind, FILE_DIRECTORY);
    assert_int_equal(info.mode, 0700);
    assert_true(file_write(at("a/b/c/b"), FILE_PRIVATE, STR("1"), &err));
    assert_true(file_write(at("a/b/c/B"), FILE_PRIVATE, STR("1"), &err));
    assert_true(file_write(at("a/b/c/a"), FILE_PRIVATE, STR("1"), &err));
    struct file_list list;
    assert_true(file_list(&arena, at("a/b/c"), &list, &err));
    assert_int_equal(list.count, 3);
    assert_true(str_equal(list.names[0], STR("B")));
    assert_true(str_equal(list.names[1], STR("a")));
    assert_true(str_equal(list.names[2], STR("b")));
    assert_false(file_make_dirs(at("a/b/c/a/d"), DIR_PRIVATE, &err));
    assert_non_null(strstr(err.text, "not a directory"));
    assert_false(file_list(&arena, at("nothing"), &list, &err));
    for (const char *const *leaf = (const char *const[]){"a/b/c/a", "a/b/c/b", "a/b/c/B", NULL};
         *leaf != NULL; leaf++) {
        assert_true(file_remove(at(*leaf), &err));
    }
    assert_false(file_remove(at("a/b/c"), &err));
    assert_int_equal(rmdir(at("a/b/c").ptr) | rmdir(at("a/b").ptr) | rmdir(at("a").ptr), 0);
}

static void test_list_many(void **state)
{
    (void)state;
    char leaf[16];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(leaf, sizeof leaf, "n%03d", (i * 37) % 300);
        assert_true(file_write(at(leaf), FILE_PRIVATE, STR(""), &err));
    }
    struct file_list list;
    assert_true(file_list(&arena, str_of(home), &list, &err));
    assert_int_equal(list.count, 300);
    for (size_t i = 1; i < list.count; i++) {
        assert_true(str_compare(list.names[i - 1], list.names[i]) < 0);
    }
    struct arena small;
    for (size_t limit = 1; limit < 20000; limit += 500) {
        arena_init(&small, limit);
        (void)file_list(&small, str_of(home), &list, &err);
        arena_free(&small);
    }
}

static void test_look_tells_identity(void **state)
{
    (void)state;
    struct file_info one;
    struct file_info two;
    assert_true(file_write(at("f"), FILE_PRIVATE, STR("123"), &err));
    assert_true(file_look(at("f"), &one, &err));
    assert_int_equal(one.kind, FILE_REGULAR);
    assert_int_equal(one.size, 3);
    assert_true(one.mtime_ns > 1500000000000000000);
    char keep[256];
    (void)snprintf(keep, sizeof keep, "%s/keep", home);
    assert_true(file_rename(at("f"), str_of(keep), &err));
    assert_true(file_write(at("f"), FILE_PRIVATE, STR("123"), &err));
    assert_true(file_look(at("f"), &two, &err));
    assert_true(one.inode != two.inode && one.device == two.device);
    assert_false(file_rename(at("absent"), str_of(keep), &err));
    assert_true(file_look(STR("/dev/null"), &one, &err));
    assert_int_equal(one.kind, FILE_OTHER);
    assert_true(file_look(at("f/below"), &one, &err));
    assert_int_equal(one.kind, FILE_MISSING);
}

static bool lock_elsewhere(struct str path)
{
    pid_t child = fork();
    if (child == 0) {
        struct file_lock lock;
        bool held = false;
        bool ok = file_lock_take(&lock, path, &held, &err);
        _exit(ok && held ? 7 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static void test_lock_has_one_owner(void **state)
{
    (void)state;
    struct file_lock lock;
    struct file_lock second;
    bool held = false;
    assert_true(file_lock_take(&lock, at("lock"), &held, &err));
    assert_true(held);
    assert_true(file_lock_take(&second, at("lock"), &held, &err)); /* The same process. */
    assert_false(held);
    file_lock_give(&second);
    assert_false(lock_elsewhere(at("lock")));
    file_lock_give(&lock);
    assert_true(lock_elsewhere(at("lock")));
    assert_true(file_lock_take(&lock, at("lock"), &held, &err)); /* Its owner has died. */
    assert_true(held);
    file_lock_give(&lock);
    file_lock_give(&lock);
    assert_false(file_lock_take(&lock, at("absent/lock"), &held, &err));
    struct file_info info;
    assert_true(file_look(at("lock"), &info, &err));
    assert_int_equal(info.mode, 0600);
}

static void test_space(void **state)
{
    (void)state;
    uint64_t room = 0;
    assert_true(file_space(str_of(home), &room, &err));
    assert_true(room > 0);
    assert_false(file_space(at("absent"), &room, &err));
}

static bool countdown(void *context)
{
    int *left = context;
    return (*left)-- <= 0;
}

static void test_no_memory_is_an_error(void **state)
{
    (void)state;
    assert_true(file_write(at("f"), FILE_PRIVATE, STR("text"), &err));
    bool failed_once = false;
    for (int n = 0; n < 8; n++) {
        struct arena fresh;
        arena_init(&fresh, 1 << 20);
        int left = n;
        struct str got = {0};
        struct file_list list;
        mem_fault_set(countdown, &left);
        bool ok = file_read(&fresh, at("f"), 100, &got, &err) &&
                  file_list(&fresh, str_of(home), &list, &err);
        mem_fault_set(NULL, NULL);
        failed_once = failed_once || !ok;
        arena_free(&fresh);
    }
    assert_true(failed_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_then_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_sets_exact_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_replaces_a_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paths_are_views, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_faults_keep_the_old_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_short_steps_are_continued, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dirs_and_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_look_tells_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock_has_one_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
