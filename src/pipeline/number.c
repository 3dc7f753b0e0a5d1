#include "pipeline/number.h"

#include <stdlib.h>

#include "text/unicode.h"
#include "text/utf8.h"

enum { ARABIC_DECIMAL = 0x66B, ARABIC_THOUSANDS = 0x66C };

/* A number on its way to ASCII. */
struct writing {
    char text[NUMBER_TEXT_MAX + 1];
    size_t len;
    bool fraction;
    bool ended; /* A sign of currency behind the digits. */
    char decimal;
};

static bool is_currency(uint32_t code)
{
    return code == '$' || code == 0xA3 || code == 0xA5 || (code >= 0x20A0 && code <= 0x20CF);
}

static bool add(struct writing *writing, char byte)
{
    if (writing->len == NUMBER_TEXT_MAX || writing->ended) {
        return false;
    }
    writing->text[writing->len++] = byte;
    return true;
}

static bool has_digit(const struct writing *writing)
{
    return writing->len > 1 || (writing->len == 1 && writing->text[0] != '-');
}

static bool next(struct writing *writing, uint32_t code)
{
    int digit = unicode_digit(code);
    if (digit >= 0) {
        return add(writing, (char)('0' + digit));
    }
    if (unicode_is_space(code) || unicode_is_format(code)) {
        return true;
    }
    if (is_currency(code)) {
        writing->ended = has_digit(writing);
        return true;
    }
    if ((code == '-' || code == 0x2212) && writing->len == 0) {
        return add(writing, '-');
    }
    if (code == '+' && writing->len == 0) {
        return true;
    }
    bool decimal = code == (unsigned char)writing->decimal || code == ARABIC_DECIMAL;
    if (decimal && !writing->fraction) {
        writing->fraction = true;
        return has_digit(writing) && add(writing, '.');
    }
    bool thousands =
        code == (writing->decimal == '.' ? ',' : '.') || code == '\'' || code == ARABIC_THOUSANDS;
    return thousands && has_digit(writing) && !writing->fraction;
}

static bool write_ascii(struct str text, struct writing *writing)
{
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        if (!next(writing, code)) {
            return false;
        }
    }
    writing->text[writing->len] = '\0';
    return has_digit(writing) && writing->text[writing->len - 1] != '.';
}

bool number_parse(struct str text, char decimal, double *out)
{
    struct writing writing = {.decimal = decimal};
    if (!write_ascii(text, &writing)) {
        return false;
    }
    *out = strtod(writing.text, NULL);
    return true;
}

bool number_parse_whole(struct str text, char decimal, int64_t *out)
{
    struct writing writing = {.decimal = decimal};
    return write_ascii(text, &writing) &&
           str_to_int64((struct str){writing.text, writing.len}, out);
}
