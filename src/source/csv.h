/*
 * csv: a table in a file, as messages or as a reference.
 *
 * As messages, each row is one, in the chat that `chat` or a column says; its text is a column, or
 * the whole row as "header: cell" on a line each, and `extra` has all cells by their headers. A
 * file that grows is read on from where it was left; one that was rewritten, cut or swapped is read
 * again, and the archive drops the rows that it knows. A row that changed under the same id is an
 * edit. A row that cannot be read is refused with its line, and the rest goes on.
 *
 * With `reference: true` the file is a table that rules look things up in, under the name of the
 * source: key to {"header": "cell", …}. It is read as a whole whenever it has changed and was then
 * left alone for `settle`; a key that stands there twice is refused with both lines, and the first
 * row counts.
 */
#ifndef SLUICE_SOURCE_CSV_H
#define SLUICE_SOURCE_CSV_H

#include "model/source.h"

enum { CSV_REFERENCE_MAX = 64 * 1024 * 1024 };

extern const struct source_type source_csv;

#endif
