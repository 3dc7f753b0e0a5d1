/*
 * browse: the archive as people look at it, and how the workers stand.
 *
 * Everything here only reads, is bounded, and needs no knowledge of a configuration: names come
 * from the store. Consistent among each other within store_begin_read().
 */
#ifndef SLUICE_STORE_BROWSE_H
#define SLUICE_STORE_BROWSE_H

#include "model/message.h"
#include "store/progress.h"
#include "store/store.h"

enum { BROWSE_MAX = 1000, BROWSE_COUNT_MAX = 100000, BROWSE_NAMES_MAX = 256 };

/* Which messages; zeros mean: all that people wrote, in their latest form. */
struct browse {
    struct str words;  /* As store_search() takes them; absent: any. */
    struct str source; /* Its name. */
    struct str chat;   /* A part of its id. */
    struct str sender; /* A part of a name or number. */
    int64_t since_ms;  /* Sent at or after; 0: always. */
    int64_t until_ms;  /* Sent before; 0: no end. */
    int64_t before_id; /* Only numbers below; 0: from the newest. */
    int64_t after_id;  /* Only numbers above. */
    bool oldest_first;
    bool everything; /* Also ticks, answers, receipts, runs, references. */
    bool revisions;  /* Also forms that were edited or deleted later. */
};

/* At most `limit`, newest first unless oldest_first. `*more`: others would follow. */
bool store_browse(struct store *store, struct arena *arena, const struct browse *browse,
                  size_t limit, struct message **out, size_t *count, bool *more, struct err *err);

/* Messages that the search index does not know yet. */
bool store_search_behind(struct store *store, int64_t *count, struct err *err);

/* Every source that was ever looked at. */
struct source_state {
    struct str name;
    struct sweep sweep;
};

bool store_source_states(struct store *store, struct arena *arena, struct source_state **out,
                         size_t *count, struct err *err);

/* Every sink for which something waits or is dead. */
struct sink_state {
    struct str name;
    int64_t waiting;   /* Counted up to BROWSE_COUNT_MAX. */
    int64_t oldest_ms; /* When the message of the oldest came; 0: nothing waits. */
    int64_t failing;   /* Of those: were tried and will be again. */
    int64_t next_ms;   /* When the first of them is tried again; 0: none is. */
    struct str why; /* Of one that is failing, else of the sink as a whole; absent: all is well. */
    int64_t dead;

    /* By store_sink_health(). */
    int64_t good_ms;    /* When it last took something; 0 for never. */
    struct str trouble; /* Of the sink as a whole, since then; absent: none. */
};

bool store_sink_states(struct store *store, struct arena *arena, struct sink_state **out,
                       size_t *count, struct err *err);

/* Fill in how the sink of this name did when it was used last. */
bool store_sink_health(struct store *store, struct arena *arena, struct sink_state *state,
                       struct err *err);

/* What was emitted last for a row: what its target is to be like. */
struct emitted {
    struct str pipeline;
    struct str sink;
    struct str target;
    struct str entity;
    struct str body;
    int64_t message; /* That caused it. */
    int64_t place[3];
};

/* Behind which row a list goes on; zeros: from the first one. */
struct emitted_place {
    int64_t place[3]; /* As in the row. */
    struct str entity;
};

/* In an order that no change of a row alters; with `target` only those of it. */
bool store_emitted_list(struct store *store, struct arena *arena, const struct emitted_place *after,
                        struct str target, size_t limit, struct emitted *out, size_t *count,
                        struct err *err);

/* Names of pipelines that ever ran or worked. */
bool store_pipeline_names(struct store *store, struct arena *arena, struct str **out, size_t *count,
                          struct err *err);

/* Who holds the conductor's lease, by the store alone: he may be gone. Absent: nobody ever did. */
bool store_owner(struct store *store, struct arena *arena, struct str *owner, int64_t *since_ms,
                 struct err *err);

/* Is somebody at work on this store? By the lock itself; opens the lock file to read only. */
bool store_is_served(struct store *store, struct str store_path, bool *served, struct err *err);

#endif
