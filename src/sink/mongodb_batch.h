/*
 * mongodb_batch: a batch of statements on its way to the server, and what became of each.
 *
 * An item is `open` until its parcel has a verdict or its document is written. What the whole call
 * fails with (the connection, a right that is missing) is the caller's to return.
 */
#ifndef SLUICE_SINK_MONGODB_BATCH_H
#define SLUICE_SINK_MONGODB_BATCH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/mongo.h"
#include "model/sink.h"
#include "sink/mongodb_statement.h"

struct mongodb_item {
    struct parcel *parcel;
    const struct target *target;
    struct mongodb_mark mark;
    struct str statement;
    bool open;
    bool written;  /* By this call or an earlier one: the ledger shall know. */
    bool doubtful; /* A duplicate key: it was done before, or somebody else is in the way. */
    bool adds;     /* The body has inc or push. */
};

struct mongodb_batch {
    struct mongo *db;
    struct mongodb_item *items;
    size_t count;
    struct arena *arena;
    const struct connector *connector;
    int64_t deadline_ms;
    bool late; /* There was no time for all. */
};

/* Send what is open, and settle it as far as the server's answers tell. */
bool mongodb_batch_send(struct mongodb_batch *batch, struct err *err);

/* Is there no time left, or are we asked to stop? Then what is open stays so. */
bool mongodb_batch_late(struct mongodb_batch *batch);

/* Did a command fail because of what was sent, and not because of how the server is? */
bool mongodb_batch_blames_data(const struct mongodb_batch *batch, const struct err *why);

/* Give the parcel its verdict, and close the item. */
void mongodb_item_settle(struct mongodb_batch *batch, struct mongodb_item *item,
                         enum verdict verdict, const struct err *why);

#endif
