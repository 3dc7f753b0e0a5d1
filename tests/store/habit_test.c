/* habit: silences of chats and sources, learned from the archive, over restarts and changes of the
 * zone. */
#include <stdio.h>
#include <stdlib.h>

#include "store/fixture.h"
#include "store/habit.h"
#include "text/datetime.h"

/* 2026-02-01 is a Sunday. */
#define BEGIN_MS INT64_C(1769904000000)

enum { WEEKS = 8, EACH_WEEK = 60 };

struct writer {
    struct fixture *f;
    int number;
};

static void say(struct writer *writer, const char *source, const char *chat, int64_t at_ms)
{
    char id[32];
    struct intake_counts counts = {0};
    (void)snprintf(id, sizeof id, "m%d", writer->number++);
    struct message message = {.source = str_of(source),
                              .chat = str_of(chat),
                              .external_id = str_of(id),
                              .sender = STR("someone"),
                              .text = STR("hello"),
                              .sent_ms = at_ms};
    writer->f->now_ms = at_ms;
    fixture_ok(writer->f, store_archive_put(writer->f->store, &writer->f->arena, &message, 1,
                                            &counts, &writer->f->err));
}

/* Twelve messages a day from Sunday to Thursday, every hour from eight on. */
static void speak(struct writer *writer, const char *source, const char *chat, int from, int to)
{
    fixture_begin(writer->f);
    for (int week = from; week < to; week++) {
        for (int i = 0; i < EACH_WEEK; i++) {
            int64_t hour = i / 12 * 24 + 8 + i % 12;
            say(writer, source, chat,
                BEGIN_MS + week * 7 * DATETIME_DAY_MS + hour * DATETIME_HOUR_MS);
        }
    }
    fixture_commit(writer->f);
}

static void learn(struct fixture *f, const struct zone *zone)
{
    bool more = true;
    while (more) {
        fixture_ok(f, store_habit_fill(f->store, zone, 0, &more, &f->err));
    }
}

static struct habit ask(struct fixture *f, const char *source, int64_t at_ms)
{
    struct habit habit;
    fixture_ok(f, store_begin_read(f->store, &f->err));
    fixture_ok(f, store_habit_get(f->store, &f->arena, str_of(source), at_ms, &habit, &f->err));
    store_rollback(f->store);
    return habit;
}

static int64_t moment(int week, int day, int hour)
{
    return BEGIN_MS + (week * 7 + day) * DATETIME_DAY_MS + hour * DATETIME_HOUR_MS;
}

static void nothing_is_known_of_nothing(void **state)
{
    struct fixture *f = *state;
    learn(f, NULL);
    struct habit habit = ask(f, "wa", BEGIN_MS);
    assert_int_equal(habit.newest_ms, 0);
    assert_int_equal(habit.watched + habit.quiet, 0);
    assert_false(habit.silent);
}

/* Quiet weekends are silent, a quiet Monday is told. */
static void a_weekend_says_nothing_and_a_monday_does(void **state)
{
    struct writer writer = {.f = *state};
    speak(&writer, "wa", "school", 0, WEEKS);
    learn(writer.f, NULL);
    struct habit habit = ask(writer.f, "wa", moment(WEEKS - 1, 6, 12));
    assert_int_equal(habit.watched, 1);
    assert_int_equal(habit.newest_ms, moment(WEEKS - 1, 4, 19));
    assert_int_equal(habit.quiet, 0); /* Saturday. */
    habit = ask(writer.f, "wa", moment(WEEKS, 0, 7));
    assert_int_equal(habit.quiet, 0); /* Sunday morning. */
    assert_false(habit.silent);
    habit = ask(writer.f, "wa", moment(WEEKS, 2, 0));
    assert_int_equal(habit.quiet, 1);
    assert_true(habit.silent);
    assert_int_equal(habit.chat_count, 1);
    assert_str_equal(habit.chats[0].chat, STR("school"));
    assert_in_range(habit.chats[0].weekly, EACH_WEEK - 5, EACH_WEEK + 5);
    assert_true(habit.chats[0].due_ms > moment(WEEKS, 0, 8));
    assert_int_equal(ask(writer.f, "other", moment(WEEKS, 2, 0)).quiet, 0);
}

