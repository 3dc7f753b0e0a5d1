#include "text/timepattern.h"

#include <string.h>

#include "base/must.h"
#include "text/timescan.h"

enum part {
    PART_LITERAL = 0,
    PART_YEAR,
    PART_MONTH,
    PART_MONTH_SHORT,
    PART_MONTH_ABC,
    PART_MONTH_NAME,
    PART_DAY,
    PART_DAY_SHORT,
    PART_WEEKDAY_ABC,
    PART_WEEKDAY_NAME,
    PART_HOUR,
    PART_HOUR_SHORT,
    PART_HOUR_12,
    PART_HOUR_12_SHORT,
    PART_HALF,
    PART_MINUTE,
    PART_SECOND,
    PART_SECOND_SHORT,
    PART_MILLI,
    PART_MICRO,
    PART_NANO,
    PART_OFFSET_Z,
    PART_OFFSET_COLON,
    PART_OFFSET_PLAIN,
    PART_LETTERS,
    PARTS,
};

/* How a part is written in a pattern, and the most bytes that it makes. */
static const struct {
    struct str name;
    uint8_t size_max;
} parts[PARTS] = {
    [PART_LITERAL] = {STR_INIT(""), 0},        [PART_YEAR] = {STR_INIT("YYYY"), 4},
    [PART_MONTH] = {STR_INIT("MM"), 2},        [PART_MONTH_SHORT] = {STR_INIT("M"), 2},
    [PART_MONTH_ABC] = {STR_INIT("MMM"), 3},   [PART_MONTH_NAME] = {STR_INIT("MMMM"), 9},
    [PART_DAY] = {STR_INIT("DD"), 2},          [PART_DAY_SHORT] = {STR_INIT("D"), 2},
    [PART_WEEKDAY_ABC] = {STR_INIT("ddd"), 3}, [PART_WEEKDAY_NAME] = {STR_INIT("dddd"), 9},
    [PART_HOUR] = {STR_INIT("HH"), 2},         [PART_HOUR_SHORT] = {STR_INIT("H"), 2},
    [PART_HOUR_12] = {STR_INIT("hh"), 2},      [PART_HOUR_12_SHORT] = {STR_INIT("h"), 2},
    [PART_HALF] = {STR_INIT("A"), 2},          [PART_MINUTE] = {STR_INIT("mm"), 2},
    [PART_SECOND] = {STR_INIT("SS"), 2},       [PART_SECOND_SHORT] = {STR_INIT("S"), 2},
    [PART_MILLI] = {STR_INIT("mmm"), 3},       [PART_MICRO] = {STR_INIT("uuuuuu"), 6},
    [PART_NANO] = {STR_INIT("nnnnnnnnn"), 9},  [PART_OFFSET_Z] = {STR_INIT("Z"), 6},
    [PART_OFFSET_COLON] = {STR_INIT("ZZ"), 6}, [PART_OFFSET_PLAIN] = {STR_INIT("ZZZ"), 5},
    [PART_LETTERS] = {STR_INIT("zzz"), 8},
};

/* Compiling. */

static bool add_step(struct timepattern *pattern, enum part part, size_t from, size_t len)
{
    if (pattern->count == TIMEPATTERN_STEPS_MAX) {
        return false;
    }
    pattern->steps[pattern->count++] =
        (struct timepattern_step){(uint8_t)part, (uint8_t)from, (uint8_t)len};
    return true;
}

/* Bytes that stand for themselves join the literal before them. */
static bool add_literal(struct timepattern *pattern, size_t *text_len, char byte)
{
    must(*text_len < TIMEPATTERN_TEXT_MAX);
    pattern->text[(*text_len)++] = byte;
    struct timepattern_step *last = &pattern->steps[pattern->count - (pattern->count > 0)];
    if (pattern->count > 0 && last->part == PART_LITERAL) {
        last->len++;
        return true;
    }
    return add_step(pattern, PART_LITERAL, *text_len - 1, 1);
}

