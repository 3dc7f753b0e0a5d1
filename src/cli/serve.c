#include <stdlib.h>
#include <unistd.h>

#include "cli/dry.h"
#include "cli/reload.h"
#include "cli/session.h"

enum { LEFT_NAMES_MAX = 16 };

/* Workers that did not end in time are named, and left: the store is written so that this is safe.
 */
static void leave(struct session *session)
{
    const char *names[LEFT_NAMES_MAX];
    size_t count = engine_left(session->engine, names, LEFT_NAMES_MAX);
    for (size_t i = 0; i < count; i++) {
        log_error("%s did not stop within %d s and was left behind; nothing committed is lost",
                  names[i], ENGINE_STOP_MS / 1000);
        cli_say("%s did not stop within %d s and was left behind; nothing committed is lost",
                names[i], ENGINE_STOP_MS / 1000);
    }
    _exit(CLI_FAILED);
}

static struct str chat_name(const void *owner, struct str chat)
{
    const struct loaded *loaded = owner;
    return config_chat_name(&loaded->config, chat);
}

static struct str chat_id(const void *owner, struct str typed)
{
    const struct loaded *loaded = owner;
    return config_chat_id(&loaded->config, typed);
}

static bool dry_run(void *context, const struct api_dry_wish *wish, struct arena *arena,
                    struct str *text, struct err *err)
{
    struct when_range range = {wish->since_ms != 0 ? wish->since_ms : INT64_MIN,
                               wish->until_ms != 0 ? wish->until_ms : INT64_MAX};
    return dry_run_json(context, wish->pipeline, &range, wish->stopping, wish->stopping_context,
                        arena, text, err);
}

static bool open_doors(struct session *session, struct cli *cli, struct err *err)
{
    struct service_options options = {
        .http = &session->config->http,
        .engine = session->engine,
        .plan = &session->config->plan,
        .plan_owner = loaded_owner(session->loaded),
        .words = {.chat_name = chat_name, .chat_id = chat_id},
        .dry = {.run = dry_run, .context = cli},
    };
    return service_start(&session->service, &options, err);
}

static bool watch(struct session *session, struct err *err)
{
    struct alerts_plan plan = {
        .plan = &session->config->plan,
        .config = &session->config->alerts,
        .owner = loaded_owner(session->loaded),
    };
    return alerts_start(&session->alerts, session->engine, session->config->data_dir, plan, err);
}

static bool keep(struct session *session, const struct cli *cli, struct err *err)
{
    return keeper_start(&session->keeper, session->engine, cli, session->config->data_dir,
                        &session->config->backups, err);
}

int cli_serve(struct cli *cli)
{
    struct session session;
    struct err err = {0};
    size_t left = 0;
    int code = session_begin(&session, cli);
    if (code == CLI_OK) {
        struct reload *reload = NULL;
        bool ok = open_doors(&session, cli, &err) && watch(&session, &err) &&
                  keep(&session, cli, &err) && reload_start(&reload, &session, cli, &err) &&
                  engine_serve(session.engine, &left, &err);
        reload_stop(reload);
        keeper_stop(session.keeper);
        alerts_stop(session.alerts);
        if (left == 0) { /* What hangs may hold calls that nobody answers. */
            service_stop(session.service);
        }
        if (!ok) {
            code = cli_fail(&err);
            log_error("%s", err.text);
        }
        if (left > 0) {
            leave(&session);
        }
        if (ok) {
            log_info("stopped");
        }
    }
    session_end(&session);
    return code;
}
