/*
 * keys: how each pipeline made the keys of the records that it emitted last.
 *
 * A text that only the engine reads (engine/keys.h), kept from a pipeline's first record on and for
 * ever: also of pipelines that are no longer configured.
 */
#ifndef SLUICE_STORE_KEYS_H
#define SLUICE_STORE_KEYS_H

#include "store/store.h"

struct stored_keys {
    struct str pipeline;
    struct str text;
    int64_t at_ms; /* When it was noted. */
};

/* Needs an open change. */
bool store_keys_put(struct store *store, struct str pipeline, struct str text, struct err *err);

/* Of all pipelines that ever emitted a record, by name. */
bool store_keys_list(struct store *store, struct arena *arena, struct stored_keys **out,
                     size_t *count, struct err *err);

#endif