/* 'quoted', with '' for a quote; also '' alone. */
static bool take_quoted(struct scan *scan, struct timepattern *pattern, size_t *text_len)
{
    scan->at++;
    if (scan_skip(scan, '\'')) {
        return add_literal(pattern, text_len, '\'');
    }
    while (scan->at < scan->end) {
        char byte = *scan->at++;
        if (byte == '\'' && !scan_skip(scan, '\'')) {
            return true;
        }
        if (!add_literal(pattern, text_len, byte)) {
            return false;
        }
    }
    return scan_wants(scan, "a closing quote");
}

/* A run of one letter: the name of a part. */
static bool take_part(struct scan *scan, struct timepattern *pattern)
{
    const char *first = scan->at;
    while (scan_next_is(scan, *first)) {
        scan->at++;
    }
    struct str run = {first, (size_t)(scan->at - first)};
    for (int part = PART_LITERAL + 1; part < PARTS; part++) {
        if (str_equal(run, parts[part].name)) {
            return add_step(pattern, (enum part)part, 0, 0);
        }
    }
    scan->at = first;
    return scan_wants(scan, "YYYY MM DD HH mm SS mmm Z or 'letters in quotes'");
}

static bool is_hour(uint8_t part)
{
    return part >= PART_HOUR && part <= PART_HOUR_12_SHORT;
}

/* MM as the next part after an hour, or as the last one before a second, is the minute. */
static void settle_minutes(struct timepattern *pattern)
{
    uint8_t before = PART_LITERAL;
    for (size_t i = 0; i < pattern->count; i++) {
        struct timepattern_step *step = &pattern->steps[i];
        if (step->part == PART_LITERAL) {
            continue;
        }
        size_t next = i + 1;
        while (next < pattern->count && pattern->steps[next].part == PART_LITERAL) {
            next++;
        }
        bool second = next < pattern->count && (pattern->steps[next].part == PART_SECOND ||
                                                pattern->steps[next].part == PART_SECOND_SHORT);
        if (step->part == PART_MONTH && (is_hour(before) || second)) {
            step->part = PART_MINUTE;
        }
        before = step->part;
    }
}

/* What the pattern says, as bits of enum part. */
static uint32_t parts_of(const struct timepattern *pattern)
{
    uint32_t set = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        set |= UINT32_C(1) << pattern->steps[i].part;
    }
    return set;
}

static bool any_of(uint32_t set, enum part first, enum part last)
{
    return (set >> first & ((UINT32_C(2) << (last - first)) - 1)) != 0;
}

static bool check_parts(struct timepattern *pattern, struct err *err)
{
    uint32_t set = parts_of(pattern);
    size_t size = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        const struct timepattern_step *step = &pattern->steps[i];
        size += step->part == PART_LITERAL ? step->len : parts[step->part].size_max;
    }
    if (size > DATETIME_TEXT_MAX) {
        return err_set(err, ERR_CONFIG, "time pattern: makes more than %d bytes",
                       DATETIME_TEXT_MAX);
    }
    if (any_of(set, PART_HOUR_12, PART_HOUR_12_SHORT) != any_of(set, PART_HALF, PART_HALF)) {
        return err_set(err, ERR_CONFIG,
                       "time pattern: hh (01-12) and A (AM or PM) need each other");
    }
    pattern->has_time = any_of(set, PART_HOUR, PART_HOUR_12_SHORT);
    pattern->reads =
        any_of(set, PART_YEAR, PART_YEAR) && any_of(set, PART_MONTH, PART_MONTH_NAME) &&
        any_of(set, PART_DAY, PART_DAY_SHORT) && !any_of(set, PART_LETTERS, PART_LETTERS);
    return true;
}

