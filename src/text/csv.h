/*
 * csv: tables as text, read as people's programs write them.
 *
 * Reading follows RFC 4180 and what is met in the wild: LF, CRLF or CR ends a row, quoted fields
 * may hold separators, line ends and doubled quotes, a byte order mark is skipped, and the
 * separator is a comma, semicolon or tab (CSV_DETECT takes the one that the first row has most of).
 * An empty line is no row. Fields are views: into the text, or into the arena where quotes had to
 * be taken apart.
 *
 * A reader walks over text that is in memory. To read a file piece by piece, give it a piece with
 * `more` set: a row that is not complete is left, `used` says how far the reader came, and the next
 * piece begins there. Errors name row and column, both counted from 1.
 *
 * Writing quotes what must be quoted. With the guard on, a field that a spreadsheet would take for
 * a formula (= + - @ tab or CR in front) gets an apostrophe before it.
 */
#ifndef SLUICE_TEXT_CSV_H
#define SLUICE_TEXT_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* What a row may have; more is an error, not a crash. */
enum { CSV_FIELDS_MAX = 1024, CSV_FIELD_LEN_MAX = 1024 * 1024, CSV_ROW_LEN_MAX = 8 * 1024 * 1024 };

enum { CSV_DETECT = 0 };

struct csv {
    struct str text;
    size_t used; /* Behind the last complete row. */
    size_t row;  /* Number of the last row that was read, from 1. */
    size_t line; /* Line on which that row began, from 1. */
    size_t next_line;
    char separator;
    bool more;  /* The text may be cut; another piece follows. */
    bool begun; /* Byte order mark and separator are settled. */
};

/* Fields of one row; they live as long as the arena and the text. */
struct csv_row {
    size_t count;
    struct str *fields;
};

/* `separator` is a byte or CSV_DETECT. */
void csv_open(struct csv *csv, struct str text, char separator, bool more);

/* The next piece, which begins with what was left (at `used`) of the one before. */
void csv_feed(struct csv *csv, struct str text, bool more);

/*
 * The next row. `*got` is false at the end of the text (or of its complete rows). False with
 * ERR_REJECT for a row that is wrong; the reader then stands behind it and may go on. ERR_RETRY
 * when the arena is full: nothing is known of the row.
 */
bool csv_next(struct csv *csv, struct arena *arena, struct csv_row *row, bool *got,
              struct err *err);

struct csv_style {
    char separator; /* 0: a comma. */
    bool guard;     /* Against formulas. */
    bool crlf;      /* Rows end in CR LF, as RFC 4180 has it; else in LF. */
    bool mark;      /* A byte order mark first, which makes Excel read UTF-8. */
};

/* Whether a spreadsheet would take the field for a formula. */
bool csv_is_formula(struct str field);

/* A header without white space and marks around it that cannot be seen and that people copy along.
 */
struct str csv_bare(struct str text);

/* Begin a file: the byte order mark, if it is wanted. */
void csv_write_begin(struct buf *buf, const struct csv_style *style);

/* One row. Failing (the arena is full) is remembered by the buffer. */
void csv_write_row(struct buf *buf, const struct csv_style *style, const struct str *fields,
                   size_t count);

#endif
