/* manifest: what a backup says about itself, as JSON. Only store/backup and store/restore use it.
 */
#ifndef SLUICE_STORE_MANIFEST_H
#define SLUICE_STORE_MANIFEST_H

#include "store/backup.h"

enum { MANIFEST_SIZE_MAX = 1024 * 1024 };

/* Names of the parts in the pack. */
#define MANIFEST_MARK    "sluice-backup"
#define MANIFEST_NAME    "manifest.json"
#define MANIFEST_STORE   "sluice.db"
#define MANIFEST_TARGETS "targets/"
#define MANIFEST_FILES   "files/"

bool manifest_write(const struct backup_facts *facts, const struct str *left_out,
                    size_t left_out_count, struct arena *arena, struct str *text, struct err *err);

bool manifest_read(struct str text, struct arena *arena, struct backup_facts *facts,
                   struct err *err);

/* The counts of a copied store, of which nobody else knows. */
bool manifest_count(struct str store_path, struct backup_facts *facts, struct err *err);

#endif
