/*
 * csv: rows as a table for spreadsheets. See sink/files.h for how each change gets into it once.
 *
 * The columns are the declared ones, with their names as the header. Quoting is that of RFC 4180.
 * A text that a spreadsheet would take for a formula (= + - @ tab or CR in front) gets an
 * apostrophe unless `formula_guard: false`; numbers are numbers. Null is the empty cell.
 */
#ifndef SLUICE_SINK_CSV_H
#define SLUICE_SINK_CSV_H

#include "model/sink.h"

extern const struct sink_type sink_csv;

#endif
