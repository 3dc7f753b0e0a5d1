#include "store/shadow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/internal.h"
#include "store/replay.h"
#include "store/schema.h"
#include "store/state.h"

enum {
    SQL_MAX = 4096,
    TABLE_PARTS_MAX = 8, /* A table and its indexes. */
    ASKED_KEY_MAX = 48,
};

/* State of this partition is the shadow's own: which questions were asked. Chats begin at 1. */
enum { ASKED_PARTITION = -1 };

/* New names are far behind those of the store. */
static const char name_first[] = "1099511627776";

struct private_table {
    const char *name;
    bool copied; /* Begins as the store has it. */
    bool intake; /* Only where new messages will be written. */
};

static const struct private_table private_tables[] = {
    {"meta", true, false},         {"cursor", true, false},     {"keep", true, false},
    {"position", false, false},    {"state", false, false},     {"subscription", false, false},
    {"outbox", false, false},      {"emitted", false, false},   {"dead", false, false},
    {"lease", false, false},       {"run", false, false},       {"sweep", false, false},
    {"schedule", false, false},    {"request", false, false},   {"refused", false, false},
    {"event", false, false},       {"counter", false, false},   {"blob", false, false},
    {"chat", true, true},          {"seen", false, true},       {"reference", true, true},
    {"reference_row", true, true}, {"made_keys", false, false}, {"seen_block", false, true},
};

bool store_shadow_at_rest(const struct store *store)
{
    must(store->shadow);
    return sqlite_is_immutable(store->db);
}

bool store_shadow_undisturbed(const struct store *store)
{
    must(store->shadow);
    return !sqlite_is_immutable(store->db) || sqlite_is_at_rest(store->db);
}

/* The n-th statement that made a table and its indexes; absent behind the last. */
static bool read_sql(struct store *store, const char *table, int n, char out[SQL_MAX], bool *found,
                     struct err *err)
{
    struct query *query = store_query(store,
                                      "SELECT type, sql FROM main.sqlite_schema WHERE tbl_name=?1"
                                      " AND sql IS NOT NULL ORDER BY type DESC, name"
                                      " LIMIT 1 OFFSET ?2",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, str_of(table));
    query_bind_int(query, 2, n);
    if (!store_step(store, query, found, err)) {
        return false;
    }
    if (*found) {
        static const char create_table[] = "CREATE TABLE ";
        static const char create_index[] = "CREATE INDEX ";
        struct str sql = query_text(query, 1);
        bool is_table = str_starts(sql, STR("CREATE TABLE "));
        must(is_table || str_starts(sql, STR("CREATE INDEX ")));
        size_t skip = (is_table ? sizeof create_table : sizeof create_index) - 1;
        int len =
            snprintf(out, SQL_MAX, "%s%.*s", is_table ? "CREATE TEMP TABLE " : "CREATE INDEX temp.",
                     STR_ARG(str_slice(sql, skip, sql.len)));
        must(len > 0 && len < SQL_MAX);
    }
    query_end(query);
    return true;
}

static bool make_table(struct store *store, const struct private_table *table, struct err *err)
{
    char sql[SQL_MAX];
    bool found = true;
    for (int n = 0; n < TABLE_PARTS_MAX && found; n++) {
        if (!read_sql(store, table->name, n, sql, &found, err) ||
            (found && !sqlite_exec(store->db, sql, err))) {
            return false;
        }
        must(found || n > 0);
    }
    if (!table->copied) {
        return true;
    }
    (void)snprintf(sql, sizeof sql, "INSERT INTO temp.%s SELECT * FROM main.%s", table->name,
                   table->name);
    return sqlite_exec(store->db, sql, err);
}

