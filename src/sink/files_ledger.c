#include "sink/files_ledger.h"

#include <stdio.h>

#include "base/file.h"

enum { CACHE_KIB = 1024, BUSY_MS_MAX = 60 * 1000, LEDGER_VERSION = 1 };

static const char schema_sql[] =
    "CREATE TABLE IF NOT EXISTS sluice_effects("
    "pipeline TEXT NOT NULL, origin BLOB NOT NULL, nth INTEGER NOT NULL,"
    "generation INTEGER NOT NULL, message INTEGER NOT NULL, applied_at INTEGER NOT NULL,"
    "PRIMARY KEY(pipeline, origin, nth)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS sluice_seq("
    "pipeline TEXT NOT NULL, entity TEXT NOT NULL, generation INTEGER NOT NULL,"
    "archive_id INTEGER NOT NULL, nth INTEGER NOT NULL,"
    "PRIMARY KEY(pipeline, entity)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS sluice_rows("
    "place INTEGER PRIMARY KEY, entity TEXT NOT NULL UNIQUE, body TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS sluice_pending(n INTEGER PRIMARY KEY, line BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS sluice_file("
    "one INTEGER PRIMARY KEY CHECK(one=1), mode INTEGER NOT NULL, head BLOB NOT NULL,"
    "written INTEGER NOT NULL, lines INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    "part INTEGER NOT NULL, rotate_to TEXT, dirty INTEGER NOT NULL, hash BLOB);"
    "PRAGMA user_version=1;";

static int busy_of(int64_t busy_ms)
{
    return busy_ms < BUSY_MS_MAX ? (int)busy_ms : (int)BUSY_MS_MAX;
}

static bool version_fits(struct sqlite *db, const struct files_table *table, struct err *err)
{
    int64_t version = 0;
    if (!sqlite_int(db, "PRAGMA user_version", 0, &version, err)) {
        return false;
    }
    return version <= LEDGER_VERSION ||
           err_set(err, ERR_CONFIG, "%.*s was made by a newer sluice: install that one",
                   STR_ARG(table->ledger));
}

