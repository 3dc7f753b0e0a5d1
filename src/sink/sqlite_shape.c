#include "sink/sqlite_shape.h"

#include "db/sql.h"

/* ?1 is the key; the field at `index` is bound as ?(index + 2). */
enum { KEY_PARAMETER = 1, FIRST_PARAMETER = 2 };

bool sqlite_shape_fits(const struct sqlite_shape *shape, const struct sqlite_table *table,
                       const struct body *body)
{
    if (shape->removes) {
        return false;
    }
    if (shape->hash != body->shape || shape->table != table || shape->count != body->count) {
        return false;
    }
    for (size_t i = 0; i < body->count; i++) {
        if (shape->columns[i].group != body->fields[i].group ||
            !str_equal(shape->columns[i].name, body->fields[i].name)) {
            return false;
        }
    }
    return true;
}

static bool in_groups(const struct sqlite_shape_column *column, unsigned groups)
{
    return !column->is_key && (groups & 1U << column->group) != 0;
}

static bool writes(const struct sqlite_shape *shape, const struct column *column, unsigned groups)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->columns[i].column == column && in_groups(&shape->columns[i], groups)) {
            return true;
        }
    }
    return false;
}

static bool has_updates(const struct sqlite_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (in_groups(&shape->columns[i], BODY_ON_OLD)) {
            return true;
        }
    }
    return false;
}

static void add_insert(struct buf *sql, const struct sqlite_shape *shape)
{
    const struct target *target = shape->table->target;
    buf_add(sql, STR("INSERT INTO "));
    sql_add_name(sql, str_of(target->name));
    buf_add_byte(sql, '(');
    sql_add_name(sql, str_of(target->key));
    for (size_t i = 0; i < shape->count; i++) {
        if (in_groups(&shape->columns[i], BODY_ON_NEW)) {
            buf_add_byte(sql, ',');
            sql_add_name(sql, str_of(shape->columns[i].column->name));
        }
    }
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (column->initial != NULL && !writes(shape, column, BODY_ON_NEW)) {
            buf_add_byte(sql, ',');
            sql_add_name(sql, str_of(column->name));
        }
    }
    buf_printf(sql, ") VALUES(?%d", KEY_PARAMETER);
    for (size_t i = 0; i < shape->count; i++) {
        enum body_group group = shape->columns[i].group;
        if (in_groups(&shape->columns[i], BODY_ON_NEW)) {
            buf_printf(sql,
                       group == BODY_PUSH    ? ",sluice_push(NULL,?%zu)"
                       : group == BODY_MERGE ? ",sluice_merge(NULL,?%zu)"
                                             : ",?%zu",
                       i + FIRST_PARAMETER);
        }
    }
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (column->initial != NULL && !writes(shape, column, BODY_ON_NEW)) {
            buf_add_byte(sql, ',');
            sqlite_sql_initial(sql, column);
        }
    }
    buf_add_byte(sql, ')');
}

/* What the column holds now, and the parameter, within a call or an expression. */
static void add_grown(struct buf *sql, const struct sqlite_shape *shape, size_t index,
                      const char *before, const char *between, const char *behind)
{
    buf_add(sql, str_of(before));
    sql_add_name(sql, str_of(shape->table->target->name));
    buf_add_byte(sql, '.');
    sql_add_name(sql, str_of(shape->columns[index].column->name));
    buf_printf(sql, "%s?%zu%s", between, index + FIRST_PARAMETER, behind);
}

/* "a"=?5,"b"=COALESCE("t"."b",'')||?6,"c"=sluice_add("t"."c",?7) */
static void add_assignments(struct buf *sql, const struct sqlite_shape *shape)
{
    const char *separator = "";
    for (size_t i = 0; i < shape->count; i++) {
        const struct sqlite_shape_column *column = &shape->columns[i];
        if (!in_groups(column, BODY_ON_OLD)) {
            continue;
        }
        buf_printf(sql, "%s", separator);
        separator = ",";
        sql_add_name(sql, str_of(column->column->name));
        if (column->group == BODY_APPEND) {
            add_grown(sql, shape, i, "=COALESCE(", ",'')||", "");
        } else if (column->group == BODY_INC) {
            add_grown(sql, shape, i, "=sluice_add(", ",", ")");
        } else if (column->group == BODY_PUSH) {
            add_grown(sql, shape, i, "=sluice_push(", ",", ")");
        } else if (column->group == BODY_MERGE) {
            add_grown(sql, shape, i, "=sluice_merge(", ",", ")");
        } else {
            buf_printf(sql, "=?%zu", i + FIRST_PARAMETER);
        }
    }
}

