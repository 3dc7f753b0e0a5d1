#include "cli/restore_rows.h"

#include "base/file.h"
#include "cli/act.h"
#include "cli/moving.h"
#include "cli/show.h"
#include "engine/targets.h"
#include "store/backup.h"
#include "store/rows.h"
#include "text/json.h"

struct putting {
    struct act *act;
    const struct cli *cli;
    enum sink_load how;
    struct str only; /* A sink; absent: all. */
    size_t sinks;
    struct json_writer json;
};

static const struct plan_sink *sink_find(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->sink_count; i++) {
        if (str_equal(plan->sinks[i].name, name)) {
            return &plan->sinks[i];
        }
    }
    return NULL;
}

static void report(struct putting *putting, struct str sink, struct str done)
{
    struct act *act = putting->act;
    struct str rest = str_trim(done);
    struct str line;
    if (putting->cli->json) {
        json_object_begin(&putting->json);
        json_field_str(&putting->json, STR("sink"), sink);
        json_key(&putting->json, STR("report"));
        json_array_begin(&putting->json);
    }
    while (str_split(&rest, '\n', &line)) {
        if (putting->cli->json) {
            json_put_str(&putting->json, line);
        } else {
            buf_printf(&act->out, "sink %.*s: %.*s\n", STR_ARG(sink),
                       STR_ARG(show_text(&act->arena, line, SHOW_PEOPLE)));
        }
    }
    if (putting->cli->json) {
        json_array_end(&putting->json);
        json_object_end(&putting->json);
    }
}

static bool put_back(void *context, const struct backup_part *part, struct str path,
                     struct err *err)
{
    struct putting *putting = context;
    struct act *act = putting->act;
    const struct plan_sink *sink = sink_find(&act->config.plan, part->sink);
    struct str done = {0};
    if (putting->only.ptr != NULL && !str_equal(putting->only, part->sink)) {
        return true;
    }
    putting->sinks++;
    if (sink == NULL || sink->sink->type->load == NULL) {
        return err_set(err, ERR_REJECT,
                       "it holds rows of the sink '%.*s', and the configuration has no sink of "
                       "that name that takes rows; name one so, or say which with --sink",
                       STR_ARG(part->sink));
    }
    if (!targets_lend(&act->config.plan, sink, act->config.data_dir, &act->arena, err)) {
        return false;
    }
    bool ok = rows_load(sink->sink, path, putting->how, &act->arena, &done, err);
    targets_return(sink);
    if (ok) {
        report(putting, part->sink, done);
    }
    return ok || err_prefix(err, "sink %.*s: ", STR_ARG(part->sink));
}

/* Noted where there is a store; it may be lost, too. */
static bool note(struct act *act, struct str file, struct err *err)
{
    struct file_info info = {0};
    struct buf detail;
    struct json_writer json;
    act->path = arena_printf(&act->arena, "%.*s/sluice.db", STR_ARG(act->config.data_dir));
    if (act->path.ptr == NULL || !file_look(act->path, &info, err) || info.kind == FILE_MISSING) {
        return act->path.ptr != NULL && info.kind == FILE_MISSING;
    }
    struct store_options options = {.path = act->path, .clock = clock_system()};
    buf_init(&detail, &act->arena, 128);
    json_writer_init(&json, &detail);
    json_object_begin(&json);
    json_field_str(&json, STR("file"), file);
    json_object_end(&json);
    return store_open(&act->store, &options, err) && act_change(act, err) &&
           act_audit(act, "restore", STR("rows"), buf_str(&detail), err) && act_keep(act, err);
}

static int run(struct putting *putting, struct err *err)
{
    struct act *act = putting->act;
    const struct cli *cli = putting->cli;
    struct moving moving;
    struct backup_watch watch = {moving_show, &moving};
    struct restore_result result = {0};
    struct restore_plan plan = {
        .file = cli->words[0],
        .data_dir = file_folder(&act->arena, cli->words[0]),
        .only_check = true,
        .rows = put_back,
        .rows_context = putting,
        .actor = str_of(act->actor),
        .clock = clock_system(),
        .watch = &watch,
    };
    if (putting->cli->json) {
        json_writer_init(&putting->json, &act->out);
        json_object_begin(&putting->json);
        json_field_str(&putting->json, STR("file"), plan.file);
        json_field_bool(&putting->json, STR("dry_run"), putting->how == SINK_LOAD_LOOK);
        json_key(&putting->json, STR("sinks"));
        json_array_begin(&putting->json);
    }
    moving_begin(&moving, cli);
    bool ok = (putting->how == SINK_LOAD_LOOK || note(act, plan.file, err)) &&
              backup_restore(&plan, &act->arena, &result, err);
    moving_end(&moving);
    if (!ok) {
        buf_clear(&act->out); /* Half a report is none. */
        return act_fail(act, err);
    }
    if (putting->cli->json) {
        json_array_end(&putting->json);
        json_object_end(&putting->json);
        json_writer_done(&putting->json);
        buf_add_byte(&act->out, '\n');
    }
    if (putting->sinks == 0) {
        cli_say(putting->only.ptr != NULL ? "the backup holds no rows of such a sink"
                                          : "the backup holds no rows of tables elsewhere");
        return CLI_FAILED;
    }
    return CLI_OK;
}

int cli_restore_rows(struct cli *cli)
{
    struct act act = {0};
    struct err err = {0};
    struct putting putting = {.act = &act, .cli = cli, .only = cli_value(cli, "--sink")};
    putting.how = cli_given(cli, "--dry-run")   ? SINK_LOAD_LOOK
                  : cli_given(cli, "--replace") ? SINK_LOAD_REPLACE
                                                : SINK_LOAD_EMPTY;
    arena_init(&act.arena, ACT_ARENA_LIMIT);
    buf_init(&act.out, &act.arena, 1024);
    act_name_actor(act.actor);
    if (cli_given(cli, "--force") || cli_given(cli, "--only-store") || cli_given(cli, "--verify")) {
        return act_end(&act, cli_misused(cli, "--rows goes with --sink, --replace and --dry-run"));
    }
    int code = cli_config_load(cli, &act.config);
    return act_end(&act, code == CLI_OK ? run(&putting, &err) : code);
}
