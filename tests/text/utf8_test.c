/* utf8: tables of good and broken sequences, and random bytes against a plain second opinion. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/unicode.h"
#include "text/utf8.h"

static void test_valid_table(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        bool valid;
        size_t valid_len;
    } cases[] = {
        {STR_INIT(""), true, 0},
        {STR_INIT("abc"), true, 3},
        {STR_INIT("a\0b"), true, 3},
        {STR_INIT("שלום"), true, 8},
        {STR_INIT("0123456789abcdef0123456789abcde\xD7\x90"), true, 33},
        {STR_INIT("\xF0\x9F\x98\x80"), true, 4},
        {STR_INIT("\xF4\x8F\xBF\xBF"), true, 4},
        {STR_INIT("\xEF\xBF\xBF"), true, 3},
        {STR_INIT("\xC0\x80"), false, 0},
        {STR_INIT("\xC1\xBF"), false, 0},
        {STR_INIT("\xE0\x9F\xBF"), false, 0},
        {STR_INIT("\xED\xA0\x80"), false, 0},
        {STR_INIT("\xF0\x8F\xBF\xBF"), false, 0},
        {STR_INIT("\xF4\x90\x80\x80"), false, 0},
        {STR_INIT("\xF5\x80\x80\x80"), false, 0},
        {STR_INIT("ab\x80"), false, 2},
        {STR_INIT("ab\xD7"), false, 2},
        {STR_INIT("ab\xE2\x82"), false, 2},
        {STR_INIT("ab\xF0\x9F\x98"), false, 2},
        {STR_INIT("0123456789abcde\xD7 0123456789abcdef"), false, 15},
        {STR_INIT("0123456789abcdef0123456789abcdef\xFF"), false, 32},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(utf8_valid(cases[i].text), cases[i].valid);
        assert_int_equal(utf8_valid_len(cases[i].text), cases[i].valid_len);
    }
}

/* Straight from the definition: decode by the length the first byte claims, then check the value.
 */
static bool plain_valid(const unsigned char *bytes, size_t len)
{
    size_t at = 0;
    while (at < len) {
        unsigned lead = bytes[at];
        size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
        if (size == 4 && lead >> 3 != 30) {
            return false;
        }
        uint32_t code = size == 1 ? lead : lead & (0x7FU >> size);
        for (size_t i = 1; i < size; i++) {
            if (at + i >= len || bytes[at + i] >> 6 != 2) {
                return false;
            }
            code = code << 6 | (bytes[at + i] & 0x3FU);
        }
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < least[size] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
            return false;
        }
        at += size;
    }
    return true;
}

static size_t random_text(struct rng *rng, char *out, size_t size)
{
    size_t len = 0;
    size_t want = (size_t)rng_below(rng, size - UTF8_LEN_MAX);
    while (len < want) {
        uint64_t kind = rng_below(rng, 10);
        if (kind == 0) {
            out[len++] = (char)rng_below(rng, 256);
        } else if (kind < 5) {
            out[len++] = (char)rng_below(rng, 128);
        } else {
            static const uint64_t limits[] = {0x800, 0x800, 0x3000, 0x10000, 0x110000};
            len += utf8_encode((uint32_t)rng_below(rng, limits[kind - 5]), out + len);
        }
    }
    return len;
}

static void test_random_against_plain(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 20261103);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    size_t bad = 0;
    for (int round = 0; round < 20000; round++) {
        char room[96];
        size_t len = random_text(&rng, room, sizeof room);
        char *exact = malloc(len + 1); /* Its own block, so that ASan sees one byte too far. */
        assert_non_null(exact);
        memcpy(exact, room, len);
        struct str text = {exact, len};
        bool valid = plain_valid((const unsigned char *)exact, len);
        bad += valid ? 0 : 1;
        assert_int_equal(utf8_valid(text), valid);
        assert_true(plain_valid((const unsigned char *)exact, utf8_valid_len(text)));
        assert_int_equal(utf8_valid_len(text) == len, valid);

        size_t replaced = 0;
        struct str clean = utf8_clean(&arena, text, &replaced);
        assert_true(utf8_valid(clean));
        assert_true(str_find_byte(clean, '\0', 0) == STR_NONE);
        assert_int_equal(utf8_count(clean), utf8_count(text));
        size_t cut = (size_t)rng_below(&rng, len + 2);
        assert_true(utf8_valid(utf8_cut(clean, cut)) && utf8_cut(clean, cut).len <= cut);
        assert_true(utf8_valid(utf8_prefix_whole(clean, cut)));
        assert_true(utf8_count(utf8_prefix_whole(text, cut)) <= cut);
        (void)utf8_width(text);
        size_t at = len;
        uint32_t code = 0;
        for (size_t step = 0; (step = utf8_previous(text, at, &code)) > 0;) {
            at -= step;
        }
        assert_int_equal(at, 0);
        arena_reset(&arena);
        free(exact);
    }
    assert_true(bad > 1000);
    arena_free(&arena);
}

