#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "store/fixture.h"

enum { WANTED_MAX = 8, LOG_MAX = 20000, FOREIGN = 200001, STEPS_MAX = 1000 };

/* What a pipeline was shown, in order. */
struct log {
    int64_t ids[LOG_MAX];
    size_t count;
};

struct desk {
    struct fixture *f;
    struct str pipeline;
    struct subscription wanted[WANTED_MAX];
    size_t wanted_count;
    struct str references[WANTED_MAX];
    size_t reference_count;
    struct reader *reader;
    struct log log;
};

static int64_t say(struct fixture *f, const char *source, const char *chat, const char *id)
{
    struct intake_counts counts;
    struct message message = {
        .source = str_of(source),
        .chat = str_of(chat),
        .external_id = str_of(id),
        .sender = str_of(chat),
        .text = str_of(id),
    };
    fixture_begin(f);
    fixture_ok(f, store_archive_put(f->store, &f->arena, &message, 1, &counts, &f->err));
    fixture_commit(f);
    return message.id;
}

static struct desk *desk_new(struct fixture *f, const char *pipeline)
{
    struct desk *desk = calloc(1, sizeof *desk);
    assert_non_null(desk);
    desk->f = f;
    desk->pipeline = str_of(pipeline);
    return desk;
}

static void want(struct desk *desk, const char *source, const char *chat)
{
    assert_true(desk->wanted_count < WANTED_MAX);
    desk->wanted[desk->wanted_count++] = (struct subscription){str_of(source), str_of(chat)};
}

static void desk_open(struct desk *desk)
{
    struct fixture *f = desk->f;
    struct reader_options options = {
        .pipeline = desk->pipeline,
        .subscriptions = desk->wanted,
        .subscription_count = desk->wanted_count,
        .references = desk->references,
        .reference_count = desk->reference_count,
    };
    store_reader_close(desk->reader);
    fixture_begin(f);
    fixture_ok(f, store_reader_open(f->store, &f->arena, &options, &desk->reader, &f->err));
    fixture_commit(f);
}

static void desk_close(struct desk *desk)
{
    store_reader_close(desk->reader);
    free(desk);
}

/* One step of at most `limit` messages. */
static bool step(struct desk *desk, size_t limit, bool commit)
{
    struct fixture *f = desk->f;
    bool found = true;
    bool more = false;
    size_t before = desk->log.count;
    fixture_begin(f);
    fixture_ok(f, store_reader_begin(f->store, desk->reader, &f->err));
    for (size_t i = 0; i < limit && found; i++) {
        struct message message;
        fixture_ok(f, store_reader_next(f->store, desk->reader, &message, &found, &f->err));
        if (found) {
            assert_true(desk->log.count < LOG_MAX);
            assert_true(i == 0 || message.id > desk->log.ids[desk->log.count - 1]);
            desk->log.ids[desk->log.count++] = message.id;
        }
    }
    if (!commit) { /* A crash: what was shown does not count. */
        store_rollback(f->store);
        desk->log.count = before;
        return true;
    }
    fixture_ok(f, store_reader_end(f->store, desk->reader, &more, &f->err));
    fixture_commit(f);
    return more;
}

/* Read until there is nothing more. */
static void drain(struct desk *desk)
{
    bool more = true;
    for (size_t i = 0; i < STEPS_MAX && more; i++) {
        size_t before = desk->log.count;
        size_t limit = i % 2 == 0 ? 7 : 1000;
        more = step(desk, limit, true) || desk->log.count - before == limit;
    }
    assert_false(more);
}

static void assert_log(const struct desk *desk, size_t from, const int64_t *ids, size_t count)
{
    assert_int_equal(desk->log.count - from, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(desk->log.ids[from + i], ids[i]);
    }
}

static int64_t position(struct fixture *f, const char *pipeline)
{
    int64_t id = -1;
    fixture_ok(f, store_position_get(f->store, str_of(pipeline), &id, &f->err));
    return id;
}

