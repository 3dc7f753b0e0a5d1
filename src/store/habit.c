#include "store/habit.h"

#include "base/arena.h"
#include "store/archive.h"
#include "store/internal.h"
#include "store/rhythm.h"

/* Notes of the store. */
static const char habit_upto[] = "habit_upto"; /* Everything up to here is learned. */
static const char habit_zone[] = "habit_zone"; /* A hash of the zone by whose clock. */

/* What people wrote: no edits, no deletions (archive.c says what the flags are). */
#define SPOKEN                                                                                     \
    " (a.flags & 15) = 0 AND (a.flags & 256) = 0"                                                  \
    " AND ((a.flags & 512) != 0 OR coalesce(a.revision, 0) = 0)"

#define TIME "min(a.sent_ms, a.archived_ms)"

/* A clock that is ahead must not hide what comes: no message was sent after it was archived. */
static const char by_chat[] =
    "SELECT a.chat, c.source, " TIME " FROM archive a JOIN chat c"
    " ON c.id=a.chat WHERE a.id > ?1 AND a.id <= ?2 AND" SPOKEN " ORDER BY 1, a.id";
static const char by_source[] =
    "SELECT -c.source, c.source, " TIME " FROM archive a JOIN chat c"
    " ON c.id=a.chat WHERE a.id > ?1 AND a.id <= ?2 AND" SPOKEN " ORDER BY 1, 3";

/* ---- Learning ---- */

static bool read_one(struct store *store, int64_t id, struct rhythm *out, struct err *err)
{
    bool row = false;
    struct query *query = store_query(store, "SELECT learned FROM habit WHERE id=?1", err);
    *out = (struct rhythm){0};
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    if (row) {
        (void)rhythm_read(query_blob(query, 0), out); /* What cannot be read is learned anew. */
    }
    query_end(query);
    return true;
}

static bool write_one(struct store *store, const struct zone *zone, int64_t id, int64_t source,
                      const struct rhythm *rhythm, struct err *err)
{
    uint8_t bytes[RHYTHM_BYTES];
    int64_t due_ms = rhythm_due_ms(rhythm, zone);
    struct query *query =
        store_query(store,
                    "INSERT OR REPLACE INTO habit(id, source, newest_ms, due_ms, weekly, learned)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                    err);
    if (query == NULL) {
        return false;
    }
    rhythm_write(rhythm, bytes);
    query_bind_int(query, 1, id);
    query_bind_int(query, 2, source);
    query_bind_int(query, 3, rhythm->newest_ms);
    if (due_ms != 0) {
        query_bind_int(query, 4, due_ms);
    } else {
        query_bind_null(query, 4);
    }
    query_bind_int(query, 5, (int64_t)(rhythm_weekly(rhythm) + 0.5));
    query_bind_blob(query, 6, (struct str){(const char *)bytes, sizeof bytes});
    return store_run(store, query, err);
}

/* The times of a stretch of the archive, in groups; one rhythm at a time is in memory. */
static bool learn(struct store *store, const struct zone *zone, const char *sql, int64_t from,
                  int64_t upto, struct err *err)
{
    struct rhythm rhythm = {0};
    int64_t id = 0;
    int64_t source = 0;
    struct query *query = store_query(store, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, from);
    query_bind_int(query, 2, upto);
    for (;;) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        int64_t next = row ? query_int(query, 0) : 0;
        bool ok = next == id || id == 0 || write_one(store, zone, id, source, &rhythm, err);
        ok = ok && (next == id || next == 0 || read_one(store, next, &rhythm, err));
        if (!row) {
            return ok;
        }
        if (!ok) {
            query_end(query);
            return false;
        }
        id = next;
        source = query_int(query, 1);
        rhythm_hear(&rhythm, zone, query_int(query, 2));
    }
}

/* The last of the next messages; 0: there is none. */
static bool last_of(struct store *store, int64_t from, size_t limit, int64_t *upto, bool *more,
                    struct err *err)
{
    bool row = false;
    struct query *query = store_query(store,
                                      "SELECT max(id), count(*) FROM (SELECT id FROM archive"
                                      " WHERE id > ?1 ORDER BY id LIMIT ?2)",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, from);
    query_bind_int(query, 2, (int64_t)limit);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *upto = row ? query_int(query, 0) : 0;
    *more = row && query_int(query, 1) == (int64_t)limit;
    query_end(query);
    return true;
}

static bool forget_all(struct store *store, int64_t zone, struct err *err)
{
    struct query *query = store_query(store, "DELETE FROM habit", err);
    return query != NULL && store_run(store, query, err) &&
           store_meta_put(store, habit_upto, 0, err) &&
           store_meta_put(store, habit_zone, zone, err);
}

bool store_habit_fill(struct store *store, const struct zone *zone, size_t limit, bool *more,
                      struct err *err)
{
    int64_t from = 0;
    int64_t upto = 0;
    int64_t known = 0;
    zone = zone != NULL ? zone : zone_utc();
    int64_t hash = (int64_t)(str_hash(zone_name(zone), 1) >> 1);
    *more = false;
    if (limit == 0 || limit > HABIT_STEP_MAX) {
        limit = HABIT_STEP_MAX;
    }
    if (!store_begin(store, NULL, err)) {
        return false;
    }
    bool ok = store_meta_get(store, habit_zone, hash, &known, err) &&
              (known == hash || forget_all(store, hash, err)) &&
              store_meta_get(store, habit_upto, 0, &from, err) &&
              last_of(store, from, limit, &upto, more, err);
    if (ok && upto > 0) {
        ok = learn(store, zone, by_chat, from, upto, err) &&
             learn(store, zone, by_source, from, upto, err) &&
             store_meta_put(store, habit_upto, upto, err) &&
             store_meta_put(store, habit_zone, hash, err);
    }
    if (ok && (upto > 0 || known != hash)) {
        ok = store_commit(store, err);
    }
    store_rollback(store); /* Nothing is open any more, or nothing was written. */
    *more = ok && *more;
    return ok;
}

