#include "text/duration.h"

#include "text/timescan.h"

/* From large to small; "m" stands before "ms" and is told from it by its length. */
static const struct unit {
    struct str name;
    int64_t ms;
} units[] = {
    {STR_INIT("w"), 604800000}, {STR_INIT("d"), 86400000}, {STR_INIT("h"), 3600000},
    {STR_INIT("m"), 60000},     {STR_INIT("s"), 1000},     {STR_INIT("ms"), 1},
};

enum { UNITS = sizeof units / sizeof units[0] };

static bool take_amount(struct scan *scan, int64_t *out)
{
    int64_t amount = 0;
    const char *first = scan->at;
    while (scan_next_is_digit(scan)) {
        amount = amount * 10 + (*scan->at - '0');
        if (amount > DURATION_MAX_MS) {
            scan->at = first;
            return scan_wants(scan, "at most a hundred years");
        }
        scan->at++;
    }
    *out = amount;
    return scan->at > first || scan_wants(scan, "a number such as the 15 of 15s");
}

/* The unit at or after `from`, because larger ones come first and each once. */
static bool take_unit(struct scan *scan, size_t from, size_t *out)
{
    const char *first = scan->at;
    struct str word = scan_word(scan);
    for (size_t i = 0; i < UNITS; i++) {
        if (str_equal_ascii_case(word, units[i].name)) {
            *out = i;
            scan->at = i < from ? first : scan->at;
            return i >= from || scan_wants(scan, "a smaller unit than the one before");
        }
    }
    scan->at = first;
    if (scan_next_is(scan, '.') || scan_next_is(scan, ',')) {
        return scan_wants(scan, "no fraction (write 1h30m or 1500ms)");
    }
    return scan_wants(scan, "a unit: w, d, h, m, s or ms");
}

static bool take_duration(struct scan *scan, int64_t *out)
{
    int64_t total = 0;
    size_t from = 0;
    for (size_t parts = 0; parts < UNITS; parts++) {
        const char *first = scan->at;
        int64_t amount = 0;
        size_t unit = 0;
        if (!take_amount(scan, &amount) || !take_unit(scan, from, &unit)) {
            return false;
        }
        if (amount > (DURATION_MAX_MS - total) / units[unit].ms) {
            scan->at = first;
            return scan_wants(scan, "at most a hundred years");
        }
        total += amount * units[unit].ms;
        from = unit + 1;
        if (scan->at == scan->end) {
            *out = total;
            return true;
        }
        scan_skip(scan, ' ');
    }
    return scan_wants(scan, "the end");
}

bool duration_parse(struct str text, int64_t *ms, struct err *err)
{
    struct scan scan = scan_of(text);
    if (str_equal(text, STR("0"))) {
        *ms = 0;
        return true;
    }
    return take_duration(&scan, ms) || scan_failed(&scan, ERR_CONFIG, "duration", err);
}

static char *put_number(char *at, int64_t value)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        *at++ = digits[--count];
    }
    return at;
}

struct str duration_format(int64_t ms, char out[DURATION_TEXT_MAX])
{
    char *at = out;
    int64_t rest = ms < 0 ? 0 : (ms > DURATION_MAX_MS ? DURATION_MAX_MS : ms);
    for (size_t i = 1; i < UNITS; i++) {
        int64_t amount = rest / units[i].ms;
        rest %= units[i].ms;
        if (amount == 0) {
            continue;
        }
        at = put_number(at, amount);
        memcpy(at, units[i].name.ptr, units[i].name.len);
        at += units[i].name.len;
    }
    if (at == out) {
        *at++ = '0';
        *at++ = 's';
    }
    return (struct str){out, (size_t)(at - out)};
}
