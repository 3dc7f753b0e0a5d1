#include "text/fold.h"

#include <string.h>

#include "base/must.h"
#include "text/letters.h"
#include "text/unicode.h"
#include "text/utf8.h"

/* Walks a text and gives folded code points one by one, each with where it came from. */
struct walk {
    struct str text;
    unsigned flags;
    size_t at;
    size_t origin; /* Of the code points in the queue. */
    uint32_t queue[LETTERS_EXPAND_MAX];
    size_t queued;
    size_t given;
    size_t given_origin; /* Of the code point that was given last. */
    bool began;          /* Something other than white space was given. */
};

static bool has(unsigned flags, unsigned any)
{
    return (flags & any) != 0;
}

static bool is_invisible(uint32_t code)
{
    return code == 0xAD || code == 0x61C || code == 0x200B || code == 0x200E || code == 0x200F ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) ||
           code == 0xFEFF;
}

/* Points and accents of Hebrew. */
static bool is_hebrew_mark(uint32_t code)
{
    return code >= 0x591 && code <= 0x5C7 && code != 0x5BE && code != 0x5C0 && code != 0x5C3 &&
           code != 0x5C6;
}

/* Tashkeel and the signs of the Quran, and tatweel, which only stretches. */
static bool is_arabic_mark(uint32_t code)
{
    return (code >= 0x64B && code <= 0x65F) || code == 0x640 || code == 0x670 ||
           (code >= 0x610 && code <= 0x61A) ||
           (code >= 0x6D6 && code <= 0x6ED && unicode_is_mark(code));
}

/* Marks that may go. Those of Indic scripts are vowels and stay. */
static bool is_dress(uint32_t code)
{
    if (code < 0x590) {
        return code >= 0x300 && (code <= 0x36F || (code >= 0x483 && code <= 0x489));
    }
    if (code < 0x700) {
        return code < 0x600 ? is_hebrew_mark(code) : is_arabic_mark(code);
    }
    return (code >= 0x1AB0 && code <= 0x1AFF) || (code >= 0x1DC0 && code <= 0x1DFF) ||
           (code >= 0x20D0 && code <= 0x20FF) || (code >= 0xFE00 && code <= 0xFE0F) ||
           (code >= 0xFE20 && code <= 0xFE2F) || code == 0xFB1E;
}

static bool goes(uint32_t code, unsigned flags)
{
    return (has(flags, FOLD_INVISIBLE) && is_invisible(code)) ||
           (has(flags, FOLD_JOINERS) && (code == 0x200C || code == 0x200D)) ||
           (has(flags, FOLD_MARKS) && is_dress(code));
}

static uint32_t fold_hebrew(uint32_t code)
{
    switch (code) {
    case 0x5DA: /* kaf, mem, nun, pe, tsadi: each stands right behind its final form. */
    case 0x5DD:
    case 0x5DF:
    case 0x5E3:
    case 0x5E5:
        return code + 1;
    default:
        return code;
    }
}

static uint32_t fold_arabic(uint32_t code)
{
    switch (code) {
    case 0x622: /* Alef with madda, with hamza above and below, wasla. */
    case 0x623:
    case 0x625:
    case 0x671:
        return 0x627;
    case 0x624: /* Waw with hamza. */
        return 0x648;
    case 0x626: /* Yeh with hamza, alef maksura, Farsi yeh. */
    case 0x649:
    case 0x6CC:
        return 0x64A;
    case 0x629: /* Teh marbuta is written as heh by many. */
    case 0x6C1:
    case 0x6D5:
        return 0x647;
    case 0x6A9:
        return 0x643;
    default:
        return code;
    }
}

static uint32_t fold_width(uint32_t code)
{
    if (code >= 0xFF01 && code <= 0xFF5E) {
        code -= 0xFF00 - 0x20;
    }
    int digit = unicode_digit(code);
    return digit >= 0 ? (uint32_t)('0' + digit) : code;
}

