#include "text/yaml_scalar.h"

#include <math.h>
#include <stdlib.h>

static bool one_of(struct str text, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(text, words[i])) {
            return true;
        }
    }
    return false;
}

static size_t digits_len(struct str text, size_t at)
{
    size_t end = at;
    while (end < text.len && text.ptr[end] >= '0' && text.ptr[end] <= '9') {
        end++;
    }
    return end - at;
}

/* 0x1F and 0o17, up to INT64_MAX. */
static bool based_int(struct str text, int64_t *out)
{
    bool hex = str_starts(text, STR("0x"));
    if ((!hex && !str_starts(text, STR("0o"))) || text.len == 2) {
        return false;
    }
    uint64_t base = hex ? 16 : 8;
    uint64_t value = 0;
    for (size_t i = 2; i < text.len; i++) {
        unsigned char letter = (unsigned char)text.ptr[i];
        unsigned digit = letter - '0';
        if (hex && digit > 9) {
            digit = (letter | 0x20U) - 'a' + 10U;
            digit = digit < 10 ? 99 : digit;
        }
        if (digit >= base || value > ((uint64_t)INT64_MAX - digit) / base) {
            return false;
        }
        value = value * base + digit;
    }
    *out = (int64_t)value;
    return true;
}

/* "0", "-12"; not "012" and not "+12": those are names made of digits. */
static bool decimal_int(struct str text, int64_t *out)
{
    size_t sign = str_starts(text, STR("-")) ? 1 : 0;
    size_t digits = digits_len(text, sign);
    bool plain = digits > 0 && sign + digits == text.len;
    bool zero_first = digits > 1 && text.ptr[sign] == '0';
    return plain && !zero_first && str_to_int64(text, out);
}

/* "0.5", "-1.", ".5", "1e3"; with a point or an exponent, and without a leading zero or plus. */
static bool decimal_double(struct str text, double *out)
{
    size_t at = str_starts(text, STR("-")) ? 1 : 0;
    size_t whole = digits_len(text, at);
    bool zero_first = whole > 1 && text.ptr[at] == '0';
    at += whole;
    bool point = at < text.len && text.ptr[at] == '.';
    size_t part = point ? digits_len(text, at + 1) : 0;
    at += point ? part + 1 : 0;
    bool exponent = at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E');
    if (exponent) {
        at++;
        at += at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+');
        size_t digits = digits_len(text, at);
        exponent = digits > 0;
        at += digits;
    }
    if (at != text.len || whole + part == 0 || zero_first || (!point && !exponent)) {
        return false;
    }
    *out = strtod(text.ptr, NULL); /* The text has a NUL behind it, and there are no locales. */
    return isfinite(*out);
}

void yaml_scalar_type(struct yaml_node *node)
{
    static const struct str nulls[] = {STR_INIT(""), STR_INIT("~"), STR_INIT("null"),
                                       STR_INIT("Null"), STR_INIT("NULL")};
    static const struct str yes[] = {STR_INIT("true"), STR_INIT("True"), STR_INIT("TRUE")};
    static const struct str no[] = {STR_INIT("false"), STR_INIT("False"), STR_INIT("FALSE")};
    struct str text = node->text;
    node->kind = YAML_TEXT;
    if (one_of(text, nulls, sizeof nulls / sizeof nulls[0])) {
        node->kind = YAML_NULL;
    } else if (one_of(text, yes, 3) || one_of(text, no, 3)) {
        node->kind = YAML_BOOL;
        node->value.truth = one_of(text, yes, 3);
    } else if (decimal_int(text, &node->value.integer) || based_int(text, &node->value.integer)) {
        node->kind = YAML_INT;
    } else if (decimal_double(text, &node->value.real)) {
        node->kind = YAML_DOUBLE;
    }
}
