#include <stdio.h>

#include "cli/connect.h"
#include "cli/help.h"
#include "config/excerpt.h"
#include "text/json.h"

static void show(const struct config *config)
{
    const struct plan *plan = &config->plan;
    (void)printf("ok: %.*s: %zu source%s, %zu pipeline%s, %zu sink%s; data in %.*s\n",
                 STR_ARG(config->path), plan->source_count, plan->source_count == 1 ? "" : "s",
                 plan->pipeline_count, plan->pipeline_count == 1 ? "" : "s", plan->sink_count,
                 plan->sink_count == 1 ? "" : "s", STR_ARG(config->data_dir));
    for (size_t i = 0; i < config->project_lists; i++) {
        const struct config_projects *list = &config->projects[i];
        (void)printf("pipeline %.*s: %zu project%s\n", STR_ARG(list->pipeline), list->chats.count,
                     list->chats.count == 1 ? "" : "s");
        for (size_t j = 0; j < list->chats.count; j++) {
            (void)printf("  • %.*s: %.*s\n", STR_ARG(list->chats.items[j].name),
                         STR_ARG(list->chats.items[j].chat));
        }
    }
}

static void names_json(struct json_writer *json, const struct config *config)
{
    const struct plan *plan = &config->plan;
    json_key(json, STR("sources"));
    json_array_begin(json);
    for (size_t i = 0; i < plan->source_count; i++) {
        json_put_str(json, plan->sources[i].name);
    }
    json_array_end(json);
    json_key(json, STR("sinks"));
    json_array_begin(json);
    for (size_t i = 0; i < plan->sink_count; i++) {
        json_put_str(json, plan->sinks[i].name);
    }
    json_array_end(json);
    json_key(json, STR("pipelines"));
    json_array_begin(json);
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        json_put_str(json, plan->pipelines[i].name);
    }
    json_array_end(json);
}

/* One object on standard output, also when the configuration is wrong. */
static int check_json(const struct cli *cli)
{
    struct config config;
    struct arena arena;
    struct buf out;
    struct json_writer json;
    struct err err = {0};
    bool ok = cli_config_try(cli, &config, &err);
    if (!ok && config.faults.count == 0) {
        config_free(&config);
        return cli_fail(&err);
    }
    ok = ok && cli_keys_guard(&config) == CLI_OK; /* It says why. */
    arena_init(&arena, CONFIG_ARENA_LIMIT);
    buf_init(&out, &arena, 4096);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_field_bool(&json, STR("ok"), ok);
    json_field_str(&json, STR("config"), config.path);
    json_field_str(&json, STR("data"), config.data_dir);
    json_field_int(&json, STR("errors"), (int64_t)config.faults.count);
    json_field_int(&json, STR("warnings"), (int64_t)config.faults.warnings);
    json_key(&json, STR("faults"));
    excerpt_json(&config.faults, &json);
    names_json(&json, &config);
    int connected = CLI_OK;
    if (cli_given(cli, "--connect")) {
        json_key(&json, STR("connections"));
        if (ok) {
            connected = cli_connect(cli, &config, &json);
        } else {
            json_put_null(&json);
        }
    }
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&out, '\n');
    config_free(&config);
    int code = help_print(&out); /* Gives the arena back. */
    return code != CLI_OK ? code : ok ? connected : CLI_CONFIG;
}

int cli_check(struct cli *cli)
{
    struct config config;
    if (cli->json) {
        return check_json(cli);
    }
    int code = cli_config_load(cli, &config);
    if (code == CLI_OK) {
        code = cli_keys_guard(&config);
    }
    if (code == CLI_OK) {
        show(&config);
    }
    if (code == CLI_OK && cli_given(cli, "--connect")) {
        code = cli_connect(cli, &config, NULL);
    }
    config_free(&config);
    return code;
}
