/*
 * number: amounts as people write them.
 *
 *     1200   1,200.50   -3   ₪ 1,200   1 200,50 (with a decimal comma)   ١٬٢٠٠
 *
 * Digits may be of any script. White space, marks of direction, a currency sign at either end and
 * separators of thousands (between digits) are passed over. Anything else is no number: it is
 * better to say so than to take the 12 of "12 or 13".
 */
#ifndef SLUICE_PIPELINE_NUMBER_H
#define SLUICE_PIPELINE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { NUMBER_TEXT_MAX = 64 };

/* `decimal` is '.' or ','; the other one parts thousands. */
bool number_parse(struct str text, char decimal, double *out);

/* The same without a fraction, exactly. */
bool number_parse_whole(struct str text, char decimal, int64_t *out);

#endif
