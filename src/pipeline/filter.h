/*
 * filter: only what is meant goes on.
 *
 *     - kind: filter
 *       words: [תקלה, דליפה]
 *       fold: true
 *       direction: in
 *       where: ["chat != 120363000000000009@g.us"]
 *
 * An item for which all tests hold (pipeline/condition) is passed on; any other is left out, and
 * `otherwise:` sees it with the test that did not hold as its reason. A filter without a test lets
 * nothing be told apart and is a fault. It keeps no state.
 */
#ifndef SLUICE_PIPELINE_FILTER_H
#define SLUICE_PIPELINE_FILTER_H

#include "pipeline/condition.h"

struct filter {
    struct step step; /* First. */
    struct condition condition;
};

extern const struct step_type step_filter;

#endif
