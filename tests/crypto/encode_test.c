/* encode and token: RFC 4648's vectors, one text a value, random bytes there and back. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "crypto/encode.h"
#include "crypto/token.h"
#include "test.h"

static struct arena arena;
static struct err err;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 32 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

struct codec {
    void (*write)(struct buf *buf, struct str bytes);
    bool (*read)(struct arena *memory, struct str text, struct str *bytes, struct err *why);
};

static const struct codec hex = {encode_hex, encode_from_hex};
static const struct codec base64 = {encode_base64, encode_from_base64};
static const struct codec base64url = {encode_base64url, encode_from_base64url};

static struct str written(const struct codec *codec, struct str bytes)
{
    struct buf buf;
    buf_init(&buf, &arena, 0);
    codec->write(&buf, bytes);
    return buf_str(&buf);
}

static void published_texts(void **state)
{
    (void)state;
    static const struct {
        const struct codec *codec;
        struct str bytes;
        const char *text;
    } cases[] = {
        {&base64, STR_INIT(""), ""},
        {&base64, STR_INIT("f"), "Zg=="},
        {&base64, STR_INIT("fo"), "Zm8="},
        {&base64, STR_INIT("foo"), "Zm9v"},
        {&base64, STR_INIT("foob"), "Zm9vYg=="},
        {&base64, STR_INIT("fooba"), "Zm9vYmE="},
        {&base64, STR_INIT("foobar"), "Zm9vYmFy"},
        {&base64, STR_INIT("\xFB\xEF\xFF"), "++//"},
        {&base64url, STR_INIT("\xFB\xEF\xFF"), "--__"},
        {&base64url, STR_INIT("f"), "Zg"},
        {&base64url, STR_INIT("fo"), "Zm8"},
        {&base64url, STR_INIT("\x14\xFB\x9C\x03\xD9\x7E"), "FPucA9l-"},
        {&hex, STR_INIT(""), ""},
        {&hex, STR_INIT("\x00\x7F\xFF\xA0"), "007fffa0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str back = {0};
        assert_string_equal(written(cases[i].codec, cases[i].bytes).ptr, cases[i].text);
        assert_true(cases[i].codec->read(&arena, str_of(cases[i].text), &back, &err));
        assert_true(str_equal(back, cases[i].bytes));
        assert_non_null(back.ptr);
    }
    struct str back = {0};
    assert_true(encode_from_hex(&arena, STR("AbCdEf"), &back, &err));
    assert_true(str_equal(back, STR("\xAB\xCD\xEF")));
}

static void loose_texts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const struct codec *codec;
        struct str text;
    } cases[] = {
        {&base64, STR_INIT("Zg")},       {&base64, STR_INIT("Zg=")},
        {&base64, STR_INIT("Zg===")},    {&base64, STR_INIT("=")},
        {&base64, STR_INIT("====")},     {&base64, STR_INIT("Z===")},
        {&base64, STR_INIT("Zh==")},     {&base64, STR_INIT("Zm9=")},
        {&base64, STR_INIT("Zg==Zg==")}, {&base64, STR_INIT("Z=g=")},
        {&base64, STR_INIT("Zm9v\n")},   {&base64, STR_INIT(" Zm9v")},
        {&base64, STR_INIT("Zm9v    ")}, {&base64, STR_INIT("--__")},
        {&base64, STR_INIT("Zm\0v")},    {&base64, STR_INIT("Zm\xC3\xA9")},
        {&base64url, STR_INIT("Zg==")},  {&base64url, STR_INIT("Z")},
        {&base64url, STR_INIT("Zm9vZ")}, {&base64url, STR_INIT("++//")},
        {&base64url, STR_INIT("Zh")},    {&base64url, STR_INIT("Zm9")},
        {&hex, STR_INIT("0")},           {&hex, STR_INIT("0g")},
        {&hex, STR_INIT("g0")},          {&hex, STR_INIT("0x12")},
        {&hex, STR_INIT("12 3")},        {&hex, STR_INIT("1\0")},
        {&hex, STR_INIT("@@")},          {&hex, STR_INIT("``")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str back = {0};
        memset(&err, 0, sizeof err);
        assert_false(cases[i].codec->read(&arena, cases[i].text, &back, &err));
        assert_int_equal(err.kind, ERR_REJECT);
        assert_null(back.ptr);
    }
    struct arena tight;
    arena_init(&tight, 2);
    struct str back = {0};
    assert_false(encode_from_base64(&tight, STR("Zm9vYmFy"), &back, &err));
    assert_false(encode_from_hex(&tight, STR("0011223344"), &back, &err));
    arena_free(&tight);
}

/* What is accepted is the one text of its value: written again it is the same. */
static void one_text_a_value(void **state)
{
    (void)state;
    static const char letters[] = "ABCDwxyz0189+/-_=afAF \n";
    const struct codec *const codecs[] = {&base64, &base64url};
    struct rng rng;
    rng_seed(&rng, 9);
    int accepted = 0;
    for (int round = 0; round < 60000; round++) {
        size_t len = rng_below(&rng, 9);
        char *text = malloc(len + 1);
        assert_non_null(text);
        for (size_t i = 0; i < len; i++) {
            text[i] = letters[rng_below(&rng, sizeof letters - 1)];
        }
        const struct codec *codec = codecs[round % 2];
        struct str back = {0};
        if (codec->read(&arena, (struct str){text, len}, &back, &err)) {
            assert_true(str_equal(written(codec, back), (struct str){text, len}));
            accepted++;
        }
        free(text);
        arena_reset(&arena);
    }
    assert_in_range(accepted, 1000, 40000);
}