static void add_where_key(struct buf *sql, const struct target *target)
{
    buf_add(sql, STR(" WHERE "));
    sql_add_name(sql, str_of(target->key));
    buf_printf(sql, "=?%d", KEY_PARAMETER);
}

static void add_upsert(struct buf *sql, const struct sqlite_shape *shape, bool updates)
{
    add_insert(sql, shape);
    buf_add(sql, STR(" ON CONFLICT("));
    sql_add_name(sql, str_of(shape->table->target->key));
    buf_add(sql, updates ? STR(") DO UPDATE SET ") : STR(") DO NOTHING"));
    add_assignments(sql, shape);
}

static void add_first(struct buf *sql, const struct sqlite_shape *shape)
{
    const struct target *target = shape->table->target;
    buf_add(sql, shape->looks ? STR("SELECT 1 FROM ") : STR("UPDATE "));
    sql_add_name(sql, str_of(target->name));
    if (!shape->looks) {
        buf_add(sql, STR(" SET "));
        add_assignments(sql, shape);
    }
    add_where_key(sql, target);
    buf_add(sql, shape->looks ? STR(" LIMIT 1") : STR(""));
}

/* Two groups may write one column only where they never meet: on insert, and on update. */
static bool check_doubled(const struct sqlite_shape *shape, size_t index, struct err *err)
{
    const struct sqlite_shape_column *column = &shape->columns[index];
    for (size_t i = 0; i < index; i++) {
        const struct sqlite_shape_column *other = &shape->columns[i];
        bool meet = (in_groups(column, BODY_ON_NEW) && in_groups(other, BODY_ON_NEW)) ||
                    (in_groups(column, BODY_ON_OLD) && in_groups(other, BODY_ON_OLD));
        if (other->column == column->column && meet) {
            return err_set(err, ERR_REJECT, "table %s: column '%s' is written by both %s and %s",
                           shape->table->target->name, column->column->name,
                           body_group_name(other->group), body_group_name(column->group));
        }
    }
    return true;
}

static bool add_columns(struct sqlite_shape *shape, const struct body *body, struct arena *arena,
                        struct err *err)
{
    const struct target *target = shape->table->target;
    for (size_t i = 0; i < body->count; i++) {
        const struct body_field *field = &body->fields[i];
        const struct column *column = sqlite_table_column(target, field->name);
        if (column == NULL) {
            return err_set(err, ERR_REJECT, "table %s: a column '%.*s' is not declared",
                           target->name, STR_ARG(str_slice(field->name, 0, BODY_NAME_SHOWN)));
        }
        shape->columns[i] = (struct sqlite_shape_column){
            .group = field->group,
            .name = arena_copy(arena, field->name),
            .column = column,
            .is_key = str_equal_ascii_case(field->name, str_of(target->key)),
        };
        if (shape->columns[i].name.ptr == NULL) {
            return err_set(err, ERR_RETRY, "sqlite: out of memory for a statement");
        }
        if (!check_doubled(shape, i, err)) {
            return false;
        }
    }
    return true;
}

