/*
 * health: how everything stands, for programs: the verdict, its culprits, and the numbers.
 *
 *   ok        everything arrives and is delivered
 *   degraded  something needs a look, and work goes on: a failed run, dead letters, an open gap, a
 *             sink that refuses for a few minutes
 *   failing   nothing arrives any more, or nothing leaves: a session that a person must renew, a
 *             source without a good look, a sink whose records wait too long
 *
 * health_read() takes one consistent look; the texts are written from it. What is public names
 * parts of the configuration and numbers, and nothing that a person wrote; the details add the
 * words of errors, which may name chats.
 */
#ifndef SLUICE_SERVE_HEALTH_H
#define SLUICE_SERVE_HEALTH_H

#include "base/buf.h"
#include "engine/metrics.h"
#include "model/plan.h"
#include "serve/backup_note.h"
#include "store/browse.h"
#include "store/habit.h"
#include "store/run.h"
#include "store/store.h"

enum { HEALTH_CULPRITS_MAX = 64, HEALTH_STUCK_MS = 10 * 60 * 1000 };

enum health_status { HEALTH_OK = 0, HEALTH_DEGRADED, HEALTH_FAILING };

struct health_source {
    const struct plan_source *source;
    struct sweep sweep;
    struct str session; /* "logged-in", "expired", "pairing", "unknown"; absent: it has none. */
    struct str state;   /* The same as the browser sees it. */
    int64_t gaps;       /* That are open. */
    struct habit habit; /* How its silences are, by what is usual. */
};

struct health_pipeline {
    const struct plan_pipeline *pipeline;
    struct run last; /* id 0: it never ran. */
    int64_t behind;
};

struct health_culprit {
    enum health_status status;
    const char *part; /* "source" */
    struct str name;
    const char *what; /* "session_expired": stays, so that rules may go by it. */
    struct str words; /* Only for the details; may be absent. */
};

struct health {
    enum health_status status;
    int64_t now_ms;
    int64_t since_ms; /* When this process began to serve. */
    int64_t messages;
    int64_t newest_ms;
    int64_t refused;
    int64_t file_bytes;
    int64_t log_bytes;
    struct health_source *sources;
    size_t source_count;
    const struct plan_sink *plan_sinks;
    struct sink_state *sinks;
    size_t sink_count;
    struct health_pipeline *pipelines;
    size_t pipeline_count;
    struct backup_note backup;
    struct metric_value *metrics;
    size_t metric_count;
    struct health_culprit culprits[HEALTH_CULPRITS_MAX];
    size_t culprit_count;
};

bool health_read(struct health *health, struct store *store, const struct plan *plan,
                 int64_t now_ms, int64_t since_ms, struct arena *arena, struct err *err);

void health_json(const struct health *health, bool details, struct buf *out);

/* In the text format of Prometheus. */
void health_metrics(const struct health *health, struct buf *out);

const char *health_status_name(enum health_status status);

#endif
