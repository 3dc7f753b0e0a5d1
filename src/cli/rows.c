#include "cli/rows.h"

#include <string.h>

#include "engine/targets.h"
#include "model/row.h"

enum { WORK_LIMIT = 192 * 1024 * 1024, READ_MS = 30 * 1000, BODIES_FIRST = 4 };

/* The records of one row. */
struct rows_group {
    struct str target;
    struct str entity;
    struct str before; /* Body of the last record; absent for none. */
    struct str *bodies;
    size_t count;
    size_t room;
    bool gone;
    bool equal;
    bool in_range;
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for the rows that would change");
}

void rows_begin(struct rows *rows)
{
    arena_init(&rows->names, WORK_LIMIT);
    arena_init(&rows->work, WORK_LIMIT);
    arena_init(&rows->shown, WORK_LIMIT);
}

static const struct plan_sink *sink_find(const struct rows *rows, struct str name)
{
    for (size_t i = 0; i < rows->plan->sink_count; i++) {
        if (str_equal(rows->plan->sinks[i].name, name)) {
            return &rows->plan->sinks[i];
        }
    }
    return NULL;
}

static void sink_close(struct rows *rows)
{
    if (rows->open != NULL) {
        targets_return(rows->open);
    }
    rows->open = NULL;
}

/* Only a sink that can read back is opened at all: that of others may make files. */
static bool sink_open(struct rows *rows, struct err *err)
{
    const struct plan_sink *sink = sink_find(rows, rows->sink);
    if (sink == NULL || sink->sink->type->read_back == NULL || rows->emitted) {
        return true;
    }
    if (!targets_lend(rows->plan, sink, rows->data_dir, &rows->names, err)) {
        return false;
    }
    rows->open = sink;
    return true;
}

static const char *against(const struct rows *rows)
{
    return rows->open != NULL ? "target" : "last record";
}

static void sink_begin_json(struct rows *rows)
{
    json_object_begin(rows->json);
    json_field_str(rows->json, STR("sink"), rows->sink);
    json_field_str(rows->json, STR("against"), str_of(against(rows)));
    json_key(rows->json, STR("rows"));
    json_array_begin(rows->json);
}

static bool sink_begin(struct rows *rows, struct str name, struct err *err)
{
    arena_reset(&rows->names);
    rows->sink = arena_copy(&rows->names, name);
    rows->hidden = 0;
    rows->diff = (struct diff){
        .arena = &rows->shown, .screen = rows->screen, .out = rows->out, .privacy = rows->privacy};
    if (rows->sink.ptr == NULL) {
        return out_of_memory(err);
    }
    if (!sink_open(rows, err)) {
        return false;
    }
    if (rows->json != NULL) {
        sink_begin_json(rows);
        return true;
    }
    buf_printf(rows->out, "%.*s, against %s:\n\n", STR_ARG(rows->sink),
               rows->open != NULL ? "what the target holds" : "the last record of each row");
    return true;
}

static void sink_end(struct rows *rows)
{
    const int64_t sum[] = {rows->diff.fresh, rows->diff.changed, rows->diff.gone, rows->diff.same};
    static const char *const names[] = {"new", "changed", "gone", "same"};
    for (size_t i = 0; i < sizeof sum / sizeof sum[0]; i++) {
        rows->sum[i] += sum[i];
    }
    if (rows->json != NULL) {
        json_array_end(rows->json);
        for (size_t i = 0; i < sizeof sum / sizeof sum[0]; i++) {
            json_field_int(rows->json, str_of(names[i]), sum[i]);
        }
        json_field_int(rows->json, STR("more"), rows->hidden);
        json_object_end(rows->json);
    } else {
        char text[SHOW_MAX];
        if (rows->hidden > 0) {
            buf_printf(rows->out, "… and %.*s more (--limit shows more)\n",
                       STR_ARG(show_count(rows->hidden, text)));
        }
        diff_sum(&rows->diff);
        buf_add_byte(rows->out, '\n');
    }
    sink_close(rows);
    rows->sink = (struct str){0};
    arena_reset(&rows->shown);
}

/* One look at all rows of the batch. */
static bool read_rows(struct rows *rows, struct held *held, struct err *err)
{
    for (size_t i = 0; i < rows->count; i++) {
        held[i] = (struct held){.target = rows->groups[i].target, .entity = rows->groups[i].entity};
    }
    return rows->open == NULL ||
           rows->open->sink->type->read_back(rows->open->sink, held, rows->count, &rows->work,
                                             clock_mono_ms(rows->clock) + READ_MS, err);
}