bool files_ledger_open(struct files_table *table, int64_t busy_ms, struct err *err)
{
    const struct sqlite_options options = {
        .create = true, .busy_ms = busy_of(busy_ms), .cache_kib = CACHE_KIB};
    struct file_info info;
    if (!sqlite_open(&table->db, table->ledger, &options, err)) {
        table->db = NULL;
        return false;
    }
    bool ok = sqlite_exec(table->db, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;", err) &&
              version_fits(table->db, table, err) && sqlite_begin(table->db, err) &&
              sqlite_exec(table->db, schema_sql, err) && sqlite_commit(table->db, err) &&
              file_look(table->ledger, &info, err);
    if (!ok) {
        files_ledger_close(table);
        return false;
    }
    table->inode = info.inode;
    table->device = info.device;
    return true;
}

void files_ledger_close(struct files_table *table)
{
    sqlite_close(table->db);
    table->db = NULL;
}

bool files_ledger_look(const struct files_table *table, int64_t busy_ms, struct sqlite **out,
                       struct err *err)
{
    struct file_info info;
    struct file_info journal;
    char name[FILE_PATH_MAX];
    *out = NULL;
    (void)snprintf(name, sizeof name, "%.*s-journal", STR_ARG(table->ledger));
    if (!file_look(table->ledger, &info, err) || !file_look(str_of(name), &journal, err)) {
        return false;
    }
    if (info.kind == FILE_MISSING) {
        return true;
    }
    /* What a killed process left half done has to be taken back before anybody can read. */
    const struct sqlite_options options = {.readonly = journal.kind == FILE_MISSING,
                                           .busy_ms = busy_of(busy_ms),
                                           .cache_kib = CACHE_KIB};
    if (!sqlite_open(out, table->ledger, &options, err)) {
        *out = NULL;
        return false;
    }
    if (!version_fits(*out, table, err)) {
        sqlite_close(*out);
        *out = NULL;
        return false;
    }
    return true;
}

bool files_state_get(struct sqlite *db, struct arena *arena, struct files_state *out,
                     struct err *err)
{
    static const char sql[] = "SELECT mode, head, written, lines, started_ms, part, rotate_to, "
                              "dirty, hash FROM sluice_file";
    struct query *query = sqlite_query(db, sql, err);
    bool row = false;
    *out = (struct files_state){0};
    if (query == NULL || !query_step(query, &row, err)) {
        return false;
    }
    if (!row) {
        return true;
    }
    bool rotates = query_type(query, 6) == QUERY_TEXT;
    *out = (struct files_state){
        .known = true,
        .mode = query_int(query, 0),
        .head = arena_copy(arena, query_blob(query, 1)),
        .written = query_int(query, 2),
        .lines = query_int(query, 3),
        .started_ms = query_int(query, 4),
        .part = query_int(query, 5),
        .rotate_to = rotates ? arena_copy(arena, query_text(query, 6)) : (struct str){0},
        .dirty = query_int(query, 7) != 0,
        .hash = arena_copy(arena, query_blob(query, 8)),
    };
    query_end(query);
    bool full =
        out->head.ptr == NULL || out->hash.ptr == NULL || (rotates && out->rotate_to.ptr == NULL);
    return !full || err_set(err, ERR_RETRY, "out of step memory");
}

bool files_state_put(struct sqlite *db, const struct files_state *state, struct err *err)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO sluice_file(one, mode, head, written, lines, started_ms, part, "
        "rotate_to, dirty, hash) VALUES(1,?1,?2,?3,?4,?5,?6,?7,?8,?9)";
    struct query *query = sqlite_query(db, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, state->mode);
    query_bind_blob(query, 2, state->head.ptr != NULL ? state->head : STR(""));
    query_bind_int(query, 3, state->written);
    query_bind_int(query, 4, state->lines);
    query_bind_int(query, 5, state->started_ms);
    query_bind_int(query, 6, state->part);
    query_bind_text(query, 7, state->rotate_to);
    query_bind_int(query, 8, state->dirty);
    query_bind_blob(query, 9, state->hash);
    return query_run(query, err);
}

static bool effect_is_new(struct sqlite *db, const struct effect *effect, bool *is_new,
                          struct err *err)
{
    static const char sql[] =
        "SELECT 1 FROM sluice_effects WHERE pipeline=?1 AND origin=?2 AND nth=?3";
    struct query *query = sqlite_query(db, sql, err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, effect->pipeline);
    query_bind_blob(query, 2, effect->origin);
    query_bind_int(query, 3, effect->nth);
    bool ok = query_step(query, &row, err);
    query_end(query);
    *is_new = !row;
    return ok;
}

static bool sequence_is_new(struct sqlite *db, const struct parcel *parcel, bool *is_new,
                            struct err *err)
{
    static const char sql[] = "SELECT 1 FROM sluice_seq WHERE pipeline=?1 AND entity=?2 AND "
                              "(?3,?4,?5)<=(generation, archive_id, nth)";
    struct query *query = sqlite_query(db, sql, err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, parcel->effect.pipeline);
    query_bind_text(query, 2, parcel->entity);
    query_bind_int(query, 3, parcel->effect.generation);
    query_bind_int(query, 4, parcel->effect.message);
    query_bind_int(query, 5, parcel->effect.nth);
    bool ok = query_step(query, &row, err);
    query_end(query);
    *is_new = !row;
    return ok;
}

bool files_ledger_is_new(struct sqlite *db, const struct parcel *parcel, bool *is_new,
                         struct err *err)
{
    return parcel->kind == RECORD_EFFECT ? effect_is_new(db, &parcel->effect, is_new, err)
                                         : sequence_is_new(db, parcel, is_new, err);
}

bool files_ledger_take(struct sqlite *db, const struct parcel *parcel, int64_t now_ms,
                       struct err *err)
{
    static const char effect_sql[] =
        "INSERT INTO sluice_effects(pipeline, origin, nth, generation, message, applied_at) "
        "VALUES(?1,?2,?3,?4,?5,?6)";
    static const char sequence_sql[] =
        "INSERT OR REPLACE INTO sluice_seq(pipeline, entity, nth, generation, archive_id) "
        "VALUES(?1,?2,?3,?4,?5)";
    bool is_effect = parcel->kind == RECORD_EFFECT;
    struct query *query = sqlite_query(db, is_effect ? effect_sql : sequence_sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, parcel->effect.pipeline);
    query_bind_int(query, 3, parcel->effect.nth);
    query_bind_int(query, 4, parcel->effect.generation);
    query_bind_int(query, 5, parcel->effect.message);
    if (is_effect) {
        query_bind_blob(query, 2, parcel->effect.origin);
        query_bind_int(query, 6, now_ms);
    } else {
        query_bind_text(query, 2, parcel->entity);
    }
    return query_run(query, err);
}

bool files_row_get(struct sqlite *db, struct str entity, struct arena *arena, struct str *row,
                   struct err *err)
{
    struct query *query = sqlite_query(db, "SELECT body FROM sluice_rows WHERE entity=?1", err);
    bool found = false;
    *row = (struct str){0};
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, entity);
    if (!query_step(query, &found, err)) {
        return false;
    }
    if (found) {
        *row = arena_copy(arena, query_text(query, 0));
    }
    query_end(query);
    return !found || row->ptr != NULL || err_set(err, ERR_RETRY, "out of step memory");
}