/* One chat falls silent while the other goes on: the source as a whole does not. */
static void one_chat_is_not_the_source(void **state)
{
    struct writer writer = {.f = *state};
    speak(&writer, "wa", "school", 0, WEEKS);
    speak(&writer, "wa", "office", 0, WEEKS + 1);
    learn(writer.f, NULL);
    struct habit habit = ask(writer.f, "wa", moment(WEEKS, 4, 12));
    assert_int_equal(habit.watched, 2);
    assert_int_equal(habit.quiet, 1);
    assert_false(habit.silent);
    assert_str_equal(habit.chats[0].chat, STR("school"));
    /* After four weeks that is its habit. */
    speak(&writer, "wa", "office", WEEKS + 1, WEEKS + 5);
    learn(writer.f, NULL);
    habit = ask(writer.f, "wa", moment(WEEKS + 4, 4, 12));
    assert_int_equal(habit.watched, 1);
    assert_int_equal(habit.quiet, 0);
}

/* Who has just spoken is not called silent, though it was not learned yet. */
static void what_is_not_learned_yet_was_heard(void **state)
{
    struct writer writer = {.f = *state};
    speak(&writer, "wa", "school", 0, WEEKS);
    learn(writer.f, NULL);
    int64_t late_ms = moment(WEEKS, 3, 0);
    assert_true(ask(writer.f, "wa", late_ms).silent);
    fixture_begin(writer.f);
    say(&writer, "wa", "school", late_ms - 1000);
    fixture_commit(writer.f);
    struct habit habit = ask(writer.f, "wa", late_ms);
    assert_false(habit.silent);
    assert_int_equal(habit.quiet, 0);
}

/* In steps of any size, across restarts: the same rows. */
static void steps_and_restarts_change_nothing(void **state)
{
    struct writer writer = {.f = *state};
    struct fixture *f = writer.f;
    speak(&writer, "wa", "school", 0, WEEKS);
    speak(&writer, "wa", "office", 0, WEEKS);
    learn(f, NULL);
    int64_t rows = fixture_int(f, "SELECT count(*) FROM habit");
    int64_t dues = fixture_int(f, "SELECT sum(due_ms) FROM habit");
    int64_t newest = fixture_int(f, "SELECT sum(newest_ms) FROM habit");
    assert_int_equal(rows, 3);
    fixture_tamper(f, "DELETE FROM habit; DELETE FROM meta WHERE key='habit_upto'");
    fixture_reopen(f);
    bool more = true;
    for (int step = 0; more; step++) {
        fixture_ok(f, store_habit_fill(f->store, NULL, 37, &more, &f->err));
        if (step % 5 == 0) {
            fixture_reopen(f);
        }
    }
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM habit"), rows);
    assert_int_equal(fixture_int(f, "SELECT sum(newest_ms) FROM habit"), newest);
    assert_true(llabs(fixture_int(f, "SELECT sum(due_ms) FROM habit") - dues) < 1000);
}

/* Hours are those of a wall: with another zone all is learned anew. */
static void another_zone_is_learned_anew(void **state)
{
    struct writer writer = {.f = *state};
    struct fixture *f = writer.f;
    speak(&writer, "wa", "school", 0, WEEKS);
    learn(f, NULL);
    int64_t weekly = fixture_int(f, "SELECT sum(weekly) FROM habit");
    learn(f, zone_find(STR("Asia/Jerusalem")));
    learn(f, zone_find(STR("Asia/Jerusalem")));
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM habit"), 2);
    assert_int_equal(fixture_int(f, "SELECT sum(weekly) FROM habit"), weekly);
    assert_true(ask(f, "wa", moment(WEEKS, 3, 0)).silent);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open_quick, fixture_close)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_known_of_nothing),       TEST(a_weekend_says_nothing_and_a_monday_does),
        TEST(one_chat_is_not_the_source),        TEST(what_is_not_learned_yet_was_heard),
        TEST(steps_and_restarts_change_nothing), TEST(another_zone_is_learned_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
