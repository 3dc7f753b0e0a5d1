/*
 * export_out: rows on their way out of `export`, as CSV, as one JSON array or as one object a line.
 *
 * A row is a flat list of named cells, or a JSON object that is written as it is. To a file: the
 * bytes go to FILE.part, which takes its name when all of it is on the disk, so a name that exists
 * is whole; Ctrl-C takes the part away. To standard output: as they come. Memory is one piece.
 * On a terminal a line on standard error says how far it is.
 */
#ifndef SLUICE_CLI_EXPORT_OUT_H
#define SLUICE_CLI_EXPORT_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/draft.h"
#include "cli/look.h"
#include "model/target.h"
#include "text/csv.h"

enum export_format { EXPORT_CSV = 0, EXPORT_JSON, EXPORT_NDJSON };

struct export_out {
    enum export_format format;
    struct csv_style style;
    struct str path; /* Absent: standard output. */
    struct draft draft;
    struct arena arena; /* Of the piece and the row at hand. */
    struct buf buf;
    bool closed; /* Nobody reads standard output any more. */
    bool moving;
    int64_t rows;
    int64_t begun_ms;
    int64_t said_ms;
};

/* By --format, --output, --no-guard, --bom and --json. CLI_OK, or CLI_USAGE after saying why. */
int export_out_options(struct export_out *out, const struct cli *cli);

/* Then one of: begin, rows, and keep; drop is due in any case. */
bool export_out_begin(struct export_out *out, const struct screen *screen, const struct str *names,
                      size_t count, struct err *err);

/* One row of a CSV file. */
bool export_out_cells(struct export_out *out, const struct str *cells, size_t count,
                      struct err *err);

/* One row of a JSON file: an object that is canonical already. */
bool export_out_object(struct export_out *out, struct str object, struct err *err);

/* ERR_STOP once Ctrl-C came. */
bool export_out_keep(struct export_out *out, struct err *err);
void export_out_drop(struct export_out *out);

#endif
