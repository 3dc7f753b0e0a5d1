/*
 * files_name: names beside a file: "leads.csv" gives "leads.000001.csv", "leads.edited-000001.csv".
 */
#ifndef SLUICE_SINK_FILES_NAME_H
#define SLUICE_SINK_FILES_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* The first name of this kind that is free, counting on from `*part`, which is set to its number.
 */
bool files_name_free(struct str path, const char *what, int64_t *part, struct arena *arena,
                     struct str *out, struct err *err);

/* Rename, unless that was done already or there is nothing to rename. */
bool files_name_move(struct str from, struct str to, struct err *err);

/* `{target}` filled in. */
struct str files_name_fill(struct str path, const char *target, struct arena *arena);

/* ".leads.csv.sluice" beside it. */
struct str files_name_ledger(struct str path, struct arena *arena);

/* The folder that holds it; "." when the path has none. */
struct str files_name_folder(struct str path);

#endif
