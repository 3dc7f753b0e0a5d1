/* pagestamp: marks as browsers write them in many locales, and dates that must not be guessed. */
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/pagestamp.h"

#define RLM  "\xe2\x80\x8f"
#define LRE  "\xe2\x80\xaa"
#define PDF  "\xe2\x80\xac"
#define NNBS "\xe2\x80\xaf"
#define NBSP "\xc2\xa0"

struct mark_case {
    const char *text;
    enum pagestamp_order order;
    enum pagestamp_fit fit;
    const char *iso;
    const char *author;
};

enum { ANY = PAGESTAMP_ORDER_UNKNOWN, DMY = PAGESTAMP_ORDER_DMY, MDY = PAGESTAMP_ORDER_MDY };
enum { DATE = PAGESTAMP_DATE, AMBIGUOUS = PAGESTAMP_AMBIGUOUS, IMPOSSIBLE = PAGESTAMP_IMPOSSIBLE };

/* clang-format off */
static const struct mark_case mark_cases[] = {
    {"[16:04, 12.08.2026] Dana: ", ANY, DATE, "2026-08-12T16:04", "Dana"},
    {"[14:05, 3.9.2026] דנה כהן: ", ANY, DATE, "2026-09-03T14:05", "דנה כהן"},
    {"[15:06, 03/07/2026] +55 00 0000-0000: ", DMY, DATE, "2026-07-03T15:06", "+55 00 0000-0000"},
    {"[15:06, 03/07/2026] x: ", ANY, AMBIGUOUS, NULL, "x"},
    {"[15:06, 03/07/2026] x: ", MDY, DATE, "2026-03-07T15:06", "x"},
    {"[4:04" NNBS "PM, 8/12/2026] Dana: ", MDY, DATE, "2026-08-12T16:04", "Dana"},
    {"[4:04 PM, 8/13/2026] Dana: ", ANY, DATE, "2026-08-13T16:04", "Dana"},
    {"[4:04 PM, 8/13/2026] Dana: ", DMY, IMPOSSIBLE, NULL, "Dana"},
    {"[10:33 am, 8/5/2025] +91 00000: ", DMY, DATE, "2025-05-08T10:33", "+91 00000"},
    {"[11:23, 27/8/2026] Dana: ", ANY, DATE, "2026-08-27T11:23", "Dana"},
    {"[11:23, 8/8/2026] Dana: ", ANY, DATE, "2026-08-08T11:23", "Dana"},
    {"[16:07, 12.08.2026] ", ANY, DATE, "2026-08-12T16:07", ""},
    {"[下午1:23, 2026年9月18日] Dana: ", ANY, DATE, "2026-09-18T13:23", "Dana"},
    {"[上午12:23, 2026年9月18日] Dana: ", ANY, DATE, "2026-09-18T00:23", "Dana"},
    {"[오후 2:05, 2026. 9. 3.] Dana: ", ANY, DATE, "2026-09-03T14:05", "Dana"},
    {"[午後0:05, 2026/9/3] Dana: ", ANY, DATE, "2026-09-03T12:05", "Dana"},
    {"[14:05, 2026-09-03] Dana: ", MDY, DATE, "2026-09-03T14:05", "Dana"},
    {"[2:05" NBSP "p." NBSP "m., 3/9/2026] Dana: ", DMY, DATE, "2026-09-03T14:05", "Dana"},
    {"[2:05 م, 3" RLM "/9" RLM "/2026] x: ", DMY, DATE, "2026-09-03T14:05", "x"},
    {"[٢:٠٥ م، ٣" RLM "/٩" RLM "/٢٠٢٦] x: ", DMY, DATE, "2026-09-03T14:05", "x"},
    {"[۱۴:۰۵, ۱۴۰۵/۶/۱۲] x: ", ANY, DATE, "2026-09-03T14:05", "x"},
    {"[۲:۰۵ ب.ظ., ۱۴۰۵/۱/۱] x: ", ANY, DATE, "2026-03-21T14:05", "x"},
    {"[۱۴:۰۵, ۱۴۰۳/۱۲/۳۰] x: ", ANY, DATE, "2025-03-20T14:05", "x"},
    {"[۱۴:۰۵, ۱۴۰۴/۱۲/۳۰] x: ", ANY, IMPOSSIBLE, NULL, "x"},
    {"[14:05, 1448/3/21] x: ", ANY, IMPOSSIBLE, NULL, "x"},
    {"[14:05, 13/9/2569] x: ", ANY, DATE, "2026-09-13T14:05", "x"},
    {"[१४:०५, १३/९/२०२६] x: ", ANY, DATE, "2026-09-13T14:05", "x"},
    {"[14.05, 3.9.2026] x: ", ANY, DATE, "2026-09-03T14:05", "x"},
    {"[3.9.2026, 14:05] x: ", ANY, DATE, "2026-09-03T14:05", "x"},
    {"[3.9.2026, 14:05:59] x: ", ANY, DATE, "2026-09-03T14:05:59", "x"},
    {"[14:05, 3.09.2026 г.] x: ", ANY, DATE, "2026-09-03T14:05", "x"},
    {"[24:05, 3.9.2026] x: ", ANY, DATE, "2026-09-03T00:05", "x"},
    {"[12:05 AM, 13/9/2026] x: ", ANY, DATE, "2026-09-13T00:05", "x"},
    {"[2:05 אחה״צ, 3.9.2026] x: ", ANY, DATE, "2026-09-03T14:05", "x"},
    {"[14:05, 13/9/26] x: ", ANY, AMBIGUOUS, NULL, "x"},
    {"[14:05, 13/9/26] x: ", DMY, DATE, "2026-09-13T14:05", "x"},
    {"[14:05, 31.2.2026] x: ", ANY, IMPOSSIBLE, NULL, "x"},
    {"[14:05, 13/13/2026] x: ", ANY, IMPOSSIBLE, NULL, "x"},
    {"[14:05, 0/5/2026] x: ", ANY, IMPOSSIBLE, NULL, "x"},
    {"[14:05, 3.9.1926] x: ", ANY, IMPOSSIBLE, NULL, "x"},
    {RLM "[14:05, 3.9.2026] " LRE "+972 00-000-0000" PDF ": ", ANY, DATE, "2026-09-03T14:05", "+972 00-000-0000"},
    {"[14:05, 3.9.2026] a: b: ", ANY, DATE, "2026-09-03T14:05", "a: b"},
};
/* clang-format on */