static void test_every_code_point_round_trips(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        char out[UTF8_LEN_MAX];
        size_t len = utf8_encode(code, out);
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        uint32_t back = 0;
        assert_int_equal(utf8_next((struct str){out, len}, 0, &back), len);
        assert_int_equal(back, surrogate ? UTF8_REPLACEMENT : code);
        assert_int_equal(utf8_previous((struct str){out, len}, len, &back), len);
    }
    char out[UTF8_LEN_MAX];
    assert_int_equal(utf8_encode(0x110000, out), 3);
    assert_memory_equal(out, "\xEF\xBF\xBD", 3);
}

static void test_clean(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        struct str clean;
        size_t replaced;
    } cases[] = {
        {STR_INIT(""), STR_INIT(""), 0},
        {STR_INIT("שלום"), STR_INIT("שלום"), 0},
        {STR_INIT("a\0b"),
         STR_INIT("a\xEF\xBF\xBD"
                  "b"),
         1},
        {STR_INIT("a\xFF\xFE"
                  "b"),
         STR_INIT("a\xEF\xBF\xBD\xEF\xBF\xBD"
                  "b"),
         2},
        /* A cut sequence is one piece, an impossible one is a piece a byte (as Python has it). */
        {STR_INIT("\xE2\x82"), STR_INIT("\xEF\xBF\xBD"), 1},
        {STR_INIT("\xE2\x82"
                  "A"),
         STR_INIT("\xEF\xBF\xBD"
                  "A"),
         1},
        {STR_INIT("\xED\xA0\x80"), STR_INIT("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"), 3},
        {STR_INIT("\xF0\x9F\x98\xD7\x90"), STR_INIT("\xEF\xBF\xBD\xD7\x90"), 1},
    };
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t replaced = 99;
        struct str clean = utf8_clean(&arena, cases[i].text, &replaced);
        assert_non_null(clean.ptr);
        assert_true(str_equal(clean, cases[i].clean));
        assert_int_equal(replaced, cases[i].replaced);
    }
    size_t replaced = 0;
    struct str same = STR("no copy");
    assert_ptr_equal(utf8_clean(&arena, same, &replaced).ptr, same.ptr);
    struct arena tiny;
    arena_init(&tiny, 8);
    assert_null(utf8_clean(&tiny, STR("\xFF 0123456789"), &replaced).ptr);
    assert_non_null(utf8_clean(&tiny, (struct str){0}, &replaced).ptr);
    arena_free(&tiny);
    arena_free(&arena);
}

static void test_prefix(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        size_t count;
        struct str points;
        struct str whole;
    } cases[] = {
        {STR_INIT(""), 3, STR_INIT(""), STR_INIT("")},
        {STR_INIT("abc"), 0, STR_INIT(""), STR_INIT("")},
        {STR_INIT("abcdef"), 3, STR_INIT("abc"), STR_INIT("abc")},
        {STR_INIT("abc"), 20, STR_INIT("abc"), STR_INIT("abc")},
        {STR_INIT("שלום לך"), 4, STR_INIT("שלום"), STR_INIT("שלום")},
        {STR_INIT("0123456789abcdef0123456789"), 20, STR_INIT("0123456789abcdef0123"),
         STR_INIT("0123456789abcdef0123")},
        {STR_INIT("e\xCC\x81x"), 1, STR_INIT("e"), STR_INIT("")},
        {STR_INIT("ae\xCC\x81x"), 2, STR_INIT("ae"), STR_INIT("a")},
        {STR_INIT("ש\xD6\xB8לום"), 2, STR_INIT("ש\xD6\xB8"), STR_INIT("ש\xD6\xB8")},
        {STR_INIT("a👩‍👩‍👧b"), 3, STR_INIT("a👩‍"), STR_INIT("a")},
        {STR_INIT("a👩‍👩‍👧b"), 6, STR_INIT("a👩‍👩‍👧"),
         STR_INIT("a👩‍👩‍👧")},
        {STR_INIT("👍🏽b"), 1, STR_INIT("👍"), STR_INIT("")},
        {STR_INIT("🇮🇱🇿🇦"), 3, STR_INIT("🇮🇱🇿"), STR_INIT("🇮🇱")},
        {STR_INIT("❤️x"), 1, STR_INIT("❤"), STR_INIT("")},
        {STR_INIT("a\r\nb"), 2, STR_INIT("a\r"), STR_INIT("a")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str points = utf8_prefix(cases[i].text, cases[i].count);
        struct str whole = utf8_prefix_whole(cases[i].text, cases[i].count);
        assert_true(str_equal(points, cases[i].points));
        assert_true(str_equal(whole, cases[i].whole));
    }
    assert_int_equal(utf8_count(STR("שלום 👍🏽 0123456789abcdef")), 4 + 1 + 2 + 1 + 16);
}

