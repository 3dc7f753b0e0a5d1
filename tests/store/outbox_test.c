#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/fixture.h"
#include "store/outbox.h"

enum { CROWD = 20000 };

/* A record in one line: what a test does not care about is filled in. */
struct letter {
    enum record_kind kind;
    const char *pipeline; /* NULL: "desk" */
    int64_t generation;
    int64_t message;
    int32_t nth;
    const char *target; /* NULL: "rows" */
    const char *entity;
    const char *body; /* NULL: "{}" */
};

static struct effect effect_of(const struct letter *letter)
{
    return (struct effect){
        .pipeline = letter->pipeline != NULL ? str_of(letter->pipeline) : STR("desk"),
        .generation = letter->generation,
        .message = letter->message,
        .nth = letter->nth,
    };
}

static bool put(struct fixture *f, const struct letter *letter)
{
    struct effect effect = effect_of(letter);
    struct record record = {
        .kind = letter->kind,
        .sink = STR("table"),
        .target = letter->target != NULL ? str_of(letter->target) : STR("rows"),
        .entity = str_of(letter->entity),
        .body = letter->body != NULL ? str_of(letter->body) : STR("{}"),
    };
    bool queued = false;
    fixture_ok(f, store_outbox_put(f->store, &effect, 1, &record, &queued, &f->err));
    return queued;
}

static bool emit(struct fixture *f, const struct letter *letter)
{
    fixture_begin(f);
    bool queued = put(f, letter);
    fixture_commit(f);
    return queued;
}

struct due {
    struct parcel *parcels;
    size_t count;
    bool more;
    int64_t next_ms;
};

static struct due due_of(struct fixture *f, const char *sink, size_t room)
{
    struct due due = {.count = room};
    due.parcels = arena_array(&f->arena, room, sizeof *due.parcels);
    assert_non_null(due.parcels);
    struct outbox_due out = {.parcels = due.parcels, .count = room};
    fixture_ok(f, store_outbox_due(f->store, &f->arena, str_of(sink), f->now_ms, &out, &f->err));
    due.count = out.count;
    due.more = out.more;
    due.next_ms = out.next_due_ms;
    return due;
}

static struct due due_now(struct fixture *f)
{
    return due_of(f, "table", 100);
}

/* The entities that are due, in order, with a blank between two. */
static void assert_due(struct fixture *f, const char *entities)
{
    struct due due = due_now(f);
    char text[512] = "";
    size_t len = 0;
    for (size_t i = 0; i < due.count; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", i > 0 ? " " : "",
                                STR_ARG(due.parcels[i].entity));
    }
    assert_string_equal(text, entities);
}

static void done(struct fixture *f, const struct letter *letter)
{
    struct effect effect = effect_of(letter);
    fixture_begin(f);
    fixture_ok(f, store_outbox_done(f->store, STR("table"), &effect, &f->err));
    fixture_commit(f);
}

static void later(struct fixture *f, const struct letter *letter, int64_t in_ms)
{
    struct effect effect = effect_of(letter);
    fixture_begin(f);
    fixture_ok(f, store_outbox_later(f->store, STR("table"), &effect, f->now_ms + in_ms,
                                     STR("busy"), &f->err));
    fixture_commit(f);
}

static void die(struct fixture *f, const struct letter *letter, struct str why)
{
    struct effect effect = effect_of(letter);
    fixture_begin(f);
    fixture_ok(f, store_outbox_dead(f->store, STR("table"), &effect, why, &f->err));
    fixture_commit(f);
}

