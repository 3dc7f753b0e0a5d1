/*
 * sheet_cell: values of records as cells of a worksheet, and back.
 *
 * Cells are written RAW: texts stay texts (telephone numbers, formulas), numbers are numbers,
 * truths are truths. A date becomes a text in the form that people of the sheet use (09/12/2025), a
 * time likewise, on the wall of a zone; lists and objects are JSON. An empty cell is null; a text
 * without letters is an empty cell, too. Whole numbers beyond 2^53 are texts, because the numbers
 * of a spreadsheet cannot hold them.
 */
#ifndef SLUICE_SINK_SHEET_CELL_H
#define SLUICE_SINK_SHEET_CELL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/target.h"
#include "text/json.h"
#include "text/timepattern.h"
#include "text/zone.h"

struct sheet_forms {
    struct timepattern date;
    struct timepattern time;
    const struct zone *zone;
};

/* A value of a row as a cell. ERR_REJECT for a text that no cell can hold. */
bool sheet_cell_put(const struct sheet_forms *forms, const struct target *target,
                    const struct column *column, const struct json_value *value,
                    struct arena *arena, struct json_writer *json, struct err *err);

/* A cell as a value of a row. */
bool sheet_cell_get(const struct sheet_forms *forms, const struct column *column,
                    const struct json_value *cell, struct arena *arena, struct json_writer *json,
                    struct err *err);

/* Letters as the spreadsheet counts them. */
size_t sheet_cell_letters(struct str text);

#endif
