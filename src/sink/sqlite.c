#include "sink/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "db/sqlite.h"
#include "sink/body.h"
#include "sink/sqlite_read.h"
#include "sink/sqlite_shape.h"
#include "sink/sqlite_table.h"

enum {
    SHAPES_MAX = 64,                    /* Then the handle is opened anew. */
    SCHEMA_BYTES_MAX = 4 * 1024 * 1024, /* Tables, shapes and their statements. */
    BUSY_MS_MAX = 60 * 1000,
    CACHE_KIB = 8 * 1024,
    LOG_PAGES = 4096,
    TIME_EVERY = 64, /* Parcels between two looks at the clock. */
    OPEN_TRIES_MAX = 3,
    TURNS_PER_PARCEL = 3, /* Refused, written again without it, shapes thrown away. */
    TARGETS_MAX = 128,    /* A handle that reads back has a statement for each. */
    FILE_MODE = 0600,
};

_Static_assert((int)SHAPES_MAX *(int)SQLITE_SHAPE_QUERIES + 24 <= (int)SQLITE_QUERIES_MAX,
               "a handle keeps the statements of all shapes");

struct sqlite_sink {
    struct sink sink;
    struct str path_option;
    struct str path;
    struct str file; /* The last part of the path, for messages. */

    /* From opening the file to closing it. */
    struct sqlite *db;
    struct arena arena;
    struct sqlite_table *tables;
    size_t table_count;
    struct sqlite_shape *shapes;
    size_t shape_count;
    int64_t schema_version;
    dev_t device;
    ino_t inode;

    struct body body; /* Of the parcel at hand. */
};

/* A stretch of the batch that becomes one transaction. */
struct span {
    struct parcel *parcels;
    size_t from;
    size_t to;
    size_t stop; /* Where it ended: what is behind it was not touched. */
    struct arena *arena;
    int64_t deadline_ms;
    int64_t now_ms;
    bool full; /* No room for one more shape. */
    bool late; /* The deadline came. */
};

enum outcome {
    OUTCOME_DONE = 0,
    OUTCOME_REFUSED, /* The parcel at hand, for good. */
    OUTCOME_FULL,    /* No room for one more shape. */
    OUTCOME_FAILED,
};

static const char ledger_sql[] =
    "CREATE TABLE IF NOT EXISTS sluice_effects("
    "pipeline TEXT NOT NULL, origin BLOB NOT NULL, nth INTEGER NOT NULL,"
    "generation INTEGER NOT NULL, message INTEGER NOT NULL, applied_at INTEGER NOT NULL,"
    "PRIMARY KEY(pipeline, origin, nth)) WITHOUT ROWID;"
    "CREATE VIEW IF NOT EXISTS sluice_effect_names AS SELECT "
    "pipeline||'/'||generation||'/'||message||'/'||nth AS effect, applied_at FROM sluice_effects;"
    "CREATE TABLE IF NOT EXISTS sluice_seq("
    "pipeline TEXT NOT NULL, target TEXT NOT NULL, entity TEXT NOT NULL,"
    "generation INTEGER NOT NULL, archive_id INTEGER NOT NULL, nth INTEGER NOT NULL,"
    "PRIMARY KEY(pipeline, target, entity)) WITHOUT ROWID;";

