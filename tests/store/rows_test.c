/* rows: what a sink gives, as a file and back; cut, damaged and odd files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/rows.h"
#include "test.h"

enum { TEXT_MAX = 4096, BIG = 200 * 1024 };

static struct arena arena;
static char home[64];
static char path[96];
static char seen[TEXT_MAX];
static bool broken;    /* The target fails in the middle. */
static bool impatient; /* load() leaves rows unread. */
static char big[BIG];

static bool toy_save(struct sink *sink, const struct sink_saver *saver, struct arena *memory,
                     struct str *how, struct err *err)
{
    const struct sink_part one = {STR("leads"), STR("{\"columns\":[\"id\"]}")};
    const struct sink_part two = {STR("ריק"), STR("")};
    (void)sink;
    (void)memory;
    *how = STR("at once");
    return saver->part(saver->context, &one, err) &&
           saver->row(saver->context, STR("[\"1\",\"שלום\\n\"]"), err) &&
           (!broken || err_set(err, ERR_RETRY, "gone")) &&
           saver->row(saver->context, (struct str){big, sizeof big}, err) &&
           saver->part(saver->context, &two, err);
}

static bool toy_load(struct sink *sink, const struct sink_loader *loader, enum sink_load how,
                     struct arena *memory, struct str *done, struct err *err)
{
    struct sink_part part;
    struct str row;
    bool got = true;
    size_t len = 0;
    (void)sink;
    (void)memory;
    *done = STR("done");
    while (loader->part(loader->context, &part, &got, err) && got) {
        len += (size_t)snprintf(seen + len, sizeof seen - len, "%d %.*s %.*s:", how,
                                STR_ARG(part.name), STR_ARG(part.shape));
        do {
            if (!loader->row(loader->context, &row, err)) {
                return false;
            }
            len += (size_t)snprintf(seen + len, sizeof seen - len, " %zu", row.len);
        } while (row.ptr != NULL && !impatient);
    }
    return !got;
}

static const struct sink_type toy = {.save = toy_save, .load = toy_load};
static struct sink sink = {.type = &toy};

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    (void)snprintf(home, sizeof home, "/tmp/sluice-rows-XXXXXX");
    assert_non_null(mkdtemp(home));
    (void)snprintf(path, sizeof path, "%s/one.rows", home);
    memset(big, '1', sizeof big);
    big[0] = '[';
    big[sizeof big - 1] = ']';
    broken = false;
    impatient = false;
    seen[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    assert_int_equal(rmdir(home), 0);
    arena_free(&arena);
    return 0;
}

static void save(void)
{
    struct rows_count count = {0};
    struct str how = {0};
    struct err err = {0};
    bool ours = false;
    if (!rows_save(&sink, str_of(path), &arena, &count, &how, &ours, &err)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(count.parts, 2);
    assert_int_equal(count.rows, 2);
    assert_str_equal(how, STR("at once"));
}

static void there_and_back(void **state)
{
    struct rows_count count = {0};
    struct str done = {0};
    struct err err = {0};
    (void)state;
    save();
    assert_true(rows_check(str_of(path), &count, &err));
    assert_int_equal(count.parts, 2);
    assert_int_equal(count.rows, 2);
    assert_true(rows_load(&sink, str_of(path), SINK_LOAD_REPLACE, &arena, &done, &err));
    assert_string_equal(seen, "2 leads {\"columns\":[\"id\"]}: 18 204800 02 ריק {}: 0");
    seen[0] = '\0';
    impatient = true;
    assert_true(rows_load(&sink, str_of(path), SINK_LOAD_LOOK, &arena, &done, &err));
    assert_string_equal(seen, "0 leads {\"columns\":[\"id\"]}: 180 ריק {}: 0");
}

/* A target that fails leaves no file, and is not mistaken for a full disk. */
static void a_target_that_fails(void **state)
{
    struct rows_count count = {0};
    struct str how = {0};
    struct err err = {0};
    struct file_info info = {0};
    bool ours = true;
    (void)state;
    broken = true;
    assert_false(rows_save(&sink, str_of(path), &arena, &count, &how, &ours, &err));
    assert_false(ours);
    assert_string_equal(err.text, "gone");
    assert_true(file_look(str_of(path), &info, &err));
    assert_int_equal(info.kind, FILE_MISSING);
    assert_false(rows_save(&sink, STR("/nowhere/at/all"), &arena, &count, &how, &ours, &err));
    assert_true(ours);
}

static void damaged(void **state)
{
    static const char *const cases[][2] = {
        {"{\"part\":\"a\",\"shape\":{}}\n[1]\n{\"rows\":2}\n", "the rows that it says"},
        {"{\"part\":\"a\",\"shape\":{}}\n[1]\n", "the rows that it says"},
        {"{\"part\":\"a\",\"shape\":{}}\n[1]", "cut"},
        {"{\"part\":\"a\"}\n{\"rows\":0}\n", "does not begin as it should"},
        {"[1]\n", "does not begin as it should"},
        {"nonsense\n", ""},
        {"{\"part\":\"a\",\"shape\":{}}\n\n", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rows_count count = {0};
        struct err err = {0};
        assert_true(file_write(str_of(path), FILE_PRIVATE, str_of(cases[i][0]), &err));
        assert_false(rows_check(str_of(path), &count, &err));
        assert_int_equal(err.kind, ERR_REJECT);
        if (strstr(err.text, cases[i][1]) == NULL) {
            fail_msg("%zu: %s", i, err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_target_that_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged, setup, teardown),
    };
    return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
