/* What fuzzing found worth keeping is run again: nothing of it breaks anything. */
#include <stdio.h>

#include "base/file.h"
#include "fuzz/targets.h"
#include "text/test.h"

enum { ARENA_MAX = 16 << 20, INPUT_MAX = 1 << 20 };

static void run_corpus(const struct fuzz_target *target)
{
    struct arena arena;
    struct file_list list = {0};
    struct err err = {0};
    arena_init(&arena, ARENA_MAX);
    struct str folder = arena_printf(&arena, "tests/fuzz/corpus/%s", target->name);
    if (!file_list(&arena, folder, &list, &err)) {
        fail_msg("%s", err.text);
    }
    assert_true(list.count > 0);
    for (size_t i = 0; i < list.count; i++) {
        struct str path =
            arena_printf(&arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(list.names[i]));
        struct str bytes = {0};
        if (!file_read(&arena, path, INPUT_MAX, &bytes, &err)) {
            fail_msg("%s", err.text);
        }
        target->run(bytes);
    }
    print_message("%s: %zu inputs\n", target->name, list.count);
    arena_free(&arena);
}

static void every_corpus_holds(void **state)
{
    (void)state;
    for (const struct fuzz_target *one = fuzz_targets; one->name != NULL; one++) {
        run_corpus(one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_corpus_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
