#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/fixture.h"
#include "store/lease.h"

enum { CONTENDERS = 4, ROUNDS = 40, WORKS = 3 };

static struct lease_file *locks(struct fixture *f)
{
    struct lease_file *file = NULL;
    fixture_ok(f, lease_file_open(&file, str_of(f->path), &f->err));
    return file;
}

static struct lease take(struct fixture *f, struct lease_file *file, const char *work)
{
    struct lease lease = {0};
    fixture_ok(f, store_lease_take(f->store, file, str_of(work), STR("test"), &lease, &f->err));
    assert_true(lease.work > 0 && lease.token > 0);
    return lease;
}

static bool held(struct fixture *f, struct lease_file *file, const char *work)
{
    bool answer = false;
    fixture_ok(f, store_lease_held(f->store, file, str_of(work), &answer, &f->err));
    return answer;
}

/* A process that takes the work, says so on a pipe, and waits to be killed. */
static pid_t start_owner(struct fixture *f, const char *work)
{
    int pipes[2];
    char ready = 0;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct lease_file *file = NULL;
        struct lease lease;
        struct store *store = fixture_handle(f);
        bool ok = lease_file_open(&file, str_of(f->path), &f->err) &&
                  store_lease_take(store, file, str_of(work), STR("serve"), &lease, &f->err);
        if (ok && write(pipes[1], "y", 1) == 1) {
            (void)pause();
        }
        _exit(1);
    }
    assert_int_equal(read(pipes[0], &ready, 1), 1);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    return child;
}

static void end_owner(pid_t child)
{
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void a_token_rises_with_every_change_of_hands(void **state)
{
    struct fixture *f = *state;
    struct lease_file *file = locks(f);
    struct lease one = take(f, file, "intake/bridge");
    struct lease other = take(f, file, "pipeline/drops");
    assert_int_not_equal(one.work, other.work);
    fixture_ok(f, store_lease_give(f->store, file, &one, &f->err));
    assert_int_equal(one.token, 0);
    struct lease two = take(f, file, "intake/bridge");
    assert_int_equal(two.token, 2);
    fixture_reopen(f);
    fixture_ok(f, store_lease_give(f->store, file, &two, &f->err));
    assert_int_equal(take(f, file, "intake/bridge").token, 3);
    lease_file_close(file);
}

static void an_overtaken_owner_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct lease old = take(f, NULL, "sink/table");
    fixture_ok(f, store_begin(f->store, &old, &f->err));
    fixture_commit(f);
    struct lease now = take(f, NULL, "sink/table");
    assert_false(store_begin(f->store, &old, &f->err));
    assert_int_equal(f->err.kind, ERR_STOP);
    f->err = (struct err){0};
    fixture_ok(f, store_begin(f->store, &now, &f->err));
    (void)fixture_say(f, "lobby", "1", "still mine");
    fixture_commit(f);
    struct lease none = {0};
    assert_false(store_begin(f->store, &none, &f->err));
    struct lease stranger = {.work = now.work + 1000, .token = 1};
    assert_false(store_begin(f->store, &stranger, &f->err));
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM archive"), 1);
}

static void a_second_taker_is_told_who_and_since_when(void **state)
{
    struct fixture *f = *state;
    struct lease_file *file = locks(f);
    struct lease lease = {.work = 9, .token = 9};
    char pid[32];
    pid_t child = start_owner(f, "conductor");
    (void)snprintf(pid, sizeof pid, "process %ld", (long)child);
    f->now_ms += 60000;
    assert_true(held(f, file, "conductor"));
    assert_false(store_lease_take(f->store, file, STR("conductor"), STR("serve"), &lease, &f->err));
    assert_int_equal(f->err.kind, ERR_STOP);
    assert_int_equal(lease.work, 0);
    assert_int_equal(lease.token, 0);
    struct str text = str_of(f->err.text);
    assert_true(str_find(text, str_of(pid), 0) != STR_NONE);
    assert_true(str_find(text, STR("conductor"), 0) != STR_NONE);
    assert_true(str_find(text, STR("2023-11-14T22:13:20"), 0) != STR_NONE);
    f->err = (struct err){0};
    (void)take(f, file, "sink/other"); /* Another work is free. */
    assert_int_equal(fixture_int(f, "SELECT token FROM lease ORDER BY work LIMIT 1"), 1);
    end_owner(child);
    lease_file_close(file);
}

static void a_killed_owner_frees_at_once(void **state)
{
    struct fixture *f = *state;
    struct lease_file *file = locks(f);
    pid_t child = start_owner(f, "conductor");
    assert_true(held(f, file, "conductor"));
    end_owner(child);
    assert_false(held(f, file, "conductor"));
    assert_int_equal(take(f, file, "conductor").token, 2);
    lease_file_close(file);
}

