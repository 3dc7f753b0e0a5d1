/* resolve: names to addresses, and what happens when there is no time. */
#include <string.h>

#include "db/resolve.h"
#include "test.h"

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static bool yes(void *context)
{
    (void)context;
    return true;
}

static void known_names(void **state)
{
    struct resolved found;
    struct err err = {0};
    (void)state;
    assert_true(
        resolve_host("127.0.0.1", clock_system(), now_ms() + 5000, NULL, NULL, &found, &err));
    assert_int_equal(found.count, 1);
    assert_string_equal(found.addresses[0], "127.0.0.1");
    assert_true(resolve_host("::1", clock_system(), now_ms() + 5000, NULL, NULL, &found, &err));
    assert_string_equal(found.addresses[0], "::1");
}

/* RFC 6761 sees to it that this name never exists; without a network it is not found either. */
static void unknown_names(void **state)
{
    struct resolved found;
    struct err err = {0};
    (void)state;
    int64_t began = now_ms();
    assert_false(
        resolve_host("nowhere.invalid", clock_system(), began + 3000, NULL, NULL, &found, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "nowhere.invalid"));
    assert_true(now_ms() - began < 4000);
}

/* The thread is left behind, many times, and nothing of it is lost or used after it was freed. */
static void no_time(void **state)
{
    struct resolved found;
    struct err err = {0};
    (void)state;
    for (int i = 0; i < 50; i++) {
        if (!resolve_host("127.0.0.1", clock_system(), now_ms(), NULL, NULL, &found, &err)) {
            assert_int_equal(err.kind, ERR_RETRY);
        }
        if (!resolve_host("127.0.0.1", clock_system(), now_ms() + 5000, yes, NULL, &found, &err)) {
            assert_true(err.kind == ERR_STOP || err.kind == ERR_RETRY);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_names),
        cmocka_unit_test(unknown_names),
        cmocka_unit_test(no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
