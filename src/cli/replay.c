/*
 * replay: today's rules over what is archived, against what was decided when it came.
 *
 * The diff is worked out in a shadow. --apply asks for it to be put in place: by a running `serve`,
 * or by this process where there is none.
 */
#include "engine/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/peek.h"
#include "cli/progress.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "cli/signals.h"

struct again {
    struct peek peek;
    struct cli *cli;
    const struct plan_pipeline *pipeline;
    struct json_writer json;
    struct when_range range;
    int64_t limit;
    bool latest;
    struct shadow_done done;
    struct rows rows;
    int64_t shown;
    int64_t open; /* Questions without an answer, and others in their turn. */
};

static bool is_json(const struct again *again)
{
    return again->cli->json;
}

/* From where: the beginning, or what retention left. */
static void tell_start(struct again *again)
{
    const struct shadow_done *done = &again->done;
    char messages[SHOW_MAX];
    char refused[SHOW_MAX];
    if (is_json(again)) {
        json_field_str(&again->json, STR("pipeline"), again->pipeline->name);
        json_field_bool(&again->json, STR("applied"), false);
        json_field_int(&again->json, STR("messages"), done->messages);
        json_field_int(&again->json, STR("refused"), done->refused);
        json_field_int(&again->json, STR("generation"), done->start.generation);
        json_field_bool(&again->json, STR("from_baseline"), done->start.baseline > 0);
        return;
    }
    buf_printf(&again->peek.out, "%.*s: %.*s messages by today's rules, %.*s refused",
               STR_ARG(again->pipeline->name), STR_ARG(show_count(done->messages, messages)),
               STR_ARG(show_count(done->refused, refused)));
    if (done->start.baseline > 0) {
        buf_add(&again->peek.out,
                STR("; older ones were removed by `keep`, and what the pipeline remembered of them "
                    "then is where it begins"));
    } else if (done->start.floor > 0) {
        buf_add(&again->peek.out,
                STR("; older ones were removed before the pipeline worked here: it begins behind "
                    "them with nothing"));
    }
    buf_add(&again->peek.out, STR("\n\n"));
}

typedef bool walk_rows(struct again *again, struct err *err);

static bool walk_absolutes(struct again *again, struct err *err)
{
    return store_shadow_absolutes(again->peek.store, again->pipeline->name, rows_add, &again->rows,
                                  err);
}

static bool walk_gone(struct again *again, struct err *err)
{
    return store_shadow_gone(again->peek.store, again->pipeline->name, again->done.start.baseline,
                             rows_add, &again->rows, err);
}

static bool walk_effects(struct again *again, struct err *err)
{
    return store_shadow_others(again->peek.store, again->pipeline->name, RECORD_EFFECT, rows_add,
                               &again->rows, err);
}

static bool show_part(struct again *again, const char *name, walk_rows *walk, bool effects,
                      struct err *err)
{
    again->rows = (struct rows){
        .plan = &again->peek.config.plan,
        .screen = &again->peek.screen,
        .clock = clock_system(),
        .data_dir = again->peek.config.data_dir,
        .out = &again->peek.out,
        .json = is_json(again) ? &again->json : NULL,
        .range = again->range,
        .privacy = SHOW_PEOPLE, /* What is written is what people look at to judge it. */
        .limit = again->limit,
        .emitted = !effects,
        .missing = effects,
    };
    if (is_json(again)) {
        json_key(&again->json, str_of(name));
        json_array_begin(&again->json);
    }
    rows_begin(&again->rows);
    bool ok = walk(again, err);
    ok = rows_end(&again->rows, ok, err);
    if (ok && is_json(again)) {
        json_array_end(&again->json);
    }
    const int64_t *sum = again->rows.sum;
    again->shown += sum[0] + sum[1] + sum[2];
    return ok;
}

static bool count_open(void *context, const struct shadow_change *change, struct err *err)
{
    struct again *again = context;
    (void)err;
    again->open += !change->waiting;
    return true;
}

