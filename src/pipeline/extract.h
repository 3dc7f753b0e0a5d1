/*
 * extract: fields out of a text, in one of three ways.
 *
 *     - kind: extract                       labelled lines (pipeline/labels)
 *       labels: {source: מקור, name: שם, phone: "טלפון, נייד", email: מייל}
 *       required: [name, phone]
 *       each: true
 *       otherwise: […]
 *
 *     - kind: extract                       named groups of a regular expression
 *       pattern: '(?<count>\d+) x (?<product>\w+)'
 *       each: true
 *
 *     - kind: extract                       places in a JSON text (RFC 6901)
 *       from: extra
 *       json: {file: /filename, type: /media_type}
 *
 * With `each` every match, or every set of labelled lines, is an item of its own, numbered from 1
 * in `item`; without it there is one. The items of an edited message have the numbers of their
 * places, so what is recorded by "{uid}/{item}" is corrected by the edit.
 *
 * `required` names fields of which at least one must have a value. An item that has something but
 * none of these is a near miss and is left out; `otherwise:` sees its fields, and a reason in
 * words. A text in which nothing was found is left out as well: with labels in silence, since most
 * of what people write has none, with a pattern or JSON by way of `otherwise:`. `keep: true` passes
 * it on instead, with its fields absent.
 *
 * All values are text, without white space and marks of direction at their ends; what is empty is
 * absent. It keeps no state.
 */
#ifndef SLUICE_PIPELINE_EXTRACT_H
#define SLUICE_PIPELINE_EXTRACT_H

#include "pipeline/flow.h"
#include "pipeline/labels.h"
#include "text/regex.h"

/* A field that is taken, and from where. */
struct extract_field {
    struct str name;
    size_t field;
    size_t group;    /* Of the pattern. */
    struct str path; /* Of the JSON text. */
    bool required;
};

struct extract {
    struct step step; /* First. */

    /* Options. */
    struct str from;
    struct str_map labels;
    struct str pattern;
    bool ignore_case;
    struct str_map json;
    struct str_list required;
    bool each;
    bool keep;

    /* Made by prepare. */
    size_t source;
    struct extract_field *fields;
    size_t field_count;
    bool has_required;
    struct labels words;

    struct regex *regex; /* Made by open. */
};

extern const struct step_type step_extract;

#endif