static void records_go_out_in_the_order_of_their_causes(void **state)
{
    /* In the order of delivery; filed from the last to the first. */
    static const struct letter letters[] = {
        {.message = 1, .nth = 0, .entity = "a"},
        {.message = 1, .nth = 1, .entity = "b", .kind = RECORD_QUESTION},
        {.message = 1, .nth = 2, .entity = "c", .kind = RECORD_EFFECT},
        {.message = 1, .nth = 2, .entity = "d", .pipeline = "later"},
        {.message = 2, .nth = 0, .entity = "e"},
        {.message = 10, .nth = 0, .entity = "f"},
        {.message = INT64_MAX, .nth = 0, .entity = "g"},
        {.generation = 1, .message = 1, .nth = 0, .entity = "h"},
        {.generation = 2, .message = 1, .nth = 0, .entity = "i"},
    };
    struct fixture *f = *state;
    int64_t unused = 0;
    fixture_begin(f); /* Pipelines sort by their numbers. */
    fixture_ok(f, store_name(f->store, STR("desk"), &unused, &f->err));
    for (size_t i = COUNT(letters); i > 0; i--) {
        assert_true(put(f, &letters[i - 1]));
    }
    fixture_commit(f);
    fixture_reopen(f);
    struct due due = due_now(f);
    assert_int_equal(due.count, COUNT(letters));
    assert_false(due.more);
    assert_int_equal(due.next_ms, 0);
    for (size_t i = 0; i < COUNT(letters); i++) {
        const struct parcel *parcel = &due.parcels[i];
        struct effect effect = effect_of(&letters[i]);
        assert_int_equal(effect_compare(&parcel->effect, &effect), 0);
        assert_str_equal(parcel->effect.pipeline, effect.pipeline);
        assert_str_equal(parcel->entity, str_of(letters[i].entity));
        assert_str_equal(parcel->target, STR("rows"));
        assert_int_equal(parcel->kind, letters[i].kind);
        assert_int_equal(parcel->attempts, 0);
        assert_int_equal(parcel->verdict, VERDICT_RETRY);
    }
}

static void what_was_put_in_comes_out(void **state)
{
    struct fixture *f = *state;
    struct effect effect = {.pipeline = STR("desk"), .generation = 3, .message = 4711, .nth = 5};
    struct record record = {
        .kind = RECORD_QUESTION,
        .sink = STR("table"),
        .target = (struct str){0},
        .entity = STR("a\0b\xff'"),
        .body = STR("{\"x\":\"\xd7\xa9\"}"),
        .receipt = true,
    };
    bool queued = false;
    fixture_begin(f);
    fixture_ok(f, store_outbox_put(f->store, &effect, 77, &record, &queued, &f->err));
    fixture_commit(f);
    struct due due = due_now(f);
    assert_int_equal(due.count, 1);
    assert_str_equal(due.parcels[0].entity, record.entity);
    assert_str_equal(due.parcels[0].body, record.body);
    assert_str_equal(due.parcels[0].target, STR(""));
    assert_int_equal(due.parcels[0].partition, 77);
    assert_true(due.parcels[0].receipt);
    assert_int_equal(due_of(f, "nobody", 10).count, 0);
}

static void a_record_without_a_body_has_an_empty_one(void **state)
{
    static const enum record_kind kinds[] = {RECORD_ABSOLUTE, RECORD_EFFECT, RECORD_QUESTION};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct effect effect = {.pipeline = STR("desk"), .message = (int64_t)i + 1};
        struct record record = {.kind = kinds[i], .sink = STR("table"), .entity = STR("a")};
        bool queued = false;
        fixture_begin(f);
        fixture_ok(f, store_outbox_put(f->store, &effect, 1, &record, &queued, &f->err));
        fixture_commit(f);
        struct due due = due_now(f);
        assert_int_equal(due.count, 1);
        assert_str_equal(due.parcels[0].body, STR("{}"));
        fixture_begin(f);
        fixture_ok(f, store_outbox_done(f->store, STR("table"), &effect, &f->err));
        fixture_commit(f);
    }
}

static void a_row_identity_has_limits(void **state)
{
    struct fixture *f = *state;
    char text[RECORD_ENTITY_MAX + 1];
    memset(text, 'x', sizeof text);
    const struct {
        size_t len;
        bool ok;
    } table[] = {{0, false}, {1, true}, {RECORD_ENTITY_MAX, true}, {RECORD_ENTITY_MAX + 1, false}};
    for (size_t i = 0; i < COUNT(table); i++) {
        struct effect effect = {.pipeline = STR("desk"), .message = (int64_t)i + 1};
        struct record record = {
            .sink = STR("table"), .entity = {text, table[i].len}, .body = STR("{}")};
        bool queued = false;
        f->err = (struct err){0};
        fixture_begin(f);
        assert_int_equal(store_outbox_put(f->store, &effect, 1, &record, &queued, &f->err),
                         table[i].ok);
        assert_int_equal(f->err.kind, table[i].ok ? ERR_NONE : ERR_REJECT);
        store_rollback(f->store);
    }
    assert_int_equal(due_now(f).count, 0);
}