static bool make_names(struct store *store, struct err *err)
{
    char sql[SQL_MAX];
    (void)snprintf(sql, sizeof sql,
                   "CREATE TEMP TABLE name_new(id INTEGER PRIMARY KEY AUTOINCREMENT,"
                   " text TEXT NOT NULL UNIQUE) STRICT;"
                   "INSERT INTO name_new VALUES(%s, ''); DELETE FROM name_new;"
                   "CREATE TEMP VIEW name AS SELECT id, text FROM main.name"
                   " UNION ALL SELECT id, text FROM name_new",
                   name_first);
    return sqlite_exec(store->db, sql, err);
}

/* New messages lie beside the archive and are read with it. */
static bool make_archive(struct store *store, struct err *err)
{
    char sql[SQL_MAX];
    char made[SQL_MAX];
    bool found = false;
    if (!read_sql(store, "archive", 0, sql, &found, err)) {
        return false;
    }
    must(found && str_starts(str_of(sql), STR("CREATE TEMP TABLE archive(")));
    (void)snprintf(made, sizeof made, "CREATE TEMP TABLE archive_new%s",
                   sql + sizeof "CREATE TEMP TABLE archive" - 1);
    return sqlite_exec(store->db, made, err) &&
           sqlite_exec(store->db,
                       "CREATE TEMP VIEW archive AS SELECT * FROM main.archive"
                       " UNION ALL SELECT * FROM archive_new;"
                       "CREATE TEMP TRIGGER archive_put INSTEAD OF INSERT ON archive BEGIN"
                       " INSERT INTO archive_new VALUES(NEW.id, NEW.chat, NEW.flags,"
                       "  NEW.external_id, NEW.sender, NEW.sent_ms, NEW.archived_ms, NEW.text,"
                       "  NEW.sent_text, NEW.revision, NEW.part, NEW.about, NEW.version_ms,"
                       "  NEW.attachments, NEW.extra); END",
                       err);
}

bool shadow_prepare(struct store *store, struct err *err)
{
    if (!schema_check(store->db, err) || !sqlite_exec(store->db, "PRAGMA temp_store=FILE", err) ||
        !sqlite_exec(store->db, "PRAGMA temp.cache_size=-16384", err) ||
        !sqlite_exec(store->db, "BEGIN", err)) {
        return false;
    }
    for (size_t i = 0; i < sizeof private_tables / sizeof private_tables[0]; i++) {
        const struct private_table *table = &private_tables[i];
        if ((store->shadow_intake || !table->intake) && !make_table(store, table, err)) {
            return false;
        }
    }
    return make_names(store, err) && (!store->shadow_intake || make_archive(store, err));
}

bool store_shadow_open(struct store **out, const struct shadow_options *options, struct err *err)
{
    struct store_options store = {
        .path = options->path,
        .clock = options->clock,
        .vfs = options->vfs,
        .shadow = true,
        .shadow_intake = options->intake,
    };
    return store_open(out, &store, err);
}

bool store_shadow_of(const struct store *store, struct store **out, struct err *err)
{
    struct shadow_options options = {
        .path = str_of(store->path), .clock = store->clock, .vfs = store->vfs};
    return store_shadow_open(out, &options, err);
}

static bool copy_rows(struct store *store, const char *sql, int64_t to, int64_t from,
                      struct err *err)
{
    struct query *query = store_query(store, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, to);
    query_bind_int(query, 2, from);
    return store_run(store, query, err);
}

static bool copy_work(struct store *store, int64_t to, int64_t from, struct err *err)
{
    return copy_rows(store,
                     "INSERT INTO state SELECT ?1, part, key, value FROM main.state"
                     " WHERE pipeline=?2",
                     to, from, err) &&
           copy_rows(store,
                     "INSERT INTO position SELECT ?1, chat, id FROM main.position"
                     " WHERE pipeline=?2",
                     to, from, err) &&
           copy_rows(store,
                     "INSERT INTO subscription SELECT ?1, source, chat, left_id FROM"
                     " main.subscription WHERE pipeline=?2",
                     to, from, err);
}