static bool work_out(struct rows *rows, const struct rows_group *group, struct str held,
                     struct row *old, struct row *fresh, struct err *err)
{
    row_init(old, &rows->work);
    row_init(fresh, &rows->work);
    if (rows->open != NULL) {
        if (!row_read(old, held, err) || !row_read(fresh, held, err)) {
            return false;
        }
    } else if (group->before.ptr != NULL &&
               (!row_apply(old, group->before, err) || !row_apply(fresh, group->before, err))) {
        return false;
    }
    for (size_t i = 0; i < group->count; i++) {
        if (!row_apply(fresh, group->bodies[i], err)) {
            return false;
        }
    }
    return true;
}

static bool is_changed(struct rows *rows, const struct row *old, const struct row_field *field)
{
    return !row_same(&rows->work, row_value(old, field->name), field->value);
}

static size_t count_changes(struct rows *rows, const struct row *old, const struct row *fresh)
{
    size_t changes = 0;
    for (size_t i = 0; i < fresh->count; i++) {
        changes += is_changed(rows, old, &fresh->fields[i]);
    }
    return changes;
}

enum fate { FATE_NEW = 0, FATE_CHANGED, FATE_GONE, FATE_SAME };

static void show_row(struct rows *rows, const struct rows_group *group, enum fate fate,
                     const struct row *old, const struct row *fresh)
{
    static void (*const heads[])(struct diff *diff, struct str where,
                                 struct str row) = {diff_new, diff_changed, diff_gone};
    heads[fate](&rows->diff, group->target, group->entity);
    for (size_t i = 0; fate != FATE_GONE && i < fresh->count; i++) {
        const struct row_field *field = &fresh->fields[i];
        struct str value = row_show(&rows->work, field->value);
        if (fate == FATE_NEW) {
            diff_value(&rows->diff, field->name, value);
        } else if (is_changed(rows, old, field)) {
            struct str before = row_show(&rows->work, row_value(old, field->name));
            diff_column(&rows->diff, field->name, before.len > 0 ? before : (struct str){0}, value);
        }
    }
}

static void json_value_or_null(struct json_writer *json, struct str value)
{
    if (value.ptr != NULL) {
        json_put_raw(json, value);
    } else {
        json_put_null(json);
    }
}

static void write_row(struct rows *rows, const struct rows_group *group, enum fate fate,
                      const struct row *old, const struct row *fresh)
{
    static const char *const words[] = {"new", "changed", "gone"};
    struct json_writer *json = rows->json;
    json_object_begin(json);
    json_field_str(json, STR("target"), group->target);
    json_field_str(json, STR("key"), group->entity);
    json_field_str(json, STR("change"), str_of(words[fate]));
    json_key(json, STR("columns"));
    json_object_begin(json);
    for (size_t i = 0; fate != FATE_GONE && i < fresh->count; i++) {
        const struct row_field *field = &fresh->fields[i];
        if (fate == FATE_CHANGED && !is_changed(rows, old, field)) {
            continue;
        }
        json_key(json, field->name);
        json_object_begin(json);
        json_key(json, STR("old"));
        json_value_or_null(json, row_value(old, field->name));
        json_key(json, STR("new"));
        json_value_or_null(json, field->value);
        json_object_end(json);
    }
    json_object_end(json);
    json_object_end(json);
}

static void count_row(struct diff *diff, enum fate fate)
{
    diff->fresh += fate == FATE_NEW;
    diff->changed += fate == FATE_CHANGED;
    diff->gone += fate == FATE_GONE;
    diff->same += fate == FATE_SAME;
}

static bool settle_row(struct rows *rows, const struct rows_group *group, struct str held,
                       struct err *err)
{
    struct row old;
    struct row fresh;
    enum fate fate = FATE_SAME;
    bool plain = true; /* A body that is no object of columns is compared by its bytes. */
    if (!work_out(rows, group, held, &old, &fresh, err)) {
        if (err->kind != ERR_REJECT) {
            return false;
        }
        *err = (struct err){0};
        plain = false;
        fresh.count = 0;
    }
    if (group->gone) {
        fate = FATE_GONE;
    } else if (!plain) {
        fate = group->equal ? FATE_SAME : group->before.ptr == NULL ? FATE_NEW : FATE_CHANGED;
    } else if (!old.there) {
        fate = FATE_NEW;
    } else if (rows->missing) {
        fate = FATE_SAME;
    } else if (count_changes(rows, &old, &fresh) > 0) {
        fate = FATE_CHANGED;
    }
    int64_t listed = rows->diff.fresh + rows->diff.changed + rows->diff.gone;
    bool show = fate != FATE_SAME && listed < rows->limit;
    rows->hidden += fate != FATE_SAME && !show;
    if (!show || rows->json != NULL) {
        count_row(&rows->diff, fate);
    }
    if (show && rows->json != NULL) {
        write_row(rows, group, fate, &old, &fresh);
    } else if (show) {
        show_row(rows, group, fate, &old, &fresh);
    }
    return true;
}

