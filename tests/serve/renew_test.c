#include <string.h>

#include "serve/renew.h"
#include "text/test.h"

static void count_wake(void *context)
{
    ++*(int *)context;
}

struct hall {
    struct renew renew;
    struct arena arena;
    int woken;
};

static void begin(struct hall *hall)
{
    *hall = (struct hall){.woken = 0};
    renew_init(&hall->renew);
    arena_init(&hall->arena, 1024 * 1024);
}

static void nobody_listens_before_and_after(void **state)
{
    struct hall hall;
    int64_t ticket = 0;
    (void)state;
    begin(&hall);
    assert_false(renew_ask(&hall.renew, &ticket));
    renew_listen(&hall.renew, count_wake, &hall.woken);
    assert_true(renew_ask(&hall.renew, &ticket));
    assert_int_equal(hall.woken, 1);
    renew_listen(&hall.renew, NULL, NULL);
    assert_false(renew_ask(&hall.renew, &ticket));
    arena_free(&hall.arena);
}

/* A reading settles those who asked before it began, and not who asks meanwhile. */
static void a_reading_settles_who_asked_before(void **state)
{
    struct hall hall;
    struct str words = {0};
    int64_t first = 0;
    int64_t second = 0;
    int64_t late = 0;
    bool good = false;
    (void)state;
    begin(&hall);
    renew_listen(&hall.renew, count_wake, &hall.woken);
    assert_int_equal(renew_due(&hall.renew), 0);
    assert_true(renew_ask(&hall.renew, &first) && renew_ask(&hall.renew, &second));
    int64_t due = renew_due(&hall.renew);
    assert_true(renew_ask(&hall.renew, &late));
    assert_false(renew_settled(&hall.renew, first, &hall.arena, &good, &words));
    renew_done(&hall.renew, due, true, STR("source x: added"));
    assert_true(renew_settled(&hall.renew, first, &hall.arena, &good, &words));
    assert_true(renew_settled(&hall.renew, second, &hall.arena, &good, &words));
    assert_true(good && str_equal(words, STR("source x: added")));
    assert_false(renew_settled(&hall.renew, late, &hall.arena, &good, &words));
    assert_int_equal(renew_due(&hall.renew), late);
    renew_done(&hall.renew, late, false, STR(""));
    assert_true(renew_settled(&hall.renew, late, &hall.arena, &good, &words));
    assert_true(!good && words.len == 0);
    arena_free(&hall.arena);
}

/* Words of any length; a letter is not torn. */
static void long_words_are_cut(void **state)
{
    struct hall hall;
    struct str words = {0};
    char text[3 * RENEW_WORDS_MAX];
    int64_t ticket = 0;
    bool good = false;
    (void)state;
    begin(&hall);
    renew_listen(&hall.renew, count_wake, &hall.woken);
    for (size_t i = 0; i < sizeof text; i += 2) {
        memcpy(text + i, "\xd7\xa9", 2);
    }
    assert_true(renew_ask(&hall.renew, &ticket));
    renew_done(&hall.renew, ticket, true, (struct str){text, sizeof text});
    assert_true(renew_settled(&hall.renew, ticket, &hall.arena, &good, &words));
    assert_in_range(words.len, RENEW_WORDS_MAX - 4, RENEW_WORDS_MAX - 1);
    assert_int_equal(words.len % 2, 0);
    arena_free(&hall.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_listens_before_and_after),
        cmocka_unit_test(a_reading_settles_who_asked_before),
        cmocka_unit_test(long_words_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