static void the_same_effect_is_queued_once(void **state)
{
    struct fixture *f = *state;
    struct letter letter = {.kind = RECORD_EFFECT, .message = 1, .entity = "a"};
    struct effect effect = effect_of(&letter);
    struct record record = {.kind = RECORD_EFFECT,
                            .sink = STR("table"),
                            .target = STR("rows"),
                            .entity = STR("b"),
                            .body = STR("{}")};
    bool queued = false;
    assert_true(emit(f, &letter));
    fixture_begin(f);
    assert_false(store_outbox_put(f->store, &effect, 1, &record, &queued, &f->err));
    store_rollback(f->store);
    f->err = (struct err){0};
    record.sink = STR("elsewhere"); /* Of another sink it is another one. */
    fixture_begin(f);
    fixture_ok(f, store_outbox_put(f->store, &effect, 1, &record, &queued, &f->err));
    fixture_commit(f);
    assert_due(f, "a");
    assert_int_equal(due_of(f, "elsewhere", 10).count, 1);
}

static void an_entity_that_waits_holds_back_only_itself(void **state)
{
    static const struct letter first = {.kind = RECORD_EFFECT, .message = 1, .entity = "a"};
    static const struct letter second = {.kind = RECORD_EFFECT, .message = 2, .entity = "a"};
    static const struct letter other = {.kind = RECORD_EFFECT, .message = 3, .entity = "b"};
    static const struct letter else_where = {
        .kind = RECORD_EFFECT, .message = 4, .entity = "a", .target = "others"};
    struct fixture *f = *state;
    (void)emit(f, &first);
    (void)emit(f, &second);
    (void)emit(f, &other);
    (void)emit(f, &else_where);
    assert_due(f, "a b a"); /* Never two of one entity at a time. */
    assert_int_equal(due_now(f).parcels[0].effect.message, 1);
    later(f, &first, 5000);
    assert_due(f, "b a");
    assert_int_equal(due_now(f).next_ms, f->now_ms + 5000);
    done(f, &other);
    done(f, &else_where);
    assert_due(f, "");
    f->now_ms += 4999;
    assert_due(f, "");
    f->now_ms += 1;
    assert_due(f, "a");
    assert_int_equal(due_now(f).parcels[0].attempts, 1);
    done(f, &first);
    assert_due(f, "a");
    assert_int_equal(due_now(f).parcels[0].effect.message, 2);
    assert_int_equal(due_now(f).parcels[0].attempts, 0);
}

/* However long the queue of one entity is. */
static void a_long_queue_of_one_entity_holds_back_no_other(void **state)
{
    struct fixture *f = *state;
    struct letter letter = {.kind = RECORD_EFFECT, .entity = "crowd"};
    struct letter other = {.message = CROWD + 1, .entity = "other"};
    struct letter first = {.kind = RECORD_EFFECT, .message = 1, .entity = "crowd"};
    fixture_begin(f);
    for (int64_t i = 1; i <= CROWD; i++) {
        letter.message = i;
        (void)put(f, &letter);
    }
    (void)put(f, &other);
    fixture_commit(f);
    later(f, &first, 60000);
    assert_due(f, "other");
}

static void the_next_time_is_the_earliest(void **state)
{
    static const struct letter letters[] = {{.message = 1, .entity = "a"},
                                            {.message = 2, .entity = "b"},
                                            {.message = 3, .entity = "c"}};
    static const int64_t waits_ms[] = {9000, 3000, 6000};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(letters); i++) {
        (void)emit(f, &letters[i]);
        later(f, &letters[i], waits_ms[i]);
    }
    struct due due = due_now(f);
    assert_int_equal(due.count, 0);
    assert_false(due.more);
    assert_int_equal(due.next_ms, f->now_ms + 3000);
    f->now_ms += 6000;
    assert_due(f, "b c");
}

