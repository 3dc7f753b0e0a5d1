/* digest and hmac: the published vectors, streaming in all cuts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "crypto/digest.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
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

static struct str repeated(char letter, size_t count)
{
    char *bytes = arena_bytes(&arena, count);
    memset(bytes, letter, count);
    return (struct str){bytes, count};
}

/* RFC 1321, FIPS 180-4 and its examples. */
static void published_digests(void **state)
{
    (void)state;
    static const struct {
        enum digest_kind kind;
        struct str text;
        const char *hex;
    } cases[] = {
        {DIGEST_MD5, STR_INIT(""), "d41d8cd98f00b204e9800998ecf8427e"},
        {DIGEST_MD5, STR_INIT("abc"), "900150983cd24fb0d6963f7d28e17f72"},
        {DIGEST_MD5, STR_INIT("message digest"), "f96b697d7cb7938d525a2f31aaf161d0"},
        {DIGEST_SHA1, STR_INIT(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {DIGEST_SHA1, STR_INIT("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {DIGEST_SHA1, STR_INIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {DIGEST_SHA256, STR_INIT(""),
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {DIGEST_SHA256, STR_INIT("abc"),
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {DIGEST_SHA256, STR_INIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {DIGEST_SHA512, STR_INIT("abc"),
         "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
        {DIGEST_SHA512, STR_INIT(""),
         "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
         "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
    };
    char hex[DIGEST_HEX_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str got = digest_hex(cases[i].kind, cases[i].text, hex);
        assert_string_equal(got.ptr, cases[i].hex);
        assert_int_equal(got.len, 2 * digest_size(cases[i].kind));
    }
    assert_string_equal(digest_hex(DIGEST_SHA256, repeated('a', 1000000), hex).ptr,
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_string_equal(digest_hex(DIGEST_SHA1, repeated('a', 1000000), hex).ptr,
                        "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    assert_string_equal(digest_hex(DIGEST_SHA256, (struct str){0}, hex).ptr,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void pieces_give_the_same(void **state)
{
    (void)state;
    static char text[700];
    struct rng rng;
    rng_seed(&rng, 5);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)rng_next(&rng);
    }
    for (int kind = DIGEST_SHA256; kind <= DIGEST_MD5; kind++) {
        for (int round = 0; round < 300; round++) {
            size_t len = rng_below(&rng, sizeof text);
            char whole[DIGEST_SIZE_MAX];
            char parts[DIGEST_SIZE_MAX];
            struct digest digest;
            digest_init(&digest, (enum digest_kind)kind);
            for (size_t at = 0; at < len;) {
                size_t part = 1 + rng_below(&rng, len - at);
                digest_add(&digest, (struct str){text + at, part});
                at += part;
                (void)digest_value(&digest, parts); /* Looking does not disturb. */
            }
            struct str a = digest_of((enum digest_kind)kind, (struct str){text, len}, whole);
            assert_true(str_equal(a, digest_value(&digest, parts)));
        }
    }
}

/* RFC 2202 and RFC 4231. */
static void published_hmacs(void **state)
{
    (void)state;
    const struct str long_key = repeated('\xAA', 131);
    const struct str key_80 = repeated('\xAA', 80);
    const struct str key_0b = repeated('\x0B', 20);
    const struct {
        enum digest_kind kind;
        struct str key;
        struct str text;
        const char *hex;
    } cases[] = {
        {DIGEST_SHA256, key_0b, STR("Hi There"),
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {DIGEST_SHA256, STR("Jefe"), STR("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {DIGEST_SHA256, long_key, STR("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {DIGEST_SHA512, STR("Jefe"), STR("what do ya want for nothing?"),
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
         "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
        {DIGEST_SHA1, key_0b, STR("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00"},
        {DIGEST_SHA1, STR("Jefe"), STR("what do ya want for nothing?"),
         "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {DIGEST_SHA1, key_80, STR("Test Using Larger Than Block-Size Key - Hash Key First"),
         "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
        {DIGEST_MD5, STR("Jefe"), STR("what do ya want for nothing?"),
         "750c783e6ab0b503eaa86e310a5db738"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[DIGEST_SIZE_MAX];
        char hex[DIGEST_HEX_MAX] = "";
        struct str got = hmac_of(cases[i].kind, cases[i].key, cases[i].text, out);
        encode_hex_into(got, hex);
        hex[2 * got.len] = '\0';
        assert_string_equal(hex, cases[i].hex);
        struct str value = {0};
        assert_true(encode_from_hex(&arena, str_of(cases[i].hex), &value, &err));
        assert_true(hmac_check(cases[i].kind, cases[i].key, cases[i].text, value));
        assert_false(hmac_check(cases[i].kind, cases[i].key, STR("other"), value));
        assert_false(hmac_check(cases[i].kind, cases[i].key, cases[i].text,
                                str_slice(value, 0, value.len - 1)));
        assert_false(hmac_check(cases[i].kind, cases[i].key, cases[i].text, (struct str){0}));
    }
    char out[DIGEST_SIZE_MAX];
    char hex[DIGEST_HEX_MAX] = "";
    encode_hex_into(hmac_of(DIGEST_SHA256, (struct str){0}, (struct str){0}, out), hex);
    assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(published_digests, setup, teardown),
        cmocka_unit_test_setup_teardown(pieces_give_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(published_hmacs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
