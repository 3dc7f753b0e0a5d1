/*
 * postgres_shape: the statements that write many records of one shape into one table.
 *
 * Records whose bodies have the same groups and columns are written by one statement: their values
 * travel as one array a column and are put together again by UNNEST, in their order.
 *
 * Where every column that is there already gets what a new row gets, and the key has a unique
 * index, that is INSERT … ON CONFLICT DO UPDATE. Else one statement inserts the rows that are not
 * there and updates the others, and answers with the places of those for which neither happened,
 * because somebody else made or removed their row in between: they are written once more.
 *
 * Where all rows of many are new, COPY straight into the table takes half the time; it fails when
 * one is there. It reads values by the column's type alone, so it does only where nothing has to be
 * made of them: no local times, no lists, no first values that the body leaves out.
 *
 * Where all rows of many are there, UPDATE alone is a tenth cheaper than INSERT … ON CONFLICT, and
 * takes no numbers from the table's sequences; what it did not find is inserted behind it.
 *
 * What is made here is text; it lives as long as the arena, and holds names, types and declared
 * first values, and never a value of a record.
 */
#ifndef SLUICE_SINK_POSTGRES_SHAPE_H
#define SLUICE_SINK_POSTGRES_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "sink/body.h"
#include "sink/postgres_line.h"
#include "sink/postgres_table.h"

struct postgres_shape_field {
    enum body_group group;
    struct str name; /* As the body spells it. */
    const struct postgres_column *column;
    bool is_key;
};

struct postgres_shape {
    const struct postgres_table *table;
    uint64_t hash;
    size_t count;
    struct postgres_shape_field *fields;
    const char *sql; /* $1: the keys; then one array for each field that is not the key. */
    /* For rows that are all new, their lines in the order of $1 …; NULL where COPY would not do. */
    const char *copy_sql;
    /* Where bodies can be read in one pass (NULL: they cannot): COPY takes their lines as they are,
       and the others take binary arrays of what is in them, as `sql` then does as well. */
    const struct postgres_line *line;
    const char *copy_lines_sql;
    const char *update_sql; /* Those that are there; NULL when none of them would be changed. */
    const char *rest_sql;   /* Those that are not. */
    bool answers;           /* `sql` gives the places of those it did not write, from 1. */
    bool removes;           /* `sql` takes rows away: no body has this shape. */
};

/* Has the body this shape? */
bool postgres_shape_fits(const struct postgres_shape *shape, const struct postgres_table *table,
                         const struct body *body);

/* ERR_REJECT for a column that is not declared, or that two groups write. */
bool postgres_shape_make(const struct postgres_table *table, const struct body *body,
                         struct arena *arena, struct postgres_shape *out, struct err *err);

bool postgres_shape_make_removal(const struct postgres_table *table, struct arena *arena,
                                 struct postgres_shape *out, struct err *err);

#endif
