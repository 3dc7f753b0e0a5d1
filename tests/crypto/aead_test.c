/* aead and hkdf: the published vectors, every bit flipped, contexts that are bound. */
#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/encode.h"
#include "crypto/hkdf.h"
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

static struct str unhex(const char *text)
{
    struct str bytes = {0};
    assert_true(encode_from_hex(&arena, str_of(text), &bytes, &err));
    return bytes;
}

static struct aead_key key_of(unsigned char first)
{
    struct aead_key key;
    for (size_t i = 0; i < sizeof key.bytes; i++) {
        key.bytes[i] = (unsigned char)(first + i);
    }
    return key;
}

/* RFC 8439, 2.8.2. */
static void the_published_sealing(void **state)
{
    (void)state;
    static const char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
                               "only one tip for the future, sunscreen would be it.";
    struct aead_key key = key_of(0x80);
    struct str nonce = unhex("070000004041424344454647");
    struct str context = unhex("50515253c0c1c2c3c4c5c6c7");
    struct str want = unhex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                            "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                            "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                            "3ff4def08e4b7a9de576d26586cec64b6116");
    struct str tag_want = unhex("1ae10b594f09e26a7e902ecbd0600691");
    char bytes[sizeof text - 1];
    unsigned char tag[AEAD_TAG_SIZE];
    unsigned char number[AEAD_NONCE_SIZE];
    memcpy(number, nonce.ptr, sizeof number);
    memcpy(bytes, text, sizeof bytes);
    aead_seal_at(&key, number, context, bytes, sizeof bytes, tag);
    assert_memory_equal(bytes, want.ptr, want.len);
    assert_memory_equal(tag, tag_want.ptr, sizeof tag);
    assert_true(aead_open_at(&key, number, context, bytes, sizeof bytes, tag));
    assert_memory_equal(bytes, text, sizeof bytes);
    tag[15] ^= 1;
    assert_false(aead_open_at(&key, number, context, bytes, sizeof bytes, tag));
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(bytes[i], 0);
    }
}

static void what_was_changed_stays_shut(void **state)
{
    (void)state;
    struct aead_key key = key_of(1);
    struct aead_key other = key_of(2);
    const struct str texts[] = {STR(""), STR("a"), STR("a session of 63 bytes or so, all secret")};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        struct str sealed = {0};
        struct str again = {0};
        struct str plain = {0};
        assert_true(aead_seal(&arena, &key, STR("here"), texts[t], &sealed, &err));
        assert_true(aead_seal(&arena, &key, STR("here"), texts[t], &again, &err));
        assert_int_equal(sealed.len, texts[t].len + AEAD_OVERHEAD);
        assert_false(str_equal(sealed, again)); /* Another nonce. */
        assert_true(aead_open(&arena, &key, STR("here"), sealed, &plain, &err));
        assert_true(str_equal(plain, texts[t]));
        plain = (struct str){0};
        assert_false(aead_open(&arena, &key, STR("there"), sealed, &plain, &err));
        assert_false(aead_open(&arena, &other, STR("here"), sealed, &plain, &err));
        char *copy = malloc(sealed.len);
        assert_non_null(copy);
        for (size_t bit = 0; bit < sealed.len * 8; bit++) {
            memcpy(copy, sealed.ptr, sealed.len);
            copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
            assert_false(
                aead_open(&arena, &key, STR("here"), (struct str){copy, sealed.len}, &plain, &err));
        }
        for (size_t len = 0; len < sealed.len; len++) {
            assert_false(
                aead_open(&arena, &key, STR("here"), (struct str){copy, len}, &plain, &err));
            assert_int_equal(err.kind, ERR_REJECT);
        }
        assert_null(plain.ptr);
        free(copy);
    }
}

static void lost_memory_is_an_error(void **state)
{
    (void)state;
    struct arena tight;
    struct aead_key key = key_of(1);
    struct str sealed = {0};
    struct str plain = {0};
    arena_init(&tight, 30);
    assert_false(aead_seal(&tight, &key, STR(""), STR("12345678"), &sealed, &err));
    assert_true(
        aead_seal(&arena, &key, STR(""), STR("a text of more than thirty bytes"), &sealed, &err));
    assert_false(aead_open(&tight, &key, STR(""), sealed, &plain, &err));
    assert_null(plain.ptr);
    arena_free(&tight);
}

/* RFC 5869, cases 1 to 3. */
static void published_derivations(void **state)
{
    (void)state;
    char long_secret[80];
    char long_salt[80];
    char long_purpose[80];
    for (int i = 0; i < 80; i++) {
        long_secret[i] = (char)i;
        long_salt[i] = (char)(0x60 + i);
        long_purpose[i] = (char)(0xB0 + i);
    }
    const struct str ikm = unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    const struct {
        struct str secret;
        struct str salt;
        struct str purpose;
        const char *hex;
    } cases[] = {
        {ikm, unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9"),
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {{long_secret, 80},
         {long_salt, 80},
         {long_purpose, 80},
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
         "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
         "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {ikm,
         {0},
         {0},
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str want = unhex(cases[i].hex);
        char out[100];
        hkdf_derive(cases[i].secret, cases[i].salt, cases[i].purpose, out, want.len);
        assert_memory_equal(out, want.ptr, want.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_published_sealing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_changed_stays_shut, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_memory_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(published_derivations, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
