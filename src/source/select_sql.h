/*
 * select_sql: the questions that select asks, in SQL.
 *
 * For PostgreSQL and SQLite, which differ in how a value is bound ($1, ?1) and how a column becomes
 * text. Either a table is read, or a query of the configuration, which stands in parentheses: so it
 * can be nothing but one SELECT. Names are quoted; values are only ever bound. In a query, `:name`
 * stands for an entry of `parameters`; one that stands in quotes or in a comment is left alone, and
 * so is `::`, which is a cast.
 *
 *     SELECT q."id",q."text" FROM "crm"."leads" AS q
 *     WHERE q."id" IS NOT NULL AND (q."at",q."id")>($1,$2) ORDER BY q."at",q."id" LIMIT 8193
 */
#ifndef SLUICE_SOURCE_SELECT_SQL_H
#define SLUICE_SOURCE_SELECT_SQL_H

#include "model/option.h"
#include "source/select.h"

enum { SELECT_PARAMETERS_MAX = 64, SELECT_QUERY_MAX = 64 * 1024 };

enum select_dialect { SELECT_POSTGRES = 0, SELECT_SQLITE };

struct select_sql {
    enum select_dialect dialect;
    const struct select *select;
    struct str schema; /* Options of both kinds. */
    struct str table;
    struct str query;
    struct str_map parameters;

    struct str from; /* Made by select_sql_prepare(). */
};

/* One of `table` and `query`, and each `:name` has a parameter and each parameter its place. */
bool select_sql_check(const struct select_sql *sql, const char **option, struct err *err);

/* What follows FROM. */
bool select_sql_prepare(struct select_sql *sql, struct arena *arena, struct err *err);

/* "table leads", "the query": for messages. Absent: no memory. */
struct str select_sql_what(const struct select_sql *sql, struct arena *arena);

/* The statement; the parameters are bound first, then rising, tie and chat as far as asked for. */
struct str select_sql_ask(const struct select_sql *sql, const struct select_ask *ask,
                          struct arena *arena);

/* How many rows have no place. */
struct str select_sql_without(const struct select_sql *sql, struct arena *arena);

/* One row of NULLs, or none: for the names of the columns. */
struct str select_sql_shape(const struct select_sql *sql, struct arena *arena);

#define SELECT_SQL_OPTIONS(s, m)                                                                   \
    OPTION_TEXT(s, m.table, "table", NULL, "The table or view to read."),                          \
        OPTION_TEXT(s, m.query, "query", NULL,                                                     \
                    "A SELECT to read in place of a table. `:name` stands for a parameter; its "   \
                    "order does not matter."),                                                     \
        OPTION_MAP(s, m.parameters, "parameters", NULL,                                            \
                   "With query: {name: value}; values are bound and never become SQL.")

#endif
