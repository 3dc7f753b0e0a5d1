#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "crypto/digest.h"
#include "db/sqlite.h"
#include "engine/toy.h"

/* engine_serve() on a thread of its own. */
struct serving {
    struct toy *toy;
    struct engine *engine;
    struct thread thread;
    size_t left;
    bool ok;
    struct err err;
};

static void *run_serving(void *argument)
{
    struct serving *serving = argument;
    serving->ok = engine_serve(serving->engine, &serving->left, &serving->err);
    store_leave_thread();
    return NULL;
}

static void serve(struct serving *serving, struct toy *toy)
{
    *serving = (struct serving){.toy = toy, .engine = toy_engine(toy)};
    toy_ok(toy, thread_start(&serving->thread, run_serving, serving, false, &toy->err));
}

/* Ask to stop and wait for the end: how long it took. */
static int64_t stop(struct serving *serving)
{
    int64_t from_ms = clock_mono_ms(clock_system());
    engine_stop(serving->engine);
    thread_join(&serving->thread);
    int64_t took_ms = clock_mono_ms(clock_system()) - from_ms;
    assert_int_equal(serving->left, 0);
    engine_close(serving->engine);
    return took_ms;
}

static bool run_once(struct toy *toy, struct engine_counts *counts)
{
    struct engine *engine = toy_engine(toy);
    bool partial = true;
    toy_ok(toy, engine_run_once(engine, NULL, 0, &partial, &toy->err));
    engine_counts(engine, counts);
    engine_close(engine);
    return !partial;
}

/* One integer of the store, with a connection that knows nothing of stores. */
static int64_t store_number(struct toy *toy, const char *sql)
{
    struct sqlite *db = NULL;
    struct sqlite_options options = {.readonly = true};
    char path[128];
    int64_t value = -1;
    (void)snprintf(path, sizeof path, "%s/sluice.db", toy->folder);
    toy_ok(toy, sqlite_open(&db, str_of(path), &options, &toy->err));
    toy_ok(toy, sqlite_int(db, sql, -1, &value, &toy->err));
    sqlite_close(db);
    return value;
}

static void run_some_times(struct toy *toy)
{
    static const int totals[] = {0, 1, 100, 250, 250, 251};
    int before = 0;
    for (size_t i = 0; i < COUNT(totals); i++) {
        struct engine_counts counts;
        atomic_store(&toy->shared->total, totals[i]);
        assert_true(run_once(toy, &counts));
        assert_int_equal(counts.messages, totals[i] - before);
        assert_int_equal(counts.records, totals[i] - before);
        assert_int_equal(counts.delivered, totals[i] - before);
        assert_int_equal(counts.failed, 0);
        assert_int_equal(toy_delivered(toy), totals[i]);
        before = totals[i];
    }
    assert_int_equal(atomic_load(&toy->shared->written), 251);
    assert_int_equal(store_number(toy, "SELECT count(*) FROM run WHERE phase=3"), COUNT(totals));
    assert_int_equal(store_number(toy, "SELECT count(*) FROM run"), COUNT(totals));
}

static void a_single_run_reads_works_and_delivers(void **state)
{
    struct toy *toy = *state;
    toy->options.clock = &toy->clock;
    run_some_times(toy);
}

static void a_run_on_threads_does_the_same(void **state)
{
    struct toy *toy = *state;
    toy->options.threads = true;
    run_some_times(toy);
}

/* The same engine is asked again and again: its threads come and go. */
static void threads_end_with_their_run(void **state)
{
    struct toy *toy = *state;
    toy->options.threads = true;
    struct engine *engine = toy_engine(toy);
    for (int i = 1; i <= 3; i++) {
        struct engine_counts counts;
        bool partial = true;
        atomic_store(&toy->shared->total, 100 * i);
        toy_ok(toy, engine_run_once(engine, NULL, 0, &partial, &toy->err));
        engine_counts(engine, &counts);
        assert_false(partial);
        assert_int_equal(counts.messages, 100);
        assert_int_equal(counts.delivered, 100);
    }
    engine_close(engine);
    assert_int_equal(toy_delivered(toy), 300);
}

/* Three receipts, each asked for by what the one before led to: nobody else is there to see them.
 */
static void a_run_goes_on_with_its_replies(void **state)
{
    struct toy *toy = *state;
    for (int i = 1; i <= 20; i++) {
        struct engine_counts counts;
        toy->options.threads = i % 2 == 0;
        atomic_store(&toy->shared->receipts, 3);
        atomic_store(&toy->shared->total, i);
        assert_true(run_once(toy, &counts));
        assert_int_equal(atomic_load(&toy->shared->receipts), 0);
        assert_int_equal(counts.messages, 4);
        assert_int_equal(counts.delivered, 4);
    }
}

