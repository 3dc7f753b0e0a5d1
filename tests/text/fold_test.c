/* fold and bidi: pairs that a reader takes for the same, pairs that are not, and every letter. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/bidi.h"
#include "text/fold.h"
#include "text/utf8.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void test_table(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        unsigned flags;
        struct str folded;
    } cases[] = {
        {STR_INIT(""), FOLD_NAME, STR_INIT("")},
        {STR_INIT("plain ascii"), FOLD_NAME, STR_INIT("plain ascii")},
        {STR_INIT("Plain ASCII"), FOLD_SEARCH, STR_INIT("plain ascii")},
        {STR_INIT("Plain ASCII"), FOLD_SHOWN, STR_INIT("Plain ASCII")},
        /* Hebrew: niqqud, cantillation, final letters, geresh, gershayim, maqaf. */
        {STR_INIT("שָׁלוֹם"), FOLD_MARKS, STR_INIT("שלום")},
        {STR_INIT("שָׁלוֹם"), FOLD_SEARCH, STR_INIT("שלומ")},
        {STR_INIT("בְּרֵאשִׁ֖ית"), FOLD_MARKS, STR_INIT("בראשית")},
        {STR_INIT("\uFB2A\uFB35\uFB4B"), FOLD_MARKS, STR_INIT("שוו")},
        {STR_INIT("ךםןףץ"), FOLD_HEBREW, STR_INIT("כמנפצ")},
        {STR_INIT("צה״ל"), FOLD_PUNCTUATION, STR_INIT("צה\"ל")},
        {STR_INIT("צה''ל"), FOLD_PUNCTUATION, STR_INIT("צה\"ל")},
        {STR_INIT("צה’’ל"), FOLD_PUNCTUATION, STR_INIT("צה\"ל")},
        {STR_INIT("צה”ל"), FOLD_PUNCTUATION, STR_INIT("צה\"ל")},
        {STR_INIT("ג׳ירף"), FOLD_PUNCTUATION, STR_INIT("ג'ירף")},
        {STR_INIT("ג`ירף"), FOLD_PUNCTUATION, STR_INIT("ג'ירף")},
        {STR_INIT("תל־אביב"), FOLD_PUNCTUATION, STR_INIT("תל-אביב")},
        {STR_INIT("תל–אביב"), FOLD_PUNCTUATION, STR_INIT("תל-אביב")},
        {STR_INIT("תל־אביב"), FOLD_SHOWN, STR_INIT("תל־אביב")},
        {STR_INIT("ײַ"), FOLD_MARKS, STR_INIT("יי")},
        /* Arabic: tashkeel, tatweel, alef, yeh, teh marbuta, kaf, digits, drawn forms. */
        {STR_INIT("مُحَمَّد"), FOLD_MARKS, STR_INIT("محمد")},
        {STR_INIT("محـــمد"), FOLD_MARKS, STR_INIT("محمد")},
        {STR_INIT("أحمد إبراهيم آدم"), FOLD_ARABIC, STR_INIT("احمد ابراهيم ادم")},
        {STR_INIT("مصطفى"), FOLD_ARABIC, STR_INIT("مصطفي")},
        {STR_INIT("مدرسة"), FOLD_ARABIC, STR_INIT("مدرسه")},
        {STR_INIT("کتابی"), FOLD_ARABIC, STR_INIT("كتابي")},
        {STR_INIT("٠١٢٣٤٥٦٧٨٩ ۰۱۲۳۴۵۶۷۸۹"), FOLD_WIDTH, STR_INIT("0123456789 0123456789")},
        {STR_INIT("\uFEFB\uFE8E"), FOLD_SEARCH, STR_INIT("لاا")},
        {STR_INIT("می\u200Cخواهم"), FOLD_SEARCH, STR_INIT("ميخواهم")},
        {STR_INIT("نعم، لا؟"), FOLD_PUNCTUATION, STR_INIT("نعم, لا?")},
        /* Cyrillic: case, yo, and letters that stay letters, composed or not. */
        {STR_INIT("ПРИВЕТ Ёлка"), FOLD_CASE, STR_INIT("привет ёлка")},
        {STR_INIT("ПРИВЕТ Ёлка"), FOLD_SEARCH, STR_INIT("привет елка")},
        {STR_INIT("и\u0306 е\u0308 і\u0308"), FOLD_SEARCH, STR_INIT("й е ї")},
        {STR_INIT("Йод, Їжак, Ґанок"), FOLD_SEARCH, STR_INIT("йод, їжак, ґанок")},
        {STR_INIT("за\u0301мок"), FOLD_SEARCH, STR_INIT("замок")},
        /* Latin and Greek. */
        {STR_INIT("Élan Ångström ÇA"), FOLD_SEARCH, STR_INIT("elan angstrom ca")},
        {STR_INIT("E\u0301lan"), FOLD_SEARCH, STR_INIT("elan")},
        {STR_INIT("Élan"), FOLD_CASE, STR_INIT("élan")},
        {STR_INIT("Élan"), FOLD_MARKS, STR_INIT("Elan")},
        {STR_INIT("Straße STRAẞE"), FOLD_SEARCH, STR_INIT("strasse strasse")},
        {STR_INIT("Łódź øre Đorđe Œuvre Æsir þing"), FOLD_SEARCH,
         STR_INIT("lodz ore dorde oeuvre aesir thing")},
        {STR_INIT("İstanbul ısı"), FOLD_SEARCH, STR_INIT("istanbul isi")},
        {STR_INIT("Việt Nam"), FOLD_SEARCH, STR_INIT("viet nam")},
        {STR_INIT("ΟΔΟΣ οδός"), FOLD_SEARCH, STR_INIT("οδοσ οδοσ")},
        {STR_INIT("ﬁn"), FOLD_SEARCH, STR_INIT("fin")},
        /* Width. */
        {STR_INIT("ＡＢＣ１２３！"), FOLD_SEARCH, STR_INIT("abc123!")},
        {STR_INIT("\u3000ａ"), FOLD_NAME, STR_INIT("a")},
        /* What cannot be seen. */
        {STR_INIT("\u202A+972\u00A055\u202C"), FOLD_SHOWN, STR_INIT("+972 55")},
        {STR_INIT("\uFEFFa\u00ADb\u200Bc\u2060\u200F"), FOLD_SHOWN, STR_INIT("abc")},
        {STR_INIT("👩‍👧 ❤️"), FOLD_SHOWN, STR_INIT("👩‍👧 ❤️")},
        {STR_INIT("❤️"), FOLD_SEARCH, STR_INIT("❤")},
        {STR_INIT("a\u202Fb\u2003c"), FOLD_SHOWN, STR_INIT("a b c")},
        {STR_INIT("a\tb\nc"), FOLD_SEARCH, STR_INIT("a\tb\nc")},
        /* Spaces. */
        {STR_INIT("  a \t\n b  "), FOLD_NAME, STR_INIT("a b")},
        {STR_INIT(" \u00A0 "), FOLD_NAME, STR_INIT("")},
        {STR_INIT("\u200F \u200Fa"), FOLD_NAME, STR_INIT("a")},
        {STR_INIT("a \u200F b"), FOLD_NAME, STR_INIT("a b")},
        {STR_INIT("a ß"), FOLD_NAME, STR_INIT("a ss")},
        /* Vowels of other scripts are no diacritics. */
        {STR_INIT("हिन्दी"), FOLD_SEARCH, STR_INIT("हिन्दी")},
        /* Not UTF-8. */
        {STR_INIT("a\xFF"
                  "b"),
         FOLD_SEARCH, STR_INIT("a\uFFFDb")},
        {STR_INIT("\xD7"), FOLD_NAME, STR_INIT("\uFFFD")},
        {STR_INIT("a\0B"), FOLD_SEARCH, STR_INIT("a\0b")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str folded = fold_text(&arena, cases[i].text, cases[i].flags);
        assert_non_null(folded.ptr);
        if (!str_equal(folded, cases[i].folded)) {
            fail_msg("case %zu: \"%.*s\", not \"%.*s\"", i, STR_ARG(folded),
                     STR_ARG(cases[i].folded));
        }
        assert_true(fold_equal(cases[i].text, cases[i].folded, cases[i].flags));
    }
}

