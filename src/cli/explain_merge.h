/*
 * explain_merge: what a record's group `merge` changed in a list of objects.
 *
 * The records of a row are merged one after the other, as the sink does, and the objects compared
 * field by field before and after. What the target held before the first one is not known here, so
 * that one shows all of its fields as new.
 *
 *     lessons 7: practice_count 4 → 5
 *     lessons 7: last_practice "18:51, 12.12.2025" → "19:02, 13.12.2025"
 */
#ifndef SLUICE_CLI_EXPLAIN_MERGE_H
#define SLUICE_CLI_EXPLAIN_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum { MERGE_LISTS_MAX = 16, MERGE_CHANGES_MAX = 64 };

/* Lists that were merged so far. Zeros to begin with. */
struct merge_lists {
    struct str places[MERGE_LISTS_MAX]; /* Whose list it is: the row's place, and the column. */
    struct str lists[MERGE_LISTS_MAX];  /* JSON. */
    size_t count;
};

struct merge_change {
    struct str column;
    struct str item; /* By what the object is found: "7". */
    struct str field;
    struct str before; /* JSON; absent: the field was not there. */
    struct str after;
};

/* The changes of one body, at most MERGE_CHANGES_MAX of them; a body without the group, or that
   cannot be read, has none. `place` tells rows apart. */
size_t explain_merge(struct merge_lists *lists, struct arena *arena, struct str place,
                     struct str body, struct merge_change out[MERGE_CHANGES_MAX]);

#endif
