/*
 * ndjson: one JSON object a line. See sink/files.h for how each change gets into it once.
 *
 * In mode log, the usual one, a line is the whole row as it is after a change, led by `_seq`, which
 * counts the lines of this table over all rotated files: a reader that has seen `_seq` 7 goes on
 * with 8. In mode table the lines are the current rows, without `_seq`.
 */
#ifndef SLUICE_SINK_NDJSON_H
#define SLUICE_SINK_NDJSON_H

#include "model/sink.h"

extern const struct sink_type sink_ndjson;

#endif
