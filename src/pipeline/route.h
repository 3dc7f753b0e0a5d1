/*
 * route: different ways for different items.
 *
 *     - kind: route
 *       branches:
 *         - where: ["city = חיפה"]
 *           ops:
 *             - {kind: write, sink: records, target: north, …}
 *         - words: [דחוף]
 *           ops: […]
 *
 * A branch is a condition, as `filter` has it, and the steps of those items for which it holds; one
 * without a test takes all. With `match: first` the first branch that fits takes the item, with
 * `match: all` every one that fits gets a copy. What went into a branch does not come out of it
 * again; what no branch took goes on to the step behind the route. So nothing has to be joined, and
 * "all the others" is simply what stands below.
 *
 * What a branch sets is seen in that branch only. A route keeps no state; its steps may.
 */
#ifndef SLUICE_PIPELINE_ROUTE_H
#define SLUICE_PIPELINE_ROUTE_H

#include "pipeline/condition.h"

struct branch {
    struct step step; /* First. */
    struct condition condition;
    struct step_list ops;
};

struct route {
    struct step step; /* First. */
    struct step_list branches;
    int match; /* enum route_match */
};

enum route_match { ROUTE_FIRST = 0, ROUTE_ALL };

extern const struct step_type step_route;
extern const struct step_type step_branch; /* Only within a route. */

#endif
