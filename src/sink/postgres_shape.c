#include "sink/postgres_shape.h"

#include "db/sql.h"

bool postgres_shape_fits(const struct postgres_shape *shape, const struct postgres_table *table,
                         const struct body *body)
{
    if (shape->removes || shape->hash != body->shape || shape->table != table ||
        shape->count != body->count) {
        return false;
    }
    for (size_t i = 0; i < body->count; i++) {
        if (shape->fields[i].group != body->fields[i].group ||
            !str_equal(shape->fields[i].name, body->fields[i].name)) {
            return false;
        }
    }
    return true;
}

static bool in_groups(const struct postgres_shape_field *field, unsigned groups)
{
    return !field->is_key && (groups & 1U << field->group) != 0;
}

static bool writes(const struct postgres_shape *shape, const struct postgres_column *column,
                   unsigned groups)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].column == column && in_groups(&shape->fields[i], groups)) {
            return true;
        }
    }
    return false;
}

static bool any_in_groups(const struct postgres_shape *shape, unsigned groups)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (in_groups(&shape->fields[i], groups)) {
            return true;
        }
    }
    return false;
}

/* Two groups may write one column only where they never meet: on insert, and on update. */
static bool check_doubled(const struct postgres_shape *shape, size_t index, struct err *err)
{
    const struct postgres_shape_field *field = &shape->fields[index];
    for (size_t i = 0; i < index; i++) {
        const struct postgres_shape_field *other = &shape->fields[i];
        bool meet = (in_groups(field, BODY_ON_NEW) && in_groups(other, BODY_ON_NEW)) ||
                    (in_groups(field, BODY_ON_OLD) && in_groups(other, BODY_ON_OLD));
        if (other->column == field->column && meet) {
            return err_set(err, ERR_REJECT, "table %s: column '%s' is written by both %s and %s",
                           shape->table->target->name, field->column->declared->name,
                           body_group_name(other->group), body_group_name(field->group));
        }
    }
    return true;
}

static bool add_fields(struct postgres_shape *shape, const struct body *body, struct arena *arena,
                       struct err *err)
{
    const struct target *target = shape->table->target;
    for (size_t i = 0; i < body->count; i++) {
        const struct body_field *field = &body->fields[i];
        bool is_key = str_equal_ascii_case(field->name, str_of(target->key));
        const struct postgres_column *column = postgres_table_column(shape->table, field->name);
        if (column == NULL) {
            return err_set(err, ERR_REJECT, "table %s: a column '%.*s' is not declared",
                           target->name, STR_ARG(str_slice(field->name, 0, BODY_NAME_SHOWN)));
        }
        shape->fields[i] = (struct postgres_shape_field){
            .group = field->group,
            .name = arena_copy(arena, field->name),
            .column = column,
            .is_key = is_key,
        };
        if (shape->fields[i].name.ptr == NULL) {
            return err_set(err, ERR_RETRY, "postgres: out of memory for a statement");
        }
        if (!check_doubled(shape, i, err)) {
            return false;
        }
    }
    return true;
}

/* ---- Pieces of SQL ---- */

/* The type in which a field travels. */
static void add_parameter_type(struct buf *sql, const struct postgres_shape_field *field)
{
    if (field->group == BODY_PUSH || field->group == BODY_MERGE) {
        buf_add(sql, STR("jsonb"));
    } else if (field->group == BODY_APPEND || field->column->holds == HOLDS_LIST) {
        buf_add(sql, STR("text"));
    } else if (field->column->holds == HOLDS_LOCAL_TIME) {
        buf_add(sql, STR("timestamptz"));
    } else {
        buf_add(sql, field->column->type);
    }
}

/* unnest($2::type[]) AS c0 */
static void add_list(struct buf *sql, size_t parameter)
{
    buf_printf(sql, "unnest($%zu::", parameter);
}

