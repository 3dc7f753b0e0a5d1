#include "sink/sqlite_read.h"

#include "base/buf.h"
#include "db/sql.h"
#include "text/json.h"

enum { ROW_ROOM = 1024 };

static void add_select(struct buf *sql, const struct target *target)
{
    buf_add(sql, STR("SELECT "));
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (column != target->columns) {
            buf_add_byte(sql, ',');
        }
        sql_add_name(sql, str_of(column->name));
    }
    buf_add(sql, STR(" FROM "));
    sql_add_name(sql, str_of(target->name));
}

const char *sqlite_read_sql(const struct target *target, struct arena *arena)
{
    struct buf sql;
    buf_init(&sql, arena, ROW_ROOM);
    add_select(&sql, target);
    buf_add(&sql, STR(" WHERE "));
    sql_add_name(&sql, str_of(target->key));
    buf_add(&sql, STR("=?1 LIMIT 1"));
    return buf_str(&sql).ptr;
}

static void put_text(struct json_writer *json, enum column_type type, struct str text,
                     struct arena *arena)
{
    struct err ignored = {0};
    const struct json_value *value = NULL;
    if (type == COLUMN_JSON && json_parse(arena, text, NULL, &value, &ignored)) {
        json_put_value(json, value);
    } else {
        json_put_str(json, text);
    }
}

static void put_column(struct json_writer *json, const struct query *query, int index,
                       enum column_type type, struct arena *arena)
{
    int64_t integer = 0;
    switch (query_type(query, index)) {
    case QUERY_INT:
        integer = query_int(query, index);
        if (type == COLUMN_BOOL && (integer | 1) == 1) {
            json_put_bool(json, integer == 1);
        } else {
            json_put_int(json, integer);
        }
        return;
    case QUERY_DOUBLE:
        json_put_double(json, query_double(query, index));
        return;
    case QUERY_TEXT:
        put_text(json, type, query_text(query, index), arena);
        return;
    case QUERY_NULL:
    case QUERY_BLOB:
        json_put_null(json);
        return;
    }
}

static struct str row_of(const struct query *query, const struct target *target,
                         struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, ROW_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    for (int i = 0; target->columns[i].name != NULL; i++) {
        json_key(&json, str_of(target->columns[i].name));
        put_column(&json, query, i, target->columns[i].type, arena);
    }
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

bool sqlite_read_row(struct sqlite *db, const char *sql, const struct target *target,
                     struct str entity, struct arena *arena, struct str *body, struct err *err)
{
    struct query *query = sqlite_query(db, sql, err);
    bool row = false;
    *body = (struct str){0};
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, entity);
    if (!query_step(query, &row, err)) {
        return false;
    }
    if (!row) {
        return true;
    }
    *body = row_of(query, target, arena);
    query_end(query);
    return body->ptr != NULL ||
           err_set(err, ERR_RETRY, "a row is larger than the memory of a step");
}

static int key_column(const struct target *target)
{
    int index = 0;
    while (target->columns[index].name != NULL &&
           !str_equal_ascii_case(str_of(target->columns[index].name), str_of(target->key))) {
        index++;
    }
    return target->columns[index].name != NULL ? index : 0;
}

bool sqlite_read_each(struct sqlite *db, const struct target *target, struct arena *arena,
                      sink_row *each, void *context, struct err *err)
{
    struct buf sql;
    buf_init(&sql, arena, ROW_ROOM);
    add_select(&sql, target);
    if (!buf_ok(&sql)) {
        return err_set(err, ERR_RETRY, "out of memory for a statement");
    }
    struct query *query = sqlite_query(db, buf_str(&sql).ptr, err);
    bool row = query != NULL;
    bool ok = row;
    while (ok && row) {
        struct arena_mark mark = arena_mark(arena);
        ok = query_step(query, &row, err);
        if (ok && row) {
            struct str body = row_of(query, target, arena);
            ok = body.ptr != NULL ? each(context, query_text(query, key_column(target)), body, err)
                                  : err_set(err, ERR_RETRY, "a row is larger than the memory");
        }
        arena_rewind(arena, mark);
    }
    if (query != NULL) {
        query_end(query);
    }
    return ok;
}
