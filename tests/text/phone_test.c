/* phone: every look of the documents, numbers that are none and why, and random bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/phone.h"

enum { IL = PHONE_ISRAEL, ZA = PHONE_SOUTH_AFRICA, NO = PHONE_ANYWHERE };

static void test_same_number_in_every_look(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        enum phone_country home;
        struct str digits;
    } cases[] = {
        /* Israel, mobile. */
        {STR_INIT("972 55-660-2298"), IL, STR_INIT("972556602298")},
        {STR_INIT("972 55-660-2298"), NO, STR_INIT("972556602298")},
        {STR_INIT("+972 55-660-2298"), NO, STR_INIT("972556602298")},
        {STR_INIT("\u202A+972\u00A055-660-2298\u202C"), IL, STR_INIT("972556602298")},
        {STR_INIT("\u202A+972 55\u2011660\u20112298\u202C"), IL, STR_INIT("972556602298")},
        {STR_INIT("\u2066+972\u202F55\u2013660\u22122298\u2069"), IL, STR_INIT("972556602298")},
        {STR_INIT("\u200F055-660-2298\u200E"), IL, STR_INIT("972556602298")},
        {STR_INIT("0556602298"), IL, STR_INIT("972556602298")},
        {STR_INIT("055 660 2298"), IL, STR_INIT("972556602298")},
        {STR_INIT("(055) 6602298"), IL, STR_INIT("972556602298")},
        {STR_INIT("055.660.2298"), IL, STR_INIT("972556602298")},
        {STR_INIT("055/6602298"), IL, STR_INIT("972556602298")},
        {STR_INIT("556602298"), IL, STR_INIT("972556602298")},
        {STR_INIT("972556602298"), IL, STR_INIT("972556602298")},
        {STR_INIT("972556602298"), ZA, STR_INIT("972556602298")},
        {STR_INIT("00972556602298"), IL, STR_INIT("972556602298")},
        {STR_INIT("+9720556602298"), IL, STR_INIT("972556602298")},
        {STR_INIT("+972 (0)55 660 2298"), NO, STR_INIT("972556602298")},
        {STR_INIT("972-(0)55-6602298"), IL, STR_INIT("972556602298")},
        {STR_INIT("972 55-660-2298+"), IL, STR_INIT("972556602298")},
        {STR_INIT("\uFF0B972556602298"), IL, STR_INIT("972556602298")},
        {STR_INIT("tel:+972556602298"), IL, STR_INIT("972556602298")},
        {STR_INIT("  0556602298\t\r\n"), IL, STR_INIT("972556602298")},
        {STR_INIT("٠٥٥٦٦٠٢٢٩٨"), IL, STR_INIT("972556602298")},
        {STR_INIT("۰۵۵-۶۶۰-۲۲۹۸"), IL, STR_INIT("972556602298")},
        {STR_INIT("０５５６６０２２９８"), IL, STR_INIT("972556602298")},
        {STR_INIT("972556602298@s.whatsapp.net"), IL, STR_INIT("972556602298")},
        {STR_INIT("972556602298@c.us"), NO, STR_INIT("972556602298")},
        {STR_INIT("972556602298:12@s.whatsapp.net"), NO, STR_INIT("972556602298")},
        {STR_INIT("972556602298.0:3@s.whatsapp.net"), NO, STR_INIT("972556602298")},
        {STR_INIT("972556602298@C.US"), NO, STR_INIT("972556602298")},
        /* Israel, the rest. */
        {STR_INIT("03-123-4567"), IL, STR_INIT("97231234567")},
        {STR_INIT("+972 3-123-4567"), NO, STR_INIT("97231234567")},
        {STR_INIT("02-1234567"), IL, STR_INIT("97221234567")},
        {STR_INIT("04-1234567"), IL, STR_INIT("97241234567")},
        {STR_INIT("08-1234567"), IL, STR_INIT("97281234567")},
        {STR_INIT("09-1234567"), IL, STR_INIT("97291234567")},
        {STR_INIT("077-123-4567"), IL, STR_INIT("972771234567")},
        {STR_INIT("31234567"), IL, STR_INIT("97231234567")},
        /* South Africa. */
        {STR_INIT("082 123 4567"), ZA, STR_INIT("27821234567")},
        {STR_INIT("0821234567"), ZA, STR_INIT("27821234567")},
        {STR_INIT("821234567"), ZA, STR_INIT("27821234567")},
        {STR_INIT("+27 82 123 4567"), NO, STR_INIT("27821234567")},
        {STR_INIT("+27 (0)82 123 4567"), NO, STR_INIT("27821234567")},
        {STR_INIT("0027821234567"), IL, STR_INIT("27821234567")},
        {STR_INIT("27821234567"), ZA, STR_INIT("27821234567")},
        {STR_INIT("27821234567@s.whatsapp.net"), IL, STR_INIT("27821234567")},
        {STR_INIT("011 123 4567"), ZA, STR_INIT("27111234567")},
        /* Elsewhere: a country code is enough. */
        {STR_INIT("+1 (415) 555-0100"), IL, STR_INIT("14155550100")},
        {STR_INIT("+44 20 7946 0000"), IL, STR_INIT("442079460000")},
        {STR_INIT("+55 37 9900-0000"), IL, STR_INIT("553799000000")},
        {STR_INIT("380441234567"), IL, STR_INIT("380441234567")},
        {STR_INIT("+970 59 000 0000"), IL, STR_INIT("970590000000")},
        {STR_INIT("+683 4000"), IL, STR_INIT("6834000")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct phone phone;
        if (!phone_parse(cases[i].text, cases[i].home, &phone, &err)) {
            fail_msg("%.*s: %s", STR_ARG(cases[i].text), err.text);
        }
        assert_str_equal(phone_str(&phone), cases[i].digits);
        assert_int_equal(err.kind, ERR_NONE);
    }
}

