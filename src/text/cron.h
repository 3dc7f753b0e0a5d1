/*
 * cron: times that come again, written as cron writes them.
 *
 *     minute  hour  day-of-month  month  weekday
 *     0-59    0-23  1-31 or L     1-12   0-7 (0 and 7 are Sunday)
 *
 * A field is `*` or a list of values, ranges and steps: `0,30`, `8-18`, `8-18/2`, every tenth.
 * Months and weekdays may be names of three letters (JAN, SUN), and `L` is the last day of the
 * month.
 * @hourly, @daily (@midnight), @weekly, @monthly and @yearly (@annually) stand for a whole line.
 * As in Vixie's cron, when day and weekday are both restricted, meaning that neither begins with
 * `*`, a date fits when either does.
 *
 * (APScheduler counts weekdays from 0 for Monday. Cron does not, and neither does this.)
 *
 * The clock on the wall is not always moved on by one minute after another:
 *   - a time that is skipped when the clock is put forward runs once, right after the gap (several
 *     such times run once together);
 *   - a time that is repeated when the clock is put back runs once, the first time. Where the hours
 *     are `*`, it runs both times: a job of every ten minutes would else pause for an hour.
 *
 * A `struct cron` is a plain value without memory of its own.
 */
#ifndef SLUICE_TEXT_CRON_H
#define SLUICE_TEXT_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "text/zone.h"

enum {
    CRON_TEXT_MAX = 256, /* A longer line is refused. */
    CRON_YEARS_MAX = 12, /* What does not fit a date of so many years never will: see below. */
};

/* Sets of allowed values; bit n stands for n. */
struct cron {
    uint64_t minutes;
    uint32_t hours;
    uint32_t days;
    uint16_t months;
    uint8_t weekdays;  /* 0 for Sunday to 6. */
    bool day_last;     /* L */
    bool days_any;     /* The field began with `*`. */
    bool weekdays_any; /* The field began with `*`. */
};

/* ERR_CONFIG with the field, the offset and what was expected there. */
bool cron_parse(struct str text, struct cron *out, struct err *err);

/*
 * The first time after `after_ms` on the wall clock of `zone`. False for never: impossible dates
 * such as 31 February. (The rarest date that exists, 29 February, comes after eight years at most,
 * so CRON_YEARS_MAX is enough.)
 */
bool cron_next(const struct cron *cron, const struct zone *zone, int64_t after_ms,
               int64_t *next_ms);

/* In words: "at 06:00 on Monday and Friday". */
void cron_describe(const struct cron *cron, struct buf *out);

#endif
