#include "store/fixture.h"
#include "store/run.h"

static int64_t open_run(struct fixture *f, const char *pipeline, enum run_trigger trigger)
{
    struct run run = {
        .pipeline = str_of(pipeline),
        .trigger = trigger,
        .planned_ms = f->now_ms,
        .started_ms = f->now_ms + 1,
        .from_id = 12,
    };
    int64_t id = 0;
    fixture_begin(f);
    fixture_ok(f, store_run_open(f->store, &run, &id, &f->err));
    fixture_commit(f);
    return id;
}

static struct run get(struct fixture *f, int64_t id)
{
    struct run run;
    fixture_ok(f, store_run_get(f->store, &f->arena, id, &run, &f->err));
    return run;
}

static void update(struct fixture *f, const struct run *run)
{
    fixture_begin(f);
    fixture_ok(f, store_run_update(f->store, run, &f->err));
    fixture_commit(f);
}

static void a_run_keeps_all_it_is_told(void **state)
{
    struct fixture *f = *state;
    int64_t id = open_run(f, "drops", RUN_BY_WEBHOOK);
    struct run run = get(f, id);
    assert_int_equal(run.id, id);
    assert_str_equal(run.pipeline, STR("drops"));
    assert_int_equal(run.trigger, RUN_BY_WEBHOOK);
    assert_int_equal(run.phase, RUN_INTAKE);
    assert_int_equal(run.outcome, RUN_OPEN);
    assert_int_equal(run.planned_ms, f->now_ms);
    assert_int_equal(run.started_ms, f->now_ms + 1);
    assert_int_equal(run.from_id, 12);
    assert_null(run.detail.ptr);
    assert_null(run.error.ptr);
    run.phase = RUN_ENDED;
    run.outcome = RUN_PARTIAL;
    run.started_ms = 5;
    run.ended_ms = 6;
    run.upto_id = 7;
    run.messages = 8;
    run.records = 9;
    run.delivered = 10;
    run.failed = 11;
    run.detail = STR("{\"bridge\":8}");
    run.error = STR("two records wait");
    update(f, &run);
    fixture_reopen(f);
    struct run after = get(f, id);
    assert_int_equal(after.phase, RUN_ENDED);
    assert_int_equal(after.outcome, RUN_PARTIAL);
    assert_int_equal(after.started_ms, 5);
    assert_int_equal(after.ended_ms, 6);
    assert_int_equal(after.from_id, 12);
    assert_int_equal(after.upto_id, 7);
    assert_int_equal(after.messages, 8);
    assert_int_equal(after.records, 9);
    assert_int_equal(after.delivered, 10);
    assert_int_equal(after.failed, 11);
    assert_str_equal(after.detail, STR("{\"bridge\":8}"));
    assert_str_equal(after.error, STR("two records wait"));
    assert_str_equal(after.pipeline, STR("drops"));
    assert_int_equal(get(f, id + 1).id, 0);
}

static void active_runs_come_oldest_first(void **state)
{
    struct fixture *f = *state;
    struct run *runs = NULL;
    size_t count = 9;
    fixture_ok(f, store_run_active(f->store, &f->arena, &runs, &count, &f->err));
    assert_int_equal(count, 0);
    enum { MANY = 70 };
    for (int i = 0; i < MANY; i++) {
        (void)open_run(f, i % 2 == 0 ? "drops" : "dispatch", RUN_BY_SCHEDULE);
    }
    struct run ended = get(f, 2);
    ended.phase = RUN_ENDED;
    update(f, &ended);
    struct run moved = get(f, 3);
    moved.phase = RUN_DELIVERY;
    update(f, &moved);
    fixture_ok(f, store_run_active(f->store, &f->arena, &runs, &count, &f->err));
    assert_int_equal(count, MANY - 1);
    assert_int_equal(runs[0].id, 1);
    assert_int_equal(runs[1].id, 3);
    assert_int_equal(runs[1].phase, RUN_DELIVERY);
    assert_int_equal(runs[count - 1].id, MANY);
    assert_str_equal(runs[count - 1].pipeline, STR("dispatch"));
}

