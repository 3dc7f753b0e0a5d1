/* json: strict reading with places, canonical writing, hostile texts, lost memory. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "test.h"
#include "text/json.h"
#include "text/utf8.h"

static struct arena arena;
static struct err err;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 256 << 20);
    memset(&err, 0, sizeof err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mem_fault_set(NULL, NULL);
    arena_free(&arena);
    return 0;
}

static const struct json_value *parse(const char *text)
{
    const struct json_value *root = NULL;
    if (!json_parse(&arena, str_of(text), NULL, &root, &err)) {
        print_message("%s: %s\n", text, err.text);
    }
    assert_non_null(root);
    return root;
}

static void values_are_found(void **state)
{
    (void)state;
    const struct json_value *root =
        parse("\xEF\xBB\xBF {\"a\":{\"b\":[1,-2,{\"c\":\"שלום\"}]},\"t\":true,\"n\":null,"
              "\"d\":1.5,\"\":0,\"e\":\"x\\u0000y\",\"empty\":\"\"}");
    int64_t number = 0;
    bool truth = false;
    double real = 0;
    assert_int_equal(json_kind(root), JSON_OBJECT);
    assert_int_equal(json_count(root), 7);
    assert_true(json_int(json_find(root, STR("a/b/1")), &number) && number == -2);
    assert_true(str_equal(json_str(json_find(root, STR("a/b/2/c"))), STR("שלום")));
    assert_true(json_bool(json_get(root, STR("t")), &truth) && truth);
    assert_int_equal(json_kind(json_get(root, STR("n"))), JSON_NULL);
    assert_true(json_double(json_get(root, STR("d")), &real) && real > 1.4 && real < 1.6);
    assert_true(json_int(json_get(root, STR("")), &number) && number == 0);
    assert_true(str_equal(json_str(json_get(root, STR("e"))), STR("x\0y")));
    struct str empty = json_str(json_get(root, STR("empty")));
    assert_true(empty.ptr != NULL && empty.len == 0);
}

/* Whatever is asked of what is not there, or is of another kind, the answer is "absent". */
static void absent_is_an_answer(void **state)
{
    (void)state;
    const struct json_value *root = parse("{\"s\":\"1\",\"i\":1,\"a\":[]}");
    const struct json_value *const odd[] = {
        NULL, root, json_get(root, STR("s")), json_get(root, STR("a")), json_get(root, STR("z")),
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        int64_t number = 77;
        uint64_t large = 77;
        double real = 77;
        bool truth = true;
        assert_false(json_int(odd[i], &number) || json_uint(odd[i], &large) ||
                     json_double(odd[i], &real) || json_bool(odd[i], &truth));
        assert_true(number == 77 && large == 77 && truth);
        assert_null(json_raw(odd[i]).ptr);
        assert_null(json_at(odd[i], 0));
        assert_null(json_get(odd[i], STR("nothing")));
        assert_null(json_get(odd[i], (struct str){0}));
        assert_null(json_find(odd[i], STR("x/y/z")));
    }
    assert_null(json_str(json_get(root, STR("i"))).ptr);
    assert_null(json_find(root, STR("a/0")));
    assert_null(json_find(root, STR("a/-1")));
    assert_int_equal(json_kind(NULL), JSON_ABSENT);
    assert_int_equal(json_count(NULL), 0);
    struct json_iter iter;
    const struct json_value *item = NULL;
    json_iter_init(&iter, NULL);
    assert_false(json_next(&iter, NULL, &item));
    json_iter_init(&iter, json_get(root, STR("s")));
    assert_false(json_next(&iter, NULL, &item));
}

static void iteration_keeps_order(void **state)
{
    (void)state;
    struct json_iter iter;
    struct str key;
    const struct json_value *item = NULL;
    char seen[64] = "";
    json_iter_init(&iter, parse("{\"z\":[1,[2]],\"a\":{\"q\":1},\"m\":3}"));
    while (json_next(&iter, &key, &item)) {
        (void)snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%.*s%d ", STR_ARG(key),
                       (int)json_kind(item));
    }
    assert_string_equal(seen, "z8 a9 m3 ");
    int64_t sum = 0;
    int64_t number = 0;
    json_iter_init(&iter, parse("[1,2,3,4]"));
    while (json_next(&iter, &key, &item) && json_int(item, &number)) {
        assert_null(key.ptr);
        sum = sum * 10 + number;
    }
    assert_int_equal(sum, 1234);
}