static void test_not_equal(void **state)
{
    (void)state;
    static const struct str pairs[][2] = {
        {STR_INIT("שלום"), STR_INIT("שלומי")}, {STR_INIT("צה״ל"), STR_INIT("צהל")},
        {STR_INIT("мой"), STR_INIT("мои")},    {STR_INIT("a b"), STR_INIT("ab")},
        {STR_INIT(""), STR_INIT("a")},         {STR_INIT("شمس"), STR_INIT("سمس")},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_false(fold_equal(pairs[i][0], pairs[i][1], FOLD_NAME));
        assert_false(fold_equal(pairs[i][1], pairs[i][0], FOLD_NAME));
    }
    assert_false(fold_equal(STR("A"), STR("a"), FOLD_SHOWN));
    assert_true(fold_equal(STR(""), (struct str){0}, FOLD_NAME));
}

/* Folding what is folded changes nothing, for every code point of the planes that people write in.
 */
static void test_idempotent(void **state)
{
    (void)state;
    static const unsigned flag_sets[] = {FOLD_SHOWN, FOLD_SEARCH, FOLD_NAME, FOLD_CASE, FOLD_MARKS};
    for (uint32_t code = 1; code < 0x20000; code++) {
        char text[2 * UTF8_LEN_MAX + 1];
        size_t len = utf8_encode(code, text);
        text[len++] = 'x';
        len += utf8_encode(code, text + len);
        for (size_t i = 0; i < COUNT(flag_sets); i++) {
            struct str once = fold_text(&arena, (struct str){text, len}, flag_sets[i]);
            struct str twice = fold_text(&arena, once, flag_sets[i]);
            if (once.ptr == NULL || !str_equal(once, twice)) {
                fail_msg("U+%04X with flags %u", (unsigned)code, flag_sets[i]);
            }
        }
        arena_reset(&arena);
    }
}