static void one_process_does_a_work_once(void **state)
{
    struct fixture *f = *state;
    struct lease_file *file = locks(f);
    struct lease lease = take(f, file, "conductor");
    struct lease again;
    assert_false(store_lease_take(f->store, file, STR("conductor"), STR("serve"), &again, &f->err));
    assert_int_equal(f->err.kind, ERR_STOP);
    assert_true(str_find(str_of(f->err.text), STR("this process"), 0) != STR_NONE);
    f->err = (struct err){0};
    fixture_ok(f, store_begin(f->store, &lease, &f->err)); /* The refusal changed no token. */
    fixture_commit(f);
    assert_true(held(f, file, "conductor"));
    fixture_ok(f, store_lease_give(f->store, file, &lease, &f->err));
    assert_false(held(f, file, "conductor"));
    lease_file_close(file);
}

static void closing_one_handle_of_the_file_frees_nothing(void **state)
{
    struct fixture *f = *state;
    struct lease_file *file = locks(f);
    struct lease_file *second = locks(f);
    char path[128];
    (void)take(f, file, "conductor");
    assert_true(held(f, second, "conductor"));
    (void)snprintf(path, sizeof path, "%s.lock", f->path);
    int fd = open(path, O_RDWR | O_CLOEXEC); /* Old-style locks would be gone after this. */
    assert_true(fd >= 0);
    (void)close(fd);
    assert_true(held(f, second, "conductor"));
    lease_file_close(file);
    assert_false(held(f, second, "conductor"));
    lease_file_close(second);
}

static void an_unknown_work_is_not_held(void **state)
{
    struct fixture *f = *state;
    struct lease_file *file = locks(f);
    assert_false(held(f, file, "nobody/knows"));
    assert_false(held(f, NULL, "nobody/knows"));
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM name"), 0);
    lease_file_close(file);
}

static void the_lock_file_is_private_and_no_link(void **state)
{
    struct fixture *f = *state;
    struct lease_file *file = NULL;
    struct stat info;
    char path[128];
    char target[128];
    lease_file_close(locks(f));
    (void)snprintf(path, sizeof path, "%s.lock", f->path);
    (void)snprintf(target, sizeof target, "%s/elsewhere", f->folder);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_false(lease_file_open(&file, str_of(f->path), &f->err));
    assert_int_equal(f->err.kind, ERR_CONFIG);
    assert_int_not_equal(stat(target, &info), 0);
    assert_false(lease_file_open(&file, STR("/nonexistent/folder/x"), &f->err));
    assert_false(lease_file_open(&file, STR(""), &f->err));
    assert_false(lease_file_open(&file, STR("/tmp/a\0b"), &f->err));
}

/* A contender: takes, adds one to a shared number not atomically, gives; many times. */
static void contend(struct fixture *f, int number)
{
    struct lease_file *file = NULL;
    struct store *store = fixture_handle(f);
    bool ok = lease_file_open(&file, str_of(f->path), &f->err);
    for (int done = 0; ok && done < ROUNDS;) {
        char work[16];
        struct lease lease;
        int64_t before = 0;
        (void)snprintf(work, sizeof work, "work/%d", (number + done) % WORKS);
        f->err = (struct err){0};
        if (!store_lease_take(store, file, str_of(work), STR("test"), &lease, &f->err)) {
            ok = f->err.kind == ERR_STOP || f->err.kind == ERR_RETRY;
            continue;
        }
        /* Two changes: only the lease keeps others out in between. */
        ok = store_begin(store, &lease, &f->err) &&
             store_count_get(store, work, &before, &f->err) && store_commit(store, &f->err) &&
             store_begin(store, &lease, &f->err) && store_count_add(store, work, 1, &f->err) &&
             store_commit(store, &f->err);
        int64_t after = 0;
        ok = ok && store_count_get(store, work, &after, &f->err) && after == before + 1;
        ok = store_lease_give(store, file, &lease, &f->err) && ok;
        done++;
    }
    store_close(store);
    lease_file_close(file);
    _exit(ok ? 0 : 1);
}

static void contending_processes_never_share_a_work(void **state)
{
    struct fixture *f = *state;
    pid_t children[CONTENDERS];
    for (int i = 0; i < CONTENDERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            contend(f, i);
        }
    }
    for (int i = 0; i < CONTENDERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(fixture_int(f, "SELECT sum(value) FROM counter WHERE name LIKE 'work/%'"),
                     CONTENDERS * ROUNDS);
    assert_int_equal(fixture_int(f, "SELECT sum(token) FROM lease"), CONTENDERS * ROUNDS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_rises_with_every_change_of_hands),
        TEST(an_overtaken_owner_writes_nothing),
        TEST(a_second_taker_is_told_who_and_since_when),
        TEST(a_killed_owner_frees_at_once),
        TEST(one_process_does_a_work_once),
        TEST(closing_one_handle_of_the_file_frees_nothing),
        TEST(an_unknown_work_is_not_held),
        TEST(the_lock_file_is_private_and_no_link),
        TEST(contending_processes_never_share_a_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
