#include <stdio.h>

#include "cli/cli.h"

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

int cli_check(struct cli *cli)
{
    struct config config;
    int code = cli_config_load(cli, &config);
    if (code == CLI_OK) {
        code = cli_keys_guard(&config);
    }
    if (code == CLI_OK) {
        show(&config);
    }
    config_free(&config);
    return code;
}
