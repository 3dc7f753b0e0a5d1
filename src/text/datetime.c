#include "text/datetime.h"

#include <string.h>

#include "base/must.h"
#include "text/timescan.h"

/* Days from 0000-03-01, where the arithmetic starts, to 1970-01-01. */
enum { DAYS_TO_EPOCH = 719468, DAYS_ERA = 146097, YEARS_ERA = 400 };

static const struct str month_names[] = {
    STR_INIT("January"),   STR_INIT("February"), STR_INIT("March"),    STR_INIT("April"),
    STR_INIT("May"),       STR_INIT("June"),     STR_INIT("July"),     STR_INIT("August"),
    STR_INIT("September"), STR_INIT("October"),  STR_INIT("November"), STR_INIT("December"),
};

static const struct str weekday_names[] = {
    STR_INIT("Sunday"),   STR_INIT("Monday"), STR_INIT("Tuesday"),  STR_INIT("Wednesday"),
    STR_INIT("Thursday"), STR_INIT("Friday"), STR_INIT("Saturday"),
};

static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

bool datetime_is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int datetime_month_days(int year, int month)
{
    must(month >= 1 && month <= 12);
    return month_days[month - 1] + (month == 2 && datetime_is_leap(year) ? 1 : 0);
}

/* Short months are rare enough to ask for the calendar only when the day is past the 28th. */
static bool date_valid(int year, int month, int day)
{
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           (day <= 28 || day <= datetime_month_days(year, month));
}

bool datetime_civil_valid(const struct civil *civil)
{
    return date_valid(civil->year, civil->month, civil->day) && civil->hour >= 0 &&
           civil->hour <= 23 && civil->minute >= 0 && civil->minute <= 59 && civil->second >= 0 &&
           civil->second <= 59 && civil->nanosecond >= 0 && civil->nanosecond <= 999999999;
}

/*
 * Years are counted from March, so that the leap day is the last of its year and the months before
 * it have lengths that a straight line gives: day of year = (153 * month + 2) / 5.
 */
int64_t datetime_days(int year, int month, int day)
{
    must(year >= 0 && year <= 10000 && month >= 1 && month <= 12);
    uint32_t year_march = (uint32_t)year + YEARS_ERA - (month <= 2 ? 1 : 0);
    uint32_t month_march = (uint32_t)(month > 2 ? month - 3 : month + 9);
    uint32_t days = year_march * 365 + year_march / 4 - year_march / 100 + year_march / 400;
    days += (153 * month_march + 2) / 5;
    return (int64_t)days + day - 1 - DAYS_ERA - DAYS_TO_EPOCH;
}

int datetime_weekday(int64_t days)
{
    int64_t since_sunday = (days + 4) % 7; /* 1970-01-01 was a Thursday. */
    return (int)(since_sunday < 0 ? since_sunday + 7 : since_sunday);
}

int64_t datetime_from_civil(const struct civil *civil)
{
    int second_of_day = civil->hour * 3600 + civil->minute * 60 + civil->second;
    int64_t days = datetime_days(civil->year, civil->month, civil->day);
    return (days * 86400 + second_of_day) * 1000 + civil->nanosecond / 1000000;
}

static void date_from_days(int64_t days, struct civil *out)
{
    uint32_t shifted = (uint32_t)(days + DAYS_TO_EPOCH);
    uint32_t era = shifted / DAYS_ERA;
    uint32_t day_of_era = shifted % DAYS_ERA;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_march = (5 * day_of_year + 2) / 153;
    out->day = (int)(day_of_year - (153 * month_march + 2) / 5 + 1);
    out->month = (int)(month_march < 10 ? month_march + 3 : month_march - 9);
    out->year = (int)(year_of_era + era * YEARS_ERA) + (out->month <= 2 ? 1 : 0);
}

