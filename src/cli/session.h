/*
 * session: what `serve` and `run` have in common: configuration, log, data folder, engine.
 *
 *     struct session session;
 *     int code = session_begin(&session, cli);      says at once what it works with
 *     if (code == CLI_OK) { ... engine_serve(session.engine, ...) ... }
 *     session_end(&session);
 */
#ifndef SLUICE_CLI_SESSION_H
#define SLUICE_CLI_SESSION_H

#include "base/log.h"
#include "cli/cli.h"
#include "cli/keeper.h"
#include "cli/loaded.h"
#include "engine/engine.h"
#include "serve/alerts.h"
#include "serve/service.h"

enum { SESSION_OWNER_MAX = 128 };

struct session {
    struct loaded *loaded;
    const struct config *config; /* Of `loaded`: what it began with. */
    struct log log;
    struct engine *engine;
    struct service *service;       /* Of `serve`; NULL: nobody listens. */
    struct alerts *alerts;         /* The same. */
    struct keeper *keeper;         /* The same. */
    char owner[SESSION_OWNER_MAX]; /* "host/pid" */
    bool logging;
};

/* CLI_OK, or the code to end with. session_end() is due in both cases. */
int session_begin(struct session *session, const struct cli *cli);
void session_end(struct session *session);

/* The projects by name and group, as people look for them after adding one. */
void session_log_projects(const struct config *config);

size_t session_projects(const struct config *config);

#endif
