#include "crypto/encode.h"

#include <stdint.h>

enum { NO_DIGIT = 255 };

static const char hex_digits[] = "0123456789abcdef";

struct alphabet {
    const char *name;
    const char *letters;
    bool padded;
};

static const struct alphabet plain = {
    "base64", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true};
static const struct alphabet url = {
    "base64url", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false};

void encode_hex_into(struct str bytes, char *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned byte = (unsigned char)bytes.ptr[i];
        out[2 * i] = hex_digits[byte >> 4];
        out[2 * i + 1] = hex_digits[byte & 15U];
    }
}

void encode_hex(struct buf *buf, struct str bytes)
{
    if (bytes.len <= SIZE_MAX / 2 && buf_reserve(buf, bytes.len * 2)) {
        encode_hex_into(bytes, buf->ptr + buf->len);
        buf->len += bytes.len * 2;
    }
}

static uint32_t byte_at(struct str bytes, size_t at)
{
    return at < bytes.len ? (unsigned char)bytes.ptr[at] : 0;
}

/* Gives the number of letters. */
static size_t encode_into(struct str bytes, const struct alphabet *alphabet, char *out)
{
    const char *start = out;
    const char *letters = alphabet->letters;
    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t left = bytes.len - at;
        uint32_t three =
            byte_at(bytes, at) << 16 | byte_at(bytes, at + 1) << 8 | byte_at(bytes, at + 2);
        *out++ = letters[three >> 18];
        *out++ = letters[three >> 12 & 63U];
        if (left > 1) {
            *out++ = letters[three >> 6 & 63U];
        } else if (alphabet->padded) {
            *out++ = '=';
        }
        if (left > 2) {
            *out++ = letters[three & 63U];
        } else if (alphabet->padded) {
            *out++ = '=';
        }
    }
    return (size_t)(out - start);
}

static void encode(struct buf *buf, struct str bytes, const struct alphabet *alphabet)
{
    if (buf_reserve(buf, bytes.len / 3 * 4 + 4)) {
        buf->len += encode_into(bytes, alphabet, buf->ptr + buf->len);
    }
}

void encode_base64(struct buf *buf, struct str bytes)
{
    encode(buf, bytes, &plain);
}

void encode_base64url(struct buf *buf, struct str bytes)
{
    encode(buf, bytes, &url);
}

void encode_base64_into(struct str bytes, char *out)
{
    (void)encode_into(bytes, &plain, out);
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_REJECT, "no memory for the decoded bytes: the text is too long here");
}

static unsigned hex_value(char letter)
{
    if (letter >= '0' && letter <= '9') {
        return (unsigned)(letter - '0');
    }
    letter = (char)(letter | 0x20);
    return letter >= 'a' && letter <= 'f' ? (unsigned)(letter - 'a') + 10 : NO_DIGIT;
}

bool encode_from_hex(struct arena *arena, struct str text, struct str *bytes, struct err *err)
{
    if (text.len % 2 != 0) {
        return err_set(err, ERR_REJECT, "hexadecimal text needs an even number of digits, not %zu",
                       text.len);
    }
    char *out = arena_bytes(arena, text.len / 2 + 1);
    if (out == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < text.len; i += 2) {
        unsigned high = hex_value(text.ptr[i]);
        unsigned low = hex_value(text.ptr[i + 1]);
        if (high == NO_DIGIT || low == NO_DIGIT) {
            return err_set(err, ERR_REJECT, "no hexadecimal digit at byte %zu",
                           high == NO_DIGIT ? i : i + 1);
        }
        out[i / 2] = (char)(high << 4 | low);
    }
    out[text.len / 2] = '\0';
    *bytes = (struct str){out, text.len / 2};
    return true;
}

/* The reverse of `letters`, made anew each time: 64 steps are nothing beside a text. */
static void digits_of(const struct alphabet *alphabet, unsigned char table[256])
{
    for (size_t i = 0; i < 256; i++) {
        table[i] = NO_DIGIT;
    }
    for (unsigned i = 0; i < 64; i++) {
        table[(unsigned char)alphabet->letters[i]] = (unsigned char)i;
    }
}

/* The padding is taken off; what is left has 0, 2 or 3 letters beyond whole fours. */
static bool take_padding(struct str *text, const struct alphabet *alphabet, struct err *err)
{
    size_t whole = text->len;
    if (alphabet->padded && whole > 0 && whole % 4 == 0) {
        text->len -= text->ptr[whole - 1] == '=';
        text->len -= text->len < whole && text->ptr[whole - 2] == '=';
    } else if (alphabet->padded && whole > 0) {
        return err_set(err, ERR_REJECT, "base64 text has a length of %zu, no multiple of four",
                       whole);
    }
    return text->len % 4 != 1 ||
           err_set(err, ERR_REJECT, "%s text cannot have %zu letters", alphabet->name, text->len);
}

static bool decode(struct arena *arena, struct str text, const struct alphabet *alphabet,
                   struct str *bytes, struct err *err)
{
    unsigned char table[256];
    digits_of(alphabet, table);
    if (!take_padding(&text, alphabet, err)) {
        return false;
    }
    char *out = arena_bytes(arena, text.len / 4 * 3 + 4);
    if (out == NULL) {
        return no_memory(err);
    }
    size_t len = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = table[(unsigned char)text.ptr[i]];
        if (digit == NO_DIGIT) {
            return err_set(err, ERR_REJECT, "no %s letter at byte %zu", alphabet->name, i);
        }
        bits = bits << 6 | digit;
        if (i % 4 != 0) {
            unsigned spare = 4 - 2 * (unsigned)(i % 4 - 1); /* Bits not yet a byte: 4, 2, 0. */
            out[len++] = (char)(bits >> spare & 255U);
            bits &= (1U << spare) - 1;
        }
    }
    if (bits != 0) {
        return err_set(err, ERR_REJECT, "%s text ends in bits that belong to no byte",
                       alphabet->name);
    }
    out[len] = '\0';
    *bytes = (struct str){out, len};
    return true;
}

bool encode_from_base64(struct arena *arena, struct str text, struct str *bytes, struct err *err)
{
    return decode(arena, text, &plain, bytes, err);
}

bool encode_from_base64url(struct arena *arena, struct str text, struct str *bytes, struct err *err)
{
    return decode(arena, text, &url, bytes, err);
}
