/*
 * datetime: moments as numbers, and the ways in which they are written.
 *
 * A moment is an `int64_t` of milliseconds since 1970-01-01T00:00:00Z ("unix ms"). A `struct civil`
 * is what a calendar and a clock on a wall show: year to nanosecond, proleptic Gregorian, years
 * 1 to 9999, without saying where. A `struct stamp` is a civil time as it was read from a text,
 * together with the offset from UTC if the text had one.
 *
 * A stamp with an offset is a moment (datetime_stamp_ms). One without needs a zone, which is the
 * business of text/zone. Whoever archives a text keeps the text itself: nothing here is meant to
 * give the exact bytes back.
 *
 * Texts of a fixed shape are read here: ISO 8601 and its relatives, mail dates, unix numbers. What
 * is described by a pattern ("HH:MM, DD.MM.YYYY") is in text/timepattern, and the marks of WhatsApp
 * Web, whose order of day and month depends on a locale, in text/pagestamp.
 *
 * All functions are pure, take any bytes, allocate nothing and may be called from any thread. A
 * refused text is ERR_REJECT with the offset of the first byte that does not fit.
 */
#ifndef SLUICE_TEXT_DATETIME_H
#define SLUICE_TEXT_DATETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    DATETIME_TEXT_MAX = 128,         /* Room for anything that is written here. */
    DATETIME_OFFSET_MAX = 18 * 3600, /* A larger distance from UTC is refused, in seconds. */
};

#define DATETIME_SECOND_MS INT64_C(1000)
#define DATETIME_MINUTE_MS INT64_C(60000)
#define DATETIME_HOUR_MS   INT64_C(3600000)
#define DATETIME_DAY_MS    INT64_C(86400000)

/* 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z. */
#define DATETIME_MIN_MS INT64_C(-62135596800000)
#define DATETIME_MAX_MS INT64_C(253402300799999)

struct civil {
    int year;   /* 1 to 9999 */
    int month;  /* 1 to 12 */
    int day;    /* 1 to 31 */
    int hour;   /* 0 to 23 */
    int minute; /* 0 to 59 */
    int second; /* 0 to 59; a leap second is read as the last nanosecond before it */
    int nanosecond;
};

struct stamp {
    struct civil civil;
    int offset_s;    /* Seconds east of UTC; zero when has_offset is false. */
    bool has_offset; /* The text said where. */
    bool has_time;   /* False: only a date was written, and the time is 00:00. */
};

/* The calendar. */

bool datetime_is_leap(int year);
int datetime_month_days(int year, int month);

/* Every field within its limits, and the day within its month. */
bool datetime_civil_valid(const struct civil *civil);

/* Days since 1970-01-01; negative before it. The date must be valid. */
int64_t datetime_days(int year, int month, int day);

/* 0 for Sunday to 6 for Saturday, for days as datetime_days() counts them. */
int datetime_weekday(int64_t days);

/* The civil time as if its wall clock showed UTC; digits below the millisecond are cut off. */
int64_t datetime_from_civil(const struct civil *civil);

/* What a wall clock at UTC shows. False outside of DATETIME_MIN_MS to DATETIME_MAX_MS. */
bool datetime_to_civil(int64_t unix_ms, struct civil *out);

/* The same on a wall clock that is `offset_s` seconds ahead of UTC. */
bool datetime_to_civil_at(int64_t unix_ms, int offset_s, struct civil *out);

/* Reading. */

/*
 * ISO 8601 and what is near enough to it:
 *     2025-12-09T18:51:42.998Z        2025-12-09 18:51:42.123456789+02:00   (whatsapp-bridge)
 *     2025-12-09T18:51:42+0200        2025-12-09 18:51:42                   (no offset)
 *     2025-11-09 12:34:56,789         2025-12-09T18:51                      (Python's log)
 *     2025-12-09                      20251209T185142Z                      (iCalendar)
 *     2025-12-09 18:51:42.1 +0200 IST m=+0.5                                (Go's own)
 * A fraction has one to nine digits. White space around the text is not accepted.
 */
bool datetime_parse_iso(struct str text, struct stamp *out, struct err *err);

/* The same, for a text that must say its offset: straight to the moment. */
bool datetime_parse_iso_ms(struct str text, int64_t *unix_ms, struct err *err);

/* Mail and HTTP: "Tue, 9 Dec 2025 18:51:42 +0200", "... GMT", with or without weekday, seconds. */
bool datetime_parse_mail(struct str text, struct stamp *out, struct err *err);

enum datetime_unit {
    DATETIME_UNIT_AUTO = 0, /* By size: seconds until 5138, then ms, us, ns; see the .c. */
    DATETIME_UNIT_S,
    DATETIME_UNIT_MS,
    DATETIME_UNIT_US,
    DATETIME_UNIT_NS,
};

/* A unix number as text: "1765306302", "1765306302998", and in seconds "1765306302.000200". */
bool datetime_parse_unix(struct str text, enum datetime_unit unit, int64_t *unix_ms,
                         struct err *err);

/* The moment of a stamp that has an offset; false without one. */
bool datetime_stamp_ms(const struct stamp *stamp, int64_t *unix_ms);

/*
 * Writing. Each fills `out` and returns a view of it; a moment outside the calendar's range is
 * written as its nearest end, so that writing never fails.
 */

/* 2025-12-09T18:51:42.998Z */
struct str datetime_format_iso(int64_t unix_ms, char out[DATETIME_TEXT_MAX]);

/* 2025-12-09T20:51:42.998+02:00; offsets of half a minute and less are cut to the minute. */
struct str datetime_format_iso_at(int64_t unix_ms, int offset_s, char out[DATETIME_TEXT_MAX]);

/* As the bridge writes: 2025-12-09 20:51:42.998+02:00, with trailing zeros of a fraction cut. */
struct str datetime_format_bridge(int64_t unix_ms, int offset_s, char out[DATETIME_TEXT_MAX]);

/* Tue, 09 Dec 2025 18:51:42 +0000; the form that mail wants, and with "GMT" HTTP. */
struct str datetime_format_mail(int64_t unix_ms, int offset_s, char out[DATETIME_TEXT_MAX]);
struct str datetime_format_http(int64_t unix_ms, char out[DATETIME_TEXT_MAX]);

/* English names, the only ones that are written: month 1 to 12, weekday 0 (Sunday) to 6. */
struct str datetime_month_name(int month);
struct str datetime_weekday_name(int weekday);

#endif
