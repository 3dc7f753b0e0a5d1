/*
 * labels: what people write behind a word and a colon.
 *
 *     * מקור: אתר
 *     שם : דנה לוי
 *     -טלפון: 055-000-0001
 *
 * A line whose text in front of its first colon is one of the labels gives the rest of the line to
 * that label's field. Marks of direction, spaces, niqqud, capitals and final letters do not count,
 * nor does what is no part of a word around the label: a star, a dash, a bullet, an emoji. Neither
 * do WhatsApp's stars around the whole line. Lines without a label belong to nobody.
 *
 * Several items. An item ends where a label comes for the second time. People part leads by blank
 * lines, too, so a block (lines up to a blank one) that has a label which the item has already
 * begins a new one as a whole: its `מקור:` in front of the second `שם:` is the second lead's. A
 * block of other labels goes on with the item.
 */
#ifndef SLUICE_PIPELINE_LABELS_H
#define SLUICE_PIPELINE_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum {
    LABELS_MAX = 64,      /* Fields. */
    LABELS_LEN_MAX = 200, /* Bytes in front of a colon; a longer sentence is no label. */
    LABELS_WORDS_MAX = 256,
};

/* A word that stands for a field. */
struct label {
    struct str word; /* Folded by labels_fold(). */
    size_t field;    /* Below LABELS_MAX. */
};

struct labels {
    const struct label *items;
    size_t count;
};

/* The form in which labels are compared; ptr NULL when the arena is full. */
struct str labels_fold(struct arena *arena, struct str word);

struct labelled {
    bool found[LABELS_MAX];        /* The label was there … */
    struct str values[LABELS_MAX]; /* … and this behind it; absent when it was nothing. */
};

/* Walks over the items of a text. */
struct labels_scan {
    const struct labels *labels;
    struct arena *arena;
    struct str rest;
    bool each; /* Several items; otherwise the whole text is one. */
    bool memory_out;
};

void labels_begin(struct labels_scan *scan, const struct labels *labels, struct arena *arena,
                  struct str text, bool each);

/* The next item with at least one label; false when there is none, or memory is out. */
bool labels_next(struct labels_scan *scan, struct labelled *out);

#endif
