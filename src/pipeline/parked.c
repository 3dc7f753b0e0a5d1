#include "pipeline/parked.h"

#include "base/buf.h"
#include "text/json.h"

/* By enum value_kind; {"name":["t","דנה"],"count":["i",7]} */
static const struct str kind_letters[] = {
    [VALUE_ABSENT] = STR_INIT(""),  [VALUE_TEXT] = STR_INIT("t"), [VALUE_INT] = STR_INIT("i"),
    [VALUE_DOUBLE] = STR_INIT("d"), [VALUE_BOOL] = STR_INIT("b"), [VALUE_TIME] = STR_INIT("m"),
};

enum { ITEM_ROOM = 1024 };

static void put_value(struct json_writer *json, const struct value *value)
{
    json_array_begin(json);
    json_put_str(json, kind_letters[value->kind]);
    switch (value->kind) {
    case VALUE_TEXT:
        json_put_str(json, value->text);
        break;
    case VALUE_DOUBLE:
        json_put_double(json, value->real);
        break;
    case VALUE_INT:
    case VALUE_BOOL:
    case VALUE_TIME:
        json_put_int(json, value->integer);
        break;
    case VALUE_ABSENT:
        break;
    }
    json_array_end(json);
}

/* A message's own field has a sign in front: another may have its name. */
static struct str name_of(const struct flow *flow, size_t field)
{
    struct str name = flow->chain->fields[field];
    return field < FIELD_BUILTINS ? arena_printf(flow->env->arena, "@%.*s", STR_ARG(name)) : name;
}

struct str parked_write(const struct flow *flow)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, flow->env->arena, ITEM_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    for (size_t i = 0; i < flow->chain->field_count; i++) {
        if (flow->values[i].kind != VALUE_ABSENT) {
            json_key(&json, name_of(flow, i));
            put_value(&json, &flow->values[i]);
        }
    }
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static struct value get_value(const struct json_value *pair)
{
    struct str letter = json_str(json_at(pair, 0));
    const struct json_value *what = json_at(pair, 1);
    struct value value = {0};
    for (size_t kind = 1; kind < sizeof kind_letters / sizeof kind_letters[0]; kind++) {
        if (str_equal(letter, kind_letters[kind])) {
            value.kind = (enum value_kind)kind;
        }
    }
    value.text = json_str(what);
    (void)json_int(what, &value.integer);
    (void)json_double(what, &value.real);
    return value;
}

bool parked_read(struct flow *flow, struct str text, struct err *err)
{
    const struct json_value *root = NULL;
    struct arena *arena = flow->env->arena;
    if (!json_parse(arena, text, NULL, &root, err)) {
        return err_prefix(err, "lookup: a parked item");
    }
    flow->values = arena_array(arena, flow->chain->field_count, sizeof *flow->values);
    if (flow->values == NULL) {
        return err_set(err, ERR_REJECT, "lookup: a parked item needs too much memory");
    }
    for (size_t i = 0; i < flow->chain->field_count; i++) {
        flow->values[i] = get_value(json_get(root, name_of(flow, i)));
    }
    return true;
}
