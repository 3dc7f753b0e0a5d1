/* alert_book: each thing is told once to each who wants it, and that it is over once, whatever
 * restarts. */
#include <stdio.h>
#include <string.h>

#include "serve/alert_book.h"
#include "serve/channel.h"
#include "store/fixture.h"

enum { MINUTE = 60 * 1000, SETTLE = 2 * MINUTE, START = 1000 * 1000 * 1000 };

static const struct health_culprit dead = {HEALTH_DEGRADED, "sink", STR_INIT("records"),
                                           "dead_letters", STR_INIT("")};
static const struct health_culprit session = {HEALTH_FAILING, "source", STR_INIT("wa"),
                                              "session_expired", STR_INIT("code-expired")};

static const struct str only_sessions[] = {STR_INIT("session_expired")};
static const struct alert_channel desk = {.name = STR_INIT("desk")};
static const struct alert_channel phone = {.name = STR_INIT("phone"), .only = {only_sessions, 1}};

struct watch {
    struct fixture *f;
    struct alert_book book;
};

static struct watch *begin(void **state)
{
    static struct watch watch;
    watch = (struct watch){.f = *state};
    fixture_ok(watch.f,
               alert_book_load(&watch.book, watch.f->store, &watch.f->arena, &watch.f->err));
    return &watch;
}

static void look(struct watch *watch, const struct health_culprit *culprits, size_t count,
                 int64_t minute)
{
    struct fixture *f = watch->f;
    fixture_ok(f, alert_book_look(&watch->book, f->store, culprits, count, START + minute * MINUTE,
                                  SETTLE, &f->arena, &f->err));
}

static void restart(struct watch *watch)
{
    struct fixture *f = watch->f;
    fixture_reopen(f);
    fixture_ok(f, alert_book_load(&watch->book, f->store, &f->arena, &f->err));
}

static enum alert_news owed(const struct watch *watch, const struct alert_channel *channel)
{
    return watch->book.count == 0 ? ALERT_NOTHING : alert_owed(&watch->book.items[0], channel);
}

static void tell(struct watch *watch, const struct alert_channel *channel)
{
    struct fixture *f = watch->f;
    struct alert *alert = &watch->book.items[0];
    fixture_ok(f, alert_book_told(alert, f->store, channel->name, alert_owed(alert, channel), START,
                                  &f->arena, &f->err));
}

static void sweep(struct watch *watch)
{
    const struct alert_channel channels[] = {desk, phone};
    fixture_ok(watch->f,
               alert_book_sweep(&watch->book, watch->f->store, channels, 2, &watch->f->err));
}

static void what_passes_by_itself_is_told_to_nobody(void **state)
{
    struct watch *watch = begin(state);
    look(watch, &dead, 1, 0);
    look(watch, &dead, 1, 1);
    assert_int_equal(owed(watch, &desk), ALERT_NOTHING);
    look(watch, NULL, 0, 1);
    assert_int_equal(watch->book.count, 0);
    look(watch, &dead, 1, 2); /* The wait begins anew. */
    look(watch, &dead, 1, 3);
    assert_int_equal(owed(watch, &desk), ALERT_NOTHING);
    look(watch, &dead, 1, 4);
    assert_int_equal(owed(watch, &desk), ALERT_FIRING);
}

static void each_is_told_once_and_once_that_it_is_over(void **state)
{
    struct watch *watch = begin(state);
    look(watch, &session, 1, 0);
    look(watch, &session, 1, 2);
    assert_int_equal(owed(watch, &desk), ALERT_FIRING);
    assert_int_equal(owed(watch, &phone), ALERT_FIRING);
    tell(watch, &desk);
    assert_int_equal(owed(watch, &desk), ALERT_NOTHING);
    restart(watch);
    assert_int_equal(owed(watch, &desk), ALERT_NOTHING);
    assert_int_equal(owed(watch, &phone), ALERT_FIRING); /* Still to be told. */
    look(watch, &session, 1, 100);
    assert_int_equal(owed(watch, &desk), ALERT_NOTHING);
    look(watch, NULL, 0, 101);
    restart(watch);
    assert_int_equal(owed(watch, &desk), ALERT_NOTHING);
    look(watch, NULL, 0, 103);
    assert_int_equal(owed(watch, &desk), ALERT_OVER);
    assert_int_equal(owed(watch, &phone), ALERT_NOTHING); /* It never heard of it. */
    restart(watch);
    sweep(watch);
    assert_int_equal(owed(watch, &desk), ALERT_OVER);
    tell(watch, &desk);
    restart(watch);
    assert_int_equal(owed(watch, &desk), ALERT_NOTHING);
    sweep(watch);
    restart(watch);
    assert_int_equal(watch->book.count, 0);
}

