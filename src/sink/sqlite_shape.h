/*
 * sqlite_shape: the statements that write bodies of one shape into one table.
 *
 * A shape is made the first time a body with its groups and columns is seen, and kept for as long
 * as the handle: its SQL is prepared once. On a table with a unique key that is one INSERT … ON
 * CONFLICT … DO UPDATE; without one it is UPDATE (or a look), and INSERT when no row was there.
 * Both decide whether the row is there inside the caller's write transaction.
 *
 * Values are bound, never written into the text; names are the declared ones.
 */
#ifndef SLUICE_SINK_SQLITE_SHAPE_H
#define SLUICE_SINK_SQLITE_SHAPE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/sqlite.h"
#include "sink/body.h"
#include "sink/sqlite_table.h"

/* Statements that one shape may prepare. */
enum { SQLITE_SHAPE_QUERIES = 2 };

struct sqlite_shape_column {
    enum body_group group;
    struct str name; /* As the body spells it. */
    const struct column *column;
    bool is_key;
};

struct sqlite_shape {
    const struct sqlite_table *table;
    uint64_t hash;
    size_t count;
    struct sqlite_shape_column *columns;
    const char *first; /* The whole upsert; or UPDATE; or SELECT. */
    const char *then;  /* INSERT when `first` met no row; NULL for an upsert. */
    bool looks;        /* `first` is a SELECT. */
    bool removes;      /* `first` is a DELETE: no body has this shape. */
};

/* Has the body this shape? */
bool sqlite_shape_fits(const struct sqlite_shape *shape, const struct sqlite_table *table,
                       const struct body *body);

/* ERR_REJECT for a column that is not declared, or that two groups write. */
bool sqlite_shape_make(const struct sqlite_table *table, const struct body *body,
                       struct arena *arena, struct sqlite_shape *out, struct err *err);

/* The shape of a removal, and what it does; a row that is not there is fine. */
bool sqlite_shape_make_removal(const struct sqlite_table *table, struct arena *arena,
                               struct sqlite_shape *out, struct err *err);
bool sqlite_shape_remove(const struct sqlite_shape *shape, struct sqlite *db, struct str entity,
                         struct err *err);

/* Do the values fit the columns? ERR_REJECT names table, column and type, and never a value. */
bool sqlite_shape_check(const struct sqlite_shape *shape, const struct body *body,
                        struct str entity, struct err *err);

/* Write one row. The body must have passed sqlite_shape_check(). */
bool sqlite_shape_write(const struct sqlite_shape *shape, struct sqlite *db,
                        const struct body *body, struct str entity, struct err *err);

#endif
