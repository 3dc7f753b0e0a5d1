/*
 * sqlite_read: rows of a table as JSON, for those who compare what is there with what shall be.
 *
 * A row is an object of the target's declared columns in their order: texts, numbers, null, true
 * and false for switches, lists and objects for JSON columns that hold some. What a column holds
 * against its declaration is given as what it is; bytes that are no text are given as null.
 */
#ifndef SLUICE_SINK_SQLITE_READ_H
#define SLUICE_SINK_SQLITE_READ_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "db/sqlite.h"
#include "model/sink.h"
#include "model/target.h"

/* The SELECT of a target's rows by key. It must live as long as the handle; NULL without memory. */
const char *sqlite_read_sql(const struct target *target, struct arena *arena);

/* One row; `body` is absent when there is none. */
bool sqlite_read_row(struct sqlite *db, const char *sql, const struct target *target,
                     struct str entity, struct arena *arena, struct str *body, struct err *err);

/* Every row of the table, in the order in which the file holds them. */
bool sqlite_read_each(struct sqlite *db, const struct target *target, struct arena *arena,
                      sink_row *each, void *context, struct err *err);

#endif
