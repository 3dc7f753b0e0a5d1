/*
 * timepattern: dates in the form that somebody else has chosen.
 *
 * A pattern is written with letters for the parts of a moment; everything else stands for itself:
 *
 *     HH:MM, DD.MM.YYYY        14:30, 09.12.2025
 *     YYYY-MM-DD HH:MM:SS      2025-12-09 14:30:05
 *     DD.MM.YYYY HH:MM:SS 'UTC'ZZ
 *
 *     YYYY        year                       HH H   hour 00-23, 0-23
 *     MM M        month 01-12, 1-12          hh h   hour 01-12, 1-12 (needs A)
 *     MMM MMMM    Jan, January               A      AM or PM
 *     DD D        day 01-31, 1-31            mm     minute
 *     ddd dddd    Mon, Monday                SS S   second 00-59, 0-59
 *     mmm         thousandths of a second    Z      Z or +02:00
 *     uuuuuu      millionths                 ZZ     +02:00      ZZZ   +0200
 *     nnnnnnnnn   thousand-millionths        zzz    IST (written only)
 *
 * MM is the minute where a minute belongs: as the next part after an hour, or just before a second.
 * Letters that stand for themselves are put in 'quotes' (two quotes are one); T needs none.
 *
 * A pattern is compiled once, when a configuration is read, into a plain value without memory of
 * its own; reading and writing with it allocate nothing and may be done by all threads at once.
 */
#ifndef SLUICE_TEXT_TIMEPATTERN_H
#define SLUICE_TEXT_TIMEPATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "text/datetime.h"
#include "text/zone.h"

enum {
    TIMEPATTERN_TEXT_MAX = 64, /* A longer pattern is refused, */
    TIMEPATTERN_STEPS_MAX = 48 /* and one with more parts. */
};

/* The forms that the profiles of sluice use. */
#define TIMEPATTERN_STUDENTS  STR("HH:MM, DD.MM.YYYY")
#define TIMEPATTERN_SHEET     STR("DD/MM/YYYY")
#define TIMEPATTERN_LOG       STR("YYYY-MM-DD HH:MM:SS")
#define TIMEPATTERN_PYTHON    STR("YYYY-MM-DD HH:MM:SS,mmm")
#define TIMEPATTERN_TELEGRAM  STR("DD.MM.YYYY HH:MM:SS 'UTC'ZZ")
#define TIMEPATTERN_SEPARATOR STR("D MMMM YYYY")

struct timepattern_step {
    uint8_t part; /* enum part in the .c; a literal has its text in `text`. */
    uint8_t from;
    uint8_t len;
};

struct timepattern {
    struct timepattern_step steps[TIMEPATTERN_STEPS_MAX];
    char text[TIMEPATTERN_TEXT_MAX]; /* Literals, without their quotes. */
    uint8_t count;
    bool reads;    /* Has all that a date needs, so it can be read as well as written. */
    bool has_time; /* Has an hour. */
};

/* ERR_CONFIG with the offset in the pattern. */
bool timepattern_compile(struct str pattern, struct timepattern *out, struct err *err);

/*
 * The whole text, exactly in the form of the pattern: ERR_REJECT with the offset of the first byte
 * that differs. Without Z in the pattern the stamp has no offset (see zone_stamp_ms). A pattern
 * that cannot be read is ERR_CONFIG.
 */
bool timepattern_read(const struct timepattern *pattern, struct str text, struct stamp *out,
                      struct err *err);

/* What the wall of `zone` shows; a moment outside of the calendar as its nearest end. */
struct str timepattern_write(const struct timepattern *pattern, const struct zone *zone,
                             int64_t utc_ms, char out[DATETIME_TEXT_MAX]);

#endif
