/* Kept until the end of the change, state reads and ends as it would had each note gone there. */
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "engine/notes.h"
#include "store/fixture.h"
#include "store/state.h"

enum { PIPELINE = 7, KEYS = 50, CALLS = 4000, SCAN_EVERY = 97, LARGE = 3 << 20 };

static struct notes_place place_at(struct fixture *f, int64_t partition)
{
    return (struct notes_place){f->store, PIPELINE, partition};
}

static bool write_down(void *context, struct str key, struct str value)
{
    buf_printf(context, "%.*s=%.*s\n", STR_ARG(key), STR_ARG(value));
    return true;
}

static struct str state_of(struct fixture *f)
{
    struct buf out;
    buf_init(&out, &f->arena, 1024);
    for (int64_t part = 0; part < 2; part++) {
        buf_printf(&out, "%d:\n", (int)part);
        fixture_ok(f, store_state_scan(f->store, &f->arena, PIPELINE, part, STR("k"), write_down,
                                       &out, &f->err));
    }
    return buf_str(&out);
}

/* One call by way of the notes, or of the store; what is read is written down. */
static void call(struct fixture *f, struct notes *notes, uint64_t chance, struct buf *said)
{
    int64_t part = (int64_t)(chance % 2);
    struct notes_place place = place_at(f, part);
    struct str key = arena_printf(&f->arena, "k%d", (int)(chance / 2 % KEYS));
    struct str text =
        arena_printf(&f->arena, "%d%*s", (int)(chance % 9973), (int)(chance % 41), "");
    struct str value = {0};
    switch (chance / 128 % 4) {
    case 0:
        fixture_ok(f, notes != NULL ? notes_del(notes, &place, key, &f->err)
                                    : store_state_del(f->store, PIPELINE, part, key, &f->err));
        break;
    case 1:
        fixture_ok(f, notes != NULL
                          ? notes_put(notes, &place, key, text, &f->err)
                          : store_state_put(f->store, PIPELINE, part, key, text, &f->err));
        break;
    default:
        fixture_ok(f, notes != NULL ? notes_get(notes, &place, &f->arena, key, &value, &f->err)
                                    : store_state_get(f->store, &f->arena, PIPELINE, part, key,
                                                      &value, &f->err));
        buf_printf(said, "%s%.*s\n", value.ptr == NULL ? "none" : "=", STR_ARG(value));
    }
}

static void both_ways_say_and_end_alike(void **state)
{
    struct fixture *f = *state;
    struct str said[2];
    struct str ends[2];
    for (int way = 0; way < 2; way++) {
        struct notes notes = {0};
        struct rng rng;
        struct buf out;
        rng_seed(&rng, 4711);
        buf_init(&out, &f->arena, 1024);
        fixture_begin(f);
        for (int i = 0; i < CALLS; i++) {
            struct notes_place place = place_at(f, i % 2);
            call(f, way == 0 ? NULL : &notes, rng_next(&rng), &out);
            if (i % SCAN_EVERY == 0) {
                fixture_ok(f, way == 0 ? store_state_scan(f->store, &f->arena, PIPELINE, i % 2,
                                                          STR("k1"), write_down, &out, &f->err)
                                       : notes_scan(&notes, &place, &f->arena, STR("k1"),
                                                    write_down, &out, &f->err));
            }
        }
        fixture_ok(f, notes_flush(&notes, f->store, PIPELINE, &f->err));
        said[way] = buf_str(&out);
        ends[way] = state_of(f);
        notes_free(&notes);
        store_rollback(f->store);
    }
    assert_true(said[0].len > CALLS && ends[0].len > KEYS);
    assert_true(str_equal(said[0], said[1]));
    assert_true(str_equal(ends[0], ends[1]));
}

struct walk {
    struct fixture *f;
    struct notes *notes;
    int seen;
};

