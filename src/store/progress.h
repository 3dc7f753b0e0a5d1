/*
 * progress: what the workers tell the conductor about a run.
 *
 * An intake notes the newest run for which it has looked at its source to the end (or given up,
 * with the reason). Pipelines and deliveries add what they did to the pipeline's open run.
 */
#ifndef SLUICE_STORE_PROGRESS_H
#define SLUICE_STORE_PROGRESS_H

#include "store/store.h"

struct sweep {
    int64_t run;      /* Runs up to this number have been served. */
    int64_t at_ms;    /* When the last look ended. */
    int64_t good_ms;  /* When the last good one did; 0 for never. */
    struct str error; /* Why the last look failed; absent when it did not. */
};

/* Needs an open change. A run number never falls. */
bool store_sweep_put(struct store *store, struct str source, int64_t run, const char *error,
                     struct err *err);
bool store_sweep_get(struct store *store, struct arena *arena, struct str source, struct sweep *out,
                     struct err *err);

/* Newest run in phase INTAKE of the pipeline, or 0. */
bool store_run_wanting(struct store *store, struct str pipeline, int64_t *run, struct err *err);

struct run_counts {
    int64_t messages;
    int64_t records;
    int64_t delivered;
    int64_t failed;
};

/* Add to the pipeline's oldest open run; `*run` is its number, or 0 when none is open. */
bool store_run_add(struct store *store, struct str pipeline, const struct run_counts *counts,
                   int64_t upto_id, int64_t *run, struct err *err);

/* That run's number without adding anything. */
bool store_run_of(struct store *store, struct str pipeline, int64_t *run, struct err *err);

#endif
