/*
 * google-sheets: a worksheet of a Google spreadsheet as a table to look things up in: the roster.
 *
 * The first row (or `header_row`) holds the headers. Columns are found by their text, wherever they
 * stand, Hebrew or not; a header that is missing or stands there twice is an error that lists those
 * that are there, and what was read before stays. Each row becomes key to {"header": "cell", …},
 * all cells as texts, as the source csv makes them: whole numbers as digits (a telephone number
 * that was typed without quotes stays one), dates as people see them. A row without a key, or with
 * one that stands there already, is refused with its line; the first one counts. Rows that are
 * empty are no rows.
 *
 * The whole worksheet is read by one request whenever `refresh` is over, and a new version is made
 * only when something changed. (Google tells the time of the last change only to those who may see
 * a person's whole drive, which is more than we want to ask for; one read in five minutes is a
 * three-hundredth of what an account may do.) A worksheet without rows is taken for an accident
 * unless `allow_empty`.
 *
 * Only the right to read is asked for (net/sheets.h, net/oauth.h).
 */
#ifndef SLUICE_SOURCE_GOOGLE_SHEETS_H
#define SLUICE_SOURCE_GOOGLE_SHEETS_H

#include "model/source.h"

enum { GOOGLE_SHEETS_ROWS_MAX = 200 * 1000 };

extern const struct source_type source_google_sheets;

#endif
