/*
 * Each allocation of every act (of long ones, each seventh) fails once, and from then on: an error,
 * never a half, no crash.
 */
#include <stdio.h>

#include "base/mem.h"
#include "store/audit.h"
#include "store/blobs.h"
#include "store/fixture.h"
#include "store/lease.h"
#include "store/reference.h"
#include "store/run.h"
#include "store/search.h"
#include "store/upkeep.h"

enum { ALLOCATIONS_MAX = 20000, EACH_UP_TO = 200, STRIDE = 7, DAY_MS = 24 * 60 * 60 * 1000 };

static int64_t countdown;
static bool for_good;

static bool fail_one(void *context)
{
    (void)context;
    countdown--;
    return for_good ? countdown <= 0 : countdown == 0;
}

static bool act_reference(struct fixture *f)
{
    const struct snapshot_row rows[] = {{STR("b"), STR("2")}, {STR("a"), STR("1")}};
    const struct snapshot snapshot = {STR("roster"), rows, COUNT(rows)};
    struct str body;
    int64_t id = 0;
    return store_begin(f->store, NULL, &f->err) &&
           store_reference_put(f->store, &f->arena, &snapshot, &id, &f->err) &&
           store_reference_get(f->store, &f->arena, STR("roster"), STR("a"), id, &body, &f->err) &&
           store_commit(f->store, &f->err);
}

static bool act_audit(struct fixture *f)
{
    struct audit_entry *list = NULL;
    size_t count = 0;
    int64_t entries = 0;
    int64_t broken = 0;
    return store_begin(f->store, NULL, &f->err) &&
           store_audit_put(f->store, STR("a"), STR("b"), STR("c"), STR("{}"), &f->err) &&
           store_commit(f->store, &f->err) &&
           store_audit_list(f->store, &f->arena, 0, 10, &list, &count, &f->err) &&
           store_audit_verify(f->store, &entries, &broken, &f->err);
}

static bool act_run(struct fixture *f)
{
    struct run run = {.pipeline = STR("drops"), .detail = STR("{}"), .error = STR("none")};
    struct request request = {.act = STR("run"), .object = STR("drops"), .detail = STR("{}")};
    struct run *runs = NULL;
    size_t count = 0;
    bool found = false;
    return store_begin(f->store, NULL, &f->err) &&
           store_run_open(f->store, &run, &run.id, &f->err) &&
           store_run_update(f->store, &run, &f->err) &&
           store_schedule_put(f->store, STR("drops"), 7, &f->err) &&
           store_request_put(f->store, &request, &request.id, &f->err) &&
           store_request_next(f->store, &f->arena, &request, &found, &f->err) &&
           store_request_taken(f->store, request.id, run.id, &f->err) &&
           store_commit(f->store, &f->err) &&
           store_run_active(f->store, &f->arena, &runs, &count, &f->err) &&
           store_run_list(f->store, &f->arena, STR("drops"), 0, 9, &runs, &count, &f->err);
}

static bool act_misc(struct fixture *f)
{
    struct refused refused = {.worker = STR("drops"), .place = STR("1"), .why = STR("x")};
    struct refused *list = NULL;
    struct str value;
    size_t count = 0;
    return store_begin(f->store, NULL, &f->err) && store_refused_put(f->store, &refused, &f->err) &&
           store_event_put(f->store, STR("bridge"), STR("gap"), STR(""), STR("{}"), &f->err) &&
           store_keep_put(f->store, STR("bridge"), STR("k"), STR("v"), &f->err) &&
           store_commit(f->store, &f->err) &&
           store_keep_get(f->store, &f->arena, STR("bridge"), STR("k"), &value, &f->err) &&
           store_refused_list(f->store, &f->arena, 0, 9, &list, &count, &f->err);
}

static bool act_lease(struct fixture *f)
{
    struct lease_file *file = NULL;
    struct lease lease = {0};
    bool held = false;
    bool ok = lease_file_open(&file, str_of(f->path), &f->err) &&
              store_lease_take(f->store, file, STR("conductor"), STR("x"), &lease, &f->err) &&
              store_lease_held(f->store, file, STR("conductor"), &held, &f->err) &&
              store_begin(f->store, &lease, &f->err) && store_commit(f->store, &f->err);
    lease_file_close(file);
    return ok;
}

