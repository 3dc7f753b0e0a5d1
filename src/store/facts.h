/*
 * facts: what kind of things lie in a SQLite file, and how many; never what they say.
 *
 * For support bundles: names of tables, their rows, their declarations. Works on the store and on
 * what sinks write alike; only reads.
 */
#ifndef SLUICE_STORE_FACTS_H
#define SLUICE_STORE_FACTS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { FACTS_TABLES_MAX = 500 };

/* A line "TABLE ROWS" each to `counts`, the declarations to `schema`. */
bool facts_read(struct str path, struct arena *arena, struct buf *counts, struct buf *schema,
                struct err *err);

#endif
