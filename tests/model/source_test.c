#include "model/source.h"
#include "text/test.h"

static void a_batch_is_full_by_count_or_bytes(void **state)
{
    static const struct {
        size_t count;
        size_t each;
        size_t next;
        bool full;
    } table[] = {
        {0, 0, SIZE_MAX, false}, /* One message always fits. */
        {1, 10, BATCH_BYTES_MAX, true},
        {1, 10, BATCH_BYTES_MAX - 10, false},
        {1, 10, BATCH_BYTES_MAX - 9, true},
        {1, BATCH_BYTES_MAX, 1, true},
        {1, 2 * BATCH_BYTES_MAX, 1, true}, /* Larger than all that fits. */
        {99, 1, 1, false},
        {100, 1, 1, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct arena arena;
        struct batch batch;
        arena_init(&arena, 64 * 1024 * 1024);
        batch_init(&batch, &arena, NULL, 0);
        batch.limit = 100;
        for (size_t j = 0; j < table[i].count; j++) {
            assert_non_null(batch_add(&batch, table[i].each));
        }
        if (batch_full(&batch, table[i].next) != table[i].full) {
            fail_msg("row %zu", i);
        }
        arena_free(&arena);
    }
}

static void messages_stay_when_the_batch_grows(void **state)
{
    struct arena arena;
    struct batch batch;
    (void)state;
    arena_init(&arena, 64 * 1024 * 1024);
    batch_init(&batch, &arena, NULL, 0);
    for (int64_t i = 0; i < 10000; i++) {
        struct message *message = batch_add(&batch, 1);
        assert_non_null(message);
        assert_int_equal(message->sent_ms, 0);
        message->sent_ms = i;
    }
    for (int64_t i = 0; i < 10000; i++) {
        assert_int_equal(batch.messages[i].sent_ms, i);
    }
    arena_free(&arena);
    arena_init(&arena, 100 * 1024);
    batch_init(&batch, &arena, NULL, 0);
    while (batch_add(&batch, 1) != NULL) {
        assert_true(batch.count < 10000);
    }
    arena_free(&arena);
}

static void what_is_beside_messages_has_bounds(void **state)
{
    struct arena arena;
    struct batch batch;
    (void)state;
    arena_init(&arena, 64 * 1024 * 1024);
    batch_init(&batch, &arena, NULL, 0);
    for (size_t i = 0; i < 2 * BATCH_REFUSALS_MAX; i++) {
        batch_refuse(&batch, STR("lobby"), STR("line 7"), "not readable");
        assert_int_equal(batch_blob(&batch, (struct blob){.bytes = STR("x")}), i < BATCH_BLOBS_MAX);
        assert_int_equal(batch_event(&batch, (struct event){.kind = STR("gap")}),
                         i < BATCH_EVENTS_MAX);
    }
    assert_int_equal(batch.refusal_count, 2 * BATCH_REFUSALS_MAX); /* All are counted. */
    assert_str_equal(batch.refusals[BATCH_REFUSALS_MAX - 1].where, STR("line 7"));
    assert_int_equal(batch.blob_count, BATCH_BLOBS_MAX);
    assert_int_equal(batch.event_count, BATCH_EVENTS_MAX);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_full_by_count_or_bytes),
        cmocka_unit_test(messages_stay_when_the_batch_grows),
        cmocka_unit_test(what_is_beside_messages_has_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
