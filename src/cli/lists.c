/* What did not get through: dead letters of sinks, and refused messages. */
#include "cli/look.h"
#include "cli/table.h"
#include "serve/view.h"
#include "store/outbox.h"
#include "text/datetime.h"
#include "text/json.h"

static void table_dead(struct look *look, const struct dead_letter *items, size_t count)
{
    static const struct table_column columns[] = {
        {"id", TABLE_RIGHT, 0},    {"when", TABLE_LEFT, 0}, {"sink", TABLE_LEFT, 8},
        {"target", TABLE_LEFT, 8}, {"row", TABLE_LEFT, 8},  {"tried", TABLE_RIGHT, 0},
        {"why", TABLE_LEFT, 16},
    };
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        table_id(&table, items[i].id);
        table_time(&table, items[i].at_ms);
        table_text(&table, items[i].sink);
        table_text(&table, items[i].target);
        table_text(&table, items[i].entity);
        table_count(&table, items[i].attempts);
        table_text(&table, items[i].why);
    }
    table_print(&table, &look->out);
    if (count == 0) {
        cli_say("there are no dead letters");
    }
}

static bool write_dead(struct look *look, bool as_json, struct err *err)
{
    struct dead_letter *items = arena_array(&look->arena, LOOK_LIST_MAX, sizeof *items);
    size_t count = 0;
    if (items == NULL ||
        !store_dead_list(look->store, &look->arena, 0, LOOK_LIST_MAX, items, &count, err)) {
        return items != NULL || err_set(err, ERR_RETRY, "out of memory");
    }
    struct json_writer json;
    json_writer_init(&json, &look->out);
    if (as_json) {
        json_array_begin(&json);
    }
    for (size_t i = 0; i < count && as_json; i++) {
        view_dead(&json, &look->arena, &items[i], false, true);
    }
    if (as_json) {
        json_array_end(&json);
    } else {
        table_dead(look, items, count);
    }
    return true;
}

static void json_refused(struct json_writer *json, const struct refused *refused)
{
    char text[DATETIME_TEXT_MAX];
    json_object_begin(json);
    json_field_int(json, STR("id"), refused->id);
    json_field_str(json, STR("at"), datetime_format_iso(refused->at_ms, text));
    json_field_str(json, STR("worker"), refused->worker);
    json_field_str(json, STR("chat"), refused->chat);
    json_field_str(json, STR("place"), refused->place);
    json_field_str(json, STR("why"), refused->why);
    json_object_end(json);
}

static void table_refused(struct look *look, const struct refused *items, size_t count)
{
    static const struct table_column columns[] = {
        {"id", TABLE_RIGHT, 0},   {"when", TABLE_LEFT, 0},  {"source", TABLE_LEFT, 8},
        {"chat", TABLE_LEFT, 10}, {"place", TABLE_LEFT, 8}, {"why", TABLE_LEFT, 16},
    };
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        table_id(&table, items[i].id);
        table_time(&table, items[i].at_ms);
        table_text(&table, items[i].worker);
        table_text(&table, items[i].chat);
        table_text(&table, items[i].place);
        table_text(&table, items[i].why);
    }
    table_print(&table, &look->out);
    if (count == 0) {
        cli_say("nothing was refused");
    }
}

static bool write_refused(struct look *look, bool as_json, struct err *err)
{
    struct refused *items = NULL;
    size_t count = 0;
    if (!store_refused_list(look->store, &look->arena, 0, LOOK_LIST_MAX, &items, &count, err)) {
        return false;
    }
    struct json_writer json;
    json_writer_init(&json, &look->out);
    if (as_json) {
        json_array_begin(&json);
    }
    for (size_t i = 0; i < count && as_json; i++) {
        json_refused(&json, &items[i]);
    }
    if (as_json) {
        json_array_end(&json);
    } else {
        table_refused(look, items, count);
    }
    return true;
}

static int list(struct cli *cli, bool (*write)(struct look *look, bool as_json, struct err *err))
{
    struct look look;
    struct err err = {0};
    int code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    bool ok = true;
    if (look.store != NULL) {
        ok = write(&look, cli->json, &err);
    } else if (cli->json) {
        buf_add(&look.out, STR("[]"));
    }
    if (cli->json) {
        buf_add_byte(&look.out, '\n');
    }
    return look_end(&look, ok, &err);
}

int cli_dlq_list(struct cli *cli)
{
    return list(cli, write_dead);
}

int cli_refused_list(struct cli *cli)
{
    return list(cli, write_refused);
}