static void random_bytes_come_back(void **state)
{
    (void)state;
    const struct codec *const codecs[] = {&hex, &base64, &base64url};
    struct rng rng;
    rng_seed(&rng, 10);
    for (int round = 0; round < 3000; round++) {
        size_t len = rng_below(&rng, 100);
        char bytes[100];
        for (size_t i = 0; i < len; i++) {
            bytes[i] = (char)rng_next(&rng);
        }
        for (size_t k = 0; k < 3; k++) {
            struct str back = {0};
            struct str text = written(codecs[k], (struct str){bytes, len});
            assert_true(codecs[k]->read(&arena, text, &back, &err));
            assert_true(str_equal(back, (struct str){bytes, len}));
        }
        arena_reset(&arena);
    }
}

static void tokens_differ(void **state)
{
    (void)state;
    char seen[500][TOKEN_TEXT_SIZE];
    int letters[256] = {0};
    for (int i = 0; i < 500; i++) {
        struct str token = token_make(seen[i]);
        assert_int_equal(token.len, TOKEN_TEXT_SIZE - 1);
        struct str part = str_slice(token, 0, 40); /* Whole fours are base64url of any bits. */
        struct str bytes = {0};
        assert_true(encode_from_base64url(&arena, part, &bytes, &err));
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(seen[k], seen[i]);
        }
        for (size_t k = 0; k < token.len; k++) {
            letters[(unsigned char)token.ptr[k]]++;
        }
    }
    for (const char *c = "AZaz09-_"; *c != '\0'; c++) { /* 336 of each are expected. */
        assert_in_range(letters[(unsigned char)*c], 200, 500);
    }
    char zeros[1000] = {0};
    token_random(zeros, sizeof zeros);
    size_t nonzero = 0;
    for (size_t i = 0; i < sizeof zeros; i++) {
        nonzero += zeros[i] != 0;
    }
    assert_true(nonzero > 900);
    token_wipe(zeros, sizeof zeros);
    assert_true(zeros[0] == 0 && memcmp(zeros, zeros + 1, sizeof zeros - 1) == 0);
}

static void tokens_are_compared(void **state)
{
    (void)state;
    assert_true(token_equal(STR("abc"), STR("abc")));
    assert_false(token_equal(STR("abc"), STR("abd")));
    assert_false(token_equal(STR("abc"), STR("bbc")));
    assert_false(token_equal(STR("abc"), STR("ab")));
    assert_false(token_equal(STR("ab\0"), STR("ab")));
    assert_false(token_equal(STR("ab"), STR("ab\0")));
    assert_true(token_equal(STR(""), STR("")));
    assert_false(token_equal((struct str){0}, (struct str){0}));
    assert_false(token_equal(STR(""), (struct str){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(published_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(loose_texts_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(one_text_a_value, setup, teardown),
        cmocka_unit_test_setup_teardown(random_bytes_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(tokens_differ, setup, teardown),
        cmocka_unit_test(tokens_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
