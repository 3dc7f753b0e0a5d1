/*
 * schema: the tables of the store, version by version.
 *
 * Opening a file runs the steps that it does not have yet, each in its own transaction together
 * with the new version number. A file of a newer sluice is refused and left as it is.
 */
#ifndef SLUICE_STORE_SCHEMA_H
#define SLUICE_STORE_SCHEMA_H

#include "base/err.h"
#include "db/sqlite.h"

enum { SCHEMA_APPLICATION_ID = 0x534C4331 /* "SLC1" */, SCHEMA_PAGE_SIZE = 8192 };

bool schema_upgrade(struct sqlite *db, struct err *err);

/* For who only reads: is it a store of just this version? */
bool schema_check(struct sqlite *db, struct err *err);

#endif
