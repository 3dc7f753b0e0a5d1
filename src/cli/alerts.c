/* alerts: what is wrong and who was told; and a letter to try a channel. */
#include <string.h>

#include "cli/look.h"
#include "cli/table.h"
#include "serve/channel.h"
#include "text/json.h"

enum { TEST_MS = 20 * 1000 };

static const char *state_of(const struct alert *alert)
{
    return alert->over ? "over" : alert->gone_ms != 0 ? "settling" : "firing";
}

static struct str who_was_told(const struct alert *alert, struct arena *arena)
{
    struct buf out;
    buf_init(&out, arena, 128);
    for (size_t i = 0; i < alert->told_count; i++) {
        buf_printf(&out, "%s%s", i > 0 ? ", " : "", alert->told[i].channel);
    }
    return buf_str(&out);
}

static void write_json(struct look *look, const struct alert_book *book)
{
    struct json_writer json;
    json_writer_init(&json, &look->out);
    json_array_begin(&json);
    for (size_t i = 0; i < book->count; i++) {
        const struct alert *alert = &book->items[i];
        json_object_begin(&json);
        json_field_str(&json, STR("what"), str_of(alert->what));
        json_field_str(&json, STR("part"), str_of(alert->part));
        json_field_str(&json, STR("name"), str_of(alert->name));
        json_field_str(&json, STR("state"), str_of(state_of(alert)));
        show_json_time(&json, STR("since"), alert->since_ms);
        json_key(&json, STR("told"));
        json_array_begin(&json);
        for (size_t j = 0; j < alert->told_count; j++) {
            json_object_begin(&json);
            json_field_str(&json, STR("channel"), str_of(alert->told[j].channel));
            json_field_str(&json, STR("news"),
                           alert->told[j].news == ALERT_OVER ? STR("over") : STR("firing"));
            show_json_time(&json, STR("at"), alert->told[j].at_ms);
            json_object_end(&json);
        }
        json_array_end(&json);
        json_object_end(&json);
    }
    json_array_end(&json);
    buf_add_byte(&look->out, '\n');
}

static void write_table(struct look *look, const struct alert_book *book)
{
    static const struct table_column columns[] = {
        {"what", TABLE_LEFT, 8},  {"part", TABLE_LEFT, 6},  {"name", TABLE_LEFT, 6},
        {"state", TABLE_LEFT, 0}, {"since", TABLE_LEFT, 0}, {"told", TABLE_LEFT, 6},
    };
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < book->count; i++) {
        const struct alert *alert = &book->items[i];
        table_text(&table, str_of(alert->what));
        table_text(&table, str_of(alert->part));
        table_text(&table, str_of(alert->name));
        table_text(&table, str_of(state_of(alert)));
        table_age(&table, alert->since_ms);
        table_text(&table, who_was_told(alert, &look->arena));
    }
    table_print(&table, &look->out);
    if (book->count == 0) {
        cli_say("nothing is wrong that anybody was to be told of");
    }
}

int cli_alerts_list(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    static struct alert_book book; /* Large. */
    int code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    bool ok = look.store == NULL || alert_book_load(&book, look.store, &look.arena, &err);
    if (ok && cli->json) {
        write_json(&look, &book);
    } else if (ok) {
        write_table(&look, &book);
    }
    return look_end(&look, ok, &err);
}

static bool try_channel(struct look *look, const struct alert_channel *channel,
                        struct json_writer *json)
{
    struct alert alert = {
        .key = "test", .what = "test", .part = "channel", .since_ms = look->screen.now_ms};
    struct clock *clock = clock_system();
    struct channel_env env = {clock, NULL, NULL};
    struct letter letter;
    struct err err = {0};
    memcpy(alert.name, channel->name.ptr, channel->name.len); /* ALERT_CHANNEL_NAME_MAX at most. */
    alert.fired_ms = alert.since_ms;
    letter_make(&letter, &alert, ALERT_FIRING, false, look->screen.now_ms);
    bool ok =
        channel_tell(channel, &letter, &env, clock_mono_ms(clock) + TEST_MS, &look->arena, &err);
    if (json != NULL) {
        json_object_begin(json);
        json_field_str(json, STR("channel"), channel->name);
        json_field_bool(json, STR("told"), ok);
        json_field_text(json, STR("why"), ok ? (struct str){0} : str_of(err.text));
        json_object_end(json);
    } else if (ok) {
        buf_printf(&look->out, "%.*s (%s): told\n", STR_ARG(channel->name),
                   config_alert_kind(channel->kind));
    } else {
        buf_printf(&look->out, "%.*s (%s): %s\n", STR_ARG(channel->name),
                   config_alert_kind(channel->kind), err.text);
    }
    return ok;
}

int cli_alerts_test(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct json_writer writer;
    struct str name = cli->word_count > 0 ? cli->words[0] : (struct str){0};
    size_t tried = 0;
    bool all = true;
    int code = look_begin_configured(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    struct json_writer *json = cli->json ? &writer : NULL;
    if (json != NULL) {
        json_writer_init(json, &look.out);
        json_array_begin(json);
    }
    const struct config_alerts *alerts = &look.config.alerts;
    for (size_t i = 0; i < alerts->count; i++) {
        if (name.len == 0 || str_equal(name, alerts->channels[i].name)) {
            all = try_channel(&look, &alerts->channels[i], json) && all;
            tried++;
        }
    }
    if (json != NULL) {
        json_array_end(json);
        buf_add_byte(&look.out, '\n');
    }
    if (tried == 0) {
        code = cli_misused(cli, "%s%.*s",
                           name.len > 0 ? "`alerts:` has no channel "
                                        : "the configuration has no `alerts:`",
                           STR_ARG(name));
        (void)look_end(&look, true, &err);
        return code;
    }
    code = look_end(&look, true, &err);
    return code == CLI_OK && !all ? CLI_UNREACHABLE : code;
}
