/* project: the groups of a pipeline, kept in its projects.yaml. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/look.h"
#include "cli/table.h"
#include "config/nearest.h"
#include "config/projects.h"
#include "store/archive.h"
#include "store/lease.h"
#include "text/json.h"

enum { TAKE_UP_MS = 30 * 1000, TAKE_UP_LOOK_MS = 100 };

/* The file that is worked on, and the pipeline that reads it. */
struct desk {
    struct look look;
    const struct config_projects *list;
    struct projects projects;
};

/* The one list there is, or that of --pipeline. */
static int choose_list(struct desk *desk, const struct cli *cli)
{
    const struct config *config = &desk->look.config;
    struct str wanted = cli_value(cli, "--pipeline");
    for (size_t i = 0; i < config->project_lists; i++) {
        const struct config_projects *list = &config->projects[i];
        if (wanted.ptr == NULL ? config->project_lists == 1 : str_equal(list->pipeline, wanted)) {
            desk->list = list;
        }
    }
    if (desk->list == NULL && wanted.ptr != NULL) {
        return cli_misused(cli, "there is no pipeline '%.*s' with projects", STR_ARG(wanted));
    }
    if (desk->list == NULL && config->project_lists > 1) {
        return cli_misused(cli, "several pipelines have projects: name one with --pipeline");
    }
    if (desk->list == NULL) {
        cli_say("no pipeline of %.*s has projects", STR_ARG(config->path));
        return CLI_CONFIG;
    }
    if (desk->list->chats.file.len == 0) {
        cli_say(
            "the projects of pipeline %.*s stand in the configuration itself; edit it there, or "
            "move them to a file of their own: `projects: projects.yaml`",
            STR_ARG(desk->list->pipeline));
        return CLI_CONFIG;
    }
    return CLI_OK;
}

static int desk_begin(struct desk *desk, const struct cli *cli)
{
    struct err err = {0};
    *desk = (struct desk){0};
    int code = look_begin_configured(&desk->look, cli);
    code = code == CLI_OK ? choose_list(desk, cli) : code;
    if (code != CLI_OK) {
        return code;
    }
    return projects_read(&desk->projects, &desk->look.arena, desk->list->chats.file, "projects",
                         &err)
               ? CLI_OK
               : cli_fail(&err);
}

static int desk_end(struct desk *desk, int code)
{
    struct err err = {0};
    if (code != CLI_OK && code != CLI_PARTIAL) {
        desk->look.out.len = 0; /* Nothing was done that would have to be told. */
    }
    int end = look_end(&desk->look, true, &err);
    return code != CLI_OK ? code : end;
}

/* The file that a link leads to, so that the link stays one; mode and owner stay, too. */
static bool write_file(struct desk *desk, struct str text, struct err *err)
{
    struct stat before;
    char real[PATH_MAX];
    if (realpath(desk->projects.path.ptr, real) == NULL || stat(real, &before) != 0) {
        return err_set(err, ERR_CONFIG, "%.*s is gone", STR_ARG(desk->projects.path));
    }
    bool ok = file_write(str_of(real), before.st_mode & 07777, text, err);
    if (ok && (before.st_uid != geteuid() || before.st_gid != getegid()) &&
        chown(real, before.st_uid, before.st_gid) != 0) {
        cli_say("%s belonged to somebody else, and is yours now; can the service still read it?",
                real);
    }
    return ok;
}

/* ---- Does a running serve take it up? ---- */

enum taken { TAKEN_NOBODY = 0, TAKEN_YES, TAKEN_NOT_YET };

static bool is_serving(struct desk *desk)
{
    struct lease_file *file = NULL;
    struct err err = {0};
    bool held = false;
    if (desk->look.store == NULL || !lease_file_open(&file, desk->look.path, &err)) {
        return false;
    }
    /* Of `run` as well, for as long as it takes; then nobody takes it up, which is said. */
    (void)store_lease_held(desk->look.store, file, STR("upkeep"), &held, &err);
    lease_file_close(file);
    return held;
}

static enum taken await_taken(struct desk *desk, struct str chat, bool listens)
{
    struct clock *clock = clock_system();
    int64_t until_ms = clock_mono_ms(clock) + TAKE_UP_MS;
    struct err err = {0};
    if (!is_serving(desk)) {
        return TAKEN_NOBODY;
    }
    while (clock_mono_ms(clock) < until_ms && is_serving(desk)) {
        bool is = !listens;
        if (store_subscribed(desk->look.store, desk->list->pipeline, chat, &is, &err) &&
            is == listens) {
            return TAKEN_YES;
        }
        clock->sleep_until(clock, clock_mono_ms(clock) + TAKE_UP_LOOK_MS);
    }
    return TAKEN_NOT_YET;
}

/* ---- What is said ---- */

static void put_project(struct json_writer *json, const struct project *project)
{
    json_object_begin(json);
    json_field_str(json, STR("name"), project->name);
    json_field_bool(json, STR("enabled"), project->enabled);
    json_field_str(json, STR("group_jid"), project->chat);
    json_field_str(json, STR("description"), project->description);
    json_object_end(json);
}

static void tell_json(struct desk *desk, const struct project *project, enum taken taken)
{
    static const char *const words[] = {"nobody", "yes", "not_yet"};
    struct json_writer json;
    json_writer_init(&json, &desk->look.out);
    json_object_begin(&json);
    json_field_str(&json, STR("pipeline"), desk->list->pipeline);
    json_field_str(&json, STR("file"), desk->projects.path);
    json_key(&json, STR("project"));
    put_project(&json, project);
    json_field_str(&json, STR("taken_up"), str_of(words[taken]));
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&desk->look.out, '\n');
}

