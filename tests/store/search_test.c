#include <stdio.h>
#include <string.h>

#include "store/fixture.h"
#include "store/search.h"

enum { HITS_MAX = 50 };

static size_t hits(struct fixture *f, struct str query, int64_t *ids)
{
    size_t count = 0;
    fixture_ok(f, store_search(f->store, &f->arena, query, HITS_MAX, ids, &count, &f->err));
    return count;
}

static void fill(struct fixture *f)
{
    bool more = true;
    while (more) {
        fixture_ok(f, store_search_fill(f->store, &f->arena, 0, &more, &f->err));
    }
}

static const char *const texts[] = {
    "The kitchen tap is leaking", /* 1 */
    "kitchen done, tap tomorrow", /* 2 */
    "\xd7\xa9\xd6\xb8\xd7\x81\xd7\x9c\xd7\x95\xd6\xb9\xd7\x9d \xd7\xa2\xd7\x95\xd7\x9c\xd7\x9d",
    /* 3: shalom olam, with points, final mem */
    "Caf\xc3\xa9 at NOON",                /* 4 */
    "leak leaks leakage",                 /* 5 */
    "zero-day (NOT a drill) AND OR NEAR", /* 6 */
    "\xd7\xa6\xd7\x94\xd7\xb4\xd7\x9c",   /* 7: an acronym with gershayim */
    "call 050-1234567 now",               /* 8 */
};

static const struct {
    struct str query;
    const char *ids; /* Newest first. */
} searches[] = {
    {STR_INIT("kitchen"), "2 1 "},
    {STR_INIT("kitchen tap"), "2 1 "},
    {STR_INIT("\"kitchen tap\""), "1 "},
    {STR_INIT("\xe2\x80\x9ckitchen tap\xe2\x80\x9d"), "1 "}, /* Typographic quotes. */
    {STR_INIT("KITCHEN"), "2 1 "},
    {STR_INIT("leak"), "5 "},
    {STR_INIT("leak*"), "5 1 "},
    {STR_INIT("\"tap is lea\"*"), "1 "},
    {STR_INIT("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"), "3 "},  /* Without points. */
    {STR_INIT("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9e*"), "3 "}, /* Middle mem. */
    {STR_INIT("cafe"), "4 "},
    {STR_INIT("cafe\xcc\x81 noon"), "4 "},
    {STR_INIT("\xd7\xa6\xd7\x94\"\xd7\x9c"), "7 "},
    {STR_INIT("050-1234567"), "8 "},
    {STR_INIT("zero-day"), "6 "},
    {STR_INIT("NOT"), "6 "},
    {STR_INIT("AND OR NEAR"), "6 "},
    {STR_INIT("kitchen nothing"), ""},
    {STR_INIT("--- kitchen ***"), "2 1 "},
    {STR_INIT(""), ""},
    {STR_INIT("   "), ""},
    {STR_INIT("\""), ""},
    {STR_INIT("\"\""), ""},
    {STR_INIT("*"), ""},
    {STR_INIT("\"kitchen tap"), "1 "}, /* Never closed. */
};

static void a_person_finds_what_is_meant(void **state)
{
    struct fixture *f = *state;
    char id[16];
    fixture_begin(f);
    for (size_t i = 0; i < COUNT(texts); i++) {
        (void)snprintf(id, sizeof id, "m%zu", i);
        assert_int_equal(fixture_say(f, "lobby", id, texts[i]), i + 1);
    }
    fixture_commit(f);
    fill(f);
    for (size_t i = 0; i < COUNT(searches); i++) {
        int64_t ids[HITS_MAX];
        char found[256] = "";
        size_t count = hits(f, searches[i].query, ids);
        for (size_t j = 0, len = 0; j < count && len < 200; j++) {
            len += (size_t)snprintf(found + len, sizeof found - len, "%lld ", (long long)ids[j]);
        }
        if (strcmp(found, searches[i].ids) != 0) {
            fail_msg("%.*s: found %s, not %s", STR_ARG(searches[i].query), found, searches[i].ids);
        }
    }
}