bool timepattern_compile(struct str pattern, struct timepattern *out, struct err *err)
{
    struct scan scan = scan_of(pattern);
    struct timepattern made = {0};
    size_t text_len = 0;
    if (pattern.len == 0 || pattern.len > TIMEPATTERN_TEXT_MAX) {
        return err_set(err, ERR_CONFIG, "time pattern: expected 1 to %d bytes",
                       TIMEPATTERN_TEXT_MAX);
    }
    while (scan.at < scan.end) {
        scan.wanted = "fewer parts";
        bool ok = false;
        if (*scan.at == '\'') {
            ok = take_quoted(&scan, &made, &text_len);
        } else if (scan_alpha(*scan.at) && *scan.at != 'T') {
            ok = take_part(&scan, &made);
        } else {
            ok = add_literal(&made, &text_len, *scan.at++);
        }
        if (!ok) {
            return scan_failed(&scan, ERR_CONFIG, "time pattern", err);
        }
    }
    settle_minutes(&made);
    if (!check_parts(&made, err)) {
        return false;
    }
    *out = made;
    return true;
}

/* Reading. */

/* The halves of a day are known only at the end: "02:05 PM" has the hour first. */
struct half {
    bool given;
    bool afternoon;
};

static bool read_digits(struct scan *scan, int count, int scale, int *out)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!scan_next_is_digit(scan)) {
            return scan_wants(scan, "digits of a fraction");
        }
        value = value * 10 + (*scan->at++ - '0');
    }
    *out = value * scale;
    return true;
}

static bool read_name(struct scan *scan, struct str (*name)(int), int first, int count, bool whole,
                      int *out)
{
    const char *start = scan->at;
    struct str word = scan_word(scan);
    int found = scan_name(word, name, first, count);
    if (found < 0 || (word.len == 3) == (whole && name(found).len != 3)) {
        scan->at = start;
        return scan_wants(scan, "an English name of a month or weekday");
    }
    *out = found;
    return true;
}

