#include "sink/files.h"

#include "base/file.h"
#include "base/must.h"
#include "sink/body.h"
#include "sink/files_image.h"
#include "sink/files_ledger.h"
#include "sink/files_log.h"
#include "sink/files_name.h"
#include "sink/files_row.h"

enum { TIME_EVERY = 64 }; /* Parcels between two looks at the clock. */

const char *const files_modes[] = {"table", "log", NULL};

/* The parcels of one table, in one transaction. */
struct span {
    struct files_table *table;
    struct parcel *parcels;
    size_t count;
    size_t stop; /* What is behind it was not looked at. */
    struct arena *arena;
    int64_t now_ms;
    int64_t deadline_ms;
    struct files_state state;
    int64_t rows;  /* In the table. */
    bool prepared; /* Something is new. */
    bool late;
};

enum outcome { OUTCOME_DONE = 0, OUTCOME_REFUSED, OUTCOME_FAILED };

/* A disk that fails is the target's trouble: it must not stop the process as the store's would. */
static bool explain(const struct files *files, struct err *err)
{
    if (err->kind == ERR_STORE) {
        err->kind = ERR_RETRY;
    }
    return err_prefix(err, "sink %.*s: ", STR_ARG(files->sink.connector.name));
}

static bool is_log(const struct files *files)
{
    return files->mode == FILES_LOG;
}

/* ---- Opening ---- */

static bool name_is_safe(struct str name)
{
    return name.len > 0 && name.ptr[0] != '.' && str_find_byte(name, '/', 0) == STR_NONE;
}

static bool table_open(struct files *files, const struct target *target, struct str path,
                       struct files_table *table, struct err *err)
{
    struct arena *arena = files->sink.connector.env.arena;
    struct buf head;
    buf_init(&head, arena, 256);
    if (!name_is_safe(str_of(target->name))) {
        return err_set(err, ERR_CONFIG, "the table '%s' cannot be the name of a file",
                       target->name);
    }
    *table = (struct files_table){
        .target = target,
        .path = files_name_fill(path, target->name, arena),
    };
    table->ledger = table->path.ptr != NULL ? files_name_ledger(table->path, arena) : table->path;
    bool ok = files->format->head(files, target, &head);
    table->head = buf_str(&head);
    return (ok && table->ledger.ptr != NULL && table->head.ptr != NULL) ||
           err_set(err, ERR_RETRY, "out of memory");
}

