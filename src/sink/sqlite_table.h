/*
 * sqlite_table: a declared target as a table of a SQLite file.
 *
 * A table that is missing is created: an `id` of its own, the declared columns, a unique index on
 * the key, the declared indexes. A table that is there is adopted: it is compared with the
 * declaration and never altered, except by sqlite_table_migrate(), which a person asks for.
 *
 * Column names are compared without case, as SQLite does. What an adopted table must have: every
 * declared column, none of them computed, and no other column that demands a value. It need not
 * have a unique index on the key: `unique` says which of two ways of writing is open.
 *
 * `file` is how the database is called in messages ("records.db"). Everything runs inside the
 * caller's transaction.
 */
#ifndef SLUICE_SINK_SQLITE_TABLE_H
#define SLUICE_SINK_SQLITE_TABLE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "db/sqlite.h"
#include "model/target.h"

enum { SQLITE_TABLE_COLUMNS_MAX = 512 };

struct sqlite_table {
    const struct target *target;
    bool unique; /* INSERT … ON CONFLICT(key) can be used. */
};

/* Is there a table of this name? A view of the name is an error. */
bool sqlite_table_exists(struct sqlite *db, const struct target *target, struct str file,
                         bool *exists, struct err *err);

/* Create or adopt. */
bool sqlite_table_ready(struct sqlite *db, const struct target *target, struct str file,
                        struct arena *arena, struct sqlite_table *out, struct err *err);

/* Compare an existing table with its declaration; ERR_CONFIG names the first thing that is off. */
bool sqlite_table_check(struct sqlite *db, const struct target *target, struct str file,
                        struct arena *arena, struct err *err);

/* Create, or add what is missing; each thing done or left undone is a line of `report`. */
bool sqlite_table_migrate(struct sqlite *db, const struct target *target, struct str file,
                          struct arena *arena, struct buf *report, struct err *err);

/* The declared column of this name (compared without case), or NULL. */
const struct column *sqlite_table_column(const struct target *target, struct str name);

/* A declared initial value as a literal. */
void sqlite_sql_initial(struct buf *sql, const struct column *column);

#endif
