/*
 * state: what an op remembers, by pipeline, partition and key.
 *
 * Values are read and written inside the pipeline's change, so they are exactly as old as its
 * position. `pipeline` is the number of its name (store_name).
 */
#ifndef SLUICE_STORE_STATE_H
#define SLUICE_STORE_STATE_H

#include "store/store.h"

enum { STATE_KEY_MAX = 1024, STATE_VALUE_MAX = 4 * 1024 * 1024 };

/* A missing key reads as absent. */
bool store_state_get(struct store *store, struct arena *arena, int64_t pipeline, int64_t partition,
                     struct str key, struct str *value, struct err *err);
/* Whether it may be put at all. */
bool store_state_check(struct str key, struct str value, struct err *err);
bool store_state_put(struct store *store, int64_t pipeline, int64_t partition, struct str key,
                     struct str value, struct err *err);
bool store_state_del(struct store *store, int64_t pipeline, int64_t partition, struct str key,
                     struct err *err);

/* Calls `each` for the keys with the prefix, in byte order, until it returns false. */
bool store_state_scan(struct store *store, struct arena *arena, int64_t pipeline, int64_t partition,
                      struct str prefix,
                      bool (*each)(void *context, struct str key, struct str value), void *context,
                      struct err *err);

/* A note that a pipeline keeps under the id of a message, and that message. Texts are borrowed. */
struct noted_message {
    int64_t id; /* Of its first form in the archive. */
    struct str chat;
    struct str key; /* Its id at the source. */
    struct str value;
    int64_t archived_ms;
};

/*
 * Calls `each` for the messages of the archive under whose id the pipeline keeps a note (of the
 * message's own chat), oldest first, until it returns false. For reports: it walks the archive.
 */
bool store_state_messages(struct store *store, struct str pipeline,
                          bool (*each)(void *context, const struct noted_message *noted),
                          void *context, struct err *err);

#endif
