/*
 * files: what the sinks json, ndjson and csv have in common: rows in files, each change once.
 *
 * A file cannot say what was written into it by whom, and a crash can leave half a line. So each
 * file has a ledger beside it, a small SQLite file (`leads.csv` has `.leads.csv.sluice`). The
 * ledger is the truth and the file is its image:
 *
 *   1. One transaction of the ledger decides what is new (effects, sequences), changes the rows,
 *      and notes what the file lacks now.
 *   2. A second one brings that into the file, waits until it is on the disk, and strikes the note
 *      out. Only then are the parcels done.
 *
 * A crash leaves a note, and whoever writes next begins with it; doing it twice gives the same
 * bytes. Two processes on one file take turns at the ledger's lock. There are two modes:
 *
 *   table  the file holds the current rows, in the order in which they came, and is replaced as a
 *          whole (files_image). At most FILES_ROWS_MAX rows.
 *   log    each change is a line with the whole row as it is then, put behind the others
 *          (files_log). Old lines are never touched; the file can be rotated.
 *
 * The path may hold `{target}`, which becomes the name of the table; it has to where pipelines
 * write several tables here. A file that was there before sluice is never overwritten: a log goes
 * on behind what it holds, a table is an error. What a person changed in a table is kept beside it
 * (`leads.edited-1.csv`) before it is replaced. Files and ledgers have mode 0600.
 */
#ifndef SLUICE_SINK_FILES_H
#define SLUICE_SINK_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "db/sqlite.h"
#include "model/sink.h"
#include "model/target.h"
#include "text/zone.h"

enum {
    FILES_ROWS_MAX = 100 * 1000, /* Of a file that is replaced as a whole. */
    FILES_TARGETS_MAX = 64,
    FILES_VERSIONS_MAX = 100, /* `keep` */
    FILES_MODES = 2,
};

enum files_mode { FILES_TABLE = 0, FILES_LOG = 1 };

struct files;

/* One row on its way into a file. */
struct files_line {
    const struct target *target;
    struct str entity;
    struct str row; /* JSON object of all columns. */
    int64_t number; /* In a log: of the line, from 1. In a table: of the row, from 1. */
};

/* How a kind writes; all of them add to `out`. */
struct files_format {
    const char *ending; /* "csv" */
    bool (*head)(const struct files *files, const struct target *target, struct buf *out);
    bool (*line)(const struct files *files, const struct files_line *line, struct arena *arena,
                 struct buf *out, struct err *err);
    void (*tail)(const struct files *files, struct buf *out);
};

/* One file with its ledger. */
struct files_table {
    const struct target *target;
    struct str path;
    struct str ledger;
    struct str head;
    struct sqlite *db; /* NULL: not open. */
    uint64_t inode;    /* Of the open ledger. */
    uint64_t device;
};

/* The instance: each kind's struct begins with it. */
struct files {
    struct sink sink; /* First. */
    const struct files_format *format;

    /* Options; a kind that does not offer one leaves it zero. */
    struct str path;
    int mode; /* enum files_mode */
    int64_t keep;
    int64_t rotate_bytes;
    bool rotate_daily;
    struct str zone_name;

    /* From open to close. */
    const struct zone *zone;
    struct files_table *tables;
    size_t table_count;
};

extern const char *const files_modes[]; /* "table", "log" */

/* For the types of the kinds. `format` must be set before files_open(). */
bool files_open(struct files *files, const struct files_format *format, struct err *err);
void files_close(struct connector *connector);
void files_rest(struct connector *connector);
bool files_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                 struct err *err);
bool files_write(struct sink *sink, struct parcel *parcels, size_t count, struct arena *arena,
                 int64_t deadline_ms, struct err *err);
bool files_read_back(struct sink *sink, struct held *rows, size_t count, struct arena *arena,
                     int64_t deadline_ms, struct err *err);
bool files_check(struct sink *sink, const struct parcel *parcel, struct arena *arena,
                 struct err *err);
bool files_files(struct sink *sink, struct arena *arena, const struct sink_file **files,
                 size_t *count, struct err *err);
bool files_dump(struct sink *sink, struct str target, struct arena *arena, sink_row *each,
                void *context, struct err *err);

#endif
