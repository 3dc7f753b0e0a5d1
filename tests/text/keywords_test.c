/* keywords: tables, limits, and every hit against a naive search in ten thousand random cases. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "test.h"
#include "text/fold.h"
#include "text/keywords.h"
#include "text/unicode.h"
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

static struct keywords *open_list(struct str list, struct keywords_options options)
{
    struct keywords *keywords = NULL;
    struct err err = {0};
    if (!keywords_open_list(&keywords, list, options, &err)) {
        fail_msg("%s", err.text);
    }
    return keywords;
}

static void test_first_hit(void **state)
{
    (void)state;
    static const struct {
        struct str list;
        struct keywords_options options;
        struct str text;
        const char *where; /* NULL: none. */
        size_t word;
    } cases[] = {
        {STR_INIT("תרגול, תרגלתי"), {0}, STR_INIT("היום תרגלתי שעה"), "תרגלתי", 1},
        {STR_INIT("תרגול"), {0}, STR_INIT("התרגולים"), "תרגול", 0},
        {STR_INIT("תרגול"), {.whole_word = true}, STR_INIT("התרגולים"), NULL, 0},
        {STR_INIT("תרגול"), {.whole_word = true}, STR_INIT("התרגול, תרגול!"), "תרגול", 0},
        {STR_INIT("גן"), {.whole_word = true}, STR_INIT("מגן"), NULL, 0},
        {STR_INIT("גן"), {.whole_word = true}, STR_INIT("גן"), "גן", 0},
        {STR_INIT("גן"), {.whole_word = true}, STR_INIT("גן\u05B8"), NULL, 0},
        {STR_INIT("cat"), {.whole_word = true}, STR_INIT("catnap concat cat_ cat"), "cat", 0},
        {STR_INIT("cat"), {.whole_word = true}, STR_INIT("שלוםcat"), NULL, 0},
        {STR_INIT("C++"), {.whole_word = true}, STR_INIT("use C++!"), "C++", 0},
        {STR_INIT("Practice"), {0}, STR_INIT("practice"), NULL, 0}, /* Case-sensitive. */
        {STR_INIT("Practice"), {.fold = FOLD_CASE}, STR_INIT("my PRACTICE"), "PRACTICE", 0},
        {STR_INIT("שלום"), {0}, STR_INIT("שָׁלוֹם"), NULL, 0},
        {STR_INIT("שלום"), {.fold = FOLD_SEARCH}, STR_INIT("אמר שָׁלוֹם לי"), "שָׁלוֹם", 0},
        {STR_INIT("צה\"ל"), {.fold = FOLD_SEARCH}, STR_INIT("צה״ל"), "צה״ל", 0},
        {STR_INIT("תל-אביב"), {.fold = FOLD_SEARCH}, STR_INIT("תל־אביב"), "תל־אביב", 0},
        {STR_INIT("strasse"),
         {.fold = FOLD_SEARCH, .whole_word = true},
         STR_INIT("Die Straße."),
         "Straße",
         0},
        {STR_INIT("a,ab,abc"), {0}, STR_INIT("xabc"), "a", 0},
        {STR_INIT("abc,bc,c"), {0}, STR_INIT("xabc"), "abc", 0}, /* The longest at one end. */
        {STR_INIT("she,he,hers"), {0}, STR_INIT("ushers"), "she", 0},
        {STR_INIT("abcd,bc"), {0}, STR_INIT("abcx"), "bc", 1}, /* Found by falling back. */
        {STR_INIT("x,,y"), {0}, STR_INIT("y"), "y", 1}, /* Empty parts of a list do not count. */
        {STR_INIT(""), {0}, STR_INIT("anything"), NULL, 0},
        {STR_INIT(" , "), {0}, STR_INIT(" , "), NULL, 0},
        {STR_INIT("x"), {0}, STR_INIT(""), NULL, 0},
        {STR_INIT("b"), {0}, STR_INIT("a\0b"), "b", 0},
        {STR_INIT("ש"), {0}, STR_INIT("\xFF\xD7\xFF\xD7\xA9"), "ש", 0},
        {STR_INIT("מ"), {.fold = FOLD_SEARCH}, STR_INIT("\xFFם"), "ם", 0},
        {STR_INIT("same,same"), {0}, STR_INIT("same"), "same", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct keywords *keywords = open_list(cases[i].list, cases[i].options);
        struct keywords_hit hit;
        struct err err = {0};
        assert_true(keywords_find(keywords, &arena, cases[i].text, &hit, &err));
        if (hit.found != (cases[i].where != NULL)) {
            fail_msg("case %zu", i);
        }
        if (hit.found) {
            assert_str_equal(hit.where, str_of(cases[i].where));
            assert_true(hit.where.ptr >= cases[i].text.ptr);
            assert_int_equal(hit.word, cases[i].word);
        }
        keywords_close(keywords);
        arena_reset(&arena);
    }
}

