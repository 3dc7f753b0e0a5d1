/*
 * bridge_cursor: the place in a bridge's table up to which one chat has been read, as text.
 *
 * A rowid alone is a poor place. `INSERT OR REPLACE` takes a row away and gives its successor the
 * next number; after the newest row was deleted its number is given again; a VACUUM may number all
 * rows anew; and somebody may put another file under the same name. A cursor therefore also holds
 * what the last rows before it looked like: one hash over all of them (the window), and the hashes
 * of three of them (the anchors). Read again later, there are three cases:
 *
 *   the window is equal        nothing happened behind the cursor: go on after it
 *   only an anchor is there    rows near the end were replaced or edited: read the window again
 *   no anchor is there         it is another file, or it was numbered anew: read from the start
 *
 * Nothing is skipped in any case, and the archive drops what comes twice.
 *
 * Written, a cursor is "2:<last rowid>:<window>:<floor>:<rowid>.<hash>,…", hashes in hexadecimal.
 * The hashes are those of base/str: should they ever change, the version has to rise, and a cursor
 * of another version means "from the start".
 *
 * Tables without rowids are read in sweeps instead, see bridge_sweep in whatsapp_bridge.c. Their
 * cursor is "2w:<sum>:<floor>:<chat>:<id>" with typed keys, or "2w:<sum>:<floor>:done".
 *
 * All functions are pure; views point into the text that was parsed.
 */
#ifndef SLUICE_SOURCE_BRIDGE_CURSOR_H
#define SLUICE_SOURCE_BRIDGE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum { BRIDGE_ANCHORS_MAX = 3 };

/* No floor, and no row seen yet. */
#define BRIDGE_FLOOR_NONE INT64_MIN
#define BRIDGE_ROWID_NONE INT64_MIN

struct bridge_anchor {
    int64_t rowid;
    uint32_t hash;
};

struct bridge_cursor {
    int64_t last;     /* The last row that was looked at. */
    int64_t floor_ms; /* Rows sent before this are not read. */
    uint64_t window;  /* Hash of the rows from the oldest anchor to `last`. */
    size_t anchor_count;
    struct bridge_anchor anchors[BRIDGE_ANCHORS_MAX]; /* The oldest first. */
};

/* False for a text that is not a cursor of this version. */
bool bridge_cursor_parse(struct str text, struct bridge_cursor *out);

/* The text, in the arena; absent when that is full. */
struct str bridge_cursor_write(const struct bridge_cursor *cursor, struct arena *arena);

/* The place of a sweep: keys are "i17", "t<hex>" or "b<hex>"; both empty before the first row. */
struct bridge_sweep_cursor {
    uint64_t sum; /* Of the whole table when the sweep began. */
    int64_t floor_ms;
    bool done;
    struct str chat;
    struct str id;
};

bool bridge_sweep_cursor_parse(struct str text, struct bridge_sweep_cursor *out);
struct str bridge_sweep_cursor_write(const struct bridge_sweep_cursor *cursor, struct arena *arena);

#endif
