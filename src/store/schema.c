#include "store/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

static const char *const version_1[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE chat(id INTEGER PRIMARY KEY, source INTEGER NOT NULL, chat TEXT NOT NULL,"
    "  UNIQUE(source, chat)) STRICT",
    "CREATE TABLE cursor(source INTEGER NOT NULL, chat TEXT NOT NULL, value TEXT NOT NULL,"
    "  PRIMARY KEY(source, chat)) STRICT, WITHOUT ROWID",
    "CREATE TABLE keep(connector INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
    "  PRIMARY KEY(connector, key)) STRICT, WITHOUT ROWID",

    /* flags: kind | direction << 4 | deleted << 8 | plain << 9. `part` NULL: the chat. */
    "CREATE TABLE archive(id INTEGER PRIMARY KEY, chat INTEGER NOT NULL, flags INTEGER NOT NULL,"
    "  external_id ANY NOT NULL, sender INTEGER NOT NULL, sent_ms INTEGER NOT NULL,"
    "  archived_ms INTEGER NOT NULL, text TEXT NOT NULL, sent_text TEXT, revision INTEGER,"
    "  part INTEGER, about INTEGER, version_ms INTEGER, attachments TEXT, extra TEXT) STRICT",
    "CREATE TABLE seen(chat INTEGER NOT NULL, key INTEGER NOT NULL, id INTEGER NOT NULL,"
    "  PRIMARY KEY(chat, key)) STRICT, WITHOUT ROWID",

    "CREATE TABLE position(pipeline INTEGER NOT NULL, chat INTEGER NOT NULL, id INTEGER NOT NULL,"
    "  PRIMARY KEY(pipeline, chat)) STRICT, WITHOUT ROWID",
    "CREATE TABLE subscription(pipeline INTEGER NOT NULL, source INTEGER NOT NULL,"
    "  chat TEXT NOT NULL, left_id INTEGER, PRIMARY KEY(pipeline, source, chat))"
    "  STRICT, WITHOUT ROWID",

    "CREATE TABLE state(pipeline INTEGER NOT NULL, part INTEGER NOT NULL, key BLOB NOT NULL,"
    "  value BLOB NOT NULL, PRIMARY KEY(pipeline, part, key)) STRICT, WITHOUT ROWID",

    "CREATE TABLE reference(name INTEGER NOT NULL, message INTEGER NOT NULL,"
    "  version INTEGER NOT NULL, PRIMARY KEY(name, message)) STRICT, WITHOUT ROWID",
    "CREATE TABLE reference_row(name INTEGER NOT NULL, key TEXT NOT NULL, from_id INTEGER NOT NULL,"
    "  to_id INTEGER, body TEXT NOT NULL, PRIMARY KEY(name, key, from_id)) STRICT, WITHOUT ROWID",
    "CREATE INDEX reference_current ON reference_row(name, key) WHERE to_id IS NULL",

    /* flags: kind | receipt << 4. */
    "CREATE TABLE outbox(sink INTEGER NOT NULL, generation INTEGER NOT NULL,"
    "  message INTEGER NOT NULL, pipeline INTEGER NOT NULL, nth INTEGER NOT NULL,"
    "  flags INTEGER NOT NULL, part INTEGER NOT NULL, target INTEGER NOT NULL,"
    "  origin BLOB NOT NULL, entity TEXT NOT NULL, body TEXT NOT NULL,"
    "  attempts INTEGER NOT NULL DEFAULT 0,"
    "  due_ms INTEGER NOT NULL DEFAULT 0, why TEXT,"
    "  PRIMARY KEY(sink, generation, message, pipeline, nth)) STRICT, WITHOUT ROWID",
    "CREATE INDEX outbox_absolute ON outbox(sink, target, entity) WHERE flags & 15 = 0",
    "CREATE TABLE emitted(pipeline INTEGER NOT NULL, sink INTEGER NOT NULL,"
    "  target INTEGER NOT NULL, entity TEXT NOT NULL, generation INTEGER NOT NULL,"
    "  message INTEGER NOT NULL, nth INTEGER NOT NULL, body TEXT NOT NULL,"
    "  PRIMARY KEY(pipeline, sink, target, entity)) STRICT, WITHOUT ROWID",
    "CREATE TABLE dead(id INTEGER PRIMARY KEY AUTOINCREMENT, sink INTEGER NOT NULL,"
    "  generation INTEGER NOT NULL, message INTEGER NOT NULL, pipeline INTEGER NOT NULL,"
    "  nth INTEGER NOT NULL, flags INTEGER NOT NULL, part INTEGER NOT NULL,"
    "  target INTEGER NOT NULL, origin BLOB NOT NULL, entity TEXT NOT NULL, body TEXT NOT NULL,"
    "  why TEXT NOT NULL,"
    "  attempts INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT",

    "CREATE TABLE lease(work INTEGER PRIMARY KEY, owner TEXT NOT NULL, token INTEGER NOT NULL,"
    "  since_ms INTEGER NOT NULL, until_ms INTEGER) STRICT",

    "CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline INTEGER NOT NULL,"
    "  trigger INTEGER NOT NULL, phase INTEGER NOT NULL, outcome INTEGER NOT NULL,"
    "  planned_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
    "  from_id INTEGER NOT NULL, upto_id INTEGER NOT NULL, messages INTEGER NOT NULL,"
    "  records INTEGER NOT NULL, delivered INTEGER NOT NULL, failed INTEGER NOT NULL,"
    "  detail TEXT, error TEXT) STRICT",
    "CREATE INDEX run_active ON run(phase) WHERE phase < 3",
    "CREATE INDEX run_pipeline ON run(pipeline, id)",
    "CREATE TABLE sweep(source INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    "  good_ms INTEGER NOT NULL, error TEXT) STRICT",
    "CREATE TABLE schedule(pipeline INTEGER PRIMARY KEY, planned_ms INTEGER NOT NULL) STRICT",
    "CREATE TABLE request(id INTEGER PRIMARY KEY AUTOINCREMENT, act TEXT NOT NULL,"
    "  object TEXT NOT NULL, detail TEXT, run_id INTEGER, at_ms INTEGER NOT NULL) STRICT",
    "CREATE INDEX request_waiting ON request(id) WHERE run_id IS NULL",

    "CREATE TABLE made_keys(pipeline INTEGER PRIMARY KEY, text TEXT NOT NULL,"
    "  at_ms INTEGER NOT NULL) STRICT",
    "CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
    "  actor TEXT NOT NULL, act TEXT NOT NULL, object TEXT NOT NULL, detail TEXT,"
    "  hash BLOB NOT NULL) STRICT",

    "CREATE TABLE blob(sha256 BLOB PRIMARY KEY, extension TEXT NOT NULL, size INTEGER NOT NULL,"
    "  message INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX blob_message ON blob(message)",
    "CREATE TABLE refused(id INTEGER PRIMARY KEY AUTOINCREMENT, worker INTEGER NOT NULL,"
    "  chat TEXT NOT NULL, place TEXT NOT NULL, why TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT",
    "CREATE TABLE event(id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL,"
    "  kind TEXT NOT NULL, chat TEXT NOT NULL, detail TEXT NOT NULL, at_ms INTEGER NOT NULL) "
    "STRICT",
    "CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE VIRTUAL TABLE search USING fts5(text, content='', contentless_delete=1,"
    "  tokenize=\"unicode61 remove_diacritics 2\")",
    /* Upkeep takes removed rows out in bounded steps; a write must not do it all at once. */
    "INSERT INTO search(search, rank) VALUES('deletemerge', 0)",
    NULL,
};

