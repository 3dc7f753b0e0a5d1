#include "sink/envelope.h"

#include "base/buf.h"
#include "base/must.h"
#include "text/json.h"

enum { BODY_DEPTH = 40 };

static struct str kind_name(enum record_kind kind)
{
    switch (kind) {
    case RECORD_ABSOLUTE:
        return STR("absolute");
    case RECORD_EFFECT:
        return STR("effect");
    case RECORD_QUESTION:
        return STR("question");
    }
    must_failed("unknown record_kind", __FILE__, __LINE__);
}

bool envelope_of(const struct parcel *parcel, struct str id, struct arena *arena, struct str *out,
                 struct err *err)
{
    char effect[EFFECT_TEXT_MAX];
    struct buf buf;
    struct json_writer json;
    const struct json_value *data = NULL;
    struct json_limits limits = {.depth_max = BODY_DEPTH};
    if (!json_parse(arena, parcel->body, &limits, &data, err)) {
        return err_prefix(err, "the record's body: ");
    }
    buf_init(&buf, arena, parcel->body.len + 256);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("type"), parcel->target);
    json_field_str(&json, STR("id"), id);
    json_field_str(&json, STR("effect"), effect_text(&parcel->effect, effect));
    json_field_str(&json, STR("entity"), parcel->entity);
    json_field_str(&json, STR("kind"), kind_name(parcel->kind));
    json_key(&json, STR("data"));
    json_put_value(&json, data);
    json_object_end(&json);
    json_writer_done(&json);
    *out = buf_str(&buf);
    return buf_ok(&buf) || err_set(err, ERR_RETRY, "out of memory for a record as text");
}