static void chats_are_merged_in_order_of_arrival(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_new(f, "desk");
    int64_t ids[] = {say(f, "x", "a", "1"), say(f, "y", "c", "1"), say(f, "x", "a", "2")};
    (void)say(f, "x", "b", "1"); /* Nobody wants these. */
    (void)say(f, "y", "a", "1");
    int64_t last = say(f, "y", "c", "2");
    int64_t head = say(f, "z", "a", "1");
    want(desk, "x", "a");
    want(desk, "y", "c");
    assert_int_equal(position(f, "desk"), 0);
    desk_open(desk);
    drain(desk);
    assert_log(desk, 0, (int64_t[]){ids[0], ids[1], ids[2], last}, 4);
    assert_int_equal(position(f, "desk"), head);
    drain(desk);
    assert_int_equal(desk->log.count, 4);
    desk_close(desk);
}

static void a_message_is_shown_as_it_was_filed(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_new(f, "desk");
    struct message message;
    bool found = false;
    bool more = false;
    int64_t id = say(f, "x", "a", "77");
    want(desk, "x", "a");
    desk_open(desk);
    fixture_begin(f);
    fixture_ok(f, store_reader_begin(f->store, desk->reader, &f->err));
    fixture_ok(f, store_reader_next(f->store, desk->reader, &message, &found, &f->err));
    assert_true(found);
    assert_int_equal(message.id, id);
    assert_str_equal(message.source, STR("x"));
    assert_str_equal(message.chat, STR("a"));
    assert_str_equal(message.sender, STR("a"));
    assert_str_equal(message.external_id, STR("77"));
    assert_str_equal(message.text, STR("77"));
    assert_true(message.partition > 0);
    assert_int_equal(message.archived_ms, f->now_ms);
    fixture_ok(f, store_reader_next(f->store, desk->reader, &message, &found, &f->err));
    assert_false(found);
    fixture_ok(f, store_reader_end(f->store, desk->reader, &more, &f->err));
    assert_false(more);
    fixture_commit(f);
    desk_close(desk);
}

static void a_crash_repeats_the_stretch(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_new(f, "desk");
    int64_t ids[20];
    for (size_t i = 0; i < COUNT(ids); i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%zu", i);
        ids[i] = say(f, "x", i % 2 == 0 ? "a" : "b", id);
    }
    want(desk, "x", "a");
    want(desk, "x", "b");
    desk_open(desk);
    for (size_t done = 0; done < COUNT(ids);) {
        (void)step(desk, 5, false);
        assert_int_equal(position(f, "desk"), done == 0 ? 0 : ids[done - 1]);
        if (done % 2 == 0) { /* Sometimes the whole process is new. */
            fixture_reopen(f);
            desk_open(desk);
        }
        (void)step(desk, 3, true);
        done = desk->log.count;
        assert_int_equal(position(f, "desk"), ids[done - 1]);
    }
    assert_log(desk, 0, ids, COUNT(ids));
    desk_close(desk);
}

static void pipelines_have_positions_of_their_own(void **state)
{
    struct fixture *f = *state;
    struct desk *one = desk_new(f, "one");
    struct desk *two = desk_new(f, "two");
    int64_t ids[] = {say(f, "x", "a", "1"), say(f, "x", "a", "2"), say(f, "x", "a", "3")};
    want(one, "x", "a");
    want(two, "x", "a");
    desk_open(one);
    desk_open(two);
    (void)step(one, 2, true);
    assert_int_equal(position(f, "one"), ids[1]);
    assert_int_equal(position(f, "two"), 0);
    drain(two);
    drain(one);
    assert_log(one, 0, ids, 3);
    assert_log(two, 0, ids, 3);
    desk_close(one);
    desk_close(two);
}

