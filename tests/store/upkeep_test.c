#include <stdio.h>
#include <string.h>

#include "store/audit.h"
#include "store/blobs.h"
#include "store/fixture.h"
#include "store/outbox.h"
#include "store/reference.h"
#include "store/run.h"
#include "store/search.h"
#include "store/upkeep.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, STEPS_MAX = 500 };

/* Steps until there is nothing more to do; gives the sum of what was done. */
static struct upkeep_counts keep_up(struct fixture *f, const struct upkeep_limits *limits)
{
    struct upkeep_counts sum = {0};
    bool more = true;
    for (int i = 0; more; i++) {
        struct upkeep_counts counts;
        assert_true(i < STEPS_MAX);
        fixture_ok(f, store_upkeep(f->store, limits, &counts, &more, &f->err));
        assert_true(counts.messages <= UPKEEP_ROWS_MAX && counts.pages <= UPKEEP_PAGES_MAX);
        sum.messages += counts.messages;
        sum.runs += counts.runs;
        sum.pages += counts.pages;
    }
    return sum;
}

static void fill_index(struct fixture *f)
{
    bool more = true;
    while (more) {
        fixture_ok(f, store_search_fill(f->store, &f->arena, 0, &more, &f->err));
    }
}

/* `count` messages, one a second, in changes of a thousand. */
static void say_many(struct fixture *f, int from, int count, const char *text)
{
    char id[24];
    char said[256];
    for (int i = from; i < from + count; i++) {
        if ((i - from) % 1000 == 0) {
            fixture_begin(f);
        }
        f->now_ms += 1000;
        (void)snprintf(id, sizeof id, "%d", i + 1);
        (void)snprintf(said, sizeof said, "%s number%06d", text, i);
        assert_true(fixture_say(f, "lobby", id, said) > 0);
        if ((i - from) % 1000 == 999 || i + 1 == from + count) {
            fixture_commit(f);
            arena_reset(&f->arena);
        }
    }
}

/* A pipeline that has read everything up to now. */
static void read_all(struct fixture *f, const char *pipeline)
{
    struct reader *reader = NULL;
    const struct subscription all = {STR("bridge"), STR("")};
    struct reader_options options = {
        .pipeline = str_of(pipeline), .subscriptions = &all, .subscription_count = 1};
    bool more = true;
    fixture_begin(f);
    fixture_ok(f, store_reader_open(f->store, &f->arena, &options, &reader, &f->err));
    fixture_commit(f);
    while (more) {
        bool found = true;
        fixture_begin(f);
        fixture_ok(f, store_reader_begin(f->store, reader, &f->err));
        while (found) {
            struct message message;
            fixture_ok(f, store_reader_next(f->store, reader, &message, &found, &f->err));
        }
        fixture_ok(f, store_reader_end(f->store, reader, &more, &f->err));
        fixture_commit(f);
    }
    store_reader_close(reader);
}

static void verify(struct fixture *f)
{
    struct str problem;
    fixture_ok(f, store_verify(f->store, &f->arena, &problem, &f->err));
    if (problem.ptr != NULL) {
        fail_msg("%.*s", STR_ARG(problem));
    }
}

static void nothing_goes_without_a_limit(void **state)
{
    struct fixture *f = *state;
    say_many(f, 0, 10, "tap");
    f->now_ms += INT64_C(1000) * DAY_MS;
    struct upkeep_counts sum = keep_up(f, &(struct upkeep_limits){0});
    assert_int_equal(sum.messages, 0);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM archive"), 10);
}

static void old_messages_go_and_stay_known(void **state)
{
    struct fixture *f = *state;
    struct intake_counts counts;
    say_many(f, 0, 10, "tap");
    f->now_ms += DAY_MS;
    say_many(f, 10, 5, "tap");
    struct upkeep_limits limits = {.archive_ms = DAY_MS / 2};
    assert_int_equal(keep_up(f, &limits).messages, 10);
    assert_int_equal(fixture_int(f, "SELECT min(id) FROM archive"), 11);
    assert_int_equal(fixture_int(f, "SELECT sum(length(entries)) / 8 FROM seen_block"), 15);
    assert_int_equal(keep_up(f, &limits).messages, 0);
    struct message again = {.source = STR("bridge"),
                            .chat = STR("lobby"),
                            .external_id = STR("3"),
                            .text = STR("something else")};
    fixture_begin(f);
    fixture_ok(f, store_archive_put(f->store, &f->arena, &again, 1, &counts, &f->err));
    fixture_commit(f);
    assert_int_equal(counts.repeated, 1);
    assert_int_equal(again.id, 0);
    verify(f);
}

