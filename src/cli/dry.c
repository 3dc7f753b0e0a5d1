/*
 * run --dry-run: what a run would write, and nothing is written.
 *
 * Without a running `serve` the sources are read past their cursors, into the shadow. Beside one
 * only what is archived is looked at, since two must not read one session.
 */
#include "cli/dry.h"

#include <inttypes.h>

#include "base/mem.h"
#include "cli/peek.h"
#include "cli/rows.h"

struct dry {
    struct peek peek;
    struct cli *cli;
    struct json_writer json;
    struct rows rows;
    bool partial;
    int64_t limit;
    int64_t questions;
    struct when_range range;
};

static bool is_chosen(const struct cli *cli, struct str pipeline)
{
    for (size_t i = 0; i < cli->word_count; i++) {
        if (str_equal(cli->words[i], pipeline)) {
            return true;
        }
    }
    return cli->word_count == 0;
}

static bool brings(const struct plan_source *source, const struct plan_pipeline *pipeline)
{
    const char *const *name = op_references(pipeline->op);
    for (; source->reference.len > 0 && name != NULL && *name != NULL; name++) {
        if (str_equal(str_of(*name), source->reference)) {
            return true;
        }
    }
    for (size_t i = 0; i < pipeline->chat_count; i++) {
        if (str_equal(pipeline->chats[i].source, source->name)) {
            return true;
        }
    }
    return false;
}

static bool is_needed(const struct dry *dry, const struct plan_source *source)
{
    const struct plan *plan = &dry->peek.config.plan;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (is_chosen(dry->cli, plan->pipelines[i].name) && brings(source, &plan->pipelines[i])) {
            return true;
        }
    }
    return false;
}

/* A source that cannot be read is said, and the rest goes on. */
static void read_source(struct dry *dry, const struct plan_source *source)
{
    struct err err = {0};
    bool ok = shadow_run_source(&dry->peek.place, source, &err);
    dry->partial = dry->partial || !ok;
    if (dry->cli->json) {
        json_object_begin(&dry->json);
        json_field_str(&dry->json, STR("name"), source->name);
        json_key(&dry->json, STR("error"));
        if (ok) {
            json_put_null(&dry->json);
        } else {
            json_put_str(&dry->json, str_of(err.text));
        }
        json_object_end(&dry->json);
    } else if (!ok) {
        cli_say("%.*s cannot be read: %s; only what was read before is looked at",
                STR_ARG(source->name), err.text);
    }
}

static void read_sources(struct dry *dry)
{
    const struct plan *plan = &dry->peek.config.plan;
    if (dry->cli->json) {
        json_field_bool(&dry->json, STR("archive_only"), dry->peek.served);
        json_key(&dry->json, STR("sources"));
        json_array_begin(&dry->json);
    } else if (dry->peek.served) {
        cli_say("a running `serve` reads the sources: only what is archived is looked at");
    }
    for (size_t i = 0; !dry->peek.served && i < plan->source_count; i++) {
        if (is_needed(dry, &plan->sources[i])) {
            read_source(dry, &plan->sources[i]);
        }
    }
    if (dry->cli->json) {
        json_array_end(&dry->json);
    }
}

static void tell_pipeline(struct dry *dry, struct str name, const struct shadow_done *done)
{
    char messages[SHOW_MAX];
    char refused[SHOW_MAX];
    if (dry->cli->json) {
        json_object_begin(&dry->json);
        json_field_str(&dry->json, STR("name"), name);
        json_field_int(&dry->json, STR("messages"), done->messages);
        json_field_int(&dry->json, STR("refused"), done->refused);
        json_field_bool(&dry->json, STR("waits"), done->waits);
        json_object_end(&dry->json);
        return;
    }
    buf_printf(&dry->peek.out, "%.*s: %.*s new messages%s%.*s%s\n", STR_ARG(name),
               STR_ARG(show_count(done->messages, messages)), done->refused > 0 ? ", " : "",
               STR_ARG(done->refused > 0 ? show_count(done->refused, refused) : STR("")),
               done->refused > 0 ? " would be refused"
               : done->waits     ? "; it waits for a table that its rules look things up in"
                                 : "");
}

static bool work_pipelines(struct dry *dry, struct err *err)
{
    const struct plan *plan = &dry->peek.config.plan;
    if (dry->cli->json) {
        json_key(&dry->json, STR("pipelines"));
        json_array_begin(&dry->json);
    }
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        struct shadow_done done;
        struct shadow_task task = {.pipeline = &plan->pipelines[i], .from = SHADOW_FROM_NOW};
        if (!is_chosen(dry->cli, task.pipeline->name)) {
            continue;
        }
        if (!shadow_run_pipeline(&dry->peek.place, &task, &done, err)) {
            return false;
        }
        tell_pipeline(dry, task.pipeline->name, &done);
    }
    if (dry->cli->json) {
        json_array_end(&dry->json);
    } else {
        buf_add_byte(&dry->peek.out, '\n');
    }
    return true;
}

static bool show_question(void *context, const struct shadow_change *change, struct err *err)
{
    struct dry *dry = context;
    (void)err;
    if (++dry->questions > dry->limit) {
        return true;
    }
    if (dry->cli->json) {
        json_object_begin(&dry->json);
        json_field_str(&dry->json, STR("sink"), change->sink);
        json_field_str(&dry->json, STR("target"), change->target);
        json_field_str(&dry->json, STR("key"), change->entity);
        json_field_str(&dry->json, STR("body"), change->body);
        json_object_end(&dry->json);
        return true;
    }
    struct str key = show_text(&dry->peek.arena, change->entity, SHOW_PEOPLE);
    buf_printf(&dry->peek.out, "? would ask %.*s about %.*s\n", STR_ARG(change->sink),
               STR_ARG(key));
    return true;
}

