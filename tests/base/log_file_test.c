/* log_file: no line is lost and none is torn, whoever turns the file and whenever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log_file.h"
#include "base/thread.h"
#include "test.h"

enum { WRITERS = 4, LINES = 3000, SIZE = 8000, KEEP = 200 };

static char folder[64];
static char path[96];
static struct arena arena;
static struct err err;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/sluice-log-file-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/sluice.log", folder);
    arena_init(&arena, 64 * 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    struct file_list list = {0};
    (void)state;
    assert_true(file_list(&arena, str_of(folder), &list, &err));
    for (size_t i = 0; i < list.count; i++) {
        struct str name = arena_printf(&arena, "%s/%.*s", folder, STR_ARG(list.names[i]));
        assert_true(file_remove(name, &err));
    }
    (void)rmdir(folder);
    arena_free(&arena);
    return 0;
}

struct writer {
    struct log_file *file;
    int number;
};

static void *write_many(void *argument)
{
    const struct writer *writer = argument;
    char line[64];
    for (int i = 0; i < LINES; i++) {
        int len = snprintf(line, sizeof line, "writer %d line %d.\n", writer->number, i);
        if (!log_file_put(writer->file, (struct str){line, (size_t)len})) {
            return argument;
        }
    }
    return NULL;
}

/* How often each line stands in all files together; every one must be whole. */
static size_t count_lines(int writers)
{
    static unsigned char seen[WRITERS * 2][LINES];
    struct file_list list = {0};
    size_t files = 0;
    memset(seen, 0, sizeof seen);
    assert_true(file_list(&arena, str_of(folder), &list, &err));
    for (size_t i = 0; i < list.count; i++) {
        struct str name = arena_printf(&arena, "%s/%.*s", folder, STR_ARG(list.names[i]));
        struct str rest;
        struct str line;
        assert_true(file_read(&arena, name, 10000000, &rest, &err));
        files++;
        while (str_split(&rest, '\n', &line) && line.len > 0) {
            char expected[64];
            struct str number = str_slice(line, 7, 8);
            int64_t at = -1;
            assert_true(str_to_int64(str_slice(line, 14, line.len - 1), &at));
            int writer = number.ptr[0] - '0';
            assert_true(writer >= 0 && writer < writers && at >= 0 && at < LINES);
            (void)snprintf(expected, sizeof expected, "writer %d line %d.", writer, (int)at);
            assert_str_equal(line, str_of(expected));
            seen[writer][at]++;
        }
    }
    for (int writer = 0; writer < writers; writer++) {
        for (int i = 0; i < LINES; i++) {
            assert_int_equal(seen[writer][i], 1);
        }
    }
    return files;
}

static void write_with_threads(int first)
{
    struct log_file file;
    struct thread threads[WRITERS];
    struct writer writers[WRITERS];
    log_file_init(&file);
    assert_true(log_file_open(&file, str_of(path), SIZE, KEEP, &err));
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){&file, first + i};
        assert_true(thread_start(&threads[i], write_many, &writers[i], false, &err));
    }
    for (int i = 0; i < WRITERS; i++) {
        thread_join(&threads[i]);
    }
    log_file_close(&file);
}

static void no_line_is_lost_between_threads(void **state)
{
    (void)state;
    write_with_threads(0);
    assert_true(count_lines(WRITERS) > 10);
}

static void no_line_is_lost_between_processes(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_with_threads(WRITERS);
        _exit(0);
    }
    write_with_threads(0);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(count_lines(2 * WRITERS) > 20);
}

static void put(struct log_file *file, const char *line)
{
    assert_true(log_file_put(file, str_of(line)));
}

static struct str content(const char *ending)
{
    struct str bytes = {0};
    struct str name = arena_printf(&arena, "%s%s", path, ending);
    struct err ignored = {0};
    return file_read(&arena, name, 100000, &bytes, &ignored) ? bytes : STR("(missing)");
}

static void a_file_that_was_moved_away_is_followed(void **state)
{
    struct log_file file;
    char moved[128];
    (void)state;
    (void)snprintf(moved, sizeof moved, "%s.moved", path);
    log_file_init(&file);
    assert_true(log_file_open(&file, str_of(path), 0, 3, &err));
    put(&file, "one\n");
    assert_int_equal(rename(path, moved), 0);
    put(&file, "two\n");
    assert_str_equal(content(".moved"), STR("one\n"));
    assert_str_equal(content(""), STR("two\n"));
    assert_int_equal(unlink(path), 0);
    put(&file, "three\n");
    assert_str_equal(content(""), STR("three\n"));
    log_file_close(&file);
}

static void the_oldest_goes_and_gaps_do_no_harm(void **state)
{
    struct log_file file;
    char gap[128];
    (void)state;
    (void)snprintf(gap, sizeof gap, "%s.1", path);
    log_file_init(&file);
    assert_true(log_file_open(&file, str_of(path), 4, 2, &err));
    put(&file, "1\n");
    put(&file, "2\n"); /* Just full. */
    assert_str_equal(content(""), STR("1\n2\n"));
    put(&file, "3\n");
    put(&file, "a line that is longer than a file may be\n");
    put(&file, "5\n");
    assert_str_equal(content(""), STR("5\n"));
    assert_str_equal(content(".1"), STR("a line that is longer than a file may be\n"));
    assert_str_equal(content(".2"), STR("3\n"));
    assert_str_equal(content(".3"), STR("(missing)"));
    assert_int_equal(unlink(gap), 0); /* Died in the middle of turning. */
    put(&file, "6\n");
    put(&file, "7\n");
    assert_str_equal(content(".1"), STR("5\n6\n"));
    assert_str_equal(content(".2"), STR("3\n"));
    log_file_close(&file);
}

static void without_a_new_file_the_old_one_is_written_on(void **state)
{
    struct log_file file;
    (void)state;
    if (geteuid() == 0) { /* Root may write everywhere: take the folder away instead. */
        char other[128];
        (void)snprintf(other, sizeof other, "%s-elsewhere", folder);
        log_file_init(&file);
        assert_true(log_file_open(&file, str_of(path), 4, 2, &err));
        put(&file, "one\n");
        assert_int_equal(rename(folder, other), 0);
        put(&file, "two\n");
        assert_int_equal(rename(other, folder), 0);
    } else {
        log_file_init(&file);
        assert_true(log_file_open(&file, str_of(path), 4, 2, &err));
        put(&file, "one\n");
        assert_int_equal(chmod(folder, 0500), 0);
        put(&file, "two\n");
        assert_int_equal(chmod(folder, 0700), 0);
    }
    assert_str_equal(content(""), STR("one\ntwo\n"));
    log_file_close(&file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_line_is_lost_between_threads),
        TEST(no_line_is_lost_between_processes),
        TEST(a_file_that_was_moved_away_is_followed),
        TEST(the_oldest_goes_and_gaps_do_no_harm),
        TEST(without_a_new_file_the_old_one_is_written_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