static bool main_position(struct store *store, int64_t pipeline, int64_t *id, struct err *err)
{
    bool row = false;
    struct query *query =
        store_query(store, "SELECT id FROM main.position WHERE pipeline=?1 AND chat=0", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *id = row ? query_int(query, 0) : 0;
    query_end(query);
    return true;
}

bool store_shadow_start(struct store *store, struct str pipeline, enum shadow_from from,
                        struct shadow_start *out, struct err *err)
{
    char room[BASELINE_NAME_MAX];
    struct str name = store_baseline_name(pipeline, room);
    int64_t id = 0;
    int64_t base = 0;
    must(store->shadow);
    *out = (struct shadow_start){0};
    bool ok =
        store_begin(store, NULL, err) && store_name(store, pipeline, &id, err) &&
        store_name(store, name, &base, err) && main_position(store, id, &out->position, err) &&
        main_position(store, base, &out->baseline, err) &&
        store_meta_get(store, "archive_floor", 0, &out->floor, err) &&
        store_generation_get(store, pipeline, &out->generation, err) &&
        copy_work(store, id, from == SHADOW_FROM_NOW ? id : base, err) && store_commit(store, err);
    store_rollback(store);
    return ok;
}

static void read_change(const struct query *query, struct shadow_change *out)
{
    int64_t flags = query_int(query, 2);
    *out = (struct shadow_change){
        .message = query_int(query, 0),
        .nth = (int32_t)query_int(query, 1),
        .kind = (enum record_kind)(flags & 15),
        .receipt = (flags & 16) != 0,
        .partition = query_int(query, 3),
        .origin = query_blob(query, 4),
        .sink = query_text(query, 5),
        .target = query_text(query, 6),
        .entity = query_text(query, 7),
        .body = query_text(query, 8),
        .before = query_text(query, 9),
        .waiting = query_int(query, 10) != 0,
        .generation = query_int(query, 11),
        .sent_ms = query_int(query, 12),
    };
    out->equal = out->before.ptr != NULL && str_equal(out->before, out->body);
}

static bool walk(struct store *store, struct query *query, bool gone, shadow_each *each,
                 void *context, struct err *err)
{
    bool row = false;
    bool ok = store_step(store, query, &row, err);
    while (ok && row) {
        struct shadow_change change;
        read_change(query, &change);
        change.gone = gone;
        ok = each(context, &change, err) && store_step(store, query, &row, err);
    }
    query_end(query);
    return ok;
}

#define NAMED "(SELECT text FROM name WHERE id=o.sink), (SELECT text FROM name WHERE id=o.target)"

/* When the message was sent that caused a record; 0 when retention took it. */
#define SENT " coalesce((SELECT sent_ms FROM archive WHERE id=o.message), 0)"

bool store_shadow_absolutes(struct store *store, struct str pipeline, shadow_each *each,
                            void *context, struct err *err)
{
    int64_t id = 0;
    struct query *query = store_query(
        store,
        "SELECT o.message, o.nth, o.flags, o.part, o.origin, " NAMED ", o.entity, o.body, e.body,"
        " EXISTS(SELECT 1 FROM main.outbox m WHERE m.sink=o.sink AND m.target=o.target AND"
        "  m.entity=o.entity AND m.flags & 15 = 0 AND m.pipeline=o.pipeline), o.generation," SENT
        " FROM outbox o LEFT JOIN main.emitted e ON e.pipeline=o.pipeline AND e.sink=o.sink AND"
        " e.target=o.target AND e.entity=o.entity"
        " WHERE o.pipeline=?1 AND o.flags & 15 = 0 ORDER BY o.sink, o.target, o.entity",
        err);
    if (query == NULL || !store_name_find(store, pipeline, &id, err)) {
        return false;
    }
    query_bind_int(query, 1, id);
    return walk(store, query, false, each, context, err);
}

bool store_shadow_rows(struct store *store, shadow_each *each, void *context, struct err *err)
{
    struct query *query = store_query(
        store,
        "SELECT o.message, o.nth, o.flags, o.part, o.origin, " NAMED ", o.entity, o.body, e.body,"
        " o.waiting, o.generation," SENT
        " FROM (SELECT *, 0 AS waiting FROM outbox UNION ALL SELECT *, 1 FROM main.outbox) o"
        " LEFT JOIN main.emitted e ON e.pipeline=o.pipeline AND e.sink=o.sink AND"
        " e.target=o.target AND e.entity=o.entity WHERE o.flags & 15 < 2"
        " ORDER BY o.sink, o.target, o.entity, o.generation, o.message, o.nth",
        err);
    return query != NULL && walk(store, query, false, each, context, err);
}

bool store_shadow_gone(struct store *store, struct str pipeline, int64_t baseline,
                       shadow_each *each, void *context, struct err *err)
{
    int64_t id = 0;
    struct query *query = store_query(
        store,
        "SELECT o.message, o.nth, 0, 0, x'', " NAMED ", o.entity, NULL, o.body,"
        " EXISTS(SELECT 1 FROM main.outbox m WHERE m.sink=o.sink AND m.target=o.target AND"
        "  m.entity=o.entity AND m.flags & 15 = 0 AND m.pipeline=o.pipeline), o.generation," SENT
        " FROM main.emitted o WHERE o.pipeline=?1 AND o.message>?2 AND NOT EXISTS(SELECT 1 FROM"
        " emitted t WHERE t.pipeline=o.pipeline AND t.sink=o.sink AND t.target=o.target AND"
        " t.entity=o.entity)",
        err);
    if (query == NULL || !store_name_find(store, pipeline, &id, err)) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_int(query, 2, baseline);
    return walk(store, query, true, each, context, err);
}

bool store_shadow_others(struct store *store, struct str pipeline, enum record_kind kind,
                         shadow_each *each, void *context, struct err *err)
{
    int64_t id = 0;
    struct query *query = store_query(
        store,
        "SELECT o.message, o.nth, o.flags, o.part, o.origin, " NAMED ", o.entity, o.body, NULL,"
        " EXISTS(SELECT 1 FROM main.outbox m WHERE m.sink=o.sink AND m.generation=o.generation AND"
        "  m.message=o.message AND m.pipeline=o.pipeline AND m.nth=o.nth AND m.flags=o.flags AND"
        "  m.entity=o.entity AND m.body=o.body), o.generation," SENT
        " FROM outbox o WHERE o.pipeline=?1 AND o.flags & 15 = ?2 AND NOT EXISTS(SELECT 1 FROM"
        " state s WHERE s.pipeline=o.pipeline AND s.part=?3 AND"
        " s.key=CAST(o.message||'/'||o.nth AS BLOB) AND length(s.value)=0)"
        " ORDER BY o.sink, o.generation, o.message, o.pipeline, o.nth",
        err);
    if (query == NULL || !store_name_find(store, pipeline, &id, err)) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_int(query, 2, (int64_t)kind);
    query_bind_int(query, 3, ASKED_PARTITION);
    return walk(store, query, false, each, context, err);
}

bool store_shadow_withdrawn(struct store *store, struct str pipeline, shadow_each *each,
                            void *context, struct err *err)
{
    int64_t id = 0;
    struct query *query = store_query(
        store,
        "SELECT o.message, o.nth, o.flags, o.part, o.origin, " NAMED ", o.entity, o.body, NULL, 1,"
        " o.generation," SENT
        " FROM main.outbox o WHERE o.pipeline=?1 AND o.flags & 15 = 2 AND NOT EXISTS(SELECT 1 FROM"
        " outbox m WHERE m.sink=o.sink AND m.generation=o.generation AND m.message=o.message AND"
        " m.pipeline=o.pipeline AND m.nth=o.nth AND m.flags=o.flags AND m.entity=o.entity AND"
        " m.body=o.body)",
        err);
    if (query == NULL || !store_name_find(store, pipeline, &id, err)) {
        return false;
    }
    query_bind_int(query, 1, id);
    return walk(store, query, false, each, context, err);
}

/* Does it wait, or is it dead? Its parameters are bound. */
static bool trace_record(struct store *store, struct arena *arena, struct query *query,
                         struct shadow_trace *out, struct err *err)
{
    bool row = false;
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    if (row) {
        out->fate = query_int(query, 0) != 0 ? SHADOW_DEAD : SHADOW_WAITING;
        out->attempts = query_int(query, 1);
        if (query_type(query, 2) != QUERY_NULL) {
            out->why = arena_copy(arena, query_text(query, 2));
        }
    }
    query_end(query);
    return true;
}

static bool trace_run(struct store *store, struct query *query, int64_t pipeline, int64_t message,
                      struct shadow_trace *out, struct err *err)
{
    bool row = false;
    query_bind_int(query, 1, pipeline);
    query_bind_int(query, 2, message);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    if (row) {
        out->run = query_int(query, 0);
        out->run_ms = query_int(query, 1);
        out->trigger = (int)query_int(query, 2);
    }
    query_end(query);
    return true;
}

bool store_shadow_trace(struct store *store, struct arena *arena, struct str pipeline,
                        struct str sink, int64_t message, int32_t nth, struct shadow_trace *out,
                        struct err *err)
{
    int64_t pipeline_id = 0;
    int64_t sink_id = 0;
    must(store->shadow);
    *out = (struct shadow_trace){0};
    if (!store_name_find(store, pipeline, &pipeline_id, err) ||
        !store_name_find(store, sink, &sink_id, err)) {
        return false;
    }
    struct query *record = store_query(
        store,
        "SELECT 0, attempts, why FROM main.outbox WHERE pipeline=?1 AND sink=?2 AND message=?3"
        " AND nth=?4 UNION ALL SELECT 1, attempts, why FROM main.dead WHERE pipeline=?1 AND"
        " sink=?2 AND message=?3 AND nth=?4 LIMIT 1",
        err);
    if (record == NULL) {
        return false;
    }
    query_bind_int(record, 1, pipeline_id);
    query_bind_int(record, 2, sink_id);
    query_bind_int(record, 3, message);
    query_bind_int(record, 4, nth);
    if (!trace_record(store, arena, record, out, err)) {
        return false;
    }
    struct query *run = store_query(store,
                                    "SELECT id, started_ms, trigger FROM main.run WHERE"
                                    " pipeline=?1 AND upto_id>=?2 ORDER BY upto_id, id LIMIT 1",
                                    err);
    return run != NULL && trace_run(store, run, pipeline_id, message, out, err);
}

static bool delete_work(struct store *store, int64_t pipeline, struct err *err)
{
    static const char *const sql[] = {"DELETE FROM state WHERE pipeline=?1",
                                      "DELETE FROM position WHERE pipeline=?1",
                                      "DELETE FROM subscription WHERE pipeline=?1"};
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
        struct query *query = store_query(store, sql[i], err);
        if (query == NULL) {
            return false;
        }
        query_bind_int(query, 1, pipeline);
        if (!store_run(store, query, err)) {
            return false;
        }
    }
    return true;
}

