#include "base/str.h"

#include <string.h>

struct str str_of(const char *text)
{
    return (struct str){text, text != NULL ? strlen(text) : 0};
}

bool str_equal(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    return a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal_ascii_case(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    size_t at = 0;
    while (at < a.len && lower(a.ptr[at]) == lower(b.ptr[at])) { /* A NUL is a byte like others. */
        at++;
    }
    return at == a.len;
}

int str_compare(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str text, struct str prefix)
{
    return text.len >= prefix.len && str_equal(str_slice(text, 0, prefix.len), prefix);
}

bool str_ends(struct str text, struct str suffix)
{
    return text.len >= suffix.len &&
           str_equal(str_slice(text, text.len - suffix.len, text.len), suffix);
}

size_t str_find(struct str text, struct str what, size_t from)
{
    if (from > text.len || what.len > text.len - from) {
        return STR_NONE;
    }
    if (what.len == 0) {
        return from;
    }
    const char *hit = memmem(text.ptr + from, text.len - from, what.ptr, what.len);
    return hit != NULL ? (size_t)(hit - text.ptr) : STR_NONE;
}

size_t str_find_byte(struct str text, char what, size_t from)
{
    if (from >= text.len) {
        return STR_NONE;
    }
    const char *hit = memchr(text.ptr + from, what, text.len - from);
    return hit != NULL ? (size_t)(hit - text.ptr) : STR_NONE;
}

struct str str_slice(struct str text, size_t from, size_t to)
{
    if (to > text.len) {
        to = text.len;
    }
    if (from > to) {
        from = to;
    }
    return text.ptr == NULL ? text : (struct str){text.ptr + from, to - from};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str text)
{
    while (text.len > 0 && is_space(text.ptr[0])) {
        text = str_slice(text, 1, text.len);
    }
    while (text.len > 0 && is_space(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

bool str_split(struct str *rest, char separator, struct str *part)
{
    if (rest->ptr == NULL) {
        return false;
    }
    size_t at = str_find_byte(*rest, separator, 0);
    if (at == STR_NONE) {
        *part = *rest;
        *rest = (struct str){0};
        return true;
    }
    *part = str_slice(*rest, 0, at);
    *rest = str_slice(*rest, at + 1, rest->len);
    return true;
}

bool str_to_int64(struct str text, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    if (negative || (text.len > 0 && text.ptr[0] == '+')) {
        text = str_slice(text, 1, text.len);
    }
    if (text.len == 0) {
        return false;
    }
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[i] - '0';
        if (digit > 9 || value > (limit - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* Multiply two words and fold the 128-bit product: each input bit reaches each output bit. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to eight bytes, the first one lowest; two loads that overlap instead of a loop. */
static uint64_t load(const char *from, size_t count)
{
    uint64_t word = 0;
    uint32_t low = 0;
    uint32_t high = 0;
    if (count == sizeof word) {
        memcpy(&word, from, sizeof word);
    } else if (count >= sizeof low) {
        memcpy(&low, from, sizeof low);
        memcpy(&high, from + count - sizeof high, sizeof high);
        word = low | (uint64_t)high << (8 * (count - sizeof high));
    } else {
        for (size_t i = 0; i < count; i++) {
            word |= (uint64_t)(unsigned char)from[i] << (8 * i);
        }
    }
    return word;
}

uint64_t str_hash(struct str text, uint64_t seed)
{
    const uint64_t odd_a = 0x9E3779B97F4A7C15U;
    const uint64_t odd_b = 0xD6E8FEB86659FD93U;
    uint64_t state = seed ^ mix(text.len + odd_a, odd_b);
    size_t at = 0;
    for (; at + 16 <= text.len; at += 16) {
        state = mix(load(text.ptr + at, 8) ^ odd_a, load(text.ptr + at + 8, 8) ^ state ^ odd_b);
    }
    uint64_t first = 0;
    uint64_t second = 0;
    if (at + 8 <= text.len) {
        first = load(text.ptr + at, 8);
        at += 8;
    }
    if (at < text.len) {
        second = load(text.ptr + at, text.len - at);
    }
    return mix(mix(first ^ odd_b, second ^ state ^ odd_a), state ^ odd_a);
}
