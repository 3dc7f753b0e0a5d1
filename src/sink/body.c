#include "sink/body.h"

#include <inttypes.h>
#include <stdio.h>

#include "text/json_merge.h"

enum { BODY_DEPTH_MAX = 32 };

static const struct str group_names[BODY_GROUPS] = {
    [BODY_SET] = STR_INIT("set"),       [BODY_INSERT] = STR_INIT("insert"),
    [BODY_UPDATE] = STR_INIT("update"), [BODY_APPEND] = STR_INIT("append"),
    [BODY_INC] = STR_INIT("inc"),       [BODY_PUSH] = STR_INIT("push"),
    [BODY_MERGE] = STR_INIT("merge"),
};

const char *body_group_name(enum body_group group)
{
    return group < BODY_GROUPS ? group_names[group].ptr : "?";
}

const char *body_type_name(enum body_type type)
{
    static const char *const names[] = {"null", "text",  "a whole number",     "a number",
                                        "true", "false", "a list or an object"};
    return names[type];
}

/* The value as canonical JSON. */
static bool read_text(const struct json_value *value, struct arena *arena, struct body_field *field,
                      struct err *err)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 256);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    json_writer_done(&json);
    field->text = buf_str(&buf);
    return field->text.ptr != NULL ||
           err_set(err, ERR_RETRY, "the body is larger than the memory of a step");
}

static bool read_value(const struct json_value *value, struct arena *arena,
                       struct body_field *field, struct err *err)
{
    bool truth = false;
    switch (json_kind(value)) {
    case JSON_STRING:
        field->type = BODY_TEXT;
        field->text = json_str(value);
        return str_find_byte(field->text, '\0', 0) == STR_NONE ||
               err_set(err, ERR_REJECT, "the text for column '%.*s' holds a NUL",
                       STR_ARG(str_slice(field->name, 0, BODY_NAME_SHOWN)));
    case JSON_INT:
        field->type = BODY_INT;
        return json_int(value, &field->integer);
    case JSON_DOUBLE:
        field->type = BODY_DOUBLE;
        return json_double(value, &field->real);
    case JSON_BOOL:
        field->type = json_bool(value, &truth) && truth ? BODY_TRUE : BODY_FALSE;
        return true;
    case JSON_NULL:
        field->type = BODY_NULL;
        return true;
    case JSON_ARRAY:
    case JSON_OBJECT:
        field->type = BODY_JSON;
        return read_text(value, arena, field, err);
    case JSON_UINT:
    case JSON_BIG:
        return err_set(err, ERR_REJECT, "the number for column '%.*s' is too large",
                       STR_ARG(str_slice(field->name, 0, BODY_NAME_SHOWN)));
    case JSON_ABSENT:
        break;
    }
    return err_set(err, ERR_REJECT, "a value is missing");
}

/* A field of the group, whose name is known. */
static bool read_field(const struct json_value *value, struct arena *arena,
                       struct body_field *field, struct err *err)
{
    if (!read_value(value, arena, field, err)) {
        return false;
    }
    bool pushed = field->group == BODY_PUSH;
    bool wants_text = (pushed && field->type != BODY_JSON) || field->group == BODY_INC;
    if (wants_text && !read_text(value, arena, field, err)) {
        return false;
    }
    field->type = pushed ? BODY_JSON : field->type;
    return field->group != BODY_MERGE || json_merge_check(value, err) ||
           err_prefix(err, "column '%.*s': ", STR_ARG(str_slice(field->name, 0, BODY_NAME_SHOWN)));
}

static bool read_columns(const struct json_value *columns, enum body_group group,
                         struct arena *arena, struct body *body, struct err *err)
{
    struct json_iter iter;
    struct str name = {0};
    const struct json_value *value = NULL;
    json_iter_init(&iter, columns);
    while (json_next(&iter, &name, &value)) {
        if (body->count == BODY_FIELDS_MAX) {
            return err_set(err, ERR_REJECT, "the body has more than %d columns", BODY_FIELDS_MAX);
        }
        struct body_field *field = &body->fields[body->count++];
        field->group = group;
        field->name = name;
        field->column = NULL;
        body->shape = str_hash(name, body->shape + (uint64_t)group + 1);
        if (!read_field(value, arena, field, err)) {
            return false;
        }
    }
    return true;
}

