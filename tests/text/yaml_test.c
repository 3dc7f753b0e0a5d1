/* yaml: places, the narrowed core schema, every refusal in words, hostile files, lost memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "test.h"
#include "text/yaml.h"

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

static const struct yaml_node *parse(const char *text)
{
    const struct yaml_node *root = NULL;
    if (!yaml_parse(&arena, STR("t.yaml"), str_of(text), NULL, &root, &err)) {
        print_message("%s\n", err.text);
    }
    assert_non_null(root);
    return root;
}

static void projects_are_read(void **state)
{
    (void)state;
    const struct yaml_node *root = parse("# Projects\n"
                                         "projects:\n"
                                         "  - name: Lawley\n"
                                         "    enabled: true\n"
                                         "    group_jid: \"120363418298130331@g.us\"\n"
                                         "    description: \"Lawley Activation 3 group\"\n"
                                         "\n"
                                         "  - name: בדיקה # שלום\n"
                                         "    enabled: no\n");
    const struct yaml_node *projects = yaml_get(root, STR("projects"));
    assert_int_equal(yaml_count(projects), 2);
    const struct yaml_node *one = yaml_at(projects, 0);
    bool enabled = false;
    char where[YAML_WHERE_MAX];
    assert_true(str_equal(yaml_text(yaml_get(one, STR("name"))), STR("Lawley")));
    assert_true(yaml_bool(yaml_get(one, STR("enabled")), &enabled) && enabled);
    assert_string_equal(yaml_where(yaml_get(one, STR("group_jid")), where).ptr, "t.yaml:5:16");
    assert_string_equal(yaml_where(yaml_get_key(one, STR("group_jid")), where).ptr, "t.yaml:5:5");
    assert_string_equal(yaml_where(one, where).ptr, "t.yaml:3:5");
    const struct yaml_node *two = yaml_at(projects, 1);
    const struct yaml_node *off = yaml_get(two, STR("enabled"));
    assert_int_equal(yaml_kind(off), YAML_TEXT); /* `no` is a word. */
    assert_int_equal(off->end.line, 9);
    assert_int_equal(off->end.column, 16);
    assert_true(str_equal(yaml_text(yaml_get(two, STR("name"))), STR("בדיקה")));
    assert_false(yaml_refuse(&err, off, "it is %s", yaml_kind_words(off->kind)));
    assert_string_equal(err.text, "t.yaml:9:14: it is text");
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void words_have_types(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum yaml_kind kind;
    } cases[] = {
        {"true", YAML_BOOL},
        {"False", YAML_BOOL},
        {"TRUE", YAML_BOOL},
        {"tRue", YAML_TEXT},
        {"no", YAML_TEXT},
        {"yes", YAML_TEXT},
        {"on", YAML_TEXT},
        {"Off", YAML_TEXT},
        {"y", YAML_TEXT},
        {"null", YAML_NULL},
        {"~", YAML_NULL},
        {"", YAML_NULL},
        {"nULL", YAML_TEXT},
        {"0", YAML_INT},
        {"-12", YAML_INT},
        {"12:30", YAML_TEXT},
        {"1:20:30", YAML_TEXT},
        {"0123", YAML_TEXT},
        {"-0123", YAML_TEXT},
        {"+12", YAML_TEXT},
        {"+972556602298", YAML_TEXT},
        {"0556602298", YAML_TEXT},
        {"1_000", YAML_TEXT},
        {"1,000", YAML_TEXT},
        {"0x1F", YAML_INT},
        {"0o17", YAML_INT},
        {"0x", YAML_TEXT},
        {"0xG", YAML_TEXT},
        {"0o8", YAML_TEXT},
        {"0b1", YAML_TEXT},
        {"9223372036854775807", YAML_INT},
        {"9223372036854775808", YAML_TEXT},
        {"-9223372036854775808", YAML_INT},
        {"0x8000000000000000", YAML_TEXT},
        {"120363418298130331", YAML_INT},
        {"120363418298130331120", YAML_TEXT},
        {"1.5", YAML_DOUBLE},
        {"-1.", YAML_DOUBLE},
        {".5", YAML_DOUBLE},
        {"1e3", YAML_DOUBLE},
        {"1.5E-3", YAML_DOUBLE},
        {"1e", YAML_TEXT},
        {".", YAML_TEXT},
        {"-", YAML_LIST},
        {"1.2.3", YAML_TEXT},
        {"1e400", YAML_TEXT},
        {"01.5", YAML_TEXT},
        {".inf", YAML_TEXT},
        {".nan", YAML_TEXT},
        {"0.0", YAML_DOUBLE},
        {"-.", YAML_TEXT},
        {"'true'", YAML_TEXT},
        {"\"12\"", YAML_TEXT},
        {"''", YAML_TEXT},
        {"'~'", YAML_TEXT},
        {"2025-11-21", YAML_TEXT},
        {"192.168.0.1", YAML_TEXT},
        {"!!str 12", YAML_TEXT},
        {"!!int 12", YAML_INT},
        {"!!float 12", YAML_DOUBLE},
        {"!!bool true", YAML_BOOL},
        {"!!null ~", YAML_NULL},
        {"! 12", YAML_TEXT},
        {"!!seq [1]", YAML_LIST},
        {"!!map {a: 1}", YAML_MAP},
        {"|\n 12", YAML_TEXT},
        {">\n true", YAML_TEXT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum yaml_kind kind = yaml_kind(parse(cases[i].text));
        if (kind != cases[i].kind) {
            fail_msg("%s is %s", cases[i].text, yaml_kind_words(kind));
        }
    }
}

