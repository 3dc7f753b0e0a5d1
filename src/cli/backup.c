/* backup: store, targets and attachments as one file; see store/backup.h for why it is safe. */
#include "store/backup.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/act.h"
#include "cli/backups.h"
#include "cli/moving.h"
#include "cli/show.h"
#include "engine/targets.h"
#include "text/datetime.h"
#include "text/json.h"

enum { KEEP_MAX = 100000 };

static const struct str name_start = STR_INIT("sluice-");
static const struct str name_end = STR_INIT(".tar.gz");

struct wanted {
    struct str file;
    struct str folder; /* Absent: a file was named. */
    int64_t keep;      /* 0: all. */
    struct backup_target targets[BACKUP_TARGETS_MAX];
    size_t target_count;
    struct str left_out[PLAN_SINKS_MAX];
    size_t left_out_count;
    const struct plan_sink *lent[PLAN_SINKS_MAX]; /* Open, to be given back. */
    struct sink *sinks[PLAN_SINKS_MAX];
    size_t sink_count;
    bool blind; /* The configuration could not be read: nobody knows of targets elsewhere. */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory");
}

static bool add_target(struct wanted *wanted, struct backup_target target, struct err *err)
{
    for (size_t i = 0; i < wanted->target_count; i++) {
        if (str_equal(wanted->targets[i].path, target.path)) {
            return true;
        }
    }
    if (wanted->target_count == BACKUP_TARGETS_MAX) {
        return err_set(err, ERR_CONFIG, "sinks write more than %d files: too many for a backup",
                       BACKUP_TARGETS_MAX);
    }
    wanted->targets[wanted->target_count++] = target;
    return true;
}

static bool find_files(struct wanted *wanted, struct act *act, const struct plan_sink *sink,
                       struct err *err)
{
    const struct sink_file *files = NULL;
    size_t count = 0;
    if (!targets_lend(&act->config.plan, sink, act->config.data_dir, &act->arena, err)) {
        return false;
    }
    bool ok = sink->sink->type->files(sink->sink, &act->arena, &files, &count, err);
    for (size_t i = 0; ok && i < count; i++) {
        ok = add_target(wanted,
                        (struct backup_target){sink->name, files[i].database, files[i].image}, err);
    }
    targets_return(sink);
    return ok;
}

/* Ask each sink for its files; what has its rows elsewhere is opened, until the backup is made;
   others are named as left out. */
static bool find_targets(struct wanted *wanted, struct act *act, struct err *err)
{
    const struct plan *plan = &act->config.plan;
    for (size_t i = 0; i < plan->sink_count; i++) {
        const struct plan_sink *sink = &plan->sinks[i];
        if (sink->sink->type->files != NULL) {
            if (!find_files(wanted, act, sink, err)) {
                return false;
            }
        } else if (sink->sink->type->save == NULL) {
            wanted->left_out[wanted->left_out_count++] = sink->name;
        } else if (targets_lend(plan, sink, act->config.data_dir, &act->arena, err)) {
            wanted->lent[wanted->sink_count] = sink;
            wanted->sinks[wanted->sink_count++] = sink->sink;
        } else {
            return false;
        }
    }
    return true;
}

static void return_sinks(struct wanted *wanted)
{
    for (size_t i = 0; i < wanted->sink_count; i++) {
        targets_return(wanted->lent[i]);
    }
    wanted->sink_count = 0;
}

