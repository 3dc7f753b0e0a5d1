/* document: BSON byte by byte, and what may become a field's name. */
#include <string.h>

#include "crypto/encode.h"
#include "db/document.h"
#include "test.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static bool build(const char *json, bool query, struct str *hex, struct err *err)
{
    struct buf buf;
    struct buf text;
    struct document doc;
    struct str bytes = {0};
    struct str key;
    struct json_iter iter;
    const struct json_value *root = NULL;
    const struct json_value *item = NULL;
    bool ok = json_parse(&arena, str_of(json), NULL, &root, err);
    buf_init(&buf, &arena, 0);
    buf_init(&text, &arena, 0);
    document_begin(&doc, &buf);
    json_iter_init(&iter, root);
    while (ok && json_next(&iter, &key, &item)) {
        ok = query ? document_query(&doc, key, item, err) : document_json(&doc, key, item, err);
    }
    if (!ok || !document_end(&doc, DOCUMENT_BYTES_MAX, &bytes, err)) {
        return false;
    }
    encode_hex(&text, bytes);
    *hex = buf_str(&text);
    return true;
}

/* The first is the example of the specification; the others were made by another driver. */
static void known_bytes(void **state)
{
    static const struct {
        const char *json;
        const char *hex;
    } cases[] = {
        {"{\"hello\":\"world\"}", "160000000268656c6c6f0006000000776f726c640000"},
        {"{}", "0500000000"},
        {"{\"BSON\":[\"awesome\",5.05,1986]}", "310000000442534f4e002600000002300008000000617765736"
                                               "f6d65000131003333333333331440103200c207"
                                               "00000000"},
        {"{\"a\":{\"b\":true,\"c\":null,\"d\":-1}}",
         "1b00000003610013000000086200010a6300106400ffffffff0000"},
        {"{\"n\":2147483648}", "10000000126e00000000800000000000"},
        {"{\"n\":-2147483648}", "0c000000106e000000008000"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct str hex = {0};
        assert_true(build(cases[i].json, false, &hex, &err));
        assert_str_equal(hex, str_of(cases[i].hex));
    }
}

/* Whatever data says, it does not become an operator. */
static void operators_stay_out(void **state)
{
    static const char *const bad[] = {
        "{\"$set\":{\"a\":1}}",
        "{\"a\":{\"$gt\":0}}",
        "{\"a\":[{\"b\":{\"$where\":1}}]}",
        "{\"a.b\":1}",
        "{\"\":1}",
        "{\"a\":{\"\":1}}",
        "{\"a\\u0000b\":1}",
        "{\"a\":{\"$date\":\"2025-01-01T00:00:00Z\"}}",
        "{\"a\":18446744073709551615}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err err = {0};
        struct str hex = {0};
        if (build(bad[i], false, &hex, &err) || err.kind != ERR_REJECT) {
            fail_msg("%s: \"%s\"", bad[i], err.text);
        }
    }
    struct err err = {0};
    struct str hex = {0};
    assert_true(build("{\"a\":{\"$gt\":0}}", true, &hex, &err));
    assert_true(build("{\"a\":{\"$date\":\"1970-01-01T00:00:01Z\"}}", true, &hex, &err));
    assert_str_equal(hex, STR("10000000096100e80300000000000000"));
    assert_true(build("{\"a\":{\"$oid\":\"0123456789abcdef01234567\"}}", true, &hex, &err));
    assert_str_equal(hex, STR("140000000761000123456789abcdef0123456700"));
    assert_true(build("{\"price\":\"$5\",\"a\":\"x.y\"}", false, &hex, &err)); /* Values may. */
}

static void too_large(void **state)
{
    struct buf buf;
    struct document doc;
    struct err err = {0};
    struct str bytes = {0};
    (void)state;
    size_t len = DOCUMENT_BYTES_MAX;
    char *big = arena_bytes(&arena, len);
    memset(big, 'x', len);
    buf_init(&buf, &arena, 0);
    document_begin(&doc, &buf);
    document_str(&doc, STR("a"), (struct str){big, len});
    assert_false(document_end(&doc, DOCUMENT_BYTES_MAX, &bytes, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_non_null(strstr(err.text, "larger than MongoDB takes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes),
        cmocka_unit_test(operators_stay_out),
        cmocka_unit_test(too_large),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