/* Numbers share rows (seen.h). Those that have a row each stay where they are. */
static const char *const version_2[] = {
    "CREATE TABLE seen_block(chat INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  first INTEGER NOT NULL, entries BLOB NOT NULL, PRIMARY KEY(chat, number))"
    "  STRICT, WITHOUT ROWID",
    "INSERT INTO meta SELECT 'old_numbers', 1 FROM seen WHERE key>=0 LIMIT 1",
    NULL,
};

/* What is usual (habit.h): of a chat, and under minus its number of a source. */
static const char *const version_3[] = {
    "CREATE TABLE habit(id INTEGER PRIMARY KEY, source INTEGER NOT NULL,"
    "  newest_ms INTEGER NOT NULL, due_ms INTEGER, weekly INTEGER NOT NULL,"
    "  learned BLOB NOT NULL) STRICT",
    "CREATE INDEX habit_source ON habit(source, newest_ms, due_ms, weekly)",
    NULL,
};

static const char *const *const all_steps[] = {version_1, version_2, version_3};

static const struct schema_steps own_steps = {all_steps, sizeof all_steps / sizeof all_steps[0]};

static bool apply_step(struct sqlite *db, const struct schema_steps *steps, int64_t version,
                       struct err *err)
{
    char pragma[64];
    (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version=%" PRId64, version);
    bool ok = true;
    for (const char *const *sql = steps->steps[version - 1]; ok && *sql != NULL; sql++) {
        ok = sqlite_exec(db, *sql, err);
    }
    ok = ok && sqlite_exec(db, pragma, err);
    if (!ok) {
        return err_prefix(err, "cannot bring the store to version %" PRId64 ": ", version);
    }
    return true;
}

/* Settings of the file itself, which must stand before its first table. */
static bool prepare_new(struct sqlite *db, struct err *err)
{
    char pragmas[128];
    (void)snprintf(pragmas, sizeof pragmas,
                   "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA application_id=%d;",
                   SCHEMA_PAGE_SIZE, SCHEMA_APPLICATION_ID);
    return sqlite_exec(db, pragmas, err);
}

/* What a file says of itself; false for one that is not ours or of a newer sluice. */
static bool look(struct sqlite *db, int64_t current, int64_t *version, int64_t *tables,
                 struct err *err)
{
    static const char user_version[] = "PRAGMA user_version";
    static const char application_id[] = "PRAGMA application_id";
    static const char table_count[] = "SELECT count(*) FROM sqlite_schema";
    int64_t application = 0;
    if (!sqlite_int(db, user_version, 0, version, err) ||
        !sqlite_int(db, application_id, 0, &application, err) ||
        !sqlite_int(db, table_count, 0, tables, err)) {
        return false;
    }
    /* A process that died while it made the file leaves one without tables: it is new again. */
    if (*tables > 0 && application != SCHEMA_APPLICATION_ID) {
        return err_set(err, ERR_CONFIG,
                       "the file is an SQLite database, but not a store of sluice; name another");
    }
    return *version <= current ||
           err_set(err, ERR_CONFIG,
                   "the store has version %" PRId64 ", this sluice knows up to %" PRId64
                   "; use a newer sluice, or restore a backup made by this one",
                   *version, current);
}

bool schema_version(struct sqlite *db, int64_t *version, int64_t *current, struct err *err)
{
    int64_t tables = 0;
    *current = own_steps.count;
    return look(db, *current, version, &tables, err);
}

bool schema_check(struct sqlite *db, struct err *err)
{
    int64_t version = 0;
    int64_t current = own_steps.count;
    int64_t tables = 0;
    if (!look(db, current, &version, &tables, err)) {
        return false;
    }
    if (tables == 0 || version == 0) {
        return err_set(err, ERR_RETRY, "the store is only just being made; try again");
    }
    return (version == current ||
            err_set(err, ERR_CONFIG,
                    "the store has version %" PRId64 ", this sluice works with %" PRId64
                    "; bring it up to date: sluice migrate",
                    version, current));
}

/* As it was in its old version: read and copied in one transaction, under a name of that version.
   Whoever comes second finds the copy there, or a version that needs none. */
static bool keep_copy(struct sqlite *db, struct str path, int64_t current, struct err *err)
{
    static const char user_version[] = "PRAGMA user_version";
    char copy[FILE_PATH_MAX];
    char part[FILE_PATH_MAX];
    struct file_info info = {0};
    int64_t version = 0;
    if (!sqlite_exec(db, "BEGIN", err) || !sqlite_int(db, user_version, 0, &version, err)) {
        sqlite_rollback(db);
        return false;
    }
    int len = snprintf(copy, sizeof copy, "%.*s.version-%" PRId64, STR_ARG(path), version);
    int part_len = snprintf(part, sizeof part, "%s.%ld.part", copy, (long)getpid());
    bool ok = len > 0 && part_len > len && (size_t)part_len < sizeof part;
    ok = ok ? file_look(str_of(copy), &info, err)
            : err_set(err, ERR_CONFIG, "the path of the store is too long");
    if (ok && version < current && info.kind == FILE_MISSING) {
        ok = (sqlite_backup(db, str_of(part), NULL, err) &&
              file_rename(str_of(part), str_of(copy), err)) ||
             err_prefix(err,
                        "no copy of the store could be made, so it stays in version %" PRId64 ": ",
                        version);
        if (!ok) {
            struct err ignored = {0};
            (void)file_remove(str_of(part), &ignored);
        }
    }
    sqlite_rollback(db);
    return ok;
}

bool schema_upgrade(struct sqlite *db, struct str path, const struct schema_steps *steps,
                    struct err *err)
{
    static const char user_version[] = "PRAGMA user_version";
    int64_t version = 0;
    int64_t tables = 0;
    steps = steps != NULL ? steps : &own_steps;
    if (!look(db, steps->count, &version, &tables, err) || (tables == 0 && !prepare_new(db, err))) {
        return false;
    }
    if (version == steps->count) {
        return true;
    }
    if (version > 0 && path.ptr != NULL && !keep_copy(db, path, steps->count, err)) {
        return false;
    }
    if (!sqlite_exec(db, "PRAGMA journal_mode=WAL", err)) {
        return false;
    }
    while (version < steps->count) { /* Another process may be doing the same: look again inside. */
        if (!sqlite_begin(db, err) || !sqlite_int(db, user_version, 0, &version, err)) {
            sqlite_rollback(db);
            return false;
        }
        if (version >= steps->count) {
            sqlite_rollback(db);
            break;
        }
        /* A new store is whole at once: nobody sees it in an old version. */
        int64_t to = version == 0 ? steps->count : version + 1;
        bool ok = true;
        while (ok && version < to) {
            ok = apply_step(db, steps, ++version, err);
        }
        if (!ok || !sqlite_commit(db, err)) {
            sqlite_rollback(db);
            return false;
        }
    }
    return true;
}
