/*
 * sql: what the statements of SQLite and PostgreSQL have in common.
 *
 * Names of tables and columns come from the configuration or from a database, and may be anything
 * that a person can type. They stand in a statement only through sql_add_name(); values never do,
 * they are bound.
 */
#ifndef SLUICE_DB_SQL_H
#define SLUICE_DB_SQL_H

#include "base/buf.h"
#include "base/str.h"

/* The name in quotes, with those inside doubled: "a ""b""". */
void sql_add_name(struct buf *sql, struct str name);

#endif
