/*
 * sqlite_functions: functions of ours in every SQLite handle.
 *
 *   sluice_add(held, more)    the sum; NULL counts as 0
 *   sluice_push(held, more)   the JSON list `held` with the JSON value `more` behind it; NULL
 * counts as the empty list
 *   sluice_merge(held, more)  the JSON list `held` with what text/json_merge.h makes of it
 *
 * SQLite's own operators take a text for the number 0, let a sum that is too large become a
 * fraction, and pass over what is no list. These fail instead (SQLITE_MISMATCH, which is
 * ERR_REJECT) so that what somebody else has put into a column is never written over in silence. No
 * schema can call them (SQLITE_DIRECTONLY).
 */
#ifndef SLUICE_DB_SQLITE_FUNCTIONS_H
#define SLUICE_DB_SQLITE_FUNCTIONS_H

#include <sqlite3.h>
#include <stdbool.h>

/* False without memory. */
bool sqlite_functions_add(sqlite3 *handle);

#endif
