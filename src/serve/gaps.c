#include "serve/gaps.h"

#include "model/source.h"
#include "store/archive.h"

static bool is_of(struct str wanted, struct str have)
{
    return wanted.len == 0 || str_equal(wanted, have);
}

static void add_gaps(struct gap_item *items, size_t *count, struct str source, struct str chat,
                     const struct json_value *gaps)
{
    struct json_iter iter;
    const struct json_value *gap = NULL;
    json_iter_init(&iter, gaps);
    while (*count < GAPS_MAX && json_next(&iter, NULL, &gap)) {
        struct gap_item item = {
            .source = source, .chat = chat, .why = json_str(json_get(gap, STR("why")))};
        if (json_int(json_get(gap, STR("from_ms")), &item.from_ms) &&
            json_int(json_get(gap, STR("to_ms")), &item.to_ms) &&
            json_int(json_get(gap, STR("since_ms")), &item.since_ms)) {
            items[(*count)++] = item;
        }
    }
}

bool gaps_list(struct store *store, struct arena *arena, struct str source, struct str chat,
               struct gap_item **items, size_t *count, struct err *err)
{
    struct cursor_row *rows = NULL;
    size_t row_count = 0;
    *count = 0;
    *items = arena_array(arena, GAPS_MAX, sizeof **items);
    if (*items == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for gaps");
    }
    if (!store_cursor_list(store, arena, &rows, &row_count, err)) {
        return false;
    }
    for (size_t i = 0; i < row_count; i++) {
        const struct json_value *root = NULL;
        const struct json_value *value = NULL;
        struct json_iter iter;
        struct err ignored = {0};
        if (!is_of(source, rows[i].source) || !str_starts(rows[i].cursor, STR("{")) ||
            !json_parse(arena, rows[i].cursor, NULL, &root, &ignored)) {
            continue; /* A cursor of another form knows no gaps. */
        }
        json_iter_init(&iter, json_get(root, STR("chats")));
        while (json_next(&iter, NULL, &value)) {
            struct str name = json_str(json_get(value, STR("chat")));
            if (is_of(chat, name)) {
                add_gaps(*items, count, rows[i].source, name, json_get(value, STR("gaps")));
            }
        }
    }
    return true;
}

void gaps_view(struct json_writer *json, const struct gap_item *item, struct str chat)
{
    json_object_begin(json);
    json_field_str(json, STR("source"), item->source);
    json_field_str(json, STR("chat"), chat);
    json_field_time(json, STR("from"), item->from_ms);
    json_field_time(json, STR("to"), item->to_ms);
    json_field_time(json, STR("since"), item->since_ms);
    json_field_str(json, STR("why"), item->why);
    json_field_str(json, STR("words"), str_of(source_gap_words(item->why)));
    json_object_end(json);
}
