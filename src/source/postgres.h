/*
 * postgres: rows of a PostgreSQL database, as messages or as a reference (source/select.h).
 *
 * Each question is a transaction of its own that may only read, with times in UTC; nothing lives in
 * the session, so it works through a pooler in transaction mode. A reference is one statement, so
 * it is consistent. Values reach messages as people read them: numbers and truth values as such,
 * times as ISO 8601 (2025-12-09T18:51:42.998123Z), json and jsonb as the value, everything else as
 * its text.
 */
#ifndef SLUICE_SOURCE_POSTGRES_H
#define SLUICE_SOURCE_POSTGRES_H

#include "model/source.h"

extern const struct source_type source_postgres;

#endif