static void runs_are_listed_newest_first_page_by_page(void **state)
{
    struct fixture *f = *state;
    struct run *runs = NULL;
    size_t count = 0;
    for (int i = 0; i < 9; i++) {
        (void)open_run(f, i % 3 == 0 ? "drops" : "dispatch", RUN_BY_HAND);
    }
    fixture_ok(f, store_run_list(f->store, &f->arena, STR(""), 0, 4, &runs, &count, &f->err));
    assert_int_equal(count, 4);
    assert_int_equal(runs[0].id, 9);
    fixture_ok(
        f, store_run_list(f->store, &f->arena, STR(""), runs[3].id, 99, &runs, &count, &f->err));
    assert_int_equal(count, 5);
    assert_int_equal(runs[0].id, 5);
    fixture_ok(f, store_run_list(f->store, &f->arena, STR("drops"), 7, 99, &runs, &count, &f->err));
    assert_int_equal(count, 2);
    assert_int_equal(runs[0].id, 4);
    assert_int_equal(runs[1].id, 1);
    fixture_ok(f,
               store_run_list(f->store, &f->arena, STR("nobody"), 0, 99, &runs, &count, &f->err));
    assert_int_equal(count, 0);
}

static void a_schedule_knows_its_last_run(void **state)
{
    struct fixture *f = *state;
    int64_t planned = -1;
    fixture_ok(f, store_schedule_get(f->store, STR("drops"), &planned, &f->err));
    assert_int_equal(planned, 0);
    for (int64_t i = 1; i <= 2; i++) {
        fixture_begin(f);
        fixture_ok(f, store_schedule_put(f->store, STR("drops"), i * 1000, &f->err));
        fixture_commit(f);
        fixture_ok(f, store_schedule_get(f->store, STR("drops"), &planned, &f->err));
        assert_int_equal(planned, i * 1000);
    }
    fixture_ok(f, store_schedule_get(f->store, STR("dispatch"), &planned, &f->err));
    assert_int_equal(planned, 0);
}

static int64_t ask(struct fixture *f, const char *object)
{
    struct request request = {.act = STR("run"), .object = str_of(object)};
    int64_t id = 0;
    fixture_begin(f);
    fixture_ok(f, store_request_put(f->store, &request, &id, &f->err));
    fixture_commit(f);
    return id;
}

static void requests_are_taken_once_in_order(void **state)
{
    struct fixture *f = *state;
    struct request next;
    bool found = true;
    fixture_ok(f, store_request_next(f->store, &f->arena, &next, &found, &f->err));
    assert_false(found);
    int64_t one = ask(f, "drops");
    int64_t two = ask(f, "dispatch");
    assert_true(one < two);
    fixture_ok(f, store_request_next(f->store, &f->arena, &next, &found, &f->err));
    assert_true(found);
    assert_int_equal(next.id, one);
    assert_str_equal(next.act, STR("run"));
    assert_str_equal(next.object, STR("drops"));
    assert_null(next.detail.ptr);
    assert_int_equal(next.run_id, 0);
    fixture_begin(f);
    fixture_ok(f, store_request_taken(f->store, one, 31, &f->err));
    fixture_commit(f);
    fixture_ok(f, store_request_next(f->store, &f->arena, &next, &found, &f->err));
    assert_int_equal(next.id, two);
    fixture_begin(f);
    fixture_ok(f, store_request_taken(f->store, two, -1, &f->err));
    fixture_commit(f);
    fixture_ok(f, store_request_next(f->store, &f->arena, &next, &found, &f->err));
    assert_false(found);
    fixture_ok(f, store_request_get(f->store, &f->arena, one, &next, &found, &f->err));
    assert_true(found);
    assert_int_equal(next.run_id, 31);
    fixture_ok(f, store_request_get(f->store, &f->arena, 999, &next, &found, &f->err));
    assert_false(found);
}

static void requests_that_nobody_takes_have_a_bound(void **state)
{
    struct fixture *f = *state;
    struct request request = {.act = STR("run"), .object = STR("drops")};
    int64_t id = 0;
    bool ok = true;
    int put = 0;
    fixture_begin(f);
    f->err = (struct err){0};
    while (ok && put < 20000) {
        if (put % 1000 == 999) {
            fixture_commit(f);
            fixture_begin(f);
        }
        /* The count is exact and costs little as long as few wait; here it is only the bound. */
        ok = store_request_put(f->store, &request, &id, &f->err);
        put += ok;
        if (put == 20) { /* Fill up quickly. */
            fixture_commit(f);
            fixture_tamper(f, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE"
                              " i < 9975) INSERT INTO request(act, object, at_ms)"
                              " SELECT 'run', 'drops', i FROM n");
            fixture_begin(f);
        }
    }
    store_rollback(f->store);
    assert_false(ok);
    assert_int_equal(put, 25);
    assert_int_equal(f->err.kind, ERR_RETRY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_keeps_all_it_is_told),
        TEST(active_runs_come_oldest_first),
        TEST(runs_are_listed_newest_first_page_by_page),
        TEST(a_schedule_knows_its_last_run),
        TEST(requests_are_taken_once_in_order),
        TEST(requests_that_nobody_takes_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