static void test_why_it_is_none(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        enum phone_country home;
        const char *reason;
    } cases[] = {
        {STR_INIT(""), IL, "no digits"},
        {STR_INIT("+"), IL, "no digits"},
        {STR_INIT("\u202A\u202C"), IL, "no digits"},
        {STR_INIT("055-660-229"), IL, "too short"},
        {STR_INIT("055-660-22981"), IL, "too long"},
        {STR_INIT("+972 55-660-229"), IL, "too short"},
        {STR_INIT("+972 55-660-22981"), NO, "too long"},
        {STR_INIT("+972"), IL, "too short"},
        {STR_INIT("+9720"), IL, "too short"},
        {STR_INIT("0"), IL, "too short"},
        {STR_INIT("00"), IL, "begins with 0"},
        {STR_INIT("000"), IL, "too short"},
        {STR_INIT("066-6602298"), IL, "begins with 6"},
        {STR_INIT("092 123 4567"), ZA, "begins with 9"},
        {STR_INIT("082 123 456"), ZA, "too short"},
        {STR_INIT("055 660 2298"), NO, "no home country"},
        {STR_INIT("*2700"), IL, "character"},
        {STR_INIT("12345"), IL, "too short"},
        {STR_INIT("+210 1234567"), IL, "no country"},
        {STR_INIT("+999 1234567"), IL, "no country"},
        {STR_INIT("+0556602298"), IL, "no country"},
        {STR_INIT("1234567890123456"), IL, "too long"},
        {STR_INIT("055-660-2298 דנה"), IL, "character"},
        {STR_INIT("++972556602298"), IL, "character"},
        {STR_INIT("972+556602298"), IL, "character"},
        {STR_INIT("055\0006602298"), IL, "character"},
        {STR_INIT("055\xFF"
                  "6602298"),
         IL, "character"},
        {STR_INIT("123456789012345678@lid"), IL, "LID"},
        {STR_INIT("120363000000000000@g.us"), IL, "group"},
        {STR_INIT("972550000000-1600000000@g.us"), IL, "group"},
        {STR_INIT("status@broadcast"), IL, "broadcast"},
        {STR_INIT("120363000000000000@newsletter"), IL, "channel"},
        {STR_INIT("dana@example.com"), IL, "none of WhatsApp's"},
        {STR_INIT("@s.whatsapp.net"), IL, "no digits"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct phone phone;
        bool parsed = phone_parse(cases[i].text, cases[i].home, &phone, &err);
        if (parsed) {
            fail_msg("%zu: %.*s is no phone", i, STR_ARG(cases[i].text));
        }
        assert_int_equal(phone.len, 0);
        assert_int_equal(err.kind, ERR_REJECT);
        if (strstr(err.text, cases[i].reason) == NULL) {
            fail_msg("%zu: \"%s\" does not say \"%s\"", i, err.text, cases[i].reason);
        }
        assert_null(strstr(err.text, "6602298"));
    }
    char long_text[PHONE_TEXT_MAX + 1];
    memset(long_text, '1', sizeof long_text);
    struct phone phone;
    struct err err = {0};
    assert_false(phone_parse((struct str){long_text, sizeof long_text}, IL, &phone, &err));
    assert_non_null(strstr(err.text, "too long"));
    assert_false(phone_parse((struct str){long_text, sizeof long_text - 1}, IL, &phone, &err));
}

static void test_equal(void **state)
{
    (void)state;
    struct err err = {0};
    struct phone a;
    struct phone b;
    assert_true(phone_parse(STR("055-660-2298"), IL, &a, &err));
    assert_true(phone_parse(STR("\u202A+972\u00A055\u2011660\u20112298\u202C"), IL, &b, &err));
    assert_true(phone_equal(&a, &b));
    assert_true(phone_parse(STR("055-660-2299"), IL, &b, &err));
    assert_false(phone_equal(&a, &b));
    struct phone none = {0};
    assert_false(phone_equal(&none, &none));
}

