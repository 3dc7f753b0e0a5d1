#include "text/utf8.h"

#include <string.h>

#include "base/must.h"
#include "text/unicode.h"

/*
 * Validation is a state machine whose whole row for a byte fits one word: the next state is the
 * row shifted right by the present one (an idea of Per Vognsen's). One load and one shift a byte
 * whatever the text, no branch to mispredict; long runs of ASCII are skipped by the word.
 */
enum { BAD = 0, OK = 6, C1 = 12, C2 = 18, C3 = 24, E0 = 30, ED = 36, F0 = 42, F4 = 48, STATE = 63 };

#define TO(from, next) ((uint64_t)(next) << (from))
#define X4(row)        (row), (row), (row), (row)
#define X16(row)       X4(row), X4(row), X4(row), X4(row)
#define TAIL           (TO(C1, OK) | TO(C2, C1) | TO(C3, C2))
#define ASCII          TO(OK, OK)
#define LOW            (TAIL | TO(ED, C1) | TO(F4, C2))
#define MIDDLE         (TAIL | TO(ED, C1) | TO(F0, C2))
#define HIGH           (TAIL | TO(E0, C1) | TO(F0, C2))
#define TWO            TO(OK, C1)
#define THREE          TO(OK, C2)
#define FOUR           TO(OK, C3)

static const uint64_t rows[256] = {
    X16(ASCII), X16(ASCII), X16(ASCII), X16(ASCII), X16(ASCII), X16(ASCII), X16(ASCII), X16(ASCII),
    X16(LOW), X16(MIDDLE), X16(HIGH), X16(HIGH),
    /* C0 and C1 could only be overlong. */
    0, 0, TWO, TWO, X4(TWO), X4(TWO), X4(TWO), X16(TWO),
    /* E0, ED, F0 and F4 narrow what may follow: overlong, surrogates, above U+10FFFF. */
    TO(OK, E0), THREE, THREE, THREE, X4(THREE), X4(THREE), THREE, TO(OK, ED), THREE, THREE,
    TO(OK, F0), FOUR, FOUR, FOUR, TO(OK, F4), 0, 0, 0, X4(0), X4(0)};

enum { BLOCK = 16 };

static const uint64_t high_bits = 0x8080808080808080U;

static uint64_t load_word(const unsigned char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static bool block_is_ascii(const unsigned char *from)
{
    return ((load_word(from) | load_word(from + 8)) & high_bits) == 0;
}

/* Only the low six bits of a state count; what stands above them is the rest of the row. */
static uint64_t step(uint64_t state, unsigned char byte)
{
    return rows[byte] >> (state & STATE);
}

bool utf8_valid(struct str text)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    uint64_t state = OK;
    size_t at = 0;
    while (text.len - at >= BLOCK) {
        if ((state & STATE) == OK && block_is_ascii(bytes + at)) {
            at += BLOCK;
            continue;
        }
        for (size_t end = at + BLOCK; at < end; at++) {
            state = step(state, bytes[at]);
        }
        if ((state & STATE) == BAD) {
            return false;
        }
    }
    for (; at < text.len; at++) {
        state = step(state, bytes[at]);
    }
    return (state & STATE) == OK;
}

size_t utf8_valid_len(struct str text)
{
    if (utf8_valid(text)) {
        return text.len;
    }
    size_t at = 0;
    for (;;) { /* Ends: the text is not valid, so a bad piece comes before its end. */
        uint32_t code = 0;
        size_t len = utf8_next(text, at, &code);
        if (len == 0 || code == UTF8_BAD) {
            return at;
        }
        at += len;
    }
}

/* Bits that the first byte contributes, by the length of the sequence. */
static uint32_t lead_bits(unsigned char lead, size_t len)
{
    static const unsigned char masks[UTF8_LEN_MAX + 1] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    return (uint32_t)(lead & masks[len]);
}

size_t utf8_next(struct str text, size_t at, uint32_t *code)
{
    if (at >= text.len) {
        return 0;
    }
    const unsigned char *bytes = (const unsigned char *)text.ptr + at;
    if (bytes[0] < 0x80) {
        *code = bytes[0];
        return 1;
    }
    size_t room = text.len - at < UTF8_LEN_MAX ? text.len - at : UTF8_LEN_MAX;
    uint64_t state = step(OK, bytes[0]);
    size_t len = 1;
    while (len < room && (state & STATE) > OK) {
        uint64_t next = step(state, bytes[len]);
        if ((next & STATE) == BAD) {
            break;
        }
        state = next;
        len++;
    }
    if ((state & STATE) != OK) {
        *code = UTF8_BAD;
        return len;
    }
    uint32_t value = lead_bits(bytes[0], len);
    for (size_t i = 1; i < len; i++) {
        value = value << 6 | (bytes[i] & 0x3FU);
    }
    *code = value;
    return len;
}

size_t utf8_previous(struct str text, size_t end, uint32_t *code)
{
    must(end <= text.len);
    struct str before = str_slice(text, 0, end);
    for (size_t len = 1; len <= UTF8_LEN_MAX && len <= end; len++) {
        if (utf8_next(before, end - len, code) == len && *code != UTF8_BAD) {
            return len;
        }
    }
    *code = UTF8_BAD;
    return end > 0 ? 1 : 0;
}

