/*
 * What engine.c and reload.c share: the engine itself, and its posts.
 *
 * A post is the place of one worker. Its worker's thread asks between two steps whether there is a
 * new edition for it, so nothing is ever changed under a worker's hands. `guard` holds all that
 * threads share here; `reloading` is held for the whole of a reload, so that there is one at a
 * time.
 */
#ifndef SLUICE_ENGINE_INTERNAL_H
#define SLUICE_ENGINE_INTERNAL_H

#include <stdatomic.h>

#include "base/thread.h"
#include "engine/edition.h"
#include "engine/engine.h"
#include "engine/runner.h"

struct post {
    struct engine *engine;
    struct worker *worker; /* NULL: free. */
    struct rng rng;
    enum part_kind kind; /* PART_KINDS: the conductor and upkeep, which are about no part. */

    /* Under the guard. */
    struct edition *edition; /* Held. */
    struct edition *next;    /* Held; NULL: nothing new. */
    bool turn;               /* The worker's part is another one in `next`. */
    bool retire;             /* There is no such part any more. */
    bool closing;            /* Its thread has seen that. */
    bool called_back;        /* It was to retire, and the reload at hand has a use for it. */
    bool gone;               /* It has ended and may be freed. */
};

/* For who works in one thread. */
struct wake_bell {
    struct bell bell; /* First. */
    struct engine *engine;
};

struct engine {
    struct engine_options options;
    struct gate *gate;
    struct lease_file *leases;
    struct inboxes *inboxes;
    struct store *store;   /* Of the engine itself: requests, runs, keys. */
    struct lock reloading; /* Also of `store` while threads run. */
    struct lock guard;     /* Of the posts, of `edition`, and of `runner`. */
    struct signal changed; /* A post is gone. */
    struct edition *edition;
    struct runner *runner;
    atomic_bool stop; /* engine_stop() was called. */
    struct post posts[ENGINE_WORKERS_MAX];
    size_t count; /* Posts that were ever used. */
    struct engine_counts counts;
    struct wake_bell wake;
    char store_path[4096];
};

/* A worker at a free post, with a store of its own; it goes by `edition`. NULL with a reason. */
struct post *engine_post(struct engine *engine, struct edition *edition,
                         const struct worker_type *type, enum part_kind kind, struct str name,
                         struct err *err);

/* The same for one part of the edition. */
struct post *engine_part_post(struct engine *engine, struct edition *edition, enum part_kind kind,
                              size_t at, struct err *err);

/* From now on the worker asks for new editions. */
void engine_listen(struct worker *worker);

/* Close a worker's store and free its post. The worker has no thread. */
void engine_post_free(struct engine *engine, struct post *post);

bool engine_open_store(struct engine *engine, struct store **out, struct err *err);

#endif
