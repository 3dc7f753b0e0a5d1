/*
 * worker: one bounded step of work, again and again.
 *
 *   intake     moves messages from one source into the archive
 *   pipeline   turns archived messages into state and outbox records
 *   delivery   hands records to one sink
 *   conductor  plans runs, follows them through their phases, takes requests of verbs
 *   upkeep     search index, retention, file size
 *
 * They share nothing but the store: each has its own handle, its own lease and its own arena. In
 * production each runs on its own thread (runner.h); in a test one loop runs them all, and a seed
 * decides the order. Every rule is here, in worker_run(); a thread only repeats and sleeps.
 *
 * The life of a step: read (no transaction), talk to the outside (no transaction, one absolute
 * deadline), write everything that changed in one transaction. Dying anywhere in between repeats
 * the step, and the repetition changes nothing that was done.
 */
#ifndef SLUICE_ENGINE_WORKER_H
#define SLUICE_ENGINE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "engine/ahead.h"
#include "engine/notes.h"
#include "engine/pending.h"
#include "engine/retry.h"
#include "model/plan.h"
#include "store/lease.h"
#include "store/store.h"

enum {
    WORKER_ARENA_LIMIT = 160 * 1024 * 1024,
    WORKER_REFUSED_MAX = 32,
    WORKER_WHY_MAX = 240,
    WORKER_IDLE_MS = 10 * 1000, /* How often an idle worker looks although nobody rang. */
    WORKER_PATIENCE_MS = 10,    /* Of those who take what others left for them. */
    WORKER_REST_MS = 2000,      /* After so long without work it gives its caches back. */
};

struct worker;
struct reader;

struct worker_type {
    const char *name;
    bool (*open)(struct worker *worker, struct err *err); /* May be NULL. */
    /* One step. Sets worker->busy when there is more to do at once. */
    bool (*step)(struct worker *worker, struct err *err);
    void (*rest)(struct worker *worker);   /* May be NULL: nothing to do for a while. */
    void (*replan)(struct worker *worker); /* May be NULL: worker->plan is another one. */
    void (*close)(struct worker *worker);  /* May be NULL. */
    /* After a few rings in a row the bell is answered only so often. 0: always at once. For those
       whose step costs the same for one message as for many. */
    int64_t patience_ms;
};

/* What a test or the runner wants to know: called after a commit that others may wait for. */
struct bell {
    void (*ring)(struct bell *bell);
};

/* One way of a pipeline through the archive: its place, its state, and what was refused there. */
struct lane {
    struct reader *reader;
    int64_t id;    /* Number of the name under which state is kept. */
    bool mute;     /* Nothing is emitted, listed or counted. */
    bool more;     /* The last step stopped before the end of the archive. */
    int64_t limit; /* Messages in one step; shrinks after a failure. */
    struct refused_message {
        int64_t id;
        char why[WORKER_WHY_MAX];
    } refused[WORKER_REFUSED_MAX]; /* Messages that the op rejected in this stretch. */
    size_t refused_count;
};

/* Somebody who looks over the pipeline's shoulder (`explain`, `test`). */
struct rules_watch {
    bool (*emitted)(struct rules_watch *watch, const struct message *message,
                    const struct record *record, int32_t nth, struct err *err);
    /* May be NULL. */
    bool (*refused)(struct rules_watch *watch, const struct message *message, const char *why,
                    struct err *err);
    /* A stretch was done, or undone: what was seen since the last call counts, or does not. */
    void (*settled)(struct rules_watch *watch, bool done);
};

struct worker {
    const struct worker_type *type;
    char name[160]; /* "intake/bridge": the work that is leased. */
    const struct plan *plan;
    const struct plan_source *source; /* The one of the three that the type is about. */
    const struct plan_pipeline *pipeline;
    const struct plan_sink *sink;
    struct store *store;
    struct lease_file *leases; /* NULL: leases without file locks (tests). */
    struct lease lease;
    struct clock *clock;
    struct rng *rng;
    struct bell *bell;       /* May be NULL. */
    struct arena arena;      /* Of a step. */
    struct arena open_arena; /* From open to close. */
    struct str data_dir;
    struct keep keep;
    struct inboxes *inboxes;         /* NULL: nobody can call a source. */
    bool (*stopping)(void *context); /* May be NULL. */
    void *stopping_context;