static void a_run_that_is_stopped_is_partial(void **state)
{
    struct toy *toy = *state;
    toy->options.threads = true;
    atomic_store(&toy->shared->total, 100);
    struct engine *engine = toy_engine(toy);
    bool partial = false;
    engine_stop(engine);
    toy_ok(toy, engine_run_once(engine, NULL, 0, &partial, &toy->err));
    assert_true(partial);
    engine_close(engine);
}

static void a_pipeline_that_is_not_configured_is_not_run(void **state)
{
    static const struct str names[] = {STR_INIT("no such desk")};
    struct toy *toy = *state;
    bool partial = false;
    toy->options.clock = &toy->clock;
    struct engine *engine = toy_engine(toy);
    toy_ok(toy, engine_run_once(engine, names, 1, &partial, &toy->err));
    assert_true(partial);
    engine_close(engine);
    assert_int_equal(store_number(toy, "SELECT count(*) FROM run"), 0);
}

/* A source or a sink that is down holds a single run for a while, not for ever. */
static void a_run_without_its_outside_is_partial(void **state)
{
    static const struct {
        enum err_kind fetch;
        enum err_kind write;
        int total;
    } table[] = {{ERR_RETRY, ERR_NONE, 5},
                 {ERR_LOGIN, ERR_NONE, 5},
                 {ERR_CONFIG, ERR_NONE, 5},
                 {ERR_NONE, ERR_RETRY, 5},
                 {ERR_NONE, ERR_LOGIN, 6}};
    struct toy *toy = *state;
    toy->options.clock = &toy->clock;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct engine_counts counts;
        atomic_store(&toy->shared->total, table[i].total);
        atomic_store(&toy->shared->fail_fetch, (int)table[i].fetch);
        atomic_store(&toy->shared->fail_write, (int)table[i].write);
        atomic_store(&toy->shared->fail_writes, table[i].write != ERR_NONE ? -1 : 0);
        if (run_once(toy, &counts)) {
            fail_msg("row %zu: all is well", i);
        }
    }
    struct engine_counts counts;
    atomic_store(&toy->shared->fail_fetch, ERR_NONE);
    atomic_store(&toy->shared->fail_writes, 2); /* Down for a moment: the run goes on. */
    (void)run_once(toy, &counts);
    assert_int_equal(toy_delivered(toy), 6);
    assert_int_equal(atomic_load(&toy->shared->written), 6);
}

/* An event is told once and kept, although each fetch fails; nothing else of these is. */
static void what_a_failing_fetch_noticed_is_filed(void **state)
{
    struct toy *toy = *state;
    struct engine_counts counts;
    toy->options.clock = &toy->clock;
    atomic_store(&toy->shared->total, 5);
    atomic_store(&toy->shared->notice, true);
    atomic_store(&toy->shared->fail_fetch, (int)ERR_LOGIN);
    assert_false(run_once(toy, &counts));
    assert_true(atomic_load(&toy->shared->fetches) > 1);
    assert_int_equal(store_number(toy, "SELECT count(*) FROM event"), 1);
    assert_int_equal(store_number(toy, "SELECT count(*) FROM keep WHERE key='told'"), 1);
    assert_int_equal(store_number(toy, "SELECT count(*) FROM archive"), 0);
    atomic_store(&toy->shared->fail_fetch, ERR_NONE);
    assert_true(run_once(toy, &counts));
    assert_int_equal(store_number(toy, "SELECT count(*) FROM event"), 1);
}

static void remove_picture(const char *folder, const char *hex)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%.2s/%.2s/%s.png", folder, hex, hex + 2, hex);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/%.2s/%.2s", folder, hex, hex + 2);
    assert_int_equal(rmdir(path), 0);
    (void)snprintf(path, sizeof path, "%s/%.2s", folder, hex);
    assert_int_equal(rmdir(path), 0);
}

