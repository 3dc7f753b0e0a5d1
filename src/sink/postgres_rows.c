/* Rows of one shape: read, looked for, and written by the cheapest way that is open to them. */
#include <string.h>

#include "base/must.h"
#include "db/sql.h"
#include "sink/postgres_inside.h"

enum {
    TRIES_MAX = 4, /* When others make and remove the same rows. */
    SAMPLE = 64,   /* Keys of a batch that are looked up before it is taken for new. */
    COPY_PART = 256 * 1024,
    LOCKS_MAX = 64,  /* Keys locked one by one; more lock the table for other sluices. */
    COUNT_BYTES = 2, /* Of a line, in front of its values. */
    LENGTH_BYTES = 4,
    SHORT =
        16, /* Most values are no longer, and two words are quickly copied whatever they hold. */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "postgres: out of memory for a batch");
}

/* ---- Reading ---- */

bool postgres_rows_line(struct postgres_sink *self, const struct postgres_table *table,
                        struct postgres_entry *entry)
{
    const struct parcel *parcel = entry->parcel;
    size_t at = self->lines.len;
    for (size_t i = 0; i <= self->shape_count; i++) {
        /* Mostly it is the one that the last body had. */
        const struct postgres_shape *shape = i == 0 ? self->recent : &self->shapes[i - 1];
        if (shape != NULL && shape->table == table && shape->line != NULL &&
            postgres_line_read(shape->line, parcel->entity, parcel->body, &self->lines)) {
            entry->shape = shape;
            entry->line_at = at;
            entry->line_len = self->lines.len - at;
            self->recent = shape;
            return true;
        }
    }
    return false;
}

bool postgres_rows_values(struct postgres_sink *self, struct postgres_entry *entry, struct err *err)
{
    const struct postgres_shape *shape = entry->shape;
    const struct target *target = shape->table->target;
    entry->values = arena_array(&self->batch, shape->count + 1, sizeof *entry->values);
    if (entry->values == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < shape->count; i++) {
        const struct body_field *field = &self->body.fields[i];
        const struct postgres_column *column = shape->fields[i].column;
        if (!body_suits(target, column->declared, field, entry->parcel->entity, err)) {
            return false;
        }
        if (!shape->fields[i].is_key &&
            !postgres_table_value(shape->table, column, field, &self->batch, &entry->values[i],
                                  err)) {
            return false;
        }
    }
    return true;
}

/* ---- Arrays ---- */

static bool are_lines(const struct postgres_rows *rows)
{
    return rows->entries[0]->line_len > 0;
}

static uint32_t length_at(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           (uint32_t)bytes[3];
}

/* The bytes of a line's value at `at`, its length among them. */
static size_t item_size(const char *at)
{
    uint32_t length = length_at(at);
    return LENGTH_BYTES + (length == UINT32_MAX ? 0 : length);
}

static const char *line_of(const struct postgres_sink *self, const struct postgres_entry *entry)
{
    return self->lines.ptr + entry->line_at + COUNT_BYTES;
}

/* The lines' columns as binary arrays: a value of a line and an item of an array look the same. */
static bool turn_lines(struct postgres_sink *self, const struct postgres_rows *rows,
                       struct str *values, size_t *value_count, struct err *err)
{
    const struct postgres_line *line = rows->entries[0]->shape->line;
    struct buf arrays[BODY_FIELDS_MAX + 1];
    size_t sizes[BODY_FIELDS_MAX + 1] = {0};
    uint32_t types[BODY_FIELDS_MAX + 1];
    must(line->columns <= BODY_FIELDS_MAX + 1);
    for (size_t i = 0; i < rows->count; i++) {
        const char *at = line_of(self, rows->entries[i]);
        for (size_t column = 0; column < line->columns; column++) {
            size_t size = item_size(at);
            sizes[column] += size;
            at += size;
        }
    }
    postgres_line_types(line, types);
    for (size_t column = 0; column < line->columns; column++) {
        buf_init(&arrays[column], &self->batch, sizes[column] + 64);
        postgres_binary_array(&arrays[column], types[column], rows->count);
        if (!buf_reserve(&arrays[column], sizes[column] + SHORT)) {
            return no_memory(err);
        }
    }
    for (size_t i = 0; i < rows->count; i++) {
        const char *at = line_of(self, rows->entries[i]);
        for (size_t column = 0; column < line->columns; column++) {
            size_t size = item_size(at);
            char *to = arrays[column].ptr + arrays[column].len;
            if (size <= SHORT) {
                memcpy(to, at, SHORT);
            } else {
                memcpy(to, at, size);
            }
            arrays[column].len += size;
            at += size;
        }
    }
    for (*value_count = 0; *value_count < line->columns; ++*value_count) {
        values[*value_count] = buf_str(&arrays[*value_count]);
    }
    return true;
}

