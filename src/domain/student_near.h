/*
 * student_near: what almost counted.
 *
 * Op `students` looks for words as they are written. A message without one of them may still have
 * meant one:
 *
 *     written    "תִּרְגּוּל", "PRACTICE"   the same when compared as people read (text/fold.h)
 *     within     "practices"          where only whole words count: a part of a longer one
 *     typo       "תירגול", "pratcice"   one letter more, less, another, or two that changed places
 *
 * A typo is looked for in words of at least four letters that are one word; shorter ones are near
 * to too much. The same distance of one tells numbers and names of senders that are almost in the
 * roster.
 */
#ifndef SLUICE_DOMAIN_STUDENT_NEAR_H
#define SLUICE_DOMAIN_STUDENT_NEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "domain/students.h"

enum { STUDENT_NEAR_LETTERS_MIN = 4, STUDENT_NEAR_LETTERS_MAX = 64 };

enum student_nearness { NEAR_NOT = 0, NEAR_WRITTEN, NEAR_WITHIN, NEAR_TYPO };

struct student_near {
    enum student_nearness how;
    bool practice;    /* One of practice_words; else of message_words. */
    struct str word;  /* As the list has it. */
    struct str found; /* As the message has it. */
};

struct student_near_words;

/* The lists of an op that is not open; everything lives in the arena until close. */
bool student_near_open(struct student_near_words **out, const struct students *op,
                       struct arena *arena, struct err *err);
void student_near_close(struct student_near_words *words); /* NULL is fine. */

/* NEAR_NOT for a text that counts, and for one that is near to nothing. `scratch` is used, and
   `out` points into it and the text. False when it is full. */
bool student_near_judge(const struct student_near_words *words, struct arena *scratch,
                        struct str text, struct student_near *out, struct err *err);

/* Why a text counts: which word of which list, by the op's own rule. `out->how` is NEAR_NOT, and
   the word empty for a text that does not. */
bool student_near_counts(const struct student_near_words *words, struct arena *scratch,
                         struct str text, struct student_near *out, struct err *err);

/* Another, and by one letter at most: one more, one less, another one, or two that changed places.
   False for the same text, and for longer ones than STUDENT_NEAR_LETTERS_MAX. */
bool student_near_by_one(struct str a, struct str b);

#endif