/* One file for equal bytes, in the folder that is configured, under its digest. */
static void pictures_go_to_the_configured_folder(void **state)
{
    static const char *const bytes[] = {"even", "odd"};
    struct toy *toy = *state;
    struct engine_counts counts;
    char folder[128];
    (void)snprintf(folder, sizeof folder, "%s/pictures", toy->folder);
    toy->plan.files_dir = str_of(folder);
    atomic_store(&toy->shared->total, 6);
    atomic_store(&toy->shared->pictures, true);
    (void)run_once(toy, &counts);
    assert_int_equal(store_number(toy, "SELECT count(*) FROM blob"), 2);
    for (size_t i = 0; i < COUNT(bytes); i++) {
        char hex[DIGEST_HEX_MAX];
        char path[256];
        struct file_info info = {0};
        (void)digest_hex(DIGEST_SHA256, str_of(bytes[i]), hex);
        (void)snprintf(path, sizeof path, "%s/%.2s/%.2s/%s.png", folder, hex, hex + 2, hex);
        toy_ok(toy, file_look(str_of(path), &info, &toy->err));
        assert_int_equal(info.kind, FILE_REGULAR);
        assert_int_equal(info.size, strlen(bytes[i]));
        remove_picture(folder, hex);
    }
    assert_int_equal(rmdir(folder), 0); /* Nothing else was there. */
}

/* What stops the process: a store that cannot be used, and work that was taken over. */
static const struct {
    const char *sql;
    enum err_kind kind;
} disasters[] = {
    {"DROP TABLE cursor", ERR_STORE},
    {"DROP TABLE lease", ERR_STORE},
    {"CREATE TRIGGER taken AFTER UPDATE ON lease WHEN NEW.token=OLD.token+1 BEGIN"
     " UPDATE lease SET token=token+100 WHERE work=NEW.work; END",
     ERR_STOP},
};

static void store_run_sql(struct toy *toy, const char *sql)
{
    struct sqlite *db = NULL;
    struct sqlite_options options = {0};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/sluice.db", toy->folder);
    toy_ok(toy, sqlite_open(&db, str_of(path), &options, &toy->err));
    toy_ok(toy, sqlite_exec(db, sql, &toy->err));
    sqlite_close(db);
}

/* A store as an earlier run left it. */
static void prepare(struct toy *toy)
{
    struct engine_counts counts;
    assert_true(run_once(toy, &counts));
}

static void fail_runs(bool threads)
{
    for (size_t i = 0; i < COUNT(disasters); i++) {
        void *fresh = NULL;
        bool partial = false;
        (void)toy_open(&fresh);
        struct toy *toy = fresh;
        toy->options.clock = threads ? clock_system() : &toy->clock;
        toy->options.threads = threads;
        prepare(toy);
        atomic_store(&toy->shared->total, 5);
        struct engine *engine = toy_engine(toy);
        store_run_sql(toy, disasters[i].sql);
        assert_false(engine_run_once(engine, NULL, 0, &partial, &toy->err));
        if (toy->err.kind != disasters[i].kind) {
            fail_msg("%s: %s", disasters[i].sql, toy->err.text);
        }
        engine_close(engine);
        (void)toy_close(&fresh);
    }
}

static void a_failing_store_ends_a_single_run(void **state)
{
    (void)state;
    fail_runs(false);
}

static void a_failing_store_ends_a_run_on_threads(void **state)
{
    (void)state;
    fail_runs(true);
}

static bool some_written(struct toy *toy)
{
    return atomic_load(&toy->shared->written) > 300;
}

static void a_stop_under_load_takes_less_than_a_second(void **state)
{
    struct toy *toy = *state;
    struct serving serving;
    struct engine_counts counts;
    atomic_store(&toy->shared->total, TOY_MESSAGES_MAX);
    serve(&serving, toy);
    toy_wait(toy, some_written);
    assert_in_range(stop(&serving), 0, 999);
    assert_true(serving.ok);
    assert_true(toy_delivered(toy) < TOY_MESSAGES_MAX);
    atomic_store(&toy->shared->total, toy_delivered(toy) + 1000);
    assert_true(run_once(toy, &counts));
    assert_true(store_number(toy, "SELECT count(*) FROM outbox") == 0);
    int64_t archived = store_number(toy, "SELECT count(*) FROM archive");
    assert_int_equal(toy_delivered(toy), archived);
    assert_int_equal(atomic_load(&toy->shared->written), archived); /* Nothing twice. */
}

static bool all_written(struct toy *toy)
{
    return atomic_load(&toy->shared->written) >= atomic_load(&toy->shared->total);
}

static void serving_delivers_what_arrives(void **state)
{
    struct toy *toy = *state;
    struct serving serving;
    atomic_store(&toy->shared->total, 150);
    serve(&serving, toy);
    toy_wait(toy, all_written);
    atomic_store(&toy->shared->total, 151); /* While everybody sleeps. */
    toy_wait(toy, all_written);
    (void)stop(&serving);
    assert_true(serving.ok);
    assert_int_equal(atomic_load(&toy->shared->written), 151);
    assert_int_equal(toy_delivered(toy), 151);
}

