/* option: when two instances say the same, by the type of each option. */
#include "model/option.h"
#include "test.h"

struct thing {
    struct str text;
    struct secret secret;
    int64_t number;
    bool on;
    int choice;
    struct str_map map;
};

static const char *const choices[] = {"a", "b", NULL};
static const struct option options[] = {
    OPTION_TEXT(struct thing, text, "text", NULL, ""),
    OPTION_SECRET(struct thing, secret, "secret", NULL, ""),
    OPTION_INT(struct thing, number, "number", "0", 0, 9, ""),
    OPTION_BOOL(struct thing, on, "on", "false", ""),
    OPTION_CHOICE(struct thing, choice, "choice", "a", choices, ""),
    OPTION_MAP(struct thing, map, "map", NULL, ""),
    OPTION_END,
};

static struct arena arena;

static struct thing thing_of(const char *secret)
{
    struct thing thing = {.text = STR("t"), .number = 3};
    if (secret != NULL) {
        assert_true(secret_make(&thing.secret, &arena, str_of(secret)));
    }
    return thing;
}

/* By what they hold, wherever they lie. */
static void secrets_are_compared_by_their_bytes(void **state)
{
    struct thing one = thing_of("an invented secret");
    struct thing same = thing_of("an invented secret");
    struct thing other = thing_of("another invented one");
    struct thing none = thing_of(NULL);
    struct thing neither = thing_of(NULL);
    (void)state;
    assert_true(option_same(options, &one, &same));
    assert_false(option_same(options, &one, &other));
    assert_false(option_same(options, &one, &none));
    assert_false(option_same(options, &none, &one));
    assert_true(option_same(options, &none, &neither));
}

static void any_option_tells_two_apart(void **state)
{
    struct str_pair pair = {STR("a"), STR("b")};
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct thing one = thing_of("x");
        struct thing two = thing_of("x");
        two.text = i == 0 ? STR("u") : two.text;
        two.number += i == 1;
        two.on = i == 2;
        two.choice = i == 3;
        two.map = i == 4 ? (struct str_map){&pair, 1} : two.map;
        assert_false(option_same(options, &one, &two));
        assert_true(option_same(options, &two, &two));
    }
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_compared_by_their_bytes),
        cmocka_unit_test(any_option_tells_two_apart),
    };
    return cmocka_run_group_tests_name("option", tests, setup, teardown);
}
