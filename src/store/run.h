/*
 * run: what ran, why, and how it ended; and requests to run something.
 *
 * A run is (pipeline, trigger). It goes through phases, each kept in the store so that a crash goes
 * on where it was: INTAKE until every source of the pipeline has been read, PIPELINE until the
 * pipeline has worked up to the archive's head of that moment, DELIVERY until each of its records
 * was delivered, dead, or at least tried. (Who runs by hand has nobody else at work: the replies
 * that came belong to the run, and it goes back to PIPELINE for them.) Then it ENDED, and the end
 * is filed as a message that other pipelines may listen to (that is how `logger_stats` is written).
 *
 * A verb beside a running `serve` leaves a request; the conductor carries it out and the verb
 * follows the run's record.
 */
#ifndef SLUICE_STORE_RUN_H
#define SLUICE_STORE_RUN_H

#include "store/store.h"

/* Stored: never renumber. */
enum run_phase { RUN_INTAKE = 0, RUN_PIPELINE = 1, RUN_DELIVERY = 2, RUN_ENDED = 3 };
enum run_outcome { RUN_OPEN = 0, RUN_OK = 1, RUN_PARTIAL = 2, RUN_FAILED = 3, RUN_STOPPED = 4 };
enum run_trigger {
    RUN_BY_SCHEDULE = 0, /* every, cron */
    RUN_BY_MESSAGE = 1,
    RUN_BY_HAND = 2,
    RUN_BY_WEBHOOK = 3,
};

struct run {
    int64_t id;
    struct str pipeline;
    enum run_trigger trigger;
    enum run_phase phase;
    enum run_outcome outcome;
    int64_t planned_ms; /* When it should have begun. */
    int64_t started_ms;
    int64_t ended_ms;
    int64_t from_id; /* Archive head when it began. */
    int64_t upto_id; /* Set when intake is done. */
    int64_t messages;
    int64_t records;
    int64_t delivered;
    int64_t failed;    /* Records that wait for another try or are dead. */
    struct str detail; /* JSON: counts by source; absent for none. */
    struct str error;
};

/* All need an open change unless they only read. */
bool store_run_open(struct store *store, const struct run *run, int64_t *id, struct err *err);
bool store_run_update(struct store *store, const struct run *run, struct err *err); /* By id. */
bool store_run_get(struct store *store, struct arena *arena, int64_t id, struct run *out,
                   struct err *err);
/* Runs that have not ended, oldest first. */
bool store_run_active(struct store *store, struct arena *arena, struct run **out, size_t *count,
                      struct err *err);
bool store_run_list(struct store *store, struct arena *arena, struct str pipeline,
                    int64_t before_id, size_t limit, struct run **out, size_t *count,
                    struct err *err);

/* Where a schedule stands: the planned time of its last run, 0 for never. */
bool store_schedule_get(struct store *store, struct str pipeline, int64_t *planned_ms,
                        struct err *err);
bool store_schedule_put(struct store *store, struct str pipeline, int64_t planned_ms,
                        struct err *err);

/* Requests of verbs and webhooks, each carried out once, in order. */
struct request {
    int64_t id;
    struct str act;    /* "run" */
    struct str object; /* Pipeline. */
    struct str detail; /* JSON. */
    int64_t run_id;    /* 0 while it waits; its run once it was taken up; -1: it was refused. */
};

bool store_request_put(struct store *store, const struct request *request, int64_t *id,
                       struct err *err);
bool store_request_next(struct store *store, struct arena *arena, struct request *out, bool *found,
                        struct err *err);
bool store_request_taken(struct store *store, int64_t id, int64_t run_id, struct err *err);
bool store_request_get(struct store *store, struct arena *arena, int64_t id, struct request *out,
                       bool *found, struct err *err);

#endif
