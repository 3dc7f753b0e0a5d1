#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/blobs.h"
#include "store/fixture.h"

/* SHA-256 of "abc". */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* Files are as old as the machine's clock says, so "now" is far in the future or the past here. */
static const int64_t all_old = INT64_MAX / 2;
static const int64_t all_young = 1000;

struct desk {
    struct fixture *f;
    char folder[96];
};

static struct desk desk_of(void **state)
{
    struct desk desk = {.f = *state};
    (void)snprintf(desk.folder, sizeof desk.folder, "%s/files", desk.f->folder);
    return desk;
}

static bool put(struct desk *desk, struct str bytes, struct str extension, char sha256[65])
{
    return blobs_put(str_of(desk->folder), bytes, extension, sha256, &desk->f->err);
}

static struct str path_of(struct desk *desk, const char *sha256, const char *ending)
{
    return arena_printf(&desk->f->arena, "%s/%.2s/%.2s/%s%s", desk->folder, sha256, sha256 + 2,
                        sha256, ending);
}

static bool exists(struct str path)
{
    struct stat info;
    return lstat(path.ptr, &info) == 0;
}

static int64_t sweep(struct desk *desk, int64_t before_ms)
{
    int64_t removed = -1;
    fixture_ok(desk->f, store_blobs_sweep(desk->f->store, &desk->f->arena, str_of(desk->folder),
                                          before_ms, &removed, &desk->f->err));
    return removed;
}

static void refer(struct desk *desk, const char *sha256, int64_t message)
{
    fixture_begin(desk->f);
    fixture_ok(desk->f, store_blob_refer(desk->f->store, str_of(sha256), STR("txt"), 3, message,
                                         &desk->f->err));
    fixture_commit(desk->f);
}