static void values_are_exact(void **state)
{
    (void)state;
    int64_t number = 0;
    double real = 0;
    bool truth = true;
    const struct yaml_node *root =
        parse("{a: -12, b: 0x1f, c: 0o17, d: 1.5, e: 07, f: [], g: false, h: ~}");
    assert_true(yaml_int(yaml_get(root, STR("a")), &number) && number == -12);
    assert_true(yaml_int(yaml_get(root, STR("b")), &number) && number == 31);
    assert_true(yaml_int(yaml_get(root, STR("c")), &number) && number == 15);
    assert_true(yaml_double(yaml_get(root, STR("d")), &real) && real > 1.4 && real < 1.6);
    assert_true(yaml_double(yaml_get(root, STR("a")), &real) && real < -11.9);
    assert_true(yaml_bool(yaml_get(root, STR("g")), &truth) && !truth);
    number = 77;
    assert_false(yaml_int(yaml_get(root, STR("d")), &number) ||
                 yaml_int(yaml_get(root, STR("e")), &number) || yaml_int(NULL, &number) ||
                 yaml_int(yaml_get(root, STR("zz")), &number));
    assert_int_equal(number, 77);
    assert_true(str_equal(yaml_text(yaml_get(root, STR("b"))), STR("0x1f")));
    assert_true(str_equal(yaml_text(yaml_get(root, STR("g"))), STR("false")));
    assert_null(yaml_text(yaml_get(root, STR("h"))).ptr);
    assert_null(yaml_text(yaml_get(root, STR("f"))).ptr);
    assert_null(yaml_at(root, 0));
    assert_null(yaml_get(yaml_get(root, STR("f")), STR("a")));
    assert_null(yaml_at(yaml_get(root, STR("f")), 0));
    assert_int_equal(yaml_count(NULL), 0);
    size_t at = 0;
    size_t steps = 0;
    const struct yaml_node *key = NULL;
    const struct yaml_node *value = NULL;
    while (yaml_next(root, &at, &key, &value)) {
        assert_true(key->text.ptr[0] == "abcdefgh"[steps++]);
    }
    assert_int_equal(steps, 8);
    at = 0;
    assert_false(yaml_next(NULL, &at, &key, &value));
}

