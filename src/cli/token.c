/*
 * token: who may use the API of `sluice serve`.
 *
 * Each act is in the audit log, in the change that it is about. The token itself is printed once
 * and is in no log, no store and no list.
 */
#include "cli/act.h"
#include "cli/look.h"
#include "cli/table.h"
#include "serve/tokens.h"
#include "text/duration.h"
#include "text/json.h"

static int read_flags(const struct cli *cli, struct token_row *row)
{
    struct err err = {0};
    struct str wrong = {0};
    int64_t lasts_ms = 0;
    *row = (struct token_row){.name = cli->words[0], .made_ms = clock_wall_ms(clock_system())};
    if (!token_name_valid(row->name)) {
        return cli_misused(cli, "a name has letters, digits, - _ . and at most %d of them",
                           TOKENS_NAME_MAX);
    }
    if (!cli_given(cli, "--scope")) {
        return cli_misused(cli, "say what it is for: --scope read,run");
    }
    if (!token_scopes_parse(cli_value(cli, "--scope"), &row->scopes, &wrong)) {
        return cli_misused(cli, "'%.*s' is no scope; there are read, people, run, metrics, admin",
                           STR_ARG(wrong));
    }
    if (cli_given(cli, "--expires") &&
        (!duration_parse(cli_value(cli, "--expires"), &lasts_ms, &err) || lasts_ms == 0)) {
        return cli_misused(cli, "--expires: '%.*s' is no time such as 90d",
                           STR_ARG(cli_value(cli, "--expires")));
    }
    row->expires_ms = lasts_ms > 0 ? row->made_ms + lasts_ms : 0;
    return CLI_OK;
}

static void put_row(struct json_writer *json, const struct token_row *row)
{
    char scopes[TOKENS_SCOPES_TEXT_MAX];
    struct str rest = token_scopes_text(row->scopes, scopes);
    struct str word;
    json_field_str(json, STR("name"), row->name);
    json_key(json, STR("scopes"));
    json_array_begin(json);
    while (str_split(&rest, ',', &word)) {
        json_put_str(json, word);
    }
    json_array_end(json);
    show_json_time(json, STR("made_at"), row->made_ms);
    show_json_time(json, STR("expires_at"), row->expires_ms);
}

static struct str audit_detail(struct act *act, const struct token_row *row)
{
    struct buf out;
    struct json_writer json;
    buf_init(&out, &act->arena, 256);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    put_row(&json, row);
    json_object_end(&json);
    return buf_str(&out);
}

static void tell_new(struct act *act, const struct cli *cli, const struct token_row *row,
                     struct str text)
{
    struct json_writer json;
    if (!cli->json) {
        buf_printf(&act->out, "%.*s\n", STR_ARG(text));
        cli_say("this is the only time that it is shown; keep it where secrets are kept");
        return;
    }
    json_writer_init(&json, &act->out);
    json_object_begin(&json);
    put_row(&json, row);
    json_field_str(&json, STR("token"), text);
    json_object_end(&json);
    buf_add_byte(&act->out, '\n');
}

int cli_token_add(struct cli *cli)
{
    struct act act;
    struct err err = {0};
    struct token_row row;
    char text[TOKENS_TEXT_SIZE];
    int code = read_flags(cli, &row);
    if (code != CLI_OK) {
        return code;
    }
    code = act_begin(&act, cli, false);
    if (code == CLI_OK) {
        token_new(&row, text);
        if (act_change(&act, &err) && token_row_add(act.store, &act.arena, &row, &err) &&
            act_audit(&act, "token.add", row.name, audit_detail(&act, &row), &err) &&
            act_keep(&act, &err)) {
            tell_new(&act, cli, &row, (struct str){text, sizeof text - 1});
        } else {
            code = act_fail(&act, &err);
        }
        token_wipe(text, sizeof text);
    }
    code = act_end(&act, code);
    return code;
}

int cli_token_remove(struct cli *cli)
{
    struct act act;
    struct err err = {0};
    bool found = false;
    struct str name = cli->words[0];
    int code = act_begin(&act, cli, false);
    if (code == CLI_OK &&
        !(act_change(&act, &err) && token_row_remove(act.store, &act.arena, name, &found, &err) &&
          (!found || act_audit(&act, "token.remove", name, (struct str){0}, &err)) &&
          act_keep(&act, &err))) {
        code = act_fail(&act, &err);
    } else if (code == CLI_OK && !found) {
        cli_say("there is no token '%.*s'; see: sluice token list", STR_ARG(name));
        code = CLI_FAILED;
    } else if (code == CLI_OK && cli->json) {
        struct json_writer json;
        json_writer_init(&json, &act.out);
        json_object_begin(&json);
        json_field_str(&json, STR("removed"), name);
        json_object_end(&json);
        buf_add_byte(&act.out, '\n');
    } else if (code == CLI_OK) {
        buf_printf(&act.out, "%.*s is taken back\n", STR_ARG(name));
    }
    return act_end(&act, code);
}

static void write_json(struct look *look, const struct token_row *rows, size_t count)
{
    struct json_writer json;
    json_writer_init(&json, &look->out);
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(&json);
        put_row(&json, &rows[i]);
        json_field_bool(&json, STR("expired"),
                        rows[i].expires_ms != 0 && rows[i].expires_ms <= look->screen.now_ms);
        json_object_end(&json);
    }
    json_array_end(&json);
    buf_add_byte(&look->out, '\n');
}

static void write_table(struct look *look, const struct token_row *rows, size_t count)
{
    static const struct table_column columns[] = {
        {"name", TABLE_LEFT, 6},
        {"scopes", TABLE_LEFT, 8},
        {"made", TABLE_LEFT, 0},
        {"expires", TABLE_LEFT, 0},
    };
    char scopes[TOKENS_SCOPES_TEXT_MAX];
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        table_text(&table, rows[i].name);
        table_word(&table, arena_copy(&look->arena, token_scopes_text(rows[i].scopes, scopes)));
        table_time(&table, rows[i].made_ms);
        if (rows[i].expires_ms != 0) {
            table_age(&table, rows[i].expires_ms);
        } else {
            table_word(&table, STR("never"));
        }
    }
    table_print(&table, &look->out);
    if (count == 0) {
        cli_say("there are no tokens; see: sluice help token add");
    }
}

int cli_token_list(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct token_row *rows = NULL;
    size_t count = 0;
    int code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    bool ok = look.store == NULL || token_rows(look.store, &look.arena, &rows, &count, &err);
    if (ok && cli->json) {
        write_json(&look, rows, count);
    } else if (ok) {
        write_table(&look, rows, count);
    }
    return look_end(&look, ok, &err);
}