static void a_late_chat_catches_up_once(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_new(f, "desk");
    int64_t a1 = say(f, "x", "a", "1");
    int64_t b1 = say(f, "x", "b", "1");
    int64_t b2 = say(f, "x", "b", "2");
    int64_t b3 = say(f, "x", "b", "3");
    int64_t a2 = say(f, "x", "a", "2");
    want(desk, "x", "a");
    desk_open(desk);
    drain(desk);
    want(desk, "x", "b");
    fixture_reopen(f);
    desk_open(desk);
    assert_int_equal(position(f, "desk"), 0); /* The late chat's. */
    assert_true(step(desk, 1, true));
    assert_int_equal(position(f, "desk"), b1);
    int64_t b4 = say(f, "x", "b", "4"); /* While it is catching up. */
    int64_t a3 = say(f, "x", "a", "3");
    (void)step(desk, 5, false);
    fixture_reopen(f);
    desk_open(desk);
    drain(desk);
    assert_log(desk, 0, (int64_t[]){a1, a2, b1, b2, b3, b4, a3}, 7);
    assert_int_equal(position(f, "desk"), a3);
    desk_close(desk);
}

static void a_chat_that_comes_back_goes_on_where_it_was_left(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_new(f, "desk");
    int64_t a1 = say(f, "x", "a", "1");
    int64_t b1 = say(f, "x", "b", "1");
    want(desk, "x", "a");
    want(desk, "x", "b");
    desk_open(desk);
    drain(desk);
    desk->wanted_count = 1; /* Without b. */
    desk_open(desk);
    int64_t b2 = say(f, "x", "b", "2");
    int64_t a2 = say(f, "x", "a", "2");
    drain(desk);
    desk_open(desk);
    desk->wanted_count = 2;
    desk_open(desk);
    drain(desk);
    assert_log(desk, 0, (int64_t[]){a1, b1, a2, b2}, 4);
    desk_open(desk);
    drain(desk);
    assert_int_equal(desk->log.count, 4);
    desk_close(desk);
}

static void all_chats_of_a_source_may_be_wanted(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_new(f, "desk");
    int64_t ids[3];
    ids[0] = say(f, "x", "a", "1");
    (void)say(f, "y", "a", "1");
    ids[1] = say(f, "x", "", "1");
    want(desk, "x", "");
    desk_open(desk);
    drain(desk);
    ids[2] = say(f, "x", "new", "1"); /* A chat that nobody had heard of. */
    drain(desk);
    assert_log(desk, 0, ids, 3);
    desk_close(desk);
}