static bool act_search(struct fixture *f)
{
    int64_t ids[4];
    size_t count = 0;
    bool more = false;
    return store_search_fill(f->store, &f->arena, 0, &more, &f->err) &&
           store_search(f->store, &f->arena, STR("tap \"two words\" lea*"), 4, ids, &count,
                        &f->err);
}

static bool act_blobs(struct fixture *f)
{
    struct str folder = arena_printf(&f->arena, "%s/files", f->folder);
    char sha256[65];
    int64_t removed = 0;
    return folder.ptr == NULL
               ? err_set(&f->err, ERR_RETRY, "test: no memory for a path")
               : blobs_put(folder, STR("abc"), STR("jpg"), sha256, &f->err) &&
                     store_begin(f->store, NULL, &f->err) &&
                     store_blob_refer(f->store, str_of(sha256), STR("jpg"), 3, 1, &f->err) &&
                     store_commit(f->store, &f->err) &&
                     store_blobs_sweep(f->store, &f->arena, folder, INT64_MAX / 2, &removed,
                                       &f->err);
}

static bool act_upkeep(struct fixture *f)
{
    struct upkeep_limits limits = {.archive_ms = DAY_MS, .archive_bytes = 1, .runs_ms = DAY_MS};
    struct upkeep_counts counts;
    bool more = true;
    bool ok = true;
    for (int i = 0; ok && more && i < 100; i++) {
        ok = store_upkeep(f->store, &limits, &counts, &more, &f->err);
    }
    return ok;
}

static bool act_verify(struct fixture *f)
{
    struct str problem = {0};
    bool ok = store_verify(f->store, &f->arena, &problem, &f->err);
    if (ok && problem.ptr != NULL) {
        mem_fault_set(NULL, NULL);
        fail_msg("%.*s", STR_ARG(problem));
    }
    return ok;
}

static const struct {
    const char *name;
    bool (*act)(struct fixture *f);
} acts[] = {
    {"reference", act_reference}, {"audit", act_audit},   {"run", act_run},
    {"misc", act_misc},           {"lease", act_lease},   {"search", act_search},
    {"blobs", act_blobs},         {"upkeep", act_upkeep}, {"verify", act_verify},
};

/* Try the act with the n-th allocation failing, n rising, until none is left to fail. */
static void walk(struct fixture *f, size_t which)
{
    bool ok = false;
    int64_t n = 0;
    while (!ok && n < ALLOCATIONS_MAX) {
        n += n < EACH_UP_TO ? 1 : STRIDE;
        /* A new handle each time: the statements are prepared anew, the dictionaries are empty. */
        fixture_reopen(f);
        arena_free(&f->arena);
        f->err = (struct err){0};
        countdown = n;
        mem_fault_set(fail_one, NULL);
        ok = acts[which].act(f);
        mem_fault_set(NULL, NULL);
        bool reached = countdown <= 0;
        store_rollback(f->store);
        if (!ok && (!reached || f->err.text[0] == '\0' ||
                    (f->err.kind != ERR_RETRY && f->err.kind != ERR_STORE))) {
            fail_msg("%s, allocation %lld: %s: %s", acts[which].name, (long long)n,
                     err_kind_name(f->err.kind), f->err.text);
        }
        ok = ok && !reached; /* SQLite does without some of them. */
    }
    assert_true(ok && n > 3);
    f->err = (struct err){0};
    fixture_ok(f, acts[which].act(f));
    assert_true(act_verify(f));
}

static void walk_all(struct fixture *f)
{
    for (size_t i = 0; i < COUNT(acts); i++) {
        fixture_begin(f);
        for (int j = 0; j < 4; j++) {
            char id[32];
            (void)snprintf(id, sizeof id, "%zu-%d-%d", i, j, (int)for_good);
            (void)fixture_say(f, "lobby", id, "the tap is leaking, two words");
        }
        fixture_commit(f);
        f->now_ms += 2 * (int64_t)DAY_MS;
        walk(f, i);
    }
}

static void each_allocation_fails_once(void **state)
{
    for_good = false;
    walk_all(*state);
}

static void each_allocation_fails_for_good(void **state)
{
    for_good = true;
    walk_all(*state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open_quick, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_allocation_fails_once),
        TEST(each_allocation_fails_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