size_t utf8_encode(uint32_t code, char out[UTF8_LEN_MAX])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        code = UTF8_REPLACEMENT;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Offset behind the first `count` code points, and how many there were. */
static size_t skip(struct str text, size_t count, size_t *skipped)
{
    size_t at = 0;
    size_t done = 0;
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    while (done < count && at < text.len) {
        if (count - done >= BLOCK && text.len - at >= BLOCK && block_is_ascii(bytes + at)) {
            at += BLOCK;
            done += BLOCK;
            continue;
        }
        uint32_t code = 0;
        at += utf8_next(text, at, &code);
        done++;
    }
    *skipped = done;
    return at;
}

size_t utf8_count(struct str text)
{
    size_t count = 0;
    (void)skip(text, SIZE_MAX, &count);
    return count;
}

struct str utf8_prefix(struct str text, size_t count)
{
    size_t skipped = 0;
    return str_slice(text, 0, skip(text, count, &skipped));
}

static const uint32_t joiner = 0x200D;

static bool is_flag_letter(uint32_t code)
{
    return code >= 0x1F1E6 && code <= 0x1F1FF;
}

/* Code points that are never the beginning of a character. */
static bool is_extending(uint32_t code)
{
    if (code < 0x300 || code == UTF8_BAD) {
        return false;
    }
    return unicode_is_mark(code) || code == joiner || code == 0x200C ||
           (code >= 0x1F3FB && code <= 0x1F3FF) || (code >= 0xE0020 && code <= 0xE007F);
}

/* A joiner glues pictures; after a letter it only shapes it, and the next letter is its own. */
static bool joins(uint32_t previous, uint32_t code)
{
    return previous == joiner && code >= 0x2190 && code != UTF8_BAD && !unicode_is_word(code);
}

static bool belongs(uint32_t previous, uint32_t code, bool flag_open)
{
    if (previous < ' ') { /* Nothing hangs on a control character, but CR LF is one line end. */
        return previous == '\r' && code == '\n';
    }
    return is_extending(code) || joins(previous, code) || (flag_open && is_flag_letter(code));
}

size_t utf8_cluster_end(struct str text, size_t at)
{
    uint32_t previous = 0;
    size_t end = at + utf8_next(text, at, &previous);
    bool flag_open = is_flag_letter(previous);
    for (size_t parts = 1; end > at && parts < UTF8_CLUSTER_MAX; parts++) {
        uint32_t code = 0;
        size_t len = utf8_next(text, end, &code);
        if (len == 0 || !belongs(previous, code, flag_open)) {
            break;
        }
        flag_open = flag_open && !is_flag_letter(code);
        previous = code;
        end += len;
    }
    return end;
}

struct str utf8_prefix_whole(struct str text, size_t count)
{
    size_t end = utf8_prefix(text, count).len;
    size_t at = 0;
    while (at < end) {
        size_t next = utf8_cluster_end(text, at);
        if (next > end) {
            return str_slice(text, 0, at);
        }
        at = next;
    }
    return str_slice(text, 0, end);
}

struct str utf8_cut(struct str text, size_t size)
{
    if (text.len <= size) {
        return text;
    }
    size_t start = size; /* Walk back to the beginning of the code point that would be cut. */
    while (start > 0 && size - start < UTF8_LEN_MAX - 1 &&
           ((unsigned char)text.ptr[start] & 0xC0) == 0x80) {
        start--;
    }
    uint32_t code = 0;
    bool cuts = start < size && start + utf8_next(text, start, &code) > size;
    return str_slice(text, 0, cuts ? start : size);
}

static bool is_dirty(uint32_t code)
{
    return code == UTF8_BAD || code == 0;
}

static size_t count_dirty(struct str text)
{
    size_t count = 0;
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        count += is_dirty(code) ? 1 : 0;
    }
    return count;
}

struct str utf8_clean(struct arena *arena, struct str text, size_t *replaced)
{
    *replaced = 0;
    if (text.len == 0) {
        return STR("");
    }
    if (str_find_byte(text, '\0', 0) == STR_NONE && utf8_valid(text)) {
        return text;
    }
    enum { REPLACEMENT_LEN = 3 };
    size_t dirty = count_dirty(text);
    char *out = arena_bytes(arena, text.len + dirty * (REPLACEMENT_LEN - 1) + 1);
    if (out == NULL) {
        return (struct str){0};
    }
    size_t used = 0;
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        if (is_dirty(code)) {
            used += utf8_encode(UTF8_REPLACEMENT, out + used);
        } else {
            memcpy(out + used, text.ptr + at, len);
            used += len;
        }
    }
    must(used <= text.len + dirty * (REPLACEMENT_LEN - 1));
    out[used] = '\0';
    *replaced = dirty;
    return (struct str){out, used};
}

size_t utf8_width(struct str text)
{
    size_t width = 0;
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        bool control = code < ' ' || (code >= 0x7F && code < 0xA0);
        if (!control && !unicode_is_mark(code) && !unicode_is_format(code)) {
            width += unicode_is_wide(code) ? 2 : 1;
        }
    }
    return width;
}
