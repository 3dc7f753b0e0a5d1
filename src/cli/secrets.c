/* Where secrets come from; never what they are. */
#include <stdio.h>

#include "cli/help.h"
#include "text/bidi.h"
#include "text/json.h"
#include "text/utf8.h"

enum { SECRETS_ARENA = 4 * 1024 * 1024, NAME_COLUMNS_MAX = 48, FROM_COLUMNS_MAX = 60 };

static size_t widest(const struct secrets *secrets, bool names, size_t max)
{
    size_t width = 4;
    for (size_t i = 0; i < secrets->count; i++) {
        size_t one = utf8_width(names ? secrets->items[i].name : secrets->items[i].from);
        width = one > width ? one : width;
    }
    return width < max ? width : max;
}

static void pad(struct buf *out, struct str text, size_t width)
{
    struct str shown = bidi_isolate(out->arena, text);
    buf_add(out, shown);
    for (size_t used = utf8_width(text); used < width; used++) {
        buf_add_byte(out, ' ');
    }
    buf_add(out, STR("  "));
}

static const char *state(const struct secret_entry *entry)
{
    return !entry->found ? "cannot be had" : entry->used ? "found" : "found, unused";
}

static void put_table(const struct secrets *secrets, struct buf *out)
{
    size_t names = widest(secrets, true, NAME_COLUMNS_MAX);
    size_t froms = widest(secrets, false, FROM_COLUMNS_MAX);
    if (secrets->count == 0) {
        buf_add(out, STR("the configuration names no secret\n"));
        return;
    }
    for (size_t i = 0; i < secrets->count; i++) {
        const struct secret_entry *entry = &secrets->items[i];
        pad(out, entry->name, names);
        pad(out, entry->from, froms);
        buf_printf(out, "%s\n", state(entry));
    }
}

static void put_json(const struct secrets *secrets, struct buf *out)
{
    struct json_writer json;
    json_writer_init(&json, out);
    json_array_begin(&json);
    for (size_t i = 0; i < secrets->count; i++) {
        const struct secret_entry *entry = &secrets->items[i];
        json_object_begin(&json);
        json_field_str(&json, STR("name"), entry->name);
        json_field_bool(&json, STR("shared"), entry->section);
        json_field_str(&json, STR("from"), entry->from);
        json_field_bool(&json, STR("found"), entry->found);
        json_field_bool(&json, STR("used"), entry->used);
        json_field_str(&json, STR("file"), entry->place.file);
        json_field_int(&json, STR("line"), (int64_t)entry->place.line);
        json_field_int(&json, STR("column"), (int64_t)entry->place.column);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_writer_done(&json);
    buf_add_byte(out, '\n');
}

/* Works with a configuration that is wrong elsewhere: then above all one wants to look. */
int cli_secrets(struct cli *cli)
{
    struct config config;
    struct arena arena;
    struct buf out;
    struct err err = {0};
    bool ok = cli_config_try(cli, &config, &err);
    if (config.secrets == NULL || (!ok && config.secrets->count == 0)) {
        config_free(&config);
        return cli_fail(&err);
    }
    bool lost = false;
    for (size_t i = 0; i < config.secrets->count; i++) {
        lost = lost || !config.secrets->items[i].found;
    }
    arena_init(&arena, SECRETS_ARENA);
    buf_init(&out, &arena, 4096);
    if (cli->json) {
        put_json(config.secrets, &out);
    } else {
        put_table(config.secrets, &out);
    }
    if (!ok) {
        cli_say("%s", err.text);
        cli_say("the configuration has mistakes: sluice check");
    }
    config_free(&config);
    int code = help_print(&out);
    return code == CLI_OK && (lost || !ok) ? CLI_CONFIG : code;
}
