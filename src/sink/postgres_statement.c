#include "sink/postgres_statement.h"

#include "base/buf.h"
#include "sink/body.h"
#include "text/json.h"

/* ---- Reading the text ---- */

struct scan {
    struct str text;
    size_t at;
    struct buf *sql;
};

static char peek(const struct scan *scan, size_t ahead)
{
    return scan->at + ahead < scan->text.len ? scan->text.ptr[scan->at + ahead] : '\0';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

static bool is_name(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9');
}

static void copy_upto(struct scan *scan, size_t end)
{
    end = end < scan->text.len ? end : scan->text.len;
    buf_add(scan->sql, str_slice(scan->text, scan->at, end));
    scan->at = end;
}

/* Behind the next `what` from `from`; the end of the text when there is none. */
static size_t behind(const struct scan *scan, struct str what, size_t from)
{
    size_t found = str_find(scan->text, what, from);
    return found == STR_NONE ? scan->text.len : found + what.len;
}

/* 'text' or "name"; in E'…' a backslash hides the quote behind it. */
static void copy_quoted(struct scan *scan, bool escapes)
{
    char quote = peek(scan, 0);
    size_t at = scan->at + 1;
    while (at < scan->text.len && scan->text.ptr[at] != quote) {
        at += escapes && scan->text.ptr[at] == '\\' ? 2 : 1;
    }
    copy_upto(scan, at + 1); /* A doubled quote begins the next piece, which is copied alike. */
}

/* Comments nest in PostgreSQL. */
static void copy_comment(struct scan *scan)
{
    size_t at = scan->at + 2;
    size_t depth = 1;
    while (at + 1 < scan->text.len && depth > 0) {
        bool opens = scan->text.ptr[at] == '/' && scan->text.ptr[at + 1] == '*';
        bool closes = scan->text.ptr[at] == '*' && scan->text.ptr[at + 1] == '/';
        depth = depth + opens - closes;
        at += opens || closes ? 2 : 1;
    }
    copy_upto(scan, depth > 0 ? scan->text.len : at);
}

/* $tag$ … $tag$; false when this is no dollar quote. */
static bool copy_dollar(struct scan *scan)
{
    size_t end = scan->at + 1;
    while (end < scan->text.len && is_name(scan->text.ptr[end])) {
        end++;
    }
    if (end >= scan->text.len || scan->text.ptr[end] != '$' ||
        (end > scan->at + 1 && !is_name_start(scan->text.ptr[scan->at + 1]))) {
        return false;
    }
    struct str tag = str_slice(scan->text, scan->at, end + 1);
    copy_upto(scan, behind(scan, tag, end + 1));
    return true;
}

static bool add_parameter(struct scan *scan, struct postgres_statement *out, struct err *err)
{
    size_t end = scan->at + 1;
    while (end < scan->text.len && is_name(scan->text.ptr[end])) {
        end++;
    }
    struct str name = str_slice(scan->text, scan->at + 1, end);
    size_t index = 0;
    while (index < out->count && !str_equal(out->parameters[index], name)) {
        index++;
    }
    if (index == STATEMENT_PARAMETERS_MAX) {
        return err_set(err, ERR_CONFIG, "statement %.*s: more than %d parameters",
                       STR_ARG(out->name), STATEMENT_PARAMETERS_MAX);
    }
    if (index == out->count) {
        out->parameters[out->count++] = name;
    }
    buf_printf(scan->sql, "$%zu", index + 1);
    scan->at = end;
    return true;
}

/* One piece of the text. */
static bool step(struct scan *scan, struct postgres_statement *out, struct err *err)
{
    char c = peek(scan, 0);
    bool after_name = scan->at > 0 && is_name(scan->text.ptr[scan->at - 1]);
    bool escapes = scan->at > 0 &&
                   (scan->text.ptr[scan->at - 1] == 'E' || scan->text.ptr[scan->at - 1] == 'e') &&
                   !(scan->at > 1 && is_name(scan->text.ptr[scan->at - 2]));
    if (c == '\'' || c == '"') {
        copy_quoted(scan, escapes && c == '\'');
    } else if (c == '-' && peek(scan, 1) == '-') {
        copy_upto(scan, behind(scan, STR("\n"), scan->at));
    } else if (c == '/' && peek(scan, 1) == '*') {
        copy_comment(scan);
    } else if (c == ':' && peek(scan, 1) == ':') {
        copy_upto(scan, scan->at + 2);
    } else if (c == ':' && is_name_start(peek(scan, 1))) {
        return add_parameter(scan, out, err);
    } else if (c == '$' && peek(scan, 1) >= '0' && peek(scan, 1) <= '9' && !after_name) {
        return err_set(err, ERR_CONFIG,
                       "statement %.*s: parameters have names here: write :number, not $1",
                       STR_ARG(out->name));
    } else if (c != '$' || after_name || !copy_dollar(scan)) {
        copy_upto(scan, scan->at + 1);
    }
    return true;
}

bool postgres_statement_make(const struct str_pair *pair, struct arena *arena,
                             struct postgres_statement *out, struct err *err)
{
    struct buf sql;
    struct str text = str_trim(pair->text);
    while (str_ends(text, STR(";"))) {
        text = str_trim(str_slice(text, 0, text.len - 1));
    }
    struct scan scan = {.text = arena_copy(arena, text), .sql = &sql};
    buf_init(&sql, arena, text.len + 64);
    *out = (struct postgres_statement){.name = pair->name};
    if (text.len == 0) {
        return err_set(err, ERR_CONFIG, "statement %.*s is empty", STR_ARG(pair->name));
    }
    if (scan.text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "postgres: out of memory for a statement");
    }
    while (scan.at < scan.text.len) {
        if (!step(&scan, out, err)) {
            return false;
        }
    }
    out->sql = buf_str(&sql).ptr;
    return out->sql != NULL || err_set(err, ERR_RETRY, "postgres: out of memory for a statement");
}

