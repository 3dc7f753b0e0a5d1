/* student_near and student_days: what is near to a word, and practices by day. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "domain/student_days.h"
#include "domain/student_near.h"
#include "test.h"

static struct arena arena;
static struct err err;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4 * 1024 * 1024);
    err = (struct err){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void one_letter_is_near(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool near;
    } cases[] = {
        {"practice", "practise", true},
        {"practice", "pratcice", true},
        {"practice", "practic", true},
        {"practice", "practicee", true},
        {"practice", "ractice", true},
        {"practice", "practice", false},
        {"practice", "pracitec", false},
        {"practice", "prctce", false},
        {"תרגול", "תירגול", true},
        {"תרגול", "תרגוול", true},
        {"תרגול", "תרגיל", true},
        {"תרגול", "תגרול", true},
        {"תרגול", "ילוגרת", false},
        {"972550000001", "972550000009", true},
        {"972550000001", "97255000001", true},
        {"972550000001", "972550000010", true},
        {"", "a", true},
        {"", "", false},
        {"ab", "", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool one = student_near_by_one(str_of(cases[i].a), str_of(cases[i].b));
        bool two = student_near_by_one(str_of(cases[i].b), str_of(cases[i].a));
        if (one != cases[i].near || two != cases[i].near) {
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        }
    }
}

static void what_almost_counts(void **state)
{
    static const struct {
        const char *text;
        bool fold;
        bool whole;
        enum student_nearness how;
        bool practice;
        const char *word;
        const char *found;
    } cases[] = {
        {"סיימתי תרגול", false, false, NEAR_NOT, false, "", ""},
        {"יש שאלה", false, false, NEAR_NOT, false, "", ""},
        {"בוקר טוב", false, false, NEAR_NOT, false, "", ""},
        {"", false, false, NEAR_NOT, false, "", ""},
        {"סיימתי תִּרְגּוּל 5", false, false, NEAR_WRITTEN, true, "תרגול", "תִּרְגּוּל"},
        {"PRACTICE", false, false, NEAR_WRITTEN, true, "practice", "PRACTICE"},
        {"PRACTICE", true, false, NEAR_NOT, false, "", ""},
        {"התרגולים", false, true, NEAR_WITHIN, true, "תרגול", "תרגול"},
        {"סיימתי תירגול!", false, false, NEAR_TYPO, true, "תרגול", "תירגול"},
        {"a pratcice, again", true, false, NEAR_TYPO, true, "practice", "pratcice"},
        {"שאלהה", false, true, NEAR_WITHIN, false, "שאלה", "שאלה"},
        {"a qestion", false, false, NEAR_TYPO, false, "question", "qestion"},
        {"abd", false, false, NEAR_NOT, false, "", ""}, /* "abc" is too short to be near to. */
        {"סיימתי תירגול, a question", false, false, NEAR_NOT, false, "", ""}, /* It counts. */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct students op = {.practice_list = STR("תרגול, practice ,abc"),
                              .message_list = STR("שאלה,question"),
                              .fold = cases[i].fold,
                              .whole_word = cases[i].whole};
        struct student_near_words *words = NULL;
        struct student_near near;
        assert_true(student_near_open(&words, &op, &arena, &err));
        assert_true(student_near_judge(words, &arena, str_of(cases[i].text), &near, &err));
        if (near.how != cases[i].how ||
            near.practice != (cases[i].how != NEAR_NOT && cases[i].practice) ||
            !str_equal(near.word, str_of(cases[i].word)) ||
            !str_equal(near.found, str_of(cases[i].found))) {
            fail_msg("%s: %d '%.*s' '%.*s'", cases[i].text, near.how, STR_ARG(near.word),
                     STR_ARG(near.found));
        }
        student_near_close(words);
    }
}

static void without_memory_nothing_is_near(void **state)
{
    struct students op = {.practice_list = STR("practice"), .message_list = STR("question")};
    struct student_near_words *words = NULL;
    struct student_near near;
    struct arena small;
    (void)state;
    arena_init(&small, 16);
    assert_false(student_near_open(&words, &op, &small, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    student_near_close(words);
    assert_true(student_near_open(&words, &op, &arena, &err));
    assert_false(
        student_near_judge(words, &small, STR("PRACTICE of a text that is longer"), &near, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    student_near_close(words);
    arena_free(&small);
}

/* ---- Days ---- */

static struct str kept_key;
static struct str kept_value;

static bool fake_get(struct op_env *env, struct str key, struct str *value, struct err *failure)
{
    (void)env;
    (void)failure;
    *value = str_equal(key, kept_key) ? kept_value : (struct str){0};
    return true;
}

static bool fake_put(struct op_env *env, struct str key, struct str value, struct err *failure)
{
    (void)env;
    (void)failure;
    kept_key = key;
    kept_value = value;
    return true;
}

static void note_day(void *context, const struct student_day *day)
{
    struct buf *out = context;
    buf_printf(out, "%.*s %.*s %d-%d-%d=%lld;", STR_ARG(day->digits), STR_ARG(day->lesson),
               day->year, day->month, day->day, (long long)day->practices);
}

static void practices_are_kept_by_day(void **state)
{
    const struct zone *zone = zone_find(STR("Asia/Jerusalem"));
    struct op_env env = {.arena = &arena, .get = fake_get, .put = fake_put};
    static const struct {
        const char *lesson;
        int64_t sent_ms;
    } practices[] = {
        {"7", 1766786400000},    /* 2025-12-27 00:00 there, the day before in UTC. */
        {"7", 1766786399999},    /* The minute before. */
        {"7", 1766790000000},    /* The first day again. */
        {"ה\"7", 1766790000000}, /* Another lesson, with a quote. */
    };
    struct buf out;
    (void)state;
    kept_key = (struct str){0};
    for (size_t i = 0; i < sizeof practices / sizeof practices[0]; i++) {
        assert_true(student_days_add(&env, STR("972550000001"), str_of(practices[i].lesson), zone,
                                     practices[i].sent_ms, &err));
    }
    assert_true(str_equal(kept_key, STR("h 2025-12 972550000001")));
    buf_init(&out, &arena, 64);
    assert_true(student_days_read(&arena, kept_key, kept_value, note_day, &out));
    struct str text = buf_str(&out);
    assert_string_equal(arena_copy(&arena, text).ptr,
                        "972550000001 7 2025-12-27=2;972550000001 7 2025-12-26=1;"
                        "972550000001 ה\"7 2025-12-27=1;");
}

static void what_is_no_entry_says_nothing(void **state)
{
    static const char *const entries[][2] = {
        {"h 2025-13 972", "{\"7\":{\"1\":1}}"},
        {"h 2025-12", "{\"7\":{\"1\":1}}"},
        {"s 972550000001", "{}"},
        {"h 2025-12 972", "{"},
        {"h 2025-12 972", "[]"},
        {"h 2025-12 972", "{\"7\":{\"32\":1,\"x\":1}}"},
        {"h 2025-12 972", "{\"7\":{\"1\":\"x\"}}"},
    };
    struct buf out;
    (void)state;
    buf_init(&out, &arena, 64);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        assert_true(student_days_read(&arena, str_of(entries[i][0]), str_of(entries[i][1]),
                                      note_day, &out));
    }
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_letter_is_near, setup, teardown),
        cmocka_unit_test_setup_teardown(what_almost_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_near, setup, teardown),
        cmocka_unit_test_setup_teardown(practices_are_kept_by_day, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_entry_says_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
