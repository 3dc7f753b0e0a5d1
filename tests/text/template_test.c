/* template: texts with places, mistakes and where they are, values that try to be templates. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/template.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static bool get_value(void *context, struct str name, struct str format, struct str *value)
{
    (void)context;
    static const struct str pairs[][2] = {
        {STR_INIT("name"), STR_INIT("דנה")},
        {STR_INIT("city"), STR_INIT("Tel Aviv-Yafo")},
        {STR_INIT("empty"), STR_INIT("")},
        {STR_INIT("עיר"), STR_INIT("חיפה")},
        {STR_INIT("evil"), STR_INIT("{name}{{%s%n")},
        {STR_INIT("a.b-c_1"), STR_INIT("x")},
        {STR_INIT("emoji"), STR_INIT("👍🏽👍🏽")},
    };
    if (str_equal(name, STR("time"))) {
        *value = format.len > 0 ? format : STR("now");
        return true;
    }
    for (size_t i = 0; i < COUNT(pairs); i++) {
        if (str_equal(name, pairs[i][0])) {
            *value = pairs[i][1];
            return true;
        }
    }
    return false;
}

static void test_write(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *written; /* NULL: an error that says `why`. */
        const char *why;
    } cases[] = {
        {STR_INIT(""), "", NULL},
        {STR_INIT("plain"), "plain", NULL},
        {STR_INIT("שלום {name}!"), "שלום דנה!", NULL},
        {STR_INIT("{name}{name}"), "דנהדנה", NULL},
        {STR_INIT("{ name }"), "דנה", NULL},
        {STR_INIT("{עיר}"), "חיפה", NULL},
        {STR_INIT("{a.b-c_1}"), "x", NULL},
        {STR_INIT("{{name}} {{}} {{{name}}}"), "{name} {} {דנה}", NULL},
        {STR_INIT("{city|8}"), "Tel Aviv", NULL},
        {STR_INIT("{name|2}"), "דנ", NULL},
        {STR_INIT("{name|99}"), "דנה", NULL},
        {STR_INIT("{emoji|3}"), "👍🏽", NULL}, /* Never a part of a character. */
        {STR_INIT("{time|HH:MM}"), "HH:MM", NULL},
        {STR_INIT("{time}"), "now", NULL},
        {STR_INIT("[{empty}]"), "[]", NULL},
        {STR_INIT("[{nothing?}{nothing?|3}{ nothing ? }]"), "[]", NULL},
        {STR_INIT("[{name?}]"), "[דנה]", NULL},
        {STR_INIT("{evil}"), "{name}{{%s%n", NULL}, /* A value is never a template. */
        {STR_INIT("שלום {nothing}"), NULL, "{nothing}, asked for at character 6"},
        {STR_INIT("שלום {"), NULL, "not closed (write {{ for {), at character 6"},
        {STR_INIT("a } b"), NULL, "closing brace"},
        {STR_INIT("a }"), NULL, "at character 3"},
        {STR_INIT("{}"), NULL, "no name"},
        {STR_INIT("{?}"), NULL, "no name"},
        {STR_INIT("{a b}"), NULL, "no name"},
        {STR_INIT("{a{b}"), NULL, "no name"},
        {STR_INIT("{|3}"), NULL, "no name"},
        {STR_INIT("{name|}"), NULL, "behind the bar"},
        {STR_INIT("{name|0}"), NULL, "cut"},
        {STR_INIT("{name|-1}"), NULL, "cut"},
        {STR_INIT("{name|99999999}"), NULL, "cut"},
        {STR_INIT("{\xFF}"), NULL, "no name"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct template template;
        struct buf out;
        struct err err = {0};
        buf_init(&out, &arena, 16);
        bool done = template_open(&template, &arena, cases[i].text, &err) &&
                    template_write(&template, &out, get_value, NULL, &err);
        if (done != (cases[i].written != NULL)) {
            fail_msg("case %zu: %s", i, err.text);
        }
        if (done) {
            assert_str_equal(buf_str(&out), str_of(cases[i].written));
        } else if (strstr(err.text, cases[i].why) == NULL) {
            fail_msg("case %zu: %s", i, err.text);
        }
        arena_reset(&arena);
    }
}

static void test_limits(void **state)
{
    (void)state;
    static char text[TEMPLATE_LEN_MAX + 1];
    struct template template;
    struct err err = {0};
    memset(text, 'a', sizeof text);
    assert_false(template_open(&template, &arena, (struct str){text, sizeof text}, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_true(template_open(&template, &arena, (struct str){text, sizeof text - 1}, &err));
    assert_int_equal(template.count, 1);
    memset(text, '{', sizeof text);
    assert_true(template_open(&template, &arena, (struct str){text, 2 * TEMPLATE_PARTS_MAX}, &err));
    assert_false(
        template_open(&template, &arena, (struct str){text, 2 * TEMPLATE_PARTS_MAX + 2}, &err));
    struct arena tiny;
    arena_init(&tiny, 16);
    assert_false(template_open(&template, &tiny, STR("{a}"), &err));
    arena_free(&tiny);
    arena_reset(&arena);
}

static void test_random(void **state)
{
    (void)state;
    static const char bytes[] = "{{{}}}name|2?ab\xD7\x90\xFF ";
    struct rng rng;
    rng_seed(&rng, 21);
    size_t good = 0;
    for (int round = 0; round < 50000; round++) {
        size_t len = (size_t)rng_below(&rng, 24);
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        for (size_t i = 0; i < len; i++) {
            exact[i] = bytes[rng_below(&rng, sizeof bytes)];
        }
        struct template template;
        struct buf out;
        struct err err = {0};
        buf_init(&out, &arena, 16);
        if (template_open(&template, &arena, (struct str){exact, len}, &err)) {
            good++;
            (void)template_write(&template, &out, get_value, NULL, &err);
        } else {
            assert_int_equal(err.kind, ERR_CONFIG);
        }
        free(exact);
        arena_reset(&arena);
    }
    assert_true(good > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
