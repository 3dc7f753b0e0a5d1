#include "store/upkeep.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"
#include "store/archive.h"
#include "store/audit.h"
#include "store/gate.h"
#include "store/internal.h"
#include "store/replay.h"

enum {
    SINKS_MAX = 4096, /* Kinds of waiting records looked at for the oldest. */
    MERGE_PAGES = 128,
    FREE_PAGES_MAX = 256,
    MERGE_EVERY_MS = 24 * 60 * 60 * 1000,
    PROBLEMS_MAX = 20,
    WISH_ROWS_MAX = 100000, /* How far ahead of the removal pipelines are asked to be. */
};

/* Notes of the store. */
static const char archive_floor[] = "archive_floor"; /* The highest number that was removed. */
static const char archive_floor_ms[] = "archive_floor_ms"; /* Its archived_ms: time never falls. */
static const char archive_wish[] = "archive_wish";         /* See store_retention_wish(). */
static const char search_dirty[] = "search_dirty"; /* The index holds words of removed rows. */
static const char search_merged_ms[] = "search_merged_ms";
static const char log_dirty[] = "log_dirty"; /* The log holds pages with removed rows. */

static bool select_int(struct store *store, const char *sql, int64_t a, int64_t b, int64_t *out,
                       int64_t *second, bool *row, struct err *err)
{
    struct query *query = store_query(store, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, a);
    query_bind_int(query, 2, b);
    if (!store_step(store, query, row, err)) {
        return false;
    }
    if (*row) {
        *out = query_int(query, 0);
        *second = query_columns(query) > 1 ? query_int(query, 1) : 0;
    }
    query_end(query);
    return true;
}

static bool run_int(struct store *store, const char *sql, int64_t a, int64_t b, struct err *err)
{
    struct query *query = store_query(store, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, a);
    query_bind_int(query, 2, b);
    return store_run(store, query, err);
}

/* Where the slowest chat of the slowest pipeline stands: nothing above it may go. */
static bool slowest_position(struct store *store, const struct upkeep_limits *limits,
                             int64_t *bound, struct err *err)
{
    int64_t pipelines = 0;
    *bound = INT64_MAX;
    if (limits->pipeline_count == 0) {
        return store_int(store, "SELECT count(*) FROM position", &pipelines, err) &&
               (pipelines == 0 || store_int(store, "SELECT min(id) FROM position", bound, err));
    }
    for (size_t i = 0; i < limits->pipeline_count; i++) {
        int64_t pipeline = 0;
        int64_t id = 0;
        int64_t unused = 0;
        bool row = false;
        if (!store_name_find(store, limits->pipelines[i], &pipeline, err) ||
            !select_int(store, "SELECT coalesce(min(id), 0) FROM position WHERE pipeline=?1 + ?2",
                        pipeline, 0, &id, &unused, &row, err)) {
            return false;
        }
        *bound = id < *bound ? id : *bound;
    }
    return true;
}

/* A record that waits needs its message (its age, its answer). Hops over each sink's records. */
static bool oldest_waiting(struct store *store, int64_t *bound, struct err *err)
{
    int64_t sink = INT64_MIN;
    int64_t generation = INT64_MIN;
    for (int hops = 0; hops < SINKS_MAX; hops++) {
        struct query *query = store_query(store,
                                          "SELECT sink, generation, message FROM outbox"
                                          " WHERE (sink, generation) > (?1, ?2)"
                                          " ORDER BY sink, generation, message LIMIT 1",
                                          err);
        bool row = false;
        if (query == NULL) {
            return false;
        }
        query_bind_int(query, 1, sink);
        query_bind_int(query, 2, generation);
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        sink = query_int(query, 0);
        generation = query_int(query, 1);
        int64_t before = query_int(query, 2) - 1;
        *bound = before < *bound ? before : *bound;
        query_end(query);
    }
    *bound = 0; /* More kinds than expected: remove nothing. */
    return true;
}

/* Bytes that the file would have without its free pages. */
static bool used_bytes(struct store *store, int64_t *bytes, struct err *err)
{
    int64_t pages = 0;
    int64_t unused = 0;
    int64_t size = 0;
    if (!store_int(store, "PRAGMA page_count", &pages, err) ||
        !store_int(store, "PRAGMA freelist_count", &unused, err) ||
        !store_int(store, "PRAGMA page_size", &size, err)) {
        return false;
    }
    *bytes = (pages - unused) * size;
    return true;
}

