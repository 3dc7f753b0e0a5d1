/* keys: how pipelines make the keys of their rows, and the consent to another way (engine/keys.h).
 */
#include "engine/keys.h"

#include <stdio.h>

#include "base/file.h"
#include "cli/act.h"
#include "cli/look.h"
#include "cli/table.h"
#include "config/nearest.h"
#include "model/keys.h"
#include "store/keys.h"
#include "text/json.h"

int cli_keys_guard(const struct config *config)
{
    struct arena arena;
    struct err err = {0};
    struct file_info info = {0};
    struct store *store = NULL;
    struct key_changes changes = {0};
    arena_init(&arena, LOOK_ARENA_LIMIT);
    struct str path = arena_printf(&arena, "%.*s/sluice.db", STR_ARG(config->data_dir));
    struct store_options options = {.path = path, .clock = clock_system(), .readonly = true};
    bool there = file_look(path, &info, &err) && info.kind != FILE_MISSING;
    int code = CLI_OK;
    if (there && (!store_open(&store, &options, &err) ||
                  !keys_look(store, &config->plan, &arena, &changes, &err))) {
        code = cli_fail(&err);
    }
    for (size_t i = 0; i < changes.count; i++) {
        struct str words = keys_words(&changes.items[i], &arena);
        cli_say("%.*s", STR_ARG(words));
        code = CLI_CONFIG;
    }
    store_close(store);
    arena_free(&arena);
    return code;
}

/* ---- keys list ---- */

static bool is_changed(const struct key_changes *changes, struct str pipeline, struct str part)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (str_equal(changes->items[i].pipeline, pipeline) &&
            str_equal(changes->items[i].part, part)) {
            return true;
        }
    }
    return false;
}

struct listing {
    struct look *look;
    const struct stored_keys *stored;
    size_t count;
    struct key_changes changes;
};

static void list_json(struct listing *listing)
{
    struct json_writer json;
    json_writer_init(&json, &listing->look->out);
    json_object_begin(&json);
    json_key(&json, STR("keys"));
    json_array_begin(&json);
    for (size_t i = 0; i < listing->count; i++) {
        const struct stored_keys *stored = &listing->stored[i];
        struct key_parts parts;
        if (!keys_parse(stored->text, &listing->look->arena, &parts)) {
            continue;
        }
        for (size_t j = 0; j < parts.count; j++) {
            json_object_begin(&json);
            json_field_str(&json, STR("pipeline"), stored->pipeline);
            json_field_str(&json, STR("part"), parts.items[j].name);
            json_field_str(&json, STR("value"), parts.items[j].value);
            json_field_bool(&json, STR("changed"),
                            is_changed(&listing->changes, stored->pipeline, parts.items[j].name));
            json_object_end(&json);
        }
    }
    json_array_end(&json);
    json_key(&json, STR("changes"));
    json_array_begin(&json);
    for (size_t i = 0; i < listing->changes.count; i++) {
        const struct key_change *change = &listing->changes.items[i];
        json_object_begin(&json);
        json_field_str(&json, STR("pipeline"), change->pipeline);
        json_field_str(&json, STR("part"), change->part);
        json_key(&json, STR("before"));
        if (change->before.ptr == NULL) {
            json_put_null(&json);
        } else {
            json_put_str(&json, change->before);
        }
        json_key(&json, STR("after"));
        if (change->after.ptr == NULL) {
            json_put_null(&json);
        } else {
            json_put_str(&json, change->after);
        }
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&listing->look->out, '\n');
}

static void list_text(struct listing *listing)
{
    static const struct table_column columns[] = {
        {"pipeline", TABLE_LEFT, 0}, {"part", TABLE_LEFT, 0}, {"value", TABLE_LEFT, 20}};
    struct look *look = listing->look;
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, 3);
    for (size_t i = 0; i < listing->count; i++) {
        const struct stored_keys *stored = &listing->stored[i];
        struct key_parts parts;
        if (!keys_parse(stored->text, &look->arena, &parts)) {
            continue;
        }
        for (size_t j = 0; j < parts.count; j++) {
            table_text(&table, stored->pipeline);
            table_text(&table, parts.items[j].name);
            table_text(&table, parts.items[j].value);
        }
    }
    table_print(&table, &look->out);
    for (size_t i = 0; i < listing->changes.count; i++) {
        struct str words = keys_words(&listing->changes.items[i], &look->arena);
        buf_printf(&look->out, "%.*s\n", STR_ARG(words));
    }
}

