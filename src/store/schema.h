/*
 * schema: the tables of the store, version by version.
 *
 * Opening a file runs the steps that it does not have yet, each in its own transaction together
 * with the new version number. Before the first one a copy is made, "sluice.db.version-1" beside
 * it, so that one can go back to the sluice of before; it stays until a person removes it. A file
 * of a newer sluice is refused and left as it is.
 */
#ifndef SLUICE_STORE_SCHEMA_H
#define SLUICE_STORE_SCHEMA_H

#include "base/err.h"
#include "db/sqlite.h"

enum { SCHEMA_APPLICATION_ID = 0x534C4331 /* "SLC1" */, SCHEMA_PAGE_SIZE = 8192 };

/* What there is: the statements of each version, each list ended by NULL. */
struct schema_steps {
    const char *const *const *steps;
    int64_t count;
};

/* `path` is where the copy goes; absent: none is made. `steps` NULL: those of this sluice (tests
   have others). */
bool schema_upgrade(struct sqlite *db, struct str path, const struct schema_steps *steps,
                    struct err *err);

/* The version of a file, 0 for one without tables, and the one of this sluice. */
bool schema_version(struct sqlite *db, int64_t *version, int64_t *current, struct err *err);

/* For those who only read: is it a store of this version? */
bool schema_check(struct sqlite *db, struct err *err);

#endif