static void test_all_hits(void **state)
{
    (void)state;
    struct keywords *keywords = open_list(STR("he,she,his,hers,s"), (struct keywords_options){0});
    static const struct {
        size_t word;
        size_t from;
    } expected[] = {{4, 1}, {1, 1}, {0, 2}, {3, 2}, {4, 5}};
    struct str text = STR("ushers");
    struct keywords_scan scan;
    struct keywords_hit hit;
    struct err err = {0};
    assert_true(keywords_scan_start(&scan, keywords, NULL, text, &err));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(keywords_scan_next(&scan, &hit));
        assert_int_equal(hit.word, expected[i].word);
        assert_int_equal(hit.where.ptr - text.ptr, expected[i].from);
    }
    assert_false(keywords_scan_next(&scan, &hit));
    assert_false(keywords_scan_next(&scan, &hit));
    assert_int_equal(keywords_count(keywords), 5);
    keywords_close(keywords);
}

static bool is_word_part(struct str text, size_t from, size_t to)
{
    uint32_t code = 0;
    return (utf8_previous(text, from, &code) > 0 && unicode_is_word(code)) ||
           (utf8_next(text, to, &code) > 0 && unicode_is_word(code));
}

/* Hits by the definition: every end, the longest first, each distinct word once. */
static size_t naive_next(const struct str *words, size_t count, struct str text, bool whole,
                         size_t *end, size_t *len_below)
{
    for (; *end <= text.len; (*end)++, *len_below = SIZE_MAX) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < count; i++) {
            size_t len = words[i].len;
            bool longer = best == SIZE_MAX || len > words[best].len;
            if (len == 0 || len > *end || len >= *len_below || !longer ||
                !str_equal(str_slice(text, *end - len, *end), words[i]) ||
                (whole && is_word_part(text, *end - len, *end))) {
                continue;
            }
            best = i;
        }
        if (best != SIZE_MAX) {
            *len_below = words[best].len;
            return best;
        }
    }
    return SIZE_MAX;
}

static struct str random_word(struct rng *rng, size_t len_min, size_t len_max)
{
    static const char *const letters[] = {"א", "ב", "ב", "a", "b", " ", "é", "😀"};
    size_t count = len_min + (size_t)rng_below(rng, len_max - len_min + 1);
    char *text = arena_bytes(&arena, 4 * count + 1);
    assert_non_null(text);
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        const char *letter = letters[rng_below(rng, COUNT(letters))];
        memcpy(text + len, letter, strlen(letter));
        len += strlen(letter);
    }
    return (struct str){text, len};
}

static void test_random_against_naive(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 3);
    size_t hits = 0;
    for (int round = 0; round < 10000; round++) {
        struct str words[12];
        size_t count = (size_t)rng_below(&rng, COUNT(words) + 1);
        size_t len_min = (size_t)rng_below(&rng, 4); /* The filter needs words of three bytes. */
        for (size_t i = 0; i < count; i++) {
            words[i] = random_word(&rng, len_min, len_min + 4);
        }
        struct str text = random_word(&rng, 0, 40);
        struct keywords_options options = {.whole_word = rng_chance(&rng, 40)};
        struct keywords *keywords = NULL;
        struct err err = {0};
        assert_true(keywords_open(&keywords, words, count, options, &err));
        struct keywords_hit first;
        assert_true(keywords_find(keywords, NULL, text, &first, &err));
        struct keywords_scan scan;
        struct keywords_hit hit;
        assert_true(keywords_scan_start(&scan, keywords, NULL, text, &err));
        size_t end = 0;
        size_t len_below = SIZE_MAX;
        for (size_t nth = 0;; nth++) {
            size_t word = naive_next(words, count, text, options.whole_word, &end, &len_below);
            assert_int_equal(keywords_scan_next(&scan, &hit), word != SIZE_MAX);
            if (nth == 0) {
                assert_int_equal(first.found, hit.found);
            }
            if (word == SIZE_MAX) {
                break;
            }
            hits++;
            assert_int_equal(hit.word, word);
            assert_ptr_equal(hit.where.ptr, text.ptr + end - words[word].len);
            if (nth == 0) {
                assert_int_equal(first.word, word);
                assert_ptr_equal(first.where.ptr, hit.where.ptr);
            }
        }
        keywords_close(keywords);
        arena_reset(&arena);
    }
    assert_true(hits > 10000);
}

