/*
 * nearest: "did you mean".
 *
 * Offer all that could have been meant, one after another, and take what is nearest to the word
 * that was written; nothing when all are too far. Letters of another case count as equal, a
 * swapped pair, a missing, an extra or another letter as one step.
 *
 *     struct nearest nearest;
 *     nearest_begin(&nearest, word);
 *     for (...) { nearest_try(&nearest, name); }
 *     fault_add(..., "unknown option '%.*s'%s", ..., nearest_hint(&nearest));
 */
#ifndef SLUICE_CONFIG_NEAREST_H
#define SLUICE_CONFIG_NEAREST_H

#include <stddef.h>

#include "base/str.h"

enum { NEAREST_LEN_MAX = 64, NEAREST_HINT_MAX = 128 };

struct nearest {
    struct str word;
    struct str best; /* Absent when nothing is near. */
    size_t distance;
    char hint[NEAREST_HINT_MAX];
};

void nearest_begin(struct nearest *nearest, struct str word);
void nearest_try(struct nearest *nearest, struct str candidate);

/* "; did you mean 'poll'?", or the empty text. */
const char *nearest_hint(struct nearest *nearest);

#endif
