#include "cli/session.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/signals.h"

size_t session_projects(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->project_lists; i++) {
        count += config->projects[i].chats.count;
    }
    return count;
}

/* The first thing that is seen: what it works with. */
static void say_start(const struct config *config)
{
    size_t projects = session_projects(config);
    cli_say("sluice %s: %.*s%s%.*s%s, data in %.*s, %zu project%s%s%.*s", SLUICE_VERSION,
            STR_ARG(config->path), config->environment.len > 0 ? " (" : "",
            STR_ARG(config->environment), config->environment.len > 0 ? ")" : "",
            STR_ARG(config->data_dir), projects, projects == 1 ? "" : "s",
            config->log_file.ptr != NULL ? ", log in " : "", STR_ARG(config->log_file));
}

/* People look for these lines after adding a project. */
void session_log_projects(const struct config *config)
{
    if (config->project_lists == 0) {
        return;
    }
    size_t count = session_projects(config);
    log_info("MONITORING %zu PROJECTS:%s", count, count == 0 ? " none is enabled" : "");
    for (size_t i = 0; i < config->project_lists; i++) {
        const struct named_chats *chats = &config->projects[i].chats;
        for (size_t j = 0; j < chats->count; j++) {
            log_info("• %.*s: %.*s", STR_ARG(chats->items[j].name), STR_ARG(chats->items[j].chat));
        }
    }
}

static void name_owner(struct session *session)
{
    char host[SESSION_OWNER_MAX / 2] = "";
    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0') {
        (void)snprintf(host, sizeof host, "localhost");
    }
    host[sizeof host - 1] = '\0';
    (void)snprintf(session->owner, sizeof session->owner, "%s/%ld", host, (long)getpid());
}

static bool start(struct session *session, struct err *err)
{
    const struct config *config = session->config;
    struct log_options log = {
        .path = config->log_file,
        .size_max = config->log_bytes_max,
        .keep = config->log_keep,
        .level = config->log_level,
    };
    if (!file_make_dirs(config->data_dir, DIR_PRIVATE, err) ||
        !log_open(&session->log, clock_system(), &log, err)) {
        return false;
    }
    session->logging = true;
    log_default_set(&session->log);
    session_log_projects(config);
    name_owner(session);
    signals_talk(config->log_file.ptr != NULL);
    struct engine_options options = {
        .plan = &config->plan,
        .plan_owner = loaded_owner(session->loaded),
        .data_dir = config->data_dir,
        .clock = clock_system(),
        .owner = str_of(session->owner),
        .threads = true,
    };
    if (!engine_open(&session->engine, &options, err)) {
        loaded_drop(session->loaded); /* The hold that the engine did not take. */
        return false;
    }
    return signals_watch(session->engine, err);
}

int session_begin(struct session *session, const struct cli *cli)
{
    struct err err = {0};
    *session = (struct session){0};
    session->loaded = loaded_new();
    if (session->loaded == NULL) {
        (void)err_set(&err, ERR_RETRY, "out of memory");
        return cli_fail(&err);
    }
    int code = cli_config_load(cli, &session->loaded->config);
    if (code != CLI_OK) {
        return code;
    }
    session->config = &session->loaded->config;
    say_start(session->config);
    signals_block();
    return start(session, &err) ? CLI_OK : cli_fail(&err);
}

void session_end(struct session *session)
{
    if (session->engine != NULL) {
        (void)signals_release();
        engine_close(session->engine);
    }
    if (session->logging) {
        log_default_set(NULL);
        log_close(&session->log);
    }
    loaded_drop(session->loaded);
}
