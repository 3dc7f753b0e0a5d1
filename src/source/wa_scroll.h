/*
 * wa_scroll: the rows of one chat from its end upwards, put together from windows.
 *
 * Each step up shows a window of rows without gaps between them; two windows belong together when
 * they share a row. Joined, they are one stretch of the chat without gaps: that is what a visit
 * proves things about. A window that shares no row is not taken: the page jumped.
 *
 * Windows say the same rows again, better known than before (what was open is settled) or changed
 * meanwhile (edited, deleted): the later word counts. What stands between known rows and was not
 * there before is put in between; what is no longer there stays.
 *
 * Rows are copied and live until the scroll is cleared; its memory is bounded, and a window that
 * does not fit is not taken in part.
 */
#ifndef SLUICE_SOURCE_WA_SCROLL_H
#define SLUICE_SOURCE_WA_SCROLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "source/wa_page.h"

/* A picture that waits in the spool. */
struct wa_picture {
    int64_t offset;
    size_t len;
    char extension[9];
    char sha256[DIGEST_HEX_MAX];
};

struct wa_node {
    struct wa_node *older;
    struct wa_node *newer;
    struct wa_row row;
    uint64_t id;
    bool fetched;   /* Its pictures were asked for. */
    bool done;      /* Handed out, or nothing to hand out. */
    size_t missing; /* Pictures that could not be had, ... */
    bool again;     /* ... but perhaps another time. */
    struct wa_picture *pictures;
    size_t picture_count;
};

struct wa_scroll {
    struct arena arena;
    struct wa_node *oldest;
    struct wa_node *newest;
    size_t count;
    struct wa_node **table; /* By id, open addressing. */
    size_t table_size;
};

enum wa_join {
    WA_JOINED = 0,
    WA_JUMPED, /* The window shares no row with what is there. */
    WA_FULL,   /* It does not fit into memory; nothing of it was taken. */
};

void wa_scroll_init(struct wa_scroll *scroll, size_t memory_max);
void wa_scroll_clear(struct wa_scroll *scroll);
void wa_scroll_free(struct wa_scroll *scroll);

/* Into an empty scroll every window fits. */
enum wa_join wa_scroll_join(struct wa_scroll *scroll, const struct wa_window *window);

/* NULL when it is not there. */
struct wa_node *wa_scroll_find(const struct wa_scroll *scroll, uint64_t id);

#endif
