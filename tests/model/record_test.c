#include "model/record.h"
#include "text/test.h"

static void an_effect_is_read_back_from_its_text(void **state)
{
    static const struct {
        struct effect effect;
        struct str text;
    } table[] = {
        {{.pipeline = STR_INIT("drops"), .generation = 1, .message = 4711},
         STR_INIT("drops/1/4711/0")},
        {{.pipeline = STR_INIT("a/b/7"), .message = INT64_MAX, .nth = INT32_MAX},
         STR_INIT("a/b/7/0/9223372036854775807/2147483647")},
        {{.pipeline = STR_INIT("\xd7\xa9"), .generation = 2, .message = 3, .nth = 4},
         STR_INIT("\xd7\xa9/2/3/4")},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        char out[EFFECT_TEXT_MAX];
        struct effect effect;
        assert_str_equal(effect_text(&table[i].effect, out), table[i].text);
        assert_true(effect_parse(table[i].text, &effect));
        assert_int_equal(effect_compare(&effect, &table[i].effect), 0);
        assert_str_equal(effect.pipeline, table[i].effect.pipeline);
    }
}

static void what_is_no_effect_is_refused(void **state)
{
    static const struct str texts[] = {
        STR_INIT(""),         STR_INIT("drops"),
        STR_INIT("1/2/3"),    STR_INIT("/1/2/3"),
        STR_INIT("a/1/2"),    STR_INIT("a/1/2/"),
        STR_INIT("a//2/3"),   STR_INIT("a/x/2/3"),
        STR_INIT("a/1/2/-1"), STR_INIT("a/1/2/2147483648"),
        STR_INIT("a/1/2/3 "), STR_INIT("a/1/99999999999999999999/3"),
        STR_INIT("///"),      {0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct effect effect = {.nth = 77};
        if (effect_parse(texts[i], &effect)) {
            fail_msg("\"%.*s\" is an effect", STR_ARG(texts[i]));
        }
        assert_int_equal(effect.nth, 77);
    }
}

static void effects_are_ordered(void **state)
{
    static const struct effect rising[] = {
        {.generation = 0, .message = 9, .nth = 9}, {.generation = 1, .message = 1, .nth = 9},
        {.generation = 1, .message = 2, .nth = 0}, {.generation = 1, .message = 2, .nth = 1},
        {.generation = 2, .message = 0, .nth = 0}, {.generation = INT64_MAX}};
    (void)state;
    for (size_t i = 0; i < COUNT(rising); i++) {
        for (size_t j = 0; j < COUNT(rising); j++) {
            assert_int_equal(effect_compare(&rising[i], &rising[j]), (i > j) - (i < j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_effect_is_read_back_from_its_text),
        cmocka_unit_test(what_is_no_effect_is_refused),
        cmocka_unit_test(effects_are_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