/* ---- Asking ---- */

static bool read_source(struct store *store, int64_t source, int64_t at_ms, struct habit *out,
                        struct err *err)
{
    bool row = false;
    struct query *query = store_query(
        store, "SELECT newest_ms, coalesce(due_ms, 0), weekly FROM habit WHERE id=-?1", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, source);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    if (!row) {
        return true;
    }
    out->newest_ms = query_int(query, 0);
    out->source = (struct quiet){
        .newest_ms = out->newest_ms, .due_ms = query_int(query, 1), .weekly = query_int(query, 2)};
    out->silent = out->source.due_ms != 0 && out->source.due_ms < at_ms;
    query_end(query);
    return true;
}

/* What was not learned from yet; its chats and its source have spoken. */
#define FRESH                                                                                      \
    "WITH fresh AS MATERIALIZED (SELECT DISTINCT chat FROM archive AS a WHERE a.id > ?3 "          \
    "AND" SPOKEN ") "
#define KNOWN " FROM habit AS h WHERE h.source=?1 AND h.id > 0 AND h.newest_ms > ?4 "
#define QUIET KNOWN " AND h.due_ms < ?2 AND h.id NOT IN fresh"

struct asking {
    struct store *store;
    int64_t source;
    int64_t at_ms;
    int64_t upto;
};

static struct query *ask(const struct asking *asking, const char *sql, struct err *err)
{
    struct query *query = store_query(asking->store, sql, err);
    if (query != NULL) {
        query_bind_int(query, 1, asking->source);
        query_bind_int(query, 2, asking->at_ms);
        query_bind_int(query, 3, asking->upto);
        query_bind_int(query, 4, asking->at_ms - HABIT_FORGET_MS);
    }
    return query;
}

/* Three numbers of one row. */
static bool ask_numbers(const struct asking *asking, const char *sql, int64_t out[3],
                        struct err *err)
{
    bool row = false;
    struct query *query = ask(asking, sql, err);
    if (query == NULL || !store_step(asking->store, query, &row, err)) {
        return false;
    }
    for (int i = 0; row && i < 3; i++) {
        out[i] = query_int(query, i);
    }
    query_end(query);
    return true;
}

static bool read_chats(const struct asking *asking, struct arena *arena, struct habit *out,
                       struct err *err)
{
    static const char known_sql[] =
        "SELECT count(*), coalesce(min(newest_ms), 0), ?2 + ?3" KNOWN " AND h.due_ms NOT NULL";
    static const char count_sql[] = FRESH "SELECT count(*), 0, 0" QUIET;
    static const char list_sql[] =
        FRESH "SELECT (SELECT chat FROM chat WHERE id=h.id), h.newest_ms, h.due_ms, h.weekly" QUIET
              " ORDER BY h.weekly DESC, h.id LIMIT ?5";
    int64_t known[3] = {0};
    int64_t quiet[3] = {0};
    if (!ask_numbers(asking, known_sql, known, err) ||
        !ask_numbers(asking, count_sql, quiet, err)) {
        return false;
    }
    out->watched = known[0];
    out->oldest_ms = known[1];
    out->quiet = quiet[0];
    struct query *query = ask(asking, list_sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 5, HABIT_QUIET_MAX);
    for (;;) {
        bool row = false;
        if (!store_step(asking->store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct quiet *one = &out->chats[out->chat_count++];
        *one = (struct quiet){.chat = arena_copy(arena, query_text(query, 0)),
                              .newest_ms = query_int(query, 1),
                              .due_ms = query_int(query, 2),
                              .weekly = query_int(query, 3)};
        if (one->chat.ptr == NULL) {
            query_end(query);
            return err_set(err, ERR_RETRY, "store: out of step memory");
        }
    }
}

bool store_habit_get(struct store *store, struct arena *arena, struct str source, int64_t at_ms,
                     struct habit *out, struct err *err)
{
    static const char heard_sql[] = FRESH "SELECT EXISTS(SELECT 1 FROM fresh JOIN chat AS c"
                                          " ON c.id=fresh.chat WHERE c.source=?1), ?2, ?4";
    struct asking asking = {.store = store, .at_ms = at_ms};
    int64_t head = 0;
    int64_t heard[3] = {0};
    *out = (struct habit){.newest_ms = 0};
    if (!store_name_find(store, source, &asking.source, err) ||
        !store_meta_get(store, habit_upto, 0, &asking.upto, err) ||
        !store_archive_head(store, &head, err)) {
        return false;
    }
    if (asking.source == 0 || head - asking.upto > HABIT_BEHIND_MAX) {
        return true;
    }
    if (!read_source(store, asking.source, at_ms, out, err) ||
        !read_chats(&asking, arena, out, err) || !ask_numbers(&asking, heard_sql, heard, err)) {
        return false;
    }
    out->silent = out->silent && heard[0] == 0;
    return true;
}
