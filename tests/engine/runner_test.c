#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/runner.h"
#include "store/fixture.h"

enum { SEATS = 4, WAIT_MS = 10000 };

/* A worker whose step does what the test says. */
struct seat {
    struct worker worker; /* First. */
    atomic_int steps;
    atomic_int closed;
    atomic_bool hang;
    atomic_bool busy;
    atomic_bool ring;
    atomic_int fail; /* An enum err_kind. */
    atomic_int stops_seen;
};

struct hall {
    struct fixture *f;
    struct seat *seats;
    struct worker *workers[SEATS];
    struct rng rng[SEATS];
    struct runner *runner;
};

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static void pause_ms(int64_t ms)
{
    clock_system()->sleep_until(clock_system(), now_ms() + ms);
}

static bool step(struct worker *worker, struct err *err)
{
    struct seat *seat = (struct seat *)worker;
    atomic_fetch_add(&seat->steps, 1);
    while (atomic_load(&seat->hang)) {
        pause_ms(1);
    }
    atomic_fetch_add(&seat->stops_seen, worker->stopping(worker->stopping_context));
    if (atomic_load(&seat->ring)) {
        worker_ring(worker);
    }
    worker->busy = atomic_load(&seat->busy);
    worker->wake_ms = now_ms() + 60000; /* Only a bell wakes it sooner. */
    int kind = atomic_load(&seat->fail);
    return kind == ERR_NONE || err_set(err, (enum err_kind)kind, "told to fail");
}

static void closed(struct worker *worker)
{
    atomic_fetch_add(&((struct seat *)worker)->closed, 1);
}

static const struct worker_type type = {.name = "seat", .step = step, .close = closed};

static struct hall hall_new(struct fixture *f)
{
    struct hall hall = {.f = f};
    hall.seats = calloc(SEATS, sizeof *hall.seats);
    assert_non_null(hall.seats);
    for (size_t i = 0; i < SEATS; i++) {
        struct worker *worker = &hall.seats[i].worker;
        hall.workers[i] = worker;
        worker->type = &type;
        worker->clock = clock_system();
        worker->owner = STR("test");
        worker->store = fixture_handle(f);
        (void)snprintf(worker->name, sizeof worker->name, "seat/%zu", i);
        arena_init(&worker->arena, WORKER_ARENA_LIMIT);
        arena_init(&worker->open_arena, WORKER_ARENA_LIMIT);
    }
    return hall;
}

static void hall_start(struct hall *hall)
{
    for (size_t i = 0; i < SEATS; i++) {
        rng_seed(&hall->rng[i], i);
        hall->workers[i]->rng = &hall->rng[i];
    }
    fixture_ok(hall->f, runner_start(&hall->runner, hall->workers, SEATS, &hall->f->err));
}

static void hall_end(struct hall *hall)
{
    assert_int_equal(runner_stop(hall->runner, WAIT_MS), 0);
    for (size_t i = 0; i < SEATS; i++) {
        assert_int_equal(atomic_load(&hall->seats[i].closed),
                         atomic_load(&hall->seats[i].steps) > 0);
        store_close(hall->workers[i]->store);
    }
    runner_free(hall->runner);
    free(hall->seats);
}

static void wait_for(const atomic_int *value, int least)
{
    int64_t until_ms = now_ms() + WAIT_MS;
    while (atomic_load(value) < least) {
        if (now_ms() > until_ms) {
            print_error("waited in vain for %d, there are %d\n", least, atomic_load(value));
            abort();
        }
        pause_ms(1);
    }
}

static void each_worker_steps_and_sleeps(void **state)
{
    struct hall hall = hall_new(*state);
    hall_start(&hall);
    for (size_t i = 0; i < SEATS; i++) {
        wait_for(&hall.seats[i].steps, 1);
    }
    pause_ms(50);
    for (size_t i = 0; i < SEATS; i++) {
        assert_int_equal(atomic_load(&hall.seats[i].steps), 1);
    }
    hall_end(&hall);
}