/* Random bytes through every option: nothing is read outside, hits lie inside. */
static void test_random_bytes(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 4);
    struct keywords_options options[] = {
        {0}, {.whole_word = true}, {.fold = FOLD_SEARCH}, {.whole_word = true, .fold = FOLD_NAME}};
    for (size_t i = 0; i < COUNT(options); i++) {
        struct keywords *keywords = open_list(STR("א,של,a,ss,\",שלום עולם,é"), options[i]);
        for (int round = 0; round < 5000; round++) {
            size_t len = (size_t)rng_below(&rng, 40);
            char *exact = malloc(len + 1);
            assert_non_null(exact);
            static const char bytes[] = "\xD7\xD7\xD7\x90\xA9\x9C as\xC3\x9F\xA9\xFF\xB8\xD6'";
            for (size_t at = 0; at < len; at++) {
                exact[at] = bytes[rng_below(&rng, sizeof bytes)];
            }
            struct keywords_scan scan;
            struct keywords_hit hit;
            struct err err = {0};
            struct str text = {exact, len};
            assert_true(keywords_scan_start(&scan, keywords, &arena, text, &err));
            size_t hits = 0;
            while (keywords_scan_next(&scan, &hit)) {
                assert_true(hit.where.ptr >= exact && hit.where.ptr + hit.where.len <= exact + len);
                assert_true(++hits < 1000);
            }
            assert_true(keywords_find(keywords, &arena, text, &hit, &err));
            assert_int_equal(hit.found, hits > 0);
            free(exact);
            arena_reset(&arena);
        }
        keywords_close(keywords);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct keywords *keywords = NULL;
    struct err err = {0};
    struct keywords_options plain = {0};
    static char text[KEYWORDS_BYTES_MAX + 1];
    memset(text, 'a', sizeof text);
    struct str word = {text, sizeof text};
    assert_false(keywords_open(&keywords, &word, 1, plain, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    word.len--;
    assert_true(keywords_open(&keywords, &word, 1, plain, &err));
    struct keywords_hit hit;
    assert_true(keywords_find(keywords, NULL, (struct str){text, sizeof text}, &hit, &err));
    assert_true(hit.found && hit.where.len == KEYWORDS_BYTES_MAX);
    keywords_close(keywords);

    static struct str words[KEYWORDS_COUNT_MAX + 1];
    for (size_t i = 0; i < COUNT(words); i++) {
        words[i] = STR("w");
    }
    assert_false(keywords_open(&keywords, words, COUNT(words), plain, &err));
    assert_true(keywords_open(&keywords, words, COUNT(words) - 1, plain, &err));
    keywords_close(keywords);
    static char list[2 * (KEYWORDS_COUNT_MAX + 1)];
    for (size_t i = 0; i < sizeof list; i += 2) {
        memcpy(list + i, "w,", 2);
    }
    assert_false(keywords_open_list(&keywords, (struct str){list, sizeof list}, plain, &err));
    assert_true(keywords_open_list(&keywords, (struct str){list, sizeof list - 2}, plain, &err));
    keywords_close(keywords);

    /* A word of every byte there can be, and many rows of them: the table has a limit too. */
    size_t len = 0;
    for (uint32_t code = 1; len < sizeof text - UTF8_LEN_MAX; code = code * 7 % 0x10FFFF + 1) {
        len += utf8_encode(code, text + len);
    }
    word = (struct str){text, len};
    assert_false(keywords_open(&keywords, &word, 1, plain, &err));
    assert_non_null(strstr(err.text, "table"));

    struct str bad[] = {STR_INIT("ok"), STR_INIT("\xFF")};
    assert_false(keywords_open(&keywords, bad, 2, plain, &err));
    assert_non_null(strstr(err.text, "word 2"));
    struct arena tiny;
    arena_init(&tiny, 16);
    keywords = open_list(STR("שלום"), (struct keywords_options){.fold = FOLD_SEARCH});
    err = (struct err){0};
    assert_false(keywords_find(keywords, &tiny, STR("שלום שלום שלום"), &hit, &err));
    assert_int_equal(err.kind, ERR_RETRY); /* The message is none the worse for it. */
    keywords_close(keywords);
    arena_free(&tiny);
}

static bool fail_nth(void *context)
{
    int *left = context;
    return --*left == 0;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    bool opened = false;
    for (int nth = 1; nth < 50 && !opened; nth++) {
        int left = nth;
        struct keywords *keywords = NULL;
        struct err err = {0};
        mem_fault_set(fail_nth, &left);
        opened = keywords_open_list(&keywords, STR("א,ב"),
                                    (struct keywords_options){.fold = FOLD_NAME}, &err);
        mem_fault_set(NULL, NULL);
        assert_true(opened || (keywords == NULL && err.kind == ERR_RETRY));
        keywords_close(keywords);
    }
    assert_true(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_hit),
        cmocka_unit_test(test_all_hits),
        cmocka_unit_test(test_random_against_naive),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
