/*
 * dlq: dead letters shown, corrected, tried again, dropped (`dlq list` is in lists.c).
 *
 * Trying again puts the record back as it was, with the effect that names it: a target that knows
 * the effect already changes nothing, so "once more" never means "twice".
 */
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/act.h"
#include "cli/look.h"
#include "engine/targets.h"
#include "serve/view.h"
#include "store/outbox.h"
#include "text/datetime.h"
#include "text/json.h"

enum { PAGE = 200, BODY_SIZE_MAX = 8 * 1024 * 1024 };

/* ---- Showing ---- */

/* The body one column a line, for people and for an editor; what is deeper stays on its line. */
static void put_pretty(struct buf *out, const struct json_value *value, int level)
{
    struct json_iter iter;
    struct str key;
    const struct json_value *item = NULL;
    bool first = true;
    if (json_kind(value) != JSON_OBJECT || level > 1 || json_count(value) == 0) {
        struct json_writer json;
        json_writer_init(&json, out);
        json_put_value(&json, value);
        return;
    }
    buf_add(out, STR("{"));
    json_iter_init(&iter, value);
    while (json_next(&iter, &key, &item)) {
        buf_printf(out, "%s\n%*s", first ? "" : ",", 2 * (level + 1), "");
        json_quote(out, key);
        buf_add(out, STR(": "));
        put_pretty(out, item, level + 1);
        first = false;
    }
    buf_printf(out, "\n%*s}", 2 * level, "");
}

static struct str pretty(struct arena *arena, struct str body)
{
    struct buf out;
    struct err ignored = {0};
    const struct json_value *root = NULL;
    buf_init(&out, arena, body.len + 256);
    if (!json_parse(arena, body, NULL, &root, &ignored)) {
        return body;
    }
    put_pretty(&out, root, 0);
    buf_add_byte(&out, '\n');
    return buf_str(&out);
}

static void print_line(struct look *look, const char *name, struct str text)
{
    struct str line = show_text(&look->arena, text, SHOW_PEOPLE);
    buf_printf(&look->out, "%-9s %.*s\n", name, STR_ARG(line));
}

static void print_text(struct look *look, const struct dead_letter *dead)
{
    char at[DATETIME_TEXT_MAX];
    char effect[EFFECT_TEXT_MAX];
    char number[32];
    (void)snprintf(number, sizeof number, "%" PRId64, dead->id);
    print_line(look, "id", str_of(number));
    print_line(look, "at", datetime_format_iso(dead->at_ms, at));
    print_line(look, "sink", dead->sink);
    print_line(look, "target", dead->target);
    print_line(look, "entity", dead->entity);
    print_line(look, "effect", effect_text(&dead->effect, effect));
    print_line(look, "kind", str_of(view_record_kind(dead->kind)));
    (void)snprintf(number, sizeof number, "%" PRId32, dead->attempts);
    print_line(look, "attempts", str_of(number));
    print_line(look, "why", dead->why);
    struct str rest = pretty(&look->arena, dead->body);
    struct str line;
    buf_add(&look->out, STR("body\n"));
    while (str_split(&rest, '\n', &line)) {
        struct str shown = show_text(&look->arena, line, SHOW_PEOPLE);
        buf_printf(&look->out, "%s%.*s\n", shown.len > 0 ? "  " : "", STR_ARG(shown));
    }
}

static void print_json(struct look *look, const struct dead_letter *dead)
{
    struct json_writer json;
    json_writer_init(&json, &look->out);
    view_dead(&json, &look->arena, dead, true, true);
    json_writer_done(&json);
    buf_add_byte(&look->out, '\n');
}

static int say_missing(int64_t id)
{
    cli_say("there is no dead letter %" PRId64 "; see: sluice dlq list", id);
    return CLI_FAILED;
}

int cli_dlq_show(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct dead_letter dead = {0};
    int64_t id = 0;
    if (!act_number(cli->words[0], "the id of a dead letter", &id)) {
        return CLI_USAGE;
    }
    int code = look_begin(&look, cli);
    bool ok = code != CLI_OK || look.store == NULL ||
              store_dead_get(look.store, &look.arena, id, &dead, &err);
    if (code == CLI_OK && ok && dead.id == 0) {
        code = say_missing(id);
    } else if (code == CLI_OK && ok && cli->json) {
        print_json(&look, &dead);
    } else if (code == CLI_OK && ok) {
        print_text(&look, &dead);
    }
    int end = look_end(&look, ok, &err);
    return code != CLI_OK ? code : end;
}