/* Where nothing tells of a change, the interval is the bound. */
static void without_an_eye_the_interval_is_the_bound(void **state)
{
    struct toy *toy = *state;
    struct serving serving;
    toy->plan_source.poll_ms = 600;
    atomic_store(&toy->shared->total, 10);
    serve(&serving, toy);
    toy_wait(toy, all_written);
    for (int i = 1; i <= 3; i++) {
        int64_t from_ms = clock_mono_ms(clock_system());
        atomic_store(&toy->shared->total, 10 + i);
        toy_wait(toy, all_written);
        assert_in_range(clock_mono_ms(clock_system()) - from_ms, 0, 600 + 900);
    }
    (void)stop(&serving);
}

static void a_stop_before_serving_counts(void **state)
{
    struct toy *toy = *state;
    size_t left = 99;
    struct engine *engine = toy_engine(toy);
    engine_stop(engine);
    int64_t from_ms = clock_mono_ms(clock_system());
    toy_ok(toy, engine_serve(engine, &left, &toy->err));
    assert_in_range(clock_mono_ms(clock_system()) - from_ms, 0, 999);
    assert_int_equal(left, 0);
    engine_close(engine);
}

static void a_failing_store_ends_serving(void **state)
{
    for (size_t i = 0; i < COUNT(disasters); i++) {
        void *fresh = NULL;
        size_t left = 99;
        (void)toy_open(&fresh);
        struct toy *toy = fresh;
        prepare(toy);
        atomic_store(&toy->shared->total, 5);
        struct engine *engine = toy_engine(toy);
        store_run_sql(toy, disasters[i].sql);
        assert_false(engine_serve(engine, &left, &toy->err));
        if (toy->err.kind != disasters[i].kind) {
            fail_msg("%s: %s", disasters[i].sql, toy->err.text);
        }
        assert_int_equal(left, 0);
        engine_close(engine);
        (void)toy_close(&fresh);
    }
    (void)state;
}

static bool looked(struct toy *toy)
{
    return atomic_load(&toy->shared->looks) > 0;
}

static void a_second_engine_is_told_who_owns_the_work(void **state)
{
    struct toy *toy = *state;
    struct serving serving;
    char owner[32];
    size_t left = 99;
    serve(&serving, toy);
    toy_wait(toy, looked);
    struct engine *second = toy_engine(toy);
    assert_false(engine_serve(second, &left, &toy->err));
    assert_int_equal(toy->err.kind, ERR_STOP);
    assert_int_equal(left, 0);
    (void)snprintf(owner, sizeof owner, "process %ld", (long)getpid());
    if (str_find(str_of(toy->err.text), str_of(owner), 0) == STR_NONE) {
        fail_msg("no owner in: %s", toy->err.text);
    }
    engine_close(second);
    atomic_store(&toy->shared->total, 10); /* The first is as well as before. */
    toy_wait(toy, all_written);
    (void)stop(&serving);
    assert_true(serving.ok);
}

/* Every worker that there is holds its lease. */
static bool owned(struct toy *toy)
{
    return store_number(toy, "SELECT count(*) FROM lease") == 5;
}

static void a_run_beside_a_serving_engine_is_carried_out_by_it(void **state)
{
    struct toy *toy = *state;
    struct serving serving;
    struct engine_counts counts;
    toy->plan_source.on_demand = true;
    toy->plan_pipeline.schedule.kind = SCHEDULE_BY_HAND;
    atomic_store(&toy->shared->total, 120);
    serve(&serving, toy);
    toy_wait(toy, owned);
    assert_int_equal(atomic_load(&toy->shared->fetches), 0); /* Nobody has asked yet. */
    int64_t from_ms = clock_mono_ms(clock_system());
    assert_true(run_once(toy, &counts));
    assert_in_range(clock_mono_ms(clock_system()) - from_ms, 0, 2500); /* A person waits. */
    assert_int_equal(counts.messages, 120);
    assert_int_equal(counts.delivered, 120);
    assert_int_equal(atomic_load(&toy->shared->written), 120);
    (void)stop(&serving);
    assert_true(serving.ok);
}

/* A planned run wakes those who have to work for it. */
static void a_planned_run_takes_place_at_once(void **state)
{
    struct toy *toy = *state;
    struct serving serving;
    toy->plan_source.on_demand = true;
    toy->plan_pipeline.schedule =
        (struct schedule){.kind = SCHEDULE_EVERY, .every_ms = 24 * 3600 * 1000};
    atomic_store(&toy->shared->total, 120);
    int64_t from_ms = clock_mono_ms(clock_system());
    serve(&serving, toy);
    toy_wait(toy, all_written);
    assert_in_range(clock_mono_ms(clock_system()) - from_ms, 0, 2500);
    (void)stop(&serving);
    assert_true(serving.ok);
}

