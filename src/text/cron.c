#include "text/cron.h"

#include <string.h>

#include "base/must.h"
#include "text/datetime.h"

enum { HOURS_ALL = (1 << 24) - 1, ITEMS_MAX = 64, NUMBER_MAX = 9999 };

/* One field of the line: its limits, and names for its values from `min` (or 0) on. */
struct field {
    const char *name;
    int min;
    int max;
    struct str (*value_name)(int value);
};

static const struct field fields[] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of month", 1, 31, NULL},
    {"month", 1, 12, datetime_month_name},
    {"weekday", 0, 7, datetime_weekday_name},
};

enum { FIELD_DAY = 2, FIELD_WEEKDAY = 4, FIELDS = 5 };

/* Where the reader stands; a NUL stands in for the end. */
struct reader {
    struct str text;
    size_t at;
    const struct field *field;
    struct err *err;
};

struct values {
    uint64_t mask;
    bool any;
    bool last;
};

static char peek(const struct reader *reader)
{
    return reader->at < reader->text.len ? reader->text.ptr[reader->at] : '\0';
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool refuse(const struct reader *reader, const char *expected)
{
    return err_set(reader->err, ERR_CONFIG, "cron, %s: expected %s at offset %zu",
                   reader->field->name, expected, reader->at);
}

static bool refuse_value(const struct reader *reader, size_t at, int value)
{
    return err_set(reader->err, ERR_CONFIG, "cron, %s: %d is not within %d to %d, at offset %zu",
                   reader->field->name, value, reader->field->min, reader->field->max, at);
}

static bool read_number(struct reader *reader, int *out)
{
    int value = 0;
    size_t first = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9' && value <= NUMBER_MAX) {
        value = value * 10 + (peek(reader) - '0');
        reader->at++;
    }
    *out = value;
    return reader->at > first;
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* A name of three letters, such as MON. */
static bool read_name(struct reader *reader, int *out)
{
    const struct field *field = reader->field;
    size_t end = reader->at;
    while (end < reader->text.len && is_letter(reader->text.ptr[end])) {
        end++;
    }
    struct str word = str_slice(reader->text, reader->at, end);
    int last = field - fields == FIELD_WEEKDAY ? 6 : field->max;
    for (int value = field->min; field->value_name != NULL && value <= last; value++) {
        if (str_equal_ascii_case(word, str_slice(field->value_name(value), 0, 3))) {
            *out = value;
            reader->at = end;
            return true;
        }
    }
    return false;
}

static bool read_value(struct reader *reader, int *out)
{
    size_t first = reader->at;
    if (read_number(reader, out)) {
        return (*out >= reader->field->min && *out <= reader->field->max) ||
               refuse_value(reader, first, *out);
    }
    if (read_name(reader, out)) {
        return true;
    }
    return refuse(reader, reader->field->value_name == NULL ? "'*' or a number"
                                                            : "'*', a number or a name (MON, JAN)");
}

/* "-5" behind a first value. */
static bool read_range_end(struct reader *reader, int first, int *last)
{
    size_t at = reader->at;
    if (!read_value(reader, last)) {
        return false;
    }
    if (*last == 0 && reader->field - fields == FIELD_WEEKDAY && first > 0) {
        *last = 7; /* FRI-SUN */
    }
    if (*last < first) {
        reader->at = at;
        return refuse(reader, "a range that runs upwards (write 22-23,0-2 for over midnight)");
    }
    return true;
}

static bool read_step(struct reader *reader, bool range, int *step)
{
    size_t at = reader->at;
    if (!range) {
        return refuse(reader, "no step behind a single value (write 5-59/15)");
    }
    reader->at++;
    if (!read_number(reader, step)) {
        return refuse(reader, "a number behind '/'");
    }
    if (*step < 1 || *step > reader->field->max) {
        reader->at = at + 1;
        return refuse(reader, "a step that is not zero and not longer than the field");
    }
    return true;
}

/* `*`, 5, 1-5, each with a step or not, or L. */
static bool read_item(struct reader *reader, struct values *out)
{
    int first = reader->field->min;
    int last = reader->field->max;
    int step = 1;
    bool range = true;
    if (reader->field - fields == FIELD_DAY && (peek(reader) == 'L' || peek(reader) == 'l')) {
        reader->at++;
        out->last = true;
        return true;
    }
    if (peek(reader) == '*') {
        reader->at++;
        last = reader->field - fields == FIELD_WEEKDAY ? 6 : last;
    } else {
        if (!read_value(reader, &first)) {
            return false;
        }
        last = first;
        range = peek(reader) == '-';
        if (range) {
            reader->at++;
            if (!read_range_end(reader, first, &last)) {
                return false;
            }
        }
    }
    if (peek(reader) == '/' && !read_step(reader, range, &step)) {
        return false;
    }
    for (int value = first; value <= last; value += step) {
        out->mask |= UINT64_C(1) << value;
    }
    return true;
}

static bool read_field(struct reader *reader, struct values *out)
{
    *out = (struct values){.any = peek(reader) == '*'};
    for (int items = 0; items < ITEMS_MAX; items++) {
        if (!read_item(reader, out)) {
            return false;
        }
        if (reader->at == reader->text.len || is_space(peek(reader))) {
            return true;
        }
        if (peek(reader) != ',') {
            return refuse(reader, "',', '-', '/' or the end of the field");
        }
        reader->at++;
    }
    return refuse(reader, "fewer values in the list");
}

static void skip_spaces(struct reader *reader)
{
    while (is_space(peek(reader))) {
        reader->at++;
    }
}

static bool find_macro(struct str text, struct str *out)
{
    static const struct {
        struct str name;
        struct str line;
    } macros[] = {
        {STR_INIT("@hourly"), STR_INIT("0 * * * *")},
        {STR_INIT("@daily"), STR_INIT("0 0 * * *")},
        {STR_INIT("@midnight"), STR_INIT("0 0 * * *")},
        {STR_INIT("@weekly"), STR_INIT("0 0 * * 0")},
        {STR_INIT("@monthly"), STR_INIT("0 0 1 * *")},
        {STR_INIT("@yearly"), STR_INIT("0 0 1 1 *")},
        {STR_INIT("@annually"), STR_INIT("0 0 1 1 *")},
    };
    for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++) {
        if (str_equal_ascii_case(text, macros[i].name)) {
            *out = macros[i].line;
            return true;
        }
    }
    return false;
}