static void numbers_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum json_kind kind;
        bool fits;
        int64_t value;
    } cases[] = {
        {"0", JSON_INT, true, 0},
        {"-0", JSON_INT, true, 0},
        {"9223372036854775807", JSON_INT, true, INT64_MAX},
        {"-9223372036854775808", JSON_INT, true, INT64_MIN},
        {"9223372036854775808", JSON_UINT, false, 0},
        {"18446744073709551615", JSON_UINT, false, 0},
        {"18446744073709551616", JSON_BIG, false, 0},
        {"-9223372036854775809", JSON_BIG, false, 0},
        {"1e400", JSON_BIG, false, 0},
        {"3.0", JSON_DOUBLE, true, 3},
        {"-1e3", JSON_DOUBLE, true, -1000},
        {"3.5", JSON_DOUBLE, false, 0},
        {"9007199254740992.0", JSON_DOUBLE, true, 9007199254740992},
        {"9007199254740994.0", JSON_DOUBLE, false, 0},
        {"1e300", JSON_DOUBLE, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct json_value *value = parse(cases[i].text);
        int64_t number = 0;
        assert_int_equal(json_kind(value), cases[i].kind);
        assert_int_equal(json_int(value, &number), cases[i].fits);
        assert_int_equal(number, cases[i].value);
    }
    uint64_t large = 0;
    assert_true(json_uint(parse("18446744073709551615"), &large) && large == UINT64_MAX);
    assert_true(json_uint(parse("7"), &large) && large == 7);
    assert_false(json_uint(parse("-7"), &large));
    assert_true(str_equal(json_raw(parse("18446744073709551616")), STR("18446744073709551616")));
}

static void errors_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"", "empty"},
        {"  ", "empty"},
        {"{\n  \"a\": 1,\n  \"a\": 2}", "line 3, column 4 (byte 15): this key stands"},
        {"[\"ש\", x]", "line 1, column 7 (byte 7)"},
        {"{\"a\":1,}", "line 1, column 7 (byte 6): trailing comma"},
        {"[1] 2", "line 1, column 5"},
        {"// no\n1", "line 1, column 1"},
        {"[NaN]", "line 1, column 2"},
        {"[01]", "line 1, column"},
        {"[1", "line 1, column 3"},
        {"\"\xFF\"", "line 1, column 2"},
        {"\"\xED\xA0\x80\"", "line 1, column 2"},
        {"\"\xC0\xAF\"", "line 1, column 2"},
        {"\"\\ud800\"", "line 1, column"},
        {"\"a\nb\"", "line 1, column 3"},
        {"{1:2}", "line 1, column 2"},
        {"tru", "line 1, column"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct json_value *root = NULL;
        assert_false(json_parse(&arena, str_of(cases[i].text), NULL, &root, &err));
        assert_null(root);
        assert_int_equal(err.kind, ERR_REJECT);
        if (strstr(err.text, cases[i].says) == NULL) {
            fail_msg("%s: %s, not: %s", cases[i].text, err.text, cases[i].says);
        }
    }
    const struct json_value *root = NULL;
    assert_false(json_parse(&arena, STR("[1,\0 2]"), NULL, &root, &err));
    assert_false(json_parse(&arena, (struct str){0}, NULL, &root, &err));
}

static bool parse_nested(unsigned depth, const struct json_limits *limits)
{
    char text[1000];
    const struct json_value *root = NULL;
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return json_parse(&arena, (struct str){text, depth * 2}, limits, &root, &err);
}

