/*
 * letters: what a letter is when its dress is taken off.
 *
 * Tables taken from the Unicode Character Database, version 14.0, for the scripts that folding
 * knows: Latin, Greek, Cyrillic, Hebrew, Arabic. text/fold puts them to work. Any thread.
 */
#ifndef SLUICE_TEXT_LETTERS_H
#define SLUICE_TEXT_LETTERS_H

#include <stddef.h>
#include <stdint.h>

enum { LETTERS_EXPAND_MAX = 3 };

/* The small letter of a capital one, of all scripts that have them; anything else as it is. */
uint32_t letters_lower(uint32_t code);

/* The letter without its diacritics or points, when both are one code point; else as it is. */
uint32_t letters_base(uint32_t code);

/* The letters of one that stands for several (U+00DF is "ss"); 0 when it stands for itself. */
size_t letters_expand(uint32_t code, uint32_t out[LETTERS_EXPAND_MAX]);

#endif