    /* Asked by the worker's thread between two steps; false: the worker's time is over. Both may be
       NULL. `ended` is the last that the thread does with a worker whose time was over. */
    bool (*between)(struct worker *worker);
    void (*ended)(struct worker *worker);
    void *post;       /* Of whoever set them. */
    struct str owner; /* For the lease. */
    bool threads;     /* It has a thread, and may have more. */
    bool shadowed;    /* Its store is a shadow: nothing may be written beside it either. */
    bool by_hand;     /* Only what was asked for is run: no schedule is looked at. */

    /* What the runner looks at. */
    bool opened;
    bool busy;
    int64_t wake_ms; /* Monotonic time of the next step. */
    int64_t rest_ms; /* Monotonic: when it gives its caches back; 0: it has nothing to give. */
    int failures;    /* In a row; reset by a good step. */
    char doing[64];  /* What it is at, for the message when it hangs. */

    /* What the types keep between steps. */
    struct intake {
        bool sweeping;        /* A look at the source that is not at its end yet. */
        int64_t sweep_run;    /* Newest run that this look serves. */
        int64_t next_look_ms; /* Monotonic. */
        int64_t told_ms;      /* Monotonic: when the store was last told of a good look. */
        struct range {        /* A range of dates is read first, with cursors of its own. */
            bool reading;
            int64_t since_ms;
            int64_t until_ms;
            char chat[MESSAGE_NAME_MAX + 1]; /* Only this one; empty: all. */
            struct arena arenas[2];          /* Of the cursors, in turns. */
            size_t turn;
            struct chat_cursor *chats;
            size_t chat_count;
        } range;
        struct ahead ahead;
    } intake;
    struct rules {
        struct lane live; /* What the pipeline does. */
        struct lane past; /* What it remembered where retention is: nothing is emitted. */
        bool past_open;
        int64_t generation; /* Replays that were applied. */
        int64_t upto;       /* Never work past this message; 0 for no limit. */
        bool replaying;     /* In a shadow, from the baseline: answers must answer what is asked. */
        bool waits;         /* For a reference that has no version yet. */
        int64_t messages;   /* Worked on since it was opened. */
        bool latest;        /* Look references up in their newest version. */
        struct rules_watch *watch; /* May be NULL. */
        struct pending pending;    /* Of the open change. */
        struct notes notes;        /* The same. */
        struct str keys;           /* How keys are made (engine/keys.h), … */
        bool keys_kept;            /* … and whether the store knows that from this worker. */
    } rules;
    struct breaker breaker;
    size_t batch;       /* delivery: records in one write; grows while there are more */
    bool calm;          /* delivery: the store holds no trouble of this sink */
    int64_t checked_ms; /* upkeep */
    int64_t swept_ms;   /* upkeep */
    int64_t learned_ms; /* upkeep: when it learns again */
};

extern const struct worker_type worker_intake;
extern const struct worker_type worker_pipeline;
extern const struct worker_type worker_pipeline_again; /* Its op is open already. */
extern const struct worker_type worker_delivery;
extern const struct worker_type worker_conductor;
extern const struct worker_type worker_upkeep;

/*
 * Run one step and decide when the next one is due. False only when the process must stop: the
 * store failed, or another process owns this work.
 */
bool worker_run(struct worker *worker, struct err *err);

/* Close what the worker had open and give its lease back. */
void worker_close(struct worker *worker);

/*
 * Close what the worker had open and forget what it kept between steps; lease, store and thread
 * stay. Its part may then be set to another one, which is opened by the next step.
 */
void worker_turn(struct worker *worker);

/* Helpers of the types. */
int64_t worker_mono_ms(const struct worker *worker);
void worker_ring(struct worker *worker);

/* What this step does is part of the pipeline's open run, if it has one: lines of the log say so.
 */
bool worker_name_run(struct worker *worker, struct str pipeline, struct err *err);

/* Grade a failure of a source or sink: however bad, it is theirs and does not stop the process.
   Returns false. */
bool worker_outside_failed(struct err *err);

/* What a source or sink gets to live with, from open to close. */
struct connector_env worker_connector_env(struct worker *worker,
                                          const struct target *const *targets);

#endif