/* Where to: the file that was named, or a dated one in the folder. */
static bool find_place(struct wanted *wanted, const struct cli *cli, struct act *act,
                       struct err *err)
{
    struct file_info info = {0};
    char at[DATETIME_TEXT_MAX];
    struct str word = cli->word_count > 0 ? cli->words[0] : (struct str){0};
    if (word.ptr == NULL) {
        wanted->folder = arena_printf(&act->arena, "%.*s/backups", STR_ARG(act->config.data_dir));
        if (wanted->folder.ptr == NULL || !file_make_dirs(wanted->folder, DIR_PRIVATE, err)) {
            return wanted->folder.ptr != NULL || no_memory(err);
        }
    } else {
        if (!file_look(word, &info, err)) {
            return false;
        }
        bool folder = info.kind == FILE_DIRECTORY || str_ends(word, STR("/"));
        if (info.kind == FILE_REGULAR && !cli_given(cli, "--force")) {
            return err_set(err, ERR_REJECT,
                           "%.*s is there already; name another file or a folder, or --force",
                           STR_ARG(word));
        }
        if (folder && info.kind == FILE_MISSING && !file_make_dirs(word, DIR_PRIVATE, err)) {
            return false;
        }
        wanted->folder = folder ? word : (struct str){0};
        wanted->file = folder ? (struct str){0} : word;
    }
    if (wanted->folder.ptr !=
        NULL) { /* 2025-11-24T10:00:00.123Z: without what names may not hold. */
        struct str now = datetime_format_iso(clock_wall_ms(clock_system()), at);
        struct buf name;
        buf_init(&name, &act->arena, 128);
        buf_printf(&name, "%.*s/%.*s", STR_ARG(wanted->folder), STR_ARG(name_start));
        for (size_t i = 0; i < now.len; i++) {
            if (now.ptr[i] != '-' && now.ptr[i] != ':' && now.ptr[i] != '.') {
                buf_add_byte(&name, now.ptr[i]);
            }
        }
        buf_add(&name, name_end);
        wanted->file = buf_str(&name);
    }
    return wanted->file.ptr != NULL || no_memory(err);
}

