/* Kept until the end of the change, the outbox holds what it would hold had each record gone there.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "engine/pending.h"
#include "store/fixture.h"
#include "store/outbox.h"

enum { ROWS = 40, RECORDS = 3000, LARGE = 6 << 20 };

static const char origin[EFFECT_ORIGIN_SIZE] = "invented-origin-xxx";

static struct effect effect_at(int64_t message)
{
    return (struct effect){.pipeline = STR("desk"),
                           .generation = 1,
                           .message = message,
                           .origin = {origin, sizeof origin}};
}

/* A row of two tables in two sinks, and a body that says which message it is of. */
static struct record record_at(struct arena *arena, uint64_t row, int64_t message, uint64_t len)
{
    return (struct record){
        .sink = row % 2 == 0 ? STR("one") : STR("two"),
        .target = row % 4 < 2 ? STR("rows") : STR(""),
        .entity = arena_printf(arena, "row-%d", (int)row),
        .body = arena_printf(arena, "{\"set\":{\"at\":%d,\"pad\":\"%*s\"}}", (int)message, (int)len,
                             ""),
        .receipt = message % 3 == 0,
    };
}

static struct str outbox_of(struct fixture *f)
{
    struct buf out;
    struct parcel *parcels = arena_array(&f->arena, 2 * RECORDS, sizeof *parcels);
    buf_init(&out, &f->arena, 1024);
    for (int i = 0; i < 2; i++) {
        struct outbox_due due = {.parcels = parcels, .count = (size_t)2 * RECORDS};
        struct str sink = i == 0 ? STR("one") : STR("two");
        fixture_ok(f, store_outbox_due(f->store, &f->arena, sink, f->now_ms, &due, &f->err));
        for (size_t j = 0; j < due.count; j++) {
            const struct parcel *one = &parcels[j];
            buf_printf(&out, "%d %d %.*s %.*s %d %d %.*s\n", i, (int)one->effect.message,
                       STR_ARG(one->target), STR_ARG(one->entity), one->receipt, one->removed,
                       STR_ARG(one->body));
        }
    }
    return buf_str(&out);
}

/* The same records by both ways; some rows are removed on the way. */
static void both_ways_end_alike(void **state)
{
    struct fixture *f = *state;
    struct str said[2];
    for (int kept = 0; kept < 2; kept++) {
        struct pending pending = {0};
        struct rng rng;
        rng_seed(&rng, 7);
        if (kept == 1) { /* The outbox is emptied in between. */
            fixture_tamper(f, "DELETE FROM outbox; DELETE FROM emitted");
        }
        fixture_begin(f);
        for (int64_t message = 1; message <= RECORDS; message++) {
            uint64_t row = rng_below(&rng, ROWS);
            struct record record = record_at(&f->arena, row, message, rng_below(&rng, 60));
            struct effect effect = effect_at(message);
            bool queued = false;
            record.removed = rng_below(&rng, 50) == 0;
            if (record.removed) {
                pending_drop(&pending, &record);
            }
            if (kept == 1 && !record.removed) {
                assert_true(pending_put(&pending, &effect, 1, &record));
            } else {
                fixture_ok(f, store_outbox_put(f->store, &effect, 1, &record, &queued, &f->err));
            }
        }
        int64_t news = 0;
        fixture_ok(f, pending_flush(&pending, f->store, &news, &f->err));
        assert_int_equal(pending.count, 0);
        assert_true(kept == 0 ? news == 0 : news > 0 && news <= ROWS);
        fixture_commit(f);
        said[kept] = outbox_of(f);
        pending_free(&pending);
    }
    assert_true(said[0].len > 100);
    assert_string_equal(said[0].ptr, said[1].ptr);
}

static void what_is_undone_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct pending pending = {0};
    struct effect effect = effect_at(1);
    struct record record = record_at(&f->arena, 0, 1, 1);
    int64_t news = 0;
    assert_true(pending_put(&pending, &effect, 1, &record));
    pending_forget(&pending);
    fixture_begin(f);
    fixture_ok(f, pending_flush(&pending, f->store, &news, &f->err));
    fixture_commit(f);
    assert_int_equal(news, 0);
    assert_int_equal(outbox_of(f).len, 0);
    pending_free(&pending);
}

/* Without room it says so, and what it holds is whole: of the old row the old record. */
static void without_room_it_says_so(void **state)
{
    struct fixture *f = *state;
    struct pending pending = {0};
    int64_t news = 0;
    int64_t kept = 0;
    for (int64_t message = 1; message <= 4; message++) {
        struct effect effect = effect_at(message);
        struct record record = record_at(&f->arena, (uint64_t)message * 4, message, LARGE);
        kept += pending_put(&pending, &effect, 1, &record);
    }
    assert_true(kept > 0 && kept < 4);
    struct effect effect = effect_at(9);
    struct record larger = record_at(&f->arena, 4, 9, LARGE + 10000000);
    assert_false(pending_put(&pending, &effect, 1, &larger));
    fixture_begin(f);
    fixture_ok(f, pending_flush(&pending, f->store, &news, &f->err));
    fixture_commit(f);
    assert_int_equal(news, kept);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM outbox WHERE message=1"), 1);
    pending_free(&pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_ways_end_alike, fixture_open_quick, fixture_close),
        cmocka_unit_test_setup_teardown(what_is_undone_is_forgotten, fixture_open_quick,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(without_room_it_says_so, fixture_open_quick, fixture_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
