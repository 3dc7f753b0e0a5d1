#include "pipeline/compose.h"

#include "text/json.h"
#include "text/utf8.h"

enum { TEXT_ROOM = 128 };

static bool prepare_format(struct compose_part *part, struct step_scope *scope,
                           struct step_spot spot, struct str format)
{
    static const struct {
        struct str name;
        enum compose_format format;
    } names[] = {
        {STR_INIT("line"), COMPOSE_LINE},
        {STR_INIT("html"), COMPOSE_HTML},
        {STR_INIT("json"), COMPOSE_JSON},
        {STR_INIT("csv"), COMPOSE_CSV},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_equal(format, names[i].name)) {
            part->format = names[i].format;
            return true;
        }
    }
    struct err err = {0};
    if (step_field_type(scope, part->field) != VALUE_TIME) {
        return step_fault(scope, spot,
                          "template: there is no format '%.*s' for a value that is no time; there "
                          "are line, html, json, csv and a number of characters",
                          STR_ARG(format));
    }
    struct timepattern *pattern = arena_alloc(scope->arena, sizeof *pattern);
    if (pattern == NULL) {
        return step_fault(scope, spot, "out of memory");
    }
    part->format = COMPOSE_TIME;
    part->pattern = pattern;
    return timepattern_compile(format, pattern, &err) ||
           step_fault(scope, spot, "template: %s", err.text);
}

static bool prepare_part(struct compose_part *part, const struct template_part *from,
                         struct step_scope *scope, struct step_spot spot)
{
    *part = (struct compose_part){.plain = from->plain,
                                  .is_place = from->name.len > 0,
                                  .optional = from->optional,
                                  .cut = from->cut};
    if (!part->is_place) {
        return true;
    }
    spot.character = from->at;
    return step_reads(scope, spot, from->name, &part->field) &&
           (from->format.len == 0 || prepare_format(part, scope, spot, from->format));
}

bool compose_prepare(struct compose *compose, struct step_scope *scope, struct step_spot spot,
                     struct str text)
{
    struct template template;
    struct err err = {0};
    bool good = true;
    if (!template_open(&template, scope->arena, text, &err)) {
        return step_fault_err(scope, spot, &err);
    }
    struct compose_part *parts = arena_array(scope->arena, template.count + 1, sizeof *parts);
    if (parts == NULL) {
        return step_fault(scope, spot, "out of memory");
    }
    for (size_t i = 0; i < template.count; i++) {
        good = prepare_part(&parts[i], &template.parts[i], scope, spot) && good;
    }
    bool single = template.count == 1 && parts[0].is_place && parts[0].cut == 0 &&
                  parts[0].format == COMPOSE_PLAIN;
    *compose = (struct compose){
        .parts = parts,
        .count = template.count,
        .type = single && good ? step_field_type(scope, parts[0].field) : VALUE_TEXT,
        .zone = scope->chain->zone,
    };
    return good;
}

static void add_html(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        switch (byte) {
        case '<':
            buf_add(out, STR("&lt;"));
            break;
        case '>':
            buf_add(out, STR("&gt;"));
            break;
        case '&':
            buf_add(out, STR("&amp;"));
            break;
        case '"':
            buf_add(out, STR("&quot;"));
            break;
        case '\'':
            buf_add(out, STR("&#39;"));
            break;
        default:
            buf_add_byte(out, byte);
            break;
        }
    }
}

static void add_line(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        bool cr = byte == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n';
        if (!cr) {
            buf_add_byte(out, byte < ' ' || byte == 0x7F ? ' ' : (char)byte);
        }
    }
}

/* Always in quotes, and never what a spreadsheet takes for a formula. */
static void add_csv(struct buf *out, struct str text)
{
    bool formula = text.len > 0 && (text.ptr[0] == '=' || text.ptr[0] == '+' ||
                                    text.ptr[0] == '-' || text.ptr[0] == '@');
    buf_add(out, formula ? STR("\"'") : STR("\""));
    for (size_t i = 0; i < text.len; i++) {
        buf_add_byte(out, text.ptr[i]);
        if (text.ptr[i] == '"') {
            buf_add_byte(out, '"');
        }
    }
    buf_add_byte(out, '"');
}

/* The inside of a JSON string. */
static void add_json(struct buf *out, struct str text, struct arena *arena)
{
    struct buf quoted;
    buf_init(&quoted, arena, text.len + 2);
    json_quote(&quoted, text);
    struct str whole = buf_str(&quoted);
    out->failed = out->failed || whole.ptr == NULL;
    buf_add(out, whole.len >= 2 ? str_slice(whole, 1, whole.len - 1) : STR(""));
}

static void add_value(struct buf *out, const struct compose *compose,
                      const struct compose_part *part, const struct value *value,
                      struct arena *arena)
{
    char time[DATETIME_TEXT_MAX];
    if (part->format == COMPOSE_TIME && value->kind == VALUE_TIME) {
        buf_add(out, timepattern_write(part->pattern, compose->zone, value->integer, time));
        return;
    }
    struct str text = value_text(value, arena);
    text = part->cut > 0 ? utf8_prefix_whole(text, part->cut) : text;
    switch (part->format) {
    case COMPOSE_LINE:
        add_line(out, text);
        return;
    case COMPOSE_HTML:
        add_html(out, text);
        return;
    case COMPOSE_JSON:
        add_json(out, text, arena);
        return;
    case COMPOSE_CSV:
        add_csv(out, text);
        return;
    case COMPOSE_PLAIN:
    case COMPOSE_TIME:
        break;
    }
    buf_add(out, text);
}

static bool write_text(const struct compose *compose, struct flow *flow, const struct step *step,
                       struct str *out, struct err *err)
{
    struct buf buf;
    buf_init(&buf, flow->env->arena, TEXT_ROOM);
    *out = (struct str){0};
    for (size_t i = 0; i < compose->count && buf.len <= STEP_VALUE_MAX; i++) {
        const struct compose_part *part = &compose->parts[i];
        if (!part->is_place) {
            buf_add(&buf, part->plain);
            continue;
        }
        const struct value *value = &flow->values[part->field];
        if (value->kind != VALUE_ABSENT) {
            add_value(&buf, compose, part, value, flow->env->arena);
        } else if (!part->optional) {
            return true;
        }
    }
    if (buf.len > STEP_VALUE_MAX) {
        return err_set(err, ERR_REJECT, "%s: a value would be longer than %d bytes",
                       step->type->kind, STEP_VALUE_MAX);
    }
    *out = buf_str(&buf);
    return out->ptr != NULL || flow_memory(step, err);
}

bool compose_write(const struct compose *compose, struct flow *flow, const struct step *step,
                   struct value *out, struct err *err)
{
    const struct compose_part *only = &compose->parts[0];
    if (compose->count == 1 && only->is_place && only->cut == 0 && only->format == COMPOSE_PLAIN) {
        *out = flow->values[only->field];
        return true;
    }
    struct str text;
    if (!write_text(compose, flow, step, &text, err)) {
        return false;
    }
    *out = value_of_text(text);
    return true;
}

bool compose_text(const struct compose *compose, struct flow *flow, const struct step *step,
                  struct str *out, struct err *err)
{
    struct value value;
    if (!compose_write(compose, flow, step, &value, err)) {
        return false;
    }
    *out = value_text(&value, flow->env->arena);
    if (value.kind != VALUE_ABSENT && out->ptr == NULL) {
        return flow_memory(step, err);
    }
    *out = out->len > 0 ? *out : (struct str){0};
    return true;
}
