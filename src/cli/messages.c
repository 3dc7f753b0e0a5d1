/* Search the archive. The owner reads his own data: texts are shown, people's numbers are not. */
#include <inttypes.h>

#include "cli/message_view.h"
#include "cli/when.h"
#include "store/browse.h"

enum { MESSAGES_USUAL = 50, CHAT_LEAST = 10, TEXT_LEAST = 20, SENDER_LEAST = 6 };

static struct message_privacy privacy_of(const struct cli *cli)
{
    enum show_privacy privacy = cli_given(cli, "--show-people") ? SHOW_PEOPLE : SHOW_MASKED;
    return (struct message_privacy){.text = privacy, .people = privacy};
}

static int read_flags(struct cli *cli, struct look *look, struct browse *browse, int64_t *limit)
{
    struct when_range range;
    struct buf words;
    int64_t before = 0;
    int code = cli_number(cli, "--limit", 1, BROWSE_MAX, limit);
    code = code == CLI_OK ? cli_number(cli, "--before", 1, INT64_MAX, &before) : code;
    code = code == CLI_OK ? when_range(cli, look->screen.zone, look->screen.now_ms, &range) : code;
    if (code != CLI_OK) {
        return code;
    }
    buf_init(&words, &look->arena, 64);
    for (size_t i = 0; i < cli->word_count; i++) {
        /* Words with a space in them were quoted for the shell: they stand together. */
        bool quoted = str_find_byte(cli->words[i], ' ', 0) != STR_NONE &&
                      str_find_byte(cli->words[i], '"', 0) == STR_NONE;
        buf_printf(&words, "%s%s%.*s%s", i > 0 ? " " : "", quoted ? "\"" : "",
                   STR_ARG(cli->words[i]), quoted ? "\"" : "");
    }
    *browse = (struct browse){
        .words = buf_str(&words),
        .source = cli_value(cli, "--source"),
        .chat = look_chat_id(look, cli_value(cli, "--chat")),
        .sender = cli_value(cli, "--sender"),
        .since_ms = range.since_ms == INT64_MIN ? 0 : range.since_ms,
        .until_ms = range.until_ms == INT64_MAX ? 0 : range.until_ms,
        .before_id = before,
        .oldest_first = cli_given(cli, "--oldest-first"),
        .revisions = cli_given(cli, "--revisions"),
    };
    return CLI_OK;
}

struct found {
    struct message *items;
    size_t count;
    bool more;
    int64_t behind; /* Not in the index yet. */
};

static void write_json(struct look *look, const struct found *found, struct message_privacy privacy)
{
    struct json_writer json;
    json_writer_init(&json, &look->out);
    json_object_begin(&json);
    json_key(&json, STR("messages"));
    json_array_begin(&json);
    for (size_t i = 0; i < found->count; i++) {
        message_json(&json, look, &found->items[i], privacy);
    }
    json_array_end(&json);
    json_field_bool(&json, STR("more"), found->more);
    json_key(&json, STR("before"));
    if (found->more) {
        json_put_int(&json, found->items[found->count - 1].id);
    } else {
        json_put_null(&json);
    }
    json_field_int(&json, STR("not_indexed"), found->behind);
    json_object_end(&json);
    buf_add_byte(&look->out, '\n');
}

static void write_text(struct look *look, const struct found *found, struct message_privacy privacy)
{
    static const struct table_column columns[] = {
        {"id", TABLE_RIGHT, 0},           {"sent", TABLE_LEFT, 0},
        {"chat", TABLE_LEFT, CHAT_LEAST}, {"from", TABLE_LEFT, SENDER_LEAST},
        {"text", TABLE_LEFT, TEXT_LEAST},
    };
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < found->count; i++) {
        const struct message *message = &found->items[i];
        table_id(&table, message->id);
        table_time(&table, message->sent_ms);
        table.privacy = privacy.people;
        table_text(&table, look_chat_name(look, message->chat));
        table_text(&table, message_sender(&look->arena, message, privacy.people));
        table.privacy = privacy.text;
        table_text(&table, message->text);
    }
    table_print(&table, &look->out);
}

static void say_rest(const struct cli *cli, const struct found *found, bool searched)
{
    char text[SHOW_MAX];
    if (searched && found->behind > 0) {
        cli_say("the newest %.*s messages are not in the search index yet (it is filled while "
                "`serve` works, and a little after each `run`)",
                STR_ARG(show_count(found->behind, text)));
    }
    if (found->count == 0) {
        cli_say("no such message");
    }
    if (found->more) {
        cli_say(cli_given(cli, "--oldest-first") ? "there are more; raise --limit"
                                                 : "there are more: --before %" PRId64,
                found->items[found->count - 1].id);
    }
}

static bool find(struct look *look, const struct browse *browse, int64_t limit, struct found *found,
                 struct err *err)
{
    bool ok = store_begin_read(look->store, err) &&
              store_browse(look->store, &look->arena, browse, (size_t)limit, &found->items,
                           &found->count, &found->more, err) &&
              store_search_behind(look->store, &found->behind, err);
    store_rollback(look->store);
    return ok;
}

int cli_messages(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct browse browse = {0};
    struct found found = {0};
    int64_t limit = MESSAGES_USUAL;
    int code = look_begin(&look, cli);
    if (code == CLI_OK) {
        (void)look_configured(&look, cli);
        code = read_flags(cli, &look, &browse, &limit);
    }
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    bool ok = look.store == NULL || find(&look, &browse, limit, &found, &err);
    if (ok && cli->json) {
        write_json(&look, &found, privacy_of(cli));
    } else if (ok) {
        write_text(&look, &found, privacy_of(cli));
        say_rest(cli, &found, browse.words.len > 0);
    }
    return look_end(&look, ok, &err);
}