static bool read_offset(struct scan *scan, enum part part, struct stamp *out)
{
    int hours = 0;
    int minutes = 0;
    out->has_offset = true;
    if (part == PART_OFFSET_Z && scan_skip(scan, 'Z')) {
        out->offset_s = 0;
        return true;
    }
    bool west = scan_next_is(scan, '-');
    if (!west && !scan_next_is(scan, '+')) {
        return scan_wants(scan, "an offset such as +02:00");
    }
    scan->at++;
    if (!scan_two(scan, 17, &hours, "hours of an offset, 00 to 17")) {
        return false;
    }
    if (part != PART_OFFSET_PLAIN && !scan_skip(scan, ':')) {
        return scan_wants(scan, "':' in an offset");
    }
    if (!scan_two(scan, 59, &minutes, "minutes of an offset, 00 to 59")) {
        return false;
    }
    out->offset_s = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

static bool read_half(struct scan *scan, struct half *half)
{
    struct str word = scan_word(scan);
    half->given = true;
    half->afternoon = str_equal_ascii_case(word, STR("PM"));
    if (!half->afternoon && !str_equal_ascii_case(word, STR("AM"))) {
        scan->at -= word.len;
        return scan_wants(scan, "AM or PM");
    }
    return true;
}

static bool read_date_part(struct scan *scan, enum part part, struct civil *out)
{
    int weekday = 0; /* Read over: where it contradicts the date, the date is right. */
    if (part == PART_YEAR) {
        return scan_year(scan, &out->year);
    }
    if (part == PART_MONTH) {
        return scan_two(scan, 12, &out->month, "a month, 01 to 12");
    }
    if (part == PART_MONTH_SHORT) {
        return scan_short(scan, 12, &out->month, "a month, 1 to 12");
    }
    if (part == PART_DAY) {
        return scan_two(scan, 31, &out->day, "a day, 01 to 31");
    }
    if (part == PART_DAY_SHORT) {
        return scan_short(scan, 31, &out->day, "a day, 1 to 31");
    }
    if (part == PART_MONTH_ABC || part == PART_MONTH_NAME) {
        return read_name(scan, datetime_month_name, 1, 12, part == PART_MONTH_NAME, &out->month);
    }
    return read_name(scan, datetime_weekday_name, 0, 7, part == PART_WEEKDAY_NAME, &weekday);
}

static bool read_time_part(struct scan *scan, enum part part, struct civil *out)
{
    bool twelve = part == PART_HOUR_12 || part == PART_HOUR_12_SHORT;
    int hour_max = twelve ? 12 : 23;
    const char *hour = twelve ? "an hour, 1 to 12" : "an hour, 0 to 23";
    if (part == PART_HOUR || part == PART_HOUR_12) {
        return scan_two(scan, hour_max, &out->hour, hour);
    }
    if (part == PART_HOUR_SHORT || part == PART_HOUR_12_SHORT) {
        return scan_short(scan, hour_max, &out->hour, hour);
    }
    if (part == PART_MINUTE) {
        return scan_two(scan, 59, &out->minute, "a minute, 00 to 59");
    }
    if (part == PART_SECOND) {
        return scan_two(scan, 59, &out->second, "a second, 00 to 59");
    }
    if (part == PART_SECOND_SHORT) {
        return scan_short(scan, 59, &out->second, "a second, 0 to 59");
    }
    int digits = part == PART_MILLI ? 3 : (part == PART_MICRO ? 6 : 9);
    int scale = part == PART_MILLI ? 1000000 : (part == PART_MICRO ? 1000 : 1);
    return read_digits(scan, digits, scale, &out->nanosecond);
}

static bool read_step(struct scan *scan, const struct timepattern *pattern,
                      const struct timepattern_step *step, struct stamp *out, struct half *half)
{
    enum part part = (enum part)step->part;
    if (part == PART_LITERAL) {
        if (scan_left(scan) < step->len ||
            memcmp(scan->at, pattern->text + step->from, step->len) != 0) {
            return scan_wants(scan, "the text of the pattern");
        }
        scan->at += step->len;
        return true;
    }
    if (part <= PART_WEEKDAY_NAME) {
        return read_date_part(scan, part, &out->civil);
    }
    if (part == PART_HALF) {
        return read_half(scan, half);
    }
    return part <= PART_NANO ? read_time_part(scan, part, &out->civil)
                             : read_offset(scan, part, out);
}

static bool settle(struct scan *scan, const struct half *half, struct stamp *stamp)
{
    struct civil *civil = &stamp->civil;
    if (half->given) {
        if (civil->hour == 0) {
            return scan_wants(scan, "an hour, 1 to 12");
        }
        civil->hour = civil->hour % 12 + (half->afternoon ? 12 : 0);
    }
    int64_t unix_ms = 0;
    if (!datetime_civil_valid(civil)) {
        return scan_wants(scan, "a date that exists");
    }
    if (datetime_stamp_ms(stamp, &unix_ms) &&
        (unix_ms < DATETIME_MIN_MS || unix_ms > DATETIME_MAX_MS)) {
        return scan_wants(scan, "a moment within the years 1 to 9999");
    }
    return true;
}

bool timepattern_read(const struct timepattern *pattern, struct str text, struct stamp *out,
                      struct err *err)
{
    struct scan scan = scan_of(text);
    struct stamp stamp = {.has_time = pattern->has_time};
    struct half half = {0};
    if (!pattern->reads) {
        return err_set(err, ERR_CONFIG,
                       "time pattern: cannot be read without year, month and day, or with zzz");
    }
    for (size_t i = 0; i < pattern->count; i++) {
        if (!read_step(&scan, pattern, &pattern->steps[i], &stamp, &half)) {
            return scan_failed(&scan, ERR_REJECT, "time", err);
        }
    }
    if (scan.at < scan.end) {
        scan.wanted = "the end";
        return scan_failed(&scan, ERR_REJECT, "time", err);
    }
    scan.at = scan.start;
    if (!settle(&scan, &half, &stamp)) {
        return scan_failed(&scan, ERR_REJECT, "time", err);
    }
    *out = stamp;
    return true;
}

/* Writing. */

static char *put_text(char *at, struct str text)
{
    memcpy(at, text.ptr, text.len);
    return at + text.len;
}

static char *put_short(char *at, int value)
{
    if (value >= 10) {
        return scan_put_two(at, value);
    }
    *at++ = (char)('0' + value);
    return at;
}

static char *put_fraction(char *at, int nanosecond, int digits)
{
    int value = nanosecond;
    for (int i = 9; i > digits; i--) {
        value /= 10;
    }
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + digits;
}

static char *put_offset(char *at, enum part part, int offset_s)
{
    int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    if (part == PART_OFFSET_Z && minutes == 0) {
        *at++ = 'Z';
        return at;
    }
    *at++ = offset_s < 0 && minutes > 0 ? '-' : '+';
    at = scan_put_two(at, minutes / 60);
    if (part != PART_OFFSET_PLAIN) {
        *at++ = ':';
    }
    return scan_put_two(at, minutes % 60);
}

/* The parts that are words. */
static struct str word_of(enum part part, const struct civil *civil, const struct zone_clock *clock)
{
    if (part == PART_HALF) {
        return civil->hour < 12 ? STR("AM") : STR("PM");
    }
    if (part == PART_LETTERS) {
        return str_slice(clock->letters, 0, parts[PART_LETTERS].size_max);
    }
    bool month = part == PART_MONTH_ABC || part == PART_MONTH_NAME;
    int64_t days = datetime_days(civil->year, civil->month, civil->day);
    struct str name =
        month ? datetime_month_name(civil->month) : datetime_weekday_name(datetime_weekday(days));
    return str_slice(name, 0, parts[part].size_max);
}

static char *put_part(char *at, enum part part, const struct civil *civil,
                      const struct zone_clock *clock)
{
    int twelve = (civil->hour + 11) % 12 + 1;
    switch (part) {
    case PART_YEAR:
        return scan_put_two(scan_put_two(at, civil->year / 100), civil->year % 100);
    case PART_MONTH:
        return scan_put_two(at, civil->month);
    case PART_MONTH_SHORT:
        return put_short(at, civil->month);
    case PART_DAY:
        return scan_put_two(at, civil->day);
    case PART_DAY_SHORT:
        return put_short(at, civil->day);
    case PART_HOUR:
        return scan_put_two(at, civil->hour);
    case PART_HOUR_SHORT:
        return put_short(at, civil->hour);
    case PART_HOUR_12:
        return scan_put_two(at, twelve);
    case PART_HOUR_12_SHORT:
        return put_short(at, twelve);
    case PART_MINUTE:
        return scan_put_two(at, civil->minute);
    case PART_SECOND:
        return scan_put_two(at, civil->second);
    case PART_SECOND_SHORT:
        return put_short(at, civil->second);
    case PART_MILLI:
        return put_fraction(at, civil->nanosecond, 3);
    case PART_MICRO:
        return put_fraction(at, civil->nanosecond, 6);
    case PART_NANO:
        return put_fraction(at, civil->nanosecond, 9);
    case PART_OFFSET_Z:
    case PART_OFFSET_COLON:
    case PART_OFFSET_PLAIN:
        return put_offset(at, part, clock->offset_s);
    case PART_MONTH_ABC:
    case PART_MONTH_NAME:
    case PART_WEEKDAY_ABC:
    case PART_WEEKDAY_NAME:
    case PART_HALF:
    case PART_LETTERS:
        return put_text(at, word_of(part, civil, clock));
    case PART_LITERAL:
    case PARTS:
        break;
    }
    return at;
}

struct str timepattern_write(const struct timepattern *pattern, const struct zone *zone,
                             int64_t utc_ms, char out[DATETIME_TEXT_MAX])
{
    struct zone_clock clock = zone_offset_at(zone, utc_ms);
    struct civil civil;
    if (!datetime_to_civil_at(utc_ms, clock.offset_s, &civil)) {
        must(datetime_to_civil(utc_ms < 0 ? DATETIME_MIN_MS : DATETIME_MAX_MS, &civil));
    }
    char *at = out;
    for (size_t i = 0; i < pattern->count; i++) {
        const struct timepattern_step *step = &pattern->steps[i];
        if (step->part == PART_LITERAL) {
            memcpy(at, pattern->text + step->from, step->len);
            at += step->len;
        } else {
            at = put_part(at, (enum part)step->part, &civil, &clock);
        }
    }
    return (struct str){out, (size_t)(at - out)};
}
