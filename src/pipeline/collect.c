#include "pipeline/collect.h"

#include <stdlib.h>

#include "base/buf.h"
#include "text/utf8.h"

enum { NOTE_ROOM = 64 };

static bool set_field(struct collect *collect, struct step_scope *scope, const char *suffix,
                      enum value_kind type, size_t *field)
{
    struct step_spot spot = {.option = "as"};
    struct str name = arena_printf(scope->arena, "%.*s%s", STR_ARG(collect->as), suffix);
    return name.ptr != NULL ? step_sets(scope, spot, name, type, field)
                            : step_fault(scope, spot, "out of memory");
}

static bool collect_prepare(struct step *step, struct step_scope *scope)
{
    struct collect *collect = (struct collect *)step;
    bool good = step_keeps(scope, step);
    good = compose_prepare(&collect->key_text, scope, (struct step_spot){.option = "key"},
                           collect->key) &&
           good;
    good = compose_prepare(&collect->line_text, scope, (struct step_spot){.option = "line"},
                           collect->line) &&
           good;
    good = set_field(collect, scope, "", VALUE_TEXT, &collect->field) && good;
    good = set_field(collect, scope, "_count", VALUE_INT, &collect->count_field) && good;
    return set_field(collect, scope, "_group", VALUE_TEXT, &collect->group_field) && good;
}

/* A line as it is kept: "time length-of-group\ngroup" and the line. */
struct line {
    struct str note; /* Key in the state. */
    int64_t time_ms;
    struct str group;
    struct str text;
};

struct gathering {
    struct line *lines;
    size_t count;
};

static bool gather(void *context, struct str key, struct str value)
{
    struct gathering *all = context;
    struct line *line = &all->lines[all->count];
    struct str part = {0};
    int64_t len = 0;
    *line = (struct line){.note = key};
    if (str_split(&value, ' ', &part) && str_to_int64(part, &line->time_ms) &&
        str_split(&value, '\n', &part) && str_to_int64(part, &len) && len >= 0) {
        line->group = str_slice(value, 0, (size_t)len);
        line->text = str_slice(value, (size_t)len, value.len);
    }
    all->count++;
    return all->count < COLLECT_LINES_MAX;
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *left = a;
    const struct line *right = b;
    int order = str_compare(left->group, right->group);
    if (order == 0) {
        order = (left->time_ms > right->time_ms) - (left->time_ms < right->time_ms);
    }
    return order != 0 ? order : str_compare(left->note, right->note);
}

/* Lines up to what a value may hold, and then how many there were more. */
static struct str join(const struct line *lines, size_t count, struct arena *arena)
{
    struct buf buf;
    size_t at = 0;
    buf_init(&buf, arena, 1024);
    for (; at < count && buf.len + lines[at].text.len + NOTE_ROOM < STEP_VALUE_MAX; at++) {
        if (at > 0) {
            buf_add_byte(&buf, '\n');
        }
        buf_add(&buf, lines[at].text);
    }
    if (at < count) {
        buf_printf(&buf, "\n(+%zu)", count - at);
    }
    return buf_str(&buf);
}

static bool give_group(struct collect *collect, struct flow *flow, const struct line *lines,
                       size_t count, size_t number, struct err *err)
{
    struct value *before;
    struct str text = join(lines, count, flow->env->arena);
    if (text.ptr == NULL) {
        return flow_memory(&collect->step, err);
    }
    if (!flow_copy(flow, &before, err)) {
        return false;
    }
    flow->values[collect->field] = value_of_text(text);
    flow->values[collect->count_field] = value_of_int((int64_t)count);
    flow->values[collect->group_field] = value_of_text(lines[0].group);
    flow->values[FIELD_ITEM] = value_of_int((int64_t)number);
    bool ok = flow_pass(flow, &collect->step, err);
    flow->values = before;
    return ok;
}

static bool release(struct collect *collect, struct flow *flow, struct err *err)
{
    struct gathering all = {
        .lines = arena_array(flow->env->arena, COLLECT_LINES_MAX, sizeof *all.lines)};
    struct str prefix;
    size_t number = 0;
    if (all.lines == NULL) {
        return flow_memory(&collect->step, err);
    }
    if (!note_key(flow, &collect->step, 'l', STR(""), &prefix, err) ||
        !flow->env->scan(flow->env, prefix, gather, &all, err)) {
        return false;
    }
    qsort(all.lines, all.count, sizeof *all.lines, compare_lines);
    for (size_t from = 0, to = 0; from < all.count; from = to) {
        for (; to < all.count && str_equal(all.lines[to].group, all.lines[from].group); to++) {
            if (!flow->env->del(flow->env, all.lines[to].note, err)) {
                return false;
            }
        }
        if (!give_group(collect, flow, all.lines + from, to - from, ++number, err)) {
            return false;
        }
    }
    return true;
}

static bool keep_line(struct collect *collect, struct flow *flow, struct str group, struct str name,
                      struct err *err)
{
    struct str line = {0};
    struct buf buf;
    if (!compose_text(&collect->line_text, flow, &collect->step, &line, err)) {
        return false;
    }
    if (line.ptr == NULL || flow->values[FIELD_DELETED].integer != 0) {
        return note_del(flow, &collect->step, 'l', name, err);
    }
    line = utf8_cut(line, COLLECT_LINE_MAX);
    buf_init(&buf, flow->env->arena, group.len + line.len + NOTE_ROOM);
    buf_add_int(&buf, flow->values[FIELD_SENT].integer);
    buf_add_byte(&buf, ' ');
    buf_add_int(&buf, (int64_t)group.len);
    buf_add_byte(&buf, '\n');
    buf_add(&buf, group);
    buf_add(&buf, line);
    struct str note = buf_str(&buf);
    return note.ptr != NULL ? note_put(flow, &collect->step, 'l', name, note, err)
                            : flow_memory(&collect->step, err);
}

static bool collect_apply(struct step *step, struct flow *flow, struct err *err)
{
    struct collect *collect = (struct collect *)step;
    struct str group = {0};
    if (flow->message->kind == MESSAGE_TICK) {
        return release(collect, flow, err);
    }
    if (!compose_text(&collect->key_text, flow, step, &group, err)) {
        return false;
    }
    struct str item = flow_item_name(flow);
    if (item.ptr == NULL) {
        return flow_memory(step, err);
    }
    group = group.ptr != NULL ? group : STR("");
    struct buf name;
    buf_init(&name, flow->env->arena, group.len + item.len + 1);
    buf_add(&name, group);
    buf_add_byte(&name, '/');
    buf_add(&name, item);
    struct str whole = buf_str(&name);
    return whole.ptr != NULL ? keep_line(collect, flow, group, note_fit(flow, whole), err)
                             : flow_memory(step, err);
}

static const struct option options[] = {
    OPTION_TEXT(struct collect, key, "key", "{chat}",
                "Template of the group that a line belongs to."),
    OPTION_TEXT(struct collect, line, "line", OPTION_REQUIRED,
                "Template of the line that an item leaves."),
    OPTION_TEXT(
        struct collect, as, "as", "lines",
        "The field of the lines; with `_count` and `_group` behind it, how many and whose."),
    OPTION_END,
};

const struct step_type step_collect = {
    .kind = "collect",
    .summary = "Keeps lines until a tick, and then passes them on together.",
    .options = options,
    .size = sizeof(struct collect),
    .prepare = collect_prepare,
    .apply = collect_apply,
};