bool cron_parse(struct str text, struct cron *out, struct err *err)
{
    struct values values[FIELDS];
    struct str line = text;
    if (text.len > CRON_TEXT_MAX) {
        return err_set(err, ERR_CONFIG, "cron: longer than %d bytes", CRON_TEXT_MAX);
    }
    if (str_starts(str_trim(text), STR("@")) && !find_macro(str_trim(text), &line)) {
        return err_set(err, ERR_CONFIG,
                       "cron: expected @hourly, @daily, @weekly, @monthly, @yearly or five fields");
    }
    struct reader reader = {line, 0, fields, err};
    for (size_t i = 0; i < FIELDS; i++) {
        reader.field = &fields[i];
        skip_spaces(&reader);
        if (reader.at == line.len) {
            return refuse(&reader, "five fields: minute, hour, day, month, weekday; this one is "
                                   "missing");
        }
        if (!read_field(&reader, &values[i])) {
            return false;
        }
    }
    skip_spaces(&reader);
    if (reader.at < line.len) {
        return refuse(&reader, "the end behind five fields (there is none for seconds)");
    }
    uint64_t weekdays = values[4].mask | values[4].mask >> 7; /* 7 is Sunday too. */
    *out = (struct cron){
        .minutes = values[0].mask,
        .hours = (uint32_t)values[1].mask,
        .days = (uint32_t)values[2].mask,
        .months = (uint16_t)values[3].mask,
        .weekdays = (uint8_t)(weekdays & 0x7f),
        .day_last = values[2].last,
        .days_any = values[2].any,
        .weekdays_any = values[4].any,
    };
    return true;
}

static bool has(uint64_t mask, int value)
{
    return (mask >> value & 1) != 0;
}

static bool date_fits(const struct cron *cron, const struct civil *civil)
{
    int last = datetime_month_days(civil->year, civil->month);
    int weekday = datetime_weekday(datetime_days(civil->year, civil->month, civil->day));
    bool day = has(cron->days, civil->day) || (cron->day_last && civil->day == last);
    bool week = has(cron->weekdays, weekday);
    if (cron->days_any || cron->weekdays_any) {
        return day && week;
    }
    return day || week;
}