static bool count_withdrawn(void *context, const struct shadow_change *change, struct err *err)
{
    struct again *again = context;
    (void)change;
    (void)err;
    again->open++;
    return true;
}

static bool show_questions(struct again *again, struct err *err)
{
    struct str name = again->pipeline->name;
    char text[SHOW_MAX];
    if (!store_shadow_others(again->peek.store, name, RECORD_QUESTION, count_open, again, err)) {
        return false;
    }
    int64_t asks = again->open;
    again->open = 0;
    if (!store_shadow_withdrawn(again->peek.store, name, count_withdrawn, again, err)) {
        return false;
    }
    again->shown += asks + again->open;
    if (is_json(again)) {
        json_field_int(&again->json, STR("would_ask"), asks);
        json_field_int(&again->json, STR("would_withdraw"), again->open);
        return true;
    }
    if (asks > 0) {
        buf_printf(&again->peek.out,
                   "? would ask %.*s questions that were not asked in these words\n",
                   STR_ARG(show_count(asks, text)));
    }
    if (again->open > 0) {
        buf_printf(&again->peek.out, "? would withdraw %.*s questions that wait\n",
                   STR_ARG(show_count(again->open, text)));
    }
    return true;
}

static bool show_all(struct again *again, struct err *err)
{
    struct buf *out = &again->peek.out;
    if (is_json(again)) {
        json_writer_init(&again->json, out);
        json_object_begin(&again->json);
    }
    tell_start(again);
    if (!show_part(again, "rows", walk_absolutes, false, err)) {
        return false;
    }
    size_t before = out->len;
    if (!show_part(again, "gone", walk_gone, false, err)) {
        return false;
    }
    if (!is_json(again) && out->len > before) {
        buf_add(out, STR("Rows that are gone stay in their target unless --delete says otherwise; "
                         "once applied,\nsluice no longer looks after them.\n\n"));
    }
    before = out->len;
    if (!show_part(again, "effects", walk_effects, true, err)) {
        return false;
    }
    if (!is_json(again) && out->len > before) {
        buf_add(out, again->rows.sum[0] > 0
                         ? STR("What happens once is not repeated. The target does not have the "
                               "rows above; those that\nit never had come with --apply "
                               "--effects TABLE.\n\n")
                         : STR("What happens once is not repeated; the target has all of these "
                               "rows.\n\n"));
    }
    if (!show_questions(again, err)) {
        return false;
    }
    if (is_json(again)) {
        json_object_end(&again->json);
        json_writer_done(&again->json);
        buf_add_byte(out, '\n');
    } else if (again->shown == 0) {
        buf_add(out, STR("no difference\n"));
    } else {
        buf_printf(out, "nothing was written; to put it in place: sluice replay %.*s --apply\n",
                   STR_ARG(again->pipeline->name));
    }
    return true;
}

static int look(struct again *again)
{
    struct err err = {0};
    struct shadow_task task = {
        .pipeline = again->pipeline, .here_only = true, .latest = again->latest};
    if (!shadow_run_pipeline(&again->peek.place, &task, &again->done, &err)) {
        return cli_fail(&err);
    }
    if (again->latest) {
        cli_say("references are looked up in their newest version, not in that of each message");
    }
    if (again->done.waits) {
        cli_say("%.*s waits for a table that its rules look things up in; nothing was worked on",
                STR_ARG(again->pipeline->name));
        return CLI_TRY_LATER;
    }
    return show_all(again, &err) ? peek_still(&again->peek) : cli_fail(&err);
}

static int show_diff(struct cli *cli, bool latest)
{
    struct again again = {.cli = cli, .latest = latest};
    int code = rows_limit(cli, &again.limit);
    if (code != CLI_OK) {
        return code;
    }
    code = peek_begin(&again.peek, cli, false);
    if (code == CLI_OK) {
        again.pipeline = peek_pipeline(&again.peek, cli->words[0]);
        code = again.pipeline != NULL
                   ? when_range(cli, again.peek.screen.zone, again.peek.screen.now_ms, &again.range)
                   : CLI_USAGE;
    }
    if (code == CLI_OK) {
        code = look(&again);
    }
    if (code != CLI_OK) {
        buf_clear(&again.peek.out);
    }
    return peek_end(&again.peek, code);
}