static void test_no_copy(void **state)
{
    (void)state;
    struct str text = STR("already folded, 123");
    assert_ptr_equal(fold_text(&arena, text, FOLD_NAME).ptr, text.ptr);
    struct arena tiny;
    arena_init(&tiny, 8);
    assert_null(fold_text(&tiny, STR("שלום"), FOLD_NAME).ptr);
    struct folded folded;
    assert_false(fold_map(&tiny, STR("שלום"), FOLD_NAME, &folded));
    assert_non_null(fold_text(&tiny, (struct str){0}, FOLD_NAME).ptr);
    arena_free(&tiny);
}

static void test_origins(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        struct str what; /* Folded. */
        struct str origin;
    } cases[] = {
        {STR_INIT("x שָׁלוֹם y"), STR_INIT("שלומ"), STR_INIT("שָׁלוֹם")},
        {STR_INIT("die Straße."), STR_INIT("strasse"), STR_INIT("Straße")},
        {STR_INIT("Straße"), STR_INIT("stras"), STR_INIT("Straß")},
        {STR_INIT("  a   b"), STR_INIT("a b"), STR_INIT("a   b")},
        {STR_INIT("צה''ל"), STR_INIT("\""), STR_INIT("''")},
        {STR_INIT("abc"), STR_INIT("bc"), STR_INIT("bc")},
        {STR_INIT("a\u00A0b"), STR_INIT(" "), STR_INIT("\u00A0")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct folded folded;
        assert_true(fold_map(&arena, cases[i].text, FOLD_NAME, &folded));
        size_t at = str_find(folded.text, cases[i].what, 0);
        assert_true(at != STR_NONE);
        assert_str_equal(fold_origin(&folded, cases[i].text, at, at + cases[i].what.len),
                         cases[i].origin);
        assert_int_equal(fold_origin(&folded, cases[i].text, at, at).len, 0);
    }
}

static void test_random(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 5);
    for (int round = 0; round < 50000; round++) {
        char room[64];
        size_t len = 0;
        size_t want = (size_t)rng_below(&rng, sizeof room - UTF8_LEN_MAX);
        while (len < want) {
            static const uint32_t starts[] = {0x20, 0xC0, 0x400, 0x590, 0x600, 0x2000, 0xFB00};
            uint32_t start = starts[rng_below(&rng, COUNT(starts))];
            if (rng_chance(&rng, 10)) {
                room[len++] = (char)rng_below(&rng, 256);
            } else {
                len += utf8_encode(start + (uint32_t)rng_below(&rng, 0x100), room + len);
            }
        }
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, room, len);
        struct str text = {exact, len};
        unsigned flags = (unsigned)rng_below(&rng, 1024);
        struct str folded = fold_text(&arena, text, flags);
        struct folded mapped;
        assert_true(fold_map(&arena, text, flags, &mapped));
        assert_true(utf8_valid(folded));
        assert_str_equal(folded, mapped.text);
        for (size_t i = 0; i < folded.len; i++) {
            assert_true(mapped.origins[i] <= mapped.origins[i + 1]);
        }
        assert_true(fold_equal(text, folded, flags));
        assert_str_equal(fold_text(&arena, folded, flags), folded);
        free(exact);
        arena_reset(&arena);
    }
}

static void test_bidi(void **state)
{
    (void)state;
    assert_str_equal(bidi_strip(&arena, STR("\u202Aa\u200F\u2067ש\u2069\u202C")), STR("aש"));
    assert_str_equal(bidi_strip(&arena, STR("a\u200Db\u00A0")), STR("a\u200Db\u00A0"));
    assert_str_equal(bidi_strip(&arena, STR("")), STR(""));
    assert_str_equal(bidi_isolate(&arena, STR("דנה")), STR("\u2068דנה\u2069"));
    assert_str_equal(bidi_isolate(&arena, STR("Dana")), STR("Dana"));
    /* An override that would turn the rest of the line around does not get out. */
    assert_str_equal(bidi_isolate(&arena, STR("a\u202Egnp.exe")), STR("agnp.exe"));
    assert_str_equal(bidi_isolate(&arena, STR("ש\u2069\nb\x1B")), STR("\u2068ש b \u2069"));
    assert_true(bidi_is_rtl(STR("(123) שלום abc")));
    assert_false(bidi_is_rtl(STR("abc שלום")));
    assert_false(bidi_is_rtl(STR("123")));
    assert_true(bidi_has_rtl(STR("abc مرحبا")));
    assert_false(bidi_has_rtl(STR("abc привет")));
    struct arena tiny;
    arena_init(&tiny, 4);
    assert_null(bidi_isolate(&tiny, STR("דנה")).ptr);
    assert_null(bidi_strip(&tiny, STR("\u202A דנה")).ptr);
    arena_free(&tiny);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),      cmocka_unit_test(test_not_equal),
        cmocka_unit_test(test_idempotent), cmocka_unit_test(test_no_copy),
        cmocka_unit_test(test_origins),    cmocka_unit_test(test_random),
        cmocka_unit_test(test_bidi),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
