#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/watch.h"
#include "text/test.h"

struct yard {
    struct watch *watch;
    char folder[64];
    char path[2][128]; /* "a.yaml", "b.yaml" */
    struct err err;
};

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static void pause_ms(int64_t ms)
{
    clock_system()->sleep_until(clock_system(), now_ms() + ms);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fail_msg("%s cannot be made", path);
        return;
    }
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int yard_open(void **state)
{
    struct yard *yard = calloc(1, sizeof *yard);
    assert_non_null(yard);
    (void)snprintf(yard->folder, sizeof yard->folder, "/tmp/sluice-watch-XXXXXX");
    assert_non_null(mkdtemp(yard->folder));
    struct str paths[2];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(yard->path[i], sizeof yard->path[i], "%s/%c.yaml", yard->folder, 'a' + i);
        paths[i] = str_of(yard->path[i]);
    }
    put(yard->path[0], "one");
    assert_true(watch_open(&yard->watch, &yard->err));
    watch_set(yard->watch, paths, 2);
    *state = yard;
    return 0;
}

static int yard_close(void **state)
{
    struct yard *yard = *state;
    static const char *const names[] = {"a.yaml", "b.yaml", "messages.db", "version/a.yaml"};
    char path[128];
    for (size_t i = 0; i < COUNT(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", yard->folder, names[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/version", yard->folder);
    (void)rmdir(path);
    assert_int_equal(rmdir(yard->folder), 0);
    watch_close(yard->watch);
    free(yard);
    return 0;
}

/* How long it took until the change was noticed. */
static int64_t notices(struct yard *yard)
{
    int64_t from = now_ms();
    assert_true(watch_wait(yard->watch, from + 20000));
    assert_true(watch_changed(yard->watch));
    assert_true(watch_settle(yard->watch, now_ms() + 20000));
    watch_take(yard->watch);
    assert_false(watch_changed(yard->watch));
    return now_ms() - from;
}

static void nothing_changes(void **state)
{
    struct yard *yard = *state;
    assert_false(watch_wait(yard->watch, now_ms() + 50));
    char other[128]; /* Another file of the same folder is none of ours. */
    (void)snprintf(other, sizeof other, "%s/messages.db", yard->folder);
    put(other, "x");
    assert_false(watch_wait(yard->watch, now_ms() + 50));
}

static void every_way_of_writing_is_noticed(void **state)
{
    struct yard *yard = *state;
    char other[128];
    char folder[128];
    put(yard->path[0], "another"); /* In place. */
    assert_in_range(notices(yard), WATCH_QUIET_MS, WATCH_POLL_MS - 1000);
    (void)snprintf(other, sizeof other, "%s/.a.yaml.swp", yard->folder);
    put(other, "anothes"); /* As editors do: the same size, another file. */
    assert_int_equal(rename(other, yard->path[0]), 0);
    assert_in_range(notices(yard), WATCH_QUIET_MS, WATCH_POLL_MS - 1000);
    put(yard->path[1], "new"); /* One that was missing. */
    assert_in_range(notices(yard), WATCH_QUIET_MS, WATCH_POLL_MS - 1000);
    (void)snprintf(folder, sizeof folder, "%s/version", yard->folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    (void)snprintf(other, sizeof other, "%s/version/a.yaml", yard->folder);
    put(other, "linked");
    assert_int_equal(unlink(yard->path[0]), 0);
    assert_int_equal(symlink("version/a.yaml", yard->path[0]), 0);
    assert_in_range(notices(yard), WATCH_QUIET_MS, WATCH_POLL_MS - 1000);
    put(other, "no event comes for this one"); /* Behind the link: polling finds it. */
    assert_in_range(notices(yard), WATCH_QUIET_MS, WATCH_POLL_MS + 5000);
}

static void half_a_file_has_not_settled(void **state)
{
    struct yard *yard = *state;
    int fd = open(yard->path[0], O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "half", 4), 4);
    assert_true(watch_wait(yard->watch, now_ms() + 5000));
    assert_false(watch_settle(yard->watch, now_ms() + 1500)); /* The writer has it open. */
    assert_int_equal(write(fd, "whole", 5), 5);
    assert_int_equal(close(fd), 0);
    assert_true(watch_settle(yard->watch, now_ms() + 5000));
}

static void a_file_that_is_gone_has_not_settled(void **state)
{
    struct yard *yard = *state;
    assert_int_equal(unlink(yard->path[0]), 0);
    assert_true(watch_wait(yard->watch, now_ms() + 5000));
    assert_false(watch_settle(yard->watch, now_ms() + 1000));
    put(yard->path[0], "back");
    assert_true(watch_settle(yard->watch, now_ms() + 5000));
}

static void *wake_soon(void *argument)
{
    pause_ms(50);
    watch_wake(argument);
    return NULL;
}

static void whoever_waits_can_be_woken(void **state)
{
    struct yard *yard = *state;
    struct thread thread;
    assert_true(thread_start(&thread, wake_soon, yard->watch, false, &yard->err));
    assert_true(watch_wait(yard->watch, INT64_MAX));
    assert_false(watch_changed(yard->watch));
    thread_join(&thread);
    watch_wake(yard->watch); /* Also who waits for a writer. */
    assert_false(watch_settle(yard->watch, now_ms() + 5000));
    assert_false(watch_wait(yard->watch, now_ms() + 10));
}

static void another_list_keeps_what_is_known(void **state)
{
    struct yard *yard = *state;
    struct str paths[2] = {str_of(yard->path[1]), str_of(yard->path[0])};
    put(yard->path[0], "changed meanwhile");
    watch_set(yard->watch, paths, 2);
    assert_true(watch_changed(yard->watch));
    watch_set(yard->watch, paths, 1);
    assert_false(watch_changed(yard->watch));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_open, yard_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_changes),
        TEST(every_way_of_writing_is_noticed),
        TEST(half_a_file_has_not_settled),
        TEST(a_file_that_is_gone_has_not_settled),
        TEST(another_list_keeps_what_is_known),
        TEST(whoever_waits_can_be_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