static uint32_t fold_punctuation(uint32_t code)
{
    if ((code >= 0x2010 && code <= 0x2015) || code == 0x2212 || code == 0x5BE || code == 0xFE58 ||
        code == 0xFE63) {
        return '-';
    }
    if (code == 0x5F3 || code == 0xB4 || code == '`' || (code >= 0x2018 && code <= 0x201B) ||
        code == 0x2032 || code == 0x2BC) {
        return '\'';
    }
    if (code == 0x5F4 || (code >= 0x201C && code <= 0x201F) || code == 0x2033) {
        return '"';
    }
    switch (code) {
    case 0x60C:
        return ',';
    case 0x61B:
        return ';';
    case 0x61F:
        return '?';
    default:
        return code;
    }
}

/* What becomes of one letter, after it was taken apart. */
static uint32_t fold_letter(uint32_t code, unsigned flags)
{
    if (has(flags, FOLD_CASE)) {
        code = letters_lower(code);
    }
    if (has(flags, FOLD_HEBREW) && code >= 0x5D0 && code <= 0x5EA) {
        return fold_hebrew(code);
    }
    if (has(flags, FOLD_ARABIC) && code >= 0x600 && code <= 0x6FF) {
        return fold_arabic(code);
    }
    if (has(flags, FOLD_CYRILLIC) && (code == 0x451 || code == 0x401)) {
        return code == 0x451 ? 0x435 : 0x415;
    }
    return code;
}

/* A Cyrillic letter and the mark behind it that together are another letter. */
static uint32_t compose(uint32_t letter, uint32_t mark)
{
    static const struct {
        uint16_t letter;
        uint16_t mark;
        uint16_t composed;
    } pairs[] = {
        {0x418, 0x306, 0x419}, {0x438, 0x306, 0x439}, {0x406, 0x308, 0x407}, {0x456, 0x308, 0x457},
        {0x423, 0x306, 0x40E}, {0x443, 0x306, 0x45E}, {0x415, 0x308, 0x401}, {0x435, 0x308, 0x451},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i].letter == letter && pairs[i].mark == mark) {
            return pairs[i].composed;
        }
    }
    return 0;
}

/* Two code points that are read as one. */
static uint32_t fold_pair(struct walk *walk, uint32_t code)
{
    uint32_t next = 0;
    if (has(walk->flags, FOLD_MARKS) && code >= 0x400 && code < 0x460) {
        size_t len = utf8_next(walk->text, walk->at, &next);
        uint32_t composed = len > 0 ? compose(code, next) : 0;
        walk->at += composed != 0 ? len : 0;
        return composed != 0 ? composed : code;
    }
    if (has(walk->flags, FOLD_PUNCTUATION) && code == '\'') { /* '' stands for gershayim. */
        size_t at = walk->at;
        size_t len = utf8_next(walk->text, at, &next);
        while (len > 0 && goes(next, walk->flags)) {
            at += len;
            len = utf8_next(walk->text, at, &next);
        }
        if (len > 0 && fold_punctuation(next) == '\'') {
            walk->at = at + len;
            return '"';
        }
    }
    return code;
}

static void fill_queue(struct walk *walk, uint32_t code)
{
    unsigned flags = walk->flags;
    walk->given = 0;
    walk->queued = 0;
    if (code >= 0x80) {
        if (goes(code, flags)) {
            return;
        }
        code = has(flags, FOLD_WIDTH) ? fold_width(code) : code;
        code = has(flags, FOLD_CASE) ? letters_lower(code) : code;
        if (has(flags, FOLD_MARKS)) {
            code = letters_base(code);
            walk->queued = letters_expand(code, walk->queue);
        }
    }
    if (walk->queued == 0) {
        code = has(flags, FOLD_PUNCTUATION) ? fold_punctuation(code) : code;
        walk->queue[0] = fold_pair(walk, code);
        walk->queued = 1;
    }
    for (size_t i = 0; i < walk->queued; i++) {
        walk->queue[i] = fold_letter(walk->queue[i], flags);
    }
}

