/* What every source must do: repeat but never skip, with any batch, cursor, memory and time. */
#include <stdio.h>
#include <string.h>

#include "source/contract_rig.h"
#include "test.h"

enum { LIST_MAX = 64 * 1024, FETCHES_MAX = 200 };

/* Everything that comes until nothing is left, one line a message, from `cursor` on. */
struct seen {
    char text[LIST_MAX];
    size_t len;
    size_t count;
    char cursor[512];
    bool has_cursor;
};

static bool fetch_some(struct rig *rig, struct seen *seen, const char *chat, size_t limit,
                       bool *more, struct err *err)
{
    struct batch batch;
    struct chat_cursor cursor = {.chat = str_of(chat)};
    cursor.cursor = seen->has_cursor ? str_of(seen->cursor) : (struct str){0};
    arena_reset(&rig->step);
    batch_init(&batch, &rig->step, &cursor, 1);
    batch.limit = limit;
    if (!rig->kind->type->fetch(rig->source, &batch, rig->mono_ms + 60000, err)) {
        assert_int_equal(err->kind, ERR_RETRY);
        return false;
    }
    assert_true(batch.count <= limit);
    for (size_t i = 0; i < batch.count; i++) {
        const struct message *message = &batch.messages[i];
        assert_in_range(message->external_id.len, 1, MESSAGE_ID_MAX);
        assert_in_range(message->chat.len, 1, MESSAGE_NAME_MAX);
        assert_true(message->sent_ms > 0);
        int len =
            snprintf(seen->text + seen->len, sizeof seen->text - seen->len, "%.*s/%.*s %.*s\n",
                     STR_ARG(message->chat), STR_ARG(message->external_id), STR_ARG(message->text));
        seen->len += (size_t)len;
        assert_true(seen->len < sizeof seen->text);
    }
    seen->count += batch.count;
    assert_int_equal(batch.refusal_count, 0);
    if (cursor.next.ptr != NULL) {
        assert_true(cursor.next.len < sizeof seen->cursor);
        (void)snprintf(seen->cursor, sizeof seen->cursor, "%.*s", STR_ARG(cursor.next));
        seen->has_cursor = true;
    }
    *more = batch.more;
    return true;
}

static void fetch_all(struct rig *rig, struct seen *seen, const char *chat, size_t limit)
{
    bool more = true;
    for (int i = 0; more; i++) {
        struct err err = {0};
        assert_true(i < FETCHES_MAX);
        if (!fetch_some(rig, seen, chat, limit, &more, &err)) {
            fail_msg("%s", err.text);
        }
    }
}

static struct seen first;
static struct seen second;

static void clear(struct seen *seen)
{
    memset(seen, 0, sizeof *seen);
}

static void any_batch(struct rig *rig)
{
    static const size_t limits[] = {1, 2, 7, BATCH_MESSAGES_MAX};
    clear(&first);
    fetch_all(rig, &first, "", 3);
    assert_int_equal(first.count, RIG_FIRST);
    for (size_t i = 0; i < COUNT(limits); i++) {
        clear(&second);
        fetch_all(rig, &second, "", limits[i]);
        assert_string_equal(first.text, second.text);
    }
}

static void nothing_twice(struct rig *rig)
{
    clear(&first);
    fetch_all(rig, &first, "", 100);
    size_t count = first.count;
    rig_close(rig); /* The cursor is all that is left. */
    rig_open(rig);
    fetch_all(rig, &first, "", 100);
    assert_int_equal(first.count, count);
    if (rig->kind->type->changed != NULL) {
        assert_false(rig->kind->type->changed(rig->source));
    }
}

static void goes_on(struct rig *rig)
{
    clear(&first);
    fetch_all(rig, &first, "", 6);
    rig->kind->add(rig, RIG_FIRST, RIG_MORE);
    if (rig->kind->type->changed != NULL) {
        assert_true(rig->kind->type->changed(rig->source));
    }
    fetch_all(rig, &first, "", 6);
    rig->kind->add(rig, RIG_FIRST + RIG_MORE, RIG_MORE);
    rig_close(rig);
    rig_open(rig);
    fetch_all(rig, &first, "", 6);
    assert_int_equal(first.count, RIG_FIRST + 2 * RIG_MORE);
    clear(&second);
    rig_close(rig);
    rig_open(rig);
    if (rig->kind->add != NULL && strcmp(rig->kind->name, "timer") != 0) {
        fetch_all(rig, &second, "", 1000); /* From the start: the same. (Time is only once.) */
        assert_string_equal(first.text, second.text);
    }
}