/* The first fitting time of this day at or after the one that it shows. */
static bool time_fits(const struct cron *cron, struct civil *civil)
{
    for (int hour = civil->hour; hour < 24; hour++) {
        uint64_t minutes = has(cron->hours, hour) ? cron->minutes : 0;
        minutes &= hour == civil->hour ? UINT64_MAX << civil->minute : UINT64_MAX;
        if (minutes != 0) {
            civil->hour = hour;
            civil->minute = __builtin_ctzll(minutes);
            return true;
        }
    }
    return false;
}

static void to_next_month(struct civil *civil)
{
    civil->year += civil->month == 12 ? 1 : 0;
    civil->month = civil->month % 12 + 1;
    civil->day = 1;
    civil->hour = 0;
    civil->minute = 0;
}

static void to_next_day(struct civil *civil)
{
    if (civil->day == datetime_month_days(civil->year, civil->month)) {
        to_next_month(civil);
        return;
    }
    civil->day++;
    civil->hour = 0;
    civil->minute = 0;
}

/* The first minute on the wall, at or after `local_ms` as if that were UTC. */
static bool next_on_wall(const struct cron *cron, int64_t local_ms, struct civil *civil)
{
    if (!datetime_to_civil(local_ms, civil)) {
        return false;
    }
    must(civil->second == 0 && civil->nanosecond == 0);
    int year_last = civil->year + CRON_YEARS_MAX < 9999 ? civil->year + CRON_YEARS_MAX : 9999;
    while (civil->year <= year_last) {
        if (!has(cron->months, civil->month)) {
            to_next_month(civil);
        } else if (date_fits(cron, civil) && time_fits(cron, civil)) {
            return true;
        } else {
            to_next_day(civil);
        }
    }
    return false;
}

/* `local_ms` itself when it is a whole minute, else the next one. */
static int64_t minute_up(int64_t local_ms)
{
    int64_t rest = local_ms % DATETIME_MINUTE_MS;
    if (rest == 0) {
        return local_ms;
    }
    return local_ms - rest + (rest > 0 ? DATETIME_MINUTE_MS : 0);
}

/*
 * `after_ms` may lie in the first showing of an hour that the wall is about to show again. The walk
 * along the wall passes over the second showing; this finds a time in it, before `until_ms`.
 */
static bool next_in_repeat(const struct cron *cron, const struct zone *zone, int64_t after_ms,
                           int64_t until_ms, int64_t *next_ms)
{
    int64_t change_ms = 0;
    if (!zone_next_change(zone, after_ms, &change_ms) || change_ms >= until_ms) {
        return false;
    }
    int64_t offset_ms = (int64_t)zone_offset_at(zone, change_ms).offset_s * 1000;
    struct civil civil;
    if (!next_on_wall(cron, minute_up(change_ms + offset_ms), &civil)) {
        return false;
    }
    *next_ms = datetime_from_civil(&civil) - offset_ms;
    return *next_ms < until_ms;
}

bool cron_next(const struct cron *cron, const struct zone *zone, int64_t after_ms, int64_t *next_ms)
{
    enum { REPEATED_MAX = 2 * 24 * 60 }; /* Minutes that one change can show again, and more. */
    if (after_ms < DATETIME_MIN_MS || after_ms > DATETIME_MAX_MS) {
        return false;
    }
    bool every_hour = cron->hours == HOURS_ALL;
    int64_t local_ms = after_ms + (int64_t)zone_offset_at(zone, after_ms).offset_s * 1000;
    for (int i = 0; i < REPEATED_MAX; i++) {
        struct civil civil;
        struct zone_local local;
        if (!next_on_wall(cron, minute_up(local_ms + 1), &civil)) {
            return false;
        }
        enum zone_fit fit = zone_local_to_utc(zone, &civil, &local);
        int64_t at_ms = fit == ZONE_GAP ? local.change_ms : local.first_ms;
        if (fit == ZONE_FOLD && every_hour && at_ms <= after_ms) {
            at_ms = local.second_ms;
        }
        if (at_ms > after_ms) {
            if (every_hour) {
                (void)next_in_repeat(cron, zone, after_ms, at_ms, &at_ms);
            }
            *next_ms = at_ms;
            return true;
        }
        local_ms = datetime_from_civil(&civil);
    }
    return false;
}