/* One more piece of the original; false at its end. */
static bool take_piece(struct walk *walk, uint32_t *code)
{
    walk->origin = walk->at;
    size_t len = utf8_next(walk->text, walk->at, code);
    walk->at += len;
    if (*code == UTF8_BAD) {
        *code = UTF8_REPLACEMENT;
    }
    return len > 0;
}

static bool is_plain_space(uint32_t code)
{
    return code == ' ' || (code >= '\t' && code <= '\r');
}

/* The next folded code point that is not swallowed; white space is not yet run together. */
static bool walk_piece(struct walk *walk, uint32_t *code)
{
    while (walk->given == walk->queued) {
        uint32_t piece = 0;
        if (!take_piece(walk, &piece)) {
            return false;
        }
        bool odd_space = has(walk->flags, FOLD_INVISIBLE | FOLD_SPACES) && !is_plain_space(piece) &&
                         unicode_is_space(piece);
        fill_queue(walk, odd_space ? ' ' : piece);
    }
    *code = walk->queue[walk->given++];
    return true;
}

static bool walk_next(struct walk *walk, uint32_t *code)
{
    if (!walk_piece(walk, code)) {
        return false;
    }
    walk->given_origin = walk->origin;
    if (!has(walk->flags, FOLD_SPACES) || !unicode_is_space(*code)) {
        walk->began = true;
        return true;
    }
    while (unicode_is_space(*code)) {
        if (!walk_piece(walk, code)) {
            return false;
        }
    }
    if (!walk->began) {
        walk->began = true;
        walk->given_origin = walk->origin;
        return true;
    }
    walk->given--; /* The letter behind the white space comes next. */
    *code = ' ';
    return true;
}

/* Nothing to do: ASCII that no flag touches. The most frequent text of all, so it is quick. */
static bool is_folded_ascii(struct str text, unsigned flags)
{
    bool space_before = true;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        bool space = is_plain_space(byte);
        if (byte >= 0x80 || (has(flags, FOLD_CASE) && byte >= 'A' && byte <= 'Z') ||
            (has(flags, FOLD_PUNCTUATION) && (byte == '`' || byte == '\'')) ||
            (has(flags, FOLD_SPACES) && space && (space_before || byte != ' '))) {
            return false;
        }
        space_before = space;
    }
    return !has(flags, FOLD_SPACES) || text.len == 0 || !space_before;
}

/* ASCII that stands for itself whatever is folded, but for its case. */
static bool is_simple_ascii(unsigned char byte)
{
    return byte < 0x80 && byte > ' ' && byte != '\'' && byte != '`';
}

/* A letter of Hebrew in UTF-8, alef to tav. */
static bool is_hebrew_letter(const unsigned char *bytes)
{
    return bytes[0] == 0xD7 && bytes[1] >= 0x90 && bytes[1] <= 0xAA;
}

/*
 * The greater part of all texts here is ASCII and Hebrew letters, and a letter takes ten times as
 * long by the long way. Runs of them are folded in place of it; the walk takes over where it ends.
 */
static size_t fold_run(char *out, uint32_t *origins, struct walk *walk)
{
    const unsigned char *bytes = (const unsigned char *)walk->text.ptr;
    bool small = has(walk->flags, FOLD_CASE);
    bool hebrew = has(walk->flags, FOLD_HEBREW);
    bool spaced = !has(walk->flags, FOLD_SPACES);
    size_t len = 0;
    size_t at = walk->at;
    while (at < walk->text.len) {
        unsigned char byte = bytes[at];
        size_t piece = 1;
        if (is_simple_ascii(byte) || (spaced && byte == ' ')) {
            out[len] = (char)(small ? letters_lower(byte) : byte);
        } else if (at + 1 < walk->text.len && is_hebrew_letter(bytes + at)) {
            out[len] = (char)byte;
            out[len + 1] =
                (char)(hebrew ? fold_hebrew(0x540U + bytes[at + 1]) - 0x540U : bytes[at + 1]);
            piece = 2;
        } else {
            break;
        }
        for (size_t i = 0; origins != NULL && i < piece; i++) {
            origins[len + i] = (uint32_t)at;
        }
        len += piece;
        at += piece;
    }
    walk->at = at;
    walk->began = walk->began || len > 0;
    return len;
}

