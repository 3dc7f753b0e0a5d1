/*
 * target: the shape of what a pipeline writes: a table, a collection, a tab.
 *
 * A domain declares its targets as constant tables. A sink uses the declaration to create what is
 * missing (the embedded sink at once, an external database only by `migrate`), to check what is
 * there (a column that is missing is named before anything is written), and to convert values. A
 * target that exists already is adopted as it is: its rows count, its other columns are left alone.
 *
 * What a chain of generic steps writes is declared in the configuration (model/step.h), and such a
 * target says which sink it is for. A constant one belongs to whichever sink its op writes to.
 */
#ifndef SLUICE_MODEL_TARGET_H
#define SLUICE_MODEL_TARGET_H

#include <stdbool.h>

enum column_type {
    COLUMN_TEXT = 0,
    COLUMN_INT,
    COLUMN_DOUBLE,
    COLUMN_BOOL,
    COLUMN_TIME, /* Bodies carry ISO 8601 in UTC: 2025-12-09T18:51:42.998Z */
    COLUMN_DATE, /* 2025-12-09 */
    COLUMN_JSON,
};

struct column {
    const char *name; /* NULL ends a table of columns. */
    enum column_type type;
    bool required;
    const char *initial; /* JSON value that a new row gets when the record has none, or NULL. */
    const char *doc;
};

struct target {
    const char *name;
    const char *key; /* The column that holds the entity. */
    const struct column *columns;
    const char *const *indexes; /* Columns to index besides the key, ended by NULL; may be NULL. */
    const char *sink;           /* The only sink that it is for; NULL: any. */
    bool key_is_words;          /* No key is a number: a table whose key holds numbers is unfit. */
};

#endif