/* A time that no wait reaches comes from a clock that was put back. */
static void a_clock_put_back_holds_nothing_back(void **state)
{
    static const struct {
        int64_t wait_ms;
        int64_t jump_ms;
        bool due;
    } table[] = {
        {OUTBOX_WAIT_MS_MAX, 0, false},
        {OUTBOX_WAIT_MS_MAX, -1, true},
        {60000, -3600000, false},
        {60000, -INT64_C(86400000) * 365, true},
        {60000, 59999, false},
        {60000, 60000, true},
        {60000, INT64_C(86400000) * 3650, true},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct letter letter = {.kind = RECORD_EFFECT, .message = (int64_t)i + 1, .entity = "a"};
        int64_t now_ms = f->now_ms;
        (void)emit(f, &letter);
        later(f, &letter, table[i].wait_ms);
        f->now_ms += table[i].jump_ms;
        if ((due_now(f).count == 1) != table[i].due) {
            fail_msg("row %zu", i);
        }
        f->now_ms = now_ms;
        done(f, &letter);
    }
}

static void a_newer_absolute_takes_the_place_of_a_waiting_one(void **state)
{
    static const struct letter old = {.message = 1, .entity = "a", .body = "{\"set\":{\"n\":1}}"};
    static const struct letter effect = {.kind = RECORD_EFFECT, .message = 2, .entity = "a"};
    static const struct letter foreign = {.message = 3, .entity = "a", .pipeline = "other"};
    static const struct letter elsewhere = {.message = 4, .entity = "a", .target = "others"};
    static const struct letter new = {.message = 5, .entity = "a", .body = "{\"set\":{\"n\":2}}"};
    struct fixture *f = *state;
    (void)emit(f, &old);
    (void)emit(f, &effect);
    (void)emit(f, &foreign);
    (void)emit(f, &elsewhere);
    later(f, &old, 60000);
    assert_true(emit(f, &new));
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM outbox"), 4);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM outbox WHERE message=1"), 0);
    done(f, &old); /* Its delivery was under way and ends now: that concerns the old one only. */
    later(f, &old, 1000);
    die(f, &old, STR("no"));
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM dead"), 0);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM outbox"), 4);
    assert_int_equal(fixture_int(f, "SELECT sum(attempts) FROM outbox"), 0);
    done(f, &effect);
    done(f, &foreign);
    done(f, &elsewhere);
    struct due due = due_now(f);
    assert_int_equal(due.count, 1);
    assert_str_equal(due.parcels[0].body, STR("{\"set\":{\"n\":2}}"));
}

static void an_absolute_that_says_nothing_new_is_not_queued(void **state)
{
    static const struct {
        struct letter letter;
        bool queued;
        bool deliver;
    } table[] = {
        {{.message = 1, .entity = "a", .body = "A"}, true, false},
        {{.message = 2, .entity = "a", .body = "A"}, false, true}, /* The first still waits. */
        {{.message = 3, .entity = "a", .body = "A"}, false, false},
        {{.message = 4, .entity = "a", .body = "B"}, true, false},
        {{.message = 5, .entity = "a", .body = "A"}, true, true}, /* Back: B was never delivered. */
        {{.message = 6, .entity = "a", .body = "A "}, true, true},
        {{.message = 7, .entity = "b", .body = "A"}, true, true},
        {{.message = 8, .entity = "a", .body = "A ", .target = "others"}, true, true},
        {{.message = 9, .entity = "a", .body = "A ", .pipeline = "other"}, true, true},
        {{.message = 10, .entity = "a", .body = "A ", .generation = 1}, true, true},
        {{.message = 11, .entity = "a", .body = "A ", .generation = 1}, false, true},
        {{.message = 12, .entity = "a", .body = "A ", .kind = RECORD_EFFECT}, true, true},
        {{.message = 13, .entity = "a", .body = "A ", .kind = RECORD_EFFECT}, true, true},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(table); i++) {
        if (emit(f, &table[i].letter) != table[i].queued) {
            fail_msg("row %zu", i);
        }
        struct due due = due_now(f);
        for (size_t j = 0; j < due.count && table[i].deliver; j++) {
            fixture_begin(f);
            fixture_ok(f,
                       store_outbox_done(f->store, STR("table"), &due.parcels[j].effect, &f->err));
            fixture_commit(f);
        }
    }
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM outbox"), 0);
}

static void what_was_rolled_back_was_not_emitted(void **state)
{
    static const struct letter letter = {.message = 1, .entity = "a", .body = "A"};
    struct fixture *f = *state;
    fixture_begin(f);
    assert_true(put(f, &letter));
    store_rollback(f->store);
    assert_int_equal(due_now(f).count, 0);
    assert_true(emit(f, &letter));
    assert_due(f, "a");
}