/* The next one goes while the walk is on. */
static bool take_next_away(void *context, struct str key, struct str value)
{
    struct walk *walk = context;
    struct notes_place place = place_at(walk->f, 0);
    (void)value;
    walk->seen++;
    fixture_ok(walk->f, !str_equal(key, STR("k1")) ||
                            notes_del(walk->notes, &place, STR("k2"), &walk->f->err));
    return true;
}

static void a_scan_sees_what_its_callback_does(void **state)
{
    struct fixture *f = *state;
    struct notes notes = {0};
    struct walk walk = {f, &notes, 0};
    struct notes_place place = place_at(f, 0);
    struct str value = {0};
    fixture_begin(f);
    fixture_ok(f, notes_put(&notes, &place, STR("k1"), STR("a"), &f->err));
    fixture_ok(f, notes_put(&notes, &place, STR("k2"), STR("b"), &f->err));
    fixture_ok(f, notes_put(&notes, &place, STR("k3"), STR("c"), &f->err));
    fixture_ok(f, notes_scan(&notes, &place, &f->arena, STR("k"), take_next_away, &walk, &f->err));
    assert_int_equal(walk.seen, 2);
    fixture_ok(f, notes_get(&notes, &place, &f->arena, STR("k2"), &value, &f->err));
    assert_null(value.ptr);
    notes_free(&notes);
    store_rollback(f->store);
}

static void what_an_op_got_stays_and_what_was_undone_is_gone(void **state)
{
    struct fixture *f = *state;
    struct notes notes = {0};
    struct notes_place place = place_at(f, 0);
    struct str before = {0};
    struct str after = {0};
    fixture_begin(f);
    fixture_ok(f, notes_put(&notes, &place, STR("k"), STR("old"), &f->err));
    fixture_ok(f, notes_get(&notes, &place, &f->arena, STR("k"), &before, &f->err));
    fixture_ok(f, notes_put(&notes, &place, STR("k"), STR("new"), &f->err));
    assert_true(str_equal(before, STR("old")));
    store_rollback(f->store);
    notes_forget(&notes);
    fixture_begin(f);
    fixture_ok(f, notes_get(&notes, &place, &f->arena, STR("k"), &after, &f->err));
    assert_null(after.ptr);
    notes_free(&notes);
    store_rollback(f->store);
}

static void what_does_not_fit_goes_to_the_store(void **state)
{
    struct fixture *f = *state;
    struct notes notes = {0};
    struct notes_place place = place_at(f, 0);
    char *bytes = arena_bytes(&f->arena, LARGE);
    memset(bytes, 'x', LARGE);
    fixture_begin(f);
    for (int i = 0; i < 9; i++) {
        char name[] = {'k', (char)('0' + i)};
        fixture_ok(f, notes_put(&notes, &place, (struct str){name, sizeof name},
                                (struct str){bytes, (size_t)(LARGE - i)}, &f->err));
    }
    for (int i = 0; i < 9; i++) {
        char name[] = {'k', (char)('0' + i)};
        struct arena_mark mark = arena_mark(&f->arena);
        struct str value = {0};
        fixture_ok(f, notes_get(&notes, &place, &f->arena, (struct str){name, sizeof name}, &value,
                                &f->err));
        assert_int_equal(value.len, LARGE - i);
        arena_rewind(&f->arena, mark);
    }
    assert_false(
        notes_put(&notes, &place, STR("k"), (struct str){bytes, STATE_VALUE_MAX + 1}, &f->err));
    assert_int_equal(f->err.kind, ERR_REJECT);
    notes_free(&notes);
    store_rollback(f->store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_ways_say_and_end_alike, fixture_open_quick,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(a_scan_sees_what_its_callback_does, fixture_open_quick,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(what_an_op_got_stays_and_what_was_undone_is_gone,
                                        fixture_open_quick, fixture_close),
        cmocka_unit_test_setup_teardown(what_does_not_fit_goes_to_the_store, fixture_open_quick,
                                        fixture_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
