/*
 * rows: the rows of a target that is elsewhere, as a file of a backup.
 *
 * Lines of JSON: a part begins with what it is, each row is an array, and its number ends the part.
 *
 *     {"part":"public.leads","shape":{"columns":["id","name"]}}
 *     ["1","דנה"]
 *     {"rows":1}
 *
 * What stands in a shape and in a row is the sink's business (model/sink.h). A file is written and
 * read line by line, whatever its size.
 */
#ifndef SLUICE_STORE_ROWS_H
#define SLUICE_STORE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/sink.h"

enum { ROWS_LINE_MAX = 64 * 1024 * 1024, ROWS_PARTS_MAX = 4096 };

struct rows_count {
    int64_t parts;
    int64_t rows;
};

/*
 * What the sink gives, into a file. `*ours` is true when it was the file that could not be written,
 * and not the target that could not be read.
 */
bool rows_save(struct sink *sink, struct str path, struct arena *arena, struct rows_count *count,
               struct str *how, bool *ours, struct err *err);

/* Is it whole, and how much is in it? ERR_REJECT when not. */
bool rows_check(struct str path, struct rows_count *count, struct err *err);

/* Back into the sink; `done` gets its lines. */
bool rows_load(struct sink *sink, struct str path, enum sink_load how, struct arena *arena,
               struct str *done, struct err *err);

#endif