/* The arrays as rows of g(k,c0,c1…), the key's field left out. */
static void add_given(struct buf *sql, const struct postgres_shape *shape)
{
    size_t parameter = 1;
    buf_add(sql, STR("(SELECT "));
    add_list(sql, parameter);
    buf_printf(sql, "%.*s[]) AS k", STR_ARG(shape->table->key.type));
    for (size_t i = 0; i < shape->count; i++) {
        if (!shape->fields[i].is_key) {
            buf_add_byte(sql, ',');
            add_list(sql, ++parameter);
            add_parameter_type(sql, &shape->fields[i]);
            buf_printf(sql, "[]) AS c%zu", i);
        }
    }
    buf_add(sql, STR(") AS g"));
}

/*
 * The same with their places: unnest($1::key[],$2::type[]…) WITH ORDINALITY AS g(k,c0,c1…,ord).
 * Slower, because each array is written down as a table of its own first.
 */
static void add_given_in_order(struct buf *sql, const struct postgres_shape *shape)
{
    size_t parameter = 1;
    buf_printf(sql, "unnest($%zu::%.*s[]", parameter, STR_ARG(shape->table->key.type));
    for (size_t i = 0; i < shape->count; i++) {
        if (!shape->fields[i].is_key) {
            buf_printf(sql, ",$%zu::", ++parameter);
            add_parameter_type(sql, &shape->fields[i]);
            buf_add(sql, STR("[]"));
        }
    }
    buf_add(sql, STR(") WITH ORDINALITY AS g(k"));
    for (size_t i = 0; i < shape->count; i++) {
        if (!shape->fields[i].is_key) {
            buf_printf(sql, ",c%zu", i);
        }
    }
    buf_add(sql, STR(",ord)"));
}

/*
 * The list in a column with objects merged into it (text/json_merge.h): those that are there get
 * the fields of "set", the others come behind them, with "insert" as well. What is no list makes
 * the statement fail, as with add_pushed().
 */
static void add_merged(struct buf *sql, const struct postgres_column *column, struct str held,
                       size_t index)
{
    const char *back = column->is_jsonb ? "" : "::json";
    buf_printf(
        sql,
        "(SELECT CASE jsonb_typeof(m.h) WHEN 'array' THEN "
        "coalesce((SELECT jsonb_agg(CASE WHEN i.v IS NULL THEN e.v ELSE e.v||(i.v->'set') "
        "END ORDER BY e.n) FROM jsonb_array_elements(m.h) WITH ORDINALITY e(v,n) "
        "LEFT JOIN jsonb_array_elements(m.s->'items') i(v) ON jsonb_typeof(e.v)='object' AND "
        "i.v->'set'->(m.s->>'by')=e.v->(m.s->>'by')),'[]')"
        "||coalesce((SELECT jsonb_agg((i.v->'set')||coalesce(i.v->'insert','{}') ORDER BY "
        "i.n) FROM jsonb_array_elements(m.s->'items') WITH ORDINALITY i(v,n) WHERE NOT EXISTS "
        "(SELECT FROM jsonb_array_elements(m.h) e(v) WHERE jsonb_typeof(e.v)='object' AND "
        "i.v->'set'->(m.s->>'by')=e.v->(m.s->>'by'))),'[]') "
        "ELSE CAST('no list: '||jsonb_typeof(m.h) AS jsonb) END FROM "
        "(SELECT coalesce(nullif(%.*s::jsonb,'null'),'[]') AS h,g.c%zu AS s) m)%s",
        STR_ARG(held), index, back);
}

/* g.c3 as a value of its column. */
static void add_value(struct buf *sql, const struct postgres_shape *shape, size_t index)
{
    const struct postgres_shape_field *field = &shape->fields[index];
    if (field->group == BODY_PUSH) {
        buf_printf(sql, "jsonb_build_array(g.c%zu)%s", index,
                   field->column->is_jsonb ? "" : "::json");
    } else if (field->group == BODY_MERGE) {
        add_merged(sql, field->column, STR("NULL"), index);
    } else if (field->column->holds == HOLDS_LIST) {
        buf_printf(sql, "CAST(g.c%zu AS %.*s)", index, STR_ARG(field->column->type));
    } else if (field->column->holds == HOLDS_LOCAL_TIME) {
        buf_printf(sql, "g.c%zu AT TIME ZONE 'UTC'", index);
    } else {
        buf_printf(sql, "g.c%zu", index);
    }
}

