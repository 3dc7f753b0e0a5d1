/*
 * bridge_window: what the rows before a cursor look like, now and when the cursor was written.
 *
 * See bridge_cursor.h for the idea. All calls happen inside the read transaction of one fetch, so
 * that the check and the rows that follow are of one moment.
 */
#ifndef SLUICE_SOURCE_BRIDGE_WINDOW_H
#define SLUICE_SOURCE_BRIDGE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/sqlite.h"
#include "source/bridge_cursor.h"
#include "source/bridge_schema.h"

enum {
    BRIDGE_WINDOW_MAX = 1000, /* Rows. */
    BRIDGE_WINDOW_SHORT = 4,  /* For a place in the middle of the table, where nothing is edited. */
};

enum bridge_window {
    BRIDGE_WINDOW_OTHER = 0, /* Not the rows that the cursor knew. */
    BRIDGE_WINDOW_TOUCHED,   /* The same rows, but some were replaced or edited. */
    BRIDGE_WINDOW_SAME,
};

/* Fill in window and anchors for the `rows` rows that end at cursor->last. */
bool bridge_window_take(const struct bridge_schema *schema, struct sqlite *db, int64_t rows,
                        struct bridge_cursor *cursor, struct arena *arena, struct err *err);

bool bridge_window_check(const struct bridge_schema *schema, struct sqlite *db,
                         const struct bridge_cursor *cursor, enum bridge_window *out,
                         struct err *err);

/* One number for all rows of a table without rowids, whatever their order. */
bool bridge_window_sum(const struct bridge_schema *schema, struct sqlite *db, uint64_t *sum,
                       struct err *err);

#endif
