/*
 * csv_rows: what the columns of a table mean, and which rows were met before.
 *
 * Columns are found by the text of their header, in any order, Hebrew or not, without white space
 * and invisible marks around it. A header that is missing or stands there twice is an error that
 * names file, line and column. A column without a header is called "column_3".
 *
 * Ids: either a column, or a digest of what the row says; equal rows are told apart by counting
 * them ("…-2" is the second). For that the ids of a file are kept as 64-bit hashes, in memory of
 * their own, for as long as the source is open.
 */
#ifndef SLUICE_SOURCE_CSV_ROWS_H
#define SLUICE_SOURCE_CSV_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "model/option.h"
#include "text/csv.h"
#include "text/json.h"

enum { CSV_ROWS_MAX = 2 * 1000 * 1000, CSV_NO_COLUMN = -1 };

struct csv_header {
    struct str file; /* For messages. */
    int64_t line;
    size_t count;
    struct str *headers; /* As they stand there, without what cannot be seen. */
    struct str *names;   /* As fields are called: the same, or what `rename` says. */
};

/* Keep the header in the arena. ERR_CONFIG for one that stands there twice. */
bool csv_header_read(struct csv_header *header, struct str file, int64_t line,
                     const struct csv_row *row, const struct str_map *rename, struct arena *arena,
                     struct err *err);

/* The column of a header; CSV_NO_COLUMN for an empty name. ERR_CONFIG when there is none. */
bool csv_header_find(const struct csv_header *header, const char *option, struct str name,
                     int *column, struct err *err);

/* A cell, without white space around it; empty for no column or a row that ends before it. */
struct str csv_cell(const struct csv_row *row, int column);

/* {"name": "cell", …} */
struct str csv_row_json(const struct csv_header *header, const struct csv_row *row,
                        struct arena *arena);

/* "name: cell" on a line each, without empty cells. */
struct str csv_row_text(const struct csv_header *header, const struct csv_row *row,
                        struct arena *arena);

/* 32 hex digits over all cells. */
struct str csv_row_digest(const struct csv_row *row, struct arena *arena);

/* Hashes with a number each. */
struct csv_ids {
    struct arena arena;
    uint64_t *hashes; /* 0: free. */
    uint32_t *numbers;
    size_t room;
    size_t count;
};

void csv_ids_init(struct csv_ids *ids);
void csv_ids_free(struct csv_ids *ids);

/* The number that belongs to an id, 0 at first. NULL: there are CSV_ROWS_MAX already. */
uint32_t *csv_ids_of(struct csv_ids *ids, struct str id);

#endif