static void test_cut(void **state)
{
    (void)state;
    struct str text = STR("aש€😀");
    static const size_t lens[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t size = 0; size < COUNT(lens); size++) {
        assert_int_equal(utf8_cut(text, size).len, lens[size]);
    }
}

static void test_cluster_is_bounded(void **state)
{
    (void)state;
    char text[2 + 4000];
    text[0] = 'z';
    for (size_t i = 1; i + 1 < sizeof text; i += 2) {
        memcpy(text + i, "\xCC\x81", 2);
    }
    struct str zalgo = {text, sizeof text - 1};
    assert_int_equal(utf8_cluster_end(zalgo, 0), 1 + 2 * (UTF8_CLUSTER_MAX - 1));
    assert_int_equal(utf8_cluster_end(zalgo, zalgo.len), zalgo.len);
}

static void test_width(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        size_t width;
    } cases[] = {
        {STR_INIT("abc"), 3},
        {STR_INIT("שלום"), 4},
        {STR_INIT("ש\xD6\xB8"), 1},
        {STR_INIT("日本"), 4},
        {STR_INIT("😀"), 2},
        {STR_INIT("\xE2\x80\x8F"
                  "x"),
         1},
        {STR_INIT("e\xCC\x81"), 1},
        {STR_INIT("a\tb"), 2},
        {STR_INIT(""), 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(utf8_width(cases[i].text), cases[i].width);
    }
}

static void test_unicode(void **state)
{
    (void)state;
    static const uint32_t words[] = {'a',   'Z',   '5',   '_',  0x5D0,  0x5EA,  0x5B8,  0x627,
                                     0x6CC, 0x661, 0x44F, 0xE9, 0x4E00, 0xAC00, 0x1D400};
    for (size_t i = 0; i < COUNT(words); i++) {
        assert_true(unicode_is_word(words[i]));
    }
    static const uint32_t others[] = {' ',    '-',  0x5BE,   0x5F3,    0x5F4,    0x60C, 0x200F,
                                      0x2010, 0xA0, 0x1F600, 0x110000, UTF8_BAD, 0xD7FF};
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_false(unicode_is_word(others[i]));
    }
    assert_true(unicode_is_rtl(0x5D0) && unicode_is_rtl(0x627) && !unicode_is_rtl('a'));
    assert_true(unicode_is_ltr('a') && unicode_is_ltr(0x44F) && !unicode_is_ltr(0x5D0));
    assert_false(unicode_is_ltr('7'));
    assert_int_equal(unicode_digit('7'), 7);
    assert_int_equal(unicode_digit(0x667), 7);
    assert_int_equal(unicode_digit(0x6F7), 7);
    assert_int_equal(unicode_digit(0xFF17), 7);
    assert_int_equal(unicode_digit('a'), -1);
    assert_int_equal(unicode_digit(0x66A), -1);
    assert_true(unicode_is_space(0xA0) && unicode_is_space(0x202F) && !unicode_is_space(0x200B));
    assert_true(unicode_is_format(0x202A) && unicode_is_format(0xFEFF) && !unicode_is_format('a'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_table),
        cmocka_unit_test(test_random_against_plain),
        cmocka_unit_test(test_every_code_point_round_trips),
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cluster_is_bounded),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_unicode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
