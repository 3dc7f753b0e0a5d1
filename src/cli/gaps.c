/* What is known to be missing. */
#include "serve/gaps.h"

#include "cli/look.h"
#include "cli/table.h"
#include "model/source.h"

static void put_json(struct look *look, const struct gap_item *items, size_t count)
{
    struct json_writer json;
    json_writer_init(&json, &look->out);
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        gaps_view(&json, &items[i], items[i].chat);
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
    bool ok = look.store == NULL || gaps_list(look.store, &look.arena,
                                              cli->word_count > 0 ? cli->words[0] : (struct str){0},
                                              cli_value(cli, "--chat"), &items, &count, &err);
    if (ok && cli->json) {
        put_json(&look, items, count);
    } else if (ok) {
        put_table(&look, items, count);
    }
    return look_end(&look, ok, &err);
}
