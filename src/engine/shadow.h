/*
 * shadow: workers over a shadow of the store (store/shadow.h).
 *
 * The workers are the ones of production; only their handle is another. So a dry run, a replay and
 * an explanation decide exactly as `serve` does, the refusing of messages included, and what they
 * decide stays in the shadow until somebody reads it there. Everything runs in the caller's thread
 * and ends when there is nothing left to do.
 */
#ifndef SLUICE_ENGINE_SHADOW_H
#define SLUICE_ENGINE_SHADOW_H

#include "engine/worker.h"
#include "store/shadow.h"

struct shadow_place {
    struct store *store; /* A shadow. */
    const struct plan *plan;
    struct clock *clock;
    struct str data_dir;
    bool (*stopping)(void *context); /* May be NULL. */
    void *stopping_context;
};

struct shadow_task {
    const struct plan_pipeline *pipeline;
    enum shadow_from from;
    bool again;     /* The op is open already: it is lent by the pipeline's own worker. */
    bool here_only; /* Only up to where the pipeline stands in the store. */
    bool latest;    /* References in their newest version. */
    struct rules_watch *watch; /* May be NULL. */
};

struct shadow_done {
    struct shadow_start start;
    int64_t messages;
    int64_t refused;
    bool waits; /* For a reference that has no version yet: nothing was done. */
};

/* Fails with ERR_STOP when it was asked to stop. */
bool shadow_run_pipeline(const struct shadow_place *place, const struct shadow_task *task,
                         struct shadow_done *done, struct err *err);

/* Read a source to its end into the shadow, which must take intake. */
bool shadow_run_source(const struct shadow_place *place, const struct plan_source *source,
                       struct err *err);

#endif