static void the_bell_wakes_those_who_sleep(void **state)
{
    struct hall hall = hall_new(*state);
    hall_start(&hall);
    for (size_t i = 0; i < SEATS; i++) {
        wait_for(&hall.seats[i].steps, 1);
    }
    for (int round = 2; round < 20; round++) {
        worker_ring(hall.workers[0]);
        for (size_t i = 0; i < SEATS; i++) {
            wait_for(&hall.seats[i].steps, round);
        }
    }
    hall_end(&hall);
}

/*
 * A hundred rings, each worth a step to the others: it answers a few at once, then now and then,
 * and the last one too.
 */
static void who_is_patient_answers_now_and_then(void **state)
{
    static const struct worker_type patient = {
        .name = "patient", .step = step, .close = closed, .patience_ms = 100};
    struct hall hall = hall_new(*state);
    hall.workers[1]->type = &patient;
    hall_start(&hall);
    for (size_t i = 0; i < SEATS; i++) {
        wait_for(&hall.seats[i].steps, 1);
    }
    int64_t from_ms = now_ms();
    for (int round = 2; round < 5; round++) {
        worker_ring(hall.workers[0]);
        wait_for(&hall.seats[1].steps, round);
        wait_for(&hall.seats[2].steps, round);
    }
    assert_in_range(now_ms() - from_ms, 0, patient.patience_ms - 1);
    for (int round = 5; round < 100; round++) {
        worker_ring(hall.workers[0]);
        wait_for(&hall.seats[2].steps, round);
        pause_ms(1);
    }
    int64_t most = 10 + (now_ms() - from_ms) / patient.patience_ms;
    assert_in_range(atomic_load(&hall.seats[1].steps), 2, most);
    assert_true(atomic_load(&hall.seats[2].steps) > 90);
    pause_ms(2 * patient.patience_ms);
    int before = atomic_load(&hall.seats[1].steps);
    worker_ring(hall.workers[0]);
    wait_for(&hall.seats[1].steps, before + 1); /* At once: it had rested long enough. */
    worker_ring(hall.workers[0]);
    wait_for(&hall.seats[1].steps, before + 2); /* Not lost, only later. */
    hall_end(&hall);
}

/* After a failure only time helps. */
static void the_bell_does_not_wake_who_failed(void **state)
{
    struct hall hall = hall_new(*state);
    atomic_store(&hall.seats[1].fail, ERR_LOGIN);
    hall_start(&hall);
    for (size_t i = 0; i < SEATS; i++) {
        wait_for(&hall.seats[i].steps, 1);
    }
    for (int i = 0; i < 50; i++) {
        worker_ring(hall.workers[0]);
        pause_ms(1);
    }
    assert_true(atomic_load(&hall.seats[0].steps) > 5);
    assert_true(atomic_load(&hall.seats[1].steps) < 5);
    hall_end(&hall);
}

static void busy_workers_stop_at_once(void **state)
{
    struct hall hall = hall_new(*state);
    for (size_t i = 0; i < SEATS; i++) {
        atomic_store(&hall.seats[i].busy, true);
        atomic_store(&hall.seats[i].ring, true);
    }
    hall_start(&hall);
    for (size_t i = 0; i < SEATS; i++) {
        wait_for(&hall.seats[i].steps, 100);
    }
    int64_t from_ms = now_ms();
    runner_ask_stop(hall.runner);
    assert_true(runner_wait(hall.runner, &hall.f->err));
    hall_end(&hall);
    assert_in_range(now_ms() - from_ms, 0, 999);
}

static void who_hangs_is_named_and_left_behind(void **state)
{
    struct hall hall = hall_new(*state);
    const char *names[SEATS] = {0};
    atomic_store(&hall.seats[1].hang, true);
    atomic_store(&hall.seats[3].hang, true);
    hall_start(&hall);
    for (size_t i = 0; i < SEATS; i++) {
        wait_for(&hall.seats[i].steps, 1);
    }
    int64_t from_ms = now_ms();
    assert_int_equal(runner_stop(hall.runner, 200), 2);
    assert_in_range(now_ms() - from_ms, 190, 1500);
    assert_int_equal(runner_left(hall.runner, names, 1), 1);
    assert_int_equal(runner_left(hall.runner, names, SEATS), 2);
    assert_string_equal(names[0], "seat/1");
    assert_string_equal(names[1], "seat/3");
    atomic_store(&hall.seats[1].hang, false);
    atomic_store(&hall.seats[3].hang, false);
    assert_int_equal(runner_stop(hall.runner, WAIT_MS), 0);
    assert_true(atomic_load(&hall.seats[1].stops_seen) == 1); /* It was asked to stop. */
    assert_int_equal(runner_left(hall.runner, names, SEATS), 0);
    hall_end(&hall);
}