static bool move_state(struct store *shadow, struct store *store, int64_t pipeline, struct err *err)
{
    bool row = false;
    struct query *query = store_query(
        shadow, "SELECT part, key, value FROM state WHERE pipeline=?1 AND part>=0", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline);
    bool ok = store_step(shadow, query, &row, err);
    while (ok && row) {
        ok = store_state_put(store, pipeline, query_int(query, 0), query_blob(query, 1),
                             query_blob(query, 2), err) &&
             store_step(shadow, query, &row, err);
    }
    query_end(query);
    return ok;
}

/* Rows of whole numbers and one text: positions and subscriptions. */
static bool move_places(struct store *shadow, struct store *store, const char *from, const char *to,
                        int64_t pipeline, struct err *err)
{
    bool row = false;
    struct query *query = store_query(shadow, from, err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, pipeline);
    bool ok = store_step(shadow, query, &row, err);
    while (ok && row) {
        struct query *put = store_query(store, to, err);
        ok = put != NULL;
        if (!ok) {
            break;
        }
        query_bind_int(put, 1, pipeline);
        query_bind_int(put, 2, query_int(query, 0));
        query_bind_text(put, 3, query_text(query, 1));
        if (query_type(query, 2) == QUERY_NULL) {
            query_bind_null(put, 4);
        } else {
            query_bind_int(put, 4, query_int(query, 2));
        }
        ok = store_run(store, put, err) && store_step(shadow, query, &row, err);
    }
    query_end(query);
    return ok;
}

