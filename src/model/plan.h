/*
 * plan: the whole of a checked configuration, as the engine runs it.
 *
 * The configuration builds one from YAML, a test builds one by hand. Sources and sinks are
 * instances with their options filled and not yet open; everything a plan points to lives as long
 * as the plan. Names are unique among sources, among pipelines and among sinks.
 *
 * Each part has a `digest` of all that was written about it, with variables filled in and nothing
 * that does not matter (comments, the order of keys). A part of the next plan that has the same
 * digest and the same options is the same part, and a reload leaves it alone. Absent in plans that
 * were made by hand: then the options alone decide.
 */
#ifndef SLUICE_MODEL_PLAN_H
#define SLUICE_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "model/op.h"
#include "model/sink.h"
#include "model/source.h"
#include "text/cron.h"
#include "text/zone.h"

enum {
    PLAN_SOURCES_MAX = 64,
    PLAN_PIPELINES_MAX = 256,
    PLAN_SINKS_MAX = 64,
    PLAN_CHATS_MAX = 4096, /* Of one pipeline. */
};

/* When a pipeline runs. */
enum schedule_kind {
    SCHEDULE_ON_MESSAGE = 0, /* As soon as something arrives; sources are polled by themselves. */
    SCHEDULE_EVERY,
    SCHEDULE_CRON,
    SCHEDULE_ON_WEBHOOK, /* When it is called. */
    SCHEDULE_BY_HAND,    /* Only by `sluice run`. */
};

/* What to do with planned times that passed while nothing could run. */
enum misfire_policy {
    MISFIRE_ONCE = 0, /* Run once for all of them. */
    MISFIRE_SKIP,     /* Wait for the next planned time. */
    MISFIRE_ALL,      /* Run for each of them; past SCHEDULE_CATCH_UP_MAX once for all. */
};

/* What to do when it is time and the run before has not ended. */
enum overlap_policy {
    OVERLAP_SKIP = 0, /* This one does not take place. */
    OVERLAP_QUEUE,    /* Once the other has ended; at most one waits. */
};

struct schedule {
    enum schedule_kind kind;
    enum misfire_policy misfire;
    enum overlap_policy overlap;
    int64_t every_ms;
    struct cron cron;
    const struct zone *zone; /* NULL: UTC. */
};

struct plan_source {
    struct str name;
    struct source *source;
    int64_t poll_ms;      /* Pause between two looks when nothing is left. */
    int64_t fetch_ms;     /* How long one fetch may take. */
    bool on_demand;       /* Only read when a run asks for it: no pipeline runs on its messages. */
    struct str reference; /* The reference that it brings, if it is one; it then has no chats. */
    struct str digest;
};

struct plan_chat {
    struct str source;
    struct str chat; /* Empty: all chats of the source. */
};

struct plan_pipeline {
    struct str name;
    struct op *op;
    const struct plan_chat *chats;
    size_t chat_count;
    struct schedule schedule;
    int64_t generation; /* Number of the replays that were applied. */
    bool quiet;         /* Its runs file no run event (it is fed by run events itself). */
    struct str digest;
};

struct plan_sink {
    struct str name;
    struct sink *sink;
    int64_t write_ms;                    /* How long one write may take. */
    int32_t attempts_max;                /* Then a record is a dead letter. */
    const struct target *const *targets; /* What is written here; NULL: what the pipelines say. */
    struct str digest;
};

struct plan {
    const struct plan_source *sources;
    size_t source_count;
    const struct plan_pipeline *pipelines;
    size_t pipeline_count;
    const struct plan_sink *sinks;
    size_t sink_count;
    struct str files_dir;       /* Of attachments; absent: `files` in the data folder. */
    int64_t archive_keep_ms;    /* 0: for ever. */
    int64_t archive_keep_bytes; /* 0: no limit. */
    int64_t runs_keep_ms;
    const struct zone *zone; /* By whose clock chats have their hours; NULL: UTC. */
};

#endif
