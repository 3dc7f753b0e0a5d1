/*
 * bridge_scan: one fetch from a bridge's table: all chats in one pass.
 *
 * Every chat has its own place. The pass begins at the lowest of them and gives each chat what lies
 * behind its own; at the end all chats that were reached stand at the same place, so the next pass
 * reads nothing twice. A chat that is added later has no place yet, and the pass goes back to the
 * start for it alone.
 *
 * A table without rowids has no order of arrival. It is read in sweeps from one end to the other,
 * in order of (chat, id). A sweep carries a sum over all rows as they were when it began; as long
 * as the sum is the same, nothing is new, and when it differs, another sweep begins. So a row that
 * was inserted behind a running sweep is found by the next one. That costs a look at every row
 * after each change, and a repeat of every message; it never skips.
 *
 * The scan lives for one fetch, inside one read transaction; its memory is the batch's.
 */
#ifndef SLUICE_SOURCE_BRIDGE_SCAN_H
#define SLUICE_SOURCE_BRIDGE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "db/sqlite.h"
#include "model/source.h"
#include "source/bridge_row.h"
#include "source/bridge_schema.h"

enum {
    BRIDGE_SCAN_ROWS_MAX = 262144, /* In one fetch, of any chat: the bridge must get its turn. */
    BRIDGE_SCAN_PAUSE_ROWS = 1024, /* Between two looks at the clock. */
    BRIDGE_NAMES_CACHED = 256,
};

/* A chat that was asked for, and where its reading begins. */
struct bridge_chat {
    struct str name;
    int64_t from; /* The first rowid to read. */
    int64_t floor_ms;
    bool absent;    /* It had no cursor. */
    bool restarted; /* Its cursor was no longer true. */
    bool met;       /* The pass saw a row of it. */
};

struct bridge_scan {
    const struct bridge_schema *schema;
    struct sqlite *db;
    struct batch *batch;
    struct connector *connector;
    int64_t deadline_ms;
    int64_t wall_ms;
    int64_t lookback_ms; /* 0 for all. */
    int64_t window_rows;
    struct bridge_reader reader;

    /* Inside. */
    struct bridge_chat *chats; /* As many as the batch has, in its order. */
    struct bridge_chat *all;   /* The one that stands for every chat, or NULL. */
    uint32_t *slots;           /* Hash table of named chats: index + 1. */
    size_t slot_mask;
    struct str *names; /* Of chats met, when all are asked for. */
    int64_t newest_from;
    int64_t last; /* The last row that was looked at. */
    size_t rows;
    bool sweep_done;
    struct str sweep_chat; /* Typed keys of the last row of a sweep that goes on. */
    struct str sweep_id;
};

/* Read on. What is set in `scan` is everything above "Inside". */
bool bridge_scan_run(struct bridge_scan *scan, struct err *err);

#endif