/* ---- Trying again and dropping ---- */

struct sweep {
    struct act *act;
    struct str sink;   /* Absent: any. */
    struct str target; /* Absent: any. */
    struct str why;    /* Of dropping; absent: try again. */
    bool drop;
    int64_t done;
    int64_t missing;
};

static struct str describe(struct sweep *sweep, const struct dead_letter *dead)
{
    struct buf text;
    struct json_writer json;
    char effect[EFFECT_TEXT_MAX];
    buf_init(&text, &sweep->act->arena, 256);
    json_writer_init(&json, &text);
    json_object_begin(&json);
    json_field_str(&json, STR("sink"), dead->sink);
    json_field_str(&json, STR("target"), dead->target);
    json_field_str(&json, STR("effect"), effect_text(&dead->effect, effect));
    if (sweep->why.ptr != NULL) {
        json_field_str(&json, STR("why"), sweep->why);
    }
    json_object_end(&json);
    return buf_str(&text);
}

/* Within an open change. */
static bool settle(struct sweep *sweep, const struct dead_letter *dead, struct err *err)
{
    struct act *act = sweep->act;
    bool found = false;
    struct str object = arena_printf(&act->arena, "%" PRId64, dead->id);
    struct str detail = describe(sweep, dead);
    if (object.ptr == NULL || detail.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    bool ok = sweep->drop ? store_dead_drop(act->store, dead->id, &found, err)
                          : store_dead_retry(act->store, dead->id, (struct str){0}, &found, err);
    if (!ok || !found) {
        return ok;
    }
    sweep->done++;
    return act_audit(act, sweep->drop ? "dlq.drop" : "dlq.retry", object, detail, err);
}

/* All named ones in one change: all, or none. */
static bool settle_named(struct sweep *sweep, const struct cli *cli, struct err *err)
{
    struct act *act = sweep->act;
    if (!act_change(act, err)) {
        return false;
    }
    for (size_t i = 0; i < cli->word_count; i++) {
        struct dead_letter dead = {0};
        int64_t id = 0;
        if (!str_to_int64(cli->words[i], &id) ||
            !store_dead_get(act->store, &act->arena, id, &dead, err)) {
            return false;
        }
        if (dead.id == 0) {
            (void)say_missing(id);
            sweep->missing++;
        } else if (!settle(sweep, &dead, err)) {
            return false;
        }
    }
    return act_keep(act, err);
}

static bool fits(const struct sweep *sweep, const struct dead_letter *dead)
{
    return (sweep->sink.ptr == NULL || str_equal(sweep->sink, dead->sink)) &&
           (sweep->target.ptr == NULL || str_equal(sweep->target, dead->target));
}

/* Page by page, so that a running `serve` is not kept waiting; what dies anew meanwhile is not met
   again, because ids rise. */
static bool settle_all(struct sweep *sweep, struct err *err)
{
    struct act *act = sweep->act;
    int64_t last = 0;
    int64_t after = 0;
    if (!store_int(act->store, "SELECT max(id) FROM dead", &last, err)) {
        return false;
    }
    while (after < last) {
        struct arena_mark mark = arena_mark(&act->arena);
        struct dead_letter *page = arena_array(&act->arena, PAGE, sizeof *page);
        size_t count = 0;
        if (page == NULL || !act_change(act, err) ||
            !store_dead_list(act->store, &act->arena, after, PAGE, page, &count, err)) {
            return page != NULL || err_set(err, ERR_RETRY, "out of memory");
        }
        after = count > 0 ? page[count - 1].id : last;
        for (size_t i = 0; i < count; i++) {
            if (page[i].id <= last && fits(sweep, &page[i]) && !settle(sweep, &page[i], err)) {
                return false;
            }
        }
        if (!act_keep(act, err)) {
            return false;
        }
        arena_rewind(&act->arena, mark);
    }
    return true;
}

static bool ids_check(const struct cli *cli)
{
    for (size_t i = 0; i < cli->word_count; i++) {
        int64_t id = 0;
        if (!act_number(cli->words[i], "the id of a dead letter", &id)) {
            return false;
        }
    }
    return true;
}

static void report(struct sweep *sweep, const struct cli *cli)
{
    const char *done = sweep->drop ? "dropped" : "retried";
    struct buf *out = &sweep->act->out;
    if (cli->json) {
        buf_printf(out, "{\"%s\":%" PRId64 ",\"missing\":%" PRId64 "}\n", done, sweep->done,
                   sweep->missing);
    } else if (sweep->drop) {
        buf_printf(out, "%" PRId64 " dropped\n", sweep->done);
    } else {
        buf_printf(out, "%" PRId64 " back on their way\n", sweep->done);
    }
}

static int sweep_run(struct sweep *sweep, const struct cli *cli, bool all)
{
    struct act act;
    struct err err = {0};
    int code = act_begin(&act, cli, false);
    sweep->act = &act;
    if (code == CLI_OK) {
        bool ok = all ? settle_all(sweep, &err) : settle_named(sweep, cli, &err);
        code = ok ? CLI_OK : act_fail(&act, &err);
    }
    if (code == CLI_OK) {
        report(sweep, cli);
        code = sweep->missing == 0 ? CLI_OK : sweep->done > 0 ? CLI_PARTIAL : CLI_FAILED;
    }
    sweep->act = NULL;
    return act_end(&act, code);
}

int cli_dlq_retry(struct cli *cli)
{
    struct sweep sweep = {.sink = cli_value(cli, "--sink"), .target = cli_value(cli, "--target")};
    bool all = cli_given(cli, "--all") || cli_given(cli, "--sink") || cli_given(cli, "--target");
    if (all == (cli->word_count > 0)) {
        return cli_misused(cli, all ? "ids and --all, --sink or --target exclude each other"
                                    : "which ones? Name ids, or --all, --sink, --target");
    }
    return ids_check(cli) ? sweep_run(&sweep, cli, all) : CLI_USAGE;
}

int cli_dlq_drop(struct cli *cli)
{
    struct sweep sweep = {.why = cli_value(cli, "--why"), .drop = true};
    if (str_trim(sweep.why).len == 0) {
        return cli_misused(cli, "--why TEXT is needed: nothing is dropped without a reason");
    }
    return ids_check(cli) ? sweep_run(&sweep, cli, false) : CLI_USAGE;
}

/* ---- Correcting ---- */

static bool read_input(struct arena *arena, struct str path, struct str *text, struct err *err)
{
    if (!str_equal(path, STR("-"))) {
        return file_read(arena, path, BODY_SIZE_MAX, text, err);
    }
    struct buf buf;
    char part[4096];
    size_t count = 0;
    buf_init(&buf, arena, sizeof part);
    while ((count = fread(part, 1, sizeof part, stdin)) > 0 && buf.len <= BODY_SIZE_MAX) {
        buf_add(&buf, (struct str){part, count});
    }
    *text = buf_str(&buf);
    return buf_ok(&buf) || err_set(err, ERR_RETRY, "out of memory");
}

/* "$EDITOR FILE", through the shell, because $EDITOR may hold arguments. */
static bool run_editor(const char *path, struct err *err)
{
    const char *editor = getenv("VISUAL");
    editor = editor != NULL && editor[0] != '\0' ? editor : getenv("EDITOR");
    if (editor == NULL || editor[0] == '\0') {
        return err_set(err, ERR_CONFIG,
                       "$EDITOR names no editor; set it, or give the body with --body FILE");
    }
    char shell[] = "sh";
    char flag[] = "-c";
    char script[] = "eval \"${VISUAL:-$EDITOR}\" '\"$1\"'";
    char name[] = "editor";
    char file[FILE_PATH_MAX];
    char *words[] = {shell, flag, script, name, file, NULL};
    pid_t child = 0;
    int status = 0;
    (void)snprintf(file, sizeof file, "%s", path);
    if (posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ) != 0) {
        return err_set(err, ERR_CONFIG, "the editor cannot be started: %s", file_reason(errno));
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           err_set(err, ERR_REJECT, "the editor failed; nothing was changed");
}

/* The body holds what people wrote: the file is private and goes at once. */
static bool edit_by_hand(struct act *act, const struct dead_letter *dead, struct str *text,
                         struct err *err)
{
    struct str path = arena_printf(&act->arena, "%.*s/dead-letter-%" PRId64 ".%ld.json",
                                   STR_ARG(act->config.data_dir), dead->id, (long)getpid());
    struct err ignored = {0};
    if (path.ptr == NULL || !file_write(path, FILE_PRIVATE, pretty(&act->arena, dead->body), err)) {
        return path.ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
    }
    bool ok = run_editor(path.ptr, err) && file_read(&act->arena, path, BODY_SIZE_MAX, text, err);
    (void)file_remove(path, &ignored);
    return ok;
}

/* A value as the column had it: a text stays a text, whatever it looks like. */
static void put_assigned(struct arena *arena, struct json_writer *json, struct str value,
                         const struct json_value *old)
{
    const struct json_value *parsed = NULL;
    struct err ignored = {0};
    bool text = json_kind(old) == JSON_STRING || !json_parse(arena, value, NULL, &parsed, &ignored);
    if (text) {
        json_put_str(json, value);
    } else {
        json_put_value(json, parsed);
    }
}

/* Into each group that has the column; a column that is nowhere yet goes to "set". */
static bool assign(struct arena *arena, struct str body, struct str assignment, struct str *out,
                   struct err *err)
{
    const struct json_value *root = NULL;
    size_t at = str_find_byte(assignment, '=', 0);
    if (at == STR_NONE || at == 0) {
        return err_set(err, ERR_REJECT, "'%.*s': COLUMN=VALUE is expected",
                       STR_ARG(str_slice(assignment, 0, 64)));
    }
    struct str column = str_slice(assignment, 0, at);
    struct str value = str_slice(assignment, at + 1, assignment.len);
    struct buf buf;
    struct json_writer json;
    struct json_iter groups;
    struct str group;
    const struct json_value *fields = NULL;
    bool placed = false;
    if (!json_parse(arena, body, NULL, &root, err)) {
        return false;
    }
    json_iter_init(&groups, root);
    while (json_next(&groups, &group, &fields)) {
        placed = placed || json_get(fields, column) != NULL;
    }
    buf_init(&buf, arena, body.len + value.len + 64);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    if (!placed && json_get(root, STR("set")) == NULL) {
        json_key(&json, STR("set"));
        json_object_begin(&json);
        json_key(&json, column);
        put_assigned(arena, &json, value, NULL);
        json_object_end(&json);
    }
    json_iter_init(&groups, root);
    while (json_next(&groups, &group, &fields)) {
        struct json_iter iter;
        struct str name;
        const struct json_value *item = NULL;
        json_key(&json, group);
        json_object_begin(&json);
        json_iter_init(&iter, fields);
        while (json_next(&iter, &name, &item)) {
            json_key(&json, name);
            if (str_equal(name, column)) {
                put_assigned(arena, &json, value, item);
            } else {
                json_put_value(&json, item);
            }
        }
        if (!placed && str_equal(group, STR("set"))) {
            json_key(&json, column);
            put_assigned(arena, &json, value, NULL);
        }
        json_object_end(&json);
    }
    json_object_end(&json);
    *out = buf_str(&buf);
    return buf_ok(&buf) || err_set(err, ERR_RETRY, "out of memory");
}

static bool new_body(struct act *act, const struct cli *cli, const struct dead_letter *dead,
                     struct str *out, struct err *err)
{
    struct str set = cli_value(cli, "--set");
    *out = dead->body;
    if (cli_given(cli, "--body")) {
        return read_input(&act->arena, cli_value(cli, "--body"), out, err);
    }
    if (cli->word_count == 1 && set.ptr == NULL) {
        return edit_by_hand(act, dead, out, err);
    }
    for (size_t i = 1; i < cli->word_count; i++) {
        if (!assign(&act->arena, *out, cli->words[i], out, err)) {
            return false;
        }
    }
    return set.ptr == NULL || assign(&act->arena, *out, set, out, err);
}

static bool is_group(struct str name)
{
    static const struct str groups[] = {STR_INIT("set"),    STR_INIT("insert"), STR_INIT("update"),
                                        STR_INIT("append"), STR_INIT("inc"),    STR_INIT("push"),
                                        STR_INIT("merge")};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (str_equal(name, groups[i])) {
            return true;
        }
    }
    return false;
}

