/*
 * timescan: small readers that the files about dates share. Private to them.
 *
 * `struct scan` walks over a text. A reader that fails leaves `at` where the text stops to fit and
 * says in `wanted` what should have stood there; only scan_failed() makes a sentence of it, so that
 * a text that fits costs nothing for errors.
 */
#ifndef SLUICE_TEXT_TIMESCAN_H
#define SLUICE_TEXT_TIMESCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

struct scan {
    const char *start;
    const char *at;
    const char *end;
    const char *wanted;
};

static inline struct scan scan_of(struct str text)
{
    const char *start = text.ptr != NULL ? text.ptr : "";
    return (struct scan){start, start, start + text.len, NULL};
}

static inline bool scan_wants(struct scan *scan, const char *wanted)
{
    scan->wanted = wanted;
    return false;
}

static inline size_t scan_left(const struct scan *scan)
{
    return (size_t)(scan->end - scan->at);
}

/* Always false: the failure as an error, with the offset in the text. */
static inline bool scan_failed(const struct scan *scan, enum err_kind kind, const char *what,
                               struct err *err)
{
    return err_set(err, kind, "%s: expected %s at offset %zu", what, scan->wanted,
                   (size_t)(scan->at - scan->start));
}

static inline bool scan_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static inline bool scan_alpha(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static inline bool scan_next_is(const struct scan *scan, char byte)
{
    return scan->at < scan->end && *scan->at == byte;
}

static inline bool scan_next_is_digit(const struct scan *scan)
{
    return scan->at < scan->end && scan_digit(*scan->at);
}

static inline bool scan_skip(struct scan *scan, char byte)
{
    if (!scan_next_is(scan, byte)) {
        return false;
    }
    scan->at++;
    return true;
}

/* Exactly two digits, at most `max`. */
static inline bool scan_two(struct scan *scan, int max, int *out, const char *wanted)
{
    if (scan_left(scan) < 2) {
        return scan_wants(scan, wanted);
    }
    unsigned tens = (unsigned)(unsigned char)scan->at[0] - '0';
    unsigned ones = (unsigned)(unsigned char)scan->at[1] - '0';
    if (tens > 9 || ones > 9 || (int)(tens * 10 + ones) > max) {
        return scan_wants(scan, wanted);
    }
    *out = (int)(tens * 10 + ones);
    scan->at += 2;
    return true;
}

/* One or two digits, at most `max`. */
static inline bool scan_short(struct scan *scan, int max, int *out, const char *wanted)
{
    const char *first = scan->at;
    int value = 0;
    while (scan_next_is_digit(scan) && scan->at - first < 2) {
        value = value * 10 + (*scan->at - '0');
        scan->at++;
    }
    if (scan->at == first || value > max) {
        scan->at = first;
        return scan_wants(scan, wanted);
    }
    *out = value;
    return true;
}

static inline bool scan_year(struct scan *scan, int *out)
{
    int century = 0;
    int rest = 0;
    if (!scan_two(scan, 99, &century, "a year of four digits") ||
        !scan_two(scan, 99, &rest, "a year of four digits")) {
        return false;
    }
    *out = century * 100 + rest;
    return true;
}

/* ASCII letters up to the next other byte. */
static inline struct str scan_word(struct scan *scan)
{
    const char *first = scan->at;
    while (scan->at < scan->end && scan_alpha(*scan->at)) {
        scan->at++;
    }
    return (struct str){first, (size_t)(scan->at - first)};
}

/* Which of `count` English names the word is, in whole or by three letters; -1 for none. */
static inline int scan_name(struct str word, struct str (*name)(int), int first, int count)
{
    for (int i = first; i < first + count; i++) {
        if (str_equal_ascii_case(word, name(i)) ||
            str_equal_ascii_case(word, str_slice(name(i), 0, 3))) {
            return i;
        }
    }
    return -1;
}

/* 0 to 99; a table is twice as fast as dividing. */
static inline char *scan_put_two(char *at, int value)
{
    static const char digits[] = "00010203040506070809101112131415161718192021222324"
                                 "25262728293031323334353637383940414243444546474849"
                                 "50515253545556575859606162636465666768697071727374"
                                 "75767778798081828384858687888990919293949596979899";
    memcpy(at, digits + (size_t)value * 2, 2);
    return at + 2;
}

#endif
