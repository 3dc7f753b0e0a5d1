/*
 * utf8: is it text, and where may it be cut.
 *
 * Bytes from outside pass utf8_valid() or utf8_clean() once, where they enter; from there on they
 * are known to be valid and the other functions just walk them. Still nothing here reads past a
 * view or loops for ever on bytes that are not UTF-8: each broken piece counts as one character.
 *
 * "Valid" is RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is valid
 * UTF-8, but text columns of databases do not take it, so utf8_clean() replaces it as well.
 *
 * There are three units, and names say which one is meant: bytes, code points, and characters as
 * people count them (a letter with its marks, an emoji with its joiners and skin tone, a flag).
 * Nothing allocates except utf8_clean(), and that only when there is something to replace.
 */
#ifndef SLUICE_TEXT_UTF8_H
#define SLUICE_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* What stands in for a byte sequence that is no UTF-8. */
#define UTF8_REPLACEMENT 0xFFFDU

/* What utf8_next() gives for one; no code point, so a real U+FFFD can be told apart. */
#define UTF8_BAD UINT32_MAX

/* The longest encoded code point, and how many code points one character may be made of. */
enum { UTF8_LEN_MAX = 4, UTF8_CLUSTER_MAX = 64 };

bool utf8_valid(struct str text);

/* Offset of the first byte that is not part of valid UTF-8; text.len when all of it is valid. */
size_t utf8_valid_len(struct str text);

/*
 * The code point at `at`, and the number of bytes it takes. 0 at the end. A broken sequence gives
 * UTF8_BAD and the length of its longest part that could have begun a code point (at least 1), as
 * the Unicode Standard recommends and as Python, browsers and Go's encoding/json count.
 */
size_t utf8_next(struct str text, size_t at, uint32_t *code);

/* The code point that ends at `end`, and its number of bytes. 0 at the beginning. */
size_t utf8_previous(struct str text, size_t end, uint32_t *code);

/* Write one code point, give its length. What is no code point is written as U+FFFD. */
size_t utf8_encode(uint32_t code, char out[UTF8_LEN_MAX]);

/* Code points in the text. */
size_t utf8_count(struct str text);

/* At most the first `count` code points. */
struct str utf8_prefix(struct str text, size_t count);

/* End of the character that begins at `at`: a letter with all that belongs to it. */
size_t utf8_cluster_end(struct str text, size_t at);

/*
 * At most the first `count` code points, and never a part of a character: a letter keeps its marks
 * or goes with them. (A single character longer than `count` gives the empty view.)
 */
struct str utf8_prefix_whole(struct str text, size_t count);

/* At most the first `size` bytes, never a part of a code point. */
struct str utf8_cut(struct str text, size_t size);

/*
 * Valid UTF-8 without NUL: each broken sequence and each NUL becomes U+FFFD, and `*replaced` counts
 * them. Text that is fine already is returned as it is, without a copy. The result's ptr is NULL
 * only when the arena is full.
 */
struct str utf8_clean(struct arena *arena, struct str text, size_t *replaced);

/*
 * Columns the text takes in a terminal: 2 for East Asian wide characters and emoji, 0 for marks,
 * format and control characters, 1 for all others.
 */
size_t utf8_width(struct str text);

#endif
