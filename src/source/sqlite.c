#include "source/sqlite.h"

#include <inttypes.h>

#include "crypto/encode.h"
#include "db/sqlite.h"
#include "source/bridge_file.h"
#include "source/select.h"
#include "source/select_sql.h"
#include "text/utf8.h"

enum { CELL_ROOM = 64, SETTLE_MS = 1000 };

struct sqlite_source {
    struct select select; /* First. */

    /* Options. */
    struct str path;
    struct select_sql sql;

    /* From open to close. */
    struct bridge_glance seen; /* When the last look began. */

    /* For one question. */
    struct sqlite *db;
    struct query *query;
    bool stepping;
    struct arena texts; /* The statement, and the names of its columns. */
    struct str names[SELECT_COLUMNS_MAX];
    struct select_cell cells[SELECT_COLUMNS_MAX];
    size_t count;
    size_t rising;
    size_t tie;
};

static struct sqlite_source *self_of(struct select *select)
{
    return (struct sqlite_source *)(void *)select; /* Its first member. */
}

static struct sqlite_source *source_of(struct connector *connector)
{
    return (struct sqlite_source *)(void *)connector;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for a row");
}

static bool options_read(struct sqlite_source *self, const char **option, struct err *err)
{
    self->sql.dialect = SELECT_SQLITE;
    self->sql.select = &self->select;
    return select_sql_check(&self->sql, option, err) && select_check(&self->select, option, err);
}

static void check(const struct connector *connector, struct report *report)
{
    struct sqlite_source self = *(const struct sqlite_source *)(const void *)connector;
    const char *option = NULL;
    struct err err = {0};
    if (!options_read(&self, &option, &err)) {
        report_err(report, option, &err);
    }
}

/* ---- Questions ---- */

static bool open_file(struct sqlite_source *self, int64_t deadline_ms, struct err *err)
{
    int64_t left_ms = deadline_ms - clock_mono_ms(self->select.source.connector.env.clock);
    struct file_info info = {0};
    struct sqlite_options options = {.readonly = true, .still = true};
    options.busy_ms = left_ms < 1 ? 1 : left_ms < SQLITE_BUSY_MS ? (int)left_ms : SQLITE_BUSY_MS;
    arena_init(&self->texts, 4 * (size_t)SELECT_QUERY_MAX);
    if (!file_look(self->path, &info, err)) {
        return false;
    }
    if (info.kind != FILE_REGULAR) {
        return err_set(err, ERR_CONFIG, "%.*s: %s; check the option `path`", STR_ARG(self->path),
                       info.kind == FILE_MISSING ? "there is no such file" : "it is no file");
    }
    return sqlite_open(&self->db, self->path, &options, err);
}

static void close_file(struct sqlite_source *self)
{
    if (self->stepping) {
        query_end(self->query);
        self->stepping = false;
    }
    sqlite_close(self->db);
    self->db = NULL;
    arena_free(&self->texts);
}

static bool prepare(struct sqlite_source *self, struct str sql, struct err *err)
{
    size_t count = self->sql.query.len > 0 ? self->sql.parameters.count : 0;
    if (sql.ptr == NULL) {
        return no_memory(err);
    }
    self->query = sqlite_query(self->db, sql.ptr, err);
    self->stepping = self->query != NULL;
    for (size_t i = 0; self->stepping && i < count; i++) {
        struct str text = self->sql.parameters.items[i].text;
        int64_t number = 0;
        if (str_to_int64(text, &number)) { /* A number is compared as one. */
            query_bind_int(self->query, (int)i + 1, number);
        } else {
            query_bind_text(self->query, (int)i + 1, text);
        }
    }
    return self->stepping;
}

static bool take_columns(struct sqlite_source *self, bool shape, struct err *err)
{
    int count = query_columns(self->query);
    const struct select *select = &self->select;
    if (count > SELECT_COLUMNS_MAX) {
        return err_set(err, ERR_CONFIG, "%.*s has more than %d columns: name those that are needed",
                       STR_ARG(select->what), SELECT_COLUMNS_MAX);
    }
    for (int i = 0; i < count; i++) {
        self->names[i] = arena_copy(&self->texts, str_of(query_column_name(self->query, i)));
        if (self->names[i].ptr == NULL) {
            return no_memory(err);
        }
        self->rising = str_equal(self->names[i], select->cursor_column) ? (size_t)i : self->rising;
        self->tie = str_equal(self->names[i], select_tie(select)) ? (size_t)i : self->tie;
    }
    self->count = (size_t)count;
    return !shape || select_check_columns(select, self->names, self->count, err);
}

