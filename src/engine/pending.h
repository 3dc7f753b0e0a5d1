/*
 * pending: records of the open change that a later one of it may replace.
 *
 * An absolute record says all that a row shall hold, so of those that one change makes for a row
 * only the last is worth keeping. A pipeline that works through thousands of messages at once says
 * the same few rows anew with each of them; here the last one of each is kept, and at the end of
 * the change it goes into the outbox, under the message that made it, as if the others had come and
 * been replaced there.
 */
#ifndef SLUICE_ENGINE_PENDING_H
#define SLUICE_ENGINE_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/record.h"
#include "store/store.h"

enum { PENDING_BYTES_MAX = 16 * 1024 * 1024 };

struct pending_record;

/* All zero: empty. */
struct pending {
    struct arena arena;
    struct pending_record *items;
    uint32_t *slots; /* Open addressing: index into items, plus 1. */
    size_t count;
    size_t room;
};

/* Keep it in place of what is there for its row. False: there is no room for it. */
bool pending_put(struct pending *pending, const struct effect *effect, int64_t partition,
                 const struct record *record);

/* Its row is removed: what is kept for it is nobody's any more. */
void pending_drop(struct pending *pending, const struct record *record);

/* All into the outbox, and it is empty. `*queued` gets how many were news there. */
bool pending_flush(struct pending *pending, struct store *store, int64_t *queued, struct err *err);

/* The change was undone. */
void pending_forget(struct pending *pending);

void pending_free(struct pending *pending);

#endif
