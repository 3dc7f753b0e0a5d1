#include <inttypes.h>
#include <stdio.h>

#include "cli/progress.h"
#include "cli/session.h"
#include "cli/signals.h"

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

static int run(struct cli *cli, struct session *session)
{
    struct err err = {0};
    struct engine_counts counts = {0};
    bool partial = false;
    if (!cli_pipelines_known(cli, &session->config->plan)) {
        return CLI_USAGE;
    }
    progress_begin(session->config->data_dir);
    bool ok = engine_run_once(session->engine, cli->words, cli->word_count, &partial, &err);
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
    int code = session_begin(&session, cli);
    if (code == CLI_OK) {
        code = run(cli, &session);
    }
    session_end(&session);
    return code;
}
