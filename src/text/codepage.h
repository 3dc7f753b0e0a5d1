/*
 * codepage: bytes of older programs, as UTF-8.
 *
 * What a Windows program in Israel, Russia or the West saves when nobody asked for UTF-8, and
 * UTF-16, which spreadsheets call "Unicode". Decoding never fails: what stands for nothing becomes
 * U+FFFD. Each code point comes from one unit (a byte, two or four bytes), so it can be told which
 * part of the bytes a part of the text was. Any thread.
 */
#ifndef SLUICE_TEXT_CODEPAGE_H
#define SLUICE_TEXT_CODEPAGE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum codepage {
    CODEPAGE_WINDOWS_1255 = 0, /* Hebrew */
    CODEPAGE_WINDOWS_1251,     /* Cyrillic */
    CODEPAGE_WINDOWS_1252,     /* Western */
    CODEPAGE_UTF16_LE,
    CODEPAGE_UTF16_BE,
};

/* The text, in the arena; absent when that is full. `used` says how many bytes it is made of: an
   odd byte or half a pair at the end of UTF-16 is left. May be NULL. */
struct str codepage_decode(enum codepage page, struct arena *arena, struct str bytes, size_t *used);

/* How many bytes a text that was decoded was made of. */
size_t codepage_bytes(enum codepage page, struct str text);

#endif