static bool read_group(struct str name, const struct json_value *columns, struct arena *arena,
                       struct body *body, struct err *err)
{
    for (unsigned group = 0; group < BODY_GROUPS; group++) {
        if (!str_equal(name, group_names[group])) {
            continue;
        }
        if (json_kind(columns) != JSON_OBJECT) {
            return err_set(err, ERR_REJECT, "\"%s\" of the body is no object",
                           group_names[group].ptr);
        }
        return read_columns(columns, (enum body_group)group, arena, body, err);
    }
    return err_set(err, ERR_REJECT, "the body has an unknown group '%.*s'",
                   STR_ARG(str_slice(name, 0, BODY_NAME_SHOWN)));
}

bool body_read(struct str text, struct arena *arena, struct body *out, struct err *err)
{
    static const struct json_limits limits = {.depth_max = BODY_DEPTH_MAX, .innocent = true};
    const struct json_value *root = NULL;
    struct json_iter iter;
    struct str name = {0};
    const struct json_value *columns = NULL;
    out->count = 0;
    out->shape = 0;
    if (!json_parse(arena, text, &limits, &root, err)) {
        return err_prefix(err, "the body: ");
    }
    if (json_kind(root) != JSON_OBJECT) {
        return err_set(err, ERR_REJECT, "the body is no object");
    }
    json_iter_init(&iter, root);
    while (json_next(&iter, &name, &columns)) {
        if (!read_group(name, columns, arena, out, err)) {
            return false;
        }
    }
    return true;
}

bool body_suits_kind(const struct body *body, enum record_kind kind, struct err *err)
{
    for (size_t i = 0; i < body->count && kind == RECORD_ABSOLUTE; i++) {
        enum body_group group = body->fields[i].group;
        if (group == BODY_APPEND || group == BODY_INC || group == BODY_PUSH) {
            return err_set(
                err, ERR_REJECT,
                "column '%.*s': \"%s\" adds to what is there, which only an effect may do "
                "(`once: true` in a step)",
                STR_ARG(str_slice(body->fields[i].name, 0, BODY_NAME_SHOWN)),
                group_names[group].ptr);
        }
    }
    return true;
}

static const char *column_type_name(enum column_type type)
{
    switch (type) {
    case COLUMN_TEXT:
        return "text";
    case COLUMN_INT:
        return "whole numbers";
    case COLUMN_DOUBLE:
        return "numbers";
    case COLUMN_BOOL:
        return "true or false";
    case COLUMN_TIME:
        return "a time as text";
    case COLUMN_DATE:
        return "a date as text";
    case COLUMN_JSON:
        return "JSON";
    }
    return "?";
}

/* Whether a value suits a declared type. Numbers are welcome in texts: they are written out. */
static bool suits(enum column_type type, const struct body_field *field)
{
    bool is_bool = field->type == BODY_TRUE || field->type == BODY_FALSE;
    bool is_number = field->type == BODY_INT || field->type == BODY_DOUBLE;
    if (field->group == BODY_PUSH || field->group == BODY_MERGE) {
        return type == COLUMN_JSON;
    }
    if (field->group == BODY_INC) {
        return type == COLUMN_DOUBLE ? is_number : type == COLUMN_INT && field->type == BODY_INT;
    }
    if (field->type == BODY_NULL || type == COLUMN_JSON) {
        return field->group != BODY_APPEND;
    }
    switch (type) {
    case COLUMN_INT:
        return field->type == BODY_INT;
    case COLUMN_DOUBLE:
        return is_number;
    case COLUMN_BOOL:
        return is_bool || (field->type == BODY_INT && (field->integer | 1) == 1);
    case COLUMN_TEXT:
        return field->type == BODY_TEXT || (is_number && field->group != BODY_APPEND);
    case COLUMN_TIME:
    case COLUMN_DATE:
        return field->type == BODY_TEXT && field->group != BODY_APPEND;
    case COLUMN_JSON:
        break;
    }
    return false;
}

/* What a message says behind the name of a value. */
static const char *purpose_of(enum body_group group)
{
    return group == BODY_APPEND  ? " to append"
           : group == BODY_INC   ? " to add"
           : group == BODY_PUSH  ? " to push"
           : group == BODY_MERGE ? " to merge"
                                 : "";
}

static unsigned lower(unsigned letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter;
}

/* Compared without case, and without counting the letters of every column for every field. */
static bool is_named(const char *column, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned a = (unsigned char)column[i];
        unsigned b = (unsigned char)name.ptr[i];
        bool same = a == b || (lower(a) == lower(b));
        if (!same || a == 0) {
            return false;
        }
    }
    return column[name.len] == '\0';
}

