/*
 * planned: the plan in use, for threads that are no workers.
 *
 * A reload puts another plan in place of the one before. Who looks at the plan holds it meanwhile,
 * and the one before is given back to its owner with the last hold.
 */
#ifndef SLUICE_SERVE_PLANNED_H
#define SLUICE_SERVE_PLANNED_H

#include "base/thread.h"
#include "engine/edition.h"

/* What the owner of a plan calls its chats, both ways; what it has no name for is as it was. */
struct planned_words {
    struct str (*chat_name)(const void *plan_owner, struct str chat);
    struct str (*chat_id)(const void *plan_owner, struct str typed);
};

struct planned_plan {
    const struct plan *plan;
    struct plan_owner owner;
    int holds; /* Under the lock. */
};

struct planned {
    struct lock lock;
    struct planned_plan *now; /* Held. */
};

bool planned_init(struct planned *planned, const struct plan *plan, struct plan_owner owner,
                  struct err *err);
void planned_free(struct planned *planned);

/* False when memory is out: the one before stays, and `owner` is released. */
bool planned_set(struct planned *planned, const struct plan *plan, struct plan_owner owner);

struct planned_plan *planned_take(struct planned *planned);
void planned_give(struct planned *planned, struct planned_plan *plan);

#endif
