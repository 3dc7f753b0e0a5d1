#include "serve/planned.h"

#include "base/mem.h"

static void release(struct plan_owner owner)
{
    if (owner.release != NULL) {
        owner.release(owner.owner);
    }
}

static struct planned_plan *hold(const struct plan *plan, struct plan_owner owner)
{
    struct planned_plan *one = mem_alloc(sizeof *one);
    if (one != NULL) {
        *one = (struct planned_plan){.plan = plan, .owner = owner, .holds = 1};
    } else {
        release(owner);
    }
    return one;
}

bool planned_init(struct planned *planned, const struct plan *plan, struct plan_owner owner,
                  struct err *err)
{
    lock_init(&planned->lock);
    planned->now = hold(plan, owner);
    return planned->now != NULL || err_set(err, ERR_RETRY, "out of memory");
}

struct planned_plan *planned_take(struct planned *planned)
{
    lock_take(&planned->lock);
    struct planned_plan *plan = planned->now;
    plan->holds++;
    lock_give(&planned->lock);
    return plan;
}

void planned_give(struct planned *planned, struct planned_plan *plan)
{
    lock_take(&planned->lock);
    bool last = --plan->holds == 0;
    lock_give(&planned->lock);
    if (last) {
        release(plan->owner);
        mem_free(plan);
    }
}

bool planned_set(struct planned *planned, const struct plan *plan, struct plan_owner owner)
{
    struct planned_plan *next = hold(plan, owner);
    if (next == NULL) {
        return false;
    }
    lock_take(&planned->lock);
    struct planned_plan *before = planned->now;
    planned->now = next;
    lock_give(&planned->lock);
    planned_give(planned, before);
    return true;
}

void planned_free(struct planned *planned)
{
    if (planned->now != NULL) {
        planned_give(planned, planned->now);
        planned->now = NULL;
    }
}