static bool settle_batch(struct rows *rows, struct err *err)
{
    struct held *held = arena_array(&rows->work, ROWS_BATCH, sizeof *held);
    if (held == NULL) {
        return out_of_memory(err);
    }
    bool ok = read_rows(rows, held, err);
    for (size_t i = 0; ok && i < rows->count; i++) {
        if (rows->groups != NULL && rows->groups[i].in_range) {
            ok = settle_row(rows, &rows->groups[i], held[i].body, err);
        }
    }
    rows->count = 0;
    rows->groups = NULL;
    arena_reset(&rows->work);
    arena_reset(&rows->shown);
    return ok;
}

static struct rows_group *group_of(struct rows *rows, const struct shadow_change *change)
{
    if (rows->count > 0) {
        struct rows_group *last = &rows->groups[rows->count - 1];
        if (str_equal(last->entity, change->entity) && str_equal(last->target, change->target)) {
            return last;
        }
    }
    return NULL;
}

static bool add_body(struct rows *rows, struct rows_group *group, struct str body, struct err *err)
{
    if (group->count == group->room) {
        size_t room = group->room == 0 ? BODIES_FIRST : group->room * 2;
        struct str *bodies = arena_array(&rows->work, room, sizeof *bodies);
        if (bodies == NULL) {
            return out_of_memory(err);
        }
        if (group->count > 0) {
            memcpy(bodies, group->bodies, group->count * sizeof *bodies);
        }
        group->bodies = bodies;
        group->room = room;
    }
    group->bodies[group->count] = arena_copy(&rows->work, body);
    return group->bodies[group->count++].ptr != NULL || out_of_memory(err);
}

/* NULL when it failed. */
static struct rows_group *new_group(struct rows *rows, const struct shadow_change *change,
                                    struct err *err)
{
    if (rows->count == ROWS_BATCH && !settle_batch(rows, err)) {
        return NULL;
    }
    if (rows->groups == NULL) {
        rows->groups = arena_array(&rows->work, ROWS_BATCH, sizeof *rows->groups);
    }
    if (rows->groups == NULL) {
        (void)out_of_memory(err);
        return NULL;
    }
    struct rows_group *group = &rows->groups[rows->count++];
    *group = (struct rows_group){
        .target = arena_copy(&rows->work, change->target),
        .entity = arena_copy(&rows->work, change->entity),
        .gone = change->gone,
        .equal = change->equal,
    };
    if (change->before.ptr != NULL) {
        group->before = arena_copy(&rows->work, change->before);
    }
    if (group->entity.ptr == NULL) {
        (void)out_of_memory(err);
        return NULL;
    }
    return group;
}

bool rows_add(void *context, const struct shadow_change *change, struct err *err)
{
    struct rows *rows = context;
    if (rows->sink.ptr != NULL && !str_equal(rows->sink, change->sink)) {
        if (!settle_batch(rows, err)) {
            return false;
        }
        sink_end(rows);
    }
    if (rows->sink.ptr == NULL && !sink_begin(rows, change->sink, err)) {
        return false;
    }
    struct rows_group *group = group_of(rows, change);
    if (group == NULL) {
        group = new_group(rows, change, err);
    }
    if (group == NULL) {
        return false;
    }
    group->in_range = group->in_range || (change->sent_ms >= rows->range.since_ms &&
                                          change->sent_ms < rows->range.until_ms);
    return change->body.ptr == NULL || add_body(rows, group, change->body, err);
}

bool rows_end(struct rows *rows, bool ok, struct err *err)
{
    ok = ok && (rows->sink.ptr == NULL || settle_batch(rows, err));
    if (ok && rows->sink.ptr != NULL) {
        sink_end(rows);
    }
    sink_close(rows);
    arena_free(&rows->names);
    arena_free(&rows->work);
    arena_free(&rows->shown);
    return ok;
}

int rows_limit(const struct cli *cli, int64_t *limit)
{
    struct str text = cli_value(cli, "--limit");
    *limit = ROWS_LIMIT;
    if (text.ptr != NULL && (!str_to_int64(text, limit) || *limit < 0)) {
        return cli_misused(cli, "--limit: '%.*s' is not a whole number", STR_ARG(text));
    }
    return CLI_OK;
}
