/*
 * sink command: each record to a program of one's own, on its standard input.
 *
 *     kind: command
 *     run: [/usr/local/bin/read-image, --lang, heb]
 *
 * The program is started once for each record, with no shell between, and reads one JSON text
 * (envelope.h). What it says with its exit code:
 *
 *   0      done. For a question standard output is the answer, and must be JSON
 *   75     not now (EX_TEMPFAIL): this record is tried again later
 *   other  it failed: tried again as well, a limited number of times, then it is a dead letter
 *
 * A program that cannot be started at all holds up all records, none is lost for it. One that takes
 * longer than `timeout` is ended, with all that it started, and its record is tried again.
 *
 * It may be started twice for one record (sluice died before it noted the end): at least once, and
 * exactly once where the program remembers the `id`.
 *
 * Of our environment it gets PATH, HOME, LANG, TZ and TMPDIR only, and what `env` says: no
 * password of another sink. Its standard error is ours. Its words and what it writes are never
 * logged.
 *
 * Without `run` nothing can be handed over, and records wait and say so; so a profile may have a
 * program that is only named when somebody wants it.
 */
#ifndef SLUICE_SINK_COMMAND_H
#define SLUICE_SINK_COMMAND_H

#include "model/sink.h"

extern const struct sink_type sink_command;

#endif
