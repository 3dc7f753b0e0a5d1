#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "text/test.h"

enum { LIMIT = 4 * 1024 * 1024 };

static bool is_zero(const unsigned char *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && bytes[at] == 0) {
        at++;
    }
    return at == size;
}

static void memory_is_aligned_zeroed_and_apart(void **state)
{
    struct arena arena;
    unsigned char *last = NULL;
    (void)state;
    arena_init(&arena, LIMIT);
    for (size_t round = 0; round < 2; round++) {
        for (size_t size = 1; size < 3000; size = size * 3 / 2 + 1) {
            (void)arena_bytes(&arena, 1); /* Throws the alignment off. */
            unsigned char *block = arena_alloc(&arena, size);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
            assert_true(is_zero(block, size));
            assert_true(last == NULL || *last == 0xAA);
            memset(block, 0xAA, size);
            last = block + size - 1;
        }
        arena_reset(&arena);
        last = NULL;
    }
    arena_free(&arena);
}

static void the_limit_holds(void **state)
{
    static const size_t sizes[] = {LIMIT + 1, SIZE_MAX / 2, SIZE_MAX - 64, SIZE_MAX};
    struct arena arena;
    (void)state;
    arena_init(&arena, LIMIT);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_null(arena_alloc(&arena, sizes[i]));
        assert_null(arena_bytes(&arena, sizes[i]));
        assert_null(arena_array(&arena, sizes[i], 3));
        assert_null(arena_array(&arena, 3, sizes[i]));
    }
    assert_null(arena_copy(&arena, (struct str){"x", SIZE_MAX}).ptr);
    size_t taken = 0;
    while (arena_alloc(&arena, 1000) != NULL) {
        taken += 1000;
        assert_true(taken <= LIMIT);
    }
    assert_true(taken > LIMIT / 10 * 9);
    assert_null(arena_printf(&arena, "%*d", 5000, 1).ptr);
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, LIMIT / 2));
    arena_free(&arena);
    assert_non_null(arena_alloc(&arena, 10)); /* It may be used again. */
    arena_free(&arena);
}

static void rewinding_gives_back_what_came_since(void **state)
{
    static const size_t sizes[] = {10, 100000, 1000000, 10, 600000};
    struct arena arena;
    (void)state;
    arena_init(&arena, LIMIT);
    struct arena_mark empty = arena_mark(&arena);
    struct str kept = arena_copy(&arena, STR("kept"));
    for (int round = 0; round < 100; round++) { /* More than the limit, were it not given back. */
        struct arena_mark mark = arena_mark(&arena);
        size_t used = arena.used;
        for (size_t i = 0; i < COUNT(sizes); i++) {
            void *block = arena_alloc(&arena, sizes[i]);
            assert_non_null(block);
            memset(block, 0xAA, sizes[i]);
        }
        arena_rewind(&arena, mark);
        assert_int_equal(arena.used, used);
        assert_str_equal(kept, STR("kept"));
    }
    arena_rewind(&arena, empty);
    assert_int_equal(arena.used, 0);
    assert_non_null(arena_alloc(&arena, 10));
    arena_free(&arena);
}

static void copies_end_in_nul(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, LIMIT);
    struct str copy = arena_copy(&arena, STR("a\0b"));
    assert_int_equal(copy.len, 3);
    assert_int_equal(copy.ptr[3], '\0');
    copy = arena_copy(&arena, (struct str){0});
    assert_non_null(copy.ptr);
    assert_int_equal(copy.len, 0);
    copy = arena_printf(&arena, "%s-%05d", "x", 42);
    assert_string_equal(copy.ptr, "x-00042");
    assert_int_equal(copy.len, 7);
    arena_free(&arena);
}

static void a_buffer_grows_and_remembers_a_failure(void **state)
{
    struct arena arena;
    struct buf buf;
    (void)state;
    arena_init(&arena, LIMIT);
    buf_init(&buf, &arena, 0);
    assert_str_equal(buf_str(&buf), STR(""));
    for (int i = 0; i < 20000; i++) {
        buf_add(&buf, STR("ab"));
        buf_add_byte(&buf, '\0');
    }
    assert_int_equal(buf_str(&buf).len, 60000);
    assert_memory_equal(buf_str(&buf).ptr + 59997, "ab\0", 4);
    buf_clear(&buf);
    buf_add_int(&buf, INT64_MIN);
    buf_printf(&buf, " %s %d", "x", 7);
    buf_add_int(&buf, 0);
    buf_add(&buf, (struct str){0});
    assert_str_equal(buf_str(&buf), STR("-9223372036854775808 x 70"));
    assert_int_equal(buf_str(&buf).ptr[buf.len], '\0');
    assert_false(buf_reserve(&buf, SIZE_MAX));
    assert_false(buf_ok(&buf));
    buf_add(&buf, STR("more"));
    assert_null(buf_str(&buf).ptr); /* It stays failed, until it begins again. */
    buf_clear(&buf);
    assert_true(buf_ok(&buf));
    while (buf_ok(&buf)) {
        buf_add(&buf, STR("0123456789abcdef"));
        assert_true(buf.len <= LIMIT);
    }
    assert_null(buf_str(&buf).ptr);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_zeroed_and_apart),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(rewinding_gives_back_what_came_since),
        cmocka_unit_test(copies_end_in_nul),
        cmocka_unit_test(a_buffer_grows_and_remembers_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