static void numbers_are_never_used_again(void **state)
{
    struct fixture *f = *state;
    say_many(f, 0, 10, "tap");
    f->now_ms += DAY_MS;
    assert_int_equal(keep_up(f, &(struct upkeep_limits){.archive_ms = 1000}).messages, 10);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM archive"), 0);
    assert_int_equal(fixture_int(f, "SELECT value FROM meta WHERE key='archive_floor'"), 10);
    assert_int_equal(fixture_int(f, "SELECT value FROM meta WHERE key='archive_floor_ms'"),
                     f->now_ms - DAY_MS);
    fixture_reopen(f);
    fixture_begin(f);
    assert_int_equal(fixture_say(f, "lobby", "new", "tap"), 11);
    fixture_commit(f);
    verify(f);
}

static void nothing_goes_that_a_pipeline_has_not_read(void **state)
{
    struct fixture *f = *state;
    const struct str both[] = {STR("drops"), STR("company")};
    struct upkeep_limits limits = {.archive_ms = 1000};
    say_many(f, 0, 10, "tap");
    read_all(f, "drops");
    say_many(f, 10, 10, "tap");
    f->now_ms += DAY_MS;
    assert_int_equal(keep_up(f, &limits).messages, 10);
    /* Configured, but it has not begun: it wants the archive from its beginning. */
    limits.pipelines = both;
    limits.pipeline_count = 2;
    read_all(f, "drops");
    assert_int_equal(keep_up(f, &limits).messages, 0);
    /* A chat that was subscribed late has its own place, which counts. */
    fixture_tamper(f, "INSERT INTO position(pipeline, chat, id) SELECT id, 0, 20 FROM name WHERE"
                      " text='drops' ON CONFLICT DO UPDATE SET id=20;"
                      "INSERT INTO name(text) VALUES('company');"
                      "INSERT INTO position(pipeline, chat, id) SELECT id, 0, 20 FROM name WHERE"
                      " text='company';"
                      "INSERT INTO position(pipeline, chat, id) SELECT id, 1, 14 FROM name WHERE"
                      " text='company'");
    assert_int_equal(keep_up(f, &limits).messages, 4);
    assert_int_equal(fixture_int(f, "SELECT min(id) FROM archive"), 15);
    /* A pipeline that is no longer configured holds nothing back. */
    limits.pipeline_count = 1;
    assert_int_equal(keep_up(f, &limits).messages, 6);
}

static void put_record(struct fixture *f, const char *sink, int64_t generation, int64_t message)
{
    struct effect effect = {.pipeline = STR("drops"), .generation = generation, .message = message};
    struct record record = {.kind = RECORD_EFFECT,
                            .sink = str_of(sink),
                            .target = STR("t"),
                            .entity = STR("e"),
                            .body = STR("{}")};
    bool queued = false;
    fixture_begin(f);
    fixture_ok(f, store_outbox_put(f->store, &effect, 1, &record, &queued, &f->err));
    fixture_commit(f);
    assert_true(queued);
}

static void nothing_goes_that_a_waiting_record_needs(void **state)
{
    struct fixture *f = *state;
    struct upkeep_limits limits = {.archive_ms = 1000};
    say_many(f, 0, 20, "tap");
    put_record(f, "a", 2, 15);
    put_record(f, "a", 1, 19);
    put_record(f, "b", 1, 13);
    put_record(f, "b", 3, 7);
    put_record(f, "b", 3, 8);
    f->now_ms += DAY_MS;
    assert_int_equal(keep_up(f, &limits).messages, 6);
    fixture_tamper(f, "DELETE FROM outbox WHERE message=7");
    assert_int_equal(keep_up(f, &limits).messages, 1);
    fixture_tamper(f, "DELETE FROM outbox WHERE generation=3");
    assert_int_equal(keep_up(f, &limits).messages, 5);
    fixture_tamper(f, "DELETE FROM outbox");
    assert_int_equal(keep_up(f, &limits).messages, 8);
}

