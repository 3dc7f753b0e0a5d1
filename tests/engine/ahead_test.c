#include <string.h>

#include "engine/ahead.h"
#include "text/test.h"

/* A source that counts: its cursor is the next number, and it says so many at once. */
struct counting {
    struct source source; /* First. */
    int64_t total;
    bool fails;
};

enum { AT_ONCE = 3 };

static bool counting_fetch(struct source *source, struct batch *batch, int64_t deadline_ms,
                           struct err *err)
{
    struct counting *self = (struct counting *)source;
    int64_t from = 0;
    (void)str_to_int64(batch->chats[0].cursor, &from);
    assert_true(deadline_ms > 0);
    if (self->fails) {
        return err_set(err, ERR_RETRY, "nobody there");
    }
    for (int64_t i = from; i < self->total && i < from + AT_ONCE; i++) {
        struct message *message = batch_add(batch, 1);
        assert_non_null(message);
        message->chat = batch->chats[0].chat;
        message->sent_ms = i;
    }
    int64_t to = from + (int64_t)batch->count;
    batch->chats[0].next = arena_printf(batch->arena, "%lld", (long long)to);
    batch->more = to < self->total;
    return true;
}

static const struct source_type counting_type = {.fetch = counting_fetch, .ahead = true};

struct desk {
    struct counting source;
    struct ahead ahead;
    struct arena arena;
    struct chat_cursor chats[2];
    struct batch batch;
    struct err err;
};

static int desk_open(void **state)
{
    static struct desk desk;
    desk = (struct desk){.source = {{.type = &counting_type}, .total = 10}};
    arena_init(&desk.arena, 1 << 20);
    desk.chats[0] = (struct chat_cursor){.chat = STR("lobby"), .next = STR("2")};
    desk.chats[1] = (struct chat_cursor){.chat = STR("quiet"), .cursor = STR("as it was")};
    batch_init(&desk.batch, &desk.arena, desk.chats, 2);
    *state = &desk;
    return 0;
}

static int desk_close(void **state)
{
    struct desk *desk = *state;
    ahead_drop(&desk->ahead);
    arena_free(&desk->arena);
    return 0;
}

static bool start(struct desk *desk, const struct batch *before)
{
    return ahead_start(&desk->ahead, &desk->source.source, before, 1000, 7);
}

static void it_goes_on_where_the_batch_before_ended(void **state)
{
    struct desk *desk = *state;
    struct batch batch = desk->batch;
    int64_t next = 2;
    bool ok = false;
    do {
        assert_true(start(desk, &batch));
        ahead_join(&desk->ahead);
        assert_true(ahead_take(&desk->ahead, &batch, &ok, &desk->err));
        assert_true(ok);
        assert_str_equal(batch.chats[0].chat, STR("lobby"));
        assert_str_equal(batch.chats[1].cursor, STR("as it was"));
        assert_null(batch.chats[1].next.ptr);
        for (size_t i = 0; i < batch.count; i++) {
            assert_int_equal(batch.messages[i].sent_ms, next++);
        }
    } while (batch.more);
    assert_int_equal(next, 10);
}

/* What it brought last is still whole while the next one is fetched. */
static void two_batches_are_good_at_once(void **state)
{
    struct desk *desk = *state;
    struct batch first;
    bool ok = false;
    assert_true(start(desk, &desk->batch));
    ahead_join(&desk->ahead);
    assert_true(ahead_take(&desk->ahead, &first, &ok, &desk->err));
    assert_true(start(desk, &first));
    ahead_join(&desk->ahead);
    assert_int_equal(first.count, AT_ONCE);
    assert_int_equal(first.messages[0].sent_ms, 2);
    assert_str_equal(first.chats[0].next, STR("5"));
    struct batch second;
    assert_true(ahead_take(&desk->ahead, &second, &ok, &desk->err));
    assert_int_equal(second.messages[0].sent_ms, 5);
}

static void nothing_is_taken_twice_or_after_a_drop(void **state)
{
    struct desk *desk = *state;
    struct batch batch;
    bool ok = false;
    assert_false(ahead_take(&desk->ahead, &batch, &ok, &desk->err));
    assert_true(start(desk, &desk->batch));
    ahead_join(&desk->ahead);
    assert_true(ahead_take(&desk->ahead, &batch, &ok, &desk->err));
    assert_false(ahead_take(&desk->ahead, &batch, &ok, &desk->err));
    assert_true(start(desk, &desk->batch));
    ahead_drop(&desk->ahead); /* Also of one that runs. */
    assert_false(ahead_take(&desk->ahead, &batch, &ok, &desk->err));
}

static void a_failure_is_told_when_it_is_taken(void **state)
{
    struct desk *desk = *state;
    struct batch batch;
    bool ok = true;
    desk->source.fails = true;
    assert_true(start(desk, &desk->batch));
    ahead_join(&desk->ahead);
    assert_true(ahead_take(&desk->ahead, &batch, &ok, &desk->err));
    assert_false(ok);
    assert_int_equal(desk->err.kind, ERR_RETRY);
    assert_string_equal(desk->err.text, "nobody there");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_goes_on_where_the_batch_before_ended),
        TEST(two_batches_are_good_at_once),
        TEST(nothing_is_taken_twice_or_after_a_drop),
        TEST(a_failure_is_told_when_it_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