static void marks_of_many_locales(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(mark_cases); i++) {
        const struct mark_case *c = &mark_cases[i];
        struct err err = {0};
        struct pagestamp mark;
        struct civil civil = {0};
        struct stamp want;
        if (!pagestamp_parse(str_of(c->text), &mark, &err)) {
            fail_msg("%s: %s", c->text, err.text);
        }
        assert_str_equal(mark.author, str_of(c->author));
        enum pagestamp_fit fit = pagestamp_date(&mark, c->order, &civil);
        if (fit != c->fit) {
            fail_msg("%s: fit %d and not %d", c->text, (int)fit, (int)c->fit);
        }
        if (fit != PAGESTAMP_DATE) {
            assert_int_equal(civil.year, 0); /* Nothing that looks like an answer. */
            continue;
        }
        assert_true(datetime_parse_iso(str_of(c->iso), &want, &err));
        if (memcmp(&civil, &want.civil, sizeof civil) != 0) {
            fail_msg("%s: %d-%d-%d %d:%d", c->text, civil.year, civil.month, civil.day, civil.hour,
                     civil.minute);
        }
    }
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "Dana: hello",
        "[",
        "[]",
        "[14:05]",
        "[14:05, ] x:",
        "[14:05, 3.9] x: ",
        "[14, 3.9.2026] x: ",
        "[14:5, 3.9.2026] x: ",
        "[14:60, 3.9.2026] x: ",
        "[25:00, 3.9.2026] x: ",
        "[14:05 PM, 3.9.2026] x: ",
        "[2:05 xm, 3.9.2026] x: ",
        "[14:05, 3 Sep 2026] x: ",
        "[14:05, 3.9.2026, x] y: ",
        "[14:05, 3.9.12026] x: ",
        "[14:05, 3.9.026] x: ",
        "[14:05, 1.2.3.2026] x: ",
        "[99999:05, 3.9.2026] x: ",
        "(14:05, 3.9.2026) x: ",
        "[14:05, 3.9.2026 x: ",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct err err = {0};
        struct pagestamp mark;
        if (pagestamp_parse(str_of(texts[i]), &mark, &err)) {
            fail_msg("\"%s\" was accepted", texts[i]);
        }
        assert_int_equal(err.kind, ERR_REJECT);
    }
    struct err err = {0};
    struct pagestamp mark;
    char longer[400] = "[";
    memset(longer + 1, '1', sizeof longer - 2);
    longer[sizeof longer - 1] = ']';
    assert_false(pagestamp_parse((struct str){longer, sizeof longer}, &mark, &err));
    assert_false(pagestamp_parse((struct str){0}, &mark, &err));
}