bool datetime_to_civil(int64_t unix_ms, struct civil *out)
{
    if (unix_ms < DATETIME_MIN_MS || unix_ms > DATETIME_MAX_MS) {
        return false;
    }
    uint64_t since_min = (uint64_t)(unix_ms - DATETIME_MIN_MS);
    uint32_t ms_of_day = (uint32_t)(since_min % (uint64_t)DATETIME_DAY_MS);
    date_from_days(
        (int64_t)(since_min / (uint64_t)DATETIME_DAY_MS) + DATETIME_MIN_MS / DATETIME_DAY_MS, out);
    uint32_t second_of_day = ms_of_day / 1000;
    out->hour = (int)(second_of_day / 3600);
    out->minute = (int)(second_of_day / 60 % 60);
    out->second = (int)(second_of_day % 60);
    out->nanosecond = (int)(ms_of_day % 1000) * 1000000;
    return true;
}

bool datetime_to_civil_at(int64_t unix_ms, int offset_s, struct civil *out)
{
    must(offset_s >= -2 * DATETIME_OFFSET_MAX && offset_s <= 2 * DATETIME_OFFSET_MAX);
    if (unix_ms < DATETIME_MIN_MS || unix_ms > DATETIME_MAX_MS) {
        return false;
    }
    return datetime_to_civil(unix_ms + (int64_t)offset_s * 1000, out);
}

bool datetime_stamp_ms(const struct stamp *stamp, int64_t *unix_ms)
{
    if (!stamp->has_offset) {
        return false;
    }
    *unix_ms = datetime_from_civil(&stamp->civil) - (int64_t)stamp->offset_s * 1000;
    return true;
}

struct str datetime_month_name(int month)
{
    must(month >= 1 && month <= 12);
    return month_names[month - 1];
}

struct str datetime_weekday_name(int weekday)
{
    must(weekday >= 0 && weekday <= 6);
    return weekday_names[weekday];
}

/* Reading. */

/* The digits behind a decimal point, one to nine of them, as nanoseconds. */
static bool take_fraction(struct scan *scan, int *nanosecond)
{
    static const int scale[] = {1000000000, 100000000, 10000000, 1000000, 100000,
                                10000,      1000,      100,      10,      1};
    const char *first = scan->at;
    int value = 0;
    while (scan_next_is_digit(scan) && scan->at - first < 9) {
        value = value * 10 + (*scan->at - '0');
        scan->at++;
    }
    if (scan->at == first || (scan_next_is_digit(scan))) {
        return scan_wants(scan, "one to nine digits of a fraction");
    }
    *nanosecond = value * scale[scan->at - first];
    return true;
}

/* A leap second has no number of its own in unix time: it becomes the last instant before it. */
static void settle_leap_second(struct civil *civil)
{
    if (civil->second == 60) {
        civil->second = 59;
        civil->nanosecond = 999999999;
    }
}

/* +02:00, +0200 or +02, behind its sign. */
static bool take_offset_digits(struct scan *scan, bool east, struct stamp *out)
{
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!scan_two(scan, DATETIME_OFFSET_MAX / 3600, &hours, "hours of an offset, 00 to 18")) {
        return false;
    }
    bool colon = scan_skip(scan, ':');
    if ((colon || (scan_next_is_digit(scan))) &&
        !scan_two(scan, 59, &minutes, "minutes of an offset, 00 to 59")) {
        return false;
    }
    if (colon && scan_next_is(scan, ':')) {
        scan->at++;
        if (!scan_two(scan, 59, &seconds, "seconds of an offset, 00 to 59")) {
            return false;
        }
    }
    int offset_s = hours * 3600 + minutes * 60 + seconds;
    if (offset_s > DATETIME_OFFSET_MAX) {
        return scan_wants(scan, "an offset of at most 18 hours");
    }
    out->offset_s = east ? offset_s : -offset_s;
    out->has_offset = true;
    return true;
}

/* Nothing, Z or a signed offset; a space may stand before the sign. */
static bool take_offset(struct scan *scan, struct stamp *out)
{
    if (scan->at == scan->end) {
        return true;
    }
    if (*scan->at == 'Z' || *scan->at == 'z') {
        scan->at++;
        out->has_offset = true;
        return true;
    }
    if (*scan->at == ' ' && scan_left(scan) > 1 && (scan->at[1] == '+' || scan->at[1] == '-')) {
        scan->at++;
    }
    if (*scan->at == '+' || *scan->at == '-') {
        bool east = *scan->at == '+';
        scan->at++;
        return take_offset_digits(scan, east, out);
    }
    return scan_wants(scan, "Z, an offset such as +02:00, or the end");
}