static void limits_hold(void **state)
{
    (void)state;
    assert_true(parse_nested(JSON_DEPTH_MAX, NULL));
    assert_false(parse_nested(JSON_DEPTH_MAX + 1, NULL));
    assert_non_null(strstr(err.text, "column 49 (byte 48): it is nested too deeply"));
    struct json_limits limits = {.depth_max = 3, .size_max = 100};
    assert_true(parse_nested(3, &limits));
    assert_false(parse_nested(4, &limits));
    assert_false(parse_nested(51, &limits));
    assert_non_null(strstr(err.text, "102 bytes"));
    const struct json_value *root = NULL;
    const struct str siblings = STR("[[[]],[[]],{\"[[[[\\\"[[\":[]},[[1]],[[]]]");
    assert_true(json_parse(&arena, siblings, &limits, &root, &err));

    size_t huge = 2000000; /* A flood of brackets costs no stack. */
    char *flood = arena_bytes(&arena, huge);
    memset(flood, '[', huge);
    assert_false(json_parse(&arena, (struct str){flood, huge}, NULL, &root, &err));
    struct arena small;
    arena_init(&small, 1000);
    assert_false(json_parse(&small, (struct str){flood, huge}, NULL, &root, &err));
    assert_non_null(strstr(err.text, "memory"));
    arena_free(&small);
}

static void duplicate_keys_are_seen(void **state)
{
    (void)state;
    for (int count = 2; count < 300; count += 7) {
        struct buf buf;
        buf_init(&buf, &arena, 0);
        buf_add(&buf, STR("[{\"k0\":0},{"));
        for (int i = 0; i < count; i++) {
            buf_printf(&buf, "\"k%d\":%d,", i, i);
        }
        size_t len = buf.len;
        buf_add(&buf, STR("\"last\":{}}]"));
        const struct json_value *root = NULL;
        assert_true(json_parse(&arena, buf_str(&buf), NULL, &root, &err));
        assert_int_equal(json_count(json_at(root, 1)), count + 1);
        buf.len = len;
        buf_printf(&buf, "\"\\u006b%d\":{}}]", count / 2); /* Spelled otherwise, the same key. */
        root = NULL;
        assert_false(json_parse(&arena, buf_str(&buf), NULL, &root, &err));
        assert_non_null(strstr(err.text, "stands in the object already"));
        char place[32];
        (void)snprintf(place, sizeof place, "byte %zu", len + 1);
        assert_non_null(strstr(err.text, place));
        struct json_limits loose = {.allow_duplicate_keys = true};
        assert_true(json_parse(&arena, buf_str(&buf), &loose, &root, &err));
    }
}

/* ---- Writing ---- */

