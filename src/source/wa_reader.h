/*
 * wa_reader: WhatsApp Web as a wa_page, read through a browser.
 *
 * The browser shows the chats already (wa_session sees to that); the reader never navigates, and
 * never starts or ends it. What it does in the page is in wa_page.js: it looks, scrolls, opens long
 * texts, and types into the search box when a chat is not in the list. The one thing that it
 * presses is the chat that is to be opened.
 *
 *     wa_reader_open(&reader, &options, err)
 *     wa_page_list(wa_reader_page(reader), …)     and so on, see wa_page.h
 *     wa_reader_close(reader)
 *
 * Scroll steps keep the pace that was set, within a call and from one to the next; so a sweep need
 * not wait between two steps. When the browser was started anew, or the page loaded anew, the open
 * chat is forgotten: open it again.
 *
 * One thread, that of the driver.
 */
#ifndef SLUICE_SOURCE_WA_READER_H
#define SLUICE_SOURCE_WA_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/str.h"
#include "net/webdriver.h"
#include "source/wa_pack.h"
#include "source/wa_page.h"
#include "text/pagestamp.h"

enum {
    WA_STEP_MS = 1000,      /* What one step waits for rows at most. */
    WA_TOP_LOOKS = 3,       /* So many steps in turn that bring nothing are the chat's beginning. */
    WA_TITLES_MS = 600000,  /* How long it is believed which titles there are. */
    WA_CALL_MS = 20000,     /* What a script takes at most; the browser's own limit is 30 s. */
    WA_STEP_ROWS_MAX = 500, /* A step ends when it has brought so many. */
};

struct wa_reader;

/* Zeros mean the defaults. What is pointed at must outlive the reader. */
struct wa_reader_options {
    struct webdriver *driver;
    struct wa_packs *packs;
    struct clock *clock;
    struct rng *rng;   /* For the pace. */
    struct str locale; /* Absent: what the page says. */
    struct str zone;   /* Absent: what the browser says. */
    enum pagestamp_order order;
    int64_t pace_least_ms; /* Between two scroll steps; 0: no wait. */
    int64_t pace_most_ms;
    int64_t step_ms;
    int64_t top_looks;
    bool enrich;       /* Ask the page's own database for seconds and addresses, see wa_enrich.h. */
    bool never_search; /* A chat that is not in the list is not looked for by typing. */
};

bool wa_reader_open(struct wa_reader **out, const struct wa_reader_options *options,
                    struct err *err);
void wa_reader_close(struct wa_reader *reader); /* NULL is fine. */

struct wa_page *wa_reader_page(struct wa_reader *reader);

#endif