static void texts_keep_their_form(void **state)
{
    (void)state;
    static const char text[] = "\xEF\xBB\xBF"
                               "a: \"x\\ty \\u05e9 \\\"q\\\"\"\r\n"
                               "b: 'it''s'\r\n"
                               "c: |\r\n  line 1\r\n  line 2\r\n"
                               "d: >-\r\n  one\r\n  two\r\n"
                               "e: plain text#no comment # comment\r\n"
                               "f: http://host:80/x?y=1&z=[2]\r\n";
    static const struct {
        struct str key;
        struct str want;
        bool quoted;
    } cases[] = {
        {STR_INIT("a"), STR_INIT("x\ty ש \"q\""), true},
        {STR_INIT("b"), STR_INIT("it's"), true},
        {STR_INIT("c"), STR_INIT("line 1\nline 2\n"), true},
        {STR_INIT("d"), STR_INIT("one two"), true},
        {STR_INIT("e"), STR_INIT("plain text#no comment"), false},
        {STR_INIT("f"), STR_INIT("http://host:80/x?y=1&z=[2]"), false},
    };
    const struct yaml_node *root = parse(text);
    assert_int_equal(root->start.column, 1); /* The byte order mark is no column. */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct yaml_node *node = yaml_get(root, cases[i].key);
        assert_true(str_equal(yaml_text(node), cases[i].want));
        assert_int_equal(node->quoted, cases[i].quoted);
        assert_int_equal(node->text.ptr[node->text.len], 0);
    }
}

static void errors_have_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n",
         "t.yaml:3:1: the key `a` stands here for the second time, the first is at line 1, "
         "column 1"},
        {"m: {x: 1, 'x': 2}", "t.yaml:1:11: the key `x` stands"},
        {"a: 1\n\tb: 2\n", "t.yaml:2:1: a tab stands"},
        {"a:\n\t- 1\n", "t.yaml:2:1: a tab stands"},
        {"a: b: c\n", "t.yaml:1:5: a `: ` is not possible here"},
        {"a: 1\n  b: 2\n", "t.yaml:2:4: a `: ` is not possible"},
        {"a:\n  b: 1\n c: 2\n", "t.yaml:3:2: a key is needed here"},
        {"a: \"open\nb: 2\n", "a quote that was opened is not closed"},
        {"a: [1, 2\nb: 3\n", "t.yaml:2:2: a list in brackets is not closed"},
        {"a: {b: 1\nc: 2\n", "a map in braces is not closed"},
        {"a: @home\n", "t.yaml:1:4: no value can begin with `@`; put it into quotes"},
        {"a: `x`\n", "no value can begin with ``"},
        {"a: %x\n", "no value can begin with `%`"},
        {"a: 1\nb\n", "t.yaml:3:1: a colon is missing"},
        {"a: - 1\n", "t.yaml:1:4: a `- ` is not possible here"},
        {"a: \"\\q\"\n", "there is no such escape"},
        {"a: *x\n", "t.yaml:1:4: there is no finished anchor &x"},
        {"a: &x [*x]\n", "there is no finished anchor &x"},
        {"base: &b {x: 1}\nc:\n  <<: *b\n", "t.yaml:3:3: merge keys (<<)"},
        {"? [1, 2]\n: 3\n", "t.yaml:1:3: a key is a list"},
        {"{{a: 1}: 2}", "a key is a map"},
        {"?\n: 1\n", "a key is missing in front of the colon"},
        {"{: 1}\n", "t.yaml:1:2: a value is needed here"},
        {"a: *.txt\n", "t.yaml:1:5: an anchor or alias needs a name"},
        {"'a' b\n", "t.yaml:1:5: this does not belong to what stands before"},
        {"- 1\nb: 2\n", "t.yaml:2:1: the next `- ` of the list is needed here"},
        {"a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document begins here"},
        {"a: !foo 1\n", "t.yaml:1:4: the tag !foo is not known"},
        {"a: !!binary aGk=\n", "the tag !tag:yaml.org,2002:binary is not known"},
        {"a: !!set {b}\n", "is not known here"},
        {"a: !!int abc\n", "this is text, its tag !!int says otherwise"},
        {"a: !e!x 1\n", "this tag is not known here"},
        {"%YAML 2.0\n---\na: 1\n", "the %YAML line"},
        {"a: \xFF\n", "t.yaml:1:4: this byte is no UTF-8"},
        {"a: ש\xC3(\n", "t.yaml:1:5: this byte is no UTF-8"},
        {"a: \x01\n", "t.yaml:1:4: control characters are not allowed (U+0001); remove it"},
        {"\xFF\xFE"
         "a",
         "the file is UTF-16"},
        {"\xFE\xFF"
         "a",
         "the file is UTF-16"},
    };
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct yaml_node *root = NULL;
        memset(&err, 0, sizeof err);
        bool ok = yaml_parse(&arena, STR("t.yaml"), str_of(cases[i].text), NULL, &root, &err);
        if (ok || strstr(err.text, cases[i].says) == NULL) {
            print_message("%s gave: %s, not: %s\n", cases[i].text, err.text, cases[i].says);
            wrong++;
            continue;
        }
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_null(root);
    }
    assert_int_equal(wrong, 0);
    const struct yaml_node *root = NULL;
    assert_false(yaml_parse(&arena, STR("t.yaml"), STR("a: \0 b"), NULL, &root, &err));
}

