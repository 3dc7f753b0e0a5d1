/*
 * files_row: what a record makes of a row, for sinks that keep rows themselves.
 *
 * A row is one canonical JSON object with every declared column in the declared order, null where
 * nothing was said. A new row takes the groups "insert", "set", "inc" and "push" and the declared
 * initial values; a row that is there takes "update", "set", "append", "inc" and "push". The key
 * column holds the entity. So the same records in the same order give the same bytes, wherever they
 * are written.
 */
#ifndef SLUICE_SINK_FILES_ROW_H
#define SLUICE_SINK_FILES_ROW_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/target.h"
#include "sink/body.h"

enum { FILES_ROW_MAX = 16 * 1024 * 1024 };

/*
 * The row after the record. `before` is the row that is there, absent for none. The body must have
 * passed body_check(). ERR_REJECT for a row that would be larger than FILES_ROW_MAX, or whose
 * column holds what nothing can be added to.
 */
bool files_row_make(const struct target *target, struct str entity, struct str before,
                    const struct body *body, struct arena *arena, struct str *row, struct err *err);

#endif