/* How far all baselines are. */
static bool slowest_baseline(struct store *store, const struct upkeep_limits *limits,
                             int64_t *bound, struct err *err)
{
    *bound = INT64_MAX;
    for (size_t i = 0; i < limits->pipeline_count; i++) {
        char room[BASELINE_NAME_MAX];
        int64_t id = 0;
        if (!store_position_get(store, store_baseline_name(limits->pipelines[i], room), &id, err)) {
            return false;
        }
        *bound = id < *bound ? id : *bound;
    }
    return true;
}

/* The last of the messages up to `bound` that are older, among the oldest `limit`; 0 for none. */
static bool last_before(struct store *store, int64_t bound, int64_t before_ms, int64_t limit,
                        int64_t *last, int64_t *last_ms, struct err *err)
{
    bool row = false;
    struct query *query =
        store_query(store,
                    "SELECT max(id), max(archived_ms) FROM (SELECT id, archived_ms FROM archive"
                    " WHERE id<=?1 ORDER BY id LIMIT ?3) WHERE archived_ms<?2",
                    err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, bound);
    query_bind_int(query, 2, before_ms);
    query_bind_int(query, 3, limit);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *last = row ? query_int(query, 0) : 0;
    *last_ms = row ? query_int(query, 1) : 0;
    query_end(query);
    return true;
}

/* Nothing goes before the baselines are there; tell the pipelines how far they shall come. */
static bool wait_for_baselines(struct store *store, const struct upkeep_limits *limits,
                               int64_t before_ms, int64_t *bound, struct err *err)
{
    int64_t wish = 0;
    int64_t wish_ms = 0;
    int64_t told = 0;
    int64_t ready = 0;
    if (!last_before(store, *bound, before_ms, WISH_ROWS_MAX, &wish, &wish_ms, err) ||
        !store_retention_wish(store, &told, err) || !slowest_baseline(store, limits, &ready, err)) {
        return false;
    }
    *bound = ready < *bound ? ready : *bound;
    return wish <= told || store_meta_put(store, archive_wish, wish, err);
}

/* The last of the next messages to go, 0 for none; rows go in order, so one number tells all. */
static bool last_to_go(struct store *store, const struct upkeep_limits *limits, int64_t *last,
                       int64_t *last_ms, struct err *err)
{
    int64_t bound = INT64_MAX;
    int64_t before_ms = INT64_MIN;
    int64_t bytes = 0;
    *last = 0;
    if (limits->archive_ms > 0) {
        before_ms = clock_wall_ms(store->clock) - limits->archive_ms;
    }
    if (limits->archive_bytes > 0) {
        if (!used_bytes(store, &bytes, err)) {
            return false;
        }
        before_ms = bytes > limits->archive_bytes ? INT64_MAX : before_ms;
    }
    if (before_ms == INT64_MIN) {
        return true;
    }
    if (!slowest_position(store, limits, &bound, err) || !oldest_waiting(store, &bound, err)) {
        return false;
    }
    if (limits->baselines && !wait_for_baselines(store, limits, before_ms, &bound, err)) {
        return false;
    }
    return last_before(store, bound, before_ms, UPKEEP_ROWS_MAX, last, last_ms, err);
}

static bool remove_messages(struct store *store, int64_t last, int64_t last_ms, int64_t *count,
                            struct err *err)
{
    if (!run_int(store, "DELETE FROM search WHERE rowid<=?1 + ?2", last, 0, err)) {
        return false;
    }
    if (!run_int(store, "DELETE FROM archive WHERE id<=?1 + ?2", last, 0, err)) {
        return false;
    }
    *count = sqlite_changes(store->db);
    return store_count_add(store, STORE_ARCHIVED, -*count, err) &&
           run_int(store, "DELETE FROM blob WHERE message<=?1 + ?2", last, 0, err) &&
           run_int(store, "DELETE FROM reference_row WHERE to_id<=?1 + ?2", last, 0, err) &&
           run_int(store,
                   "DELETE FROM reference WHERE message < (SELECT max(o.message) FROM reference o"
                   " WHERE o.name=reference.name AND o.message<=?1 + ?2)",
                   last, 0, err) &&
           store_meta_put(store, archive_floor, last, err) &&
           store_meta_put(store, archive_floor_ms, last_ms, err) &&
           store_meta_put(store, search_dirty, 1, err) && store_meta_put(store, log_dirty, 1, err);
}

