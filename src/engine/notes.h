/*
 * notes: what an op remembers, as the open change has it.
 *
 * An op reads and writes the same few keys with each message. Here a key is read from the store
 * once in a change, and written once, at its end: in the same commit as ever, so nobody sees a
 * difference but the clock. A scan sees the store alone, so what waits is written before it; while
 * it lasts, everything goes to the store directly.
 *
 * What an op gets is a copy in its own arena: a later put does not change it under its hands.
 */
#ifndef SLUICE_ENGINE_NOTES_H
#define SLUICE_ENGINE_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

enum { NOTES_BYTES_MAX = 16 * 1024 * 1024 };

struct note;

/* All zero: empty. */
struct notes {
    struct arena arena;
    struct note *items;
    uint32_t *slots; /* Open addressing: index into items, plus 1. */
    size_t count;
    size_t room;
    bool scanning;
};

/* Whose state it is. All calls of one change name the same pipeline. */
struct notes_place {
    struct store *store;
    int64_t pipeline; /* Number of its name. */
    int64_t partition;
};

/* As store/state.h has them. */
bool notes_get(struct notes *notes, const struct notes_place *place, struct arena *arena,
               struct str key, struct str *value, struct err *err);
bool notes_put(struct notes *notes, const struct notes_place *place, struct str key,
               struct str value, struct err *err);
bool notes_del(struct notes *notes, const struct notes_place *place, struct str key,
               struct err *err);
bool notes_scan(struct notes *notes, const struct notes_place *place, struct arena *arena,
                struct str prefix, bool (*each)(void *context, struct str key, struct str value),
                void *context, struct err *err);

/* All into the store, and it is empty. Before each commit. */
bool notes_flush(struct notes *notes, struct store *store, int64_t pipeline, struct err *err);

/* The change was undone. */
void notes_forget(struct notes *notes);

void notes_free(struct notes *notes);

#endif