/* ---- Values ---- */

static struct str value_text(const struct json_value *value, struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    if (json_kind(value) == JSON_STRING) {
        return json_str(value);
    }
    if (json_kind(value) == JSON_NULL) {
        return (struct str){0};
    }
    buf_init(&buf, arena, 64);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    json_writer_done(&json);
    return buf_str(&buf);
}

/* A column of one of the groups, or a member of a plain object (a question's body is one). */
static const struct json_value *find_value(const struct json_value *body, struct str name)
{
    for (unsigned group = 0; group < BODY_GROUPS; group++) {
        const struct json_value *columns =
            json_get(body, str_of(body_group_name((enum body_group)group)));
        const struct json_value *value =
            json_kind(columns) == JSON_OBJECT ? json_get(columns, name) : NULL;
        if (value != NULL && json_kind(value) != JSON_ABSENT) {
            return value;
        }
    }
    return json_get(body, name);
}

bool postgres_statement_values(const struct postgres_statement *statement,
                               const struct parcel *parcel, struct arena *arena, struct str *values,
                               struct err *err)
{
    const struct json_value *body = NULL;
    if (parcel->removed) {
        return err_set(err, ERR_REJECT, "statement %.*s: it cannot take a row away",
                       STR_ARG(statement->name));
    }
    if (!json_parse(arena, parcel->body, NULL, &body, err)) {
        return err_prefix(err, "the body: ");
    }
    for (size_t i = 0; i < statement->count; i++) {
        if (str_equal(statement->parameters[i], STR("entity"))) {
            values[i] = parcel->entity;
            continue;
        }
        const struct json_value *value = find_value(body, statement->parameters[i]);
        if (value == NULL || json_kind(value) == JSON_ABSENT) {
            return err_set(err, ERR_REJECT, "statement %.*s: the record has no value for :%.*s",
                           STR_ARG(statement->name), STR_ARG(statement->parameters[i]));
        }
        values[i] = value_text(value, arena);
        if (values[i].ptr != NULL && str_find_byte(values[i], '\0', 0) != STR_NONE) {
            return err_set(err, ERR_REJECT, "statement %.*s: the text for :%.*s holds a NUL",
                           STR_ARG(statement->name), STR_ARG(statement->parameters[i]));
        }
    }
    return true;
}

/* ---- Running ---- */

/* OIDs of pg_type that become more than a text. */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_NUMERIC = 1700,
    OID_JSONB = 3802,
};

static void put_column(struct json_writer *json, const struct postgres *db, int column,
                       struct arena *arena)
{
    struct str text = postgres_text(db, column);
    struct err ignored = {0};
    const struct json_value *value = NULL;
    uint32_t type = postgres_column_type(db, column);
    bool is_json = type == OID_INT8 || type == OID_INT2 || type == OID_INT4 || type == OID_JSON ||
                   type == OID_FLOAT4 || type == OID_FLOAT8 || type == OID_NUMERIC ||
                   type == OID_JSONB;
    if (text.ptr == NULL) {
        json_put_null(json);
    } else if (type == OID_BOOL) {
        json_put_bool(json, str_equal(text, STR("t")));
    } else if (is_json && json_parse(arena, text, NULL, &value, &ignored)) {
        json_put_value(json, value);
    } else {
        json_put_str(json, text);
    }
}

static bool first_row(struct postgres *db, struct arena *arena, struct str *answer, struct err *err)
{
    struct buf buf;
    struct json_writer json;
    bool row = false;
    *answer = STR("null");
    if (!postgres_next(db, &row, err)) {
        return false;
    }
    if (row) {
        buf_init(&buf, arena, 256);
        json_writer_init(&json, &buf);
        json_object_begin(&json);
        for (int i = 0; i < postgres_columns(db); i++) {
            json_key(&json, postgres_column_name(db, i));
            put_column(&json, db, i, arena);
        }
        json_object_end(&json);
        json_writer_done(&json);
        *answer = buf_str(&buf);
    }
    return answer->ptr != NULL ||
           err_set(err, ERR_REJECT, "the answer is larger than the memory of a step");
}

bool postgres_statement_run(const struct postgres_statement *statement, struct postgres *db,
                            const struct str *values, int64_t deadline_ms, struct arena *arena,
                            struct str *answer, struct err *err)
{
    if (answer == NULL) {
        return postgres_exec(db, statement->sql, values, statement->count, deadline_ms, NULL, err);
    }
    bool ok = postgres_query(db, statement->sql, values, statement->count, deadline_ms, err) &&
              first_row(db, arena, answer, err);
    /* To its end: what a statement changes is only whole when it is. */
    bool row = ok;
    while (ok && row) {
        ok = postgres_next(db, &row, err);
    }
    postgres_end(db);
    return ok;
}
