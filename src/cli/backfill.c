/* backfill: read a stretch of the past again, whatever is known of it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/look.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/when.h"
#include "config/nearest.h"
#include "serve/gaps.h"
#include "text/json.h"

enum { DETAIL_ARENA = 64 * 1024 };

/* What is read: pipelines of one name, or all that listen to a source. */
struct backfill {
    struct str names[CLI_WORDS_MAX];
    size_t count;
    struct str source; /* Absent: all of the pipeline. */
    struct str chat;   /* Absent: all of them. */
    int64_t since_ms;
    int64_t until_ms; /* 0: now. */
};

static bool listens(const struct plan_pipeline *pipeline, struct str source, struct str chat)
{
    for (size_t i = 0; i < pipeline->chat_count; i++) {
        const struct plan_chat *one = &pipeline->chats[i];
        if (str_equal(one->source, source) &&
            (chat.len == 0 || one->chat.len == 0 || str_equal(one->chat, chat))) {
            return true;
        }
    }
    return false;
}

static int choose(struct backfill *fill, const struct cli *cli, const struct plan *plan)
{
    struct nearest nearest;
    struct str word = cli->words[0];
    bool source = false;
    fill->chat = cli->word_count > 1 ? cli->words[1] : (struct str){0};
    nearest_begin(&nearest, word);
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        nearest_try(&nearest, plan->pipelines[i].name);
        if (str_equal(plan->pipelines[i].name, word)) {
            fill->names[fill->count++] = word;
            return CLI_OK;
        }
    }
    for (size_t i = 0; i < plan->source_count; i++) {
        nearest_try(&nearest, plan->sources[i].name);
        source = source || str_equal(plan->sources[i].name, word);
    }
    if (!source) {
        return cli_misused(cli, "there is no source or pipeline '%.*s'%s", STR_ARG(word),
                           nearest_hint(&nearest));
    }
    fill->source = word;
    for (size_t i = 0; i < plan->pipeline_count && fill->count < CLI_WORDS_MAX; i++) {
        if (listens(&plan->pipelines[i], word, fill->chat)) {
            fill->names[fill->count++] = plan->pipelines[i].name;
        }
    }
    if (fill->count == 0 && fill->chat.len > 0) {
        return cli_misused(cli, "no pipeline reads the chat '%.*s' of the source '%.*s'",
                           STR_ARG(fill->chat), STR_ARG(word));
    }
    return fill->count > 0 ? CLI_OK
                           : cli_misused(cli, "no pipeline reads the source '%.*s'", STR_ARG(word));
}

/* Without --since: from where the oldest gap begins. */
static int since_gaps(struct backfill *fill, const struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct gap_item *items = NULL;
    size_t count = 0;
    int code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    bool ok = look.store == NULL ||
              gaps_list(look.store, &look.arena, fill->source, fill->chat, &items, &count, &err);
    for (size_t i = 0; ok && i < count; i++) {
        bool older = fill->since_ms == INT64_MIN || items[i].from_ms < fill->since_ms;
        fill->since_ms = older ? items[i].from_ms : fill->since_ms;
    }
    code = look_end(&look, ok, &err);
    if (code == CLI_OK && fill->since_ms == INT64_MIN) {
        return cli_misused(cli, "no gap is open, so --since has to say from when on to read");
    }
    return code;
}

static int choose_range(struct backfill *fill, const struct cli *cli, const struct config *config)
{
    struct screen screen;
    struct when_range range;
    screen_init(&screen, cli, config);
    int code = when_range(cli, screen.zone, screen.now_ms, &range);
    fill->since_ms = range.since_ms;
    fill->until_ms = range.until_ms == INT64_MAX ? 0 : range.until_ms;
    if (code == CLI_OK && range.since_ms == INT64_MIN && fill->until_ms != 0) {
        return cli_misused(cli, "--until says where the range ends; add --since");
    }
    return code == CLI_OK && range.since_ms == INT64_MIN ? since_gaps(fill, cli) : code;
}

static struct str detail_of(const struct backfill *fill, struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 256);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_int(&json, STR("since_ms"), fill->since_ms > 0 ? fill->since_ms : 1);
    json_field_int(&json, STR("until_ms"), fill->until_ms);
    if (fill->source.len > 0) {
        json_field_str(&json, STR("source"), fill->source);
    }
    if (fill->chat.len > 0) {
        json_field_str(&json, STR("chat"), fill->chat);
    }
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static int show(const struct session *session, bool partial, bool stopped, bool as_json)
{
    struct engine_counts counts = {0};
    engine_counts(session->engine, &counts);
    if (as_json) {
        (void)printf("{\"messages\":%" PRId64 ",\"records\":%" PRId64 ",\"delivered\":%" PRId64
                     ",\"failed\":%" PRId64 ",\"partial\":%s}\n",
                     counts.messages, counts.records, counts.delivered, counts.failed,
                     partial ? "true" : "false");
    } else {
        (void)printf("%" PRId64 " messages that were missing, %" PRId64 " records\n",
                     counts.messages, counts.records);
    }
    if (partial) {
        cli_say(stopped ? "stopped early; the same command begins anew, and doubles nothing"
                        : "something failed or waits for another try; see: sluice status");
    }
    return partial ? CLI_PARTIAL : CLI_OK;
}

static int fill_in(struct cli *cli, struct session *session)
{
    static struct backfill fill;
    struct engine_ask ask = {.act = STR("run")};
    struct err err = {0};
    struct arena arena;
    bool partial = false;
    int code = choose(&fill, cli, &session->config->plan);
    code = code == CLI_OK ? choose_range(&fill, cli, session->config) : code;
    if (code != CLI_OK) {
        return code;
    }
    arena_init(&arena, DETAIL_ARENA);
    ask.detail = detail_of(&fill, &arena);
    if (!cli->still) {
        progress_begin(session->config->data_dir);
    }
    bool ok = ask.detail.ptr != NULL || err_set(&err, ERR_RETRY, "out of memory");
    ok = ok && engine_ask(session->engine, &ask, fill.names, fill.count, &partial, &err);
    progress_end();
    bool stopped = signals_release();
    arena_free(&arena);
    if (!ok) {
        log_error("%s", err.text);
        return cli_fail(&err);
    }
    return show(session, partial, stopped, cli->json);
}

int cli_backfill(struct cli *cli)
{
    struct session session;
    int code = session_begin(&session, cli);
    if (code == CLI_OK) {
        code = fill_in(cli, &session);
    }
    session_end(&session);
    return code;
}