static void tell_text(struct desk *desk, const struct project *project, enum taken taken)
{
    struct buf *out = &desk->look.out;
    const struct config *config = &desk->look.config;
    if (project->enabled) {
        buf_printf(out, "• %.*s: %.*s\n", STR_ARG(project->name), STR_ARG(project->chat));
    }
    switch (taken) {
    case TAKEN_YES:
        buf_printf(out, "the running serve %s\n",
                   project->enabled
                       ? "has taken it up; what was posted in the group before counts too"
                       : "no longer reads it; enabled again, it goes on where it was left");
        return;
    case TAKEN_NOT_YET:
        buf_printf(
            out,
            "the running serve has not taken it up within %d s; its log says why (or it runs "
            "with another configuration)\n",
            TAKE_UP_MS / 1000);
        return;
    case TAKEN_NOBODY:
        buf_printf(out, "nothing is serving; next: sluice --config %.*s serve\n",
                   STR_ARG(config->path));
        return;
    }
}

/* Write, wait, tell. */
static int change(struct desk *desk, const struct cli *cli, const struct project *project,
                  struct str text)
{
    struct err err = {0};
    if (!write_file(desk, text, &err)) {
        return cli_fail(&err);
    }
    if (!cli->json) {
        cli_say("%.*s: written", STR_ARG(desk->projects.path));
    }
    enum taken taken = await_taken(desk, project->chat, project->enabled);
    if (cli->json) {
        tell_json(desk, project, taken);
    } else {
        tell_text(desk, project, taken);
    }
    return taken == TAKEN_NOT_YET ? CLI_PARTIAL : CLI_OK;
}

/* ---- The acts ---- */

int cli_project_add(struct cli *cli)
{
    struct desk desk;
    struct err err = {0};
    struct str text = {0};
    struct str description = cli_value(cli, "--description");
    struct project project = {
        .name = cli->words[0],
        .chat = cli->words[1],
        .description = description.ptr != NULL ? description : cli->words[0],
        .enabled = !cli_given(cli, "--disabled"),
    };
    int code = desk_begin(&desk, cli);
    if (code == CLI_OK && !projects_add(&desk.projects, &project, &text, &err)) {
        code = cli_fail(&err);
    }
    code = code == CLI_OK ? change(&desk, cli, &project, text) : code;
    return desk_end(&desk, code);
}

static int set_enabled(struct cli *cli, bool on)
{
    struct desk desk;
    struct err err = {0};
    struct str text = {0};
    int code = desk_begin(&desk, cli);
    if (code != CLI_OK) {
        return desk_end(&desk, code);
    }
    size_t at = projects_find(&desk.projects, cli->words[0]);
    if (at == desk.projects.count) {
        struct nearest nearest;
        nearest_begin(&nearest, cli->words[0]);
        for (size_t i = 0; i < desk.projects.count; i++) {
            nearest_try(&nearest, desk.projects.items[i].name);
        }
        cli_say("%.*s has no project '%.*s'%s", STR_ARG(desk.projects.path), STR_ARG(cli->words[0]),
                nearest_hint(&nearest));
        return desk_end(&desk, CLI_FAILED);
    }
    struct project project = desk.projects.items[at];
    if (project.enabled == on) {
        cli_say("%.*s is %s already", STR_ARG(project.name), on ? "enabled" : "disabled");
        if (cli->json) {
            tell_json(&desk, &project, await_taken(&desk, project.chat, on));
        }
        return desk_end(&desk, CLI_OK);
    }
    project.enabled = on;
    code = projects_enable(&desk.projects, at, on, &text, &err) ? change(&desk, cli, &project, text)
                                                                : cli_fail(&err);
    return desk_end(&desk, code);
}

int cli_project_enable(struct cli *cli)
{
    return set_enabled(cli, true);
}

int cli_project_disable(struct cli *cli)
{
    return set_enabled(cli, false);
}

static void list_json(struct desk *desk)
{
    struct json_writer json;
    json_writer_init(&json, &desk->look.out);
    json_object_begin(&json);
    json_field_str(&json, STR("pipeline"), desk->list->pipeline);
    json_field_str(&json, STR("file"), desk->projects.path);
    json_key(&json, STR("projects"));
    json_array_begin(&json);
    for (size_t i = 0; i < desk->projects.count; i++) {
        put_project(&json, &desk->projects.items[i]);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&desk->look.out, '\n');
}

static void list_text(struct desk *desk)
{
    static const struct table_column columns[] = {{"name", TABLE_LEFT, 12},
                                                  {"enabled", TABLE_LEFT, 0},
                                                  {"group", TABLE_LEFT, 0},
                                                  {"description", TABLE_LEFT, 12}};
    struct table table;
    table_init(&table, &desk->look.arena, &desk->look.screen, columns, 4);
    for (size_t i = 0; i < desk->projects.count; i++) {
        const struct project *project = &desk->projects.items[i];
        table_text(&table, project->name);
        table_word(&table, project->enabled ? STR("yes") : STR("no"));
        table_text(&table, project->chat);
        table_text(&table, project->description);
    }
    table_print(&table, &desk->look.out);
}

int cli_project_list(struct cli *cli)
{
    struct desk desk;
    int code = desk_begin(&desk, cli);
    if (code == CLI_OK && cli->json) {
        list_json(&desk);
    } else if (code == CLI_OK) {
        list_text(&desk);
    }
    return desk_end(&desk, code);
}