/* An object of column groups, in the one canonical form. */
static bool canonical(struct arena *arena, struct str text, struct str *out, struct err *err)
{
    const struct json_value *root = NULL;
    const struct json_value *fields = NULL;
    struct json_iter iter;
    struct str group;
    struct buf buf;
    struct json_writer json;
    if (!json_parse(arena, text, NULL, &root, err)) {
        return err_prefix(err, "the new body: ");
    }
    if (json_kind(root) != JSON_OBJECT) {
        return err_set(err, ERR_REJECT, "the new body is not a JSON object");
    }
    json_iter_init(&iter, root);
    while (json_next(&iter, &group, &fields)) {
        if (!is_group(group) || json_kind(fields) != JSON_OBJECT) {
            return err_set(err, ERR_REJECT,
                           "the new body: '%.*s' is not one of the objects set, insert, update, "
                           "append, inc, push, merge",
                           STR_ARG(str_slice(group, 0, 64)));
        }
    }
    buf_init(&buf, arena, text.len + 64);
    json_writer_init(&json, &buf);
    json_put_value(&json, root);
    *out = buf_str(&buf);
    return buf_ok(&buf) || err_set(err, ERR_RETRY, "out of memory");
}

/* Ask the sink that it is for. */
static bool sink_takes(struct act *act, const struct dead_letter *dead, struct err *err)
{
    const struct plan *plan = &act->config.plan;
    const struct plan_sink *found = NULL;
    for (size_t i = 0; i < plan->sink_count; i++) {
        found = str_equal(plan->sinks[i].name, dead->sink) ? &plan->sinks[i] : found;
    }
    if (found == NULL) {
        return err_set(err, ERR_CONFIG,
                       "the configuration has no sink '%.*s', so nobody can say whether the new "
                       "body is right",
                       STR_ARG(dead->sink));
    }
    struct parcel parcel = {.kind = dead->kind,
                            .effect = dead->effect,
                            .target = dead->target,
                            .entity = dead->entity,
                            .body = dead->body};
    if (!targets_lend(plan, found, act->config.data_dir, &act->arena, err)) {
        return false;
    }
    bool ok = found->sink->type->check == NULL ||
              found->sink->type->check(found->sink, &parcel, &act->arena, err) ||
              err_prefix(err, "sink %.*s would refuse it: ", STR_ARG(dead->sink));
    targets_return(found);
    return ok;
}

