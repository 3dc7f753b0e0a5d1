/*
 * files_image: a file that holds the current rows and is replaced as a whole.
 *
 * It is written beside the old one, brought to the disk, and takes the name in one step. What a
 * person changed in the old one meanwhile (its digest is not the one it was written with) is kept
 * under a name of its own; with `keep`, so are the last versions: "leads.json.1" is the latest.
 */
#ifndef SLUICE_SINK_FILES_IMAGE_H
#define SLUICE_SINK_FILES_IMAGE_H

#include <stdbool.h>

#include "sink/files.h"
#include "sink/files_ledger.h"

/* Before the first change of a transaction: may the file be replaced? */
bool files_image_prepare(const struct files_table *table, struct files_state *state,
                         struct arena *arena, struct err *err);

/* Replace the file by what the ledger holds. */
bool files_image_settle(const struct files *files, struct files_table *table,
                        struct files_state *state, struct arena *arena, struct err *err);

#endif