/* A large log spares writing the same pages again and again while much comes in. */
static const char settings_sql[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                   "PRAGMA journal_size_limit=33554432;";

/* A disk that fails is the target's trouble: it must not stop the process as the store's would. */
static bool explain(const struct sqlite_sink *self, struct err *err)
{
    if (err->kind == ERR_STORE) {
        err->kind = ERR_RETRY;
    }
    return err_prefix(err, "sink %.*s: ", STR_ARG(self->sink.connector.name));
}

static void file_close(struct sqlite_sink *self)
{
    sqlite_close(self->db);
    self->db = NULL;
    self->table_count = 0;
    self->shape_count = 0;
    arena_free(&self->arena);
}

/* SQLite would make the file with the process's umask; ours is private from its first byte. */
static bool file_create(const struct sqlite_sink *self, struct err *err)
{
    must(self->path.ptr[self->path.len] == '\0');
    int file = open(self->path.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (file >= 0) {
        (void)close(file);
        return true;
    }
    if (errno == EEXIST) {
        return true;
    }
    return err_set(err, ERR_RETRY,
                   "%.*s cannot be made; is the path right, and may this user write in its folder?",
                   STR_ARG(self->path));
}

/* Is the open file still the one that the path names? */
static bool file_same(const struct sqlite_sink *self)
{
    struct stat now;
    return stat(self->path.ptr, &now) == 0 && now.st_dev == self->device &&
           now.st_ino == self->inode;
}

static size_t target_count(const struct sqlite_sink *self)
{
    const struct target *const *targets = self->sink.connector.env.targets;
    size_t count = 0;
    while (targets != NULL && targets[count] != NULL && count <= TARGETS_MAX) {
        count++;
    }
    return count;
}

static bool tables_ready(struct sqlite_sink *self, struct err *err)
{
    size_t count = target_count(self);
    self->table_count = 0;
    self->tables = arena_array(&self->arena, count + 1, sizeof *self->tables);
    self->shapes = arena_array(&self->arena, SHAPES_MAX, sizeof *self->shapes);
    if (self->tables == NULL || self->shapes == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    for (; self->table_count < count; self->table_count++) {
        if (!sqlite_table_ready(self->db, self->sink.connector.env.targets[self->table_count],
                                self->file, &self->arena, &self->tables[self->table_count], err)) {
            return false;
        }
    }
    return true;
}

static bool schema_version(struct sqlite_sink *self, int64_t *version, struct err *err)
{
    static const char sql[] = "PRAGMA schema_version";
    return sqlite_int(self->db, sql, 0, version, err);
}

static bool set_busy(struct sqlite *db, int64_t busy_ms, struct err *err)
{
    char sql[64];
    int64_t wait = busy_ms < BUSY_MS_MAX ? busy_ms : BUSY_MS_MAX;
    (void)snprintf(sql, sizeof sql, "PRAGMA busy_timeout=%lld", (long long)wait);
    return sqlite_exec(db, sql, err);
}

static bool schema_ready(struct sqlite_sink *self, struct err *err)
{
    struct stat now;
    sqlite_checkpoint_at(self->db, LOG_PAGES);
    bool ok = sqlite_exec(self->db, settings_sql, err) && sqlite_begin(self->db, err) &&
              sqlite_exec(self->db, ledger_sql, err) && tables_ready(self, err) &&
              sqlite_commit(self->db, err) && schema_version(self, &self->schema_version, err);
    if (ok && stat(self->path.ptr, &now) == 0) {
        self->device = now.st_dev;
        self->inode = now.st_ino;
    }
    return ok;
}

static bool file_open(struct sqlite_sink *self, int64_t busy_ms, struct err *err)
{
    struct sqlite_options options = {
        .busy_ms = busy_ms < BUSY_MS_MAX ? (int)busy_ms : (int)BUSY_MS_MAX,
        .cache_kib = CACHE_KIB,
    };
    arena_init(&self->arena, SCHEMA_BYTES_MAX);
    bool ok = file_create(self, err) && sqlite_open(&self->db, self->path, &options, err) &&
              schema_ready(self, err);
    if (!ok) {
        file_close(self);
    }
    return ok;
}

static bool time_left(const struct sqlite_sink *self, int64_t deadline_ms, int64_t *left_ms,
                      struct err *err)
{
    *left_ms = deadline_ms - clock_mono_ms(self->sink.connector.env.clock);
    return *left_ms > 0 || err_set(err, ERR_RETRY, "%.*s: no time left", STR_ARG(self->file));
}

/*
 * Begin a transaction on the file that the path names, with tables as they are now: someone may
 * have replaced the file or altered a table since the last batch. Inside, neither can happen.
 */
static bool begin(struct sqlite_sink *self, int64_t deadline_ms, struct err *err)
{
    for (int tries = 0; tries < OPEN_TRIES_MAX; tries++) {
        int64_t left_ms = 0;
        int64_t version = 0;
        if (!time_left(self, deadline_ms, &left_ms, err)) {
            return false;
        }
        if (self->db != NULL && !file_same(self)) {
            file_close(self);
        }
        if (self->db == NULL && !file_open(self, left_ms, err)) {
            return false;
        }
        if (!set_busy(self->db, left_ms, err) || !sqlite_begin(self->db, err)) {
            return false;
        }
        if (!schema_version(self, &version, err)) {
            sqlite_rollback(self->db);
            return false;
        }
        if (version == self->schema_version) {
            return true;
        }
        file_close(self);
    }
    return err_set(err, ERR_RETRY, "%.*s: its tables are being altered again and again",
                   STR_ARG(self->file));
}

static const struct sqlite_table *table_find(const struct sqlite_sink *self, struct str target)
{
    if (target.len == 0 && self->table_count == 1) {
        return &self->tables[0];
    }
    for (size_t i = 0; i < self->table_count; i++) {
        if (str_equal(str_of(self->tables[i].target->name), target)) {
            return &self->tables[i];
        }
    }
    return NULL;
}

static enum outcome grade(const struct err *err)
{
    return err->kind == ERR_REJECT ? OUTCOME_REFUSED : OUTCOME_FAILED;
}

/* The statements for the body at hand: known ones, or new ones where there is room. */
static enum outcome shape_find(struct sqlite_sink *self, const struct sqlite_table *table,
                               const struct sqlite_shape **out, struct err *err)
{
    for (size_t i = 0; i < self->shape_count; i++) {
        if (sqlite_shape_fits(&self->shapes[i], table, &self->body)) {
            *out = &self->shapes[i];
            return OUTCOME_DONE;
        }
    }
    if (self->shape_count == SHAPES_MAX) {
        return OUTCOME_FULL;
    }
    struct sqlite_shape *shape = &self->shapes[self->shape_count];
    struct arena_mark mark = arena_mark(&self->arena);
    if (!sqlite_shape_make(table, &self->body, &self->arena, shape, err)) {
        arena_rewind(&self->arena, mark);
        return grade(err);
    }
    self->shape_count++;
    *out = shape;
    return OUTCOME_DONE;
}

/* The statement that takes a row of the table away: a shape of its own. */
static enum outcome removal_find(struct sqlite_sink *self, const struct sqlite_table *table,
                                 const struct sqlite_shape **out, struct err *err)
{
    for (size_t i = 0; i < self->shape_count; i++) {
        if (self->shapes[i].removes && self->shapes[i].table == table) {
            *out = &self->shapes[i];
            return OUTCOME_DONE;
        }
    }
    if (self->shape_count == SHAPES_MAX) {
        return OUTCOME_FULL;
    }
    struct sqlite_shape *shape = &self->shapes[self->shape_count];
    if (!sqlite_shape_make_removal(table, &self->arena, shape, err)) {
        return grade(err);
    }
    self->shape_count++;
    *out = shape;
    return OUTCOME_DONE;
}

/* Everything that can be refused without touching the file. */
static enum outcome parcel_check(struct sqlite_sink *self, const struct parcel *parcel,
                                 struct arena *arena, const struct sqlite_shape **shape,
                                 struct err *err)
{
    if (parcel->kind == RECORD_QUESTION) {
        (void)err_set(err, ERR_REJECT, "a SQLite file cannot answer questions");
        return OUTCOME_REFUSED;
    }
    const struct sqlite_table *table = table_find(self, parcel->target);
    if (table == NULL) {
        (void)err_set(err, ERR_REJECT, "no pipeline declares a table '%.*s' for this sink",
                      STR_ARG(str_slice(parcel->target, 0, BODY_NAME_SHOWN)));
        return OUTCOME_REFUSED;
    }
    if (parcel->entity.len == 0 || parcel->entity.len > RECORD_ENTITY_MAX) {
        (void)err_set(err, ERR_REJECT, "table %s: the key is empty or longer than %d bytes",
                      table->target->name, RECORD_ENTITY_MAX);
        return OUTCOME_REFUSED;
    }
    if (parcel->removed) {
        return removal_find(self, table, shape, err);
    }
    if (!body_read(parcel->body, arena, &self->body, err) ||
        !body_suits_kind(&self->body, parcel->kind, err)) {
        (void)err_prefix(err, "table %s: ", table->target->name);
        return grade(err);
    }
    enum outcome outcome = shape_find(self, table, shape, err);
    if (outcome == OUTCOME_DONE && !sqlite_shape_check(*shape, &self->body, parcel->entity, err)) {
        return grade(err);
    }
    return outcome;
}

static bool effect_take(struct sqlite *db, const struct effect *effect, int64_t now_ms,
                        struct err *err)
{
    static const char sql[] =
        "INSERT INTO sluice_effects(pipeline, origin, nth, generation, message, applied_at) "
        "VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT DO NOTHING";
    struct query *query = sqlite_query(db, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, effect->pipeline);
    query_bind_blob(query, 2, effect->origin);
    query_bind_int(query, 3, effect->nth);
    query_bind_int(query, 4, effect->generation);
    query_bind_int(query, 5, effect->message);
    query_bind_int(query, 6, now_ms);
    return query_run(query, err);
}

static bool sequence_take(struct sqlite *db, const struct effect *effect, const char *table,
                          struct str entity, struct err *err)
{
    static const char sql[] =
        "INSERT INTO sluice_seq(pipeline, target, entity, generation, archive_id, nth) "
        "VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(pipeline, target, entity) DO UPDATE SET "
        "generation=?4, archive_id=?5, nth=?6 WHERE (?4,?5,?6)>(generation, archive_id, nth)";
    struct query *query = sqlite_query(db, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, effect->pipeline);
    query_bind_text(query, 2, str_of(table));
    query_bind_text(query, 3, entity);
    query_bind_int(query, 4, effect->generation);
    query_bind_int(query, 5, effect->message);
    query_bind_int(query, 6, effect->nth);
    return query_run(query, err);
}

/* The ledger's line and the row, or neither when the ledger has it already. */
static enum outcome parcel_apply(struct sqlite_sink *self, const struct parcel *parcel,
                                 const struct sqlite_shape *shape, int64_t now_ms, struct err *err)
{
    must(shape != NULL);
    const char *table = shape->table->target->name;
    bool ok = parcel->kind == RECORD_EFFECT
                  ? effect_take(self->db, &parcel->effect, now_ms, err)
                  : sequence_take(self->db, &parcel->effect, table, parcel->entity, err);
    if (ok && sqlite_changes(self->db) > 0) {
        ok = shape->removes ? sqlite_shape_remove(shape, self->db, parcel->entity, err)
                            : sqlite_shape_write(shape, self->db, &self->body, parcel->entity, err);
    }
    if (!ok && err->kind == ERR_REJECT) {
        (void)err_prefix(err, "table %s: ", table);
    }
    return ok ? OUTCOME_DONE : grade(err);
}

static void refuse(struct parcel *parcel, struct arena *arena, const struct err *reason)
{
    parcel->verdict = VERDICT_REJECT;
    parcel->why = arena_copy(arena, str_of(reason->text));
}

/* One parcel inside the transaction. A refusal that touched nothing lets the span go on. */
static enum outcome span_step(struct sqlite_sink *self, struct span *span, struct parcel *parcel,
                              struct err *err)
{
    const struct sqlite_shape *shape = NULL;
    struct err reason = {0};
    struct arena_mark mark = arena_mark(span->arena);
    enum outcome outcome = parcel_check(self, parcel, span->arena, &shape, &reason);
    bool clean = outcome == OUTCOME_REFUSED;
    if (outcome == OUTCOME_DONE) {
        outcome = parcel_apply(self, parcel, shape, span->now_ms, &reason);
    }
    arena_rewind(span->arena, mark);
    if (outcome == OUTCOME_REFUSED) {
        refuse(parcel, span->arena, &reason);
    } else if (outcome == OUTCOME_FAILED) {
        *err = reason;
    }
    return clean ? OUTCOME_DONE : outcome;
}

static bool is_late(const struct sqlite_sink *self, const struct span *span)
{
    return span->stop > span->from && (span->stop - span->from) % TIME_EVERY == 0 &&
           (clock_mono_ms(self->sink.connector.env.clock) >= span->deadline_ms ||
            connector_stopping(&self->sink.connector));
}

static enum outcome span_fill(struct sqlite_sink *self, struct span *span, struct err *err)
{
    for (span->stop = span->from; span->stop < span->to; span->stop++) {
        struct parcel *parcel = &span->parcels[span->stop];
        if (parcel->verdict == VERDICT_REJECT) {
            continue;
        }
        span->late = is_late(self, span);
        enum outcome outcome = span->late ? OUTCOME_DONE : span_step(self, span, parcel, err);
        span->full = outcome == OUTCOME_FULL;
        if (span->late || span->full) {
            return OUTCOME_DONE;
        }
        if (outcome != OUTCOME_DONE) {
            return outcome;
        }
    }
    return OUTCOME_DONE;
}

static enum outcome span_write(struct sqlite_sink *self, struct span *span, struct err *err)
{
    if (!begin(self, span->deadline_ms, err)) {
        return OUTCOME_FAILED;
    }
    enum outcome outcome = span_fill(self, span, err);
    if (outcome == OUTCOME_DONE && !sqlite_commit(self->db, err)) {
        outcome = OUTCOME_FAILED;
    }
    if (outcome != OUTCOME_DONE) {
        sqlite_rollback(self->db);
        return outcome;
    }
    for (size_t i = span->from; i < span->stop; i++) {
        if (span->parcels[i].verdict != VERDICT_REJECT) {
            span->parcels[i].verdict = VERDICT_DONE;
        }
    }
    if (span->full) {
        file_close(self);
    }
    return OUTCOME_DONE;
}

static bool write_parcels(struct sink *sink, struct parcel *parcels, size_t count,
                          struct arena *arena, int64_t deadline_ms, struct err *err)
{
    struct sqlite_sink *self = (struct sqlite_sink *)sink;
    size_t from = 0;
    size_t to = count;
    must(count <= SINK_BATCH_MAX);
    for (size_t turns = 0; from < count; turns++) {
        must(turns <= TURNS_PER_PARCEL * count); /* Each moves `from`, refuses one or makes room. */
        struct span span = {
            .parcels = parcels,
            .from = from,
            .to = to,
            .arena = arena,
            .deadline_ms = deadline_ms,
            .now_ms = clock_wall_ms(sink->connector.env.clock),
        };
        enum outcome outcome = span_write(self, &span, err);
        if (outcome == OUTCOME_FAILED) {
            return explain(self, err);
        }
        if (outcome == OUTCOME_REFUSED && span.stop > from) {
            to = span.stop; /* Again, up to the one that was refused. */
            continue;
        }
        from = outcome == OUTCOME_REFUSED ? from + 1 : span.stop;
        to = count;
        if (span.late && from < count) {
            if (connector_stopping(&sink->connector)) {
                return err_set(err, ERR_STOP, "asked to stop");
            }
            (void)err_set(err, ERR_RETRY,
                          "%.*s is slow: %zu of %zu rows are written, the rest follows; does each "
                          "table have an index on its key (sluice migrate)?",
                          STR_ARG(self->file), from, count);
            return explain(self, err);
        }
    }
    if (self->db != NULL && count < SINK_BATCH_MAX) { /* Not a backlog: give the page cache back. */
        sqlite_shrink(self->db);
    }
    return true;
}

static bool sink_open(struct connector *connector, struct err *err)
{
    struct sqlite_sink *self = (struct sqlite_sink *)connector;
    struct arena *arena = connector->env.arena;
    struct str option = self->path_option;
    self->db = NULL;
    self->path = option.len > 0
                     ? arena_copy(arena, option)
                     : arena_printf(arena, "%.*s/records.db", STR_ARG(connector->env.data_dir));
    if (self->path.ptr == NULL) {
        return err_set(err, ERR_RETRY, "sink %.*s: out of memory", STR_ARG(connector->name));
    }
    if (target_count(self) > TARGETS_MAX) {
        return err_set(err, ERR_CONFIG, "sink %.*s: more than %d tables in one file",
                       STR_ARG(connector->name), TARGETS_MAX);
    }
    if (str_find_byte(self->path, '\0', 0) != STR_NONE) {
        return err_set(err, ERR_CONFIG, "sink %.*s: the path holds a NUL",
                       STR_ARG(connector->name));
    }
    self->file = self->path;
    for (size_t i = 0; i < self->path.len; i++) {
        if (self->path.ptr[i] == '/') {
            self->file = str_slice(self->path, i + 1, self->path.len);
        }
    }
    return true;
}

static void sink_close(struct connector *connector)
{
    file_close((struct sqlite_sink *)connector);
}

/* A handle that only looks; NULL and true when there is no file yet. */
static bool look_open(const struct sqlite_sink *self, int64_t deadline_ms, struct sqlite **out,
                      struct err *err)
{
    struct stat now;
    int64_t left_ms = 0;
    *out = NULL;
    if (stat(self->path.ptr, &now) != 0 && errno == ENOENT) {
        return true;
    }
    if (!time_left(self, deadline_ms, &left_ms, err)) {
        return false;
    }
    struct sqlite_options options = {
        .readonly = true,
        .still = true,
        .busy_ms = left_ms < BUSY_MS_MAX ? (int)left_ms : (int)BUSY_MS_MAX,
    };
    return sqlite_open(out, self->path, &options, err);
}

static bool look_at_tables(const struct sqlite_sink *self, struct sqlite *db, struct arena *arena,
                           size_t *ready, struct err *err)
{
    size_t count = target_count(self);
    for (size_t i = 0; i < count; i++) {
        const struct target *target = self->sink.connector.env.targets[i];
        bool exists = false;
        if (!sqlite_table_exists(db, target, self->file, &exists, err) ||
            (exists && !sqlite_table_check(db, target, self->file, arena, err))) {
            return false;
        }
        *ready += exists ? 1 : 0;
    }
    return true;
}

static bool sink_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                       struct err *err)
{
    struct sqlite_sink *self = (struct sqlite_sink *)connector;
    struct arena scratch;
    struct sqlite *db = NULL;
    size_t ready = 0;
    arena_init(&scratch, SCHEMA_BYTES_MAX);
    bool ok = look_open(self, deadline_ms, &db, err) &&
              (db == NULL || look_at_tables(self, db, &scratch, &ready, err));
    size_t missing = target_count(self) - ready;
    if (ok) {
        *found =
            arena_printf(connector->env.arena, "%.*s: %s, %zu tables are there, %zu to be made",
                         STR_ARG(self->file), db != NULL ? "exists" : "to be made", ready, missing);
    }
    sqlite_close(db);
    arena_free(&scratch);
    return ok || explain(self, err);
}

static const struct target *target_find(const struct sqlite_sink *self, struct str name,
                                        size_t *index)
{
    size_t count = target_count(self);
    for (*index = 0; *index < count; (*index)++) {
        const struct target *target = self->sink.connector.env.targets[*index];
        if (str_equal(str_of(target->name), name) || (name.len == 0 && count == 1)) {
            return target;
        }
    }
    return NULL;
}

/* One row that is asked for; `statements` has room for one SELECT a target. */
static bool look_at_row(const struct sqlite_sink *self, struct sqlite *db, struct held *row,
                        const char **statements, struct arena *arena, struct err *err)
{
    size_t index = 0;
    bool exists = false;
    const struct target *target = target_find(self, row->target, &index);
    row->body = (struct str){0};
    if (target == NULL) {
        return err_set(err, ERR_CONFIG, "no pipeline declares a table '%.*s' for this sink",
                       STR_ARG(str_slice(row->target, 0, BODY_NAME_SHOWN)));
    }
    if (statements[index] == NULL) {
        if (!sqlite_table_exists(db, target, self->file, &exists, err)) {
            return false;
        }
        if (!exists) {
            return true;
        }
        statements[index] = sqlite_read_sql(target, arena);
        if (statements[index] == NULL) {
            return err_set(err, ERR_RETRY, "out of memory");
        }
        if (!sqlite_table_check(db, target, self->file, arena, err)) {
            return false;
        }
    }
    return sqlite_read_row(db, statements[index], target, row->entity, arena, &row->body, err);
}

/* On a handle that only reads, so a dry run leaves no trace; a file that is not there has no rows.
 */
static bool sink_read_back(struct sink *sink, struct held *rows, size_t count, struct arena *arena,
                           int64_t deadline_ms, struct err *err)
{
    struct sqlite_sink *self = (struct sqlite_sink *)sink;
    struct sqlite *db = NULL;
    const char **statements = arena_array(arena, TARGETS_MAX, sizeof *statements);
    if (statements == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    bool ok = look_open(self, deadline_ms, &db, err);
    for (size_t i = 0; i < count && ok; i++) {
        rows[i].body = (struct str){0};
        ok = db == NULL || look_at_row(self, db, &rows[i], statements, arena, err);
    }
    sqlite_close(db);
    return ok || explain(self, err);
}

static bool migrate_tables(struct sqlite_sink *self, struct arena *arena, struct buf *report,
                           struct err *err)
{
    size_t count = target_count(self);
    for (size_t i = 0; i < count; i++) {
        if (!sqlite_table_migrate(self->db, self->sink.connector.env.targets[i], self->file, arena,
                                  report, err)) {
            return false;
        }
    }
    return true;
}

/* A dry run is undone at its end; where there is no file yet, it happens in memory. */
static bool migrate_open(struct sqlite_sink *self, bool dry, struct err *err)
{
    struct stat now;
    bool missing = stat(self->path.ptr, &now) != 0 && errno == ENOENT;
    if (dry && missing) {
        return sqlite_open(&self->db, STR(":memory:"), &(struct sqlite_options){.create = true},
                           err);
    }
    return (dry || file_create(self, err)) &&
           sqlite_open(&self->db, self->path, &(struct sqlite_options){0}, err);
}

/* On a handle of its own: the statements of one handle must outlive it, these live in `arena`. */
static bool sink_migrate(struct sink *sink, bool dry, struct arena *arena, struct str *done,
                         struct err *err)
{
    struct sqlite_sink *self = (struct sqlite_sink *)sink;
    struct buf report;
    buf_init(&report, arena, 256);
    file_close(self);
    bool ok = migrate_open(self, dry, err) &&
              sqlite_exec(self->db, "PRAGMA synchronous=FULL", err) &&
              sqlite_begin(self->db, err) && sqlite_exec(self->db, ledger_sql, err) &&
              migrate_tables(self, arena, &report, err);
    if (ok && dry) {
        sqlite_rollback(self->db);
    }
    ok = ok && (dry || sqlite_commit(self->db, err));
    file_close(self);
    *done = report.len > 0 ? buf_str(&report) : STR("nothing to do");
    return ok || explain(self, err);
}

/* By the declaration alone: the table may not be there yet, or be another one by then. */
static bool sink_check(struct sink *sink, const struct parcel *parcel, struct arena *arena,
                       struct err *err)
{
    struct sqlite_sink *self = (struct sqlite_sink *)sink;
    size_t index = 0;
    struct sqlite_table table = {.target = target_find(self, parcel->target, &index),
                                 .unique = true};
    struct sqlite_shape shape;
    if (parcel->kind == RECORD_QUESTION) {
        return err_set(err, ERR_REJECT, "a SQLite file cannot answer questions");
    }
    if (table.target == NULL) {
        return err_set(err, ERR_REJECT, "no pipeline declares a table '%.*s' for this sink",
                       STR_ARG(str_slice(parcel->target, 0, BODY_NAME_SHOWN)));
    }
    return body_read(parcel->body, arena, &self->body, err) &&
           body_suits_kind(&self->body, parcel->kind, err) &&
           sqlite_shape_make(&table, &self->body, arena, &shape, err) &&
           sqlite_shape_check(&shape, &self->body, parcel->entity, err);
}

enum { DUMP_WAIT_MS = 10 * 1000 };

static bool sink_dump(struct sink *sink, struct str name, struct arena *arena, sink_row *each,
                      void *context, struct err *err)
{
    struct sqlite_sink *self = (struct sqlite_sink *)sink;
    struct sqlite *db = NULL;
    size_t index = 0;
    bool exists = false;
    const struct target *target = target_find(self, name, &index);
    if (target == NULL) {
        return err_set(err, ERR_CONFIG, "no pipeline declares a table '%.*s' for this sink",
                       STR_ARG(str_slice(name, 0, BODY_NAME_SHOWN)));
    }
    int64_t deadline_ms = clock_mono_ms(sink->connector.env.clock) + DUMP_WAIT_MS;
    bool ok = look_open(self, deadline_ms, &db, err);
    ok = ok && (db == NULL || sqlite_table_exists(db, target, self->file, &exists, err));
    if (ok && exists) {
        ok = sqlite_table_check(db, target, self->file, arena, err) &&
             sqlite_read_each(db, target, arena, each, context, err);
    }
    sqlite_close(db);
    return ok || explain(self, err);
}

static bool sink_files(struct sink *sink, struct arena *arena, const struct sink_file **files,
                       size_t *count, struct err *err)
{
    const struct sqlite_sink *self = (const struct sqlite_sink *)sink;
    struct sink_file *file = arena_alloc(arena, sizeof *file);
    if (file == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    file->database = arena_copy(arena, self->path);
    *files = file;
    *count = 1;
    return file->database.ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

static void sink_rest(struct connector *connector)
{
    struct sqlite_sink *self = (struct sqlite_sink *)connector;
    if (self->db != NULL) {
        sqlite_shrink(self->db);
    }
}

static const struct option options[] = {
    OPTION_PATH(struct sqlite_sink, path_option, "path", NULL,
                "The SQLite file; by default records.db in sluice's data folder."),
    OPTION_END,
};

static bool takes_name(struct str target, struct err *err)
{
    return !str_equal_ascii_case(str_slice(target, 0, 7), STR("sqlite_")) ||
           err_set(
               err, ERR_CONFIG,
               "SQLite keeps tables whose names begin with sqlite_ to itself; name it otherwise");
}

const struct sink_type sink_sqlite = {
    .connector =
        {
            .kind = "sqlite",
            .summary = "Tables in a SQLite file that any tool can open; made or adopted.",
            .options = options,
            .size = sizeof(struct sqlite_sink),
            .open = sink_open,
            .probe = sink_probe,
            .rest = sink_rest,
            .close = sink_close,
        },
    .write = write_parcels,
    .read_back = sink_read_back,
    .migrate = sink_migrate,
    .check = sink_check,
    .takes_name = takes_name,
    .files = sink_files,
    .removes = true,
    .dump = sink_dump,
};
