#include "source/select_sql.h"

#include "db/sql.h"

enum { ROOM = 512, SHOWN_MAX = 120 };

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Behind what stands at `at` and is not looked into: a quoted text, a comment, a cast. Else `at`.
 */
static size_t skip_quoted(struct str text, size_t at)
{
    char c = text.ptr[at];
    char next = at + 1 < text.len ? text.ptr[at + 1] : '\0';
    if (c == '\'' || c == '"') {
        size_t end = str_find_byte(text, c, at + 1);
        return end == STR_NONE ? text.len : end + 1;
    }
    if (c == '-' && next == '-') {
        size_t end = str_find_byte(text, '\n', at);
        return end == STR_NONE ? text.len : end + 1;
    }
    if (c == '/' && next == '*') {
        size_t end = str_find(text, STR("*/"), at + 2);
        return end == STR_NONE ? text.len : end + 2;
    }
    return c == ':' && next == ':' ? at + 2 : at;
}

/* The next `:name` at or behind `*at`, which then stands behind it. */
static bool next_name(struct str text, size_t *at, size_t *begin, struct str *name)
{
    while (*at < text.len) {
        size_t behind = skip_quoted(text, *at);
        if (behind != *at) {
            *at = behind;
            continue;
        }
        size_t end = *at + 1;
        while (text.ptr[*at] == ':' && end < text.len && is_word(text.ptr[end])) {
            end++;
        }
        if (end > *at + 1) {
            *begin = *at;
            *name = str_slice(text, *at + 1, end);
            *at = end;
            return true;
        }
        (*at)++;
    }
    return false;
}

static size_t parameter_of(const struct select_sql *sql, struct str name)
{
    for (size_t i = 0; i < sql->parameters.count; i++) {
        if (str_equal(sql->parameters.items[i].name, name)) {
            return i;
        }
    }
    return STR_NONE;
}

static bool check_parameters(const struct select_sql *sql, const char **option, struct err *err)
{
    bool used[SELECT_PARAMETERS_MAX] = {0};
    size_t at = 0;
    size_t begin = 0;
    struct str name = {0};
    if (sql->parameters.count > SELECT_PARAMETERS_MAX) {
        *option = "parameters";
        return err_set(err, ERR_CONFIG, "at most %d", SELECT_PARAMETERS_MAX);
    }
    *option = "query";
    while (next_name(sql->query, &at, &begin, &name)) {
        size_t index = parameter_of(sql, name);
        if (index == STR_NONE) {
            return err_set(err, ERR_CONFIG, "it has ':%.*s', and `parameters` has no such name",
                           STR_ARG(str_slice(name, 0, SHOWN_MAX)));
        }
        used[index] = true;
    }
    *option = "parameters";
    for (size_t i = 0; i < sql->parameters.count; i++) {
        if (!used[i]) {
            return err_set(err, ERR_CONFIG, "the parameter '%.*s' stands nowhere in `query`",
                           STR_ARG(str_slice(sql->parameters.items[i].name, 0, SHOWN_MAX)));
        }
    }
    return true;
}

bool select_sql_check(const struct select_sql *sql, const char **option, struct err *err)
{
    *option = NULL;
    if ((sql->table.len > 0) == (sql->query.len > 0)) {
        return err_set(err, ERR_CONFIG, "either a `table` or a `query` is needed");
    }
    if (sql->query.len > SELECT_QUERY_MAX) {
        *option = "query";
        return err_set(err, ERR_CONFIG, "longer than %d bytes", SELECT_QUERY_MAX);
    }
    return check_parameters(sql, option, err);
}

static void add_value(struct buf *buf, const struct select_sql *sql, size_t index)
{
    buf_printf(buf, "%c%zu", sql->dialect == SELECT_POSTGRES ? '$' : '?', index + 1);
}

static void add_query(struct buf *buf, const struct select_sql *sql)
{
    struct str text = str_trim(sql->query);
    size_t at = 0;
    size_t done = 0;
    size_t begin = 0;
    struct str name = {0};
    while (str_ends(text, STR(";"))) {
        text = str_trim(str_slice(text, 0, text.len - 1));
    }
    buf_add(buf, STR("(\n"));
    while (next_name(text, &at, &begin, &name)) {
        buf_add(buf, str_slice(text, done, begin));
        add_value(buf, sql, parameter_of(sql, name));
        done = at;
    }
    buf_add(buf, str_slice(text, done, text.len));
    buf_add(buf, STR("\n)"));
}

bool select_sql_prepare(struct select_sql *sql, struct arena *arena, struct err *err)
{
    struct buf buf;
    buf_init(&buf, arena, ROOM);
    if (sql->query.len > 0) {
        add_query(&buf, sql);
    } else {
        struct str table = sql->table;
        struct str schema = sql->schema;
        size_t dot = str_find_byte(table, '.', 0);
        if (schema.len == 0 && dot != STR_NONE && dot > 0 && sql->dialect == SELECT_POSTGRES) {
            schema = str_slice(table, 0, dot);
            table = str_slice(table, dot + 1, table.len);
        }
        if (schema.len > 0) {
            sql_add_name(&buf, schema);
            buf_add_byte(&buf, '.');
        }
        sql_add_name(&buf, table);
    }
    sql->from = buf_str(&buf);
    return buf_ok(&buf) || err_set(err, ERR_RETRY, "out of memory for a statement");
}