static void nothing_that_is_typed_is_an_error(void **state)
{
    static char large[20000];
    struct fixture *f = *state;
    int64_t ids[HITS_MAX];
    static const char *const typed[] = {
        "a AND",      "(",
        "a OR (b",    "text:x",
        "{a b}:c",    "^a",
        "a NEAR/2 b", "-a",
        "NEAR(a,b)",  "'; DROP TABLE archive;--",
        "\xff\xfe",   "\xed\xa0\x80",
        "a\"b\"c\"",  "\"*\"*",
        "**",         "\x01\x02",
        "+",          "a + b",
        "\\",         "%",
        "_",          "\"a\"\"b\"",
    };
    fixture_begin(f);
    (void)fixture_say(f, "lobby", "1", "a b c");
    fixture_commit(f);
    fill(f);
    for (size_t i = 0; i < COUNT(typed); i++) {
        (void)hits(f, str_of(typed[i]), ids);
    }
    (void)hits(f, STR("a\0b"), ids);
    memset(large, 'a', sizeof large);
    (void)hits(f, (struct str){large, sizeof large}, ids);
    memset(large, '"', sizeof large);
    (void)hits(f, (struct str){large, sizeof large}, ids);
    for (size_t i = 0; i < sizeof large; i++) {
        large[i] = i % 2 == 0 ? 'a' : ' ';
    }
    assert_int_equal(hits(f, (struct str){large, sizeof large}, ids), 1);
}

static void the_index_is_filled_behind_in_steps(void **state)
{
    struct fixture *f = *state;
    int64_t ids[HITS_MAX];
    char id[16];
    bool more = false;
    fixture_begin(f);
    for (int i = 0; i < 25; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        (void)fixture_say(f, "lobby", id, "tap");
    }
    fixture_commit(f);
    assert_int_equal(hits(f, STR("tap"), ids), 0);
    fixture_ok(f, store_search_fill(f->store, &f->arena, 10, &more, &f->err));
    assert_true(more);
    assert_int_equal(hits(f, STR("tap"), ids), 10);
    fixture_reopen(f);
    fixture_ok(f, store_search_fill(f->store, &f->arena, 10, &more, &f->err));
    assert_true(more);
    fixture_ok(f, store_search_fill(f->store, &f->arena, 10, &more, &f->err));
    assert_false(more);
    assert_int_equal(hits(f, STR("tap"), ids), 25);
    int64_t before = fixture_int(f, "SELECT total_changes()");
    fixture_ok(f, store_search_fill(f->store, &f->arena, 10, &more, &f->err));
    assert_int_equal(fixture_int(f, "SELECT total_changes()"), before);
    size_t count = 0;
    fixture_ok(f, store_search(f->store, &f->arena, STR("tap"), 3, ids, &count, &f->err));
    assert_int_equal(count, 3);
    assert_int_equal(ids[0], 25);
}

static void only_the_latest_form_is_found(void **state)
{
    struct fixture *f = *state;
    struct intake_counts counts;
    int64_t ids[HITS_MAX];
    fixture_begin(f);
    (void)fixture_say(f, "lobby", "1", "blue door");
    (void)fixture_say(f, "lobby", "2", "green door");
    (void)fixture_say(f, "lobby", "3", "red door");
    int64_t edited = fixture_say(f, "lobby", "1", "white door");
    struct message deleted = {.source = STR("bridge"),
                              .chat = STR("lobby"),
                              .external_id = STR("2"),
                              .text = STR("green door"),
                              .deleted = true};
    fixture_ok(f, store_archive_put(f->store, &f->arena, &deleted, 1, &counts, &f->err));
    fixture_commit(f);
    fill(f);
    assert_int_equal(hits(f, STR("blue"), ids), 0);
    assert_int_equal(hits(f, STR("green"), ids), 0);
    assert_int_equal(hits(f, STR("door"), ids), 2);
    assert_int_equal(ids[0], edited);
    assert_int_equal(ids[1], 3);
}

static void a_crash_in_the_middle_fills_again(void **state)
{
    struct fixture *f = *state;
    int64_t ids[HITS_MAX];
    bool more = false;
    struct arena tight;
    fixture_begin(f);
    (void)fixture_say(f, "lobby", "1", "\xd7\xa9\xd6\xb8\xd7\x81\xd7\x9c\xd7\x95\xd7\x9d tap");
    fixture_commit(f);
    arena_init(&tight, 1);
    assert_false(store_search_fill(f->store, &tight, 0, &more, &f->err));
    assert_int_equal(f->err.kind, ERR_RETRY);
    arena_free(&tight);
    assert_int_equal(hits(f, STR("tap"), ids), 0);
    f->err = (struct err){0};
    fill(f);
    assert_int_equal(hits(f, STR("tap"), ids), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_person_finds_what_is_meant),        TEST(nothing_that_is_typed_is_an_error),
        TEST(the_index_is_filled_behind_in_steps), TEST(only_the_latest_form_is_found),
        TEST(a_crash_in_the_middle_fills_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