static void steps_are_bounded_and_the_file_shrinks(void **state)
{
    struct fixture *f = *state;
    struct upkeep_counts counts;
    int64_t before = 0;
    int64_t after = 0;
    int64_t log = 0;
    bool more = false;
    enum { MANY = UPKEEP_ROWS_MAX * 3 };
    say_many(f, 0, MANY, "The kitchen tap is leaking again, please send somebody before noon");
    fill_index(f);
    assert_int_equal(fixture_int(f, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    fixture_ok(f, store_size(f->store, &before, &log, &f->err));
    assert_int_equal(log, 0);
    f->now_ms += DAY_MS;
    struct upkeep_limits limits = {.archive_ms = 1000};
    fixture_ok(f, store_upkeep(f->store, &limits, &counts, &more, &f->err));
    assert_int_equal(counts.messages, UPKEEP_ROWS_MAX);
    assert_true(more);
    assert_int_equal(keep_up(f, &limits).messages, MANY - UPKEEP_ROWS_MAX);
    fixture_ok(f, store_size(f->store, &after, &log, &f->err));
    print_message("%lld KiB became %lld KiB, log %lld KiB\n", (long long)before / 1024,
                  (long long)after / 1024, (long long)log / 1024);
    assert_true(after < before / 2);
    assert_true(log < 1024 * 1024);
    assert_int_equal(fixture_int(f, "PRAGMA freelist_count"), 0);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM search"), 0);
    verify(f);
}

/* What is removed is in no page, no free page, no log and no index any more. */
static void removed_texts_are_gone_from_the_disk(void **state)
{
    struct fixture *f = *state;
    struct upkeep_limits limits = {.archive_ms = DAY_MS / 2};
    static const char *const secrets[] = {"persimmon", "number000000", "number000777",
                                          "number001999", "number001200"};
    say_many(f, 0, 2000, "the persimmon garden is sold to somebody, do not tell");
    fixture_begin(f);
    (void)fixture_say(f, "lobby", "big", "persimmon");
    fixture_commit(f);
    fill_index(f);
    assert_true(fixture_file_holds(f, "persimmon"));
    f->now_ms += DAY_MS;
    say_many(f, 3000, 2000, "quince");
    fill_index(f);
    assert_int_equal(keep_up(f, &limits).messages, 2001);
    for (size_t i = 0; i < COUNT(secrets); i++) {
        if (fixture_file_holds(f, secrets[i])) {
            fail_msg("%s is still in the file", secrets[i]);
        }
    }
    assert_true(fixture_file_holds(f, "quince"));
    int64_t ids[3];
    size_t count = 0;
    fixture_ok(
        f, store_search(f->store, &f->arena, STR("quince number004999"), 3, ids, &count, &f->err));
    assert_int_equal(count, 1);
    verify(f);
}

/* Words are taken out of the index at most once a day; a second removal waits for its turn. */
static void the_index_is_merged_once_a_day(void **state)
{
    struct fixture *f = *state;
    struct upkeep_limits limits = {.archive_ms = DAY_MS / 2};
    say_many(f, 0, 50, "persimmon");
    fill_index(f);
    f->now_ms += DAY_MS;
    (void)keep_up(f, &limits);
    assert_false(fixture_file_holds(f, "persimmon"));
    say_many(f, 100, 50, "medlar");
    fill_index(f);
    f->now_ms += DAY_MS * 2 / 3;
    assert_int_equal(keep_up(f, &limits).messages, 50);
    assert_int_equal(fixture_int(f, "SELECT value FROM meta WHERE key='search_dirty'"), 1);
    f->now_ms += DAY_MS / 2;
    (void)keep_up(f, &limits);
    assert_int_equal(fixture_int(f, "SELECT value FROM meta WHERE key='search_dirty'"), 0);
    assert_false(fixture_file_holds(f, "medlar"));
    verify(f);
}

static void a_large_file_loses_its_oldest(void **state)
{
    struct fixture *f = *state;
    int64_t size = 0;
    int64_t log = 0;
    say_many(f, 0, 20000, "The kitchen tap is leaking again, please send somebody before noon");
    fixture_ok(f, store_size(f->store, &size, &log, &f->err));
    int64_t used = fixture_int(f, "SELECT page_count * 8192 FROM pragma_page_count");
    struct upkeep_limits limits = {.archive_bytes = used / 2};
    assert_true(keep_up(f, &limits).messages >= UPKEEP_ROWS_MAX);
    int64_t left = fixture_int(f, "SELECT count(*) FROM archive");
    assert_int_equal(fixture_int(f, "SELECT value FROM counter WHERE name='archived'"), left);
    assert_true(left > 0 && left < 20000);
    assert_true(fixture_int(f, "SELECT page_count * 8192 FROM pragma_page_count") <= used / 2);
    assert_int_equal(fixture_int(f, "SELECT max(id) FROM archive"), 20000);
    assert_int_equal(keep_up(f, &limits).messages, 0);
    verify(f);
}

static void runs_and_notes_go_by_age(void **state)
{
    struct fixture *f = *state;
    struct upkeep_limits limits = {.runs_ms = DAY_MS};
    for (int i = 0; i < 6; i++) {
        struct run run = {.pipeline = STR("drops"),
                          .started_ms = f->now_ms,
                          .ended_ms = i % 3 == 0 ? 0 : f->now_ms,
                          .phase = i % 3 == 0 ? RUN_DELIVERY : RUN_ENDED};
        struct request request = {.act = STR("run"), .object = STR("drops")};
        struct refused refused = {.worker = STR("drops"), .place = STR("1"), .why = STR("x")};
        int64_t id = 0;
        f->now_ms += i == 3 ? 2 * (int64_t)DAY_MS : 0;
        run.ended_ms = run.ended_ms != 0 ? f->now_ms : 0;
        fixture_begin(f);
        fixture_ok(
            f,
            store_run_open(f->store, &run, &id, &f->err) &&
                store_request_put(f->store, &request, &id, &f->err) &&
                store_refused_put(f->store, &refused, &f->err) &&
                store_event_put(f->store, STR("bridge"), STR("gap"), STR(""), STR("{}"), &f->err) &&
                store_audit_put(f->store, STR("a"), STR("b"), STR("c"), STR("{}"), &f->err));
        fixture_commit(f);
    }
    assert_int_equal(keep_up(f, &(struct upkeep_limits){0}).runs, 0);
    assert_int_equal(keep_up(f, &limits).runs, 2); /* One that has not ended stays. */
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM run"), 4);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM request"), 3);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM refused"), 3);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM event"), 3);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM audit"), 6); /* Never. */
    verify(f);
}