static struct pagestamp marked(const char *text)
{
    struct err err = {0};
    struct pagestamp mark;
    assert_true(pagestamp_parse(str_of(text), &mark, &err));
    return mark;
}

static void a_chat_teaches_its_order(void **state)
{
    (void)state;
    struct pagestamp_evidence evidence = {0};
    struct pagestamp open = marked("[14:05, 3/9/2026] x: ");
    struct pagestamp day = marked("[14:05, 27/9/2026] x: ");
    struct pagestamp month = marked("[14:05, 9/27/2026] x: ");
    struct pagestamp neither = marked("[14:05, 99/27/2026] x: ");
    struct pagestamp year = marked("[14:05, 2026/9/27] x: ");
    struct pagestamp same = marked("[14:05, 9/9/2026] x: ");

    pagestamp_learn(&evidence, &open);
    pagestamp_learn(&evidence, &neither);
    pagestamp_learn(&evidence, &year);
    pagestamp_learn(&evidence, &same);
    assert_int_equal(pagestamp_evidence_order(&evidence), PAGESTAMP_ORDER_UNKNOWN);
    pagestamp_learn(&evidence, &day);
    assert_int_equal(pagestamp_evidence_order(&evidence), PAGESTAMP_ORDER_DMY);
    pagestamp_learn(&evidence, &month); /* Contradiction: nothing is known any more. */
    assert_int_equal(pagestamp_evidence_order(&evidence), PAGESTAMP_ORDER_UNKNOWN);
    evidence = (struct pagestamp_evidence){0};
    pagestamp_learn(&evidence, &month);
    assert_int_equal(pagestamp_evidence_order(&evidence), PAGESTAMP_ORDER_MDY);
}

static void locales_have_an_order(void **state)
{
    (void)state;
    static const struct {
        const char *locale;
        int order;
    } cases[] = {
        {"he", DMY},    {"he-IL", DMY}, {"HE_il", DMY},
        {"en-US", MDY}, {"en_us", MDY}, {"en-GB", DMY},
        {"en", ANY},    {"en-PH", ANY}, {"fr-CA", ANY},
        {"fr-FR", DMY}, {"pt_BR", DMY}, {"", ANY},
        {"xx-YY", ANY}, {"es-PA", ANY}, {"es-419", DMY},
        {"ru-RU", DMY}, {"-", ANY},     {"a-very-long-locale-tag", ANY},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(pagestamp_order_of_locale(str_of(cases[i].locale)), cases[i].order);
    }
}

/* Every day of 1348 to 1439 follows the one before it, and the new years fall where they did. */
static void the_persian_calendar_has_no_holes(void **state)
{
    (void)state;
    int64_t expected = datetime_days(1969, 3, 21); /* 1 Farvardin 1348. */
    for (int year = 1348; year <= 1439; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= 31; day++) {
                struct pagestamp mark = {
                    .year = year, .first = month, .second = day, .year_first = true};
                struct civil civil;
                if (pagestamp_date(&mark, PAGESTAMP_ORDER_UNKNOWN, &civil) != PAGESTAMP_DATE) {
                    assert_true(day >= 30 && month > 6);
                    continue;
                }
                assert_int_equal(datetime_days(civil.year, civil.month, civil.day), expected);
                expected++;
            }
        }
    }
    assert_int_equal(expected, datetime_days(2061, 3, 20)); /* 1 Farvardin 1440. */
}

static void damaged_marks_are_safe(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 8);
    for (int i = 0; i < 300000; i++) {
        char text[128];
        const char *good = mark_cases[rng_below(&rng, COUNT(mark_cases))].text;
        size_t len = strlen(good);
        memcpy(text, good, len);
        for (uint64_t n = rng_below(&rng, 4); n > 0; n--) {
            text[rng_below(&rng, len)] = (char)rng_below(&rng, 256);
        }
        struct err err = {0};
        struct pagestamp mark;
        struct civil civil;
        struct pagestamp_evidence evidence = {0};
        if (pagestamp_parse((struct str){text, rng_below(&rng, len + 1)}, &mark, &err)) {
            pagestamp_learn(&evidence, &mark);
            if (pagestamp_date(&mark, (enum pagestamp_order)rng_below(&rng, 3), &civil) ==
                PAGESTAMP_DATE) {
                assert_true(datetime_civil_valid(&civil));
            }
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_of_many_locales),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_chat_teaches_its_order),
        cmocka_unit_test(locales_have_an_order),
        cmocka_unit_test(the_persian_calendar_has_no_holes),
        cmocka_unit_test(damaged_marks_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