/* Killed in the middle of everything: opened again at once, and in the end nothing is missing. */
static void a_killed_process_is_recovered_from(void **state)
{
    struct toy *toy = *state;
    struct engine_counts counts;
    atomic_store(&toy->shared->slow, true);
    for (int round = 0; round < 3; round++) {
        int status = 0;
        int before = atomic_load(&toy->shared->written);
        atomic_store(&toy->shared->total, TOY_MESSAGES_MAX);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            size_t left = 0;
            struct engine *engine = NULL;
            _exit(engine_open(&engine, &toy->options, &toy->err) &&
                          engine_serve(engine, &left, &toy->err)
                      ? 0
                      : 1);
        }
        int64_t until_ms = clock_mono_ms(clock_system()) + 10000;
        while (atomic_load(&toy->shared->written) < before + 500) {
            assert_true(clock_mono_ms(clock_system()) < until_ms);
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        int64_t from_ms = clock_mono_ms(clock_system());
        engine_close(toy_engine(toy));
        assert_in_range(clock_mono_ms(clock_system()) - from_ms, 0, 999);
    }
    atomic_store(&toy->shared->total, 0);
    assert_true(run_once(toy, &counts));
    int64_t archived = store_number(toy, "SELECT count(*) FROM archive");
    assert_int_equal(toy_delivered(toy), archived);
    for (int64_t i = 0; i < archived; i++) { /* Without a gap, and rarely twice. */
        assert_in_range(atomic_load(&toy->shared->given[i]), 1, 4);
    }
    assert_int_equal(store_number(toy, "SELECT count(*) FROM outbox"), 0);
    assert_int_equal(store_number(toy, "SELECT count(DISTINCT external_id) FROM archive"),
                     archived);
}

static void what_cannot_be_opened_says_why(void **state)
{
    struct toy *toy = *state;
    struct engine *engine = NULL;
    static char path[5000];
    memset(path, 'x', sizeof path);
    const struct {
        struct str folder;
        enum err_kind kind;
    } table[] = {
        {STR("/nonexistent/folder"), ERR_NONE},
        {{path, sizeof path}, ERR_CONFIG},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        toy->err = (struct err){0};
        toy->options.data_dir = table[i].folder;
        assert_false(engine_open(&engine, &toy->options, &toy->err));
        assert_true(toy->err.text[0] != '\0');
        assert_true(table[i].kind == ERR_NONE || toy->err.kind == table[i].kind);
    }
}

static void too_many_workers_are_refused(void **state)
{
    struct toy *toy = *state;
    struct engine *engine = NULL;
    struct plan_pipeline *pipelines = calloc(ENGINE_WORKERS_MAX, sizeof *pipelines);
    char names[ENGINE_WORKERS_MAX][16];
    assert_non_null(pipelines);
    for (size_t i = 0; i < ENGINE_WORKERS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "desk %zu", i);
        pipelines[i] = toy->plan_pipeline;
        pipelines[i].name = str_of(names[i]);
    }
    toy->plan.pipelines = pipelines;
    toy->plan.pipeline_count = ENGINE_WORKERS_MAX;
    assert_false(engine_open(&engine, &toy->options, &toy->err));
    assert_int_equal(toy->err.kind, ERR_CONFIG);
    free(pipelines);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, toy_open, toy_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_single_run_reads_works_and_delivers),
        TEST(a_pipeline_that_is_not_configured_is_not_run),
        TEST(a_run_without_its_outside_is_partial),
        TEST(what_a_failing_fetch_noticed_is_filed),
        TEST(pictures_go_to_the_configured_folder),
        TEST(a_failing_store_ends_a_single_run),
        TEST(a_stop_under_load_takes_less_than_a_second),
        TEST(serving_delivers_what_arrives),
        TEST(without_an_eye_the_interval_is_the_bound),
        TEST(a_stop_before_serving_counts),
        TEST(a_run_on_threads_does_the_same),
        TEST(threads_end_with_their_run),
        TEST(a_run_that_is_stopped_is_partial),
        TEST(a_run_goes_on_with_its_replies),
        TEST(a_failing_store_ends_a_run_on_threads),
        TEST(a_failing_store_ends_serving),
        TEST(a_second_engine_is_told_who_owns_the_work),
        TEST(a_run_beside_a_serving_engine_is_carried_out_by_it),
        TEST(a_planned_run_takes_place_at_once),
        TEST(a_killed_process_is_recovered_from),
        TEST(what_cannot_be_opened_says_why),
        TEST(too_many_workers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
