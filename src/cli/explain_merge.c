#include "cli/explain_merge.h"

#include "base/buf.h"
#include "text/json_merge.h"

enum { TEXT_FIRST = 64 };

struct merging {
    struct arena *arena;
    struct str column;
    struct str by;
    struct merge_change *out;
    size_t count;
};

static const struct json_value *parse(struct arena *arena, struct str text)
{
    const struct json_value *root = NULL;
    struct err ignored = {0};
    return text.ptr != NULL && json_parse(arena, text, NULL, &root, &ignored) ? root : NULL;
}

static struct str text_of(struct arena *arena, const struct json_value *value)
{
    struct buf buf;
    struct json_writer json;
    if (value == NULL) {
        return (struct str){0};
    }
    buf_init(&buf, arena, TEXT_FIRST);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    json_writer_done(&json);
    return buf_str(&buf);
}

/* What an object is found by, without quotes. */
static struct str name_of(struct arena *arena, const struct json_value *item, struct str by)
{
    const struct json_value *name = json_get(item, by);
    return json_kind(name) == JSON_STRING ? json_str(name) : text_of(arena, name);
}

static const struct json_value *find_item(const struct merging *merging,
                                          const struct json_value *list, struct str name)
{
    struct json_iter iter;
    const struct json_value *item = NULL;
    json_iter_init(&iter, list);
    while (json_next(&iter, NULL, &item)) {
        struct str other = name_of(merging->arena, item, merging->by);
        if (other.ptr != NULL && str_equal(other, name)) {
            return item;
        }
    }
    return NULL;
}

static void compare_item(struct merging *merging, struct str name, const struct json_value *before,
                         const struct json_value *after)
{
    struct json_iter iter;
    struct str field = {0};
    const struct json_value *value = NULL;
    json_iter_init(&iter, after);
    while (merging->count < MERGE_CHANGES_MAX && json_next(&iter, &field, &value)) {
        struct str was = text_of(merging->arena, json_get(before, field));
        struct str is = text_of(merging->arena, value);
        bool same = was.ptr != NULL ? str_equal(was, is) : is.ptr == NULL;
        if (!same && !str_equal(field, merging->by)) {
            merging->out[merging->count++] =
                (struct merge_change){merging->column, name, field, was, is};
        }
    }
}

static struct str *list_of(struct merge_lists *lists, struct arena *arena, struct str place,
                           struct str column)
{
    struct str whole = arena_printf(arena, "%.*s/%.*s", STR_ARG(place), STR_ARG(column));
    for (size_t i = 0; whole.ptr != NULL && i < lists->count; i++) {
        if (str_equal(lists->places[i], whole)) {
            return &lists->lists[i];
        }
    }
    if (whole.ptr == NULL || lists->count == MERGE_LISTS_MAX) {
        return NULL;
    }
    lists->places[lists->count] = whole;
    return &lists->lists[lists->count++];
}

static void merge_column(struct merging *merging, struct str *held, const struct json_value *more)
{
    struct buf buf;
    struct json_writer json;
    struct json_iter iter;
    const struct json_value *item = NULL;
    struct err ignored = {0};
    const struct json_value *before = parse(merging->arena, *held);
    buf_init(&buf, merging->arena, held->len + TEXT_FIRST);
    json_writer_init(&json, &buf);
    if (!json_put_merged(&json, before, more, &ignored) || !buf_ok(&buf)) {
        return;
    }
    json_writer_done(&json);
    *held = buf_str(&buf);
    merging->by = json_str(json_get(more, STR("by")));
    json_iter_init(&iter, parse(merging->arena, *held));
    while (json_next(&iter, NULL, &item)) {
        struct str name = name_of(merging->arena, item, merging->by);
        if (name.ptr != NULL) {
            compare_item(merging, name, find_item(merging, before, name), item);
        }
    }
}

size_t explain_merge(struct merge_lists *lists, struct arena *arena, struct str place,
                     struct str body, struct merge_change out[MERGE_CHANGES_MAX])
{
    struct merging merging = {.arena = arena, .out = out};
    struct json_iter iter;
    const struct json_value *more = NULL;
    json_iter_init(&iter, json_get(parse(arena, body), STR("merge")));
    while (json_next(&iter, &merging.column, &more)) {
        struct str *held = list_of(lists, arena, place, merging.column);
        if (held != NULL) {
            merge_column(&merging, held, more);
        }
    }
    return merging.count;
}