/* As texts: the keys, then each field that is not the key. */
static bool turn_values(struct postgres_sink *self, const struct postgres_rows *rows,
                        struct str *values, size_t *value_count, struct err *err)
{
    const struct postgres_shape *shape = rows->entries[0]->shape;
    *value_count = 0;
    for (size_t field = 0; field <= shape->count; field++) {
        struct buf array;
        if (field > 0 && shape->fields[field - 1].is_key) {
            continue;
        }
        size_t size = 2;
        for (size_t i = 0; i < rows->count; i++) {
            const struct postgres_entry *entry = rows->entries[i];
            size += (field == 0 ? entry->parcel->entity.len : entry->values[field - 1].len) + 4;
        }
        buf_init(&array, &self->batch, size + size / 8);
        buf_add_byte(&array, '{');
        for (size_t i = 0; i < rows->count; i++) {
            const struct postgres_entry *entry = rows->entries[i];
            postgres_array_item(&array, i == 0,
                                field == 0 ? entry->parcel->entity : entry->values[field - 1]);
        }
        buf_add_byte(&array, '}');
        values[*value_count] = buf_str(&array);
        if (values[*value_count].ptr == NULL) {
            return no_memory(err);
        }
        ++*value_count;
    }
    return true;
}

/* Statements that give nothing back. */
static bool run(struct postgres_sink *self, const struct postgres_rows *rows, const char *sql,
                const struct str *values, size_t value_count, int64_t *changed, struct err *err)
{
    return are_lines(rows)
               ? postgres_exec_binary(self->db, sql, values, value_count, rows->deadline_ms,
                                      changed, err)
               : postgres_exec(self->db, sql, values, value_count, rows->deadline_ms, changed, err);
}

/* ---- Whatever is there ---- */

/*
 * Where no unique index keeps two transactions from making the same row, a lock does that ends with
 * the transaction: on each key, or on the table when there are many. It binds those who take it,
 * other sluices; rows that are there are locked by being changed.
 */
static bool lock_keys(struct postgres_sink *self, const struct postgres_rows *rows, struct err *err)
{
    static const char many_sql[] =
        "SELECT pg_catalog.pg_advisory_xact_lock(hashtextextended($1::text COLLATE \"C\", 0))";
    static const char few_sql[] =
        "SELECT pg_catalog.pg_advisory_xact_lock_shared(hashtextextended($1::text COLLATE \"C\", "
        "0)), (SELECT count(pg_catalog.pg_advisory_xact_lock(h)::text) FROM (SELECT DISTINCT "
        "hashtextextended(($1::text||'/'||k) COLLATE \"C\", 1) AS h FROM unnest($2::text[]) AS k "
        "ORDER BY h) AS s)";
    struct str values[2] = {rows->entries[0]->shape->table->name};
    struct str ignored = {0};
    struct buf keys;
    bool many = rows->count > LOCKS_MAX;
    buf_init(&keys, &self->batch, many ? 1 : 4096);
    buf_add_byte(&keys, '{');
    for (size_t i = 0; i < rows->count && !many; i++) {
        postgres_array_item(&keys, i == 0, rows->entries[i]->parcel->entity);
    }
    buf_add_byte(&keys, '}');
    values[1] = buf_str(&keys);
    return values[1].ptr == NULL
               ? no_memory(err)
               : postgres_one(self->db, many ? many_sql : few_sql, values, many ? 1 : 2,
                              rows->deadline_ms, &self->batch, &ignored, err);
}