/* Words. */

static int count_of(uint64_t mask)
{
    return __builtin_popcountll(mask);
}

/* The distance if the values are 0, n, 2n, … up to the end of `size`; else 0. */
static int step_of(uint64_t mask, int size)
{
    for (int step = 1; step <= size / 2; step++) {
        uint64_t every = 0;
        for (int value = 0; value < size; value += step) {
            every |= UINT64_C(1) << value;
        }
        if (mask == every) {
            return step;
        }
    }
    return 0;
}

/* Numbers, or names where there are any: "1, 2 and 5". */
static void add_list(struct buf *out, uint64_t mask, struct str (*value_name)(int value))
{
    int rest = count_of(mask);
    for (int value = 0; value < 64 && rest > 0; value++) {
        if (!has(mask, value)) {
            continue;
        }
        if (value_name != NULL) {
            buf_add(out, value_name(value));
        } else {
            buf_add_int(out, value);
        }
        rest--;
        buf_add(out, rest > 1 ? STR(", ") : (rest == 1 ? STR(" and ") : STR("")));
    }
}

static void add_clock_times(const struct cron *cron, struct buf *out)
{
    int rest = count_of(cron->hours);
    buf_add(out, STR("at "));
    for (int hour = 0; hour < 24; hour++) {
        if (!has(cron->hours, hour)) {
            continue;
        }
        buf_printf(out, "%02d:%02d", hour, __builtin_ctzll(cron->minutes));
        rest--;
        buf_add(out, rest > 1 ? STR(", ") : (rest == 1 ? STR(" and ") : STR("")));
    }
}

static void add_time(const struct cron *cron, struct buf *out)
{
    enum { CLOCK_TIMES_MAX = 6 };
    int minute_step = step_of(cron->minutes, 60);
    bool every_hour = cron->hours == HOURS_ALL;
    if (count_of(cron->minutes) == 1 && count_of(cron->hours) <= CLOCK_TIMES_MAX) {
        add_clock_times(cron, out);
        return;
    }
    if (minute_step == 1) {
        buf_add(out, STR("every minute"));
    } else if (minute_step > 1 && 60 % minute_step == 0) {
        buf_printf(out, "every %d minutes", minute_step);
    } else {
        buf_add(out, count_of(cron->minutes) == 1 ? STR("at minute ") : STR("at minutes "));
        add_list(out, cron->minutes, NULL);
    }
    if (!every_hour) {
        buf_add(out, count_of(cron->hours) == 1 ? STR(" of hour ") : STR(" of hours "));
        add_list(out, cron->hours, NULL);
    } else if (minute_step == 0 || 60 % minute_step != 0) {
        buf_add(out, STR(" of every hour"));
    }
}

static void add_days(const struct cron *cron, struct buf *out)
{
    if (count_of(cron->days) > 0) {
        buf_add(out, count_of(cron->days) == 1 ? STR(" on day ") : STR(" on days "));
        add_list(out, cron->days, NULL);
        buf_add(out, STR(" of the month"));
    }
    if (cron->day_last) {
        buf_add(out, count_of(cron->days) > 0 ? STR(" and") : STR(" on"));
        buf_add(out, STR(" the last day of the month"));
    }
}

void cron_describe(const struct cron *cron, struct buf *out)
{
    bool all_days = count_of(cron->days) == 31;
    bool all_weekdays = count_of(cron->weekdays) == 7;
    add_time(cron, out);
    if (!all_days) {
        add_days(cron, out);
    }
    if (!all_weekdays) {
        bool either = !all_days && !cron->days_any && !cron->weekdays_any;
        buf_add(out, all_days ? STR(" on ") : (either ? STR(" or on ") : STR(", if it is ")));
        add_list(out, cron->weekdays, datetime_weekday_name);
    }
    if (all_days && all_weekdays && count_of(cron->hours) < 24) {
        buf_add(out, STR(" every day"));
    }
    if (count_of(cron->months) < 12) {
        buf_add(out, STR(" in "));
        add_list(out, cron->months, datetime_month_name);
    }
}