static void a_batch_has_limits(void **state)
{
    enum { LETTERS = 20, SIZE = 1024 * 1024 };
    struct fixture *f = *state;
    char *body = malloc(SIZE + 1);
    assert_non_null(body);
    memset(body, 'x', SIZE);
    body[SIZE] = '\0';
    fixture_begin(f);
    for (int i = 0; i < LETTERS; i++) {
        char entity[16];
        (void)snprintf(entity, sizeof entity, "%d", i);
        struct letter letter = {.message = i + 1, .entity = entity, .body = body};
        (void)put(f, &letter);
    }
    fixture_commit(f);
    struct due due = due_of(f, "table", 3);
    assert_int_equal(due.count, 3);
    assert_true(due.more);
    due = due_of(f, "table", 100);
    assert_true(due.more);
    assert_in_range(due.count, 7, 8);
    int64_t total = 0;
    while (due.count > 0) {
        fixture_begin(f);
        for (size_t i = 0; i < due.count; i++) {
            fixture_ok(f,
                       store_outbox_done(f->store, STR("table"), &due.parcels[i].effect, &f->err));
        }
        fixture_commit(f);
        total += (int64_t)due.count;
        arena_reset(&f->arena);
        due = due_of(f, "table", 100);
    }
    assert_int_equal(total, LETTERS);
    free(body);
}

static void too_little_memory_is_tried_again(void **state)
{
    static const struct letter letter = {.message = 1, .entity = "a"};
    struct fixture *f = *state;
    struct parcel parcels[4];
    struct outbox_due due = {.parcels = parcels, .count = COUNT(parcels)};
    struct arena tiny;
    (void)emit(f, &letter);
    arena_init(&tiny, 16);
    assert_false(store_outbox_due(f->store, &tiny, STR("table"), f->now_ms, &due, &f->err));
    assert_int_equal(f->err.kind, ERR_RETRY);
    f->err = (struct err){0};
    arena_free(&tiny);
    assert_due(f, "a");
}

static struct dead_letter only_dead(struct fixture *f)
{
    struct dead_letter list[4];
    size_t count = 0;
    fixture_ok(f, store_dead_list(f->store, &f->arena, 0, COUNT(list), list, &count, &f->err));
    assert_int_equal(count, 1);
    return list[0];
}

static bool retry(struct fixture *f, int64_t id, struct str body)
{
    bool found = false;
    fixture_begin(f);
    fixture_ok(f, store_dead_retry(f->store, id, body, &found, &f->err));
    fixture_commit(f);
    return found;
}

static void dead_letters_say_what_and_why(void **state)
{
    static const struct letter letter = {.kind = RECORD_QUESTION,
                                         .generation = 2,
                                         .message = 17,
                                         .nth = 3,
                                         .entity = "row 1",
                                         .body = "{\"q\":1}"};
    struct fixture *f = *state;
    (void)emit(f, &letter);
    later(f, &letter, 0);
    later(f, &letter, 0);
    die(f, &letter, STR("no such column: \xd7\xa9"));
    assert_due(f, "");
    struct dead_letter dead = only_dead(f);
    assert_str_equal(dead.sink, STR("table"));
    assert_str_equal(dead.effect.pipeline, STR("desk"));
    assert_int_equal(dead.effect.generation, 2);
    assert_int_equal(dead.effect.message, 17);
    assert_int_equal(dead.effect.nth, 3);
    assert_int_equal(dead.kind, RECORD_QUESTION);
    assert_str_equal(dead.target, STR("rows"));
    assert_str_equal(dead.entity, STR("row 1"));
    assert_str_equal(dead.body, STR("{\"q\":1}"));
    assert_str_equal(dead.why, STR("no such column: \xd7\xa9"));
    assert_int_equal(dead.attempts, 3);
    assert_int_equal(dead.at_ms, f->now_ms);
}

