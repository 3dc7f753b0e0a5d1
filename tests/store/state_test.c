#include <string.h>

#include "store/fixture.h"
#include "store/state.h"

static void put(struct fixture *f, int64_t partition, struct str key, struct str value)
{
    fixture_ok(f, store_state_put(f->store, 1, partition, key, value, &f->err));
}

static struct str get(struct fixture *f, int64_t pipeline, int64_t partition, struct str key)
{
    struct str value = STR("untouched");
    fixture_ok(f, store_state_get(f->store, &f->arena, pipeline, partition, key, &value, &f->err));
    return value;
}

static void notes_are_kept_by_pipeline_partition_and_key(void **state)
{
    struct fixture *f = *state;
    assert_null(get(f, 1, 1, STR("k")).ptr);
    fixture_begin(f);
    put(f, 1, STR("k"), STR("one"));
    put(f, 2, STR("k"), STR("two\0\xff"));
    put(f, 1, STR("k\0"), STR(""));
    put(f, 1, STR("k"), STR("newer"));
    fixture_commit(f);
    fixture_reopen(f);
    assert_str_equal(get(f, 1, 1, STR("k")), STR("newer"));
    assert_str_equal(get(f, 1, 2, STR("k")), STR("two\0\xff"));
    assert_non_null(get(f, 1, 1, STR("k\0")).ptr);
    assert_null(get(f, 2, 1, STR("k")).ptr);
    fixture_begin(f);
    fixture_ok(f, store_state_del(f->store, 1, 1, STR("k"), &f->err));
    fixture_ok(f, store_state_del(f->store, 1, 1, STR("never was"), &f->err));
    put(f, 2, STR("k"), STR("lost"));
    assert_null(get(f, 1, 1, STR("k")).ptr);
    store_rollback(f->store);
    assert_str_equal(get(f, 1, 1, STR("k")), STR("newer"));
    assert_str_equal(get(f, 1, 2, STR("k")), STR("two\0\xff"));
}

static void notes_have_limits(void **state)
{
    struct fixture *f = *state;
    char *text = arena_alloc(&f->arena, STATE_VALUE_MAX + 1);
    const struct {
        size_t key;
        size_t value;
        bool ok;
    } table[] = {{1, 0, true},
                 {STATE_KEY_MAX, 1, true},
                 {STATE_KEY_MAX + 1, 1, false},
                 {1, STATE_VALUE_MAX, true},
                 {1, STATE_VALUE_MAX + 1, false}};
    assert_non_null(text);
    for (size_t i = 0; i < COUNT(table); i++) {
        struct str key = {text, table[i].key};
        struct str value = {text, table[i].value};
        f->err = (struct err){0};
        fixture_begin(f);
        assert_int_equal(store_state_put(f->store, 1, 1, key, value, &f->err), table[i].ok);
        assert_int_equal(f->err.kind, table[i].ok ? ERR_NONE : ERR_REJECT);
        store_rollback(f->store);
    }
}

struct walk {
    struct fixture *f;
    char keys[64];
    size_t len;
    size_t limit;
    bool writes;
};

static bool walk_on(void *context, struct str key, struct str value)
{
    struct walk *walk = context;
    assert_str_equal(key, value);
    memcpy(walk->keys + walk->len, key.ptr, key.len);
    walk->len += key.len;
    walk->keys[walk->len++] = ' ';
    if (walk->writes) { /* What is behind may go, and what is ahead may come. */
        fixture_ok(walk->f, store_state_del(walk->f->store, 1, 1, key, &walk->f->err));
        put(walk->f, 1, STR("bz"), STR("bz"));
    }
    return --walk->limit > 0;
}

static void keys_with_a_prefix_come_in_byte_order(void **state)
{
    static const struct str keys[] = {STR_INIT("b"),  STR_INIT("a"),     STR_INIT("bb"),
                                      STR_INIT("ba"), STR_INIT("b\xff"), STR_INIT("c"),
                                      STR_INIT("B")};
    static const struct {
        struct str prefix;
        size_t limit;
        bool writes;
        const char *keys;
    } table[] = {
        {STR_INIT("b"), 99, false, "b ba bb b\xff "},
        {STR_INIT("b"), 2, false, "b ba "},
        {STR_INIT(""), 99, false, "B a b ba bb b\xff c "},
        {{0}, 2, false, "B a "},
        {STR_INIT("bb"), 99, false, "bb "},
        {STR_INIT("x"), 99, false, ""},
        {STR_INIT("b"), 99, true, "b ba bb bz b\xff "},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct walk walk = {.f = f, .limit = table[i].limit, .writes = table[i].writes};
        fixture_begin(f);
        for (size_t j = 0; j < COUNT(keys); j++) {
            put(f, 1, keys[j], keys[j]);
            put(f, 2, STR("bother"), STR("x"));
        }
        fixture_ok(f, store_state_scan(f->store, &f->arena, 1, 1, table[i].prefix, walk_on, &walk,
                                       &f->err));
        assert_string_equal(walk.keys, table[i].keys);
        store_rollback(f->store);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notes_are_kept_by_pipeline_partition_and_key),
        TEST(notes_have_limits),
        TEST(keys_with_a_prefix_come_in_byte_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
