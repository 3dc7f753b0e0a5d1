/* Rows of a table as JSON, for those who compare what is there with what shall be. */
#include <string.h>

#include "db/sql.h"
#include "sink/postgres_inside.h"
#include "text/json.h"

enum {
    ROW_ROOM = 1024,
    ROWS_AT_ONCE = 1000, /* Asked for by one statement. */
    LOOK_MS = 30 * 1000,
    DUMP_MS = 24 * 60 * 60 * 1000,
    ROLLBACK_MS = 2 * 1000,
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "a row is larger than the memory");
}

/* ---- One value ---- */

/*
 * "2025-12-09 18:51:42.99+00" as bodies have it: 2025-12-09T18:51:42.990Z. Finer fractions stay;
 * "infinity" and years before Christ are given as they are.
 */
static void put_time(struct json_writer *json, struct str text)
{
    enum { SECONDS = 19, MILLISECONDS = 3, ROOM = 40 };
    char out[ROOM];
    size_t len = 0;
    if (str_ends(text, STR("+00"))) {
        text = str_slice(text, 0, text.len - 3);
    }
    bool fraction = text.len > SECONDS + 1 && text.ptr[SECONDS] == '.';
    if (text.len < SECONDS || text.len > ROOM - 8 || text.ptr[10] != ' ' ||
        (text.len > SECONDS && !fraction)) {
        json_put_str(json, text);
        return;
    }
    memcpy(out, text.ptr, text.len);
    out[10] = 'T';
    len = text.len;
    if (!fraction) {
        out[len++] = '.';
    }
    while (len < SECONDS + 1 + MILLISECONDS) {
        out[len++] = '0';
    }
    out[len++] = 'Z';
    json_put_str(json, (struct str){out, len});
}

static bool put_json(struct json_writer *json, struct str text, struct arena *arena)
{
    struct err ignored = {0};
    const struct json_value *value = NULL;
    bool ok = json_parse(arena, text, NULL, &value, &ignored);
    if (ok) {
        json_put_value(json, value);
    }
    return ok;
}

static bool put_number(struct json_writer *json, enum column_type type, struct str text,
                       struct arena *arena)
{
    struct err ignored = {0};
    const struct json_value *value = NULL;
    double real = 0;
    int64_t integer = 0;
    if (type == COLUMN_INT && str_to_int64(text, &integer)) {
        json_put_int(json, integer);
        return true;
    }
    bool ok = type == COLUMN_DOUBLE && json_parse(arena, text, NULL, &value, &ignored) &&
              json_double(value, &real);
    if (ok) {
        json_put_double(json, real);
    }
    return ok;
}

/* By the declared type; what a column holds against it is given as its text. */
static void put_value(struct json_writer *json, const struct postgres_column *column,
                      struct str text, struct arena *arena)
{
    bool is_true = str_equal(text, STR("t")) || str_equal(text, STR("1"));
    bool is_false = str_equal(text, STR("f")) || str_equal(text, STR("0"));
    if (text.ptr == NULL) {
        json_put_null(json);
        return;
    }
    switch (column->declared->type) {
    case COLUMN_BOOL:
        if (is_true || is_false) {
            json_put_bool(json, is_true);
            return;
        }
        break;
    case COLUMN_INT:
    case COLUMN_DOUBLE:
        if (put_number(json, column->declared->type, text, arena)) {
            return;
        }
        break;
    case COLUMN_JSON:
        if (put_json(json, text, arena)) {
            return;
        }
        break;
    case COLUMN_TIME:
        if (column->holds == HOLDS_TIME || column->holds == HOLDS_LOCAL_TIME) {
            put_time(json, text);
            return;
        }
        break;
    case COLUMN_TEXT:
        if (column->holds == HOLDS_JSON && put_json(json, text, arena)) {
            return;
        }
        break;
    case COLUMN_DATE:
        break;
    }
    json_put_str(json, text);
}

/* ---- Rows ---- */