/* Right again for less than the wait is not over; and what comes back after the end is told again.
 */
static void what_flickers_is_one(void **state)
{
    struct watch *watch = begin(state);
    look(watch, &dead, 1, 0);
    look(watch, &dead, 1, 2);
    tell(watch, &desk);
    for (int minute = 3; minute < 20; minute += 2) {
        look(watch, NULL, 0, minute);
        assert_int_equal(owed(watch, &desk), ALERT_NOTHING);
        look(watch, &dead, 1, minute + 1);
        assert_int_equal(owed(watch, &desk), ALERT_NOTHING);
    }
    look(watch, NULL, 0, 30);
    look(watch, NULL, 0, 32);
    tell(watch, &desk);
    look(watch, &dead, 1, 33); /* Before it was swept. */
    assert_int_equal(owed(watch, &desk), ALERT_FIRING);
}

static void a_channel_hears_what_it_wants(void **state)
{
    struct watch *watch = begin(state);
    look(watch, &dead, 1, 0);
    look(watch, &dead, 1, 2);
    assert_int_equal(owed(watch, &phone), ALERT_NOTHING);
    assert_int_equal(owed(watch, &desk), ALERT_FIRING);
}

/* The 129th thing that is wrong finds no room, and harms nothing. */
static void there_is_an_end_to_them(void **state)
{
    struct watch *watch = begin(state);
    struct health_culprit many[ALERTS_MAX + 3];
    char names[ALERTS_MAX + 3][16];
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        int len = snprintf(names[i], sizeof names[i], "sink%zu", i);
        many[i] = dead;
        many[i].name = (struct str){names[i], (size_t)len};
    }
    look(watch, many, ALERTS_MAX + 3, 0);
    look(watch, many, ALERTS_MAX + 3, 2);
    assert_int_equal(watch->book.count, ALERTS_MAX);
    assert_int_equal(watch->book.dropped, 6);
    restart(watch);
    assert_int_equal(watch->book.count, ALERTS_MAX);
    look(watch, NULL, 0, 3);
    look(watch, NULL, 0, 5);
    sweep(watch);
    assert_int_equal(watch->book.count, 0);
}

/* Long names in any language are cut, not torn. */
static void words_name_parts_and_what_to_do(void **state)
{
    struct watch *watch = begin(state);
    struct letter letter;
    struct health_culprit hebrew = session;
    hebrew.name = STR("קבוצה");
    hebrew.words = STR("+27 82 000 0001 said something");
    look(watch, &hebrew, 1, 0);
    look(watch, &hebrew, 1, 2);
    struct alert *alert = &watch->book.items[0];
    letter_make(&letter, alert, ALERT_FIRING, false, START);
    struct str title = letter_title(&letter, &watch->f->arena);
    assert_str_equal(title, STR("sluice: source קבוצה needs a person (session_expired)"));
    struct str text = letter_text(&letter, &watch->f->arena);
    assert_true(str_find(text, STR("sluice pair קבוצה"), 0) != STR_NONE);
    assert_true(str_find(text, STR("27 82"), 0) == STR_NONE);
    letter_make(&letter, alert, ALERT_FIRING, true, START);
    text = letter_text(&letter, &watch->f->arena);
    assert_true(str_find(text, STR("27 82"), 0) != STR_NONE); /* Allowed by name. */
    struct letter again;
    letter_make(&again, alert, ALERT_FIRING, false, START + MINUTE);
    assert_string_equal(letter.id, again.id);
    letter_make(&again, alert, ALERT_OVER, false, START + MINUTE);
    assert_string_not_equal(letter.id, again.id);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open_quick, fixture_close)
    const struct CMUnitTest tests[] = {
        TEST(what_passes_by_itself_is_told_to_nobody),
        TEST(each_is_told_once_and_once_that_it_is_over),
        TEST(what_flickers_is_one),
        TEST(a_channel_hears_what_it_wants),
        TEST(there_is_an_end_to_them),
        TEST(words_name_parts_and_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
