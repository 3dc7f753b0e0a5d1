/* duration: what people write, what is refused and where, and there and back. */
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/duration.h"

static void good_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
        const char *shortest;
    } cases[] = {
        {"15s", 15000, "15s"},
        {"2h", 7200000, "2h"},
        {"30d", INT64_C(2592000000), "30d"},
        {"1h30m", 5400000, "1h30m"},
        {"90m", 5400000, "1h30m"},
        {"1h 30m", 5400000, "1h30m"},
        {"250ms", 250, "250ms"},
        {"1w", 604800000, "7d"},
        {"1W2D3H4M5S6MS", 604800000 + 172800000 + 10800000 + 240000 + 5006, "9d3h4m5s6ms"},
        {"0", 0, "0s"},
        {"0s", 0, "0s"},
        {"007s", 7000, "7s"},
        {"36525d", DURATION_MAX_MS, "36525d"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        int64_t ms = -1;
        char out[DURATION_TEXT_MAX];
        if (!duration_parse(str_of(cases[i].text), &ms, &err)) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
        assert_int_equal(ms, cases[i].ms);
        assert_str_equal(duration_format(ms, out), str_of(cases[i].shortest));
    }
}

static void wrong_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"", "a number such as the 15 of 15s at offset 0"},
        {"15", "a unit: w, d, h, m, s or ms at offset 2"},
        {"15 s", "a unit"},
        {"s", "a number"},
        {"-5s", "a number"},
        {"1.5h", "no fraction (write 1h30m or 1500ms) at offset 1"},
        {"1y", "a unit"},
        {"5min", "a unit"},
        {"30m1h", "a smaller unit than the one before at offset 4"},
        {"1s1s", "a smaller unit"},
        {"1ms2s", "a smaller unit"},
        {"1h ", "a number"},
        {"1h  30m", "a number"},
        {" 1h", "a number"},
        {"1h,30m", "a number"},
        {"36526d", "at most a hundred years at offset 0"},
        {"36525d1ms", "at most a hundred years at offset 6"},
        {"99999999999999999999999s", "at most a hundred years"},
        {"1w1d1h1m1s1ms1", "the end"},
        {"15\xd7\xa9", "a unit"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        int64_t ms = -1;
        assert_false(duration_parse(str_of(cases[i].text), &ms, &err));
        assert_int_equal(ms, -1);
        assert_int_equal(err.kind, ERR_CONFIG);
        if (strstr(err.text, cases[i].part) == NULL) {
            fail_msg("\"%s\": %s", cases[i].text, err.text);
        }
    }
    struct err err = {0};
    int64_t ms = 0;
    assert_false(duration_parse((struct str){0}, &ms, &err));
}

static void there_and_back(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 11);
    for (int i = 0; i < 100000; i++) {
        struct err err = {0};
        char out[DURATION_TEXT_MAX];
        int64_t back = -1;
        int64_t ms = (int64_t)rng_below(&rng, (uint64_t)DURATION_MAX_MS + 1);
        ms >>= rng_below(&rng, 40);
        assert_true(duration_parse(duration_format(ms, out), &back, &err));
        assert_int_equal(back, ms);
    }
    char out[DURATION_TEXT_MAX];
    assert_str_equal(duration_format(-5, out), STR("0s"));
    assert_str_equal(duration_format(INT64_MAX, out), STR("36525d"));
}

static void random_texts_are_safe(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 12);
    for (int i = 0; i < 200000; i++) {
        char text[16];
        struct str view = {text, (size_t)rng_below(&rng, sizeof text)};
        for (size_t n = 0; n < view.len; n++) {
            text[n] = "0123456789wdhms .\0\xff"[rng_below(&rng, 19)];
        }
        struct err err = {0};
        int64_t ms = 0;
        if (duration_parse(view, &ms, &err)) {
            assert_true(ms >= 0 && ms <= DURATION_MAX_MS);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_durations),
        cmocka_unit_test(wrong_durations),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(random_texts_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