/* The declared columns, from the result's column `first` on. */
static struct str row_of(const struct postgres_table *table, const struct postgres *db, int first,
                         struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, ROW_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    for (size_t i = 0; i < table->count; i++) {
        json_key(&json, str_of(table->columns[i].declared->name));
        put_value(&json, &table->columns[i], postgres_text(db, first + (int)i), arena);
    }
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static void add_columns(struct buf *sql, const struct postgres_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        buf_add(sql, STR(",t."));
        sql_add_name(sql, table->columns[i].name);
    }
}

/* Connected, and the table as it is; a target that is not there has no rows. */
static bool look(struct postgres_sink *self, struct str name, int64_t deadline_ms,
                 struct arena *arena, struct postgres_table *table, struct err *err)
{
    size_t index = 0;
    const struct target *target = postgres_sink_target(self, name, &index);
    if (target == NULL) {
        return err_set(err, ERR_CONFIG, "no pipeline declares a table '%.*s' for this sink",
                       STR_ARG(str_slice(name, 0, BODY_NAME_SHOWN)));
    }
    *table = (struct postgres_table){.target = target};
    return postgres_sink_statement(self, str_of(target->name)) != NULL || /* It has no rows. */
           postgres_table_look(self->db, target, self->schema, deadline_ms, arena, table, err);
}

/* ---- Reading back ---- */

/* Rows from `from` on that are of one target, ROWS_AT_ONCE at most. */
static size_t stretch(const struct held *rows, size_t from, size_t count)
{
    size_t to = from + 1;
    while (to < count && to - from < ROWS_AT_ONCE &&
           str_equal(rows[to].target, rows[from].target)) {
        to++;
    }
    return to;
}

static bool take_rows(struct postgres_sink *self, const struct postgres_table *table,
                      struct held *rows, size_t count, struct arena *arena, struct err *err)
{
    bool row = true;
    while (postgres_next(self->db, &row, err)) {
        int64_t place = 0;
        if (!row) {
            return true;
        }
        if (!str_to_int64(postgres_text(self->db, 0), &place) || place < 1 ||
            place > (int64_t)count) {
            continue;
        }
        if (rows[place - 1].body.ptr == NULL) {
            rows[place - 1].body = row_of(table, self->db, 1, arena);
            if (rows[place - 1].body.ptr == NULL) {
                postgres_end(self->db);
                return no_memory(err);
            }
        }
    }
    return false;
}

static bool read_rows(struct postgres_sink *self, const struct postgres_table *table,
                      struct held *rows, size_t count, struct arena *arena, int64_t deadline_ms,
                      struct err *err)
{
    struct buf keys;
    struct buf sql;
    buf_init(&keys, arena, 64 * count);
    buf_init(&sql, arena, ROW_ROOM);
    buf_add_byte(&keys, '{');
    for (size_t i = 0; i < count; i++) {
        postgres_array_item(&keys, i == 0, rows[i].entity);
    }
    buf_add_byte(&keys, '}');
    buf_add(&sql, STR("SELECT g.ord"));
    add_columns(&sql, table);
    buf_printf(&sql, " FROM unnest($1::%.*s[]) WITH ORDINALITY AS g(k,ord) JOIN %.*s AS t ON t.",
               STR_ARG(table->key.type), STR_ARG(table->name));
    sql_add_name(&sql, table->key.name);
    buf_add(&sql, STR("=g.k"));
    struct str value = buf_str(&keys);
    struct str text = buf_str(&sql);
    if (value.ptr == NULL || text.ptr == NULL) {
        return no_memory(err);
    }
    return postgres_query(self->db, text.ptr, &value, 1, deadline_ms, err) &&
           take_rows(self, table, rows, count, arena, err);
}