static void empty_files_are_null(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n\n", "# only words\n", "---\n", "---\n...\n", "~"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(yaml_kind(parse(texts[i])), YAML_NULL);
    }
    const struct yaml_node *root = NULL;
    assert_true(yaml_parse(&arena, (struct str){0}, (struct str){0}, NULL, &root, &err));
    char where[YAML_WHERE_MAX];
    assert_string_equal(yaml_where(root, where).ptr, "yaml:1:1");
    assert_string_equal(yaml_where(NULL, where).ptr, "yaml:1:1");
}

static void aliases_share_nodes(void **state)
{
    (void)state;
    const struct yaml_node *root = parse(
        "base: &b {x: 1}\none: *b\ntwo: [*b, *b]\nname: &k word\n*k : 2\nlate: &b 5\nb: *b\n");
    const struct yaml_node *base = yaml_get(root, STR("base"));
    int64_t number = 0;
    char where[YAML_WHERE_MAX];
    assert_ptr_equal(yaml_get(root, STR("one")), base);
    assert_ptr_equal(yaml_at(yaml_get(root, STR("two")), 1), base);
    assert_string_equal(yaml_where(base, where).ptr, "t.yaml:1:7");
    assert_true(yaml_int(yaml_get(root, STR("word")), &number) && number == 2);
    assert_true(yaml_int(yaml_get(root, STR("b")), &number) && number == 5);
}

static void nested_text(struct buf *buf, unsigned depth, bool map)
{
    buf_init(buf, &arena, 0);
    for (unsigned i = 0; i < depth; i++) {
        buf_add(buf, map ? STR("{a: ") : STR("["));
    }
    for (unsigned i = 0; i < depth; i++) {
        buf_add_byte(buf, map ? '}' : ']');
    }
}

