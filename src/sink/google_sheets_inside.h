/* google_sheets_inside: the instance; seen by sink/google_sheets*.c only. */
#ifndef SLUICE_SINK_GOOGLE_SHEETS_INSIDE_H
#define SLUICE_SINK_GOOGLE_SHEETS_INSIDE_H

#include "model/sink.h"
#include "sink/body.h"
#include "sink/sheet_page.h"

enum {
    GOOGLE_SHEETS_ARENA =
        768 * 1024 * 1024,                 /* For one write; a step's limit bounds what it takes. */
    GOOGLE_SHEETS_ROWS_MAX = 1000,         /* Of one request, */
    GOOGLE_SHEETS_BYTES_MAX = 1536 * 1024, /* or so many bytes: Google advises 2 MB. */
};

struct google_sheets {
    struct sink sink; /* First. */

    /* Options. */
    struct secret credentials;
    struct str spreadsheet;
    struct str_map worksheets;
    int64_t header_row;
    struct str_map rename;
    struct key_form form;
    struct str ledger;
    bool new_rows;
    struct str date_format;
    struct str time_format;
    struct str zone_name;
    int64_t settle_ms;
    int64_t rate;
    struct str api;
    struct str authorities;

    /* From open to close. */
    struct sheet_book book;
    struct sheet_tab *tabs;
    size_t tab_count;
    bool recalled;     /* The note below was looked for in what survives. */
    int64_t asked_ms;  /* Wall: a request that changes something is on its way since; 0: none. */
    bool asking;       /* At this moment, */
    int64_t stop_ms;   /* and since then (monotonic) we are asked to stop. */
    size_t one_by_one; /* So many records are written alone: one of them was refused. */
};

/* The records of one tab, in one write. */
struct sheet_job {
    struct google_sheets *self;
    struct sheet_tab *tab;
    struct parcel *parcels;
    size_t count;
    struct arena *arena;   /* Of the step: for reasons. */
    struct arena *scratch; /* Of this write. */
    int64_t deadline_ms;
    bool settled; /* A record has its verdict. */
};

struct sheet_tab *google_sheets_tab(const struct google_sheets *self, struct str target);

/* Could it be written? By the declaration alone. */
bool google_sheets_check(const struct google_sheets *self, const struct parcel *parcel,
                         struct arena *arena, struct body *body, struct err *err);

/* All records of a tab that have no verdict yet. False: nothing more can be written now. */
bool google_sheets_write_tab(struct sheet_job *job, struct err *err);

/* Around each request that changes something; `before` waits out one that nobody knows of. */
bool google_sheets_before(struct google_sheets *self, struct err *err);
bool google_sheets_after(struct google_sheets *self, bool known, struct err *err);
bool google_sheets_may_write(struct google_sheets *self, struct err *err);

bool google_sheets_migrate(struct sink *sink, bool dry, struct arena *arena, struct str *done,
                           struct err *err);

#endif