static int64_t put_table(struct fixture *f, const char *name, const char *body)
{
    struct snapshot_row row = {STR("k"), str_of(body)};
    struct snapshot snapshot = {str_of(name), &row, 1};
    int64_t id = 0;
    fixture_begin(f);
    fixture_ok(f, store_reference_put(f->store, &f->arena, &snapshot, &id, &f->err));
    fixture_commit(f);
    return id;
}

static void references_and_blobs_follow_their_messages(void **state)
{
    struct fixture *f = *state;
    static const char first[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char other[] = "ca7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    struct str body;
    (void)put_table(f, "roster", "1");
    (void)put_table(f, "mapping", "1");
    int64_t second = put_table(f, "roster", "2");
    say_many(f, 0, 5, "tap");
    fixture_begin(f);
    fixture_ok(f, store_blob_refer(f->store, str_of(first), STR("a"), 1, second, &f->err) &&
                      store_blob_refer(f->store, str_of(other), STR("a"), 1, second + 7, &f->err));
    fixture_commit(f);
    f->now_ms += DAY_MS;
    say_many(f, 5, 5, "tap");
    int64_t third = put_table(f, "roster", "3");
    assert_int_equal(keep_up(f, &(struct upkeep_limits){.archive_ms = DAY_MS / 2}).messages, 8);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM blob"), 1);
    assert_int_equal(fixture_int(f, "SELECT message FROM blob"), second + 7);
    /* The version that was current when the messages that are left came is still there. */
    fixture_ok(f, store_reference_get(f->store, &f->arena, STR("roster"), STR("k"), third - 1,
                                      &body, &f->err));
    assert_str_equal(body, STR("2"));
    fixture_ok(f, store_reference_get(f->store, &f->arena, STR("mapping"), STR("k"), third, &body,
                                      &f->err));
    assert_str_equal(body, STR("1"));
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM reference_row"), 3);
    int64_t version = 0;
    fixture_ok(f, store_reference_version(f->store, STR("roster"), third - 1, &version, &f->err));
    assert_int_equal(version, second);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM reference"), 3);
    verify(f);
}

/* A reader in another process's shoes: the log cannot be cut, nobody waits, later it can. */
static void a_reader_does_not_stop_upkeep(void **state)
{
    struct fixture *f = *state;
    int64_t file = 0;
    int64_t log = 0;
    int64_t rows = 0;
    struct upkeep_limits limits = {.archive_ms = 1000};
    say_many(f, 0, 2000, "persimmon");
    f->now_ms += DAY_MS;
    struct store *reader = fixture_handle(f);
    fixture_ok(f, store_begin_read(reader, &f->err));
    fixture_ok(f, store_int(reader, "SELECT count(*) FROM archive", &rows, &f->err));
    assert_int_equal(rows, 2000);
    int64_t begin_ms = clock_mono_ms(clock_system());
    assert_int_equal(keep_up(f, &limits).messages, 2000);
    assert_true(clock_mono_ms(clock_system()) - begin_ms < 4000);
    assert_int_equal(fixture_int(f, "SELECT value FROM meta WHERE key='log_dirty'"), 1);
    fixture_ok(f, store_int(reader, "SELECT count(*) FROM archive", &rows, &f->err));
    assert_int_equal(rows, 2000);
    store_close(reader);
    (void)keep_up(f, &limits);
    assert_int_equal(fixture_int(f, "SELECT value FROM meta WHERE key='log_dirty'"), 0);
    fixture_ok(f, store_size(f->store, &file, &log, &f->err));
    assert_true(log < 100000);
    assert_false(fixture_file_holds(f, "persimmon"));
    int64_t timeout = fixture_int(f, "PRAGMA busy_timeout");
    assert_int_equal(timeout, 5000);
    assert_int_equal(fixture_int(f, "PRAGMA secure_delete"), 2);
}

static void a_long_log_is_cut(void **state)
{
    struct fixture *f = *state;
    int64_t file = 0;
    int64_t log = 0;
    struct store *reader = fixture_handle(f);
    fixture_ok(f, store_begin_read(reader, &f->err));
    int64_t rows = 0;
    fixture_ok(f, store_int(reader, "SELECT count(*) FROM archive", &rows, &f->err));
    fixture_begin(f); /* While somebody reads, the log only grows. */
    fixture_ok(f, store_keep_put(f->store, STR("x"), STR("y"), STR("z"), &f->err));
    fixture_commit(f);
    for (int i = 0; i < 9; i++) {
        char *big = arena_bytes(&f->arena, 8U << 20);
        memset(big, 'a' + i, 8U << 20);
        fixture_begin(f);
        fixture_ok(
            f, store_keep_put(f->store, STR("x"), STR("y"), (struct str){big, 8U << 20}, &f->err));
        fixture_commit(f);
        arena_reset(&f->arena);
    }
    fixture_ok(f, store_size(f->store, &file, &log, &f->err));
    assert_true(log > UPKEEP_WAL_BYTES_MAX);
    (void)keep_up(f, &(struct upkeep_limits){0});
    fixture_ok(f, store_size(f->store, &file, &log, &f->err));
    assert_true(log > UPKEEP_WAL_BYTES_MAX);
    store_close(reader);
    (void)keep_up(f, &(struct upkeep_limits){0});
    fixture_ok(f, store_size(f->store, &file, &log, &f->err));
    assert_int_equal(log, 0);
    assert_true(file > (8 << 20));
}

/* Each break is found, and said in a line of its own. */
static const struct {
    const char *sql;
    const char *words;
} breaks[] = {
    {"UPDATE archive SET chat=999 WHERE id=3", "unknown chats"},
    {"UPDATE archive SET sender=999 WHERE id=3", "unknown senders"},
    {"UPDATE chat SET source=999", "unknown sources"},
    {"INSERT INTO seen VALUES(1, -5, 999)", "known ids that point"},
    {"UPDATE seen_block SET first=999", "blocks of known ids"},
    {"INSERT INTO position VALUES(1, 0, 999)", "positions past"},
    {"INSERT INTO outbox(sink, generation, message, pipeline, nth, flags, part, target, origin, "
     "entity,"
     " body) VALUES(999, 1, 1, 1, 0, 0, 1, 1, x'', 'e', '{}')",
     "waiting records of unknown"},
    {"INSERT INTO outbox(sink, generation, message, pipeline, nth, flags, part, target, origin, "
     "entity,"
     " body) VALUES(1, 1, 999, 1, 0, 0, 1, 1, x'', 'e', '{}')",
     "not there yet"},
    {"INSERT INTO reference_row VALUES(1, 'k', 5, NULL, '{}')", "without a version"},
    {"INSERT INTO reference VALUES(1, 5, 1); INSERT INTO reference_row VALUES(1, 'k', 5, 5, '{}')",
     "end before"},
    {"INSERT INTO reference VALUES(1, 4, 1); INSERT INTO reference_row VALUES(1, 'k', 4, NULL,"
     " '{}'), (1, 'k', 5, NULL, '{}')",
     "current twice"},
    {"INSERT INTO lease VALUES(999, 'x', 1, 1, NULL)", "leases of unknown"},
    {"INSERT INTO run SELECT 1, 999, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL",
     "runs of unknown"},
    {"INSERT INTO meta VALUES('archive_floor', 4)", "below the mark"},
    {"UPDATE audit SET actor='eve' WHERE id=1", "changed at entry 1"},
    {"PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name='run_pipeline'",
     "never used"},
};

static void every_break_is_found(void **state)
{
    struct fixture *f = *state;
    verify(f);
    for (size_t i = 0; i < COUNT(breaks); i++) {
        void *other = NULL;
        struct str problem = {0};
        (void)fixture_open(&other);
        struct fixture *g = other;
        say_many(g, 0, 5, "tap");
        fixture_begin(g);
        fixture_ok(g, store_audit_put(g->store, STR("a"), STR("b"), STR("c"), STR("{}"), &g->err));
        fixture_commit(g);
        fixture_tamper(g, breaks[i].sql);
        fixture_reopen(g);
        fixture_ok(g, store_verify(g->store, &g->arena, &problem, &g->err));
        if (problem.ptr == NULL || str_find(problem, str_of(breaks[i].words), 0) == STR_NONE) {
            fail_msg("%s: said \"%.*s\"", breaks[i].sql, STR_ARG(problem));
        }
        (void)fixture_close(&other);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_goes_without_a_limit),
        TEST(old_messages_go_and_stay_known),
        TEST(numbers_are_never_used_again),
        TEST(nothing_goes_that_a_pipeline_has_not_read),
        TEST(nothing_goes_that_a_waiting_record_needs),
        TEST(steps_are_bounded_and_the_file_shrinks),
        TEST(removed_texts_are_gone_from_the_disk),
        TEST(the_index_is_merged_once_a_day),
        TEST(a_large_file_loses_its_oldest),
        TEST(runs_and_notes_go_by_age),
        TEST(references_and_blobs_follow_their_messages),
        TEST(a_reader_does_not_stop_upkeep),
        TEST(a_long_log_is_cut),
        TEST(every_break_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
