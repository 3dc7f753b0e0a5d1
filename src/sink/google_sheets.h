/*
 * sink google-sheets: records as rows of worksheets that people look at.
 *
 * A target is a worksheet; its columns are found by their headers in the very reading that a write
 * begins with, in any order, Hebrew or not, and its row by the key column. Only the cells of the
 * record's columns are written, all others stay whose they are. Values are RAW (net/sheets.h,
 * sheet_cell.h).
 *
 * One write of many records is at most two requests that change something: one values:batchUpdate
 * for rows that are there, one values:append for new ones; each is applied as a whole or not at
 * all.
 *
 * EXACTLY ONCE. What was done to a row stands in a cell of that row, written in the same request
 * (sheet_ledger.h): the column `ledger`, which `sluice migrate` adds and people may hide. A write
 * looks there first, so what comes again adds nothing, also after a timeout that did commit. A
 * request of which nobody knows whether it was carried out (a timeout, a cut, an error 500, a kill
 * in the middle) may still be within the next three minutes, for so long Google works on one; until
 * `settle` is over nothing more is written, and then the sheet says what it holds. That a request
 * is on its way is noted before it is sent, so it holds after a crash, too.
 *
 * Without that column absolute records can be written: their values are the same each time. Effects
 * wait for the column. With `ledger: none` the key alone tells rows: effects that only set values
 * are written as if they were absolute, and those that add to what is there are refused.
 *
 * PEOPLE AT WORK. Somebody may insert a row between our reading and our writing, and the cells of a
 * row number are then another's. Each write therefore asks for the key cells and the header back as
 * they were at that moment. A row that was hit by mistake gets back what it held, if that was read,
 * and the record is tried again; what could not be put back is said with its place. A key that
 * stands in two rows, or in none with `new_rows: false`, is refused with the rows; nothing is
 * guessed.
 *
 * A cell holds 50,000 letters; what does not fit is a dead letter with the reason.
 */
#ifndef SLUICE_SINK_GOOGLE_SHEETS_H
#define SLUICE_SINK_GOOGLE_SHEETS_H

#include "model/sink.h"

extern const struct sink_type sink_google_sheets;

#endif