static bool add_insert(struct buf *sql, const struct postgres_shape *shape, struct arena *arena,
                       struct err *err)
{
    const struct postgres_table *table = shape->table;
    buf_printf(sql, "INSERT INTO %.*s AS t(", STR_ARG(table->name));
    sql_add_name(sql, table->key.name);
    for (size_t i = 0; i < shape->count; i++) {
        if (in_groups(&shape->fields[i], BODY_ON_NEW)) {
            buf_add_byte(sql, ',');
            sql_add_name(sql, shape->fields[i].column->name);
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        if (table->columns[i].declared->initial != NULL &&
            !writes(shape, &table->columns[i], BODY_ON_NEW)) {
            buf_add_byte(sql, ',');
            sql_add_name(sql, table->columns[i].name);
        }
    }
    buf_add(sql, STR(") SELECT g.k"));
    for (size_t i = 0; i < shape->count; i++) {
        if (in_groups(&shape->fields[i], BODY_ON_NEW)) {
            buf_add_byte(sql, ',');
            add_value(sql, shape, i);
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        if (table->columns[i].declared->initial != NULL &&
            !writes(shape, &table->columns[i], BODY_ON_NEW)) {
            buf_add_byte(sql, ',');
            if (!postgres_table_initial(table, &table->columns[i], sql, arena, err)) {
                return false;
            }
        }
    }
    return true;
}

/*
 * The list in a column with one value more. What is no list is not touched: the cast of words that
 * are no JSON makes the statement fail, and what it depends on keeps the planner from trying it.
 */
static void add_pushed(struct buf *sql, const struct postgres_column *column, struct str name,
                       size_t index)
{
    const char *as = column->is_jsonb ? "" : "::jsonb";
    const char *back = column->is_jsonb ? "" : "::json";
    buf_printf(sql,
               "(CASE coalesce(jsonb_typeof(t.%.*s%s),'null') WHEN 'null' THEN "
               "jsonb_build_array(g.c%zu) WHEN 'array' THEN t.%.*s%s||jsonb_build_array(g.c%zu) "
               "ELSE CAST('no list: '||jsonb_typeof(t.%.*s%s) AS jsonb) END)%s",
               STR_ARG(name), as, index, STR_ARG(name), as, index, STR_ARG(name), as, back);
}

/* "a"=g.c0,"b"=coalesce(t."b",'')||g.c1 */
static void add_assignments(struct buf *sql, const struct postgres_shape *shape,
                            struct arena *arena)
{
    const char *separator = "";
    for (size_t i = 0; i < shape->count; i++) {
        const struct postgres_shape_field *field = &shape->fields[i];
        struct buf quoted;
        if (!in_groups(field, BODY_ON_OLD)) {
            continue;
        }
        buf_init(&quoted, arena, 64);
        sql_add_name(&quoted, field->column->name);
        struct str name = buf_str(&quoted);
        buf_printf(sql, "%s%.*s=", separator, STR_ARG(name));
        separator = ",";
        if (field->group == BODY_APPEND) {
            buf_printf(sql, "coalesce(t.%.*s,'')||g.c%zu", STR_ARG(name), i);
        } else if (field->group == BODY_INC) {
            buf_printf(sql, "coalesce(t.%.*s,0)+g.c%zu", STR_ARG(name), i);
        } else if (field->group == BODY_PUSH) {
            add_pushed(sql, field->column, name, i);
        } else if (field->group == BODY_MERGE) {
            struct str held = arena_printf(arena, "t.%.*s", STR_ARG(name));
            add_merged(sql, field->column, held.ptr != NULL ? held : STR("NULL"), i);
        } else {
            add_value(sql, shape, i);
        }
    }
}

/* ---- Whole statements ---- */

/* What is written over a row is what a new one gets, so `excluded` has all of it. */
static bool is_plain(const struct postgres_shape *shape)
{
    return shape->table->unique &&
           !any_in_groups(shape, 1U << BODY_UPDATE | 1U << BODY_APPEND | 1U << BODY_INC |
                                     1U << BODY_PUSH | 1U << BODY_MERGE);
}

static bool add_plain(struct buf *sql, const struct postgres_shape *shape, struct arena *arena,
                      struct err *err)
{
    const char *separator = "";
    if (!add_insert(sql, shape, arena, err)) {
        return false;
    }
    buf_add(sql, STR(" FROM "));
    add_given(sql, shape);
    buf_add(sql, STR(" ON CONFLICT("));
    sql_add_name(sql, shape->table->key.name);
    buf_add(sql, any_in_groups(shape, BODY_ON_OLD) ? STR(") DO UPDATE SET ") : STR(") DO NOTHING"));
    for (size_t i = 0; i < shape->count; i++) {
        if (in_groups(&shape->fields[i], BODY_ON_OLD)) {
            buf_printf(sql, "%s", separator);
            separator = ",";
            sql_add_name(sql, shape->fields[i].column->name);
            buf_add(sql, STR("=excluded."));
            sql_add_name(sql, shape->fields[i].column->name);
        }
    }
    return true;
}

static bool add_both(struct buf *sql, const struct postgres_shape *shape, struct arena *arena,
                     struct err *err)
{
    const struct postgres_table *table = shape->table;
    struct buf quoted;
    buf_init(&quoted, arena, 64);
    sql_add_name(&quoted, table->key.name);
    struct str key = buf_str(&quoted);
    bool updates = any_in_groups(shape, BODY_ON_OLD);
    buf_add(sql, STR("WITH g AS MATERIALIZED (SELECT * FROM "));
    add_given_in_order(sql, shape);
    buf_add(sql, STR("), made AS ("));
    if (!add_insert(sql, shape, arena, err)) {
        return false;
    }
    buf_printf(sql,
               " FROM g WHERE NOT EXISTS (SELECT FROM %.*s AS o WHERE o.%.*s=g.k) ORDER BY g.ord",
               STR_ARG(table->name), STR_ARG(key));
    if (table->unique) {
        buf_printf(sql, " ON CONFLICT(%.*s) DO NOTHING", STR_ARG(key));
    }
    buf_printf(sql, " RETURNING t.%.*s AS k)", STR_ARG(key));
    if (updates) {
        buf_printf(sql, ", changed AS (UPDATE %.*s AS t SET ", STR_ARG(table->name));
        add_assignments(sql, shape, arena);
        buf_printf(sql,
                   " FROM g WHERE t.%.*s=g.k AND NOT EXISTS (SELECT FROM made AS m WHERE m.k=g.k) "
                   "RETURNING g.ord)",
                   STR_ARG(key));
    }
    buf_add(sql,
            STR(" SELECT g.ord FROM g WHERE NOT EXISTS (SELECT FROM made AS m WHERE m.k=g.k)"));
    if (updates) {
        buf_add(sql, STR(" AND NOT EXISTS (SELECT FROM changed AS c WHERE c.ord=g.ord)"));
    } else {
        buf_printf(sql, " AND NOT EXISTS (SELECT FROM %.*s AS o WHERE o.%.*s=g.k)",
                   STR_ARG(table->name), STR_ARG(key));
    }
    return true;
}

static bool suits_copy(const struct postgres_shape *shape)
{
    const struct postgres_table *table = shape->table;
    for (size_t i = 0; i < shape->count; i++) {
        enum postgres_holds holds = shape->fields[i].column->holds;
        if (!shape->fields[i].is_key && (holds == HOLDS_LOCAL_TIME || holds == HOLDS_LIST)) {
            return false;
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        if (table->columns[i].declared->initial != NULL &&
            !writes(shape, &table->columns[i], BODY_ON_NEW)) {
            return false;
        }
    }
    return is_plain(shape) && table->key.holds != HOLDS_LOCAL_TIME &&
           table->key.holds != HOLDS_LIST;
}

static const char *make_copy(const struct postgres_shape *shape, bool binary, struct arena *arena)
{
    struct buf sql;
    buf_init(&sql, arena, 512);
    buf_printf(&sql, "COPY %.*s(", STR_ARG(shape->table->name));
    sql_add_name(&sql, shape->table->key.name);
    for (size_t i = 0; i < shape->count; i++) {
        if (!shape->fields[i].is_key) {
            buf_add_byte(&sql, ',');
            sql_add_name(&sql, shape->fields[i].column->name);
        }
    }
    buf_add(&sql, binary ? STR(") FROM STDIN (FORMAT binary)") : STR(") FROM STDIN"));
    return buf_str(&sql).ptr;
}

static const char *make_update(const struct postgres_shape *shape, struct arena *arena)
{
    struct buf sql;
    buf_init(&sql, arena, 1024);
    buf_printf(&sql, "UPDATE %.*s AS t SET ", STR_ARG(shape->table->name));
    add_assignments(&sql, shape, arena);
    buf_add(&sql, STR(" FROM "));
    add_given(&sql, shape);
    buf_add(&sql, STR(" WHERE t."));
    sql_add_name(&sql, shape->table->key.name);
    buf_add(&sql, STR("=g.k"));
    return buf_str(&sql).ptr;
}

static bool make_rest(struct postgres_shape *shape, struct arena *arena, struct err *err)
{
    struct buf sql;
    buf_init(&sql, arena, 1024);
    if (!add_insert(&sql, shape, arena, err)) {
        return false;
    }
    buf_add(&sql, STR(" FROM "));
    add_given(&sql, shape);
    buf_printf(&sql, " WHERE NOT EXISTS (SELECT FROM %.*s AS o WHERE o.",
               STR_ARG(shape->table->name));
    sql_add_name(&sql, shape->table->key.name);
    buf_add(&sql, STR("=g.k) ON CONFLICT("));
    sql_add_name(&sql, shape->table->key.name);
    buf_add(&sql, STR(") DO NOTHING"));
    shape->rest_sql = buf_str(&sql).ptr;
    return shape->rest_sql != NULL ||
           err_set(err, ERR_RETRY, "postgres: out of memory for a statement");
}

/* What is open to bodies that are read in one pass. */
static bool make_lines(struct postgres_shape *shape, struct arena *arena, struct err *err)
{
    if (!is_plain(shape)) {
        return true;
    }
    if (!postgres_line_make(shape, arena, &shape->line, err)) {
        return false;
    }
    if (shape->line == NULL) {
        return true;
    }
    shape->copy_lines_sql = shape->copy_sql != NULL ? make_copy(shape, true, arena) : NULL;
    shape->update_sql = any_in_groups(shape, BODY_ON_OLD) ? make_update(shape, arena) : NULL;
    return make_rest(shape, arena, err);
}

bool postgres_shape_make(const struct postgres_table *table, const struct body *body,
                         struct arena *arena, struct postgres_shape *out, struct err *err)
{
    struct postgres_shape shape = {.table = table, .hash = body->shape, .count = body->count};
    struct buf sql;
    buf_init(&sql, arena, 2048);
    shape.fields = arena_array(arena, body->count + 1, sizeof *shape.fields);
    if (shape.fields == NULL) {
        return err_set(err, ERR_RETRY, "postgres: out of memory for a statement");
    }
    if (!add_fields(&shape, body, arena, err)) {
        return false;
    }
    shape.answers = !is_plain(&shape);
    if (!(shape.answers ? add_both(&sql, &shape, arena, err)
                        : add_plain(&sql, &shape, arena, err))) {
        return false;
    }
    shape.sql = buf_str(&sql).ptr;
    shape.copy_sql = suits_copy(&shape) ? make_copy(&shape, false, arena) : NULL;
    if (!make_lines(&shape, arena, err)) {
        return false;
    }
    *out = shape;
    return shape.sql != NULL || err_set(err, ERR_RETRY, "postgres: out of memory for a statement");
}

bool postgres_shape_make_removal(const struct postgres_table *table, struct arena *arena,
                                 struct postgres_shape *out, struct err *err)
{
    struct buf sql;
    buf_init(&sql, arena, 256);
    buf_printf(&sql, "DELETE FROM %.*s AS t USING unnest($1::%.*s[]) AS g(k) WHERE t.",
               STR_ARG(table->name), STR_ARG(table->key.type));
    sql_add_name(&sql, table->key.name);
    buf_add(&sql, STR("=g.k"));
    *out = (struct postgres_shape){.table = table, .sql = buf_str(&sql).ptr, .removes = true};
    return out->sql != NULL || err_set(err, ERR_RETRY, "postgres: out of memory for a statement");
}
