/*
 * world: a whole installation in one loop, with a clock set by hand.
 *
 * The real workers and the real store run over sources and sinks that live here. What is outside
 * (chats, tables, slots, phones) survives a death of the process, as it would; what is inside is
 * thrown away and opened again from the file. A seed decides the order of the workers, what fails,
 * when the process dies, when time jumps and when somebody else takes a worker's lease, so a seed
 * repeats a failure exactly.
 *
 * Two slices of unlike business run side by side: drops.c (ledger, adoption, resubmission, edits)
 * and desk.c (question, answer as a message, booking claim, reply, receipt, absolute record, time,
 * references, run events, schedules). Each knows what an undisturbed run would have left behind and
 * compares at the end.
 */
#ifndef SLUICE_TESTS_SIM_WORLD_H
#define SLUICE_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rng.h"
#include "engine/worker.h"
#include "model/plan.h"
#include "store/store.h"

enum {
    WORLD_WORKERS_MAX = 24,
    WORLD_HISTORY_MAX = 2048,
    WORLD_EFFECTS_MAX = 4096,
    WORLD_ROUNDS_MAX = 400000,
};

struct world;

/* What was said in a chat, in order; an edit is a further entry with the same id. */
struct saying {
    int chat;
    char id[24];
    char text[96];
    int64_t at_ms; /* Virtual wall time of its arrival. */
};

struct history {
    struct saying said[WORLD_HISTORY_MAX];
    size_t count;
};

/* A source that shows a history: slowly, twice, failing now and then. */
struct sim_source {
    struct source source; /* First. */
    struct world *world;
    const struct history *history;
    const char *chat_prefix; /* Chats are called "<prefix><number>". */
    enum message_kind kind;
    bool snapshots; /* It is a reference: entries are versions of "roster". */
};

/* What a sink holds of effects: every one that was ever applied, and how often it was offered. */
struct sim_ledger {
    char effects[WORLD_EFFECTS_MAX][64];
    size_t count;
};

/* True when the effect is new to the ledger. */
bool ledger_add(struct sim_ledger *ledger, const struct effect *effect);
bool ledger_has(const struct sim_ledger *ledger, const struct effect *effect);

struct sim_sink {
    struct sink sink; /* First. */
    struct world *world;
    struct sim_ledger ledger;
    /* Do what the parcel says. Called once for each delivery; must itself refuse repeats. */
    void (*apply)(struct sim_sink *sink, struct parcel *parcel, struct arena *arena);
};

struct world {
    struct clock clock; /* First. */
    int64_t wall_ms;
    int64_t mono_ms;
    int64_t skew_ms; /* Of all jumps of the wall clock. */
    struct rng rng;
    const char *path;
    const char *vfs;
    int checkpoint_pages;  /* Of the store; 0 for its default. */
    struct err last_words; /* Of the process that died last. */
    bool handles;          /* A handle of its own for each worker, as in production; slower. */

    /* What goes wrong, in percent of the occasions. */
    unsigned fault_percent;
    unsigned crash_permille;
    unsigned jump_permille;
    unsigned steal_permille;
    int64_t crash_at; /* Die at this crash point; 0: by percent. */

    /* What happened. */
    int64_t crash_points;
    int64_t commits; /* Changes that were committed. */
    int64_t crashes;
    int64_t steals;
    int64_t rounds;

    struct plan plan;
    struct worker *workers[WORLD_WORKERS_MAX];
    size_t worker_count;
    struct store *store; /* Of the test itself. */
    struct bell bell;
};

/* A new, empty store and a new day; the slices then add their parts to the plan. */
void world_init(struct world *world, const char *path, uint64_t seed);
bool world_chance(struct world *world, unsigned percent);

/* Open the store and all workers; die and open again. */
void world_boot(struct world *world);
void world_kill(struct world *world);

/* Work the whole archive again, from the beginning, by today's rules; nothing is delivered. */
void world_replay(struct world *world);

/* Let the world turn until nothing is left to do. Dies (must) when that never comes. */
void world_run(struct world *world);
void world_go_on(struct world *world); /* The same in a world that runs already. */
void world_turn(struct world *world, int64_t rounds);
void world_end(struct world *world);

/* Fill a history: call once per saying, in order of time. */
void history_say(struct history *history, int chat, const char *id, const char *text,
                 int64_t at_ms);

void sim_source_init(struct sim_source *source, struct world *world, const char *name,
                     const struct history *history, const char *chat_prefix);
void sim_sink_init(struct sim_sink *sink, struct world *world, const char *name,
                   void (*apply)(struct sim_sink *sink, struct parcel *parcel,
                                 struct arena *arena));

/* How much happens: all of it for storms, little for walks over every crash point. */
struct scale {
    int customers;
    int slots;
    int ticks;
    int sayings; /* Of all groups together. */
};

extern const struct scale scale_whole;
extern const struct scale scale_small;

/* The slices: what they add to the world, and what they expect at the end. */
struct drops_slice;
struct drops_slice *drops_slice_new(struct world *world, const struct scale *scale, uint64_t seed);
bool drops_slice_check(const struct drops_slice *slice); /* Prints what is wrong. */
const struct plan_source *drops_slice_source(struct drops_slice *slice);
const struct plan_pipeline *drops_slice_pipeline(struct drops_slice *slice);
const struct plan_sink *drops_slice_sink(struct drops_slice *slice);
void drops_slice_free(struct drops_slice *slice);

enum { DESK_SOURCES = 4, DESK_PIPELINES = 3, DESK_SINKS = 4 };

struct desk_slice;
struct desk_slice *desk_slice_new(struct world *world, const struct scale *scale, uint64_t seed);
bool desk_slice_check(const struct desk_slice *slice, struct store *store, bool jumps);
/* Does the leads table hold just this of the entity? */
bool desk_slice_holds(struct desk_slice *slice, struct str entity, const struct effect *effect,
                      struct str body);
void desk_slice_parts(struct desk_slice *slice, struct plan_source *sources,
                      struct plan_pipeline *pipelines, struct plan_sink *sinks);
int desk_slice_leads(const struct desk_slice *slice); /* Rows of customers that are there. */
/* Rules of another day: what is put behind each status of a lead ("-": there are none), and behind
   each question to the model. */
void desk_slice_rules(const char *status_mark, const char *question_mark);
void desk_slice_free(struct desk_slice *slice);

#endif
