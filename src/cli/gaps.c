#include "cli/gaps.h"

#include <string.h>

#include "cli/table.h"
#include "store/archive.h"
#include "text/json.h"

enum { GAPS_MAX = 4096 };

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

bool gaps_read(struct look *look, struct str source, struct str chat, struct gap_item **items,
               size_t *count, struct err *err)
{
    struct cursor_row *rows = NULL;
    size_t row_count = 0;
    *count = 0;
    *items = arena_array(&look->arena, GAPS_MAX, sizeof **items);
    if (*items == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for gaps");
    }
    if (look->store == NULL) {
        return true;
    }
    if (!store_cursor_list(look->store, &look->arena, &rows, &row_count, err)) {
        return false;
    }
    for (size_t i = 0; i < row_count; i++) {
        const struct json_value *root = NULL;
        const struct json_value *value = NULL;
        struct json_iter iter;
        struct err ignored = {0};
        if (!is_of(source, rows[i].source) || !str_starts(rows[i].cursor, STR("{")) ||
            !json_parse(&look->arena, rows[i].cursor, NULL, &root, &ignored)) {
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

static void put_json(struct look *look, const struct gap_item *items, size_t count)
{
    struct json_writer json;
    json_writer_init(&json, &look->out);
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(&json);
        json_field_str(&json, STR("source"), items[i].source);
        json_field_str(&json, STR("chat"), items[i].chat);
        show_json_time(&json, STR("from"), items[i].from_ms);
        show_json_time(&json, STR("to"), items[i].to_ms);
        show_json_time(&json, STR("since"), items[i].since_ms);
        json_field_str(&json, STR("why"), items[i].why);
        json_field_str(&json, STR("words"), str_of(source_gap_words(items[i].why)));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_writer_done(&json);
    buf_add_byte(&look->out, '\n');
}

static void put_table(struct look *look, const struct gap_item *items, size_t count)
{
    static const struct table_column columns[] = {
        {"source", TABLE_LEFT, 8}, {"chat", TABLE_LEFT, 10},   {"from", TABLE_LEFT, 0},
        {"to", TABLE_LEFT, 0},     {"noticed", TABLE_LEFT, 0}, {"why", TABLE_LEFT, 16},
    };
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        table_text(&table, items[i].source);
        table_text(&table, items[i].chat);
        table_time(&table, items[i].from_ms);
        table_time(&table, items[i].to_ms);
        table_age(&table, items[i].since_ms);
        table_text(&table, str_of(source_gap_words(items[i].why)));
    }
    table_print(&table, &look->out);
    if (count == 0) {
        cli_say("nothing is known to be missing");
    }
}

int cli_gaps(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct gap_item *items = NULL;
    size_t count = 0;
    int code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    bool ok = gaps_read(&look, cli->word_count > 0 ? cli->words[0] : (struct str){0},
                        cli_value(cli, "--chat"), &items, &count, &err);
    if (ok && cli->json) {
        put_json(&look, items, count);
    } else if (ok) {
        put_table(&look, items, count);
    }
    return look_end(&look, ok, &err);
}