bool body_suits(const struct target *target, const struct column *column,
                const struct body_field *field, struct str entity, struct err *err)
{
    if (is_named(target->key, field->name)) {
        bool same = field->type == BODY_TEXT && str_equal(field->text, entity);
        return same || err_set(err, ERR_REJECT,
                               "table %s: column %s is the key and must hold the record's entity",
                               target->name, column->name);
    }
    return body_suits_column(target, column, field, err);
}

bool body_suits_column(const struct target *target, const struct column *column,
                       const struct body_field *field, struct err *err)
{
    return suits(column->type, field) ||
           err_set(err, ERR_REJECT, "table %s: column %s takes %s, not %s%s", target->name,
                   column->name, column_type_name(column->type), body_type_name(field->type),
                   purpose_of(field->group));
}

const struct column *body_column(const struct target *target, struct str name)
{
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (is_named(column->name, name)) {
            return column;
        }
    }
    return NULL;
}

static bool meet(const struct body_field *a, const struct body_field *b)
{
    if (a->column != b->column) {
        return false;
    }
    unsigned both = 1U << a->group | 1U << b->group;
    return (both & BODY_ON_NEW) == both || (both & BODY_ON_OLD) == both;
}

/* Ops write columns in the order of their declaration: the next one is mostly the right one. */
static const struct column *column_after(const struct column *last, const struct target *target,
                                         struct str name)
{
    bool next = last != NULL && last[1].name != NULL && is_named(last[1].name, name);
    return next ? last + 1 : body_column(target, name);
}

bool body_check(const struct target *target, struct str entity, struct body *body, struct err *err)
{
    const struct column *column = NULL;
    for (size_t i = 0; i < body->count; i++) {
        struct body_field *field = &body->fields[i];
        column = column_after(column, target, field->name);
        field->column = column;
        if (column == NULL) {
            return err_set(err, ERR_REJECT, "table %s: a column '%.*s' is not declared",
                           target->name, STR_ARG(str_slice(field->name, 0, BODY_NAME_SHOWN)));
        }
        for (size_t j = 0; j < i; j++) {
            if (meet(field, &body->fields[j])) {
                return err_set(err, ERR_REJECT,
                               "table %s: column '%s' is written by both %s and %s", target->name,
                               column->name, body_group_name(body->fields[j].group),
                               body_group_name(field->group));
            }
        }
        if (!body_suits(target, column, field, entity, err)) {
            return false;
        }
    }
    return true;
}

bool body_initial(const struct column *column, struct arena *arena, struct body_field *out,
                  struct err *err)
{
    static const struct json_limits limits = {.depth_max = BODY_DEPTH_MAX, .innocent = true};
    const struct json_value *value = NULL;
    *out = (struct body_field){.group = BODY_INSERT, .name = str_of(column->name)};
    return column->initial == NULL ||
           (json_parse(arena, str_of(column->initial), &limits, &value, err) &&
            read_value(value, arena, out, err));
}

void body_put(struct json_writer *json, enum column_type type, const struct body_field *field)
{
    char number[JSON_NUMBER_MAX];
    bool as_text = type == COLUMN_TEXT;
    switch (field->type) {
    case BODY_NULL:
        json_put_null(json);
        return;
    case BODY_TEXT:
        json_put_str(json, field->text);
        return;
    case BODY_JSON:
        json_put_raw(json, field->text);
        return;
    case BODY_INT:
        if (type == COLUMN_BOOL) {
            json_put_bool(json, field->integer != 0);
        } else if (as_text) {
            (void)snprintf(number, sizeof number, "%" PRId64, field->integer);
            json_put_str(json, str_of(number));
        } else {
            json_put_int(json, field->integer);
        }
        return;
    case BODY_DOUBLE:
        if (as_text) {
            json_put_str(json, json_double_text(field->real, number));
        } else {
            json_put_double(json, field->real);
        }
        return;
    case BODY_TRUE:
    case BODY_FALSE:
        json_put_bool(json, field->type == BODY_TRUE);
        return;
    }
}

const struct body_field *body_find(const struct body *body, const char *column, unsigned groups)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct body_field *field = &body->fields[i];
        if ((1U << field->group & groups) != 0 && is_named(column, field->name)) {
            return field;
        }
    }
    return NULL;
}

bool body_value(const struct json_value *value, struct str name, struct arena *arena,
                struct body_field *out, struct err *err)
{
    *out = (struct body_field){.group = BODY_SET, .name = name};
    return read_value(value, arena, out, err);
}