/* Ours by their names, oldest first, because the names hold the time. */
static bool remove_old(const struct wanted *wanted, struct arena *arena, int64_t *removed,
                       struct err *err)
{
    struct file_list list = {0};
    int64_t ours = 0;
    if (wanted->keep == 0 || wanted->folder.ptr == NULL) {
        return true;
    }
    if (!file_list(arena, wanted->folder, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        ours += str_starts(list.names[i], name_start) && str_ends(list.names[i], name_end);
    }
    for (size_t i = 0; i < list.count && ours > wanted->keep; i++) {
        if (!str_starts(list.names[i], name_start) || !str_ends(list.names[i], name_end)) {
            continue;
        }
        struct str path =
            arena_printf(arena, "%.*s/%.*s", STR_ARG(wanted->folder), STR_ARG(list.names[i]));
        if (path.ptr == NULL || !file_remove(path, err)) {
            return path.ptr != NULL || no_memory(err);
        }
        ours--;
        (*removed)++;
    }
    return true;
}

static void report(struct act *act, const struct cli *cli, const struct wanted *wanted,
                   const struct backup_facts *facts, int64_t removed)
{
    struct json_writer json;
    char size[SHOW_MAX];
    char count[SHOW_MAX];
    char waiting[SHOW_MAX];
    if (!cli->json) {
        struct str shown = show_text(&act->arena, wanted->file, SHOW_PEOPLE);
        buf_printf(&act->out, "%.*s: %.*s, %.*s messages, %.*s records waiting, %zu targets, ",
                   STR_ARG(shown), STR_ARG(show_size((int64_t)facts->bytes, size)),
                   STR_ARG(show_count(facts->messages, count)),
                   STR_ARG(show_count(facts->waiting, waiting)), facts->target_count);
        buf_printf(&act->out, "%.*s attachments\n", STR_ARG(show_count(facts->files, count)));
        return;
    }
    json_writer_init(&json, &act->out);
    json_object_begin(&json);
    json_field_str(&json, STR("file"), wanted->file);
    json_field_int(&json, STR("bytes"), (int64_t)facts->bytes);
    json_field_int(&json, STR("messages"), facts->messages);
    json_field_int(&json, STR("waiting"), facts->waiting);
    json_field_int(&json, STR("dead_letters"), facts->dead);
    json_field_int(&json, STR("targets"), (int64_t)facts->target_count);
    json_field_int(&json, STR("attachments"), facts->files);
    json_field_int(&json, STR("attachments_missing"), facts->files_missing);
    json_field_int(&json, STR("removed"), removed);
    json_key(&json, STR("left_out"));
    json_array_begin(&json);
    for (size_t i = 0; i < wanted->left_out_count; i++) {
        json_put_str(&json, wanted->left_out[i]);
    }
    for (size_t i = 0; i < facts->gap_count; i++) {
        json_put_str(&json, facts->gaps[i].sink);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&act->out, '\n');
}

/* What the backup does not hold is said, and makes the exit code 2. */
static int say_gaps(const struct wanted *wanted, const struct backup_facts *facts)
{
    for (size_t i = 0; i < wanted->left_out_count; i++) {
        cli_say("not in the backup: what the sink '%.*s' writes, which is not a file here; back "
                "that up by its own means",
                STR_ARG(wanted->left_out[i]));
    }
    for (size_t i = 0; i < facts->gap_count; i++) {
        cli_say("not in the backup: what the sink '%.*s' writes: %.*s",
                STR_ARG(facts->gaps[i].sink), STR_ARG(facts->gaps[i].why));
    }
    if (facts->files_missing > 0) {
        cli_say("%" PRId64 " attachments are gone from the disk and not in the backup",
                facts->files_missing);
    }
    if (wanted->blind) {
        cli_say("the configuration could not be read, so only what lies in the data folder is in "
                "the backup");
    }
    return facts->files_missing > 0 || facts->gap_count > 0 || wanted->blind ? CLI_PARTIAL : CLI_OK;
}

/* Noted before, so that the copy holds it; a full or read-only disk must not stop a rescue. */
static void note(struct act *act)
{
    struct err err = {0};
    if (!act_change(act, &err) || !act_audit(act, "backup", STR("store"), (struct str){0}, &err) ||
        !act_keep(act, &err)) {
        store_rollback(act->store);
        cli_say("the audit log does not know of this backup: %s", err.text);
    }
}

static bool save(struct act *act, const struct wanted *wanted, const struct backup_watch *watch,
                 struct backup_facts *facts, struct err *err)
{
    note(act);
    store_close(act->store);
    act->store = NULL;
    struct backup_plan plan = {
        .data_dir = act->config.data_dir,
        .files_dir = act->config.plan.files_dir,
        .file = wanted->file,
        .targets = wanted->targets,
        .target_count = wanted->target_count,
        .sinks = wanted->sinks,
        .sink_count = wanted->sink_count,
        .left_out = wanted->left_out,
        .left_out_count = wanted->left_out_count,
        .clock = clock_system(),
        .watch = watch,
    };
    return backup_make(&plan, STR(SLUICE_VERSION), &act->arena, facts, err);
}

static int make(struct act *act, const struct cli *cli, struct wanted *wanted)
{
    struct err err = {0};
    struct moving moving;
    struct backup_facts facts = {0};
    int64_t removed = 0;
    struct backup_watch watch = {moving_show, &moving};
    if (!find_place(wanted, cli, act, &err)) {
        return act_fail(act, &err);
    }
    moving_begin(&moving, cli);
    bool ok = save(act, wanted, &watch, &facts, &err);
    moving_end(&moving);
    if (!ok || !remove_old(wanted, &act->arena, &removed, &err)) {
        return act_fail(act, &err);
    }
    report(act, cli, wanted, &facts, removed);
    return say_gaps(wanted, &facts);
}

/* With a configuration that is wrong, what lies in the data folder is worth saving all the same. */
static int begin(struct act *act, struct wanted *wanted, const struct cli *cli)
{
    struct err err = {0};
    int code = act_begin(act, cli, true);
    if (code == CLI_CONFIG && act->store == NULL && act->path.ptr == NULL) {
        (void)act_end(act, CLI_OK);
        code = act_begin(act, cli, false);
        wanted->blind = code == CLI_OK;
    }
    if (code == CLI_OK && !wanted->blind && !find_targets(wanted, act, &err)) {
        return act_fail(act, &err);
    }
    struct str standard =
        code == CLI_OK ? arena_printf(&act->arena, "%.*s/records.db", STR_ARG(act->config.data_dir))
                       : (struct str){0};
    if (standard.ptr != NULL && wanted->blind) {
        struct backup_target target = {STR("records"), standard, {0}};
        (void)add_target(wanted, target, &err);
    }
    return code;
}

int cli_backup(struct cli *cli)
{
    struct act act;
    struct wanted wanted = {0};
    struct str keep = cli_value(cli, "--keep");
    if (keep.ptr != NULL &&
        (!str_to_int64(keep, &wanted.keep) || wanted.keep < 1 || wanted.keep > KEEP_MAX)) {
        return cli_misused(cli, "--keep takes a number from 1 to %d", KEEP_MAX);
    }
    int code = begin(&act, &wanted, cli);
    if (code == CLI_OK) {
        code = make(&act, cli, &wanted);
    }
    return_sinks(&wanted);
    return act_end(&act, code);
}

/* ---- By the clock ---- */

/* All of it is opened and checked in a folder of its own, which is removed again. */
static bool prove(struct act *act, const struct wanted *wanted, struct restore_result *result,
                  struct err *err)
{
    struct restore_plan plan = {
        .file = wanted->file,
        .data_dir = wanted->folder,
        .only_check = true,
        .actor = str_of(act->actor),
        .clock = clock_system(),
    };
    return backup_restore(&plan, &act->arena, result, err) ||
           err_prefix(err, "it does not stand the test: ");
}

struct planned {
    struct cli cli;
    struct act act;
    struct wanted wanted;
    struct backup_facts facts;
    struct restore_result result;
};

static bool save_and_prove(struct planned *planned, struct backup_saved *out, struct err *err)
{
    struct act *act = &planned->act;
    struct wanted *wanted = &planned->wanted;
    struct err ignored = {0};
    if (!find_place(wanted, &planned->cli, act, err) ||
        !save(act, wanted, NULL, &planned->facts, err)) {
        return false;
    }
    if (!prove(act, wanted, &planned->result, err)) {
        (void)file_remove(wanted->file, &ignored);
        return false;
    }
    (void)snprintf(out->file, sizeof out->file, "%.*s", STR_ARG(wanted->file));
    out->bytes = (int64_t)planned->facts.bytes;
    out->messages = planned->facts.messages;
    out->left_out = wanted->left_out_count + planned->facts.gap_count;
    return remove_old(wanted, &act->arena, &out->removed, err);
}

bool backups_save(const struct cli *cli, struct str folder, int64_t keep, struct backup_saved *out,
                  struct err *err)
{
    struct planned *planned = mem_alloc(sizeof *planned);
    *out = (struct backup_saved){.bytes = 0};
    if (planned == NULL) {
        return no_memory(err);
    }
    planned->cli = *cli;
    planned->cli.words[0] = folder;
    planned->cli.word_count = 1;
    planned->cli.json = false;
    planned->wanted.keep = keep;
    bool ok = file_make_dirs(folder, DIR_PRIVATE, err);
    if (ok) {
        bool begun = begin(&planned->act, &planned->wanted, &planned->cli) == CLI_OK &&
                     !planned->wanted.blind;
        ok = begun ? save_and_prove(planned, out, err)
                   : err_set(err, ERR_RETRY, "the configuration on the disk is wrong");
        return_sinks(&planned->wanted);
        (void)act_end(&planned->act, CLI_OK);
    }
    mem_free(planned);
    return ok;
}