static bool show_questions(struct dry *dry, struct err *err)
{
    const struct plan *plan = &dry->peek.config.plan;
    if (dry->cli->json) {
        json_key(&dry->json, STR("questions"));
        json_array_begin(&dry->json);
    }
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (is_chosen(dry->cli, plan->pipelines[i].name) &&
            !store_shadow_others(dry->peek.store, plan->pipelines[i].name, RECORD_QUESTION,
                                 show_question, dry, err)) {
            return false;
        }
    }
    int64_t more = dry->questions > dry->limit ? dry->questions - dry->limit : 0;
    if (dry->cli->json) {
        json_array_end(&dry->json);
        json_field_int(&dry->json, STR("questions_more"), more);
    } else if (more > 0) {
        buf_printf(&dry->peek.out, "… and %" PRId64 " more questions\n", more);
    }
    return true;
}

static bool show_rows(struct dry *dry, struct err *err)
{
    dry->rows = (struct rows){
        .plan = &dry->peek.config.plan,
        .screen = &dry->peek.screen,
        .clock = clock_system(),
        .data_dir = dry->peek.config.data_dir,
        .out = &dry->peek.out,
        .json = dry->cli->json ? &dry->json : NULL,
        .range = dry->range,
        .privacy = SHOW_PEOPLE, /* What is written is what people look at to judge it. */
        .limit = dry->limit,
    };
    if (dry->cli->json) {
        json_key(&dry->json, STR("sinks"));
        json_array_begin(&dry->json);
    }
    rows_begin(&dry->rows);
    bool ok = store_shadow_rows(dry->peek.store, rows_add, &dry->rows, err);
    ok = rows_end(&dry->rows, ok, err);
    if (ok && dry->cli->json) {
        json_array_end(&dry->json);
    }
    return ok;
}

static bool look_ahead(struct dry *dry, struct err *err)
{
    if (dry->cli->json) {
        json_writer_init(&dry->json, &dry->peek.out);
        json_object_begin(&dry->json);
    }
    read_sources(dry);
    if (!work_pipelines(dry, err) || !show_rows(dry, err) || !show_questions(dry, err)) {
        return false;
    }
    const int64_t *sum = dry->rows.sum;
    if (dry->cli->json) {
        json_field_bool(&dry->json, STR("partial"), dry->partial);
        json_object_end(&dry->json);
        json_writer_done(&dry->json);
        buf_add_byte(&dry->peek.out, '\n');
    } else if (sum[0] + sum[1] + sum[2] + sum[3] + dry->questions == 0) {
        buf_add(&dry->peek.out, STR("nothing would be written\n"));
    }
    return true;
}

int cli_dry_run(struct cli *cli)
{
    struct dry dry = {.cli = cli};
    struct err err = {0};
    int code = rows_limit(cli, &dry.limit);
    if (code != CLI_OK) {
        return code;
    }
    code = peek_begin(&dry.peek, cli, true);
    for (size_t i = 0; code == CLI_OK && i < cli->word_count; i++) {
        code = peek_pipeline(&dry.peek, cli->words[i]) != NULL ? CLI_OK : CLI_USAGE;
    }
    if (code == CLI_OK) {
        code = when_range(cli, dry.peek.screen.zone, dry.peek.screen.now_ms, &dry.range);
    }
    if (code == CLI_OK) {
        code = look_ahead(&dry, &err) ? peek_still(&dry.peek) : cli_fail(&err);
    }
    if (code != CLI_OK) {
        buf_clear(&dry.peek.out);
    }
    code = peek_end(&dry.peek, code);
    return code == CLI_OK && dry.partial ? CLI_PARTIAL : code;
}

/* ---- For a call ---- */

static const struct cli_verb *run_verb(void)
{
    const struct cli_verb *verb = cli_verbs;
    while (!str_equal(str_of(verb->name), STR("run"))) {
        verb++;
    }
    return verb;
}

struct called {
    struct cli cli;
    struct dry dry;
};

bool dry_run_json(const struct cli *cli, struct str pipeline, const struct when_range *range,
                  bool (*stopping)(void *context), void *context, struct arena *arena,
                  struct str *text, struct err *err)
{
    struct called *called = mem_alloc(sizeof *called);
    if (called == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a dry run");
    }
    called->cli = *cli;
    called->cli.json = true;
    called->cli.verb = run_verb(); /* Without any of its flags. */
    called->cli.act = NULL;
    called->cli.given_count = 0;
    called->cli.words[0] = pipeline;
    called->cli.word_count = 1;
    struct dry *dry = &called->dry;
    dry->cli = &called->cli;
    dry->range = *range;
    bool ok = rows_limit(&called->cli, &dry->limit) == CLI_OK &&
              peek_begin(&dry->peek, &called->cli, true) == CLI_OK &&
              peek_pipeline(&dry->peek, pipeline) != NULL;
    if (!ok) {
        (void)err_set(err, ERR_RETRY, "a dry run of '%.*s' cannot begin", STR_ARG(pipeline));
    }
    dry->peek.place.stopping = stopping;
    dry->peek.place.stopping_context = context;
    ok = ok && look_ahead(dry, err) &&
         (peek_still(&dry->peek) == CLI_OK ||
          err_set(err, ERR_RETRY, "another process began to work on the store meanwhile"));
    if (ok) {
        *text = arena_copy(arena, buf_str(&dry->peek.out));
        ok = text->ptr != NULL || err_set(err, ERR_RETRY, "out of memory for a dry run");
    }
    buf_clear(&dry->peek.out);
    (void)peek_end(&dry->peek, CLI_OK);
    mem_free(called);
    return ok;
}