/* Go prints " IST" (or " +03" where a zone has no letters) and " m=+0.5" behind its offset. */
static void skip_go_tail(struct scan *scan)
{
    enum { TAIL_MAX = 40 };
    if (scan_left(scan) < 2 || scan_left(scan) > TAIL_MAX || *scan->at != ' ') {
        return;
    }
    const char *at = scan->at + 1;
    if (*at != 'm') {
        while (at < scan->end && (scan_alpha(*at) || scan_digit(*at) || *at == '+' || *at == '-')) {
            at++;
        }
        if (at == scan->end) {
            scan->at = at;
            return;
        }
        at += *at == ' ' ? 1 : 0;
    }
    if (scan->end - at < 4 || memcmp(at, "m=", 2) != 0 || (at[2] != '+' && at[2] != '-')) {
        return;
    }
    for (at += 3; at < scan->end; at++) {
        if (!scan_digit(*at) && *at != '.') {
            return;
        }
    }
    scan->at = scan->end;
}

static bool take_iso_time(struct scan *scan, bool extended, struct stamp *out)
{
    if (!scan_two(scan, 23, &out->civil.hour, "an hour, 00 to 23")) {
        return false;
    }
    if (extended && !scan_skip(scan, ':')) {
        return scan_wants(scan, "':' between hour and minute");
    }
    if (!scan_two(scan, 59, &out->civil.minute, "a minute, 00 to 59")) {
        return false;
    }
    out->has_time = true;
    bool seconds = extended ? scan_skip(scan, ':') : scan_next_is_digit(scan);
    if (!seconds) {
        return true;
    }
    if (!scan_two(scan, 60, &out->civil.second, "a second, 00 to 60")) {
        return false;
    }
    if (scan_next_is(scan, '.') || scan_next_is(scan, ',')) {
        scan->at++;
        if (!take_fraction(scan, &out->civil.nanosecond)) {
            return false;
        }
    }
    settle_leap_second(&out->civil);
    return true;
}

static bool take_iso_date(struct scan *scan, bool *extended, struct civil *out)
{
    if (!scan_year(scan, &out->year)) {
        return false;
    }
    *extended = scan_skip(scan, '-');
    if (!scan_two(scan, 12, &out->month, "a month, 01 to 12")) {
        return false;
    }
    if (*extended && !scan_skip(scan, '-')) {
        return scan_wants(scan, "'-' between month and day");
    }
    if (!scan_two(scan, 31, &out->day, "a day, 01 to 31")) {
        return false;
    }
    if (!date_valid(out->year, out->month, out->day)) {
        scan->at = scan->start;
        return scan_wants(scan, "a date that exists (years 1 to 9999)");
    }
    return true;
}

/* An offset can push the moment out of the calendar at either end. */
static bool stamp_in_range(struct scan *scan, const struct stamp *stamp)
{
    if (stamp->civil.year > 1 && stamp->civil.year < 9999) {
        return true;
    }
    int64_t unix_ms = 0;
    if (datetime_stamp_ms(stamp, &unix_ms) &&
        (unix_ms < DATETIME_MIN_MS || unix_ms > DATETIME_MAX_MS)) {
        scan->at = scan->start;
        return scan_wants(scan, "a moment within the years 1 to 9999");
    }
    return true;
}

static bool take_iso(struct scan *scan, struct stamp *out)
{
    bool extended = false;
    if (!take_iso_date(scan, &extended, &out->civil)) {
        return false;
    }
    if (scan->at == scan->end) {
        return true;
    }
    if (*scan->at != 'T' && *scan->at != ' ' && *scan->at != 't') {
        return scan_wants(scan, "'T' or a space between date and time");
    }
    scan->at++;
    if (!take_iso_time(scan, extended, out) || !take_offset(scan, out)) {
        return false;
    }
    if (scan->at < scan->end && out->has_offset) {
        skip_go_tail(scan);
    }
    if (scan->at < scan->end) {
        return scan_wants(scan, "the end");
    }
    return stamp_in_range(scan, out);
}