int cli_keys_list(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct listing listing = {.look = &look};
    struct stored_keys *stored = NULL;
    int code = look_begin_configured(&look, cli);
    bool ok = code == CLI_OK;
    if (ok && look.store != NULL) {
        ok = store_keys_list(look.store, &look.arena, &stored, &listing.count, &err) &&
             keys_look(look.store, &look.config.plan, &look.arena, &listing.changes, &err);
        listing.stored = stored;
    }
    if (ok && cli->json) {
        list_json(&listing);
    } else if (ok) {
        list_text(&listing);
    }
    int end = look_end(&look, ok || code != CLI_OK, &err);
    return code != CLI_OK ? code : end;
}

/* ---- keys accept ---- */

static const struct plan_pipeline *find_pipeline(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (str_equal(plan->pipelines[i].name, name)) {
            return &plan->pipelines[i];
        }
    }
    return NULL;
}

/* What it was and what it is, for the audit log. */
static struct str describe(struct act *act, const struct key_changes *changes, struct str pipeline)
{
    struct buf out;
    struct json_writer json;
    buf_init(&out, &act->arena, 256);
    json_writer_init(&json, &out);
    json_array_begin(&json);
    for (size_t i = 0; i < changes->count; i++) {
        const struct key_change *change = &changes->items[i];
        if (!str_equal(change->pipeline, pipeline)) {
            continue;
        }
        json_object_begin(&json);
        json_field_str(&json, STR("part"), change->part);
        json_field_str(&json, STR("before"), change->before);
        json_field_str(&json, STR("after"), change->after);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_writer_done(&json);
    return buf_str(&out);
}

static size_t count_of(const struct key_changes *changes, struct str pipeline)
{
    size_t count = 0;
    for (size_t i = 0; i < changes->count; i++) {
        count += str_equal(changes->items[i].pipeline, pipeline);
    }
    return count;
}

static int accept(struct act *act, const struct cli *cli)
{
    struct err err = {0};
    struct key_changes changes = {0};
    const struct plan_pipeline *pipeline = find_pipeline(&act->config.plan, cli->words[0]);
    if (pipeline == NULL) {
        struct nearest nearest;
        nearest_begin(&nearest, cli->words[0]);
        for (size_t i = 0; i < act->config.plan.pipeline_count; i++) {
            nearest_try(&nearest, act->config.plan.pipelines[i].name);
        }
        return cli_misused(cli, "there is no pipeline '%.*s'%s", STR_ARG(cli->words[0]),
                           nearest_hint(&nearest));
    }
    if (!act_change(act, &err) ||
        !keys_look(act->store, &act->config.plan, &act->arena, &changes, &err)) {
        return act_fail(act, &err);
    }
    size_t count = count_of(&changes, pipeline->name);
    struct str detail = describe(act, &changes, pipeline->name);
    if (count > 0 && (!keys_accept(act->store, pipeline, &act->arena, &err) ||
                      !act_audit(act, "keys.accept", pipeline->name, detail, &err))) {
        return act_fail(act, &err);
    }
    if (!act_keep(act, &err)) {
        return act_fail(act, &err);
    }
    if (cli->json) {
        buf_printf(&act->out, "{\"pipeline\":");
        json_quote(&act->out, pipeline->name);
        buf_printf(&act->out, ",\"accepted\":%zu}\n", count);
    } else if (count == 0) {
        buf_printf(&act->out,
                   "pipeline %.*s makes its keys as before; there is nothing to accept\n",
                   STR_ARG(pipeline->name));
    } else {
        buf_printf(&act->out,
                   "accepted %zu change%s of pipeline %.*s; it is in the audit log. Rows that are "
                   "there stay as they are.\nA running serve takes it up when the configuration is "
                   "read again: kill -HUP, or systemctl reload.\n",
                   count, count == 1 ? "" : "s", STR_ARG(pipeline->name));
    }
    return CLI_OK;
}

int cli_keys_accept(struct cli *cli)
{
    struct act act;
    int code = act_begin(&act, cli, true);
    if (code == CLI_OK) {
        code = accept(&act, cli);
    }
    return act_end(&act, code);
}
