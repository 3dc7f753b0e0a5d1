/*
 * postgres_table: a declared target as a table of a PostgreSQL database.
 *
 * A table is looked up in the catalogue and adopted as it is: its columns keep the types that they
 * have there, and what a record says is converted to them. postgres_table_look() never creates and
 * never alters; that is done by postgres_table_migrate(), which a person asks for.
 *
 * Column names are compared exactly first and then without case, so a declared "Phone" finds a
 * column that was made as phone. What an adopted table must have: every declared column, none of
 * them computed, and no other column that demands a value. It need not have a unique index on the
 * key: `unique` says which of two ways of writing is open.
 *
 * `type` is what a value is cast to, without a length: a cast to varchar(20) would cut what is too
 * long, and an assignment refuses it. Names and types are quoted and lead nowhere but to what they
 * name, whatever the search path is.
 */
#ifndef SLUICE_SINK_POSTGRES_TABLE_H
#define SLUICE_SINK_POSTGRES_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "db/postgres.h"
#include "model/target.h"
#include "sink/body.h"

enum { POSTGRES_COLUMNS_MAX = 1600 }; /* What PostgreSQL allows. */

/* What a column of the table holds, as far as it matters for the text of a value. */
enum postgres_holds {
    HOLDS_TEXT = 0, /* And all that is written as its text: uuid, inet, enums … */
    HOLDS_BOOL,
    HOLDS_INT,
    HOLDS_NUMBER,
    HOLDS_JSON,
    HOLDS_TIME,       /* With a zone. */
    HOLDS_LOCAL_TIME, /* Without one: sluice keeps UTC there. */
    HOLDS_LIST,       /* An array: its text is cast element by element. */
};

struct postgres_column {
    const struct column *declared;
    struct str name; /* As the table spells it. */
    struct str type; /* "pg_catalog"."int8" */
    enum postgres_holds holds;
    bool is_jsonb;
    int64_t characters_max; /* Of varchar(n) and char(n); 0 for no bound. */
};

struct postgres_table {
    const struct target *target;
    struct str schema;
    struct str name; /* "public"."reviews": quoted, whole. */
    bool exists;
    bool unique;      /* INSERT … ON CONFLICT(key) can be used. */
    struct str order; /* Columns of the primary key, quoted; else the key. */
    struct postgres_column key;
    struct postgres_column *columns; /* In the order of the declaration. */
    size_t count;
};

/*
 * Ask the catalogue. A table that is not there is no failure (`exists`); one that cannot be written
 * to is ERR_CONFIG and names the first thing that is off. Texts lie in the arena.
 */
bool postgres_table_look(struct postgres *db, const struct target *target, struct str schema,
                         int64_t deadline_ms, struct arena *arena, struct postgres_table *out,
                         struct err *err);

/*
 * Create it, or add what is missing, inside the caller's transaction; each thing done or left
 * undone is a line of `report`. With `dry` nothing is done.
 */
bool postgres_table_migrate(struct postgres *db, const struct target *target, struct str schema,
                            bool dry, int64_t deadline_ms, struct arena *arena, struct buf *report,
                            struct err *err);

/* By the name that a body uses; NULL when it is not declared. */
const struct postgres_column *postgres_table_column(const struct postgres_table *table,
                                                    struct str name);

/* The same by the declaration alone. */
const struct column *postgres_target_column(const struct target *target, struct str name);

/*
 * A value as the text that its column reads; absent for null. ERR_REJECT names table and column,
 * and never the value.
 */
bool postgres_table_value(const struct postgres_table *table, const struct postgres_column *column,
                          const struct body_field *field, struct arena *arena, struct str *out,
                          struct err *err);

/* A declared initial value as a literal of the column's type. */
bool postgres_table_initial(const struct postgres_table *table,
                            const struct postgres_column *column, struct buf *sql,
                            struct arena *arena, struct err *err);

#endif
