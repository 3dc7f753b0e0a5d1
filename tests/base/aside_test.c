/* aside: calls on a thread of their own, which may be left behind. */
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/aside.h"
#include "base/mem.h"
#include "test.h"

enum { SLOW_MS = 300 };

struct work {
    int in;
    int out;
    bool slow;
};

static atomic_int dropped;

static void add_one(void *context)
{
    struct work *work = context;
    if (work->slow) {
        (void)usleep(SLOW_MS * 1000);
    }
    work->out = work->in + 1;
}

static void drop(void *context)
{
    mem_free(context);
    atomic_fetch_add(&dropped, 1);
}

static bool yes(void *context)
{
    (void)context;
    return true;
}

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static struct work *new_work(int in, bool slow)
{
    struct work *work = mem_alloc(sizeof *work);
    assert_non_null(work);
    work->in = in;
    work->slow = slow;
    return work;
}

static void a_result(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct work *work = new_work(i, i == 7);
        struct err err = {0};
        struct aside aside = {add_one, drop, clock_system(), now_ms() + 5000, NULL, NULL};
        assert_true(aside_run(&aside, work, &err));
        assert_int_equal(work->out, i + 1);
        mem_free(work);
    }
    assert_int_equal(atomic_load(&dropped), 0);
}

/* The work of a thread that was left behind is given back by it, once. */
static void left_behind(void **state)
{
    static const struct {
        int64_t patience_ms;
        bool stop;
        enum err_kind kind;
    } cases[] = {
        {50, false, ERR_RETRY},
        {0, false, ERR_RETRY},
        {5000, true, ERR_STOP},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        int64_t began = now_ms();
        struct aside aside = {.run = add_one,
                              .drop = drop,
                              .clock = clock_system(),
                              .deadline_ms = began + cases[i].patience_ms,
                              .stopping = cases[i].stop ? yes : NULL};
        assert_false(aside_run(&aside, new_work(1, true), &err));
        assert_int_equal(err.kind, cases[i].kind);
        assert_true(now_ms() - began < SLOW_MS - 50);
    }
    int64_t patience = now_ms() + 5000;
    while (atomic_load(&dropped) < (int)COUNT(cases) && now_ms() < patience) {
        (void)usleep(10000);
    }
    assert_int_equal(atomic_load(&dropped), COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result),
        cmocka_unit_test(left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
