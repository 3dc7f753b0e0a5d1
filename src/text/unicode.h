/*
 * unicode: the few properties of characters that sluice asks for.
 *
 * Compact range tables taken from the Unicode Character Database, version 14.0 (the letters of the
 * scripts that people write to each other in have not moved since). Every function takes any
 * number, also one that is no code point, and answers in a few nanoseconds: ASCII and everything
 * below U+0800 (Latin, Greek, Cyrillic, Hebrew, Arabic) by one look into a bit map, the rest by a
 * binary search. No locale, no state, any thread.
 */
#ifndef SLUICE_TEXT_UNICODE_H
#define SLUICE_TEXT_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

/* Letters, digits, combining marks and the underscore: what a whole word is made of. */
bool unicode_is_word(uint32_t code);

/* Combining marks: they are drawn on the character before them. */
bool unicode_is_mark(uint32_t code);

/* Two columns in a terminal: East Asian wide and full-width characters, emoji. */
bool unicode_is_wide(uint32_t code);

/* Strong right-to-left letters. */
bool unicode_is_rtl(uint32_t code);

/* Strong left-to-right letters, near enough: all letters that are not right-to-left; no digits. */
bool unicode_is_ltr(uint32_t code);

/* Format characters: bidi controls, joiners, soft hyphen, byte order mark, tags. */
bool unicode_is_format(uint32_t code);

/* White space of any kind, also the no-break ones; not U+200B, which is a format character. */
bool unicode_is_space(uint32_t code);

/* The value of a decimal digit of any script that has ten in a row (Arabic-Indic …), or -1. */
int unicode_digit(uint32_t code);

#endif