static bool tables_open(struct files *files, struct str path, struct err *err)
{
    const struct target *const *targets = files->sink.connector.env.targets;
    size_t count = 0;
    while (targets != NULL && targets[count] != NULL) {
        count++;
    }
    if (count > FILES_TARGETS_MAX) {
        return err_set(err, ERR_CONFIG, "more than %d tables in one sink", FILES_TARGETS_MAX);
    }
    if (count > 1 && str_find(path, STR("{target}"), 0) == STR_NONE) {
        return err_set(err, ERR_CONFIG,
                       "%zu tables are written here and each is a file of its own: put {target} "
                       "into `path`",
                       count);
    }
    files->table_count = 0;
    files->tables = arena_array(files->sink.connector.env.arena, count + 1, sizeof *files->tables);
    if (files->tables == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    for (; files->table_count < count; files->table_count++) {
        if (!table_open(files, targets[files->table_count], path,
                        &files->tables[files->table_count], err)) {
            return false;
        }
    }
    return true;
}

bool files_open(struct files *files, const struct files_format *format, struct err *err)
{
    struct connector *connector = &files->sink.connector;
    struct str path = files->path;
    files->format = format;
    files->zone = zone_utc();
    if (path.len == 0) {
        path = arena_printf(connector->env.arena, "%.*s/{target}.%s",
                            STR_ARG(connector->env.data_dir), format->ending);
    }
    if (path.ptr == NULL) {
        return err_set(err, ERR_RETRY, "sink %.*s: out of memory", STR_ARG(connector->name));
    }
    if (str_find_byte(path, '\0', 0) != STR_NONE || path.len >= FILE_PATH_MAX / 2) {
        return err_set(err, ERR_CONFIG, "sink %.*s: the path is too long or holds a NUL",
                       STR_ARG(connector->name));
    }
    if (files->zone_name.len > 0 && !zone_parse(files->zone_name, &files->zone, err)) {
        return err_prefix(err, "sink %.*s: zone: ", STR_ARG(connector->name));
    }
    if ((files->rotate_bytes > 0 || files->rotate_daily) && !is_log(files)) {
        return err_set(err, ERR_CONFIG,
                       "sink %.*s: only a log can be rotated: write `mode: log`, or leave out "
                       "rotate_size and rotate_daily",
                       STR_ARG(connector->name));
    }
    return tables_open(files, path, err) || explain(files, err);
}

void files_close(struct connector *connector)
{
    struct files *files = (struct files *)(void *)connector;
    for (size_t i = 0; i < files->table_count; i++) {
        files_ledger_close(&files->tables[i]);
    }
}

void files_rest(struct connector *connector)
{
    files_close(connector); /* It is opened again by the next write. */
}

/* ---- Writing ---- */

static struct files_table *table_find(const struct files *files, struct str name)
{
    if (name.len == 0 && files->table_count == 1) {
        return &files->tables[0];
    }
    for (size_t i = 0; i < files->table_count; i++) {
        if (str_equal(str_of(files->tables[i].target->name), name)) {
            return &files->tables[i];
        }
    }
    return NULL;
}

static bool parcel_check(const struct files *files, const struct parcel *parcel,
                         struct arena *arena, struct body *body, struct err *err)
{
    const struct files_table *table = table_find(files, parcel->target);
    if (parcel->kind == RECORD_QUESTION) {
        return err_set(err, ERR_REJECT, "a file cannot answer questions");
    }
    if (table == NULL) {
        return err_set(err, ERR_REJECT, "no pipeline declares a table '%.*s' for this sink",
                       STR_ARG(str_slice(parcel->target, 0, BODY_NAME_SHOWN)));
    }
    if (parcel->entity.len == 0 || parcel->entity.len > RECORD_ENTITY_MAX) {
        return err_set(err, ERR_REJECT, "table %s: the key is empty or longer than %d bytes",
                       table->target->name, RECORD_ENTITY_MAX);
    }
    if (!body_read(parcel->body, arena, body, err) || !body_suits_kind(body, parcel->kind, err)) {
        return err_prefix(err, "table %s: ", table->target->name);
    }
    return body_check(table->target, parcel->entity, body, err);
}

static bool prepare(const struct files *files, struct span *span, struct err *err)
{
    struct files_table *table = span->table;
    span->prepared = true;
    return files_row_count(table->db, &span->rows, err) &&
           (is_log(files)
                ? files_log_prepare(files, table, &span->state, span->now_ms, span->arena, err)
                : files_image_prepare(table, &span->state, span->arena, err));
}

static bool note_line(const struct files *files, struct span *span, const struct parcel *parcel,
                      struct str row, struct arena *arena, struct err *err)
{
    struct buf out;
    struct files_line line = {.target = span->table->target,
                              .entity = parcel->entity,
                              .row = row,
                              .number = span->state.lines + 1};
    buf_init(&out, arena, row.len + 64);
    if (!files->format->line(files, &line, arena, &out, err)) {
        return false;
    }
    struct str text = buf_str(&out);
    if (text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of step memory");
    }
    span->state.lines++;
    return files_pending_add(span->table->db, text, err);
}

/* A parcel that is new: the row, the ledger's line, and what the file lacks now. */
static bool parcel_apply(const struct files *files, struct span *span, const struct parcel *parcel,
                         const struct body *body, struct arena *arena, struct err *err)
{
    struct sqlite *db = span->table->db;
    struct str before = {0};
    struct str row = {0};
    if (!files_row_get(db, parcel->entity, arena, &before, err) ||
        !files_row_make(span->table->target, parcel->entity, before, body, arena, &row, err)) {
        return false;
    }
    bool is_new = before.ptr == NULL;
    if (is_new && !is_log(files) && span->rows >= FILES_ROWS_MAX) {
        return err_set(
            err, ERR_REJECT,
            "table %s has %d rows, and a file that is replaced as a whole takes no more: "
            "use `mode: log` or the sink sqlite",
            span->table->target->name, FILES_ROWS_MAX);
    }
    span->rows += is_new;
    bool ok = files_ledger_take(db, parcel, span->now_ms, err) &&
              (str_equal(before, row) || files_row_put(db, parcel->entity, row, err)) &&
              (!is_log(files) || note_line(files, span, parcel, row, arena, err));
    if (!ok && err->kind == ERR_REJECT) { /* Something was changed already: all of it comes back. */
        err->kind = ERR_RETRY;
    }
    return ok;
}

static enum outcome span_step(const struct files *files, struct span *span,
                              const struct parcel *parcel, struct arena *scratch, struct err *err)
{
    struct body body;
    bool is_new = false;
    bool ok = parcel_check(files, parcel, scratch, &body, err);
    if (ok && !files_ledger_is_new(span->table->db, parcel, &is_new, err)) {
        return OUTCOME_FAILED;
    }
    if (ok && is_new && !span->prepared && !prepare(files, span, err)) {
        return OUTCOME_FAILED;
    }
    ok = ok && (!is_new || parcel_apply(files, span, parcel, &body, scratch, err));
    return ok ? OUTCOME_DONE : err->kind == ERR_REJECT ? OUTCOME_REFUSED : OUTCOME_FAILED;
}

static bool span_fill(const struct files *files, struct span *span, struct arena *scratch,
                      struct err *err)
{
    const struct connector *connector = &files->sink.connector;
    for (span->stop = 0; span->stop < span->count; span->stop++) {
        struct parcel *parcel = &span->parcels[span->stop];
        struct err reason = {0};
        if (table_find(files, parcel->target) != span->table || parcel->verdict == VERDICT_REJECT) {
            continue;
        }
        bool look = span->stop > 0 && span->stop % TIME_EVERY == 0;
        span->late = look && (clock_mono_ms(connector->env.clock) >= span->deadline_ms ||
                              connector_stopping(connector));
        if (span->late) {
            return true;
        }
        enum outcome outcome = span_step(files, span, parcel, scratch, &reason);
        arena_reset(scratch);
        if (outcome == OUTCOME_FAILED) {
            *err = reason;
            return false;
        }
        if (outcome == OUTCOME_REFUSED) {
            parcel->verdict = VERDICT_REJECT;
            parcel->why = arena_copy(span->arena, str_of(reason.text));
        }
    }
    return true;
}

/* Bring what is noted into the file. */
static bool settle(const struct files *files, struct span *span, struct err *err)
{
    struct files_table *table = span->table;
    if (!files_state_get(table->db, span->arena, &span->state, err)) {
        return false;
    }
    if (!span->state.known) {
        return true;
    }
    if (span->state.dirty) {
        return files_image_settle(files, table, &span->state, span->arena, err);
    }
    return span->state.mode != FILES_LOG || files_log_settle(table, &span->state, err);
}

static bool ledger_ready(const struct files *files, struct files_table *table, int64_t deadline_ms,
                         struct err *err)
{
    struct file_info info;
    int64_t left_ms = deadline_ms - clock_mono_ms(files->sink.connector.env.clock);
    if (left_ms <= 0) {
        return err_set(err, ERR_RETRY, "%.*s: no time left", STR_ARG(table->path));
    }
    if (!file_look(table->ledger, &info, err)) {
        return false;
    }
    if (table->db != NULL &&
        (info.kind == FILE_MISSING || info.inode != table->inode || info.device != table->device)) {
        files_ledger_close(table); /* Somebody took it away. */
    }
    return table->db != NULL || (file_make_dirs(files_name_folder(table->path), DIR_PRIVATE, err) &&
                                 files_ledger_open(table, left_ms, err));
}

/* The first transaction decides, the second one brings it into the file. */
static bool span_write(const struct files *files, struct span *span, struct arena *scratch,
                       struct err *err)
{
    struct sqlite *db = span->table->db;
    bool ok = sqlite_begin(db, err) && settle(files, span, err) &&
              span_fill(files, span, scratch, err) &&
              (!span->prepared || files_state_put(db, &span->state, err)) && sqlite_commit(db, err);
    if (ok && span->prepared) {
        ok = sqlite_begin(db, err) && settle(files, span, err) && sqlite_commit(db, err);
    }
    if (!ok) {
        sqlite_rollback(db);
        return false;
    }
    for (size_t i = 0; i < span->stop; i++) {
        struct parcel *parcel = &span->parcels[i];
        if (table_find(files, parcel->target) == span->table && parcel->verdict != VERDICT_REJECT) {
            parcel->verdict = VERDICT_DONE;
        }
    }
    return true;
}

/* What can be refused without a table. */
static void refuse_homeless(const struct files *files, struct parcel *parcels, size_t count,
                            struct arena *arena, struct arena *scratch)
{
    struct body body;
    for (size_t i = 0; i < count; i++) {
        struct err reason = {0};
        if (table_find(files, parcels[i].target) == NULL || parcels[i].kind == RECORD_QUESTION) {
            (void)parcel_check(files, &parcels[i], scratch, &body, &reason);
            parcels[i].verdict = VERDICT_REJECT;
            parcels[i].why = arena_copy(arena, str_of(reason.text));
        }
    }
}

static bool is_wanted(const struct files *files, const struct files_table *table,
                      const struct parcel *parcels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parcels[i].verdict != VERDICT_REJECT && table_find(files, parcels[i].target) == table) {
            return true;
        }
    }
    return false;
}

