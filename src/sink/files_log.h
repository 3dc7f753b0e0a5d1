/*
 * files_log: a file that only grows: noted lines are put behind what it holds.
 *
 * The ledger says how many bytes are known to be there and which lines follow. What stands behind
 * those bytes is either the beginning of these lines, left by a crash (then it is completed), or
 * somebody else's (then ours go behind it). A file that was cut or taken away is begun anew, with
 * its head. A rotation renames the file first; the name that it gets is in the note as well, so a
 * crash in between renames it once.
 */
#ifndef SLUICE_SINK_FILES_LOG_H
#define SLUICE_SINK_FILES_LOG_H

#include <stdbool.h>

#include "sink/files.h"
#include "sink/files_ledger.h"

/* Before the first new line of a transaction: is the file ours to write, is it to be rotated? */
bool files_log_prepare(const struct files *files, const struct files_table *table,
                       struct files_state *state, int64_t now_ms, struct arena *arena,
                       struct err *err);

/* Bring what is noted into the file and onto the disk, and strike it out. */
bool files_log_settle(struct files_table *table, struct files_state *state, struct err *err);

#endif