struct str select_sql_what(const struct select_sql *sql, struct arena *arena)
{
    if (sql->query.len > 0) {
        return STR("the query");
    }
    return arena_printf(arena, "table %.*s%s%.*s", STR_ARG(sql->schema),
                        sql->schema.len > 0 ? "." : "", STR_ARG(sql->table));
}

/* `columns` and what other options name, each once; or all. */
static void add_columns(struct buf *buf, const struct select *select)
{
    struct select_wanted wanted[SELECT_WANTED_MAX];
    size_t count = select_wanted(select, wanted);
    if (select->columns.count == 0) {
        buf_add(buf, STR("q.*"));
        return;
    }
    for (size_t i = 0; i < select->columns.count; i++) {
        buf_add(buf, i > 0 ? STR(",q.") : STR("q."));
        sql_add_name(buf, select->columns.items[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (select_wanted_once(select, wanted, i)) {
            buf_add(buf, STR(",q."));
            sql_add_name(buf, wanted[i].column);
        }
    }
}

static void add_column(struct buf *buf, struct str name)
{
    buf_add(buf, STR("q."));
    sql_add_name(buf, name);
}

static void add_behind(struct buf *buf, const struct select_sql *sql, size_t value)
{
    struct str rising = sql->select->cursor_column;
    struct str tie = select_tie(sql->select);
    if (str_equal(rising, tie)) {
        buf_add(buf, STR(" AND "));
        add_column(buf, rising);
        buf_add_byte(buf, '>');
        add_value(buf, sql, value);
        return;
    }
    buf_add(buf, STR(" AND ("));
    add_column(buf, rising);
    buf_add_byte(buf, ',');
    add_column(buf, tie);
    buf_add(buf, STR(")>("));
    add_value(buf, sql, value);
    buf_add_byte(buf, ',');
    add_value(buf, sql, value + 1);
    buf_add_byte(buf, ')');
}

static void add_order(struct buf *buf, const struct select_sql *sql, bool reference)
{
    struct str rising = sql->select->cursor_column;
    struct str tie = select_tie(sql->select);
    buf_add(buf, STR(" ORDER BY "));
    add_column(buf, reference ? sql->select->key : rising);
    if (!reference && !str_equal(rising, tie)) {
        buf_add_byte(buf, ',');
        add_column(buf, tie);
    }
}

static size_t values_of(const struct select_sql *sql)
{
    return sql->query.len > 0 ? sql->parameters.count : 0;
}

struct str select_sql_ask(const struct select_sql *sql, const struct select_ask *ask,
                          struct arena *arena)
{
    struct buf buf;
    const struct select *select = sql->select;
    size_t value = values_of(sql);
    bool reference = ask->limit == 0;
    buf_init(&buf, arena, ROOM + sql->from.len);
    buf_add(&buf, STR("SELECT "));
    add_columns(&buf, select);
    buf_add(&buf, STR(" FROM "));
    buf_add(&buf, sql->from);
    buf_add(&buf, STR(" AS q"));
    if (!reference) {
        buf_add(&buf, STR(" WHERE "));
        add_column(&buf, select->cursor_column);
        buf_add(&buf, STR(" IS NOT NULL AND "));
        add_column(&buf, select_tie(select));
        buf_add(&buf, STR(" IS NOT NULL"));
    }
    if (ask->from == SELECT_FROM) {
        buf_add(&buf, STR(" AND "));
        add_column(&buf, select->cursor_column);
        buf_add(&buf, STR(">="));
        add_value(&buf, sql, value++);
    } else if (ask->from == SELECT_BEHIND) {
        add_behind(&buf, sql, value);
        value += str_equal(select->cursor_column, select_tie(select)) ? 1 : 2;
    }
    if (ask->chat.len > 0) {
        buf_add(&buf, STR(" AND CAST("));
        add_column(&buf, select->chat_column);
        buf_add(&buf, STR(" AS text)="));
        add_value(&buf, sql, value);
    }
    add_order(&buf, sql, reference);
    if (!reference) {
        buf_printf(&buf, " LIMIT %zu", ask->limit);
    }
    return buf_str(&buf);
}

struct str select_sql_without(const struct select_sql *sql, struct arena *arena)
{
    struct buf buf;
    buf_init(&buf, arena, ROOM + sql->from.len);
    buf_add(&buf, STR("SELECT count(*) FROM "));
    buf_add(&buf, sql->from);
    buf_add(&buf, STR(" AS q WHERE "));
    add_column(&buf, sql->select->cursor_column);
    buf_add(&buf, STR(" IS NULL OR "));
    add_column(&buf, select_tie(sql->select));
    buf_add(&buf, STR(" IS NULL"));
    return buf_str(&buf);
}

struct str select_sql_shape(const struct select_sql *sql, struct arena *arena)
{
    struct buf buf;
    buf_init(&buf, arena, ROOM + sql->from.len);
    buf_add(&buf, STR("SELECT q.* FROM (SELECT 1 AS one) AS o LEFT JOIN "));
    buf_add(&buf, sql->from);
    buf_add(&buf, STR(" AS q ON 1=0"));
    return buf_str(&buf);
}