bool store_shadow_take_over(struct store *shadow, struct store *store, struct str pipeline,
                            struct err *err)
{
    int64_t id = 0;
    must(shadow->shadow && store->changing);
    return store_name(store, pipeline, &id, err) && delete_work(store, id, err) &&
           move_state(shadow, store, id, err) &&
           move_places(shadow, store, "SELECT chat, NULL, id FROM position WHERE pipeline=?1",
                       "INSERT INTO position(pipeline, chat, id) SELECT ?1, ?2, ?4"
                       " WHERE ?3 IS NULL",
                       id, err) &&
           move_places(shadow, store,
                       "SELECT source, chat, left_id FROM subscription WHERE pipeline=?1",
                       "INSERT INTO subscription(pipeline, source, chat, left_id)"
                       " VALUES(?1, ?2, ?3, ?4)",
                       id, err);
}

static struct str asked_key(int64_t message, int32_t nth, char out[ASKED_KEY_MAX])
{
    int len = snprintf(out, ASKED_KEY_MAX, "%" PRId64 "/%" PRId32, message, nth);
    return (struct str){out, (size_t)len};
}

bool store_shadow_asked(struct store *store, int64_t pipeline, int64_t message, int32_t nth,
                        struct str words, struct err *err)
{
    char key[ASKED_KEY_MAX];
    must(store->shadow && words.len > 0);
    return store_state_put(store, pipeline, ASKED_PARTITION, asked_key(message, nth, key), words,
                           err);
}

