/* migrate: the store and what sinks write into, made or brought up to date; a person asks for it.
 */
#include <inttypes.h>

#include "base/file.h"
#include "cli/act.h"
#include "cli/show.h"
#include "engine/targets.h"
#include "store/lease.h"
#include "text/json.h"

struct migrating {
    struct act *act;
    const struct cli *cli;
    bool dry;
    bool missing; /* There is no store yet. */
    int64_t version;
    int64_t current;
    struct json_writer json;
};

static void begin_report(struct migrating *migrating)
{
    struct buf *out = &migrating->act->out;
    bool old = !migrating->missing && migrating->version < migrating->current;
    if (migrating->cli->json) {
        json_writer_init(&migrating->json, out);
        json_object_begin(&migrating->json);
        json_field_bool(&migrating->json, STR("dry_run"), migrating->dry);
        json_field_bool(&migrating->json, STR("store_exists"), !migrating->missing);
        json_field_int(&migrating->json, STR("version"), migrating->version);
        json_key(&migrating->json, STR("sinks"));
        json_array_begin(&migrating->json);
    } else if (migrating->missing) {
        buf_add(out, migrating->dry ? STR("store: to be made\n") : STR("store: made\n"));
    } else if (old) {
        buf_printf(out,
                   "store: version %" PRId64 " %s %" PRId64
                   "; a copy is kept as sluice.db.version-%" PRId64 "\n",
                   migrating->version, migrating->dry ? "would become" : "became",
                   migrating->current, migrating->version);
    } else {
        buf_printf(out, "store: version %" PRId64 ", nothing to do\n", migrating->version);
    }
}

static void end_report(struct migrating *migrating)
{
    if (migrating->cli->json) {
        json_array_end(&migrating->json);
        json_object_end(&migrating->json);
        json_writer_done(&migrating->json);
        buf_add_byte(&migrating->act->out, '\n');
    }
}

static void report_sink(struct migrating *migrating, struct str sink, struct str done)
{
    struct str rest = str_trim(done);
    struct str line;
    struct act *act = migrating->act;
    if (migrating->cli->json) {
        json_object_begin(&migrating->json);
        json_field_str(&migrating->json, STR("sink"), sink);
        json_key(&migrating->json, STR("report"));
        json_array_begin(&migrating->json);
    }
    while (str_split(&rest, '\n', &line)) {
        if (migrating->cli->json) {
            json_put_str(&migrating->json, line);
        } else {
            buf_printf(&act->out, "sink %.*s: %.*s\n", STR_ARG(sink),
                       STR_ARG(show_text(&act->arena, line, SHOW_MASKED)));
        }
    }
    if (migrating->cli->json) {
        json_array_end(&migrating->json);
        json_object_end(&migrating->json);
    }
}

static bool migrate_sink(struct migrating *migrating, const struct plan_sink *sink, struct err *err)
{
    struct act *act = migrating->act;
    struct str done = STR("nothing to do: its targets need no preparation");
    if (sink->sink->type->migrate == NULL) {
        report_sink(migrating, sink->name, done);
        return true;
    }
    if (!targets_lend(&act->config.plan, sink, act->config.data_dir, &act->arena, err)) {
        return false;
    }
    bool ok = sink->sink->type->migrate(sink->sink, migrating->dry, &act->arena, &done, err);
    targets_return(sink);
    if (ok) {
        report_sink(migrating, sink->name, done);
    }
    return ok;
}

/* Opening brings it up to date; the act is noted before the sinks are touched. */
static bool migrate_store(struct migrating *migrating, struct err *err)
{
    struct act *act = migrating->act;
    struct store_options options = {.path = act->path, .clock = clock_system()};
    return store_open(&act->store, &options, err) && act_change(act, err) &&
           act_audit(act, "migrate", STR("store"), (struct str){0}, err) && act_keep(act, err);
}

static bool look_at_store(struct migrating *migrating, struct err *err)
{
    struct act *act = migrating->act;
    struct file_info info = {0};
    if (!file_look(act->path, &info, err)) {
        return false;
    }
    migrating->missing = info.kind == FILE_MISSING;
    return migrating->missing ||
           store_version(act->path, &migrating->version, &migrating->current, err);
}

static bool migrate_all(struct migrating *migrating, struct err *err)
{
    const struct plan *plan = &migrating->act->config.plan;
    if (!look_at_store(migrating, err) || (!migrating->dry && !migrate_store(migrating, err))) {
        return false;
    }
    begin_report(migrating);
    for (size_t i = 0; i < plan->sink_count; i++) {
        if (!migrate_sink(migrating, &plan->sinks[i], err)) {
            return false;
        }
    }
    end_report(migrating);
    return true;
}

/* Nobody may be at work on what is altered. */
static bool migrate_alone(struct migrating *migrating, struct err *err)
{
    struct act *act = migrating->act;
    struct lease_file *leases = NULL;
    bool alone = false;
    if (migrating->dry) {
        return migrate_all(migrating, err);
    }
    if (!file_make_dirs(act->config.data_dir, DIR_PRIVATE, err) ||
        !lease_file_open(&leases, act->path, err)) {
        return false;
    }
    bool ok =
        lease_file_seize(leases, &alone, err) &&
        (alone || err_set(err, ERR_STOP, "a process works on the store in %.*s; stop it first",
                          STR_ARG(act->config.data_dir))) &&
        migrate_all(migrating, err);
    lease_file_close(leases);
    return ok;
}

int cli_migrate(struct cli *cli)
{
    struct act act = {0};
    struct err err = {0};
    struct migrating migrating = {.act = &act, .cli = cli, .dry = cli_given(cli, "--dry-run")};
    arena_init(&act.arena, ACT_ARENA_LIMIT);
    buf_init(&act.out, &act.arena, 1024);
    act_name_actor(act.actor);
    int code = cli_config_load(cli, &act.config);
    if (code != CLI_OK) {
        return act_end(&act, code);
    }
    act.path = arena_printf(&act.arena, "%.*s/sluice.db", STR_ARG(act.config.data_dir));
    bool ok = act.path.ptr != NULL || err_set(&err, ERR_RETRY, "out of memory");
    if (!ok || !migrate_alone(&migrating, &err)) {
        buf_clear(&act.out);
        code = act_fail(&act, &err);
    }
    return act_end(&act, code);
}