static bool stuck_within(struct runner *runner, int failures, int64_t wait_ms)
{
    int64_t until_ms = now_ms() + wait_ms;
    bool stuck = runner_stuck(runner, failures);
    while (!stuck && now_ms() < until_ms) {
        pause_ms(1);
        stuck = runner_stuck(runner, failures);
    }
    return stuck;
}

static void who_fails_while_all_others_wait_is_stuck(void **state)
{
    struct hall hall = hall_new(*state);
    atomic_store(&hall.seats[0].busy, true);
    atomic_store(&hall.seats[1].fail, ERR_RETRY);
    hall_start(&hall);
    wait_for(&hall.seats[1].steps, 1);
    assert_false(stuck_within(hall.runner, 1, 50)); /* One is at work. */
    atomic_store(&hall.seats[0].busy, false);
    assert_true(stuck_within(hall.runner, 1, WAIT_MS));
    assert_false(runner_stuck(hall.runner, 1000));
    atomic_store(&hall.seats[1].fail, ERR_NONE);
    int64_t from_ms = now_ms();
    assert_true(runner_pause(hall.runner, from_ms + 20)); /* Nobody rings. */
    assert_in_range(now_ms() - from_ms, 20, 1500);
    runner_ask_stop(hall.runner);
    assert_false(runner_pause(hall.runner, from_ms + WAIT_MS));
    hall_end(&hall);
}

static void a_failure_for_good_stops_everybody(void **state)
{
    static const enum err_kind kinds[] = {ERR_STORE, ERR_STOP};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct hall hall = hall_new(*state);
        struct err err = {0};
        atomic_store(&hall.seats[2].fail, (int)kinds[i]);
        hall_start(&hall);
        assert_false(runner_wait(hall.runner, &err));
        assert_int_equal(err.kind, kinds[i]);
        assert_string_equal(err.text, "told to fail");
        hall_end(&hall);
    }
}

static void other_failures_stop_nobody(void **state)
{
    static const enum err_kind kinds[] = {ERR_RETRY, ERR_LOGIN, ERR_REJECT, ERR_CONFIG};
    struct hall hall = hall_new(*state);
    for (size_t i = 0; i < SEATS; i++) {
        atomic_store(&hall.seats[i].fail, (int)kinds[i]);
    }
    hall_start(&hall);
    for (size_t i = 0; i < SEATS; i++) {
        wait_for(&hall.seats[i].steps, 2); /* Tried again, after a second at most. */
        atomic_store(&hall.seats[i].fail, ERR_NONE);
    }
    runner_ask_stop(hall.runner);
    assert_true(runner_wait(hall.runner, &hall.f->err));
    hall_end(&hall);
}

static void no_workers_are_fine(void **state)
{
    struct fixture *f = *state;
    struct runner *runner = NULL;
    fixture_ok(f, runner_start(&runner, NULL, 0, &f->err));
    assert_int_equal(runner_stop(runner, 0), 0);
    runner_free(runner);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_worker_steps_and_sleeps),        TEST(the_bell_wakes_those_who_sleep),
        TEST(who_is_patient_answers_now_and_then), TEST(the_bell_does_not_wake_who_failed),
        TEST(busy_workers_stop_at_once),           TEST(who_hangs_is_named_and_left_behind),
        TEST(a_failure_for_good_stops_everybody),  TEST(who_fails_while_all_others_wait_is_stuck),
        TEST(other_failures_stop_nobody),          TEST(no_workers_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
