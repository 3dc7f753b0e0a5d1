#include "source/select_cursor.h"

#include <string.h>

enum { VERSION = 1, ROOM = 256 };

static bool read_points(struct select_cursor *cursor, const struct json_value *list)
{
    struct json_iter iter;
    const struct json_value *item = NULL;
    json_iter_init(&iter, list);
    while (json_next(&iter, NULL, &item)) {
        struct select_point point = {.rising = json_at(item, 1)};
        if (cursor->point_count == SELECT_POINTS_MAX || point.rising == NULL ||
            !json_int(json_at(item, 0), &point.began_ms)) {
            return false;
        }
        cursor->points[cursor->point_count++] = point;
    }
    return true;
}

bool select_cursor_parse(struct str text, struct arena *arena, struct select_cursor *out)
{
    const struct json_value *root = NULL;
    struct err err = {0};
    struct arena_mark mark = arena_mark(arena);
    int64_t version = 0;
    struct select_cursor cursor = {0};
    *out = cursor;
    if (text.len == 0) {
        return true;
    }
    void *room = arena_alloc(arena, 64 * (text.len + ROOM)); /* What reading it may need. */
    arena_rewind(arena, mark);
    if (room == NULL) {
        return false; /* It must not be taken for a cursor that is wrong. */
    }
    if (!json_parse(arena, text, NULL, &root, &err)) {
        return true;
    }
    const struct json_value *at = json_get(root, STR("at"));
    cursor.rising = json_at(at, 0);
    cursor.tie = json_at(at, 1);
    cursor.base = json_get(root, STR("base"));
    cursor.near = json_get(root, STR("near"));
    if (json_int(json_get(root, STR("v")), &version) && version == VERSION &&
        json_bool(json_get(root, STR("more")), &cursor.more) &&
        json_bool(json_get(root, STR("quick")), &cursor.quick) &&
        json_int(json_get(root, STR("began")), &cursor.began_ms) &&
        read_points(&cursor, json_get(root, STR("points"))) &&
        (cursor.rising == NULL || cursor.tie != NULL) && (!cursor.more || cursor.rising != NULL)) {
        *out = cursor;
    }
    return true;
}

static void put_value(struct json_writer *json, const char *name, const struct json_value *value)
{
    if (value != NULL) {
        json_key(json, str_of(name));
        json_put_value(json, value);
    }
}

struct str select_cursor_write(const struct select_cursor *cursor, struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_int(&json, STR("v"), VERSION);
    json_field_bool(&json, STR("more"), cursor->more);
    json_field_bool(&json, STR("quick"), cursor->quick);
    json_field_int(&json, STR("began"), cursor->began_ms);
    if (cursor->rising != NULL) {
        json_key(&json, STR("at"));
        json_array_begin(&json);
        json_put_value(&json, cursor->rising);
        json_put_value(&json, cursor->tie);
        json_array_end(&json);
    }
    put_value(&json, "base", cursor->base);
    put_value(&json, "near", cursor->near);
    json_key(&json, STR("points"));
    json_array_begin(&json);
    for (size_t i = 0; i < cursor->point_count; i++) {
        json_array_begin(&json);
        json_put_int(&json, cursor->points[i].began_ms);
        json_put_value(&json, cursor->points[i].rising);
        json_array_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static bool is_old(const struct select_point *point, int64_t now_ms, int64_t overlap_ms)
{
    return now_ms - point->began_ms >= overlap_ms;
}

void select_cursor_ask(struct select_cursor *cursor, int64_t now_ms, int64_t overlap_ms,
                       struct select_ask *ask)
{
    ask->from = SELECT_BEHIND;
    ask->rising = cursor->rising;
    ask->tie = cursor->tie;
    if (cursor->more) {
        return;
    }
    bool unripe = cursor->point_count > 0 && !is_old(&cursor->points[0], now_ms, overlap_ms);
    cursor->began_ms = now_ms;
    cursor->quick = false;
    if (cursor->rising == NULL) {
        *cursor = (struct select_cursor){.began_ms = now_ms};
        ask->from = SELECT_ALL;
    } else if (overlap_ms > 0) {
        cursor->quick = cursor->base == NULL && cursor->near != NULL && unripe;
        ask->rising = cursor->quick ? cursor->near : cursor->base;
        ask->from = ask->rising != NULL ? SELECT_FROM : SELECT_ALL;
    }
}

/* All below a point that was old when the sweep began has been read now. */
static void move_base(struct select_cursor *cursor, int64_t overlap_ms)
{
    size_t gone = 0;
    for (size_t i = 0; i < cursor->point_count; i++) {
        if (is_old(&cursor->points[i], cursor->began_ms, overlap_ms)) {
            cursor->base = cursor->points[i].rising;
            gone = i + 1;
        }
    }
    cursor->point_count -= gone;
    memmove(cursor->points, cursor->points + gone, cursor->point_count * sizeof cursor->points[0]);
}

static void add_point(struct select_cursor *cursor, int64_t overlap_ms)
{
    const struct select_point *last =
        cursor->point_count > 0 ? &cursor->points[cursor->point_count - 1] : NULL;
    int64_t apart_ms = last != NULL ? cursor->began_ms - last->began_ms : overlap_ms;
    if (apart_ms >= 0 && apart_ms < overlap_ms / SELECT_POINTS_PER_OVERLAP) {
        return;
    }
    if (apart_ms < 0) { /* The clock was set back: what it said before says nothing now. */
        cursor->point_count = 0;
    }
    if (cursor->point_count < SELECT_POINTS_MAX) {
        cursor->points[cursor->point_count++] =
            (struct select_point){.began_ms = cursor->began_ms, .rising = cursor->rising};
    }
}

void select_cursor_moved(struct select_cursor *cursor, const struct select_ask *ask,
                         const struct json_value *rising, const struct json_value *tie, bool more,
                         int64_t overlap_ms)
{
    bool first = cursor->base == NULL && cursor->point_count == 0;
    if (rising == NULL && ask->from != SELECT_BEHIND) {
        /* Even what was there has gone: another table, or an emptied one. */
        *cursor = (struct select_cursor){.began_ms = cursor->began_ms};
        return;
    }
    if (more && first && ask->from == SELECT_BEHIND) {
        cursor->near = cursor->rising; /* Where the last look but one ended. */
    }
    if (rising != NULL) {
        cursor->rising = rising;
        cursor->tie = tie;
    }
    cursor->more = more;
    if (!more && !cursor->quick && overlap_ms > 0) {
        move_base(cursor, overlap_ms);
        add_point(cursor, overlap_ms);
        cursor->near = cursor->base != NULL ? NULL : cursor->near;
    }
}
