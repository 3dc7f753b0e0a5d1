/* codepage: Windows' pages and UTF-16 as UTF-8, and back to places. */
#include <string.h>

#include "test.h"
#include "text/codepage.h"

static struct arena arena;

struct page_case {
    enum codepage page;
    struct str bytes;
    const char *text;
};

static const struct page_case cases[] = {
    {CODEPAGE_WINDOWS_1255, STR_INIT("\xF9\xEC\xE5\xED 7\xA4"), "שלום 7₪"},
    {CODEPAGE_WINDOWS_1255, STR_INIT("a\xD9\xFF"), "a\uFFFD\uFFFD"},
    {CODEPAGE_WINDOWS_1251, STR_INIT("\xCF\xF0\xE8\xE2\xE5\xF2"), "Привет"},
    {CODEPAGE_WINDOWS_1252, STR_INIT("caf\xE9 \x80"), "café €"},
    {CODEPAGE_UTF16_LE,
     STR_INIT("\xE9\x05"
              "a\0"
              "\x3D\xD8\x00\xDE"),
     "שa😀"},
    {CODEPAGE_UTF16_BE,
     STR_INIT("\x05\xE9"
              "\0a"
              "\xD8\x3D\xDE\x00"),
     "שa😀"},
    {CODEPAGE_UTF16_LE,
     STR_INIT("\x3D\xD8"
              "a\0"),
     "\uFFFDa"}, /* Half a pair. */
    {CODEPAGE_UTF16_LE,
     STR_INIT("\x00\xDE"
              "a\0"),
     "\uFFFDa"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t used = 0;
        struct str text = codepage_decode(cases[i].page, &arena, cases[i].bytes, &used);
        assert_str_equal(text, str_of(cases[i].text));
        assert_int_equal(used, cases[i].bytes.len);
        assert_int_equal(codepage_bytes(cases[i].page, text), cases[i].bytes.len);
    }
}

/* A piece that ends in the middle of a unit leaves it to the next one. */
static void test_cut(void **state)
{
    (void)state;
    const struct str whole = STR("a\0\x3D\xD8\x00\xDE");
    static const size_t used_at[] = {0, 0, 2, 2, 2, 2, 6};
    for (size_t len = 0; len <= whole.len; len++) {
        size_t used = 0;
        struct str text =
            codepage_decode(CODEPAGE_UTF16_LE, &arena, str_slice(whole, 0, len), &used);
        assert_int_equal(used, used_at[len]);
        assert_int_equal(codepage_bytes(CODEPAGE_UTF16_LE, text), used);
    }
}

/* Every byte is something, and its place can be told. */
static void test_all_bytes(void **state)
{
    (void)state;
    for (int page = CODEPAGE_WINDOWS_1255; page <= CODEPAGE_WINDOWS_1252; page++) {
        char bytes[256];
        for (int i = 0; i < 256; i++) {
            bytes[i] = (char)i;
        }
        struct str text =
            codepage_decode((enum codepage)page, &arena, (struct str){bytes, sizeof bytes}, NULL);
        assert_int_equal(codepage_bytes((enum codepage)page, text), sizeof bytes);
        assert_memory_equal(text.ptr, bytes, 128);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_all_bytes),
    };
    arena_init(&arena, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
