/* quota: what an account may send over all who use it, on a clock that is a number. */
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "net/quota.h"
#include "test.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS, TURNS_MAX = 8192 };

static struct err err;

static void join(struct quota_share *share, const char *account, int64_t rate)
{
    *share = (struct quota_share){0};
    assert_true(quota_join(share, str_of(account), rate, &err));
}

static uint64_t chance = 88172645463325252U;

static int64_t below(int64_t bound)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (int64_t)(chance % (uint64_t)bound);
}

/* Three who share an account ask as fast as they may for hours, with pauses: no minute has more. */
static void no_minute_has_more(void **state)
{
    static int64_t given[TURNS_MAX];
    struct quota_share shares[3];
    size_t count = 0;
    int64_t most_waited_ms = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(shares); i++) {
        join(&shares[i], "robot@invented.test", 60);
    }
    for (int64_t now_ms = 987654; now_ms < 987654 + 2 * HOUR_MS;) {
        int64_t wait_ms = quota_take(&shares[below(COUNT(shares))], QUOTA_READS, now_ms);
        if (wait_ms == 0) {
            assert_true(count < TURNS_MAX);
            given[count++] = now_ms;
            now_ms += below(200) == 0 ? below(90 * 1000) : below(300);
        } else {
            most_waited_ms = wait_ms > most_waited_ms ? wait_ms : most_waited_ms;
            now_ms += below(4) == 0 ? below(wait_ms) + 1 : wait_ms;
        }
    }
    for (size_t i = 60; i < count; i++) {
        assert_true(given[i] - given[i - 60] >= MINUTE_MS);
    }
    /* And nothing is given away: what is asked for without a pause comes near to the rate. */
    assert_true(count > 60 * 120 * 7 / 10);
    assert_true(most_waited_ms <= MINUTE_MS + 1000);
    for (size_t i = 0; i < COUNT(shares); i++) {
        quota_leave(&shares[i]);
    }
}

/* Whoever waits as long as told gets the turn. */
static void the_wait_is_enough(void **state)
{
    struct quota_share share;
    (void)state;
    join(&share, "robot@invented.test", 7);
    int64_t now_ms = 1;
    for (int i = 0; i < 1000; i++) {
        int64_t wait_ms = quota_take(&share, QUOTA_WRITES, now_ms);
        now_ms += wait_ms;
        assert_true(wait_ms == 0 || quota_take(&share, QUOTA_WRITES, now_ms) == 0);
        now_ms += below(3000);
    }
    quota_leave(&share);
}

static int64_t take_all(struct quota_share *share, enum quota_kind kind, int64_t now_ms)
{
    int64_t count = 0;
    while (quota_take(share, kind, now_ms) == 0) {
        count++;
    }
    return count;
}

static void who_shares_what(void **state)
{
    struct quota_share one;
    struct quota_share two;
    struct quota_share other;
    (void)state;
    join(&one, "robot@invented.test", 60);
    join(&two, "robot@invented.test", 20);
    join(&other, "other@invented.test", 60);
    assert_int_equal(quota_rate(&one), 20);
    assert_int_equal(take_all(&one, QUOTA_READS, 5000), 20); /* The lowest rate. */
    assert_int_equal(take_all(&two, QUOTA_READS, 5000), 0);
    assert_int_equal(take_all(&two, QUOTA_WRITES, 5000), 20); /* Writes are counted apart. */
    assert_int_equal(take_all(&other, QUOTA_READS, 5000), 60);
    quota_leave(&two);
    assert_int_equal(quota_rate(&one), 60);
    assert_int_equal(take_all(&one, QUOTA_READS, 5000), 40);
    join(&two, "robot@invented.test", 60); /* What was sent is remembered while one is there. */
    assert_int_equal(take_all(&two, QUOTA_READS, 6000), 0);

    /* A 429 of one holds all, for reads or for writes. */
    quota_hold(&two, QUOTA_READS, 5000 + 5 * MINUTE_MS);
    assert_int_equal(quota_take(&one, QUOTA_READS, 5000 + 4 * MINUTE_MS), MINUTE_MS);
    assert_int_equal(take_all(&one, QUOTA_WRITES, 5000 + 4 * MINUTE_MS), 60);
    assert_int_equal(take_all(&other, QUOTA_READS, 5000 + 4 * MINUTE_MS), 60);
    assert_int_equal(take_all(&one, QUOTA_READS, 5000 + 5 * MINUTE_MS), 60);
    quota_leave(&one);
    quota_leave(&two);
    quota_leave(&two);
    quota_leave(&other);
    join(&one, "robot@invented.test", 60);
    assert_int_equal(take_all(&one, QUOTA_READS, 5000 + 5 * MINUTE_MS), 60);
    quota_leave(&one);
}

static bool deny(void *context)
{
    (void)context;
    return true;
}

static void lost_memory(void **state)
{
    struct quota_share share = {0};
    (void)state;
    mem_fault_set(deny, NULL);
    bool ok = quota_join(&share, STR("robot@invented.test"), 60, &err);
    mem_fault_set(NULL, NULL);
    assert_false(ok);
    assert_int_equal(err.kind, ERR_RETRY);
    quota_leave(&share);
}

struct taker {
    struct thread thread;
    struct quota_share share;
    int64_t taken;
};

static void *take_many(void *context)
{
    struct taker *taker = context;
    for (int64_t now_ms = 0; now_ms < 10 * MINUTE_MS; now_ms += 100) {
        taker->taken += quota_take(&taker->share, QUOTA_READS, 10 * MINUTE_MS) == 0;
    }
    return NULL;
}

static void threads_share(void **state)
{
    struct taker takers[4] = {0};
    int64_t taken = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(takers); i++) {
        join(&takers[i].share, "robot@invented.test", 1000);
        assert_true(thread_start(&takers[i].thread, take_many, &takers[i], false, &err));
    }
    for (size_t i = 0; i < COUNT(takers); i++) {
        thread_join(&takers[i].thread);
        quota_leave(&takers[i].share);
        taken += takers[i].taken;
    }
    assert_int_equal(taken, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_minute_has_more), cmocka_unit_test(the_wait_is_enough),
        cmocka_unit_test(who_shares_what),    cmocka_unit_test(lost_memory),
        cmocka_unit_test(threads_share),
    };
    return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
