/*
 * template: fields made of others.
 *
 *     - kind: template
 *       set:
 *         title: "{name}, {city}"
 *         line: "{sent|HH:MM} {sender}: {text|line}"
 *
 * The language is that of pipeline/compose. Fields are made in their order, so one may use those
 * above it. A field whose template lacks a value becomes absent. It keeps no state.
 */
#ifndef SLUICE_PIPELINE_TEMPLATE_H
#define SLUICE_PIPELINE_TEMPLATE_H

#include "pipeline/compose.h"

struct template_field {
    size_t field;
    struct compose compose;
};

struct template_step {
    struct step step; /* First. */
    struct str_map set;

    /* Made by prepare. */
    struct template_field *fields;
};

extern const struct step_type step_template;

#endif
