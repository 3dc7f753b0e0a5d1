/*
 * csv_cursor: how far a table was read, as text, and whether it is still the same table.
 *
 * A place in a file says nothing when the file was written anew. So the cursor has a fingerprint of
 * all that stands before the place; when it differs, the table is read from its start, and the
 * archive drops the rows that it knows. "1:<end>:<line>:<begin>:<open>:<hash>"; `begin` is where
 * the last row began, and `open` is 1 when it was taken without its line end, so that it can be
 * read again when it has grown.
 */
#ifndef SLUICE_SOURCE_CSV_CURSOR_H
#define SLUICE_SOURCE_CSV_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct csv_cursor {
    int64_t end;
    int64_t line; /* On which the next row begins. */
    int64_t begin;
    bool open;
    uint64_t hash;
};

/* False for a text that is no cursor of this version. */
bool csv_cursor_parse(struct str text, struct csv_cursor *out);

/* Absent when the arena is full. */
struct str csv_cursor_write(const struct csv_cursor *cursor, struct arena *arena);

#endif
