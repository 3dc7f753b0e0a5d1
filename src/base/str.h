/*
 * str: a borrowed view of bytes.
 *
 * A `struct str` never owns memory. Its bytes belong to an arena, a buffer or a literal, and the
 * view is valid for as long as that owner is. Bytes are usually UTF-8 but nothing here assumes so,
 * and a view need not end in NUL: never hand `ptr` to a C string function. (What arena_copy()
 * returns does end in NUL, one byte past the view.)
 *
 * A NULL `ptr` is "absent", a zero `len` is "empty"; both compare equal to the empty view.
 */
#ifndef SLUICE_BASE_STR_H
#define SLUICE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *ptr;
    size_t len;
};

/* View of a string literal; the size is known at compile time. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

/* The same for static tables, where a compound literal is not a constant. */
#define STR_INIT(literal) {(literal), sizeof(literal) - 1}

/* For printf: "%.*s" with STR_ARG(view). */
#define STR_ARG(view) (int)(view).len, (view).ptr

/* Returned by the finders when there is nothing to find. */
#define STR_NONE SIZE_MAX

/* View of a NUL-terminated string; NULL gives the absent view. */
struct str str_of(const char *text);

bool str_equal(struct str a, struct str b);
bool str_equal_ascii_case(struct str a, struct str b);

/* Bytes compared as unsigned numbers: below, equal to or above zero. */
int str_compare(struct str a, struct str b);

bool str_starts(struct str text, struct str prefix);
bool str_ends(struct str text, struct str suffix);

/* Offset of the first occurrence at or after `from`, or STR_NONE. */
size_t str_find(struct str text, struct str what, size_t from);
size_t str_find_byte(struct str text, char what, size_t from);

/* The part from `from` to `to` (exclusive); both are clamped to the view. */
struct str str_slice(struct str text, size_t from, size_t to);

/* Without leading and trailing ASCII white space. */
struct str str_trim(struct str text);

/*
 * Cut `*rest` at the first `separator`: the part before it is stored in `*part` and `*rest` goes on
 * behind it. False when `*rest` was absent, that is, after the last part was handed out.
 */
bool str_split(struct str *rest, char separator, struct str *part);

/* A whole decimal number, optionally signed; anything else, or overflow, is false. */
bool str_to_int64(struct str text, int64_t *out);

/* Fast 64-bit hash for tables; not for secrets. A seed makes collisions unpredictable. */
uint64_t str_hash(struct str text, uint64_t seed);

#endif