bool files_row_put(struct sqlite *db, struct str entity, struct str row, struct err *err)
{
    static const char sql[] = "INSERT INTO sluice_rows(entity, body) VALUES(?1,?2) "
                              "ON CONFLICT(entity) DO UPDATE SET body=?2";
    struct query *query = sqlite_query(db, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, entity);
    query_bind_text(query, 2, row);
    return query_run(query, err);
}

bool files_row_count(struct sqlite *db, int64_t *count, struct err *err)
{
    return sqlite_int(db, "SELECT count(*) FROM sluice_rows", 0, count, err);
}

bool files_row_each(struct sqlite *db, sink_row *each, void *context, struct err *err)
{
    static const char sql[] = "SELECT entity, body FROM sluice_rows ORDER BY place";
    struct query *query = sqlite_query(db, sql, err);
    bool row = query != NULL;
    bool ok = row;
    while (ok && row) {
        ok = query_step(query, &row, err);
        ok = ok && (!row || each(context, query_text(query, 0), query_text(query, 1), err));
    }
    if (query != NULL && row) {
        query_end(query);
    }
    return ok;
}

bool files_pending_add(struct sqlite *db, struct str line, struct err *err)
{
    struct query *query = sqlite_query(db, "INSERT INTO sluice_pending(line) VALUES(?1)", err);
    if (query == NULL) {
        return false;
    }
    query_bind_blob(query, 1, line);
    return query_run(query, err);
}

bool files_pending_count(struct sqlite *db, int64_t *count, struct err *err)
{
    return sqlite_int(db, "SELECT count(*) FROM sluice_pending", 0, count, err);
}

bool files_pending_each(struct sqlite *db,
                        bool (*each)(void *context, struct str line, struct err *err),
                        void *context, struct err *err)
{
    struct query *query = sqlite_query(db, "SELECT line FROM sluice_pending ORDER BY n", err);
    bool row = query != NULL;
    bool ok = row;
    while (ok && row) {
        ok = query_step(query, &row, err);
        ok = ok && (!row || each(context, query_blob(query, 0), err));
    }
    if (query != NULL && row) {
        query_end(query);
    }
    return ok;
}

bool files_pending_clear(struct sqlite *db, struct err *err)
{
    return sqlite_exec(db, "DELETE FROM sluice_pending", err);
}