static void a_dead_letter_lets_the_next_of_its_entity_go(void **state)
{
    static const struct letter first = {.kind = RECORD_EFFECT, .message = 1, .entity = "a"};
    static const struct letter second = {.kind = RECORD_EFFECT, .message = 2, .entity = "a"};
    struct fixture *f = *state;
    (void)emit(f, &first);
    (void)emit(f, &second);
    die(f, &first, (struct str){0}); /* No reason: one is written. */
    assert_true(only_dead(f).why.len > 0);
    assert_int_equal(due_now(f).parcels[0].effect.message, 2);
}

static void dead_letters_may_be_tried_again_changed_or_dropped(void **state)
{
    static const struct letter letter = {
        .kind = RECORD_EFFECT, .message = 1, .entity = "a", .body = "{\"bad\":1}"};
    struct fixture *f = *state;
    bool found = true;
    (void)emit(f, &letter);
    later(f, &letter, 60000);
    die(f, &letter, STR("no"));
    int64_t first_id = only_dead(f).id;
    assert_false(retry(f, first_id + 1, (struct str){0}));
    assert_true(retry(f, first_id, (struct str){0}));
    assert_false(retry(f, first_id, (struct str){0}));
    struct due due = due_now(f);
    assert_int_equal(due.count, 1);
    assert_int_equal(due.parcels[0].attempts, 0);
    assert_str_equal(due.parcels[0].body, STR("{\"bad\":1}"));
    die(f, &letter, STR("no"));
    int64_t second_id = only_dead(f).id;
    assert_true(second_id > first_id); /* Numbers are never used again. */
    assert_true(retry(f, second_id, STR("{\"good\":1}")));
    assert_str_equal(due_now(f).parcels[0].body, STR("{\"good\":1}"));
    die(f, &letter, STR("no"));
    int64_t third_id = only_dead(f).id;
    fixture_begin(f);
    fixture_ok(f, store_dead_drop(f->store, third_id, &found, &f->err));
    assert_true(found);
    fixture_ok(f, store_dead_drop(f->store, third_id, &found, &f->err));
    assert_false(found);
    fixture_commit(f);
    assert_due(f, "");
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM dead"), 0);
}

/* What waits under the same effect already is newer work of the same cause: it stays. */
static void a_dead_letter_never_replaces_what_waits(void **state)
{
    static const struct letter dead = {.message = 1, .entity = "a", .body = "old"};
    static const struct letter alive = {.message = 1, .entity = "b", .body = "new"};
    struct fixture *f = *state;
    (void)emit(f, &dead);
    die(f, &dead, STR("no"));
    (void)emit(f, &alive);
    assert_true(retry(f, only_dead(f).id, (struct str){0}));
    struct due due = due_now(f);
    assert_int_equal(due.count, 1);
    assert_str_equal(due.parcels[0].body, STR("new"));
}

static void dead_letters_are_listed_by_pages(void **state)
{
    struct fixture *f = *state;
    struct dead_letter list[3];
    size_t count = 0;
    int64_t after = 0;
    int64_t seen = 0;
    for (int i = 1; i <= 7; i++) {
        struct letter letter = {.message = i, .entity = "a"};
        char body[16];
        (void)snprintf(body, sizeof body, "%d", i);
        letter.body = body;
        (void)emit(f, &letter);
        die(f, &letter, STR("no"));
    }
    do {
        fixture_ok(f,
                   store_dead_list(f->store, &f->arena, after, COUNT(list), list, &count, &f->err));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(list[i].effect.message, ++seen);
            after = list[i].id;
        }
    } while (count > 0);
    assert_int_equal(seen, 7);
    fixture_ok(f, store_dead_list(f->store, &f->arena, 0, 0, list, &count, &f->err));
    assert_int_equal(count, 0);
}