/* False when `size` was not enough, which room_for() rules out. */
static bool fold_into(char *out, size_t size, uint32_t *origins, struct walk *walk, size_t *used)
{
    size_t len = 0;
    uint32_t code = 0;
    for (;;) {
        if (walk->given == walk->queued && walk->text.len - walk->at <= size - len) {
            len += fold_run(out + len, origins == NULL ? NULL : origins + len, walk);
        }
        if (!walk_next(walk, &code)) {
            *used = len;
            return true;
        }
        if (size - len < UTF8_LEN_MAX) {
            return false;
        }
        size_t piece = utf8_encode(code, out + len);
        for (size_t i = 0; origins != NULL && i < piece; i++) {
            origins[len + i] = (uint32_t)walk->given_origin;
        }
        len += piece;
    }
}

/*
 * Room for the worst text: some letters take one byte more as small ones, a Yiddish digraph of two
 * bytes is two letters of two, and a byte that is not UTF-8 becomes three.
 */
static size_t room_for(struct str text)
{
    return text.len * (utf8_valid(text) ? 2 : 3) + UTF8_LEN_MAX;
}

struct str fold_text(struct arena *arena, struct str text, unsigned flags)
{
    if (text.len == 0) {
        return STR("");
    }
    if (is_folded_ascii(text, flags)) {
        return text;
    }
    if (text.len > arena->limit) { /* Also keeps the room from overflowing. */
        return (struct str){0};
    }
    struct walk walk = {.text = text, .flags = flags};
    size_t size = room_for(text);
    char *out = arena_bytes(arena, size);
    size_t used = 0;
    if (out == NULL) {
        return (struct str){0};
    }
    must(fold_into(out, size, NULL, &walk, &used));
    out[used] = '\0';
    return (struct str){out, used};
}

bool fold_map(struct arena *arena, struct str text, unsigned flags, struct folded *folded)
{
    if (text.len > UINT32_MAX / 4) {
        return false;
    }
    struct walk walk = {.text = text, .flags = flags};
    size_t size = room_for(text);
    char *out = arena_bytes(arena, size);
    uint32_t *origins = arena_array(arena, size + 1, sizeof *origins);
    size_t used = 0;
    if (out == NULL || origins == NULL) {
        return false;
    }
    must(fold_into(out, size, origins, &walk, &used));
    origins[used] = (uint32_t)text.len;
    *folded = (struct folded){.text = {out, used}, .origins = origins};
    return true;
}

struct str fold_origin(const struct folded *folded, struct str original, size_t from, size_t to)
{
    must(from <= to && to <= folded->text.len);
    size_t start = folded->origins[from];
    /* When a letter was written out and the part ends inside of it, the whole letter counts. */
    while (to > from && to < folded->text.len && folded->origins[to] == folded->origins[to - 1]) {
        to++;
    }
    return str_slice(original, start, to > from ? folded->origins[to] : start);
}

bool fold_equal(struct str a, struct str b, unsigned flags)
{
    struct walk left = {.text = a, .flags = flags};
    struct walk right = {.text = b, .flags = flags};
    for (;;) {
        uint32_t one = 0;
        uint32_t two = 0;
        bool more = walk_next(&left, &one);
        if (more != walk_next(&right, &two)) {
            return false;
        }
        if (!more || one != two) {
            return !more;
        }
    }
}
