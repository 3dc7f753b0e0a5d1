#include <inttypes.h>
#include <stdio.h>

#include "cli/dry.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/show.h"
#include "cli/signals.h"
#include "cli/when.h"

static void show(const struct engine_counts *counts, bool partial, bool json)
{
    if (json) {
        (void)printf("{\"messages\":%" PRId64 ",\"records\":%" PRId64 ",\"delivered\":%" PRId64
                     ",\"failed\":%" PRId64 ",\"partial\":%s}\n",
                     counts->messages, counts->records, counts->delivered, counts->failed,
                     partial ? "true" : "false");
        return;
    }
    (void)printf("%" PRId64 " messages, %" PRId64 " records, %" PRId64 " delivered, %" PRId64
                 " failed\n",
                 counts->messages, counts->records, counts->delivered, counts->failed);
}

enum { RANGE_MAX = 96 };

/* A range of dates, as the request says it; absent for none. */
static int read_range(const struct cli *cli, const struct config *config, char out[RANGE_MAX],
                      struct str *detail)
{
    struct screen screen;
    struct when_range range;
    screen_init(&screen, cli, config);
    int code = when_range(cli, screen.zone, screen.now_ms, &range);
    if (code == CLI_OK && range.since_ms == INT64_MIN && range.until_ms != INT64_MAX) {
        return cli_misused(cli, "--until says where the range ends; add --since");
    }
    if (code == CLI_OK && range.since_ms != INT64_MIN) {
        int len = snprintf(out, RANGE_MAX, "{\"since_ms\":%" PRId64 ",\"until_ms\":%" PRId64 "}",
                           range.since_ms, range.until_ms == INT64_MAX ? 0 : range.until_ms);
        *detail = (struct str){out, (size_t)len};
    }
    return code;
}

static int run(struct cli *cli, struct session *session)
{
    char room[RANGE_MAX];
    struct engine_ask ask = {.act = STR("run")};
    struct err err = {0};
    struct engine_counts counts = {0};
    bool partial = false;
    if (!cli_pipelines_known(cli, &session->config->plan)) {
        return CLI_USAGE;
    }
    int code = read_range(cli, session->config, room, &ask.detail);
    if (code != CLI_OK) {
        return code;
    }
    if (!cli->still) {
        progress_begin(session->config->data_dir);
    }
    bool ok = engine_ask(session->engine, &ask, cli->word_count > 0 ? cli->words : NULL,
                         cli->word_count, &partial, &err);
    progress_end();
    bool stopped = signals_release();
    if (!ok) {
        log_error("%s", err.text);
        return cli_fail(&err);
    }
    engine_counts(session->engine, &counts);
    show(&counts, partial, cli->json);
    if (stopped && partial) {
        cli_say("stopped early; the same command goes on where this one was");
        return CLI_PARTIAL;
    }
    if (partial) {
        cli_say("something failed or waits for another try; see: sluice status");
        return CLI_PARTIAL;
    }
    return CLI_OK;
}

int cli_run(struct cli *cli)
{
    struct session session;
    if (cli_given(cli, "--dry-run")) {
        return cli_dry_run(cli);
    }
    if (cli_given(cli, "--limit")) {
        return cli_misused(cli, "--limit is for --dry-run");
    }
    int code = session_begin(&session, cli);
    if (code == CLI_OK) {
        code = run(cli, &session);
    }
    session_end(&session);
    return code;
}