/* Where a chat was read stays true when the way in which it is wanted changes. */
static void wanting_a_chat_in_another_way_shows_nothing_again(void **state)
{
    static const struct {
        const char *name;
        const char *first; /* Chats wanted, one letter each; '*' all of them. */
        const char *second;
        const char *third;
    } table[] = {
        {"all, then one", "*", "a", "a"},     {"one, then all", "a", "*", "*"},
        {"one, all, other", "a", "*", "b"},   {"all, one, all", "*", "b", "*"},
        {"all, none, one", "*", "", "a"},     {"one, none, all", "a", "", "*"},
        {"all and one, one", "*a", "a", "*"}, {"one and all, all", "a*", "*", "a"},
        {"others, then all", "a", "b", "*"},  {"all, none, all", "*", "", "*"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct desk *desk = desk_new(f, table[i].name);
        const char *const phases[] = {table[i].first, table[i].second, table[i].third, "*"};
        int64_t total = 0;
        for (size_t phase = 0; phase < COUNT(phases); phase++) {
            char id[32];
            (void)snprintf(id, sizeof id, "%zu-%zu", i, phase);
            (void)say(f, "x", "a", id);
            (void)say(f, "x", "b", id);
            desk->wanted_count = 0;
            for (const char *chat = phases[phase]; *chat != '\0'; chat++) {
                want(desk, "x", *chat == '*' ? "" : *chat == 'a' ? "a" : "b");
            }
            desk_open(desk);
            drain(desk);
        }
        fixture_ok(f, store_archive_head(f->store, &total, &f->err));
        if ((int64_t)desk->log.count != total) {
            fail_msg("%s: %zu shown of %" PRId64, table[i].name, desk->log.count, total);
        }
        desk_close(desk);
    }
}

/* All of a source, wanted late, left half-way, and wanted again: nothing lost, nothing twice. */
static void a_source_left_while_catching_up_goes_on_later(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_new(f, "desk");
    int64_t total = 0;
    for (int i = 0; i < 10; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%d", i);
        (void)say(f, "x", "a", id);
        (void)say(f, "x", "b", id);
        (void)say(f, "y", "c", id);
    }
    want(desk, "y", "c");
    desk_open(desk);
    drain(desk);
    want(desk, "x", "");
    desk_open(desk);
    (void)step(desk, 4, true);
    desk->wanted_count = 1;
    desk_open(desk);
    drain(desk);
    assert_int_equal(desk->log.count, 14);
    want(desk, "x", "");
    desk_open(desk);
    drain(desk);
    fixture_ok(f, store_archive_head(f->store, &total, &f->err));
    assert_int_equal(desk->log.count, total);
    desk_close(desk);
}

static void what_sluice_files_itself_reaches_its_own_pipeline(void **state)
{
    static const struct {
        const char *source;
        const char *chat;
        bool mine;
    } table[] = {
        {"answers/model", "desk", true},
        {"answers/model", "other", false},
        {"answers/model", "", false},
        {"receipts/phone", "desk", true},
        {"receipts/phone", "desk2", false},
        {"answersX", "desk", false},
        {"answers", "desk", false},
        {"references", "roster", true},
        {"references", "people", false},
        {"references", "desk", false},
        {"runs", "desk", false},
        {"runs", "other", true},
        {"references/roster", "roster", false},
    };
    struct fixture *f = *state;
    struct desk *desk = desk_new(f, "desk");
    desk->references[desk->reference_count++] = STR("towns");
    desk->references[desk->reference_count++] = STR("roster");
    want(desk, "runs", "other");
    desk_open(desk);
    for (size_t i = 0; i < COUNT(table); i++) {
        size_t before = desk->log.count;
        int64_t id = say(f, table[i].source, table[i].chat, "1");
        drain(desk);
        if ((desk->log.count == before + 1) != table[i].mine) {
            fail_msg("%s, %s: shown %zu times", table[i].source, table[i].chat,
                     desk->log.count - before);
        }
        assert_int_equal(position(f, "desk"), id);
    }
    desk_close(desk);
}

static void long_stretches_of_others_are_passed_in_steps(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_new(f, "desk");
    char sql[320];
    int64_t first = say(f, "x", "foreign", "1");
    (void)snprintf(sql, sizeof sql,
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%d)"
                   " INSERT INTO archive SELECT id+i, chat, flags, i, sender, sent_ms, archived_ms,"
                   " text, sent_text, revision, part, about, version_ms, attachments, extra"
                   " FROM archive, n WHERE id=%" PRId64,
                   FOREIGN, first);
    fixture_tamper(f, sql);
    int64_t mine = say(f, "x", "a", "1");
    want(desk, "x", "a");
    desk_open(desk);
    assert_true(step(desk, 10, true));
    assert_int_equal(desk->log.count, 0);
    assert_int_equal(position(f, "desk"), 200000);
    fixture_reopen(f);
    desk_open(desk);
    drain(desk);
    assert_log(desk, 0, &mine, 1);
    desk_close(desk);
}