bool sqlite_shape_make(const struct sqlite_table *table, const struct body *body,
                       struct arena *arena, struct sqlite_shape *out, struct err *err)
{
    struct sqlite_shape shape = {.table = table, .hash = body->shape, .count = body->count};
    shape.columns = arena_array(arena, body->count + 1, sizeof *shape.columns);
    if (shape.columns == NULL) {
        return err_set(err, ERR_RETRY, "sqlite: out of memory for a statement");
    }
    if (!add_columns(&shape, body, arena, err)) {
        return false;
    }
    bool updates = has_updates(&shape);
    shape.looks = !table->unique && !updates;
    struct buf first;
    struct buf then;
    buf_init(&first, arena, 1024);
    if (table->unique) {
        add_upsert(&first, &shape, updates);
    } else {
        add_first(&first, &shape);
        buf_init(&then, arena, 1024);
        add_insert(&then, &shape);
        shape.then = buf_str(&then).ptr;
    }
    shape.first = buf_str(&first).ptr;
    if (shape.first == NULL || (!table->unique && shape.then == NULL)) {
        return err_set(err, ERR_RETRY, "sqlite: out of memory for a statement");
    }
    *out = shape;
    return true;
}

bool sqlite_shape_check(const struct sqlite_shape *shape, const struct body *body,
                        struct str entity, struct err *err)
{
    for (size_t i = 0; i < body->count; i++) {
        if (!body_suits(shape->table->target, shape->columns[i].column, &body->fields[i], entity,
                        err)) {
            return false;
        }
    }
    return true;
}

static void bind(struct query *query, int index, const struct body_field *field, bool is_json)
{
    switch (field->type) {
    case BODY_NULL:
        query_bind_null(query, index);
        return;
    case BODY_TEXT:
    case BODY_JSON:
        query_bind_text(query, index, field->text);
        return;
    case BODY_INT:
        query_bind_int(query, index, field->integer);
        return;
    case BODY_DOUBLE:
        query_bind_double(query, index, field->real);
        return;
    case BODY_TRUE:
    case BODY_FALSE:
        if (is_json) {
            query_bind_text(query, index, field->type == BODY_TRUE ? STR("true") : STR("false"));
        } else {
            query_bind_int(query, index, field->type == BODY_TRUE);
        }
        return;
    }
}

static bool step(const struct sqlite_shape *shape, struct sqlite *db, const char *sql,
                 unsigned groups, const struct body *body, struct str entity, bool *row,
                 struct err *err)
{
    struct query *query = sqlite_query(db, sql, err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, KEY_PARAMETER, entity);
    for (size_t i = 0; i < body->count; i++) {
        if (in_groups(&shape->columns[i], groups)) {
            bind(query, (int)i + FIRST_PARAMETER, &body->fields[i],
                 shape->columns[i].column->type == COLUMN_JSON);
        }
    }
    bool ok = query_step(query, row, err);
    query_end(query);
    return ok;
}

bool sqlite_shape_write(const struct sqlite_shape *shape, struct sqlite *db,
                        const struct body *body, struct str entity, struct err *err)
{
    bool row = false;
    if (shape->then == NULL) {
        return step(shape, db, shape->first, BODY_ON_NEW | BODY_ON_OLD, body, entity, &row, err);
    }
    if (!step(shape, db, shape->first, shape->looks ? 0 : BODY_ON_OLD, body, entity, &row, err)) {
        return false;
    }
    bool there = shape->looks ? row : sqlite_changes(db) > 0;
    return there || step(shape, db, shape->then, BODY_ON_NEW, body, entity, &row, err);
}

bool sqlite_shape_make_removal(const struct sqlite_table *table, struct arena *arena,
                               struct sqlite_shape *out, struct err *err)
{
    struct buf sql;
    buf_init(&sql, arena, 128);
    buf_add(&sql, STR("DELETE FROM "));
    sql_add_name(&sql, str_of(table->target->name));
    buf_add(&sql, STR(" WHERE "));
    sql_add_name(&sql, str_of(table->target->key));
    buf_add(&sql, STR("=?1"));
    *out = (struct sqlite_shape){.table = table, .first = buf_str(&sql).ptr, .removes = true};
    return out->first != NULL || err_set(err, ERR_RETRY, "out of memory");
}

bool sqlite_shape_remove(const struct sqlite_shape *shape, struct sqlite *db, struct str entity,
                         struct err *err)
{
    struct query *query = sqlite_query(db, shape->first, err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, entity);
    return query_run(query, err);
}