static bool look_at_shape(struct sqlite_source *self, struct err *err)
{
    bool ok = prepare(self, select_sql_shape(&self->sql, &self->texts), err) &&
              take_columns(self, true, err);
    if (self->stepping) {
        query_end(self->query);
        self->stepping = false;
    }
    return ok;
}

static void bind_place(struct query *query, int index, const struct json_value *value)
{
    int64_t integer = 0;
    double number = 0;
    if (json_kind(value) == JSON_STRING) {
        query_bind_text(query, index, json_str(value));
    } else if (json_kind(value) == JSON_INT && json_int(value, &integer)) {
        query_bind_int(query, index, integer);
    } else if (json_double(value, &number)) {
        query_bind_double(query, index, number);
    }
}

static bool begin(struct select *select, const struct select_ask *ask, struct arena *arena,
                  struct err *err)
{
    struct sqlite_source *self = self_of(select);
    int index = (int)(self->sql.query.len > 0 ? self->sql.parameters.count : 0) + 1;
    (void)arena;
    bridge_glance_take(&self->seen, self->path, clock_wall_ms(select->source.connector.env.clock));
    if (!open_file(self, ask->deadline_ms, err) || !look_at_shape(self, err) ||
        !prepare(self, select_sql_ask(&self->sql, ask, &self->texts), err) ||
        !take_columns(self, false, err)) {
        return false;
    }
    if (ask->from != SELECT_ALL) {
        bind_place(self->query, index++, ask->rising);
    }
    if (ask->from == SELECT_BEHIND && !str_equal(select->cursor_column, select_tie(select))) {
        bind_place(self->query, index++, ask->tie);
    }
    if (ask->chat.len > 0) {
        query_bind_text(self->query, index, ask->chat);
    }
    return true;
}

static bool sound(struct select *select, struct err *err)
{
    const struct sqlite_source *self = self_of(select);
    return !sqlite_is_immutable(self->db) || sqlite_is_at_rest(self->db) ||
           err_set(err, ERR_RETRY, "%.*s: somebody began to write while it was read; once more",
                   STR_ARG(self->path));
}

static void end(struct select *select)
{
    close_file(self_of(select));
}

static bool without(struct select *select, int64_t deadline_ms, int64_t *count, struct err *err)
{
    struct sqlite_source *self = self_of(select);
    bool row = false;
    bool ok = open_file(self, deadline_ms, err) && look_at_shape(self, err) &&
              prepare(self, select_sql_without(&self->sql, &self->texts), err) &&
              query_step(self->query, &row, err);
    self->stepping = ok && row;
    *count = self->stepping ? query_int(self->query, 0) : 0;
    close_file(self);
    return ok;
}

/* ---- Rows ---- */

static struct select_cell cell_of(struct query *query, int column, struct arena *arena)
{
    struct buf buf;
    char number[JSON_NUMBER_MAX];
    double value = 0;
    switch (query_type(query, column)) {
    case QUERY_INT:
        return (struct select_cell){SELECT_JSON,
                                    arena_printf(arena, "%" PRId64, query_int(query, column))};
    case QUERY_DOUBLE:
        value = query_double(query, column);
        if (value - value != 0) { /* Infinite, which JSON has not. */
            return (struct select_cell){SELECT_TEXT,
                                        value > 0 ? STR("Infinity") : STR("-Infinity")};
        }
        return (struct select_cell){SELECT_JSON,
                                    arena_copy(arena, json_double_text(value, number))};
    case QUERY_BLOB:
        buf_init(&buf, arena, CELL_ROOM);
        encode_base64(&buf, query_blob(query, column));
        return (struct select_cell){SELECT_TEXT, buf_str(&buf)};
    case QUERY_TEXT:
        return (struct select_cell){SELECT_TEXT, query_text(query, column)};
    case QUERY_NULL:
        break;
    }
    return (struct select_cell){0};
}