/* Runs that ended, and what was noted for people, by age; a bounded number of each. */
static bool remove_notes(struct store *store, int64_t before_ms, int64_t *runs, bool *more,
                         struct err *err)
{
    static const char *const sql[] = {
        "DELETE FROM run WHERE id IN (SELECT id FROM (SELECT id, phase, ended_ms FROM run"
        " ORDER BY id LIMIT ?2) WHERE phase=3 AND ended_ms<?1)",
        "DELETE FROM request WHERE id IN (SELECT id FROM (SELECT id, at_ms FROM request"
        " ORDER BY id LIMIT ?2) WHERE at_ms<?1)",
        "DELETE FROM refused WHERE id IN (SELECT id FROM (SELECT id, at_ms FROM refused"
        " ORDER BY id LIMIT ?2) WHERE at_ms<?1)",
        "DELETE FROM event WHERE id IN (SELECT id FROM (SELECT id, at_ms FROM event"
        " ORDER BY id LIMIT ?2) WHERE at_ms<?1)",
    };
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
        if (!run_int(store, sql[i], before_ms, UPKEEP_ROWS_MAX, err)) {
            return false;
        }
        int64_t removed = sqlite_changes(store->db);
        *runs += i == 0 ? removed : 0;
        *more = *more || removed == UPKEEP_ROWS_MAX;
    }
    return true;
}

static bool remove_old(struct store *store, const struct upkeep_limits *limits,
                       struct upkeep_counts *counts, bool *more, struct err *err)
{
    int64_t last = 0;
    int64_t last_ms = 0;
    if (!last_to_go(store, limits, &last, &last_ms, err)) {
        return false;
    }
    if (last > 0) {
        if (!remove_messages(store, last, last_ms, &counts->messages, err)) {
            return false;
        }
        *more = true;
    }
    if (limits->runs_ms > 0) {
        int64_t before_ms = clock_wall_ms(store->clock) - limits->runs_ms;
        return remove_notes(store, before_ms, &counts->runs, more, err);
    }
    return true;
}

/*
 * The index marks removed rows and keeps their words until it merges. Merge it all, a few pages a
 * step and at most once a day, so that the words are really gone.
 */
static bool merge_search(struct store *store, bool *more, struct err *err)
{
    int64_t dirty = 0;
    int64_t merged_ms = 0;
    int64_t before = 0;
    int64_t after = 0;
    int64_t now_ms = clock_wall_ms(store->clock);
    if (!store_meta_get(store, search_dirty, 0, &dirty, err) ||
        !store_meta_get(store, search_merged_ms, 0, &merged_ms, err)) {
        return false;
    }
    bool wait = merged_ms != 0 && now_ms >= merged_ms && now_ms - merged_ms < MERGE_EVERY_MS;
    if (dirty == 0 || (dirty == 1 && wait)) {
        return true;
    }
    if (!store_int(store, "SELECT total_changes()", &before, err) ||
        !run_int(store, "INSERT INTO search(search, rank) VALUES('merge', ?1 + ?2)", -MERGE_PAGES,
                 0, err) ||
        !store_int(store, "SELECT total_changes()", &after, err)) {
        return false;
    }
    bool done = after - before < 2;
    *more = *more || !done;
    return store_meta_put(store, search_dirty, done ? 0 : 2, err) && /* 2: in the middle of it. */
           store_meta_put(store, log_dirty, 1, err) &&
           (!done || store_meta_put(store, search_merged_ms, now_ms, err));
}

static bool give_back_pages(struct store *store, struct upkeep_counts *counts, bool *more,
                            struct err *err)
{
    char sql[64];
    int64_t before = 0;
    int64_t after = 0;
    int64_t dirty = 0;
    if (!store_int(store, "PRAGMA freelist_count", &before, err) ||
        !store_meta_get(store, log_dirty, 0, &dirty, err)) {
        return false;
    }
    if (before == 0 || (dirty == 0 && before <= FREE_PAGES_MAX)) {
        return true; /* A few are kept, or the file would shrink and grow all day. */
    }
    (void)snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", UPKEEP_PAGES_MAX);
    if (!sqlite_exec(store->db, sql, err) ||
        !store_int(store, "PRAGMA freelist_count", &after, err)) {
        return false;
    }
    counts->pages += before - after;
    *more = *more || (after > 0 && after < before);
    return true;
}

