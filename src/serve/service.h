/*
 * service: what `sluice serve` answers over HTTP.
 *
 *   GET  /live               is the process there, does its store answer? For probes that restart
 *   GET  /ready              is it at work?
 *   GET  /health             how everything stands, with its culprits (health.h)
 *   GET  /metrics            the same for Prometheus
 *   POST /webhook/NAME       a call for a source (webhooks.h)
 *   /api/v1/…                for programs of this house (api.h)
 *
 * Pages of health come from memory (pulse.h), so probes cost nothing and are answered however
 * busy the store is.
 *
 * Who may see what: /live, /ready and /health are for everybody who can connect, and name nothing
 * but parts of the configuration. /metrics is for this machine alone (a connection from loopback
 * that no proxy has passed on), for the internal listener, and for who has a token. The details of
 * /health are for the internal listener and for who has a token.
 */
#ifndef SLUICE_SERVE_SERVICE_H
#define SLUICE_SERVE_SERVICE_H

#include "config/http.h"
#include "engine/engine.h"
#include "serve/api.h"
#include "serve/planned.h"

struct service;

struct renew;

struct service_options {
    const struct config_http *http;
    struct engine *engine;
    const struct plan *plan;
    struct plan_owner plan_owner; /* Given back when the plan is not used any more, or at once when
                                     service_start() fails. */
    struct planned_words words;   /* What the owner of a plan calls its chats. */
    struct api_dry dry;
};

/*
 * `*out` is NULL and nothing is wrong when nobody shall listen, or when the address that nobody
 * asked for is taken (which is said in the log). Listens when it returns.
 */
bool service_start(struct service **out, const struct service_options *options, struct err *err);

/* Another plan is in use. NULL is fine: then the owner is given back at once. */
void service_replan(struct service *service, const struct plan *plan, struct plan_owner owner);

/* Where calls ask for the configuration to be read again. NULL for a NULL service. */
struct renew *service_renew(struct service *service);

/* Calls that are there are answered. NULL is fine. */
void service_stop(struct service *service);

#endif
