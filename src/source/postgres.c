#include "source/postgres.h"

#include <string.h>

#include "db/postgres.h"
#include "source/select.h"
#include "source/select_sql.h"

enum { GOODBYE_MS = 2000, PLACES = 3, NUMBER_MAX = 40 };

/* pg_type.h: they never change. */
enum {
    TYPE_BOOL = 16,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_OID = 26,
    TYPE_JSON = 114,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_TIMESTAMP = 1114,
    TYPE_TIMESTAMPTZ = 1184,
    TYPE_NUMERIC = 1700,
    TYPE_JSONB = 3802,
};

struct postgres_source {
    struct select select; /* First. */

    /* Options. */
    struct secret uri;
    struct secret password;
    struct str authorities;
    bool allow_insecure;
    struct select_sql sql;

    /* From open to close. */
    struct postgres *db;
    bool shaped; /* The columns were looked at: so many. */
    int width;
    struct str names[SELECT_COLUMNS_MAX];
    struct select_cell cells[SELECT_COLUMNS_MAX];
    uint32_t types[SELECT_COLUMNS_MAX];
    size_t count; /* Of the question at hand; 0 until its first row. */
    size_t rising;
    size_t tie;
};

static struct postgres_source *self_of(struct select *select)
{
    return (struct postgres_source *)(void *)select; /* Its first member. */
}

static struct postgres_source *source_of(struct connector *connector)
{
    return (struct postgres_source *)(void *)connector;
}

static int64_t now_ms(const struct postgres_source *self)
{
    return clock_mono_ms(self->select.source.connector.env.clock);
}

/* ---- Options ---- */

static bool options_read(struct postgres_source *self, const char **option, struct err *err)
{
    self->sql.dialect = SELECT_POSTGRES;
    self->sql.select = &self->select;
    return select_sql_check(&self->sql, option, err) && select_check(&self->select, option, err);
}

static void check(const struct connector *connector, struct report *report)
{
    struct postgres_source self = *(const struct postgres_source *)(const void *)connector;
    const char *option = NULL;
    struct err err = {0};
    if (!options_read(&self, &option, &err)) {
        report_err(report, option, &err);
    }
}

static void rest(struct connector *connector)
{
    postgres_disconnect(source_of(connector)->db);
}

static void close_source(struct connector *connector)
{
    struct postgres_source *self = source_of(connector);
    postgres_close(self->db);
    self->db = NULL;
}

/* ---- Questions ---- */

/* A transaction that may only read, with texts that do not depend on the server's settings. */
static bool begin_reading(struct postgres_source *self, int64_t deadline_ms, struct err *err)
{
    static const char settings[] =
        "SELECT set_config('transaction_read_only','on',true),set_config('TimeZone','UTC',true),"
        "set_config('DateStyle','ISO, MDY',true),set_config('IntervalStyle','iso_8601',true),"
        "set_config('bytea_output','hex',true)";
    return postgres_begin(self->db, deadline_ms, err) &&
           postgres_exec(self->db, settings, NULL, 0, deadline_ms, NULL, err);
}

static void end_reading(struct postgres_source *self)
{
    struct err ignored = {0};
    bool row = false;
    if (postgres_next(self->db, &row, &ignored) && row) {
        postgres_end(self->db); /* There is more: it is cancelled. */
    }
    postgres_rollback(self->db, now_ms(self) + GOODBYE_MS);
}

static bool too_many_columns(const struct postgres_source *self, struct err *err)
{
    return err_set(err, ERR_CONFIG, "%.*s has more than %d columns: name those that are needed",
                   STR_ARG(self->select.what), SELECT_COLUMNS_MAX);
}

/* Names are kept from one question to the next: mostly they are the same. */
static bool take_columns(struct postgres_source *self, struct err *err)
{
    int count = postgres_columns(self->db);
    if (count > SELECT_COLUMNS_MAX) {
        return too_many_columns(self, err);
    }
    for (int i = 0; i < count; i++) {
        struct str name = postgres_column_name(self->db, i);
        if (!str_equal(self->names[i], name)) {
            self->names[i] = arena_copy(self->select.source.connector.env.arena, name);
        }
        if (self->names[i].ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of memory for the names of columns");
        }
        self->types[i] = postgres_column_type(self->db, i);
        self->rising = str_equal(name, self->select.cursor_column) ? (size_t)i : self->rising;
        self->tie = str_equal(name, select_tie(&self->select)) ? (size_t)i : self->tie;
    }
    self->count = (size_t)count;
    return true;
}

static size_t put_parameters(const struct postgres_source *self, struct str *values)
{
    size_t count = self->sql.query.len > 0 ? self->sql.parameters.count : 0;
    for (size_t i = 0; i < count; i++) {
        values[i] = self->sql.parameters.items[i].text;
    }
    return count;
}