/* Those whose places come back were not written: they are moved to the front. */
static bool read_left(struct postgres_sink *self, struct postgres_rows *rows, struct err *err)
{
    size_t left = 0;
    bool row = true;
    while (postgres_next(self->db, &row, err)) {
        int64_t place = 0;
        if (!row) {
            rows->count = left;
            return true;
        }
        if (str_to_int64(postgres_text(self->db, 0), &place) && place > (int64_t)left &&
            place <= (int64_t)rows->count) {
            rows->entries[left++] = rows->entries[place - 1];
        }
    }
    return false;
}

/* Again and again, until none is left that others made or removed in between. */
static bool write_all(struct postgres_sink *self, struct postgres_rows *rows, struct err *err)
{
    const struct postgres_shape *shape = rows->entries[0]->shape;
    struct str values[BODY_FIELDS_MAX + 1];
    size_t value_count = 0;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (!turn_values(self, rows, values, &value_count, err) ||
            !postgres_query(self->db, shape->sql, values, value_count, rows->deadline_ms, err) ||
            !read_left(self, rows, err)) {
            return false;
        }
        if (rows->count == 0) {
            return true;
        }
    }
    return err_set(err, ERR_RETRY, "table %s: others make and remove the same rows all the time",
                   shape->table->target->name);
}

bool postgres_rows_write(struct postgres_sink *self, const struct postgres_rows *rows,
                         struct err *err)
{
    const struct postgres_shape *shape = rows->entries[0]->shape;
    struct str values[BODY_FIELDS_MAX + 1];
    size_t value_count = 0;
    if (!shape->table->unique && !shape->removes && !lock_keys(self, rows, err)) {
        return false;
    }
    if (shape->answers) {
        struct postgres_rows left = *rows;
        return write_all(self, &left, err);
    }
    return (are_lines(rows) ? turn_lines : turn_values)(self, rows, values, &value_count, err) &&
           run(self, rows, shape->sql, values, value_count, NULL, err);
}

/* ---- Many that are there, or that are not ---- */

bool postgres_rows_copies(const struct postgres_rows *rows)
{
    const struct postgres_shape *shape = rows->entries[0]->shape;
    return shape != NULL && (are_lines(rows) ? shape->copy_lines_sql : shape->copy_sql) != NULL;
}

bool postgres_rows_updates(const struct postgres_rows *rows)
{
    const struct postgres_shape *shape = rows->entries[0]->shape;
    return shape != NULL && are_lines(rows) && shape->update_sql != NULL;
}

bool postgres_rows_look(struct postgres_sink *self, const struct postgres_rows *rows, bool *there,
                        struct err *err)
{
    const struct postgres_table *table = rows->entries[0]->shape->table;
    struct str found = {0};
    struct buf sql;
    struct buf keys;
    buf_init(&keys, &self->batch, 4096);
    buf_init(&sql, &self->batch, 256);
    buf_add_byte(&keys, '{');
    for (size_t i = 0; i < SAMPLE; i++) {
        const struct postgres_entry *entry = rows->entries[i * (rows->count - 1) / (SAMPLE - 1)];
        postgres_array_item(&keys, i == 0, entry->parcel->entity);
    }
    buf_add_byte(&keys, '}');
    /* They are found by their keys: no other plan is good, and the planner may know nothing yet of
       a table that is new. */
    buf_printf(&sql, "SELECT 1%s FROM %.*s AS t WHERE t.",
               postgres_rows_updates(rows) ? ",pg_catalog.set_config('enable_hashjoin','off',true),"
                                             "pg_catalog.set_config('enable_mergejoin','off',true)"
                                           : "",
               STR_ARG(table->name));
    sql_add_name(&sql, table->key.name);
    buf_printf(&sql, " = ANY($1::%.*s[]) LIMIT 1", STR_ARG(table->key.type));
    struct str value = buf_str(&keys);
    struct str text = buf_str(&sql);
    bool ok = (value.ptr != NULL && text.ptr != NULL) || no_memory(err);
    ok = ok &&
         postgres_one(self->db, text.ptr, &value, 1, rows->deadline_ms, &self->batch, &found, err);
    *there = found.ptr != NULL;
    return ok;
}

