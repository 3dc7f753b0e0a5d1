/*
 * bidi: text of both directions side by side.
 *
 * A table or a log line that puts strangers' names between its own words must keep each of them
 * from turning its neighbours around: bidi_isolate() wraps it in U+2068 … U+2069 and takes out
 * the controls of direction that are in it, so nothing inside can reach outside. Comparing titles
 * and reading authors needs the opposite: bidi_strip() takes all of them away.
 */
#ifndef SLUICE_TEXT_BIDI_H
#define SLUICE_TEXT_BIDI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* A mark, embedding, override or isolate of direction. */
bool bidi_is_control(uint32_t code);

/* Without controls of direction; all else is kept. NULL ptr only when the arena is full. */
struct str bidi_strip(struct arena *arena, struct str text);

/*
 * Safe between other text: stripped, and isolated when it has right-to-left letters. Line ends and
 * other control characters become spaces, because a cell of a table is one line.
 */
struct str bidi_isolate(struct arena *arena, struct str text);

/* The first letter that has a direction runs from right to left. */
bool bidi_is_rtl(struct str text);

/* Any letter runs from right to left. */
bool bidi_has_rtl(struct str text);

#endif
