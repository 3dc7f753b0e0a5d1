/*
 * sheet_page: a worksheet as it is at one moment, as far as one write needs to know.
 *
 * A `struct sheet_tab` lives from open to close: a target, its worksheet, and where its columns
 * were seen last. A `struct sheet_page` is one reading of it: the headers, the keys of all rows,
 * what the rows remember (sheet_ledger.h), and, if `wide`, the cells of all declared columns. All
 * of that comes from one request, so it is of one moment. Where the columns are is only a guess
 * until then: the header is read along, and when it is another one, the page is read once more.
 *
 * Columns are found by their header, or by what `rename` makes of it. One that is missing, or one
 * of ours that stands there twice, is ERR_CONFIG and lists what is there; nothing is written then.
 * The column that remembers may be missing: sheet_tab.ledger is 0.
 *
 * Rows are told by their key, in the form that key_form makes of it; rows whose key is none are
 * passed over. Everything lies in the arena of the reading.
 */
#ifndef SLUICE_SINK_SHEET_PAGE_H
#define SLUICE_SINK_SHEET_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/key_form.h"
#include "model/option.h"
#include "model/target.h"
#include "net/sheets.h"
#include "sink/sheet_cell.h"

enum { SHEET_COLUMNS_MAX = 200, SHEET_ROWS_MAX = 1000 * 1000 };

/* What is the same for all tabs of a sink. */
struct sheet_book {
    struct sheets *sheets;
    const struct str *titles; /* Of the worksheets. */
    int64_t header_row;
    struct str ledger; /* Header of the column that remembers; absent for none. */
    const struct str_map *rename;
    struct key_form form;
    struct sheet_forms forms;
};

struct sheet_tab {
    const struct target *target;
    size_t worksheet;
    size_t columns; /* Declared. */
    size_t key;     /* Which of them. */
    bool known;     /* The places below were seen, in row `header_row`, counted from 1. */
    int64_t *places;
    int64_t ledger; /* 0: there is none. */
    int64_t width;
};

struct sheet_page {
    const struct sheet_book *book;
    struct sheet_tab *tab;
    struct arena *arena;
    bool wide;
    struct str header; /* The header row as JSON, to tell whether it is still the same. */
    bool leads;        /* The first column has a header: rows are appended from there. */
    size_t count;      /* Rows behind the header. */
    struct str *keys;  /* Absent: none that counts. */
    struct str *ledgers;
    const struct json_value **cells; /* Of row i and declared column c: [c * count + i]. */
    uint32_t *slots;
    size_t slot_count;
};

enum { SHEET_NO_ROW = -1 };

bool sheet_tab_make(struct sheet_tab *tab, const struct target *target, size_t worksheet,
                    struct arena *arena, struct err *err);

bool sheet_page_read(struct sheet_page *page, const struct sheet_book *book, struct sheet_tab *tab,
                     bool wide, int64_t deadline_ms, struct arena *arena, struct err *err);

/* The row of a key that key_form made, from 0; `*again` is another one of it. SHEET_NO_ROW. */
int64_t sheet_page_find(const struct sheet_page *page, struct str key, int64_t *again);

/* Row `i` in the worksheet, as people count. */
int64_t sheet_page_number(const struct sheet_page *page, int64_t i);

/* The row as records carry it, a JSON object of all declared columns; the page must be wide. */
bool sheet_page_row(const struct sheet_page *page, int64_t i, struct arena *arena, struct str *row,
                    struct err *err);

/* The header that a column has, or should have. */
struct str sheet_page_header(const struct sheet_book *book, struct str column);

/* The cells of the header row, and which of what we need is not there. */
bool sheet_page_headers(const struct sheet_book *book, struct sheet_tab *tab,
                        const struct json_value *row, struct arena *arena, struct str *missing,
                        struct err *err);

#endif