static bool keep_edit(struct act *act, const struct dead_letter *dead, struct str old_body,
                      bool *found, struct err *err)
{
    struct dead_letter now = {0};
    struct str object = arena_printf(&act->arena, "%" PRId64, dead->id);
    if (object.ptr == NULL || !act_change(act, err) ||
        !store_dead_get(act->store, &act->arena, dead->id, &now, err)) {
        return object.ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
    }
    if (now.id != 0 && !str_equal(now.body, old_body)) {
        return err_set(err, ERR_RETRY, "somebody else changed it meanwhile; look at it again");
    }
    return store_dead_edit(act->store, dead->id, dead->body, found, err) &&
           act_audit(act, "dlq.edit", object, (struct str){0}, err) && act_keep(act, err);
}

static int edit(struct act *act, const struct cli *cli, int64_t id)
{
    struct err err = {0};
    struct dead_letter dead = {0};
    struct str text;
    if (!store_dead_get(act->store, &act->arena, id, &dead, &err)) {
        return act_fail(act, &err);
    }
    if (dead.id == 0) {
        return say_missing(id);
    }
    struct str old_body = dead.body;
    bool found = false;
    if (!new_body(act, cli, &dead, &text, &err) ||
        !canonical(&act->arena, text, &dead.body, &err)) {
        return act_fail(act, &err);
    }
    if (str_equal(dead.body, old_body)) {
        cli_say("nothing was changed");
        return CLI_OK;
    }
    if (!sink_takes(act, &dead, &err) || !keep_edit(act, &dead, old_body, &found, &err)) {
        return act_fail(act, &err);
    }
    if (!found) {
        return say_missing(id);
    }
    buf_printf(&act->out,
               cli->json ? "{\"edited\":%" PRId64 "}\n"
                         : "%" PRId64 " is changed; now: sluice dlq retry %" PRId64 "\n",
               id, id);
    return CLI_OK;
}

int cli_dlq_edit(struct cli *cli)
{
    struct act act;
    int64_t id = 0;
    if (!act_number(cli->words[0], "the id of a dead letter", &id)) {
        return CLI_USAGE;
    }
    if (cli_given(cli, "--body") && (cli->word_count > 1 || cli_given(cli, "--set"))) {
        return cli_misused(cli, "--body and COLUMN=VALUE exclude each other");
    }
    int code = act_begin(&act, cli, true);
    if (code == CLI_OK) {
        code = edit(&act, cli, id);
    }
    return act_end(&act, code);
}