static void test_look(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        struct str look;
    } cases[] = {
        {STR_INIT("\u202A+972\u00A055-660-2298\u202C"), STR_INIT("972 55-660-2298")},
        {STR_INIT("\u202A+972 55\u2011660\u20112298\u202C"), STR_INIT("972 55-660-2298")},
        {STR_INIT("+27 82 123 4567"), STR_INIT("27 82 123 4567")},
        {STR_INIT("\u200Fדנה כהן\u00A0"), STR_INIT("דנה כהן")},
        {STR_INIT("אבו־גוש"), STR_INIT("אבו־גוש")},
        {STR_INIT("👩‍👧"), STR_INIT("👩‍👧")},
        {STR_INIT("C+ +1"), STR_INIT("C+ +1")},
        {STR_INIT(""), STR_INIT("")},
    };
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str look = phone_look(&arena, cases[i].text);
        assert_non_null(look.ptr);
        assert_str_equal(look, cases[i].look);
    }
    struct arena tiny;
    arena_init(&tiny, 4);
    assert_null(phone_look(&tiny, STR("972 55-660-2298")).ptr);
    arena_free(&tiny);
    arena_free(&arena);
}

static void test_format_and_mask(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        struct str format;
        struct str mask;
    } cases[] = {
        {STR_INIT("+972556602298"), STR_INIT("972 55-660-2298"), STR_INIT("97255*****98")},
        {STR_INIT("+97231234567"), STR_INIT("972 3-123-4567"), STR_INIT("97231****67")},
        {STR_INIT("+27821234567"), STR_INIT("27 82 123 4567"), STR_INIT("27821****67")},
        {STR_INIT("+14155550100"), STR_INIT("14155550100"), STR_INIT("14155****00")},
        {STR_INIT("+6834000"), STR_INIT("6834000"), STR_INIT("*******")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct phone phone;
        char out[PHONE_LOOK_MAX];
        assert_true(phone_parse(cases[i].text, NO, &phone, &err));
        assert_str_equal(phone_format(&phone, out), cases[i].format);
        assert_str_equal(phone_mask(cases[i].text, out), cases[i].mask);
    }
    char out[PHONE_LOOK_MAX];
    assert_str_equal(phone_mask(STR("no digits"), out), STR(""));
    struct phone none = {0};
    assert_str_equal(phone_format(&none, out), STR(""));
}

static void test_jid(void **state)
{
    (void)state;
    assert_int_equal(phone_jid_kind(STR("972550000000")), PHONE_JID_NONE);
    assert_int_equal(phone_jid_kind(STR("972550000000@c.us")), PHONE_JID_PERSON);
    assert_int_equal(phone_jid_kind(STR("1@lid")), PHONE_JID_LID);
    assert_int_equal(phone_jid_kind(STR("1@")), PHONE_JID_OTHER);
    assert_str_equal(phone_jid_user(STR("972550000000:7@s.whatsapp.net")), STR("972550000000"));
    assert_str_equal(phone_jid_user(STR("972550000000_1:7@s.whatsapp.net")), STR("972550000000"));
    assert_str_equal(phone_jid_user(STR("972550000000")), STR("972550000000"));
    assert_str_equal(phone_jid_user(STR("")), STR(""));
}

/* What is made from random pieces either parses to a sound number that parses to itself, or not. */
static void test_random(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "+", "00", "972",  "27",     "0",      "55",   "(0)", "-",       " ",    "7", "82",
        "1", "@",  "c.us", "\u202A", "\u2011", "\xFF", "x",   "6602298", "1234", "9", "\u0665"};
    static const enum phone_country homes[] = {IL, ZA, NO};
    struct rng rng;
    rng_seed(&rng, 7);
    size_t good = 0;
    for (int round = 0; round < 100000; round++) {
        char text[PHONE_TEXT_MAX];
        size_t len = 0;
        for (uint64_t count = rng_below(&rng, 8); count > 0; count--) {
            const char *piece = pieces[rng_below(&rng, COUNT(pieces))];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, text, len);
        struct err err = {0};
        struct phone phone;
        enum phone_country home = homes[rng_below(&rng, COUNT(homes))];
        char out[PHONE_LOOK_MAX];
        (void)phone_mask((struct str){exact, len}, out);
        if (phone_parse((struct str){exact, len}, home, &phone, &err)) {
            good++;
            struct phone again;
            assert_in_range(phone.len, PHONE_DIGITS_MIN, PHONE_DIGITS_MAX);
            assert_int_equal(strlen(phone.digits), phone.len);
            struct str look = phone_format(&phone, out);
            char plus[PHONE_LOOK_MAX + 1] = "+";
            memcpy(plus + 1, look.ptr, look.len);
            assert_true(phone_parse((struct str){plus, look.len + 1}, NO, &again, &err));
            assert_true(phone_equal(&phone, &again));
        }
        free(exact);
    }
    assert_true(good > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_number_in_every_look),
        cmocka_unit_test(test_why_it_is_none),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_look),
        cmocka_unit_test(test_format_and_mask),
        cmocka_unit_test(test_jid),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