static bool write_tables(struct files *files, struct parcel *parcels, size_t count,
                         struct arena *arena, struct arena *scratch, int64_t deadline_ms,
                         struct err *err)
{
    for (size_t i = 0; i < files->table_count; i++) {
        struct files_table *table = &files->tables[i];
        struct span span = {
            .table = table,
            .parcels = parcels,
            .count = count,
            .arena = arena,
            .now_ms = clock_wall_ms(files->sink.connector.env.clock),
            .deadline_ms = deadline_ms,
        };
        if (!is_wanted(files, table, parcels, count)) {
            continue;
        }
        if (!ledger_ready(files, table, deadline_ms, err) ||
            !span_write(files, &span, scratch, err)) {
            return false;
        }
        if (span.late) {
            return connector_stopping(&files->sink.connector)
                       ? err_set(err, ERR_STOP, "asked to stop")
                       : err_set(err, ERR_RETRY,
                                 "%.*s is slow: a part is written, the rest follows",
                                 STR_ARG(table->path));
        }
    }
    return true;
}

bool files_write(struct sink *sink, struct parcel *parcels, size_t count, struct arena *arena,
                 int64_t deadline_ms, struct err *err)
{
    struct files *files = (struct files *)(void *)sink;
    struct arena scratch;
    must(count <= SINK_BATCH_MAX);
    arena_init(&scratch, 8 * (size_t)FILES_ROW_MAX);
    refuse_homeless(files, parcels, count, arena, &scratch);
    bool ok = write_tables(files, parcels, count, arena, &scratch, deadline_ms, err);
    arena_free(&scratch);
    return ok || explain(files, err);
}

