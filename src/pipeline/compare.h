/*
 * compare: what `where:` says of a field.
 *
 *     city = חיפה            equal            total >= 100      as numbers, or as times
 *     city != חיפה           not equal        sent < 2026-01-01
 *     city in חיפה, עכו      one of several   note contains דחוף
 *     email present          has a value      name starts ד      name ends ה
 *     email absent           has none
 *
 *     sent > {since}          with another field
 *
 * A field, a word, and what it is compared with up to the end; quotes around it keep white space.
 * A field without a value is only `absent` and `!=`. < <= > >= want a number or a time on both
 * sides: a text that is none is no match.
 */
#ifndef SLUICE_PIPELINE_COMPARE_H
#define SLUICE_PIPELINE_COMPARE_H

#include "pipeline/flow.h"

enum { COMPARE_CHOICES_MAX = 1000 };

enum compare_how {
    COMPARE_EQUAL = 0,
    COMPARE_UNEQUAL,
    COMPARE_LESS,
    COMPARE_LESS_EQUAL,
    COMPARE_MORE,
    COMPARE_MORE_EQUAL,
    COMPARE_IN,
    COMPARE_CONTAINS,
    COMPARE_STARTS,
    COMPARE_ENDS,
    COMPARE_PRESENT,
    COMPARE_ABSENT,
};

struct compare {
    struct str text; /* As it was written. */
    size_t field;
    enum compare_how how;
    bool by_field; /* With the field `other` instead of `value`; no match when it has no value. */
    size_t other;
    struct str value;
    double number; /* With less and more; of a time in ms. */
    const struct str *choices;
    size_t choice_count;
};

bool compare_prepare(struct compare *compare, struct step_scope *scope, struct step_spot spot,
                     struct str text);

/* `fold`: letters that people take for the same are (text/fold). False only for memory. */
bool compare_holds(const struct compare *compare, struct flow *flow, const struct step *step,
                   bool fold, bool *holds, struct err *err);

#endif