static struct str quoted(struct str text)
{
    struct buf buf;
    buf_init(&buf, &arena, 0);
    json_quote(&buf, text);
    return buf_str(&buf);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *out;
    } cases[] = {
        {STR_INIT(""), "\"\""},
        {STR_INIT("plain text of some length / here"), "\"plain text of some length / here\""},
        {STR_INIT("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {STR_INIT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
        {STR_INIT("\0\x01\x1F\x7F"), "\"\\u0000\\u0001\\u001f\x7F\""},
        {STR_INIT("שלום\xE2\x80\xA8עולם\xE2\x80\xA9"), "\"שלום\\u2028עולם\\u2029\""},
        {STR_INIT("😀€ж"), "\"😀€ж\""},
        {STR_INIT("a\xFF"
                  "b\xC3"),
         "\"a\xEF\xBF\xBD"
         "b\xEF\xBF\xBD\""},
        {STR_INIT("\xE2\x80"), "\"\xEF\xBF\xBD\""},
        {STR_INIT("\xC0\xAF\xED\xA0\x80"),
         "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {STR_INIT("1234567\"89012345\n"), "\"1234567\\\"89012345\\n\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str got = quoted(cases[i].in);
        assert_string_equal(got.ptr, cases[i].out);
    }
    assert_string_equal(quoted((struct str){0}).ptr, "\"\"");
}

/* A slow writer that is plainly right, to compare with. */
static struct str quoted_slowly(struct str text)
{
    struct buf buf;
    buf_init(&buf, &arena, 0);
    buf_add_byte(&buf, '"');
    for (size_t at = 0; at < text.len;) {
        uint32_t code = 0;
        size_t len = utf8_next(text, at, &code);
        static const char *const names[] = {
            ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
        if (code == UTF8_BAD) {
            buf_add(&buf, STR("\xEF\xBF\xBD"));
        } else if (code < 14 && names[code] != NULL) {
            buf_add(&buf, str_of(names[code]));
        } else if (code < 0x20 || code == 0x2028 || code == 0x2029) {
            buf_printf(&buf, "\\u%04x", (unsigned)code);
        } else if (code == '"' || code == '\\') {
            buf_printf(&buf, "\\%c", (char)code);
        } else {
            buf_add(&buf, str_slice(text, at, at + len));
        }
        at += len;
    }
    buf_add_byte(&buf, '"');
    return buf_str(&buf);
}

static void random_strings_come_back(void **state)
{
    (void)state;
    static const char *const parts[] = {"a",    "bcdefgh",  "\"",       "\\",      "\n",
                                        "\x01", "ש",        "€",        "😀",      "\xE2\x80\xA8",
                                        "\xFF", "\xE2\x80", "\xF0\x9F", "ijklmnop"};
    struct rng rng;
    rng_seed(&rng, 7);
    for (int round = 0; round < 20000; round++) {
        char text[200];
        size_t len = 0;
        for (uint64_t n = rng_below(&rng, 20); n > 0; n--) {
            const char *part = parts[rng_below(&rng, sizeof parts / sizeof parts[0])];
            memcpy(text + len, part, strlen(part));
            len += strlen(part);
        }
        char *exact = malloc(len + 1); /* So that ASan sees a byte too many. */
        assert_non_null(exact);
        memcpy(exact, text, len);
        struct str in = {exact, len};
        struct str got = quoted(in);
        assert_true(str_equal(got, quoted_slowly(in)));
        const struct json_value *root = NULL;
        assert_true(json_parse(&arena, got, NULL, &root, &err));
        struct str clean = utf8_valid(in) ? in : json_str(root);
        assert_true(str_equal(json_str(root), clean));
        assert_true(str_equal(quoted(json_str(root)), got)); /* Canonical: twice is the same. */
        free(exact);
        arena_reset(&arena);
    }
}

static void a_document_is_written(void **state)
{
    (void)state;
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, &arena, 0);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("drop"), STR("DR12345678"));
    json_field_int(&json, STR("n"), INT64_MIN);
    json_field_bool(&json, STR("t"), true);
    json_key(&json, STR("list"));
    json_array_begin(&json);
    json_put_null(&json);
    json_put_double(&json, 0.1);
    json_put_double(&json, 5.0);
    json_put_double(&json, (double)NAN);
    json_put_double(&json, (double)-INFINITY);
    json_put_uint(&json, UINT64_MAX);
    json_put_uint(&json, 7);
    json_put_raw(&json, STR("{\"raw\":1}"));
    json_array_begin(&json);
    json_array_end(&json);
    json_array_end(&json);
    json_key(&json, STR("empty"));
    json_object_begin(&json);
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    static const char want[] =
        "{\"drop\":\"DR12345678\",\"n\":-9223372036854775808,\"t\":true,\"list\":"
        "[null,0.1,5.0,null,null,18446744073709551615,7,{\"raw\":1},[]],\"empty\":{}}";
    assert_string_equal(buf_str(&buf).ptr, want);

    const struct json_value *root = parse(want);
    struct buf again;
    buf_init(&again, &arena, 0);
    json_writer_init(&json, &again);
    json_put_value(&json, root);
    json_writer_done(&json);
    assert_string_equal(buf_str(&again).ptr, want);
}

static void doubles_read_back(void **state)
{
    (void)state;
    char text[JSON_NUMBER_MAX];
    assert_string_equal(json_double_text(1e21, text).ptr, "1e21");
    assert_string_equal(json_double_text(-0.0, text).ptr, "-0.0");
    assert_string_equal(json_double_text(1.7976931348623157e308, text).ptr,
                        "1.7976931348623157e308");
    assert_string_equal(json_double_text(5e-324, text).ptr, "5e-324");
    struct rng rng;
    rng_seed(&rng, 3);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_next(&rng);
        double value = 0;
        double back = 0;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            assert_true(json_double(parse(json_double_text(value, text).ptr), &back));
            assert_memory_equal(&value, &back, sizeof value);
        }
        if (i % 1000 == 0) {
            arena_reset(&arena);
        }
    }
}

