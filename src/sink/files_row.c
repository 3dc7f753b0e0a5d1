#include "sink/files_row.h"

#include "base/buf.h"
#include "model/row.h"
#include "text/json.h"
#include "text/json_merge.h"

enum { ROW_ROOM = 512 };

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

/* Numbers that were added up, lists that grew or were merged. */
static bool put_added(struct json_writer *json, const struct column *column,
                      const struct body_field *field, const struct json_value *held,
                      struct arena *arena, struct err *err)
{
    const struct json_limits limits = {.innocent = true};
    const struct json_value *more = NULL;
    if (!json_parse(arena, field->text, &limits, &more, err)) {
        return false;
    }
    bool ok = field->group == BODY_INC     ? row_put_sum(json, held, more, err)
              : field->group == BODY_MERGE ? json_put_merged(json, held, more, err)
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
    if (field != NULL &&
        (field->group == BODY_INC || field->group == BODY_PUSH || field->group == BODY_MERGE)) {
        return put_added(json, column, field, held, arena, err);
    }
    if (field != NULL) {
        body_put(json, column->type, field);
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
            body_find(body, column->name, is_new ? BODY_ON_NEW : BODY_ON_OLD);
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
