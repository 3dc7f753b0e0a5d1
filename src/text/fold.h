/*
 * fold: two texts that a reader takes for the same become the same bytes.
 *
 * People write the same word in many ways: with vowel points or without, with a geresh or an
 * apostrophe, in capitals, with or without accents, wrapped in invisible controls of direction that
 * a page or a keyboard put there. Folding maps all of them to one form, to compare, to look up and
 * to search; the archive keeps what was written. What is folded is chosen by flags:
 *
 *   invisible   controls of direction, U+200B, U+2060, soft hyphen and byte order mark go, other
 *               white space than space, tab and line end becomes a space
 *   joiners     U+200D and U+200C go (kept by the above: emoji and Persian need them to be drawn)
 *   case        capital letters of all scripts, final sigma
 *   marks       diacritics, niqqud and cantillation, tashkeel, tatweel, combined or apart; letters
 *               made of two (a ligature, sharp s) are written out. Cyrillic й and ї stay letters
 *   hebrew      final letters
 *   arabic      forms of alef, yeh and kaf, teh marbuta, hamza on a carrier
 *   cyrillic    yo
 *   width       full-width forms, and the digits of all scripts
 *   punctuation geresh, gershayim and typographic quotes become ' and ", maqaf and dashes become -
 *   spaces      runs of white space become one space, none at the ends
 *
 * Folding is idempotent, works on any bytes (what is not UTF-8 becomes U+FFFD), and allocates only
 * in the arena; text that is folded already is returned without a copy. Any thread.
 */
#ifndef SLUICE_TEXT_FOLD_H
#define SLUICE_TEXT_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum fold_flag {
    FOLD_INVISIBLE = 1,
    FOLD_JOINERS = 2,
    FOLD_CASE = 4,
    FOLD_MARKS = 8,
    FOLD_HEBREW = 16,
    FOLD_ARABIC = 32,
    FOLD_CYRILLIC = 64,
    FOLD_WIDTH = 128,
    FOLD_PUNCTUATION = 256,
    FOLD_SPACES = 512,

    /* What is shown to people stays as it is, only without what cannot be seen. */
    FOLD_SHOWN = FOLD_INVISIBLE,
    /* To search in texts: lengths of white space count. */
    FOLD_SEARCH = FOLD_INVISIBLE | FOLD_JOINERS | FOLD_CASE | FOLD_MARKS | FOLD_HEBREW |
                  FOLD_ARABIC | FOLD_CYRILLIC | FOLD_WIDTH | FOLD_PUNCTUATION,
    /* To compare names and titles. */
    FOLD_NAME = FOLD_SEARCH | FOLD_SPACES,
};

/* The folded text; its ptr is NULL only when the arena is full. */
struct str fold_text(struct arena *arena, struct str text, unsigned flags);

/*
 * A folded text that knows where it comes from: byte i was made from what begins at origins[i] of
 * the original; origins[text.len] is the original's length.
 */
struct folded {
    struct str text;
    const uint32_t *origins;
};

/* The same with origins. False when the arena is full or the text has 4 GiB or more. */
bool fold_map(struct arena *arena, struct str text, unsigned flags, struct folded *folded);

/* The part of `original` that bytes `from` to `to` of the folded text were made from. */
struct str fold_origin(const struct folded *folded, struct str original, size_t from, size_t to);

/* Equal when folded; allocates nothing. */
bool fold_equal(struct str a, struct str b, unsigned flags);

#endif
