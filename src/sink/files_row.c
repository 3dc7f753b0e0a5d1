#include "sink/files_row.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "model/row.h"
#include "text/json.h"

enum { ROW_ROOM = 512 };

static const struct column *find_column(const struct target *target, struct str name)
{
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (str_equal_ascii_case(str_of(column->name), name)) {
            return column;
        }
    }
    return NULL;
}

static bool meet(const struct body_field *a, const struct body_field *b)
{
    unsigned both = 1U << a->group | 1U << b->group;
    bool on_new = (both & BODY_ON_NEW) == both;
    bool on_old = (both & BODY_ON_OLD) == both;
    return (on_new || on_old) && str_equal_ascii_case(a->name, b->name);
}

bool files_row_check(const struct target *target, struct str entity, const struct body *body,
                     struct err *err)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct body_field *field = &body->fields[i];
        const struct column *column = find_column(target, field->name);
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

/* A number in a text column is its text; 0 and 1 in a column of truths are truths. */
static void put_field(struct json_writer *json, enum column_type type,
                      const struct body_field *field)
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

static const struct body_field *find_field(const struct body *body, const char *name,
                                           unsigned groups)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct body_field *field = &body->fields[i];
        if ((1U << field->group & groups) != 0 && str_equal_ascii_case(field->name, str_of(name))) {
            return field;
        }
    }
    return NULL;
}

static bool put_appended(struct json_writer *json, const struct json_value *held,
                         const struct body_field *field, struct arena *arena)
{
    struct buf text;
    buf_init(&text, arena, ROW_ROOM);
    buf_add(&text, json_str(held));
    buf_add(&text, field->text);
    json_put_str(json, buf_ok(&text) ? buf_str(&text) : STR(""));
    return buf_ok(&text);
}

/* Numbers that were added up, and lists that grew. */
static bool put_added(struct json_writer *json, const struct column *column,
                      const struct body_field *field, const struct json_value *held,
                      struct arena *arena, struct err *err)
{
    const struct json_limits limits = {.innocent = true};
    const struct json_value *more = NULL;
    if (!json_parse(arena, field->text, &limits, &more, err)) {
        return false;
    }
    bool ok = field->group == BODY_INC ? row_put_sum(json, held, more, err)
                                       : row_put_pushed(json, held, more, err);
    return ok || err_prefix(err, "column '%s': ", column->name);
}

static bool put_column(struct json_writer *json, const struct column *column,
                       const struct body_field *field, const struct json_value *held, bool is_new,
                       struct arena *arena, struct err *err)
{
    if (field != NULL && field->group == BODY_APPEND) {
        return put_appended(json, held, field, arena) ||
               err_set(err, ERR_RETRY, "out of step memory");
    }
    if (field != NULL && (field->group == BODY_INC || field->group == BODY_PUSH)) {
        return put_added(json, column, field, held, arena, err);
    }
    if (field != NULL) {
        put_field(json, column->type, field);
    } else if (is_new && column->initial != NULL) {
        json_put_raw(json, str_of(column->initial));
    } else if (json_kind(held) != JSON_ABSENT) {
        json_put_value(json, held);
    } else {
        json_put_null(json);
    }
    return true;
}

bool files_row_make(const struct target *target, struct str entity, struct str before,
                    const struct body *body, struct arena *arena, struct str *row, struct err *err)
{
    const struct json_limits limits = {.size_max = FILES_ROW_MAX};
    const struct json_value *old = NULL;
    struct json_writer json;
    struct buf buf;
    bool is_new = before.ptr == NULL;
    if (!is_new && !json_parse(arena, before, &limits, &old, err)) {
        return err_prefix(err, "table %s: the row that is there: ", target->name);
    }
    buf_init(&buf, arena, before.len + ROW_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        struct str name = str_of(column->name);
        json_key(&json, name);
        if (str_equal_ascii_case(name, str_of(target->key))) {
            json_put_str(&json, entity);
            continue;
        }
        const struct body_field *field =
            find_field(body, column->name, is_new ? BODY_ON_NEW : BODY_ON_OLD);
        if (!put_column(&json, column, field, json_get(old, name), is_new, arena, err)) {
            return err_prefix(err, "table %s: ", target->name);
        }
    }
    json_object_end(&json);
    json_writer_done(&json);
    *row = buf_str(&buf);
    if (row->ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of step memory for a row of table %s", target->name);
    }
    return row->len <= FILES_ROW_MAX ||
           err_set(err, ERR_REJECT, "table %s: the row is larger than %d MiB", target->name,
                   FILES_ROW_MAX >> 20);
}