/* A cursor that is lost, of another kind, or cut: all of it comes again, with the same ids. */
static void odd_cursors(struct rig *rig)
{
    static const char *const cursors[] = {"", "nonsense", "1:", "-5", "99:1:2:3", "r1:0000"};
    clear(&first);
    fetch_all(rig, &first, "", 100);
    for (size_t i = 0; i < COUNT(cursors); i++) {
        if (strcmp(rig->kind->name, "timer") == 0 && strcmp(cursors[i], "-5") == 0) {
            continue; /* A number is a moment. */
        }
        clear(&second);
        (void)snprintf(second.cursor, sizeof second.cursor, "%s", cursors[i]);
        second.has_cursor = true;
        fetch_all(rig, &second, "", 100);
        assert_string_equal(first.text, second.text);
    }
}

static void one_chat(struct rig *rig)
{
    if (rig->kind->chat == NULL) {
        return;
    }
    clear(&first);
    fetch_all(rig, &first, rig->kind->chat, 2);
    assert_in_range(first.count, 1, RIG_FIRST - 1);
    char prefix[64];
    (void)snprintf(prefix, sizeof prefix, "%s/", rig->kind->chat);
    assert_true(str_starts(str_of(first.text), str_of(prefix)));
    assert_int_equal(str_find(str_of(first.text), STR("two"), 0), STR_NONE);
    clear(&second);
    fetch_all(rig, &second, "nobody", 2);
    assert_int_equal(second.count, 0);
}

/* No time: an error to try again, or less; never a message that is passed over. */
static void no_time(struct rig *rig)
{
    clear(&first);
    fetch_all(rig, &first, "", 100);
    clear(&second);
    struct batch batch;
    struct err err = {0};
    struct chat_cursor cursor = {0};
    arena_reset(&rig->step);
    batch_init(&batch, &rig->step, &cursor, 1);
    bool ok = rig->kind->type->fetch(rig->source, &batch, rig->mono_ms - 1, &err);
    assert_true(ok || err.kind == ERR_RETRY);
    if (ok && cursor.next.ptr != NULL) {
        (void)snprintf(second.cursor, sizeof second.cursor, "%.*s", STR_ARG(cursor.next));
        second.has_cursor = true;
    }
    size_t had = ok ? batch.count : 0;
    fetch_all(rig, &second, "", 100);
    assert_true(had + second.count >= first.count);
}

/* Memory for a part of the work only, at many limits: an error, and then all of it. */
static void no_memory(struct rig *rig)
{
    clear(&first);
    fetch_all(rig, &first, "", 100);
    bool failed = true;
    for (size_t limit = 64; failed; limit += limit < 4096 ? 128 : limit / 2) {
        struct err err = {0};
        bool more = false;
        clear(&second);
        arena_free(&rig->step);
        arena_init(&rig->step, limit);
        failed = !fetch_some(rig, &second, "", 100, &more, &err);
        assert_int_equal(second.count, failed ? 0 : first.count);
        assert_true(limit < 64 << 20);
    }
    arena_free(&rig->step);
    arena_init(&rig->step, 64 << 20);
    assert_string_equal(first.text, second.text);
}

static const struct {
    const char *name;
    void (*run)(struct rig *rig);
} behaviours[] = {
    {"any batch gives the same", any_batch},
    {"nothing twice behind its cursor", nothing_twice},
    {"goes on where it was", goes_on},
    {"odd cursors skip nothing", odd_cursors},
    {"only the chats that are asked for", one_chat},
    {"no time left", no_time},
    {"no memory", no_memory},
};

static void run(void **state)
{
    const size_t *numbers = *state;
    struct rig rig;
    rig_begin(&rig, &contract_kinds[numbers[0]]);
    behaviours[numbers[1]].run(&rig);
    rig_end(&rig);
}

int main(void)
{
    static char names[64][96];
    static size_t numbers[64][2];
    static struct CMUnitTest tests[64];
    size_t count = 0;
    for (size_t i = 0; i < contract_kind_count; i++) {
        for (size_t j = 0; j < COUNT(behaviours); j++) {
            (void)snprintf(names[count], sizeof names[0], "%s: %s", contract_kinds[i].name,
                           behaviours[j].name);
            numbers[count][0] = i;
            numbers[count][1] = j;
            tests[count] = (struct CMUnitTest){
                .name = names[count], .test_func = run, .initial_state = numbers[count]};
            count++;
        }
    }
    return _cmocka_run_group_tests("source contract", tests, count, NULL, NULL);
}
