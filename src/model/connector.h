/*
 * connector: what sources and sinks share, the life of a thing that talks to the outside.
 *
 * A kind ("whatsapp-bridge", "sqlite") is a constant `struct connector_type`, the first member of
 * its `struct source_type` or `struct sink_type`. An instance is a zeroed struct of `size` bytes
 * whose first member is `struct connector`; the configuration fills its options, and then:
 *
 *   open   once, by the worker that will use it. May be called again after a failure. Opening does
 *          not have to reach the outside: what is down at start is an ERR_RETRY of the first use.
 *   probe  is it reachable, is it the right thing? For `check --connect` and /health. Changes
 *          nothing outside. Writes one line for a person into `found`.
 *   attend a person is there to do what only a person can (scan a code): one look, by the deadline,
 *          that changes what `keep` shows them. True: there is nothing (more) for them to do.
 *          ERR_LOGIN: they are awaited; anything else ends it.
 *   rest   nothing to do for a while: give caches back, stay open.
 *   close  gives everything back. Called once for each successful open.
 *
 * All calls on one instance come from one thread at a time. A connector sees no store: what it
 * must remember over a crash (a session id) it gives to `keep`; everything else it forgets.
 */
#ifndef SLUICE_MODEL_CONNECTOR_H
#define SLUICE_MODEL_CONNECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/str.h"
#include "model/inbox.h"
#include "model/option.h"
#include "model/report.h"
#include "model/target.h"

/* Small notes that survive a crash, private to one connector. A missing key reads as absent. */
struct keep {
    void *engine;
    bool (*get)(struct keep *keep, struct str key, struct arena *arena, struct str *value,
                struct err *err);
    bool (*put)(struct keep *keep, struct str key, struct str value, struct err *err);
};

/* What the engine lends to a connector from open to close. */
struct connector_env {
    struct clock *clock;
    struct rng *rng;
    struct arena *arena; /* Lives from open to close. */
    struct keep *keep;
    struct str data_dir;                 /* Where sluice keeps its files. */
    struct inbox *inbox;                 /* Of a source that is called from outside; else NULL. */
    const struct target *const *targets; /* What the pipelines write here, ended by NULL. */
    bool (*stopping)(void *context);     /* Ask in long loops; may be NULL. */
    void *stopping_context;
};

struct connector {
    struct str name; /* As configured. */
    struct connector_env env;
};

struct connector_type {
    const char *kind;
    const char *summary;
    const struct option *options;
    size_t size;
    /* Optional: what the types of the options cannot know; nothing is open yet. */
    void (*check)(const struct connector *connector, struct report *report);
    bool (*open)(struct connector *connector, struct err *err);
    bool (*probe)(struct connector *connector, int64_t deadline_ms, struct str *found,
                  struct err *err);
    bool (*attend)(struct connector *connector, int64_t deadline_ms,
                   struct err *err);           /* Optional. */
    void (*rest)(struct connector *connector); /* Optional. */
    void (*close)(struct connector *connector);
};

/* Was the connector asked to stop? Long fetches and writes look from time to time. */
static inline bool connector_stopping(const struct connector *connector)
{
    return connector->env.stopping != NULL &&
           connector->env.stopping(connector->env.stopping_context);
}

#endif