/* What was read from outside can always be written, also wrapped in what we put around it. */
static void the_deepest_value_is_written(void **state)
{
    (void)state;
    char text[2 * JSON_DEPTH_MAX + 1] = "";
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    const struct json_value *root = parse(text);
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, &arena, 0);
    json_writer_init(&json, &buf);
    for (int i = 0; i < JSON_LEVELS_MAX - JSON_DEPTH_MAX; i++) {
        json_array_begin(&json);
    }
    json_put_value(&json, root);
    for (int i = 0; i < JSON_LEVELS_MAX - JSON_DEPTH_MAX; i++) {
        json_array_end(&json);
    }
    json_writer_done(&json);
    assert_int_equal(buf_str(&buf).len, 2 * JSON_LEVELS_MAX);
}

/* ---- Hostile ---- */

static void garbage_is_refused_or_stable(void **state)
{
    (void)state;
    static const char seed_text[] =
        "{\"a\":[1,2.5,-3e4,\"x\\u05e9\\ud83d\\ude00\",true,false,null],\"ב\":{\"c\":{}}}";
    static const char odd[] = "{}[],:\"\\0123456789eE+-.tfn \n\xD7\xFF\x00u";
    struct rng rng;
    rng_seed(&rng, 11);
    int accepted = 0;
    for (int round = 0; round < 30000; round++) {
        size_t len = sizeof seed_text - 1;
        char *text = malloc(len);
        assert_non_null(text);
        memcpy(text, seed_text, len);
        for (uint64_t n = 1 + rng_below(&rng, 4); n > 0; n--) {
            text[rng_below(&rng, len)] = odd[rng_below(&rng, sizeof odd - 1)];
        }
        len = rng_chance(&rng, 20) ? rng_below(&rng, len) : len;
        const struct json_value *root = NULL;
        if (json_parse(&arena, (struct str){text, len}, NULL, &root, &err)) {
            struct buf one;
            struct buf two;
            struct json_writer json;
            buf_init(&one, &arena, 0);
            json_writer_init(&json, &one);
            json_put_value(&json, root);
            assert_true(json_parse(&arena, buf_str(&one), NULL, &root, &err));
            buf_init(&two, &arena, 0);
            json_writer_init(&json, &two);
            json_put_value(&json, root);
            assert_true(str_equal(buf_str(&one), buf_str(&two)));
            accepted++;
        }
        free(text);
        arena_reset(&arena);
    }
    assert_in_range(accepted, 300, 29000);
}

static bool countdown(void *context)
{
    int *left = context;
    return (*left)-- <= 0;
}

static void lost_memory_is_an_error(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,2,3],\"b\":\"c\",\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,"
                               "\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":1,\"11\":1,\"12\":1}";
    for (size_t limit = 1; limit < 3000; limit++) {
        struct arena tight;
        arena_init(&tight, limit);
        const struct json_value *root = NULL;
        bool ok = json_parse(&tight, STR(text), NULL, &root, &err);
        assert_true(ok == (root != NULL));
        assert_true(ok || err.kind == ERR_REJECT);
        arena_free(&tight);
    }
    for (int n = 0; n < 3; n++) {
        struct arena fresh;
        arena_init(&fresh, 1 << 20);
        const struct json_value *root = NULL;
        int left = n;
        mem_fault_set(countdown, &left);
        bool ok = json_parse(&fresh, STR(text), NULL, &root, &err);
        mem_fault_set(NULL, NULL);
        assert_int_equal(ok, n > 0);
        arena_free(&fresh);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(absent_is_an_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(iteration_keeps_order, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_are_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_name_the_place, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(duplicate_keys_are_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(strings_are_escaped, setup, teardown),
        cmocka_unit_test_setup_teardown(random_strings_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_document_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(doubles_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(the_deepest_value_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage_is_refused_or_stable, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_memory_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
