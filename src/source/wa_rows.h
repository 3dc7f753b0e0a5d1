/*
 * wa_rows: from what stands in the page to rows that say the same in every generation of it.
 *
 * A script tells of each row what it has: an id in one of several forms, a mark or only a time of
 * the day, classes, tails, labels. What a row does not have it inherits: the direction and the
 * author from the row above it, when both are of one run; the day from the rows of the same day.
 * Nothing else is concluded. What hangs on rows that have not been read yet is `open`.
 *
 *     wa_rows_begin(&rows, &setting)                       a chat was opened
 *     wa_rows_settle(&rows, raw, …, arena, &window, err)   its newest window
 *     wa_rows_settle(&rows, raw, …, arena, &window, err)   what came above it, and so on
 *
 * Between two windows the upper end of the earlier one is kept, so that rows which were open are
 * settled when what stands above them comes, and come again in the later window.
 *
 * The direction, the surest sign first: the id's prefix (2024), classes, tails, a label that says
 * "You", an author's line or a label that is also the mark's author, ticks. The date's order of day
 * and month: what was configured, else the page's locale, unless the chat's marks contradict it;
 * without a locale that is known, the marks. A date that stays ambiguous is no date: sent_ms is 0.
 *
 * Pure: no browser, no clock. One thread.
 */
#ifndef SLUICE_SOURCE_WA_ROWS_H
#define SLUICE_SOURCE_WA_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "source/wa_page.h"
#include "text/json.h"
#include "text/pagestamp.h"
#include "text/zone.h"

enum {
    WA_ID_MAX = 128,
    WA_KEPT_ROWS = 8, /* Settled ones that are kept below those that are open. */
    WA_SUFFIXES_MAX = 16,
    WA_ROWS_ARENA_MAX = 32 * 1024 * 1024,
};

/* What holds for the page as a whole. The views must outlive the chat. */
struct wa_setting {
    struct str locale;
    const struct zone *zone;              /* On whose wall the marks were written. */
    enum pagestamp_order order;           /* Configured; UNKNOWN: by the locale and the marks. */
    int64_t today;                        /* Days since 1970 in that zone; 0: unknown. */
    struct str suffixes[WA_SUFFIXES_MAX]; /* That the page appends to names. */
    size_t suffix_count;
};

/* What the rows of one window showed, for the canary. */
struct wa_signs {
    int64_t rows; /* Not empty shells. */
    int64_t with_id;
    int64_t contained;  /* Of a known body. */
    int64_t messages;   /* Neither system rows nor unknown bodies. */
    int64_t marked;     /* With a mark, */
    int64_t marks_read; /* that could be read, */
    int64_t marks_bare; /* and with no text in a place that is known. */
    int64_t dated;      /* Of those that were read, with a date. */
    int64_t named;      /* Texts in a place that has a name, */
    int64_t shaped;     /* and those that only their shape tells. */
    int64_t unmarked;   /* Texts with a name and without a mark. */
    int64_t timed;
    int64_t strange;  /* Bodies that nothing known is in, but words. */
    int64_t unknown;  /* Kinds that are not known. */
    int64_t directed; /* With a sign of the direction of their own. */
    int64_t changes;  /* Places where another person goes on: there must be such a sign. */
    int64_t cut;      /* Long texts with a button that is not known. */
};

struct wa_rows {
    struct wa_setting setting;
    struct pagestamp_evidence evidence;
    struct arena arenas[2];
    int current;
    const struct wa_item *kept; /* Upper end of the last window. */
    size_t kept_count;
    struct wa_signs signs; /* Of the last window, */
    struct wa_signs ever;  /* and of all since the chat was opened. */
};

void wa_rows_begin(struct wa_rows *rows, const struct wa_setting *setting);
void wa_rows_end(struct wa_rows *rows);

/*
 * `raw` is a script's array of rows and days, from the top down; what is above is `begins`: there
 * is nothing. Fills rows, count and counts of the window. ERR_REJECT when `raw` is not what a
 * script gives.
 */
bool wa_rows_settle(struct wa_rows *rows, const struct json_value *raw, bool begins,
                    struct arena *arena, struct wa_window *window, struct err *err);

/* The ids at the upper end, the oldest first, for a script to go on from; gives their number. */
size_t wa_rows_edge(const struct wa_rows *rows, struct str out[WA_KEPT_ROWS]);

/* The bare id of any of its forms; absent when it is none. */
struct str wa_rows_bare(struct str key);

/* A title or a name without marks of direction, odd spaces and hyphens: `clean` of the script. */
struct str wa_rows_clean(struct arena *arena, struct str text);

/* The day that a word of the page names, "3.9.2026": days since 1970. */
bool wa_rows_day(enum pagestamp_order order, struct str text, int64_t *days);

/* "14:05", "2:05 PM": minutes since midnight, or -1. */
int wa_rows_minute(struct str text);

#endif