/* Are the columns there that the options name? */
static bool look_at_shape(struct postgres_source *self, int64_t deadline_ms, struct arena *arena,
                          struct err *err)
{
    struct str values[SELECT_PARAMETERS_MAX];
    struct str names[SELECT_COLUMNS_MAX];
    struct str sql = select_sql_shape(&self->sql, arena);
    size_t count = put_parameters(self, values);
    bool row = false;
    if (sql.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a statement");
    }
    if (!postgres_query(self->db, sql.ptr, values, count, deadline_ms, err) ||
        !postgres_next(self->db, &row, err)) {
        return false;
    }
    int columns = postgres_columns(self->db);
    for (int i = 0; i < columns && i < SELECT_COLUMNS_MAX; i++) {
        names[i] = postgres_column_name(self->db, i);
    }
    bool ok = columns <= SELECT_COLUMNS_MAX
                  ? select_check_columns(&self->select, names, (size_t)columns, err)
                  : too_many_columns(self, err);
    while (ok && row) {
        ok = postgres_next(self->db, &row, err);
    }
    self->shaped = ok;
    self->width = columns;
    return ok;
}

static bool begin(struct select *select, const struct select_ask *ask, struct arena *arena,
                  struct err *err)
{
    struct postgres_source *self = self_of(select);
    struct str values[SELECT_PARAMETERS_MAX + PLACES];
    struct str sql = select_sql_ask(&self->sql, ask, arena);
    size_t count = put_parameters(self, values);
    if (sql.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a statement");
    }
    if (!begin_reading(self, ask->deadline_ms, err) ||
        (!self->shaped && !look_at_shape(self, ask->deadline_ms, arena, err))) {
        return false;
    }
    if (ask->from != SELECT_ALL) {
        values[count++] = json_str(ask->rising);
    }
    if (ask->from == SELECT_BEHIND && !str_equal(select->cursor_column, select_tie(select))) {
        values[count++] = json_str(ask->tie);
    }
    if (ask->chat.len > 0) {
        values[count++] = ask->chat;
    }
    self->count = 0;
    self->shaped = postgres_query(self->db, sql.ptr, values, count, ask->deadline_ms, err);
    return self->shaped;
}

static void end(struct select *select)
{
    end_reading(self_of(select));
}

/* ---- Rows ---- */

static struct str json_text(struct str text, struct arena *arena)
{
    const struct json_value *value = NULL;
    struct err ignored = {0};
    struct buf buf;
    struct json_writer json;
    if (!json_parse(arena, text, NULL, &value, &ignored)) {
        return (struct str){0};
    }
    buf_init(&buf, arena, text.len + 1);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    json_writer_done(&json);
    return buf_str(&buf);
}

/* "2025-12-09 18:51:42.998+00" as ISO 8601 has it. */
static struct str time_text(struct str text, struct arena *arena)
{
    size_t space = str_find_byte(text, ' ', 0);
    bool utc = str_ends(text, STR("+00"));
    if (space == STR_NONE || str_find_byte(text, ' ', space + 1) != STR_NONE) {
        return text; /* "infinity", or before our era. */
    }
    struct str hours = str_slice(text, space + 1, text.len - (utc ? 3 : 0));
    return arena_printf(arena, "%.*sT%.*s%s", STR_ARG(str_slice(text, 0, space)), STR_ARG(hours),
                        utc ? "Z" : "");
}

static struct select_cell cell_of(uint32_t type, struct str text, struct arena *arena)
{
    struct str json = {0};
    if (text.ptr == NULL) {
        return (struct select_cell){0};
    }
    switch (type) {
    case TYPE_BOOL:
        return (struct select_cell){SELECT_JSON,
                                    str_equal(text, STR("t")) ? STR("true") : STR("false")};
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
    case TYPE_OID:
        return (struct select_cell){SELECT_JSON, text};
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
    case TYPE_NUMERIC: /* NaN and Infinity are none of JSON's. */
        return (struct select_cell){str_find_byte(text, 'N', 0) == STR_NONE &&
                                            str_find_byte(text, 'I', 0) == STR_NONE
                                        ? SELECT_JSON
                                        : SELECT_TEXT,
                                    text};
    case TYPE_JSON:
    case TYPE_JSONB:
        json = json_text(text, arena);
        return json.ptr != NULL ? (struct select_cell){SELECT_JSON, json}
                                : (struct select_cell){SELECT_TEXT, text};
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return (struct select_cell){SELECT_TEXT, time_text(text, arena)};
    default:
        return (struct select_cell){SELECT_TEXT, text};
    }
}

static struct str quoted(struct str text, struct arena *arena)
{
    struct buf buf;
    buf_init(&buf, arena, NUMBER_MAX);
    json_quote(&buf, text);
    return buf_str(&buf);
}