static bool has_pipeline(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (str_equal(plan->pipelines[i].name, name)) {
            return true;
        }
    }
    return false;
}

static int apply(struct cli *cli, struct session *session, const struct replay_options *options)
{
    struct err err = {0};
    struct arena arena;
    struct engine_counts counts = {0};
    struct engine_ask ask = {.act = STR("replay")};
    bool partial = false;
    if (!has_pipeline(&session->config->plan, cli->words[0])) {
        cli_say("there is no pipeline '%.*s'", STR_ARG(cli->words[0]));
        return CLI_USAGE;
    }
    arena_init(&arena, PEEK_ARENA_LIMIT);
    progress_begin(session->config->data_dir);
    bool ok = replay_options_write(options, &arena, &ask.detail, &err) &&
              engine_ask(session->engine, &ask, cli->words, 1, &partial, &err);
    progress_end();
    bool stopped = signals_release();
    arena_free(&arena);
    if (!ok) {
        return cli_fail(&err);
    }
    engine_counts(session->engine, &counts);
    if (cli->json) {
        (void)printf("{\"pipeline\":\"%.*s\",\"applied\":%s,\"messages\":%" PRId64
                     ",\"records\":%" PRId64 ",\"delivered\":%" PRId64 ",\"failed\":%" PRId64
                     ",\"partial\":%s}\n",
                     STR_ARG(cli->words[0]), partial ? "false" : "true", counts.messages,
                     counts.records, counts.delivered, counts.failed, partial ? "true" : "false");
    } else {
        (void)printf("%" PRId64 " messages, %" PRId64 " records queued, %" PRId64
                     " delivered, %" PRId64 " failed\n",
                     counts.messages, counts.records, counts.delivered, counts.failed);
    }
    if (partial) {
        cli_say(stopped ? "stopped early; what was not finished is finished by the next run"
                        : "something failed or waits for another try; see: sluice status");
        return CLI_PARTIAL;
    }
    return CLI_OK;
}

/* "a,b" */
static bool read_effects(struct str text, struct replay_options *options)
{
    struct str name = {0};
    while (text.len > 0 && str_split(&text, ',', &name)) {
        if (name.len == 0 || options->effect_count == REPLAY_EFFECTS_MAX) {
            return false;
        }
        options->effects[options->effect_count++] = name;
    }
    return true;
}

int cli_replay(struct cli *cli)
{
    struct replay_options options = {.remove = cli_given(cli, "--delete")};
    struct str references = cli_value(cli, "--references");
    char actor[64];
    bool applies = cli_given(cli, "--apply");
    options.latest = references.ptr != NULL;
    if (options.latest && !str_equal(references, STR("latest"))) {
        return cli_misused(cli, "--references: only 'latest' can be said");
    }
    if (!applies && (options.remove || cli_given(cli, "--effects"))) {
        return cli_misused(cli, "--delete and --effects say what --apply does; it is missing");
    }
    if (applies && (cli_given(cli, "--since") || cli_given(cli, "--until"))) {
        return cli_misused(cli, "--since and --until limit what is shown; --apply takes all of it");
    }
    if (!applies) {
        return show_diff(cli, options.latest);
    }
    if (!read_effects(cli_value(cli, "--effects"), &options)) {
        return cli_misused(cli, "--effects: names of tables, parted by commas");
    }
    (void)snprintf(actor, sizeof actor, "cli:%ld", (long)getuid());
    options.actor = str_of(actor);
    struct session session;
    int code = session_begin(&session, cli);
    if (code == CLI_OK) {
        code = apply(cli, &session, &options);
    }
    session_end(&session);
    return code;
}