/* More chats and senders than any table of the reader holds at first. */
static void many_chats_and_senders_are_told_apart(void **state)
{
    enum { CHATS = 300, SENDERS = 5000 };
    struct fixture *f = *state;
    struct desk *desk = desk_new(f, "desk");
    struct message *messages = calloc(SENDERS, sizeof *messages);
    char (*names)[512] = calloc(SENDERS, sizeof *names);
    struct intake_counts counts;
    assert_true(messages != NULL && names != NULL);
    for (size_t i = 0; i < SENDERS; i++) {
        (void)snprintf(names[i], sizeof *names, "%0400zu", i * 7919 % SENDERS);
        messages[i] = (struct message){
            .source = STR("x"),
            .chat = str_slice(str_of(names[i % CHATS]), 300, 400),
            .external_id = str_of(names[i]),
            .sender = str_of(names[i]),
            .text = STR("x"),
        };
    }
    fixture_begin(f);
    fixture_ok(f, store_archive_put(f->store, &f->arena, messages, SENDERS, &counts, &f->err));
    fixture_commit(f);
    want(desk, "x", "");
    desk_open(desk);
    for (int round = 0; round < 2; round++) {
        fixture_begin(f);
        fixture_ok(f, store_reader_begin(f->store, desk->reader, &f->err));
        for (size_t i = 0; i < SENDERS; i++) {
            struct message message;
            bool found = false;
            fixture_ok(f, store_reader_next(f->store, desk->reader, &message, &found, &f->err));
            assert_true(found);
            assert_str_equal(message.sender, str_of(names[i]));
            assert_str_equal(message.chat, str_slice(str_of(names[i % CHATS]), 300, 400));
        }
        store_rollback(f->store);
    }
    free(messages);
    free(names);
    desk_close(desk);
}

/*
 * Messages, subscriptions, steps and crashes in any order. Whenever everything has been read: each
 * message of a chat that is wanted now was shown exactly once, and none ever twice.
 */
enum { RANDOM_ROUNDS = 400, SOURCES = 2, CHATS = 3 };

static const char *const sources[SOURCES] = {"x", "y"};
static const char *const chats[CHATS] = {"a", "b", "c"};

struct random_world {
    struct desk *desk;
    struct rng rng;
    int64_t serial;
    struct {
        size_t source;
        size_t chat;
        int shown;
    } messages[LOG_MAX];
};

static void choose_wanted(struct random_world *world)
{
    struct desk *desk = world->desk;
    desk->wanted_count = 0;
    for (size_t source = 0; source < SOURCES; source++) {
        if (rng_chance(&world->rng, 25)) {
            want(desk, sources[source], "");
        }
        for (size_t chat = 0; chat < CHATS && desk->wanted_count < WANTED_MAX; chat++) {
            if (rng_chance(&world->rng, 40)) {
                want(desk, sources[source], chats[chat]);
            }
        }
    }
}

static bool is_wanted(const struct desk *desk, size_t source, size_t chat)
{
    for (size_t i = 0; i < desk->wanted_count; i++) {
        const struct subscription *wanted = &desk->wanted[i];
        if (str_equal(wanted->source, str_of(sources[source])) &&
            (wanted->chat.len == 0 || str_equal(wanted->chat, str_of(chats[chat])))) {
            return true;
        }
    }
    return false;
}

static void say_something(struct random_world *world)
{
    char id[24];
    size_t source = (size_t)rng_below(&world->rng, SOURCES);
    size_t chat = (size_t)rng_below(&world->rng, CHATS);
    (void)snprintf(id, sizeof id, "%" PRId64, ++world->serial);
    int64_t number = say(world->desk->f, sources[source], chats[chat], id);
    assert_true(number < LOG_MAX);
    world->messages[number].source = source;
    world->messages[number].chat = chat;
}

static void check_random_world(struct random_world *world)
{
    struct desk *desk = world->desk;
    for (size_t i = 0; i < desk->log.count; i++) {
        int64_t id = desk->log.ids[i];
        world->messages[id].shown++;
        if (world->messages[id].shown != 1) {
            fail_msg("message %" PRId64 " was shown again", id);
        }
    }
    desk->log.count = 0;
    for (int64_t id = 1; id <= world->serial; id++) {
        bool wanted = is_wanted(desk, world->messages[id].source, world->messages[id].chat);
        if (wanted && world->messages[id].shown == 0) {
            fail_msg("message %" PRId64 " was never shown", id);
        }
    }
}

