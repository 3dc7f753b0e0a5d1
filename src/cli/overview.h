/*
 * overview: how everything stands, for `status` and `top`.
 *
 * Read in one consistent look that stays quick on a store of millions. With a sound configuration
 * its sources, pipelines and sinks are listed even before they did anything; without one, those
 * that the store knows.
 */
#ifndef SLUICE_CLI_OVERVIEW_H
#define SLUICE_CLI_OVERVIEW_H

#include "cli/browser.h"
#include "cli/look.h"
#include "engine/metrics.h"
#include "store/browse.h"
#include "store/run.h"

enum { OVERVIEW_RUNS = 5, OVERVIEW_PROBLEMS_MAX = 64, OVERVIEW_STUCK_MS = 10 * 60 * 1000 };

struct overview_pipeline {
    struct str name;
    const struct schedule *schedule; /* NULL: the configuration is not known. */
    struct run last;                 /* id 0: it never ran. */
    int64_t next_ms;                 /* 0: not by the clock. */
    int64_t behind;                  /* Archived messages that it has not looked at yet. */
};

/* A source that lives in a browser. */
struct overview_session {
    struct str source;
    struct browser_state state;
};

/* What a person should look at. */
struct problem {
    struct str what;
    const char *next; /* A command, or NULL. */
};

struct overview {
    int64_t messages;
    int64_t head;
    int64_t newest_ms;
    int64_t waiting;
    int64_t oldest_ms;
    int64_t dead;
    int64_t refused;
    int64_t refused_ms; /* When the newest one was. */
    int64_t file_bytes;
    int64_t log_bytes;
    bool served;
    struct str owner;
    int64_t served_ms;
    struct source_state *sources;
    size_t source_count;
    struct overview_session *sessions; /* Only with a sound configuration. */
    size_t session_count;
    struct sink_state *sinks;
    size_t sink_count;
    struct overview_pipeline *pipelines;
    size_t pipeline_count;
    struct metric_value *metrics; /* Of a known configuration. */
    size_t metric_count;
    struct run *runs;
    size_t run_count;
    struct problem problems[OVERVIEW_PROBLEMS_MAX];
    size_t problem_count;
};

/* look->store must be open. */
bool overview_read(struct overview *overview, struct look *look, struct err *err);

/* The session of a source; NULL: it has none. */
const struct overview_session *overview_session(const struct overview *all, struct str source);

#endif