static bool next(struct select *select, struct arena *arena, struct select_row *row, bool *got,
                 struct err *err)
{
    struct postgres_source *self = self_of(select);
    if (!postgres_next(self->db, got, err)) {
        return false;
    }
    if (!*got) {
        return true;
    }
    if (self->count == 0 && !take_columns(self, err)) {
        return false;
    }
    for (size_t i = 0; i < self->count; i++) {
        self->cells[i] = cell_of(self->types[i], postgres_text(self->db, (int)i), arena);
        if (self->cells[i].kind != SELECT_NULL && self->cells[i].text.ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of memory for a row");
        }
    }
    *row = (struct select_row){.count = self->count, .names = self->names, .cells = self->cells};
    if (!select->reference) {
        row->rising = quoted(postgres_text(self->db, (int)self->rising), arena);
        row->tie = quoted(postgres_text(self->db, (int)self->tie), arena);
    }
    return select->reference || (row->rising.ptr != NULL && row->tie.ptr != NULL) ||
           err_set(err, ERR_RETRY, "out of memory for a row");
}

static bool without(struct select *select, int64_t deadline_ms, int64_t *count, struct err *err)
{
    struct postgres_source *self = self_of(select);
    struct str values[SELECT_PARAMETERS_MAX];
    struct arena arena;
    struct str number = {0};
    arena_init(&arena, 2 * SELECT_QUERY_MAX + 64 * 1024);
    struct str sql = select_sql_without(&self->sql, &arena);
    bool ok = sql.ptr != NULL || err_set(err, ERR_RETRY, "out of memory for a statement");
    ok = ok && begin_reading(self, deadline_ms, err) &&
         (self->shaped || look_at_shape(self, deadline_ms, &arena, err)) &&
         postgres_one(self->db, sql.ptr, values, put_parameters(self, values), deadline_ms, &arena,
                      &number, err);
    *count = 0;
    (void)str_to_int64(number, count);
    end_reading(self);
    arena_free(&arena);
    return ok;
}

static const struct select_reader reader = {
    .begin = begin, .next = next, .end = end, .without = without};

/* ---- The kind ---- */

static bool open_source(struct connector *connector, struct err *err)
{
    struct postgres_source *self = source_of(connector);
    struct connector_env *env = &connector->env;
    struct postgres_options options = {
        .uri = secret_reveal(&self->uri),
        .password = secret_reveal(&self->password),
        .root = self->authorities,
        .allow_insecure = self->allow_insecure,
        .clock = env->clock,
        .stopping = env->stopping,
        .stopping_context = env->stopping_context,
    };
    const char *option = NULL;
    self->shaped = false;
    self->db = NULL;
    if (!options_read(self, &option, err)) {
        return source_wrong(connector, option, err);
    }
    bool ok = select_sql_prepare(&self->sql, env->arena, err) &&
              select_open(&self->select, &reader, select_sql_what(&self->sql, env->arena), err) &&
              postgres_open(&self->db, &options, err);
    return ok || err_prefix(err, "source %.*s: ", STR_ARG(connector->name));
}

static bool probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                  struct err *err)
{
    struct postgres_source *self = source_of(connector);
    struct arena *arena = connector->env.arena;
    bool ok = begin_reading(self, deadline_ms, err) && look_at_shape(self, deadline_ms, arena, err);
    struct str tls = postgres_tls(self->db, arena);
    struct str note = postgres_note(self->db);
    int version = postgres_version(self->db);
    end_reading(self);
    if (!ok) {
        return err_prefix(err, "source %.*s: ", STR_ARG(connector->name));
    }
    *found = arena_printf(arena, "%.*s, %d columns, in %.*s, PostgreSQL %d.%d, %.*s%s%.*s",
                          STR_ARG(self->select.what), self->width,
                          STR_ARG(postgres_where(self->db)), version / 10000, version % 10000,
                          STR_ARG(tls.ptr != NULL ? tls : STR("without TLS")),
                          note.len > 0 ? "; " : "", STR_ARG(note));
    return found->ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

static const struct option options[] = {
    OPTION_SECRET(struct postgres_source, uri, "uri", OPTION_REQUIRED,
                  "Where the database is: postgresql://user@host/database, as providers hand it "
                  "out."),
    OPTION_SECRET(struct postgres_source, password, "password", NULL,
                  "The password, when it is not in `uri`."),
    OPTION_PATH(struct postgres_source, authorities, "authorities", NULL,
                "File of certificate authorities to trust; by default the machine's."),
    OPTION_BOOL(struct postgres_source, allow_insecure, "allow_insecure", "false",
                "Also over the public network without TLS or without a password."),
    OPTION_TEXT(struct postgres_source, sql.schema, "schema", NULL,
                "The schema of the table; by default the user's search path, or what stands before "
                "a dot in `table`."),
    SELECT_SQL_OPTIONS(struct postgres_source, sql),
    SELECT_OPTIONS(struct postgres_source, select),
    OPTION_END,
};

const struct source_type source_postgres = {
    .connector =
        {
            .kind = "postgres",
            .summary = "Rows of a PostgreSQL table that grows, or a table to look things up in.",
            .options = options,
            .size = sizeof(struct postgres_source),
            .check = check,
            .open = open_source,
            .probe = probe,
            .rest = rest,
            .close = close_source,
        },
    .fetch = select_fetch,
    .is_reference = select_is_reference,
};
