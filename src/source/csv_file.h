/*
 * csv_file: a table that other programs write, read row by row while they do.
 *
 * The file is opened anew for each look and read through one descriptor, so a file that is swapped
 * meanwhile is read to its end as it was. Places are bytes of the file, whatever its encoding, and
 * lines are counted as an editor does. Rows are handed out with their cells as UTF-8: each row that
 * is valid UTF-8 is taken as it is, any other by the code page that was configured; with a byte
 * order mark of UTF-16 the whole file is that.
 *
 * The last row counts once it has its line end, or when the file has been left alone for a while.
 */
#ifndef SLUICE_SOURCE_CSV_FILE_H
#define SLUICE_SOURCE_CSV_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "text/codepage.h"
#include "text/csv.h"

enum {
    CSV_PIECE_MAX = 1024 * 1024,
    CSV_WHOLE_HASH_MAX = 64 * 1024 * 1024, /* A longer beginning is known by its ends. */
};

enum csv_encoding { CSV_AUTO = 0, CSV_UTF8, CSV_UTF16, CSV_1255, CSV_1251, CSV_1252 };

struct csv_file {
    struct str path;
    struct str name; /* The last part of the path, for messages. */
    int encoding;    /* enum csv_encoding */
    int legacy;      /* enum codepage: of rows that are no UTF-8, for CSV_AUTO. */
    int fd;          /* -1: not open. */
    struct file_info info;
    bool wide; /* UTF-16, in the order of `page`. */
    enum codepage page;
    char separator; /* Of the header; CSV_DETECT until it was read. */
};

bool csv_file_open(struct csv_file *file, struct err *err);
void csv_file_close(struct csv_file *file);

/* A fingerprint of what stands before `size`. */
bool csv_file_hash(const struct csv_file *file, int64_t size, uint64_t *hash, struct err *err);

/* The byte at a place; 0 behind the end. */
bool csv_file_byte(const struct csv_file *file, int64_t at, char *byte, struct err *err);

/* Is the file another one than it was, or was it written since? Microseconds. */
bool csv_file_same(const struct file_info *a, const struct file_info *b);

/* A walk over the rows from a place on. */
struct csv_walk {
    const struct csv_file *file;
    struct arena piece; /* The text at hand. */
    struct csv csv;
    int64_t base;  /* Where that text begins in the file. */
    int64_t begin; /* Where the last row began, */
    int64_t line;  /* on which line, */
    int64_t end;   /* and where the next one begins. */
    int64_t next_line;
    size_t size;    /* Bytes of the next piece. */
    bool at_end;    /* The text goes on to the end of the file. */
    bool take_last; /* The last row counts without its line end. */
    bool open;      /* It did. */
};

void csv_walk_begin(struct csv_walk *walk, const struct csv_file *file, int64_t at, int64_t line,
                    bool take_last);
void csv_walk_end(struct csv_walk *walk);

/*
 * The next row, its cells in the arena or in the walk until the next call. `*got` is false at the
 * end. False with ERR_REJECT for a row that is wrong; the walk then stands behind it.
 */
bool csv_walk_next(struct csv_walk *walk, struct arena *arena, struct csv_row *row, bool *got,
                   struct err *err);

#endif
