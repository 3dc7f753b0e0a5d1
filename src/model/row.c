#include "model/row.h"

#include <string.h>

#include "base/buf.h"
#include "text/json.h"
#include "text/json_merge.h"

enum { FIELDS_FIRST = 16, VALUE_FIRST = 64, NAME_SHOWN = 64 };

void row_init(struct row *row, struct arena *arena)
{
    *row = (struct row){.arena = arena};
}

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "a row is larger than the memory of a step");
}

static struct row_field *find(const struct row *row, struct str name)
{
    for (size_t i = 0; i < row->count; i++) {
        if (str_equal(row->fields[i].name, name)) {
            return &row->fields[i];
        }
    }
    return NULL;
}

static bool grow(struct row *row, struct err *err)
{
    size_t room = row->room == 0 ? FIELDS_FIRST : row->room * 2;
    if (row->count == ROW_FIELDS_MAX) {
        return err_set(err, ERR_REJECT, "a row has more than %d columns", ROW_FIELDS_MAX);
    }
    struct row_field *fields = arena_array(row->arena, room, sizeof *fields);
    if (fields == NULL) {
        return out_of_memory(err);
    }
    if (row->count > 0) {
        memcpy(fields, row->fields, row->count * sizeof *fields);
    }
    row->fields = fields;
    row->room = room;
    return true;
}

static struct str value_text(struct arena *arena, const struct json_value *value)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, VALUE_FIRST);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    json_writer_done(&json);
    return buf_str(&buf);
}

static bool put(struct row *row, struct str name, struct str value, struct err *err)
{
    struct row_field *field = find(row, name);
    if (field == NULL) {
        if (row->count == row->room && !grow(row, err)) {
            return false;
        }
        field = &row->fields[row->count++];
        field->name = name;
    }
    field->value = value;
    return value.ptr != NULL || out_of_memory(err);
}

static bool put_all(struct row *row, const struct json_value *columns, struct err *err)
{
    struct json_iter iter;
    struct str name = {0};
    const struct json_value *value = NULL;
    json_iter_init(&iter, columns);
    while (json_next(&iter, &name, &value)) {
        struct str own = arena_copy(row->arena, name);
        if (own.ptr == NULL) {
            return out_of_memory(err);
        }
        if (!put(row, own, value_text(row->arena, value), err)) {
            return false;
        }
    }
    return true;
}

/* Text behind what the column holds; a column that holds none begins with it. */
static bool append_all(struct row *row, const struct json_value *columns, struct err *err)
{
    struct json_iter iter;
    struct str name = {0};
    const struct json_value *value = NULL;
    json_iter_init(&iter, columns);
    while (json_next(&iter, &name, &value)) {
        struct buf text;
        struct buf quoted;
        buf_init(&text, row->arena, VALUE_FIRST);
        buf_init(&quoted, row->arena, VALUE_FIRST);
        struct str before = row_show(row->arena, row_value(row, name));
        buf_add(&text, before);
        buf_add(&text, json_str(value));
        json_quote(&quoted, buf_str(&text));
        struct str own = arena_copy(row->arena, name);
        if (!buf_ok(&text) || own.ptr == NULL) {
            return out_of_memory(err);
        }
        if (!put(row, own, buf_str(&quoted), err)) {
            return false;
        }
    }
    return true;
}

static const struct json_value *read_value(struct arena *arena, struct str text)
{
    const struct json_value *value = NULL;
    struct err ignored = {0};
    return text.ptr != NULL && json_parse(arena, text, NULL, &value, &ignored) ? value : NULL;
}

bool row_put_sum(struct json_writer *json, const struct json_value *held,
                 const struct json_value *more, struct err *err)
{
    int64_t whole[2] = {0};
    double real[2] = {0};
    bool none = held == NULL || json_kind(held) == JSON_NULL;
    bool wholes = (none || json_int(held, &whole[0])) && json_int(more, &whole[1]);
    if ((!none && !json_double(held, &real[0])) || !json_double(more, &real[1])) {
        return err_set(err, ERR_REJECT, "what it holds is no number, so nothing can be added");
    }
    bool fraction = json_kind(held) == JSON_DOUBLE || json_kind(more) == JSON_DOUBLE;
    if (!wholes || fraction) {
        json_put_double(json, real[0] + real[1]);
        return true;
    }
    if (__builtin_add_overflow(whole[0], whole[1], &whole[0])) {
        return err_set(err, ERR_REJECT, "the sum is too large for a whole number");
    }
    json_put_int(json, whole[0]);
    return true;
}

