/*
 * replay: what a store notes so that a pipeline's history can be worked through again.
 *
 *   generation  how many replays of the pipeline were applied; part of every sequence, so that what
 *               today's rules decided is newer than what those before them did
 *   baseline    what the pipeline had remembered at the newest message that retention took away:
 * its state, position and subscriptions under a name that no pipeline can have request     a replay
 * that is to be applied: a run that the pipeline itself carries out
 */
#ifndef SLUICE_STORE_REPLAY_H
#define SLUICE_STORE_REPLAY_H

#include "store/run.h"
#include "store/store.h"

enum { BASELINE_NAME_MAX = 600, GENERATION_KEY_MAX = 600 };

/* A run's `upto_id` while it is a replay that was not applied yet. */
#define REPLAY_UPTO INT64_MAX

bool store_generation_get(struct store *store, struct str pipeline, int64_t *out, struct err *err);
/* Needs an open change. */
bool store_generation_put(struct store *store, struct str pipeline, int64_t generation,
                          struct err *err);

/* "baseline/drops"; the view is in `out`. */
struct str store_baseline_name(struct str pipeline, char out[BASELINE_NAME_MAX]);

/* The oldest replay that waits for the pipeline; id 0 for none. */
bool store_replay_next(struct store *store, struct arena *arena, struct str pipeline,
                       struct run *out, struct err *err);

/* What the store knows as the last record of an entity says the same today: it only becomes of the
   new generation. Needs an open change. */
bool store_replay_keep(struct store *store, struct str pipeline, struct str sink, struct str target,
                       struct str entity, int64_t generation, struct err *err);

/* The store forgets the last record of an entity. Needs an open change. */
bool store_replay_forget(struct store *store, struct str pipeline, struct str sink,
                         struct str target, struct str entity, struct err *err);

/* Absolute records of older generations leave the outbox. Needs an open change. */
bool store_replay_clear(struct store *store, struct str pipeline, int64_t generation,
                        struct err *err);

/* How far retention would like to remove, noted for the pipelines, whose baselines come first. */
bool store_retention_wish(struct store *store, int64_t *id, struct err *err);

#endif
