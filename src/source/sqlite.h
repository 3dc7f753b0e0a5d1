/*
 * sqlite: rows of a SQLite file of somebody else, as messages or as a reference (source/select.h).
 *
 * The file is opened anew for each question, for reading only and without a trace: a file in WAL
 * mode that nobody has open is read as it lies, and what was read is thrown away when somebody
 * began to work on it meanwhile. Blobs reach messages as base64.
 */
#ifndef SLUICE_SOURCE_SQLITE_H
#define SLUICE_SOURCE_SQLITE_H

#include "model/source.h"

extern const struct source_type source_sqlite;

#endif
