#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "store/fixture.h"
#include "store/seen.h"

enum { CHATS = 3, NUMBERS = 4 * SEEN_NUMBERS, ROUNDS = 300, ROUND_MAX = 40 };

/* The newest row of each id, kept beside. */
struct model {
    int64_t rows[CHATS + 1][NUMBERS];
    int64_t next;
};

static void check_all(struct fixture *f, const struct model *model)
{
    for (int64_t chat = 1; chat <= CHATS; chat++) {
        for (int64_t key = 0; key < NUMBERS; key++) {
            int64_t id = -1;
            fixture_ok(f, seen_get(f->store, chat, key, &id, &f->err));
            if (id != model->rows[chat][key]) {
                fail_msg("chat %" PRId64 ", number %" PRId64 ": row %" PRId64, chat, key, id);
            }
        }
    }
}

static void enter(struct fixture *f, struct seen_item *items, size_t count, int64_t base)
{
    for (size_t i = 0; i < count;) {
        size_t done = 0;
        fixture_ok(f, seen_enter_numbers(f->store, &items[i], count - i, base, &done, &f->err));
        assert_in_range(done, 1, count - i);
        i += done;
    }
}

static int by_key(const void *a, const void *b)
{
    const struct seen_item *one = a;
    const struct seen_item *two = b;
    if (one->chat != two->chat) {
        return one->chat < two->chat ? -1 : 1;
    }
    if (one->key != two->key) {
        return one->key < two->key ? -1 : 1;
    }
    return one->place < two->place ? -1 : 1;
}

/* A batch of numbers by chance, some twice, some known; what is answered must be the model's. */
static void play(struct fixture *f, struct model *model, struct rng *rng)
{
    struct seen_item items[ROUND_MAX];
    size_t count = 1 + (size_t)rng_below(rng, ROUND_MAX);
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct seen_item){.chat = 1 + (int64_t)rng_below(rng, CHATS),
                                      .key = (int64_t)rng_below(rng, NUMBERS),
                                      .place = i};
    }
    qsort(items, count, sizeof items[0], by_key);
    enter(f, items, count, model->next);
    for (size_t i = 0; i < count; i++) {
        int64_t *row = &model->rows[items[i].chat][items[i].key];
        assert_int_equal(items[i].known, *row);
        *row = *row != 0 ? *row : model->next + (int64_t)items[i].place;
    }
    model->next += (int64_t)count;
    const struct seen_item *moved = &items[rng_below(rng, count)];
    model->rows[moved->chat][moved->key] = model->next;
    fixture_ok(f, seen_move(f->store, moved, model->next++, &f->err));
}

static void numbers_are_known_once(void **state)
{
    struct fixture *f = *state;
    struct model *model = calloc(1, sizeof *model);
    struct rng rng;
    assert_non_null(model);
    model->next = INT64_C(1) << 40; /* Rows are counted from the first of a block. */
    rng_seed(&rng, 7);
    for (int round = 0; round < ROUNDS; round++) {
        fixture_begin(f);
        if (round % 7 == 3) { /* What is undone was never there. */
            struct model *before = malloc(sizeof *before);
            assert_non_null(before);
            *before = *model;
            play(f, model, &rng);
            *model = *before;
            free(before);
            store_rollback(f->store);
            continue;
        }
        play(f, model, &rng);
        fixture_commit(f);
    }
    check_all(f, model);
    fixture_reopen(f);
    check_all(f, model);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM seen"), 0);
    assert_in_range(fixture_int(f, "SELECT count(*) FROM seen_block"), 1,
                    CHATS * NUMBERS / SEEN_NUMBERS);
    free(model);
}

static void a_full_block_and_the_edges_of_numbers(void **state)
{
    static struct seen_item items[SEEN_NUMBERS + 3];
    struct fixture *f = *state;
    const int64_t largest = INT64_MAX / 2 - 1;
    for (size_t i = 0; i < COUNT(items); i++) {
        items[i] = (struct seen_item){.chat = 1, .key = (int64_t)i, .place = i};
    }
    items[SEEN_NUMBERS + 2].key = largest;
    for (int64_t turn = 0; turn < 2; turn++) {
        fixture_begin(f);
        enter(f, items, COUNT(items), 1 + turn * 10000);
        fixture_commit(f);
        for (size_t i = 0; i < COUNT(items); i++) {
            assert_int_equal(items[i].known, turn == 0 ? 0 : 1 + (int64_t)i);
        }
    }
    int64_t id = 0;
    fixture_ok(f, seen_get(f->store, 1, largest, &id, &f->err));
    assert_int_equal(id, SEEN_NUMBERS + 3);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM seen_block"), 3);
}

/* A store of version 1 has a row for each number, and goes on knowing them. */
static void numbers_of_an_older_version_stay_known(void **state)
{
    struct fixture *f = *state;
    struct seen_item items[] = {{.chat = 1, .key = 4, .place = 0},
                                {.chat = 1, .key = 5, .place = 1},
                                {.chat = 1, .key = 6, .place = 2}};
    fixture_tamper(f, "INSERT INTO seen VALUES(1, 5, 77); DROP TABLE seen_block; DROP TABLE habit;"
                      " PRAGMA user_version=1");
    fixture_reopen(f);
    fixture_begin(f);
    enter(f, items, COUNT(items), 100);
    assert_int_equal(items[0].known, 0);
    assert_int_equal(items[1].known, 77);
    assert_int_equal(items[2].known, 0);
    fixture_ok(f, seen_move(f->store, &items[1], 103, &f->err));
    fixture_commit(f);
    static const int64_t rows[] = {0, 100, 103, 102, 0};
    for (int64_t key = 3; key <= 7; key++) {
        int64_t id = -1;
        fixture_ok(f, seen_get(f->store, 1, key, &id, &f->err));
        assert_int_equal(id, rows[key - 3]);
    }
}

static void a_damaged_block_stops_the_process(void **state)
{
    static const char *const table[] = {
        "UPDATE seen_block SET entries=x'00'",
        "UPDATE seen_block SET entries=x'ffff000000000001'",
        "UPDATE seen_block SET entries=x'00010000000000010001000000000002'",
        "UPDATE seen_block SET entries=zeroblob(8*600)",
    };
    struct fixture *f = *state;
    struct seen_item item = {.chat = 1, .key = 1};
    fixture_begin(f);
    enter(f, &item, 1, 1);
    fixture_commit(f);
    for (size_t i = 0; i < COUNT(table); i++) {
        int64_t id = 0;
        fixture_tamper(f, table[i]);
        assert_false(seen_get(f->store, 1, 1, &id, &f->err));
        assert_int_equal(f->err.kind, ERR_STORE);
        f->err = (struct err){0};
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open_quick, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_are_known_once),
        TEST(a_full_block_and_the_edges_of_numbers),
        TEST(numbers_of_an_older_version_stay_known),
        TEST(a_damaged_block_stops_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