static void bytes_lie_under_their_hash(void **state)
{
    struct desk desk = desk_of(state);
    struct str bytes;
    struct stat info;
    char sha256[65];
    fixture_ok(desk.f, put(&desk, STR("abc"), STR("jpg"), sha256));
    assert_string_equal(sha256, ABC);
    struct str path = path_of(&desk, ABC, ".jpg");
    fixture_ok(desk.f, file_read(&desk.f->arena, path, 100, &bytes, &desk.f->err));
    assert_str_equal(bytes, STR("abc"));
    assert_int_equal(stat(path.ptr, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(stat(desk.folder, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    fixture_ok(desk.f, put(&desk, STR(""), STR("txt"), sha256));
    assert_true(exists(path_of(&desk, sha256, ".txt")));
}

static void the_same_bytes_are_written_once(void **state)
{
    struct desk desk = desk_of(state);
    struct stat first;
    struct stat second;
    char sha256[65];
    fixture_ok(desk.f, put(&desk, STR("abc"), STR("jpg"), sha256));
    struct str path = path_of(&desk, ABC, ".jpg");
    assert_int_equal(stat(path.ptr, &first), 0);
    fixture_ok(desk.f, put(&desk, STR("abc"), STR("jpg"), sha256));
    assert_int_equal(stat(path.ptr, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);
}

static void a_file_that_was_cut_is_written_again(void **state)
{
    struct desk desk = desk_of(state);
    struct str bytes;
    char sha256[65];
    fixture_ok(desk.f, put(&desk, STR("abc"), STR("jpg"), sha256));
    struct str path = path_of(&desk, ABC, ".jpg");
    assert_int_equal(truncate(path.ptr, 1), 0);
    fixture_ok(desk.f, put(&desk, STR("abc"), STR("jpg"), sha256));
    fixture_ok(desk.f, file_read(&desk.f->arena, path, 100, &bytes, &desk.f->err));
    assert_str_equal(bytes, STR("abc"));
}

static void a_link_of_that_name_is_not_followed(void **state)
{
    struct desk desk = desk_of(state);
    struct stat info;
    char sha256[65];
    char victim[128];
    fixture_ok(desk.f, put(&desk, STR("abc"), STR("jpg"), sha256));
    struct str path = path_of(&desk, ABC, ".jpg");
    (void)snprintf(victim, sizeof victim, "%s/victim", desk.f->folder);
    fixture_ok(desk.f, file_write(str_of(victim), 0600, STR("xyz"), &desk.f->err));
    assert_int_equal(unlink(path.ptr), 0);
    assert_int_equal(symlink(victim, path.ptr), 0);
    fixture_ok(desk.f, put(&desk, STR("abc"), STR("jpg"), sha256));
    assert_int_equal(lstat(path.ptr, &info), 0);
    assert_true(S_ISREG(info.st_mode));
    struct str bytes;
    fixture_ok(desk.f, file_read(&desk.f->arena, str_of(victim), 9, &bytes, &desk.f->err));
    assert_str_equal(bytes, STR("xyz"));
}

static void an_extension_is_letters_or_bin(void **state)
{
    static const struct {
        struct str given;
        const char *ending;
    } cases[] = {
        {STR_INIT("jpg"), ".jpg"},       {STR_INIT("mp4"), ".mp4"},
        {STR_INIT("7z"), ".7z"},         {STR_INIT("abcdefgh"), ".abcdefgh"},
        {STR_INIT("abcdefghi"), ".bin"}, {STR_INIT(""), ".bin"},
        {STR_INIT("JPG"), ".bin"},       {STR_INIT("../../x"), ".bin"},
        {STR_INIT("a/b"), ".bin"},       {STR_INIT("."), ".bin"},
        {STR_INIT("a\0b"), ".bin"},      {STR_INIT("a b"), ".bin"},
        {STR_INIT("\xd7\x90"), ".bin"},  {STR_INIT("tar.gz"), ".bin"},
        {STR_INIT("%s"), ".bin"},        {{NULL, 0}, ".bin"},
    };
    struct desk desk = desk_of(state);
    char sha256[65];
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str bytes = arena_printf(&desk.f->arena, "file %zu", i);
        fixture_ok(desk.f, put(&desk, bytes, cases[i].given, sha256));
        if (!exists(path_of(&desk, sha256, cases[i].ending))) {
            fail_msg("case %zu is not at %s", i, cases[i].ending);
        }
    }
}

static void bad_folders_and_sizes_are_refused(void **state)
{
    static char path[5000];
    struct desk desk = desk_of(state);
    struct err err = {0};
    char sha256[65];
    memset(path, 'x', sizeof path);
    const struct str bad[] = {STR(""), STR("a\0b"), {path, sizeof path}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(blobs_put(bad[i], STR("abc"), STR("jpg"), sha256, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
    }
    struct str huge = {path, (size_t)BLOB_SIZE_MAX + 1}; /* Refused before a byte is looked at. */
    assert_false(blobs_put(str_of(desk.folder), huge, STR("jpg"), sha256, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_false(exists(str_of(desk.folder)));
}

static int fail_at;
static int fail_with;
static int steps_seen;

static int fail_one(void *context, enum file_step step)
{
    (void)context;
    (void)step;
    return ++steps_seen == fail_at ? fail_with : 0;
}

/* Whatever step fails, there is no visible name, or a whole file. */
static void no_step_leaves_half_a_file(void **state)
{
    struct desk desk = desk_of(state);
    char sha256[65];
    bool ok = false;
    int failures = 0;
    fail_with = ENOSPC;
    for (fail_at = 1; !ok && fail_at < 50; fail_at++) {
        struct str bytes = STR("abc");
        steps_seen = 0;
        file_fault_set(fail_one, NULL);
        ok = put(&desk, bytes, STR("jpg"), sha256);
        file_fault_set(NULL, NULL);
        failures += !ok;
        struct stat info;
        struct str path = path_of(&desk, ABC, ".jpg");
        if (stat(path.ptr, &info) == 0) {
            assert_int_equal(info.st_size, 3);
            assert_int_equal(unlink(path.ptr), 0);
        } else {
            assert_false(ok);
        }
        assert_true(ok || desk.f->err.kind == ERR_RETRY || desk.f->err.kind == ERR_STORE);
    }
    assert_true(ok);
    assert_true(failures >= 4);
}

static void what_nobody_refers_to_is_swept_when_old(void **state)
{
    struct desk desk = desk_of(state);
    char loose[65];
    char kept[65];
    assert_int_equal(sweep(&desk, all_old), 0); /* No folder yet. */
    fixture_ok(desk.f, put(&desk, STR("loose"), STR("txt"), loose));
    fixture_ok(desk.f, put(&desk, STR("kept"), STR("txt"), kept));
    refer(&desk, kept, 4);
    assert_int_equal(sweep(&desk, all_young), 0);
    assert_true(exists(path_of(&desk, loose, ".txt")));
    assert_int_equal(sweep(&desk, all_old), 1);
    assert_false(exists(path_of(&desk, loose, ".txt")));
    assert_true(exists(path_of(&desk, kept, ".txt")));
    assert_int_equal(sweep(&desk, all_old), 0);
    fixture_ok(desk.f, put(&desk, STR("loose"), STR("txt"), loose)); /* It can come again. */
    assert_true(exists(path_of(&desk, loose, ".txt")));
}

/* The put that finds old bytes makes them young, so a sweep leaves them alone. */
static void bytes_that_come_again_are_young_again(void **state)
{
    struct desk desk = desk_of(state);
    char sha256[65];
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    const int64_t a_while_ago = INT64_C(1500000000000);
    fixture_ok(desk.f, put(&desk, STR("abc"), STR("txt"), sha256));
    struct str path = path_of(&desk, ABC, ".txt");
    assert_int_equal(utimensat(AT_FDCWD, path.ptr, long_ago, 0), 0);
    fixture_ok(desk.f, put(&desk, STR("abc"), STR("txt"), sha256));
    assert_int_equal(sweep(&desk, a_while_ago), 0);
    assert_int_equal(utimensat(AT_FDCWD, path.ptr, long_ago, 0), 0);
    assert_int_equal(sweep(&desk, a_while_ago), 1);
}

/* Leftovers of every kind of crash, beside files that are not ours. */
static void leftovers_go_and_strangers_stay(void **state)
{
    struct desk desk = desk_of(state);
    struct err *err = &desk.f->err;
    char kept[65];
    char loose[65];
    fixture_ok(desk.f, put(&desk, STR("kept"), STR("txt"), kept));
    refer(&desk, kept, 4);
    fixture_ok(desk.f, put(&desk, STR("loose"), STR("txt"), loose));
    struct str folder = arena_printf(&desk.f->arena, "%s/%.2s/%.2s", desk.folder, kept, kept + 2);
    struct str half = arena_printf(&desk.f->arena, "%s/.sluice-0123456789abcdef.tmp", folder.ptr);
    struct str readme = arena_printf(&desk.f->arena, "%s/README", folder.ptr);
    struct str stray = arena_printf(&desk.f->arena, "%s/ab", desk.folder);
    struct str stray_file = arena_printf(&desk.f->arena, "%s/cd", desk.folder);
    fixture_ok(desk.f,
               file_write(half, 0600, STR("ha"), err) &&
                   file_write(readme, 0600, STR("mine"), err) &&
                   file_make_dirs(arena_printf(&desk.f->arena, "%s/zz", stray.ptr), 0700, err) &&
                   file_write(stray_file, 0600, STR("x"), err));
    /* Died while a file was moved aside: it is looked at again, and found to be referred to. */
    fixture_ok(desk.f,
               file_rename(path_of(&desk, kept, ".txt"), path_of(&desk, kept, ".txt.aside"), err));
    fixture_ok(desk.f, file_rename(path_of(&desk, loose, ".txt"),
                                   path_of(&desk, loose, ".txt.aside"), err));
    assert_int_equal(sweep(&desk, all_old), 1);
    assert_false(exists(half));
    assert_true(exists(path_of(&desk, kept, ".txt")));
    assert_true(exists(path_of(&desk, loose, ".txt")));
    assert_int_equal(sweep(&desk, all_old), 1);
    assert_false(exists(path_of(&desk, loose, ".txt")));
    assert_true(exists(path_of(&desk, kept, ".txt")));
    assert_true(exists(readme) && exists(stray) && exists(stray_file));
}

static void references_are_by_hash_and_newest_message(void **state)
{
    struct desk desk = desk_of(state);
    static const struct str bad[] = {
        STR_INIT(""),
        STR_INIT("abc"),
        STR_INIT("../../../../etc/passwd"),
        STR_INIT("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
        STR_INIT("ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        STR_INIT(ABC "00")};
    refer(&desk, ABC, 7);
    refer(&desk, ABC, 9);
    refer(&desk, ABC, 8);
    assert_int_equal(fixture_int(desk.f, "SELECT count(*) FROM blob"), 1);
    assert_int_equal(fixture_int(desk.f, "SELECT message FROM blob"), 9);
    assert_int_equal(fixture_int(desk.f, "SELECT length(sha256) FROM blob"), 32);
    fixture_begin(desk.f);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(store_blob_refer(desk.f->store, bad[i], STR("txt"), 1, 1, &desk.f->err));
        assert_int_equal(desk.f->err.kind, ERR_REJECT);
    }
    store_rollback(desk.f->store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_lie_under_their_hash),
        TEST(the_same_bytes_are_written_once),
        TEST(a_file_that_was_cut_is_written_again),
        TEST(a_link_of_that_name_is_not_followed),
        TEST(an_extension_is_letters_or_bin),
        TEST(bad_folders_and_sizes_are_refused),
        TEST(no_step_leaves_half_a_file),
        TEST(what_nobody_refers_to_is_swept_when_old),
        TEST(bytes_that_come_again_are_young_again),
        TEST(leftovers_go_and_strangers_stay),
        TEST(references_are_by_hash_and_newest_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