bool postgres_rows_update(struct postgres_sink *self, const struct postgres_rows *rows, bool *whole,
                          struct err *err)
{
    static const char plans_sql[] =
        "SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT";
    const struct postgres_shape *shape = rows->entries[0]->shape;
    struct str values[BODY_FIELDS_MAX + 1];
    size_t value_count = 0;
    int64_t updated = 0;
    int64_t made = 0;
    bool ok = turn_lines(self, rows, values, &value_count, err) &&
              run(self, rows, shape->update_sql, values, value_count, &updated, err) &&
              (updated == (int64_t)rows->count ||
               run(self, rows, shape->rest_sql, values, value_count, &made, err));
    *whole = updated + made == (int64_t)rows->count;
    return ok && (rows->last || postgres_script(self->db, plans_sql, rows->deadline_ms, err));
}

static void add_values(struct buf *lines, const struct postgres_entry *entry)
{
    const struct postgres_shape *shape = entry->shape;
    postgres_copy_field(lines, entry->parcel->entity);
    for (size_t i = 0; i < shape->count; i++) {
        if (!shape->fields[i].is_key) {
            buf_add_byte(lines, '\t');
            postgres_copy_field(lines, entry->values[i]);
        }
    }
    buf_add_byte(lines, '\n');
}

/* The server reads some while the next ones are written down. */
static bool copy_values(struct postgres_sink *self, const struct postgres_rows *rows,
                        struct err *err)
{
    struct buf lines;
    bool ok = true;
    buf_init(&lines, &self->batch, 2 * (size_t)COPY_PART);
    for (size_t i = 0; ok && i < rows->count; i++) {
        add_values(&lines, rows->entries[i]);
        if (lines.len >= COPY_PART || i + 1 == rows->count) {
            ok =
                buf_ok(&lines) ? postgres_copy_put(self->db, buf_str(&lines), err) : no_memory(err);
            buf_clear(&lines);
        }
    }
    return ok;
}

/* Lines that stand behind each other go as one piece, without being copied. */
static bool copy_lines(struct postgres_sink *self, const struct postgres_rows *rows,
                       struct err *err)
{
    static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    bool ok = postgres_copy_put(self->db, (struct str){head, sizeof head}, err);
    for (size_t i = 0; ok && i < rows->count;) {
        size_t from = rows->entries[i]->line_at;
        size_t to = from;
        while (i < rows->count && rows->entries[i]->line_at == to) {
            to += rows->entries[i++]->line_len;
        }
        ok = postgres_copy_put(self->db, (struct str){self->lines.ptr + from, to - from}, err);
    }
    return ok && postgres_copy_put(self->db, STR("\377\377"), err);
}

bool postgres_rows_copy(struct postgres_sink *self, const struct postgres_rows *rows,
                        struct err *err)
{
    const struct postgres_shape *shape = rows->entries[0]->shape;
    bool lines = are_lines(rows);
    return postgres_copy_begin(self->db, lines ? shape->copy_lines_sql : shape->copy_sql,
                               rows->deadline_ms, err) &&
           (lines ? copy_lines : copy_values)(self, rows, err) &&
           postgres_copy_end(self->db, true, NULL, err);
}