bool store_size(struct store *store, int64_t *file_bytes, int64_t *log_bytes, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct file_info info = {0};
    bool row = false;
    *file_bytes = 0;
    *log_bytes = 0;
    struct query *query =
        store_query(store, "SELECT file FROM pragma_database_list WHERE name='main'", err);
    if (query == NULL || !store_step(store, query, &row, err)) {
        return false;
    }
    struct str name = row ? query_text(query, 0) : STR("");
    int len = snprintf(path, sizeof path, "%.*s-wal", STR_ARG(name));
    query_end(query);
    if (len <= 4 || (size_t)len >= sizeof path) {
        return true; /* No file that can be looked at. */
    }
    if (!file_look(str_slice(str_of(path), 0, (size_t)len - 4), &info, err)) {
        return false;
    }
    *file_bytes = (int64_t)info.size;
    if (!file_look(str_of(path), &info, err)) {
        return false;
    }
    *log_bytes = (int64_t)info.size;
    return true;
}

/* Everything into the file, and the log down to nothing; `*done` false when somebody reads it. */
static bool checkpoint(struct store *store, bool *done, struct err *err)
{
    int64_t busy = 0;
    char sql[64];
    struct err failed = {0};
    (void)snprintf(sql, sizeof sql, "PRAGMA busy_timeout=%d", SQLITE_BUSY_MS);
    gate_enter(store->gate);
    bool ok =
        sqlite_exec(store->db, "PRAGMA busy_timeout=0", &failed) && /* Never hold others up. */
        store_int(store, "PRAGMA wal_checkpoint(TRUNCATE)", &busy, &failed);
    *done = ok && busy == 0;
    bool again = sqlite_exec(store->db, sql, err);
    gate_leave(store->gate);
    if (!ok && failed.kind != ERR_RETRY) {
        *err = failed;
        return false;
    }
    return again;
}

/* Cut the log when it is long, or when it still shows what was removed. */
static bool cut_log(struct store *store, struct err *err)
{
    int64_t file = 0;
    int64_t log = 0;
    int64_t dirty = 0;
    bool done = false;
    if (!store_size(store, &file, &log, err) || !store_meta_get(store, log_dirty, 0, &dirty, err)) {
        return false;
    }
    if (log <= UPKEEP_WAL_BYTES_MAX && dirty == 0) {
        return true;
    }
    if (!checkpoint(store, &done, err)) {
        return false;
    }
    if (!done || dirty == 0) { /* Else another time. */
        return true;
    }
    bool ok = store_begin(store, NULL, err) && store_meta_put(store, log_dirty, 0, err) &&
              store_commit(store, err);
    store_rollback(store);
    return ok;
}

bool store_upkeep(struct store *store, const struct upkeep_limits *limits,
                  struct upkeep_counts *counts, bool *more, struct err *err)
{
    *counts = (struct upkeep_counts){0};
    *more = false;
    /* Freed pages are wiped here; elsewhere only what is removed inside of a page. */
    if (!sqlite_exec(store->db, "PRAGMA secure_delete=ON", err)) {
        return false;
    }
    bool ok = store_begin(store, NULL, err) && remove_old(store, limits, counts, more, err) &&
              (*more || merge_search(store, more, err)) &&
              give_back_pages(store, counts, more, err) && store_commit(store, err);
    store_rollback(store); /* Nothing is open any more when all went well. */
    ok = ok && (*more || cut_log(store, err));
    struct err ignored = {0};
    (void)sqlite_exec(store->db, "PRAGMA secure_delete=FAST", &ignored);
    return ok;
}

/* Rows that point to nothing: each query counts them. */
struct cross_check {
    const char *what;
    const char *sql;
};

#define NEWEST                                                                                     \
    "max((SELECT coalesce(max(id), 0) FROM archive),"                                              \
    " (SELECT coalesce(max(value), 0) FROM meta WHERE key='archive_floor'))"

