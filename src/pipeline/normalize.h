/*
 * normalize: one form for what people write in many.
 *
 *     - kind: normalize
 *       fields: {phone: phone, email: email, total: number, name: trim}
 *       on_failure: empty
 *
 *     trim      no white space or invisible marks at the ends, runs of white space are one space
 *     fold      as text is compared: small letters, no niqqud, plain letters at word ends
 *     lower     small letters
 *     digits    the digits alone, of any script, as 0-9
 *     phone     international digits without plus; local forms are those of `country`
 *     email     small letters, and it has to look like an address
 *     number    a number with a fraction        integer   a whole number
 *     date      YYYY-MM-DD                      time      a moment, on the clock of the zone
 *
 * A field that is absent stays absent; that is no failure. When a value cannot be what it should
 * be, `on_failure` says what becomes of it: `keep` leaves it as it was written (for a number or a
 * time: absent, since no column of numbers takes words), `empty` makes it absent, `drop` leaves the
 * item out as it would be kept, with the reason, and `reject` refuses the whole message, which is
 * then listed. The field named by `problem` says what was wrong, so that somebody can look after
 * it.
 *
 * It keeps no state. The way in which a field is normalized makes keys when the field is part of
 * one: changing it gives the same thing another key.
 */
#ifndef SLUICE_PIPELINE_NORMALIZE_H
#define SLUICE_PIPELINE_NORMALIZE_H

#include "pipeline/flow.h"
#include "text/timepattern.h"

enum normalize_form {
    NORMALIZE_TRIM = 0,
    NORMALIZE_FOLD,
    NORMALIZE_LOWER,
    NORMALIZE_DIGITS,
    NORMALIZE_PHONE,
    NORMALIZE_EMAIL,
    NORMALIZE_NUMBER,
    NORMALIZE_INTEGER,
    NORMALIZE_DATE,
    NORMALIZE_TIME,
    NORMALIZE_FORMS,
};

struct normalize_field {
    struct str name;
    size_t from; /* A message's own field is covered by a new one. */
    size_t to;
    enum normalize_form form;
};

enum normalize_failure {
    NORMALIZE_KEEP = 0,
    NORMALIZE_EMPTY,
    NORMALIZE_DROP,
    NORMALIZE_REJECT,
};

struct normalize {
    struct step step; /* First. */

    /* Options. */
    struct str_map fields;
    int on_failure; /* enum normalize_failure */
    struct str problem;
    int country;
    int decimal;
    struct str pattern;

    /* Made by prepare. */
    struct normalize_field *made;
    size_t problem_field;
    struct timepattern *timepattern; /* NULL: ISO 8601. */
};

extern const struct step_type step_normalize;

#endif