bool datetime_parse_iso(struct str text, struct stamp *out, struct err *err)
{
    struct scan scan = scan_of(text);
    struct stamp stamp = {0};
    if (!take_iso(&scan, &stamp)) {
        return scan_failed(&scan, ERR_REJECT, "date and time", err);
    }
    *out = stamp;
    return true;
}

bool datetime_parse_iso_ms(struct str text, int64_t *unix_ms, struct err *err)
{
    struct scan scan = scan_of(text);
    struct stamp stamp = {0};
    if (!take_iso(&scan, &stamp)) {
        return scan_failed(&scan, ERR_REJECT, "date and time", err);
    }
    if (!datetime_stamp_ms(&stamp, unix_ms)) {
        scan.wanted = "Z or an offset such as +02:00";
        return scan_failed(&scan, ERR_REJECT, "date and time", err);
    }
    return true;
}

static void skip_spaces(struct scan *scan)
{
    while (scan_next_is(scan, ' ') || scan_next_is(scan, '\t')) {
        scan->at++;
    }
}

/* RFC 2822, 4.3: two digits mean 1950 to 2049. */
static bool take_mail_year(struct scan *scan, int *year)
{
    int high = 0;
    if (!scan_two(scan, 99, &high, "a year")) {
        return false;
    }
    if (!scan_next_is_digit(scan)) {
        *year = high + (high < 50 ? 2000 : 1900);
        return true;
    }
    int low = 0;
    if (!scan_two(scan, 99, &low, "a year of four digits")) {
        return false;
    }
    *year = high * 100 + low;
    return true;
}

/* The weekday is not compared with the date: mail in the wild has wrong ones. */
static bool take_mail_date(struct scan *scan, struct civil *out)
{
    skip_spaces(scan);
    struct str word = scan_word(scan);
    if (word.len > 0) {
        if (scan_name(word, datetime_weekday_name, 0, 7) < 0) {
            scan->at -= word.len;
            return scan_wants(scan, "a weekday or a day of the month");
        }
        scan_skip(scan, ',');
        skip_spaces(scan);
    }
    if (!scan_short(scan, 31, &out->day, "a day of the month")) {
        return false;
    }
    if (!scan_skip(scan, '-')) {
        skip_spaces(scan);
    }
    word = scan_word(scan);
    out->month = scan_name(word, datetime_month_name, 1, 12);
    if (out->month < 0) {
        scan->at -= word.len;
        return scan_wants(scan, "a month such as Jan");
    }
    if (!scan_skip(scan, '-')) {
        skip_spaces(scan);
    }
    if (!take_mail_year(scan, &out->year)) {
        return false;
    }
    if (!date_valid(out->year, out->month, out->day)) {
        scan->at = scan->start;
        return scan_wants(scan, "a date that exists");
    }
    return true;
}

/* Offsets by name as RFC 2822, 4.3 fixes them; any other name says nothing about the offset. */
static bool take_mail_zone(struct scan *scan, struct stamp *out)
{
    static const struct {
        struct str name;
        int hours;
    } zones[] = {
        {STR_INIT("GMT"), 0},  {STR_INIT("UT"), 0},   {STR_INIT("UTC"), 0},  {STR_INIT("Z"), 0},
        {STR_INIT("EST"), -5}, {STR_INIT("EDT"), -4}, {STR_INIT("CST"), -6}, {STR_INIT("CDT"), -5},
        {STR_INIT("MST"), -7}, {STR_INIT("MDT"), -6}, {STR_INIT("PST"), -8}, {STR_INIT("PDT"), -7},
    };
    if (scan_next_is(scan, '+') || scan_next_is(scan, '-')) {
        bool east = *scan->at == '+';
        scan->at++;
        return take_offset_digits(scan, east, out);
    }
    struct str word = scan_word(scan);
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        if (str_equal_ascii_case(word, zones[i].name)) {
            out->has_offset = true;
            out->offset_s = zones[i].hours * 3600;
            return true;
        }
    }
    scan->at -= word.len;
    return scan_wants(scan, "an offset such as +0200 or GMT");
}