bool row_put_pushed(struct json_writer *json, const struct json_value *held,
                    const struct json_value *more, struct err *err)
{
    struct json_iter iter;
    const struct json_value *item = NULL;
    bool none = held == NULL || json_kind(held) == JSON_NULL;
    if (!none && json_kind(held) != JSON_ARRAY) {
        return err_set(err, ERR_REJECT, "what it holds is no list, so nothing can be pushed");
    }
    json_array_begin(json);
    json_iter_init(&iter, held);
    while (json_next(&iter, NULL, &item)) {
        json_put_value(json, item);
    }
    json_put_value(json, more);
    json_array_end(json);
    return true;
}

typedef bool put_added(struct json_writer *json, const struct json_value *held,
                       const struct json_value *more, struct err *err);

/* Each column holds what `put` makes of what it held. */
static bool add_all(struct row *row, const struct json_value *columns, put_added *put_value,
                    struct err *err)
{
    struct json_iter iter;
    struct str name = {0};
    const struct json_value *value = NULL;
    json_iter_init(&iter, columns);
    while (json_next(&iter, &name, &value)) {
        struct buf buf;
        struct json_writer json;
        struct str own = arena_copy(row->arena, name);
        buf_init(&buf, row->arena, VALUE_FIRST);
        json_writer_init(&json, &buf);
        if (own.ptr == NULL) {
            return out_of_memory(err);
        }
        if (!put_value(&json, read_value(row->arena, row_value(row, name)), value, err)) {
            return err_prefix(err, "column '%.*s': ", STR_ARG(str_slice(name, 0, NAME_SHOWN)));
        }
        json_writer_done(&json);
        if (!put(row, own, buf_str(&buf), err)) {
            return false;
        }
    }
    return true;
}

static bool parse(struct row *row, struct str text, const struct json_value **root, struct err *err)
{
    if (!json_parse(row->arena, text, NULL, root, err)) {
        return false;
    }
    return json_kind(*root) == JSON_OBJECT ||
           err_set(err, ERR_REJECT, "a body is not a JSON object of column groups");
}

bool row_read(struct row *row, struct str columns, struct err *err)
{
    const struct json_value *root = NULL;
    row->there = columns.ptr != NULL;
    row->count = 0;
    return !row->there || (parse(row, columns, &root, err) && put_all(row, root, err));
}

bool row_apply(struct row *row, struct str body, struct err *err)
{
    const struct json_value *root = NULL;
    if (!parse(row, body, &root, err) || !put_all(row, json_get(root, STR("set")), err) ||
        !add_all(row, json_get(root, STR("inc")), row_put_sum, err) ||
        !add_all(row, json_get(root, STR("push")), row_put_pushed, err) ||
        !add_all(row, json_get(root, STR("merge")), json_put_merged, err)) {
        return false;
    }
    if (!row->there) {
        row->there = true;
        return put_all(row, json_get(root, STR("insert")), err);
    }
    return put_all(row, json_get(root, STR("update")), err) &&
           append_all(row, json_get(root, STR("append")), err);
}

struct str row_value(const struct row *row, struct str name)
{
    const struct row_field *field = find(row, name);
    return field != NULL ? field->value : (struct str){0};
}

bool row_same(struct arena *arena, struct str a, struct str b)
{
    double left = 0;
    double right = 0;
    struct arena_mark mark = arena_mark(arena);
    const struct json_value *one = read_value(arena, a);
    const struct json_value *other = read_value(arena, b);
    bool none = json_kind(one) == JSON_NULL || one == NULL;
    bool none_other = json_kind(other) == JSON_NULL || other == NULL;
    bool same = none && none_other;
    if (!none && !none_other) {
        same = str_equal(a, b) || (json_double(one, &left) && json_double(other, &right) &&
                                   left >= right && left <= right);
    }
    arena_rewind(arena, mark);
    return same;
}

struct str row_show(struct arena *arena, struct str value)
{
    const struct json_value *read = read_value(arena, value);
    if (json_kind(read) == JSON_STRING) {
        return json_str(read);
    }
    return json_kind(read) == JSON_NULL ? STR("") : value;
}