/* As JSON; only numbers and texts have a place in an order that can be found again. */
static bool place_of(const struct sqlite_source *self, size_t column, struct arena *arena,
                     struct str *place, struct err *err)
{
    const struct select_cell *cell = &self->cells[column];
    struct buf buf;
    if (query_type(self->query, (int)column) == QUERY_BLOB || !utf8_valid(cell->text)) {
        return err_set(err, ERR_CONFIG,
                       "%.*s: a value in '%.*s' is neither a number nor a text, so the rows cannot "
                       "be read in its order",
                       STR_ARG(self->select.what), STR_ARG(self->names[column]));
    }
    *place = cell->text;
    if (cell->kind == SELECT_TEXT) {
        buf_init(&buf, arena, cell->text.len + 2);
        json_quote(&buf, cell->text);
        *place = buf_str(&buf);
    }
    return place->ptr != NULL || no_memory(err);
}

static bool next(struct select *select, struct arena *arena, struct select_row *row, bool *got,
                 struct err *err)
{
    struct sqlite_source *self = self_of(select);
    if (!query_step(self->query, got, err)) {
        self->stepping = false;
        return false;
    }
    self->stepping = *got;
    for (size_t i = 0; *got && i < self->count; i++) {
        self->cells[i] = cell_of(self->query, (int)i, arena);
        if (self->cells[i].kind != SELECT_NULL && self->cells[i].text.ptr == NULL) {
            return no_memory(err);
        }
    }
    *row = (struct select_row){.count = self->count, .names = self->names, .cells = self->cells};
    return !*got || select->reference ||
           (place_of(self, self->rising, arena, &row->rising, err) &&
            place_of(self, self->tie, arena, &row->tie, err));
}

static const struct select_reader reader = {
    .begin = begin, .next = next, .sound = sound, .end = end, .without = without};

/* ---- The kind ---- */

static bool open_source(struct connector *connector, struct err *err)
{
    struct sqlite_source *self = source_of(connector);
    struct arena *arena = connector->env.arena;
    const char *option = NULL;
    self->seen = (struct bridge_glance){0};
    self->db = NULL;
    self->stepping = false;
    if (!options_read(self, &option, err)) {
        return source_wrong(connector, option, err);
    }
    bool ok = select_sql_prepare(&self->sql, arena, err) &&
              select_open(&self->select, &reader, select_sql_what(&self->sql, arena), err);
    return ok || err_prefix(err, "source %.*s: ", STR_ARG(connector->name));
}

static void close_source(struct connector *connector)
{
    (void)connector; /* Nothing stays open between two looks. */
}

/* A table to look things up in counts once the file was left alone for a second. */
static bool changed(struct source *source)
{
    struct sqlite_source *self = source_of(&source->connector);
    struct bridge_glance now;
    bridge_glance_take(&now, self->path, 0);
    if (!self->select.reference || !bridge_glance_differs(&self->seen, &now)) {
        return bridge_glance_differs(&self->seen, &now);
    }
    int64_t newest_ns = now.db.mtime_ns > now.wal.mtime_ns ? now.db.mtime_ns : now.wal.mtime_ns;
    int64_t age_ms = clock_wall_ms(source->connector.env.clock) - newest_ns / 1000000;
    bool settled = age_ms >= SETTLE_MS || age_ms < -SETTLE_MS;
    self->select.read = self->select.read && !settled;
    return settled;
}

static bool probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                  struct err *err)
{
    struct sqlite_source *self = source_of(connector);
    bool ok = open_file(self, deadline_ms, err) && look_at_shape(self, err);
    close_file(self);
    if (!ok) {
        return err_prefix(err, "source %.*s: ", STR_ARG(connector->name));
    }
    *found = arena_printf(connector->env.arena, "%.*s: %.*s, %zu columns", STR_ARG(self->path),
                          STR_ARG(self->select.what), self->count);
    return found->ptr != NULL || no_memory(err);
}

static const struct option options[] = {
    OPTION_PATH(struct sqlite_source, path, "path", OPTION_REQUIRED,
                "The SQLite file. It is only read."),
    SELECT_SQL_OPTIONS(struct sqlite_source, sql),
    SELECT_OPTIONS(struct sqlite_source, select),
    OPTION_END,
};

const struct source_type source_sqlite = {
    .connector =
        {
            .kind = "sqlite",
            .summary = "Rows of a SQLite table that grows, or a table to look things up in.",
            .options = options,
            .size = sizeof(struct sqlite_source),
            .check = check,
            .open = open_source,
            .probe = probe,
            .close = close_source,
        },
    .fetch = select_fetch,
    .changed = changed,
    .is_reference = select_is_reference,
};
