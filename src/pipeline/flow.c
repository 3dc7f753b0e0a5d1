#include "pipeline/flow.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "crypto/digest.h"
#include "text/datetime.h"
#include "text/json.h"

enum { ITEM_NUMBER_ROOM = 16, NOTE_EXTRA = 3 };

bool flow_pass(struct flow *flow, const struct step *step, struct err *err)
{
    struct step *next = step->next;
    return next == NULL || next->type->apply(next, flow, err);
}

bool flow_enter(struct flow *flow, const struct step_list *list, struct err *err)
{
    return list->count == 0 || list->items[0]->type->apply(list->items[0], flow, err);
}

bool flow_leave(struct flow *flow, const struct step *step, struct str reason, struct err *err)
{
    if (step->otherwise.count == 0) {
        return true;
    }
    struct value before = flow->values[FIELD_REASON];
    flow->values[FIELD_REASON] = value_of_text(reason);
    bool ok = flow_enter(flow, &step->otherwise, err);
    flow->values[FIELD_REASON] = before;
    return ok;
}

bool flow_copy(struct flow *flow, struct value **before, struct err *err)
{
    size_t size = flow->chain->field_count * sizeof *flow->values;
    struct value *copy = arena_alloc(flow->env->arena, size);
    if (copy == NULL) {
        return err_set(err, ERR_REJECT, "%.*s: the message needs too much memory",
                       STR_ARG(flow->chain->op.name));
    }
    memcpy(copy, flow->values, size);
    *before = flow->values;
    flow->values = copy;
    return true;
}

bool flow_memory(const struct step *step, struct err *err)
{
    return err_set(err, ERR_REJECT, "%s: the message needs too much memory", step->type->kind);
}

struct value value_of_text(struct str text)
{
    return (struct value){.kind = text.ptr != NULL ? VALUE_TEXT : VALUE_ABSENT, .text = text};
}

struct value value_of_int(int64_t integer)
{
    return (struct value){.kind = VALUE_INT, .integer = integer};
}

struct value value_of_time(int64_t unix_ms)
{
    return (struct value){.kind = VALUE_TIME, .integer = unix_ms};
}

struct str value_text(const struct value *value, struct arena *arena)
{
    char time[DATETIME_TEXT_MAX];
    char number[JSON_NUMBER_MAX];
    switch (value->kind) {
    case VALUE_ABSENT:
        return (struct str){0};
    case VALUE_TEXT:
        return value->text;
    case VALUE_INT:
        return arena_printf(arena, "%" PRId64, value->integer);
    case VALUE_DOUBLE:
        return arena_copy(arena, json_double_text(value->real, number));
    case VALUE_BOOL:
        return value->integer != 0 ? STR("true") : STR("false");
    case VALUE_TIME:
        return arena_copy(arena, datetime_format_iso(value->integer, time));
    }
    must(false);
}

/* A short key that begins like a digest gets a second sign, so none is taken for one. */
struct str note_fit(struct flow *flow, struct str key)
{
    char hex[DIGEST_HEX_MAX];
    if (key.len > NOTE_KEY_MAX) {
        key = digest_hex(DIGEST_SHA256, key, hex);
    } else if (!str_starts(key, STR("#"))) {
        return key;
    }
    struct buf buf;
    buf_init(&buf, flow->env->arena, key.len + 2);
    buf_add_byte(&buf, '#');
    buf_add(&buf, key);
    return buf_str(&buf);
}

/* "count:c:<key>" */
bool note_key(struct flow *flow, const struct step *step, char tag, struct str key,
              struct str *whole, struct err *err)
{
    struct str name = step->name;
    size_t len = name.len + NOTE_EXTRA + key.len;
    char *bytes = key.ptr != NULL ? arena_bytes(flow->env->arena, len) : NULL;
    if (bytes == NULL) {
        return flow_memory(step, err);
    }
    memcpy(bytes, name.ptr, name.len);
    bytes[name.len] = ':';
    bytes[name.len + 1] = tag;
    bytes[name.len + 2] = ':';
    memcpy(bytes + name.len + NOTE_EXTRA, key.ptr, key.len);
    *whole = (struct str){bytes, len};
    return true;
}

bool note_get(struct flow *flow, const struct step *step, char tag, struct str key,
              struct str *value, struct err *err)
{
    struct str whole = {0};
    return note_key(flow, step, tag, key, &whole, err) &&
           flow->env->get(flow->env, whole, value, err);
}

bool note_put(struct flow *flow, const struct step *step, char tag, struct str key,
              struct str value, struct err *err)
{
    struct str whole = {0};
    return note_key(flow, step, tag, key, &whole, err) &&
           flow->env->put(flow->env, whole, value, err);
}

bool note_del(struct flow *flow, const struct step *step, char tag, struct str key, struct err *err)
{
    struct str whole = {0};
    return note_key(flow, step, tag, key, &whole, err) && flow->env->del(flow->env, whole, err);
}

struct str flow_item_name(struct flow *flow)
{
    const struct value *values = flow->values;
    struct str chat = values[FIELD_CHAT].text;
    struct str id = values[FIELD_ID].text;
    struct buf buf;
    buf_init(&buf, flow->env->arena, chat.len + id.len + ITEM_NUMBER_ROOM);
    buf_add(&buf, chat);
    buf_add_byte(&buf, '/');
    buf_add(&buf, id);
    buf_add_byte(&buf, '/');
    buf_add_int(&buf, values[FIELD_ITEM].integer);
    return buf_str(&buf);
}
