/*
 * pagestamp: the mark of time and author that WhatsApp Web puts on a message.
 *
 *     [14:05, 3.9.2026] Dana:          [2:05 PM, 9/3/2026] Dana:
 *     [下午1:23, 2026年9月18日] Dana:     [١٤:٠٥, ٣/٩/٢٠٢٦] Dana:
 *
 * It is written in the locale of the browser, on the wall of the browser's zone, to the minute.
 * Digits of several scripts, marks of direction, odd spaces, the halves of a day in many languages,
 * the Persian and the Buddhist calendar are understood.
 *
 * What cannot be known from one mark is whether 3/9 is in March or in September. This is never
 * guessed: pagestamp_date() answers PAGESTAMP_AMBIGUOUS until it is told an order, which comes from
 * the configuration, from the page's locale (pagestamp_order_of_locale) or from the other marks of
 * the chat (pagestamp_learn): a number above 12 can only be a day. Dates with dots have the day
 * first in every locale, and those with the year first the month second.
 *
 * Nothing is allocated; all functions may be called by all threads. The author is a view into the
 * text that was given.
 */
#ifndef SLUICE_TEXT_PAGESTAMP_H
#define SLUICE_TEXT_PAGESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "text/datetime.h"

enum { PAGESTAMP_MARK_MAX = 160 }; /* Bytes between the brackets; a longer mark is refused. */

enum pagestamp_order {
    PAGESTAMP_ORDER_UNKNOWN = 0,
    PAGESTAMP_ORDER_DMY,
    PAGESTAMP_ORDER_MDY,
};

struct pagestamp {
    int year;  /* As written, in its own calendar; 0 to 99 when two digits were written. */
    int first; /* The two other numbers of the date as they follow each other; */
    int second;
    int hour; /* 0 to 23 */
    int minute;
    int second_of_minute;       /* 0 when not written. */
    enum pagestamp_order order; /* Known from the way of writing, or UNKNOWN. */
    bool year_first;            /* Then `first` is the month. */
    bool year_short;
    struct str author; /* Without marks around it; empty for messages without one. */
};

/* Takes the mark apart; ERR_REJECT when it has another form. */
bool pagestamp_parse(struct str text, struct pagestamp *out, struct err *err);

enum pagestamp_fit {
    PAGESTAMP_AMBIGUOUS = 0, /* Two dates are possible, and no order was given. */
    PAGESTAMP_DATE,
    PAGESTAMP_IMPOSSIBLE, /* Not a date in this order, or in a calendar that is not known. */
};

/* The civil time of a mark, with an order from elsewhere or UNKNOWN. */
enum pagestamp_fit pagestamp_date(const struct pagestamp *mark, enum pagestamp_order order,
                                  struct civil *out);

/* What the marks of one chat have shown so far; zero to begin with. */
struct pagestamp_evidence {
    uint32_t day_first;   /* Marks that are a date only with the day first, */
    uint32_t month_first; /* and only with the month first. */
};

void pagestamp_learn(struct pagestamp_evidence *evidence, const struct pagestamp *mark);

/* The order that the marks agree on; UNKNOWN without evidence, and when they contradict. */
enum pagestamp_order pagestamp_evidence_order(const struct pagestamp_evidence *evidence);

/* "he-IL", "en-US", "pt_BR": the order of that locale, UNKNOWN for one that is not listed. */
enum pagestamp_order pagestamp_order_of_locale(struct str locale);

#endif