static void limits_hold(void **state)
{
    (void)state;
    const struct yaml_node *root = NULL;
    struct buf buf;
    for (int map = 0; map <= 1; map++) {
        nested_text(&buf, YAML_DEPTH_MAX, map == 1);
        assert_true(yaml_parse(&arena, STR("t"), buf_str(&buf), NULL, &root, &err));
        nested_text(&buf, YAML_DEPTH_MAX + 1, map == 1);
        assert_false(yaml_parse(&arena, STR("t"), buf_str(&buf), NULL, &root, &err));
        assert_non_null(strstr(err.text, "nested more than 32 levels"));
    }
    struct yaml_limits limits = {.size_max = 10, .depth_max = 1, .nodes_max = 3};
    assert_true(yaml_parse(&arena, STR("t"), STR("[1, 2]"), &limits, &root, &err));
    assert_false(yaml_parse(&arena, STR("t"), STR("[1, 2, 3]"), &limits, &root, &err));
    assert_non_null(strstr(err.text, "t:1:8: the file holds more than 3 values"));
    assert_false(yaml_parse(&arena, STR("t"), STR("[[1]]"), &limits, &root, &err));
    assert_false(yaml_parse(&arena, STR("t"), STR("12345678901"), &limits, &root, &err));
    assert_non_null(strstr(err.text, "11 bytes"));
}

static void laughs_are_refused(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, &arena, 0);
    buf_add(&buf, STR("a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n"));
    for (int i = 1; i < 12; i++) {
        buf_printf(&buf, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++) {
            buf_printf(&buf, "*a%d%s", i - 1, k < 8 ? "," : "]\n");
        }
    }
    const struct yaml_node *root = NULL;
    assert_false(yaml_parse(&arena, STR("t"), buf_str(&buf), NULL, &root, &err));
    assert_non_null(strstr(err.text, "aliases written out"));

    buf_init(&buf, &arena, 0);
    for (int i = 0; i <= YAML_ANCHORS_MAX; i++) {
        buf_printf(&buf, "- &a%d 1\n", i);
    }
    assert_false(yaml_parse(&arena, STR("t"), buf_str(&buf), NULL, &root, &err));
    assert_non_null(strstr(err.text, "t:1001:3: this is anchor 1001, one too many"));
}

static void large_maps_are_checked(void **state)
{
    (void)state;
    for (int count = 1; count < 200; count += 3) {
        struct buf buf;
        buf_init(&buf, &arena, 0);
        for (int i = 0; i < count; i++) {
            buf_printf(&buf, "k%d: %d\n", i, i);
        }
        const struct yaml_node *root = NULL;
        assert_true(yaml_parse(&arena, STR("t"), buf_str(&buf), NULL, &root, &err));
        assert_int_equal(yaml_count(root), count);
        int64_t last = -1;
        char key[16];
        int len = snprintf(key, sizeof key, "k%d", count - 1);
        assert_true(yaml_int(yaml_get(root, (struct str){key, (size_t)len}), &last));
        assert_int_equal(last, count - 1);
        buf_printf(&buf, "\"k%d\": again\n", count / 2);
        assert_false(yaml_parse(&arena, STR("t"), buf_str(&buf), NULL, &root, &err));
        char want[80];
        (void)snprintf(want, sizeof want,
                       "t:%d:1: the key `k%d` stands here for the second time,"
                       " the first is at line %d,",
                       count + 1, count / 2, count / 2 + 1);
        assert_non_null(strstr(err.text, want));
    }
}

/* Floods that are made to take quadratic time or deep stacks end within moments. */
static void floods_end(void **state)
{
    (void)state;
    static const char *const units[] = {
        "[",   "{", "- ", "a: ", "{a: ",  "? ", "!x ", "&a ",  "\"",   "[a, ", "? - ", "- ? ",
        "*a ", ",", "# ", "|\n", "a:\n ", "'",  "%",   "--- ", "\n\n", "[[]",  "{}",   "- - "};
    const size_t size = 1 << 20;
    char *flood = malloc(size);
    assert_non_null(flood);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t unit = strlen(units[i]);
        for (size_t at = 0; at < size; at++) {
            flood[at] = units[i][at % unit];
        }
        const struct yaml_node *root = NULL;
        (void)yaml_parse(&arena, STR("t"), (struct str){flood, size}, NULL, &root, &err);
        arena_reset(&arena);
    }
    free(flood);
}