/* ---- Looking ---- */

bool files_check(struct sink *sink, const struct parcel *parcel, struct arena *arena,
                 struct err *err)
{
    struct body body;
    return parcel_check((const struct files *)(const void *)sink, parcel, arena, &body, err);
}

static int64_t left_of(const struct files *files, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - clock_mono_ms(files->sink.connector.env.clock);
    return left_ms > 0 ? left_ms : 1;
}

bool files_read_back(struct sink *sink, struct held *rows, size_t count, struct arena *arena,
                     int64_t deadline_ms, struct err *err)
{
    struct files *files = (struct files *)(void *)sink;
    for (size_t i = 0; i < count; i++) {
        rows[i].body = (struct str){0};
        if (table_find(files, rows[i].target) == NULL) {
            (void)err_set(err, ERR_CONFIG, "no pipeline declares a table '%.*s' for this sink",
                          STR_ARG(str_slice(rows[i].target, 0, BODY_NAME_SHOWN)));
            return explain(files, err);
        }
    }
    for (size_t i = 0; i < files->table_count; i++) {
        struct sqlite *db = NULL;
        bool ok = files_ledger_look(&files->tables[i], left_of(files, deadline_ms), &db, err);
        for (size_t j = 0; j < count && ok && db != NULL; j++) {
            if (table_find(files, rows[j].target) == &files->tables[i]) {
                ok = files_row_get(db, rows[j].entity, arena, &rows[j].body, err);
            }
        }
        sqlite_close(db);
        if (!ok) {
            return explain(files, err);
        }
    }
    return true;
}

/* The ledger, and its file as it is while nobody can write into both. */
bool files_files(struct sink *sink, struct arena *arena, const struct sink_file **files,
                 size_t *count, struct err *err)
{
    const struct files *self = (const struct files *)(const void *)sink;
    struct sink_file *list = arena_array(arena, self->table_count + 1, sizeof *list);
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < self->table_count; i++) {
        list[i] = (struct sink_file){.database = arena_copy(arena, self->tables[i].ledger),
                                     .image = arena_copy(arena, self->tables[i].path)};
        ok = list[i].database.ptr != NULL && list[i].image.ptr != NULL;
    }
    *files = list;
    *count = ok ? self->table_count : 0;
    return ok || err_set(err, ERR_RETRY, "out of memory");
}

enum { DUMP_WAIT_MS = 10 * 1000 };

bool files_dump(struct sink *sink, struct str target, struct arena *arena, sink_row *each,
                void *context, struct err *err)
{
    struct files *files = (struct files *)(void *)sink;
    const struct files_table *table = table_find(files, target);
    struct sqlite *db = NULL;
    (void)arena; /* The ledger's handle has memory of its own. */
    if (table == NULL) {
        return err_set(err, ERR_CONFIG, "no pipeline declares a table '%.*s' for this sink",
                       STR_ARG(str_slice(target, 0, BODY_NAME_SHOWN)));
    }
    bool ok = files_ledger_look(table, DUMP_WAIT_MS, &db, err) &&
              (db == NULL || files_row_each(db, each, context, err));
    sqlite_close(db);
    return ok || explain(files, err);
}

bool files_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                 struct err *err)
{
    struct files *files = (struct files *)(void *)connector;
    size_t there = 0;
    for (size_t i = 0; i < files->table_count; i++) {
        struct sqlite *db = NULL;
        struct file_info info;
        if (!files_ledger_look(&files->tables[i], left_of(files, deadline_ms), &db, err) ||
            !file_look(files->tables[i].path, &info, err)) {
            return explain(files, err);
        }
        there += info.kind == FILE_REGULAR;
        sqlite_close(db);
    }
    *found = arena_printf(connector->env.arena, "%zu files are there, %zu to be made", there,
                          files->table_count - there);
    return found->ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}
