/* restore: a backup back in place, or only looked at. */
#include <inttypes.h>

#include "cli/act.h"
#include "cli/moving.h"
#include "cli/restore_rows.h"
#include "cli/show.h"
#include "store/backup.h"
#include "text/json.h"

static void report_json(struct act *act, const struct restore_plan *plan,
                        const struct restore_result *result)
{
    const struct backup_facts *facts = &result->facts;
    struct json_writer json;
    json_writer_init(&json, &act->out);
    json_object_begin(&json);
    json_field_str(&json, STR("file"), plan->file);
    json_field_bool(&json, STR("restored"), !plan->only_check);
    json_field_str(&json, STR("sluice"), facts->sluice);
    show_json_time(&json, STR("made_at"), facts->made_ms);
    json_field_int(&json, STR("schema"), facts->schema);
    json_field_int(&json, STR("messages"), facts->messages);
    json_field_int(&json, STR("waiting"), facts->waiting);
    json_field_int(&json, STR("dead_letters"), facts->dead);
    json_field_int(&json, STR("audit_entries"), facts->audit);
    json_field_int(&json, STR("attachments"), facts->files);
    json_field_int(&json, STR("attachments_missing"), facts->files_missing);
    show_json_text(&json, STR("aside"), result->aside);
    json_key(&json, STR("targets"));
    json_array_begin(&json);
    for (size_t i = 0; i < facts->target_count; i++) {
        if (backup_part_is_rows(&facts->targets[i])) {
            continue;
        }
        json_object_begin(&json);
        json_field_str(&json, STR("sink"), facts->targets[i].sink);
        json_field_str(&json, STR("place"), facts->targets[i].place);
        show_json_text(&json, STR("was"), facts->targets[i].outside);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_key(&json, STR("elsewhere"));
    json_array_begin(&json);
    for (size_t i = 0; i < facts->target_count; i++) {
        const struct backup_part *part = &facts->targets[i];
        if (backup_part_is_rows(part)) {
            json_object_begin(&json);
            json_field_str(&json, STR("sink"), part->sink);
            json_field_int(&json, STR("tables"), part->tables);
            json_field_int(&json, STR("rows"), part->rows);
            json_field_str(&json, STR("how"), part->how);
            json_object_end(&json);
        }
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&act->out, '\n');
}

static void report_text(struct act *act, const struct restore_plan *plan,
                        const struct restore_result *result, const struct screen *screen)
{
    const struct backup_facts *facts = &result->facts;
    char at[SHOW_MAX];
    char messages[SHOW_MAX];
    char waiting[SHOW_MAX];
    buf_printf(&act->out, "%s: made %.*s by sluice %.*s, %.*s messages, %.*s records waiting\n",
               plan->only_check ? "sound" : "restored",
               STR_ARG(show_time(screen, facts->made_ms, at)), STR_ARG(facts->sluice),
               STR_ARG(show_count(facts->messages, messages)),
               STR_ARG(show_count(facts->waiting, waiting)));
    if (result->aside.ptr != NULL) {
        buf_printf(&act->out, "what was there before is in %.*s\n", STR_ARG(result->aside));
    }
    for (size_t i = 0; !plan->only_check && i < facts->target_count; i++) {
        const struct backup_part *target = &facts->targets[i];
        if (target->outside.len > 0 && !plan->only_store) {
            cli_say("what the sink '%.*s' writes was in %.*s and is now in %.*s/%.*s: put it back "
                    "there, or change the option `path`",
                    STR_ARG(target->sink), STR_ARG(target->outside), STR_ARG(plan->data_dir),
                    STR_ARG(target->place));
        }
    }
}

/* What a backup holds of databases elsewhere stays there: mostly they lived on. */
static void say_rows(const struct restore_plan *plan, const struct restore_result *result)
{
    const struct backup_facts *facts = &result->facts;
    for (size_t i = 0; i < facts->target_count; i++) {
        const struct backup_part *part = &facts->targets[i];
        if (backup_part_is_rows(part)) {
            cli_say("it also holds %" PRId64 " rows of %" PRId64
                    " tables of the sink '%.*s'%s; put back by: sluice restore %.*s --rows",
                    part->rows, part->tables, STR_ARG(part->sink),
                    plan->only_check ? "" : ", which are left as they are there",
                    STR_ARG(plan->file));
        }
    }
}

int cli_restore(struct cli *cli)
{
    struct act act = {0};
    struct err err = {0};
    struct moving moving;
    struct screen screen;
    struct restore_result result = {0};
    struct backup_watch watch = {moving_show, &moving};
    if (cli_given(cli, "--rows")) {
        return cli_restore_rows(cli);
    }
    arena_init(&act.arena, ACT_ARENA_LIMIT);
    buf_init(&act.out, &act.arena, 1024);
    act_name_actor(act.actor);
    struct restore_plan plan = {
        .file = cli->words[0],
        .force = cli_given(cli, "--force"),
        .only_store = cli_given(cli, "--only-store"),
        .only_check = cli_given(cli, "--verify"),
        .actor = str_of(act.actor),
        .clock = clock_system(),
        .watch = &watch,
    };
    if (plan.only_check && (plan.force || plan.only_store)) {
        return act_end(&act, cli_misused(cli, "--verify only looks; the other flags do not fit"));
    }
    if (cli_given(cli, "--sink") || cli_given(cli, "--replace") || cli_given(cli, "--dry-run")) {
        return act_end(&act, cli_misused(cli, "--sink, --replace and --dry-run go with --rows"));
    }
    int code = cli_config_place(cli, &act.config);
    if (code != CLI_OK) {
        return act_end(&act, code);
    }
    plan.data_dir = plan.only_check ? file_folder(&act.arena, plan.file) : act.config.data_dir;
    moving_begin(&moving, cli);
    bool ok = backup_restore(&plan, &act.arena, &result, &err);
    moving_end(&moving);
    if (!ok) {
        return act_end(&act, act_fail(&act, &err));
    }
    screen_init(&screen, cli, &act.config);
    if (cli->json) {
        report_json(&act, &plan, &result);
    } else {
        report_text(&act, &plan, &result, &screen);
    }
    say_rows(&plan, &result);
    return act_end(&act, CLI_OK);
}