static void waiting_records_are_counted(void **state)
{
    struct fixture *f = *state;
    int64_t count = -1;
    int64_t oldest_ms = -1;
    bool any = true;
    fixture_ok(f, store_outbox_any(f->store, STR("table"), &any, &f->err));
    assert_false(any);
    fixture_ok(f, store_outbox_waiting(f->store, STR("table"), &count, &oldest_ms, &f->err));
    assert_int_equal(count, 0);
    assert_int_equal(oldest_ms, 0);
    fixture_begin(f);
    int64_t first = fixture_say(f, "lobby", "1", "x");
    fixture_commit(f);
    int64_t first_ms = f->now_ms;
    f->now_ms += 5000;
    fixture_begin(f);
    int64_t second = fixture_say(f, "lobby", "2", "y");
    fixture_commit(f);
    struct letter one = {.message = first, .entity = "a"};
    struct letter two = {.message = second, .entity = "b"};
    struct letter three = {.message = second, .entity = "c", .pipeline = "other"};
    (void)emit(f, &two);
    (void)emit(f, &one);
    (void)emit(f, &three);
    fixture_ok(f, store_outbox_waiting(f->store, STR("table"), &count, &oldest_ms, &f->err));
    assert_int_equal(count, 3);
    assert_int_equal(oldest_ms, first_ms);
    fixture_ok(f, store_outbox_any(f->store, STR("table"), &any, &f->err));
    assert_true(any);
    fixture_ok(f, store_outbox_any(f->store, STR("elsewhere"), &any, &f->err));
    assert_false(any);
}

static void untried_records_are_counted_by_cause(void **state)
{
    static const struct letter one = {.message = 5, .entity = "a"};
    static const struct letter two = {.message = 6, .entity = "b"};
    static const struct letter other = {.message = 5, .entity = "c", .pipeline = "other"};
    static const struct {
        const char *pipeline;
        int64_t message;
        int64_t count;
    } table[] = {{"desk", 4, 0}, {"desk", 5, 1},  {"desk", 6, 2},
                 {"desk", 7, 2}, {"other", 7, 1}, {"nobody", 7, 0}};
    struct fixture *f = *state;
    int64_t count = -1;
    (void)emit(f, &one);
    (void)emit(f, &two);
    (void)emit(f, &other);
    for (size_t i = 0; i < COUNT(table); i++) {
        fixture_ok(f, store_outbox_untried(f->store, str_of(table[i].pipeline), table[i].message,
                                           &count, &f->err));
        assert_int_equal(count, table[i].count);
    }
    later(f, &one, 1000);
    fixture_ok(f, store_outbox_untried(f->store, STR("desk"), 6, &count, &f->err));
    assert_int_equal(count, 1);
    die(f, &two, STR("no"));
    fixture_ok(f, store_outbox_untried(f->store, STR("desk"), 6, &count, &f->err));
    assert_int_equal(count, 0);
}

static void marks_for_what_is_unknown_do_nothing(void **state)
{
    static const struct letter here = {.message = 1, .entity = "a"};
    static const struct letter strangers[] = {{.message = 2},
                                              {.message = 1, .nth = 1},
                                              {.message = 1, .generation = 1},
                                              {.message = 1, .pipeline = "nobody"}};
    struct fixture *f = *state;
    (void)emit(f, &here);
    for (size_t i = 0; i < COUNT(strangers); i++) {
        done(f, &strangers[i]);
        later(f, &strangers[i], 1000);
        die(f, &strangers[i], STR("no"));
    }
    struct effect effect = effect_of(&here);
    fixture_begin(f);
    fixture_ok(f, store_outbox_done(f->store, STR("no such sink"), &effect, &f->err));
    fixture_commit(f);
    assert_due(f, "a");
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM dead"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_go_out_in_the_order_of_their_causes),
        TEST(what_was_put_in_comes_out),
        TEST(a_record_without_a_body_has_an_empty_one),
        TEST(a_row_identity_has_limits),
        TEST(the_same_effect_is_queued_once),
        TEST(an_entity_that_waits_holds_back_only_itself),
        TEST(a_long_queue_of_one_entity_holds_back_no_other),
        TEST(the_next_time_is_the_earliest),
        TEST(a_clock_put_back_holds_nothing_back),
        TEST(a_newer_absolute_takes_the_place_of_a_waiting_one),
        TEST(an_absolute_that_says_nothing_new_is_not_queued),
        TEST(what_was_rolled_back_was_not_emitted),
        TEST(a_batch_has_limits),
        TEST(too_little_memory_is_tried_again),
        TEST(dead_letters_say_what_and_why),
        TEST(a_dead_letter_lets_the_next_of_its_entity_go),
        TEST(dead_letters_may_be_tried_again_changed_or_dropped),
        TEST(a_dead_letter_never_replaces_what_waits),
        TEST(dead_letters_are_listed_by_pages),
        TEST(waiting_records_are_counted),
        TEST(untried_records_are_counted_by_cause),
        TEST(marks_for_what_is_unknown_do_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