/* The question may stand elsewhere among the records of its message than it did. */
bool store_shadow_answered(struct store *store, int64_t pipeline, int64_t message, int32_t nth,
                           struct str words, bool *is, struct err *err)
{
    char key[ASKED_KEY_MAX];
    char from[ASKED_KEY_MAX];
    char to[ASKED_KEY_MAX];
    bool row = false;
    *is = false;
    if (words.len == 0) {
        return true;
    }
    struct query *query =
        store_query(store,
                    "UPDATE state SET value=x'' WHERE pipeline=?1 AND part=?2 AND key=(SELECT key"
                    " FROM state WHERE pipeline=?1 AND part=?2 AND key>=?5 AND key<?6 AND value=?4"
                    " ORDER BY key<>?3, key LIMIT 1) RETURNING 1",
                    err);
    if (query == NULL) {
        return false;
    }
    int from_len = snprintf(from, sizeof from, "%" PRId64 "/", message);
    int to_len = snprintf(to, sizeof to, "%" PRId64 "0", message); /* '0' comes behind '/'. */
    query_bind_int(query, 1, pipeline);
    query_bind_int(query, 2, ASKED_PARTITION);
    query_bind_blob(query, 3, asked_key(message, nth, key));
    query_bind_blob(query, 4, words);
    query_bind_blob(query, 5, (struct str){from, (size_t)from_len});
    query_bind_blob(query, 6, (struct str){to, (size_t)to_len});
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *is = row;
    query_end(query);
    return true;
}