static bool take_mail(struct scan *scan, struct stamp *out)
{
    if (!take_mail_date(scan, &out->civil)) {
        return false;
    }
    skip_spaces(scan);
    if (!take_iso_time(scan, true, out)) {
        return false;
    }
    skip_spaces(scan);
    if (!take_mail_zone(scan, out)) {
        return false;
    }
    skip_spaces(scan);
    if (scan_next_is(scan, '(') && scan->end[-1] == ')') {
        scan->at = scan->end; /* A comment, usually the zone's name. */
    }
    return scan->at == scan->end ? stamp_in_range(scan, out) : scan_wants(scan, "the end");
}

bool datetime_parse_mail(struct str text, struct stamp *out, struct err *err)
{
    struct scan scan = scan_of(text);
    struct stamp stamp = {0};
    if (!take_mail(&scan, &stamp)) {
        return scan_failed(&scan, ERR_REJECT, "mail date", err);
    }
    *out = stamp;
    return true;
}

/* 1e11 seconds are the year 5138, and 1e11 milliseconds are in 1973: real data is far from both. */
static int64_t unit_per_second(enum datetime_unit unit, int64_t value)
{
    switch (unit) {
    case DATETIME_UNIT_S:
        return 1;
    case DATETIME_UNIT_MS:
        return 1000;
    case DATETIME_UNIT_US:
        return 1000000;
    case DATETIME_UNIT_NS:
        return 1000000000;
    case DATETIME_UNIT_AUTO:
        break;
    }
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (size < UINT64_C(100000000000)) {
        return 1;
    }
    if (size < UINT64_C(100000000000000)) {
        return 1000;
    }
    return size < UINT64_C(100000000000000000) ? 1000000 : 1000000000;
}

static int64_t divide_down(int64_t value, int64_t by)
{
    return value / by - (value % by < 0 ? 1 : 0);
}

bool datetime_parse_unix(struct str text, enum datetime_unit unit, int64_t *unix_ms,
                         struct err *err)
{
    size_t point = str_find_byte(text, '.', 0);
    struct str whole = str_slice(text, 0, point == STR_NONE ? text.len : point);
    int64_t value = 0;
    int nanosecond = 0;
    struct scan scan = scan_of(text);
    if (!str_to_int64(whole, &value)) {
        scan.wanted = "a unix time, a whole number";
        return scan_failed(&scan, ERR_REJECT, "unix time", err);
    }
    int64_t per_second = unit_per_second(unit, value);
    scan.at += whole.len;
    if (point != STR_NONE) {
        scan.at++;
        if (per_second != 1 || value < 0) {
            scan.wanted = "no fraction, except in positive seconds";
            return scan_failed(&scan, ERR_REJECT, "unix time", err);
        }
        if (!take_fraction(&scan, &nanosecond) || scan.at < scan.end) {
            scan.wanted = "one to nine digits of a fraction";
            return scan_failed(&scan, ERR_REJECT, "unix time", err);
        }
    }
    /* Compared before the multiplication, which could overflow. */
    if (per_second == 1 && (value < DATETIME_MIN_MS / 1000 || value > DATETIME_MAX_MS / 1000)) {
        return err_set(err, ERR_REJECT, "unix time: outside of the years 1 to 9999");
    }
    int64_t ms = per_second == 1 ? value * 1000 + nanosecond / 1000000
                                 : divide_down(value, per_second / 1000);
    if (ms < DATETIME_MIN_MS || ms > DATETIME_MAX_MS) {
        return err_set(err, ERR_REJECT, "unix time: outside of the years 1 to 9999");
    }
    *unix_ms = ms;
    return true;
}

/* Writing. */

static inline char *put_date(char *at, const struct civil *civil)
{
    at = scan_put_two(at, civil->year / 100);
    at = scan_put_two(at, civil->year % 100);
    *at++ = '-';
    at = scan_put_two(at, civil->month);
    *at++ = '-';
    return scan_put_two(at, civil->day);
}

static inline char *put_time(char *at, const struct civil *civil)
{
    at = scan_put_two(at, civil->hour);
    *at++ = ':';
    at = scan_put_two(at, civil->minute);
    *at++ = ':';
    return scan_put_two(at, civil->second);
}