static void any_order_of_changes_shows_each_message_once(void **state)
{
    struct fixture *f = *state;
    struct random_world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    rng_seed(&world->rng, 4711);
    world->desk = desk_new(f, "desk");
    choose_wanted(world);
    desk_open(world->desk);
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        for (size_t i = (size_t)rng_below(&world->rng, 8); i > 0; i--) {
            say_something(world);
        }
        for (size_t i = (size_t)rng_below(&world->rng, 4); i > 0; i--) {
            (void)step(world->desk, (size_t)rng_below(&world->rng, 6),
                       !rng_chance(&world->rng, 30));
        }
        if (rng_chance(&world->rng, 20)) {
            fixture_reopen(f);
            desk_open(world->desk);
        }
        if (rng_chance(&world->rng, 30)) {
            choose_wanted(world);
            desk_open(world->desk);
        }
        if (rng_chance(&world->rng, 15)) {
            drain(world->desk);
            check_random_world(world);
        }
        store_reader_close(world->desk->reader); /* It lives in the arena. */
        world->desk->reader = NULL;
        arena_reset(&f->arena);
        desk_open(world->desk);
    }
    drain(world->desk);
    check_random_world(world);
    desk_close(world->desk);
    free(world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

/* A tick is heard with its planned time as "now"; what people wrote with the time of its filing. */
static void a_tick_comes_at_its_planned_time(void **state)
{
    struct fixture *f = *state;
    struct intake_counts counts;
    struct message messages[] = {
        {.source = STR("clock"),
         .chat = STR("ticks"),
         .external_id = STR("t"),
         .kind = MESSAGE_TICK,
         .text = STR("t"),
         .sent_ms = 1234567},
        {.source = STR("clock"),
         .chat = STR("ticks"),
         .external_id = STR("m"),
         .text = STR("m"),
         .sent_ms = 1234567},
    };
    struct desk *desk = desk_new(f, "p");
    struct message heard;
    bool found = false;
    want(desk, "clock", "");
    desk_open(desk);
    fixture_begin(f);
    fixture_ok(f, store_archive_put(f->store, &f->arena, messages, 2, &counts, &f->err));
    fixture_commit(f);
    fixture_begin(f);
    fixture_ok(f, store_reader_begin(f->store, desk->reader, &f->err));
    fixture_ok(f, store_reader_next(f->store, desk->reader, &heard, &found, &f->err));
    assert_true(found);
    assert_int_equal(heard.archived_ms, 1234567);
    fixture_ok(f, store_reader_next(f->store, desk->reader, &heard, &found, &f->err));
    assert_true(found);
    assert_int_equal(heard.archived_ms, messages[1].archived_ms);
    assert_int_not_equal(heard.archived_ms, 1234567);
    store_rollback(f->store);
    desk_close(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chats_are_merged_in_order_of_arrival),
        TEST(a_message_is_shown_as_it_was_filed),
        TEST(a_tick_comes_at_its_planned_time),
        TEST(a_crash_repeats_the_stretch),
        TEST(pipelines_have_positions_of_their_own),
        TEST(a_late_chat_catches_up_once),
        TEST(a_chat_that_comes_back_goes_on_where_it_was_left),
        TEST(all_chats_of_a_source_may_be_wanted),
        TEST(wanting_a_chat_in_another_way_shows_nothing_again),
        TEST(a_source_left_while_catching_up_goes_on_later),
        TEST(what_sluice_files_itself_reaches_its_own_pipeline),
        TEST(long_stretches_of_others_are_passed_in_steps),
        TEST(many_chats_and_senders_are_told_apart),
        TEST(any_order_of_changes_shows_each_message_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
