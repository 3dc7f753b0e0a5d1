/*
 * select_cursor: how far a growing table was read, and where the next look begins.
 *
 * A sweep is a row of looks until nothing is left. Within one, the next look begins behind the last
 * row. The next sweep looks back, because rows do not appear in the order of their values; by the
 * option `overlap`, a row may appear so long after a higher one was there.
 *
 *     point   "a sweep that began at this time ended at this value". Once it is older than the
 *             overlap, all that will ever be below the value is there to be read.
 *     base    The value of such a point, noted by a sweep that began when the point was that old:
 *             all below it has been read. Sweeps begin here; at first, at the first row.
 *
 * So nothing is skipped, however long nobody looked. Points are taken at the ends of sweeps, an
 * eighth of the overlap apart, so there are few.
 *
 * Until the first point is old, sweeps would read a long table from its start again and again; so
 * they are quick ones instead, which begin near the end of the first one and note nothing. Then the
 * table is read from its start once more.
 *
 * The text is JSON:
 *     {"v":1,"more":…,"quick":…,"began":ms,"at":[value,tie],"base":…,"near":…,"points":[[ms,value]…]}
 */
#ifndef SLUICE_SOURCE_SELECT_CURSOR_H
#define SLUICE_SOURCE_SELECT_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "source/select.h"
#include "text/json.h"

enum { SELECT_POINTS_MAX = 16, SELECT_POINTS_PER_OVERLAP = 8 };

struct select_point {
    int64_t began_ms; /* Wall clock. */
    const struct json_value *rising;
};

struct select_cursor {
    bool more;                       /* In the middle of a sweep, */
    bool quick;                      /* which notes nothing. */
    const struct json_value *rising; /* Of the last row; NULL: none was read. */
    const struct json_value *tie;
    const struct json_value *base; /* NULL: the first row. */
    const struct json_value *near; /* Where quick sweeps begin; NULL: there are none. */
    int64_t began_ms;              /* When the sweep at hand, or the last one, began. */
    struct select_point points[SELECT_POINTS_MAX];
    size_t point_count;
};

/* A text that is none of this version is where nothing was read; false: no memory. */
bool select_cursor_parse(struct str text, struct arena *arena, struct select_cursor *out);

/* Absent when the arena is full. */
struct str select_cursor_write(const struct select_cursor *cursor, struct arena *arena);

/* Begin or go on: fills where to ask from. */
void select_cursor_ask(struct select_cursor *cursor, int64_t now_ms, int64_t overlap_ms,
                       struct select_ask *ask);

/*
 * The look that `ask` asked for has ended. `rising` and `tie` are the last row's (NULL: no row
 * came); `more` says whether rows are left. Values are kept as they are given.
 */
void select_cursor_moved(struct select_cursor *cursor, const struct select_ask *ask,
                         const struct json_value *rising, const struct json_value *tie, bool more,
                         int64_t overlap_ms);

#endif