static const struct cross_check cross_checks[] = {
    {"messages of unknown chats",
     "SELECT count(*) FROM archive WHERE chat NOT IN (SELECT id FROM chat)"},
    {"messages of unknown senders",
     "SELECT count(*) FROM archive WHERE sender NOT IN (SELECT id FROM name)"},
    {"messages below the mark of removed ones",
     "SELECT count(*) FROM archive WHERE id <= (SELECT value FROM meta WHERE key='archive_floor')"},
    {"chats of unknown sources",
     "SELECT count(*) FROM chat WHERE source NOT IN (SELECT id FROM name)"},
    {"known ids that point past the newest message",
     "SELECT count(*) FROM seen WHERE id > " NEWEST},
    {"blocks of known ids that point past the newest message",
     "SELECT count(*) FROM seen_block WHERE first > " NEWEST},
    {"positions past the newest message", "SELECT count(*) FROM position WHERE id > " NEWEST},
    {"waiting records of unknown sinks, pipelines or targets",
     "SELECT count(*) FROM outbox WHERE sink NOT IN (SELECT id FROM name) OR"
     " pipeline NOT IN (SELECT id FROM name) OR target NOT IN (SELECT id FROM name)"},
    {"waiting records of messages that are not there yet",
     "SELECT count(*) FROM outbox WHERE message > " NEWEST},
    {"dead letters of unknown sinks, pipelines or targets",
     "SELECT count(*) FROM dead WHERE sink NOT IN (SELECT id FROM name) OR"
     " pipeline NOT IN (SELECT id FROM name) OR target NOT IN (SELECT id FROM name)"},
    {"rows of references without a version",
     "SELECT count(*) FROM reference_row WHERE name NOT IN (SELECT name FROM reference)"},
    {"rows of references that end before they begin",
     "SELECT count(*) FROM reference_row WHERE to_id <= from_id"},
    {"keys of references that are current twice",
     "SELECT count(*) FROM (SELECT 1 FROM reference_row WHERE to_id IS NULL GROUP BY name, key"
     " HAVING count(*) > 1)"},
    {"leases of unknown works",
     "SELECT count(*) FROM lease WHERE work NOT IN (SELECT id FROM name)"},
    {"runs of unknown pipelines",
     "SELECT count(*) FROM run WHERE pipeline NOT IN (SELECT id FROM name)"},
};

/* What SQLite itself finds; "ok" is the only line of a whole file. */
static bool check_file(struct store *store, struct buf *problem, struct err *err)
{
    struct query *query = store_query(store, "PRAGMA integrity_check(20)", err);
    if (query == NULL) {
        return false;
    }
    for (int lines = 0; lines <= PROBLEMS_MAX; lines++) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct str line = query_text(query, 0);
        if (str_find(line, STR("error code=7"), 0) != STR_NONE) { /* SQLITE_NOMEM: not the file. */
            query_end(query);
            return err_set(err, ERR_RETRY, "store: out of memory while checking the file");
        }
        if (!str_equal(line, STR("ok"))) {
            buf_printf(problem, "%.*s\n", STR_ARG(line));
        }
    }
    query_end(query);
    return true;
}

static bool check_rows(struct store *store, struct buf *problem, struct err *err)
{
    for (size_t i = 0; i < sizeof cross_checks / sizeof cross_checks[0]; i++) {
        int64_t count = 0;
        if (!store_int(store, cross_checks[i].sql, &count, err)) {
            return false;
        }
        if (count > 0) {
            buf_printf(problem, "%lld %s\n", (long long)count, cross_checks[i].what);
        }
    }
    int64_t entries = 0;
    int64_t broken = 0;
    if (!store_audit_verify(store, &entries, &broken, err)) {
        return false;
    }
    if (broken != 0) {
        buf_printf(problem, "the audit log was changed at entry %lld\n", (long long)broken);
    }
    return true;
}

bool store_verify(struct store *store, struct arena *arena, struct str *problem, struct err *err)
{
    struct buf text;
    buf_init(&text, arena, 256);
    if (!store_begin_read(store, err)) {
        return false;
    }
    bool ok = check_file(store, &text, err) && check_rows(store, &text, err);
    store_rollback(store);
    if (!ok) {
        return false;
    }
    if (!buf_ok(&text)) {
        return err_set(err, ERR_RETRY, "store: out of step memory");
    }
    *problem = text.len > 0 ? buf_str(&text) : (struct str){0};
    return true;
}
