/*
 * compose: templates whose places are fields of the item.
 *
 *     {name} wrote on {sent|DD.MM.YYYY}: {text|80}      {note?}
 *
 * The language is that of text/template. Behind the bar stands, besides a number of characters,
 *
 *     a pattern of text/timepattern   for a time, on the wall of the chain's zone
 *     line                            line ends and other controls become spaces
 *     html, json, csv                 escaped for the inside of each
 *
 * A template that is one place and nothing else gives the field's own value and type, so a count
 * stays a number; any other gives text. When a field is absent whose place has no question mark,
 * the whole value is absent: half a sentence is worse than none.
 */
#ifndef SLUICE_PIPELINE_COMPOSE_H
#define SLUICE_PIPELINE_COMPOSE_H

#include "pipeline/flow.h"
#include "text/template.h"
#include "text/timepattern.h"

enum compose_format {
    COMPOSE_PLAIN = 0,
    COMPOSE_TIME,
    COMPOSE_LINE,
    COMPOSE_HTML,
    COMPOSE_JSON,
    COMPOSE_CSV,
};

struct compose_part {
    struct str plain;
    bool is_place;
    bool optional;
    size_t field;
    size_t cut;
    enum compose_format format;
    const struct timepattern *pattern; /* With COMPOSE_TIME. */
};

struct compose {
    const struct compose_part *parts;
    size_t count;
    enum value_kind type; /* Of what it gives. */
    const struct zone *zone;
};

/* Compile; faults are reported at `spot`. */
bool compose_prepare(struct compose *compose, struct step_scope *scope, struct step_spot spot,
                     struct str text);

/* Fill in. What is made lies in the flow's arena; too long or too much is ERR_REJECT. */
bool compose_write(const struct compose *compose, struct flow *flow, const struct step *step,
                   struct value *out, struct err *err);

/* The same as text; absent when a value is, or when all of it is empty. */
bool compose_text(const struct compose *compose, struct flow *flow, const struct step *step,
                  struct str *out, struct err *err);

#endif