static inline char *put_milliseconds(char *at, const struct civil *civil)
{
    int ms = civil->nanosecond / 1000000;
    *at++ = '.';
    *at++ = (char)('0' + ms / 100);
    return scan_put_two(at, ms % 100);
}

static inline char *put_offset(char *at, int offset_s, bool colon)
{
    int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    *at++ = offset_s < 0 && minutes > 0 ? '-' : '+';
    at = scan_put_two(at, minutes / 60);
    if (colon) {
        *at++ = ':';
    }
    return scan_put_two(at, minutes % 60);
}

/* The nearest moment that can be written on a clock with this offset. */
static struct civil civil_clamped(int64_t unix_ms, int offset_s)
{
    must(offset_s >= -DATETIME_OFFSET_MAX && offset_s <= DATETIME_OFFSET_MAX);
    int64_t min = offset_s < 0 ? DATETIME_MIN_MS - (int64_t)offset_s * 1000 : DATETIME_MIN_MS;
    int64_t max = offset_s > 0 ? DATETIME_MAX_MS - (int64_t)offset_s * 1000 : DATETIME_MAX_MS;
    struct civil civil;
    int64_t clamped = unix_ms < min ? min : (unix_ms > max ? max : unix_ms);
    must(datetime_to_civil_at(clamped, offset_s, &civil));
    return civil;
}

static struct str written(char *out, const char *end)
{
    return (struct str){out, (size_t)(end - out)};
}

struct str datetime_format_iso(int64_t unix_ms, char out[DATETIME_TEXT_MAX])
{
    struct civil civil = civil_clamped(unix_ms, 0);
    char *at = put_date(out, &civil);
    *at++ = 'T';
    at = put_milliseconds(put_time(at, &civil), &civil);
    *at++ = 'Z';
    return written(out, at);
}

struct str datetime_format_iso_at(int64_t unix_ms, int offset_s, char out[DATETIME_TEXT_MAX])
{
    /* The wall clock moves with the offset that is written, or the moment would be another one. */
    int whole_s = offset_s / 60 * 60;
    struct civil civil = civil_clamped(unix_ms, whole_s);
    char *at = put_date(out, &civil);
    *at++ = 'T';
    at = put_milliseconds(put_time(at, &civil), &civil);
    return written(out, put_offset(at, whole_s, true));
}

struct str datetime_format_bridge(int64_t unix_ms, int offset_s, char out[DATETIME_TEXT_MAX])
{
    int whole_s = offset_s / 60 * 60;
    struct civil civil = civil_clamped(unix_ms, whole_s);
    char *at = put_date(out, &civil);
    *at++ = ' ';
    at = put_time(at, &civil);
    if (civil.nanosecond != 0) {
        at = put_milliseconds(at, &civil);
        while (at[-1] == '0') {
            at--;
        }
    }
    return written(out, put_offset(at, whole_s, true));
}

static char *put_mail_date(char *at, const struct civil *civil)
{
    int weekday = datetime_weekday(datetime_days(civil->year, civil->month, civil->day));
    memcpy(at, weekday_names[weekday].ptr, 3);
    memcpy(at + 3, ", ", 2);
    at = scan_put_two(at + 5, civil->day);
    *at++ = ' ';
    memcpy(at, month_names[civil->month - 1].ptr, 3);
    at[3] = ' ';
    at = scan_put_two(at + 4, civil->year / 100);
    at = scan_put_two(at, civil->year % 100);
    *at++ = ' ';
    at = put_time(at, civil);
    *at++ = ' ';
    return at;
}

struct str datetime_format_mail(int64_t unix_ms, int offset_s, char out[DATETIME_TEXT_MAX])
{
    int whole_s = offset_s / 60 * 60;
    struct civil civil = civil_clamped(unix_ms, whole_s);
    return written(out, put_offset(put_mail_date(out, &civil), whole_s, false));
}

struct str datetime_format_http(int64_t unix_ms, char out[DATETIME_TEXT_MAX])
{
    struct civil civil = civil_clamped(unix_ms, 0);
    char *at = put_mail_date(out, &civil);
    memcpy(at, "GMT", 3);
    return written(out, at + 3);
}
