/*
 * sheets: worksheets of one Google spreadsheet, over the Sheets API version 4.
 *
 * A thin client: it reads and writes cells, knows what may happen on the way, and has no idea what
 * the cells mean. It is made for one spreadsheet and a few worksheets, named when it is opened;
 * callers say a worksheet by its place in that list, so no other can be touched (ranges and
 * addresses are made in two functions of sheets.c and nowhere else). All values are written RAW: a
 * text stays the text that it is, so no formula comes from a chat and no telephone number becomes a
 * number.
 *
 * One request is applied as a whole or not at all; the question is only whether it was. So each
 * failure says what is known (`struct sheets_trouble`): refused before anything was done, or
 * UNKNOWN, as after a cut, a timeout or an error of the server: the request may have been carried
 * out, or may be within the next three minutes, after which Google gives up. Whoever appends must
 * look before trying again.
 *
 * Google counts requests: 60 reads and 60 writes a minute for an account. `rate` bounds below that
 * what all who use the account in this process send together (quota.h); a request waits for its
 * turn within its deadline. A 429 says how long to wait, or else it is a minute, and all wait.
 *
 * A token that is not taken is replaced once. Errors are for people: a spreadsheet that is not
 * shared names the account to share it with; an interface that is switched off says where to
 * switch it on; a worksheet that is missing lists those that are there (sheets_look).
 *
 * Rows and columns count from 1, as people see them. One thread at a time.
 */
#ifndef SLUICE_NET_SHEETS_H
#define SLUICE_NET_SHEETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "text/json.h"

struct sheets;

enum {
    SHEETS_WORKSHEETS_MAX = 64,
    SHEETS_AREAS_MAX = 256,     /* Of one reading. */
    SHEETS_COLUMNS_MAX = 18278, /* ZZZ */
    SHEETS_CELL_MAX = 50000,    /* Letters of one cell. */
    SHEETS_ANSWER_MAX = 64 * 1024 * 1024,
    SHEETS_RATE_MAX = 100000,
    SHEETS_QUOTA_MS = 60 * 1000,       /* How long a quota takes to be refilled. */
    SHEETS_UNKNOWN_MS = 3 * 60 * 1000, /* How long a request may still be carried out. */
    SHEETS_COLUMN_TEXT = 4,            /* "ZZZ" and a NUL. */
};

struct sheets_options {
    struct str credentials; /* The text of the account's key file (oauth.h). */
    struct str spreadsheet; /* Its id, or its address in a browser. */
    bool write;             /* Else only a right to read is asked for. */
    const struct str *worksheets;
    size_t worksheet_count;
    struct str api;  /* Where the interface is. */
    struct str root; /* File of authorities; absent: the machine's. */
    int64_t rate;    /* Requests a minute, for reads and for writes. */
    struct clock *clock;
    bool (*stopping)(void *context); /* May be NULL. */
    void *stopping_context;
};

/* What a failure means, beside its words. */
enum sheets_trouble {
    SHEETS_REFUSED = 0, /* Nothing was done. */
    SHEETS_UNKNOWN,     /* It may have been carried out, or may still be. */
    SHEETS_REQUEST,  /* Nothing was done, and this request never will be: what it says is wrong. */
    SHEETS_NO_PLACE, /* Nothing was done: a worksheet or a cell is not there. */
};

/* Cells: `worksheet` is an index of the options. 0 for `bottom` or `right`: to the end; without a
   right end from column 1 on, without both from row 1 on. */
struct sheets_area {
    size_t worksheet;
    int64_t top;
    int64_t left;
    int64_t bottom;
    int64_t right;
};

/* How cells are read: plainly (numbers as numbers, texts as texts, dates as people see them) as
   rows, or otherwise. */
enum {
    SHEETS_BY_COLUMNS = 1U << 0,
    SHEETS_SHOWN = 1U << 1, /* All as people see it. */
};

/* A worksheet as it is. */
struct sheets_grid {
    bool there;
    int64_t id;
    int64_t rows;
    int64_t columns;
};

/* One row, from `area` on: a JSON list of cells, of which null leaves what is there. */
struct sheets_row {
    struct sheets_area area;
    struct str cells;
};

bool sheets_open(struct sheets **out, const struct sheets_options *options, struct err *err);
void sheets_close(struct sheets *sheets); /* NULL is fine. */
void sheets_rest(struct sheets *sheets);

struct str sheets_account(const struct sheets *sheets);

/* What the last call that failed means. */
enum sheets_trouble sheets_trouble(const struct sheets *sheets);

/* The grids of the worksheets in their order. `*titles` lists all that the spreadsheet has. */
bool sheets_look(struct sheets *sheets, struct sheets_grid *grids, int64_t deadline_ms,
                 struct arena *arena, struct str *titles, struct err *err);

/*
 * Cells of some areas at one moment: for each a JSON list of rows, or of columns (of which each is
 * a list of cells from the top); NULL for an area without anything. Empty ones at the end are cut.
 */
bool sheets_read(struct sheets *sheets, const struct sheets_area *areas, size_t count, unsigned how,
                 int64_t deadline_ms, struct arena *arena, const struct json_value **values,
                 struct err *err);

/*
 * Write rows, all or none. `after` gets the cells of each area as they are then, also of those that
 * were left: a list of rows, or NULL for nothing.
 */
bool sheets_write(struct sheets *sheets, const struct sheets_row *rows, size_t count,
                  int64_t deadline_ms, struct arena *arena, const struct json_value **after,
                  struct err *err);

/*
 * New rows behind the table whose header stands in row `header`. `rows` is a JSON list of lists.
 * `*where` is where they went.
 */
bool sheets_append(struct sheets *sheets, size_t worksheet, int64_t header, struct str rows,
                   int64_t deadline_ms, struct arena *arena, struct sheets_area *where,
                   struct err *err);

/* Make a worksheet, or more columns at the end of one. */
bool sheets_add(struct sheets *sheets, size_t worksheet, int64_t rows, int64_t columns,
                int64_t deadline_ms, struct err *err);
bool sheets_widen(struct sheets *sheets, int64_t grid_id, int64_t more, int64_t deadline_ms,
                  struct err *err);

/* A cell as people write it: whole numbers as digits, TRUE, texts as they are; empty for none.
   Absent when the arena is full. */
struct str sheets_text(const struct json_value *cell, struct arena *arena);

/* "A" for 1. */
struct str sheets_column(int64_t column, char out[SHEETS_COLUMN_TEXT]);

/* The id in an address or an id; ERR_CONFIG for neither. */
bool sheets_id(struct str spreadsheet, struct str *id, struct err *err);

#endif
