#include "pipeline/route.h"

static bool branch_prepare(struct step *step, struct step_scope *scope)
{
    struct branch *branch = (struct branch *)step;
    bool good = condition_prepare(&branch->condition, scope);
    return step_list_prepare(&branch->ops, scope) && good;
}

static bool branch_open(struct step *step, struct arena *arena, struct err *err)
{
    (void)arena;
    return condition_open(&((struct branch *)step)->condition, err);
}

static void branch_close(struct step *step)
{
    condition_close(&((struct branch *)step)->condition);
}

/* A branch is asked by its route and never reached as a step. */
static bool branch_apply(struct step *step, struct flow *flow, struct err *err)
{
    return flow_enter(flow, &((struct branch *)step)->ops, err);
}

static bool route_prepare(struct step *step, struct step_scope *scope)
{
    struct route *route = (struct route *)step;
    bool good = true;
    if (route->branches.count == 0) {
        return step_fault(scope, (struct step_spot){.option = "branches"}, "no branch");
    }
    for (size_t i = 0; i < route->branches.count; i++) {
        struct step_list one = {&route->branches.items[i], 1};
        good = step_list_prepare(&one, scope) && good;
    }
    return good;
}

static bool enter_branch(struct step *step, struct flow *flow, bool *taken, struct err *err)
{
    struct str why;
    struct value *before;
    struct branch *branch = (struct branch *)step;
    *taken = false;
    if (!condition_holds(&branch->condition, flow, step, taken, &why, err)) {
        return false;
    }
    if (!*taken) {
        return true;
    }
    if (!flow_copy(flow, &before, err)) {
        return false;
    }
    bool ok = step->type->apply(step, flow, err);
    flow->values = before;
    return ok;
}

static bool route_apply(struct step *step, struct flow *flow, struct err *err)
{
    const struct route *route = (const struct route *)step;
    bool went = false;
    for (size_t i = 0; i < route->branches.count && !(went && route->match == ROUTE_FIRST); i++) {
        bool taken = false;
        if (!enter_branch(route->branches.items[i], flow, &taken, err)) {
            return false;
        }
        went = went || taken;
    }
    return went || flow_pass(flow, step, err);
}

static const struct option branch_options[] = {
    CONDITION_OPTIONS(struct branch, condition),
    OPTION_STEPS(struct branch, ops, "ops", OPTION_REQUIRED,
                 "The steps of the items that this branch takes."),
    OPTION_END,
};

const struct step_type step_branch = {
    .kind = "branch",
    .summary = "One way of a route: a condition, and the steps behind it.",
    .options = branch_options,
    .size = sizeof(struct branch),
    .prepare = branch_prepare,
    .open = branch_open,
    .close = branch_close,
    .apply = branch_apply,
};

static const char *const match_names[] = {"first", "all", NULL};
static const char *const branch_kind[] = {"branch", NULL};

static const struct option options[] = {
    {.type = OPTION_TYPE_STEPS,
     .name = "branches",
     .fallback = OPTION_REQUIRED,
     .doc = "Conditions and the steps of each, in the order in which they are asked.",
     .choices = branch_kind,
     .offset = offsetof(struct route, branches)},
    OPTION_CHOICE(struct route, match, "match", "first", match_names,
                  "Who gets an item: the `first` branch that fits, or `all` of them."),
    OPTION_END,
};

const struct step_type step_route = {
    .kind = "route",
    .summary = "Gives items different ways; what no branch takes goes on.",
    .options = options,
    .size = sizeof(struct route),
    .prepare = route_prepare,
    .apply = route_apply,
};