/* A key that the column's type cannot hold has no row; the others are asked for one by one. */
static bool read_singly(struct postgres_sink *self, const struct postgres_table *table,
                        struct held *rows, size_t count, struct arena *arena, int64_t deadline_ms,
                        struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct err why = {0};
        postgres_rollback(self->db, deadline_ms);
        if (!postgres_sink_begin(self, true, deadline_ms, err)) {
            return false;
        }
        if (!read_rows(self, table, &rows[i], 1, arena, deadline_ms, &why) &&
            why.kind != ERR_REJECT) {
            *err = why;
            return false;
        }
    }
    return true;
}

static bool read_stretch(struct postgres_sink *self, struct held *rows, size_t count,
                         struct arena *arena, int64_t deadline_ms, struct err *err)
{
    struct postgres_table table = {0};
    struct err why = {0};
    if (!look(self, rows[0].target, deadline_ms, arena, &table, err)) {
        return false;
    }
    if (!table.exists || read_rows(self, &table, rows, count, arena, deadline_ms, &why)) {
        return true;
    }
    if (why.kind == ERR_REJECT) {
        return read_singly(self, &table, rows, count, arena, deadline_ms, err);
    }
    *err = why;
    return false;
}

bool postgres_sink_read_back(struct sink *sink, struct held *rows, size_t count,
                             struct arena *arena, int64_t deadline_ms, struct err *err)
{
    struct postgres_sink *self = postgres_self(&sink->connector);
    for (size_t i = 0; i < count; i++) {
        rows[i].body = (struct str){0};
    }
    bool ok = postgres_connect(self->db, deadline_ms, err) &&
              postgres_sink_begin(self, true, deadline_ms, err);
    for (size_t from = 0; ok && from < count;) {
        size_t to = stretch(rows, from, count);
        ok = read_stretch(self, &rows[from], to - from, arena, deadline_ms, err);
        from = to;
    }
    postgres_rollback(self->db, clock_mono_ms(sink->connector.env.clock) + ROLLBACK_MS);
    return ok || postgres_sink_explain(self, err);
}

/* ---- Dump ---- */

static bool dump_rows(struct postgres_sink *self, const struct postgres_table *table,
                      struct arena *arena, int64_t deadline_ms, sink_row *each, void *context,
                      struct err *err)
{
    struct buf sql;
    bool row = true;
    buf_init(&sql, arena, ROW_ROOM);
    buf_add(&sql, STR("SELECT t."));
    sql_add_name(&sql, table->key.name);
    add_columns(&sql, table);
    buf_printf(&sql, " FROM %.*s AS t ORDER BY %.*s", STR_ARG(table->name), STR_ARG(table->order));
    if (!buf_ok(&sql)) {
        return no_memory(err);
    }
    bool ok = postgres_query(self->db, buf_str(&sql).ptr, NULL, 0, deadline_ms, err);
    while (ok && row) {
        struct arena_mark mark = arena_mark(arena);
        ok = postgres_next(self->db, &row, err);
        if (ok && row) {
            struct str body = row_of(table, self->db, 1, arena);
            struct str key = postgres_text(self->db, 0);
            ok = body.ptr != NULL ? each(context, key.ptr != NULL ? key : STR(""), body, err)
                                  : no_memory(err);
        }
        arena_rewind(arena, mark);
    }
    postgres_end(self->db);
    return ok;
}

bool postgres_sink_dump(struct sink *sink, struct str target, struct arena *arena, sink_row *each,
                        void *context, struct err *err)
{
    struct postgres_sink *self = postgres_self(&sink->connector);
    struct postgres_table table = {0};
    int64_t now_ms = clock_mono_ms(sink->connector.env.clock);
    bool ok = postgres_connect(self->db, now_ms + LOOK_MS, err) &&
              postgres_sink_begin(self, true, now_ms + DUMP_MS, err) &&
              look(self, target, now_ms + LOOK_MS, arena, &table, err);
    ok = ok &&
         (!table.exists || dump_rows(self, &table, arena, now_ms + DUMP_MS, each, context, err));
    postgres_rollback(self->db, clock_mono_ms(sink->connector.env.clock) + ROLLBACK_MS);
    return ok || postgres_sink_explain(self, err);
}