static size_t walk(const struct yaml_node *node, unsigned depth)
{
    assert_true(depth <= YAML_DEPTH_MAX + 1);
    assert_true(node->start.line >= 1 && node->start.column >= 1);
    size_t weight = 1;
    size_t at = 0;
    const struct yaml_node *key = NULL;
    const struct yaml_node *value = NULL;
    while (yaml_next(node, &at, &key, &value)) {
        weight += (key != NULL ? walk(key, depth + 1) : 0) + walk(value, depth + 1);
    }
    assert_int_equal(weight, node->weight);
    return weight;
}

static void garbage_is_refused_or_sound(void **state)
{
    (void)state;
    static const char seed_text[] = "# c\nprojects:\n  - &a name: Lawley\n    on: true\n"
                                    "  - {x: [1, 2.5, ~], 'y': \"z\\n\"}\n  - *a\nt: |\n  b\n";
    static const char odd[] = "-:?[]{},&*!|>'\"%@`# \n\tab1~<\xD7\xA9\xFF\x00\\";
    struct rng rng;
    rng_seed(&rng, 21);
    int accepted = 0;
    for (int round = 0; round < 20000; round++) {
        size_t len = sizeof seed_text - 1;
        char *text = malloc(len);
        assert_non_null(text);
        memcpy(text, seed_text, len);
        for (uint64_t n = rng_below(&rng, 5); n > 0; n--) {
            text[rng_below(&rng, len)] = odd[rng_below(&rng, sizeof odd - 1)];
        }
        len = rng_chance(&rng, 20) ? rng_below(&rng, len) : len;
        const struct yaml_node *root = NULL;
        memset(&err, 0, sizeof err);
        if (yaml_parse(&arena, STR("t"), (struct str){text, len}, NULL, &root, &err)) {
            free(text);
            (void)walk(root, 1); /* Nothing of it points into the text that was read. */
            accepted++;
        } else {
            free(text);
            assert_int_equal(err.kind, ERR_CONFIG);
            assert_true(strncmp(err.text, "t:", 2) == 0);
        }
        arena_reset(&arena);
    }
    assert_in_range(accepted, 500, 19500);
}

static bool countdown(void *context)
{
    int *left = context;
    return (*left)-- <= 0;
}

static void lost_memory_is_an_error(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, &arena, 0);
    for (int i = 0; i < 40; i++) {
        buf_printf(&buf, "key%d: &a%d [1, two, {x: y}]\n", i, i);
    }
    struct str text = buf_str(&buf);
    bool whole = false;
    for (size_t limit = 1; !whole; limit += 97) {
        struct arena tight;
        arena_init(&tight, limit);
        const struct yaml_node *root = NULL;
        memset(&err, 0, sizeof err);
        whole = yaml_parse(&tight, STR("t"), text, NULL, &root, &err);
        assert_true(whole == (root != NULL));
        assert_true(whole || (err.kind == ERR_CONFIG && strstr(err.text, "memory") != NULL));
        arena_free(&tight);
        assert_true(limit < 200000);
    }
    for (int n = 0; n < 3; n++) {
        struct arena fresh;
        arena_init(&fresh, 1 << 20);
        const struct yaml_node *root = NULL;
        int left = n;
        mem_fault_set(countdown, &left);
        bool ok = yaml_parse(&fresh, STR("t"), text, NULL, &root, &err);
        mem_fault_set(NULL, NULL);
        assert_int_equal(ok, n > 1);
        arena_free(&fresh);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(projects_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(words_have_types, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_keep_their_form, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_have_words, setup, teardown),
        cmocka_unit_test_setup_teardown(empty_files_are_null, setup, teardown),
        cmocka_unit_test_setup_teardown(aliases_share_nodes, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(laughs_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(large_maps_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(floods_end, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage_is_refused_or_sound, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_memory_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
