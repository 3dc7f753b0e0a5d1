#include "pipeline/filter.h"

static bool has_test(const struct condition *condition)
{
    return condition->words.count + condition->pattern.len + condition->senders.count +
                   condition->chats.count + condition->kinds.count + condition->where.count >
               0 ||
           condition->direction != CONDITION_ANY || condition->attachment != CONDITION_ANY;
}

static bool filter_prepare(struct step *step, struct step_scope *scope)
{
    struct filter *filter = (struct filter *)step;
    if (!has_test(&filter->condition)) {
        return step_fault(scope, (struct step_spot){0},
                          "the filter tests nothing; give it words, pattern, where, sender, chat, "
                          "on, direction or attachment");
    }
    return condition_prepare(&filter->condition, scope);
}

static bool filter_open(struct step *step, struct arena *arena, struct err *err)
{
    (void)arena;
    return condition_open(&((struct filter *)step)->condition, err);
}

static void filter_close(struct step *step)
{
    condition_close(&((struct filter *)step)->condition);
}

static bool filter_apply(struct step *step, struct flow *flow, struct err *err)
{
    const struct filter *filter = (const struct filter *)step;
    struct str why = {0};
    bool holds = false;
    if (!condition_holds(&filter->condition, flow, step, &holds, &why, err)) {
        return false;
    }
    return holds ? flow_pass(flow, step, err) : flow_leave(flow, step, why, err);
}

static const struct option options[] = {
    CONDITION_OPTIONS(struct filter, condition),
    OPTION_END,
};

const struct step_type step_filter = {
    .kind = "filter",
    .summary = "Lets only those items through for which all tests hold.",
    .options = options,
    .size = sizeof(struct filter),
    .leaves = true,
    .prepare = filter_prepare,
    .open = filter_open,
    .close = filter_close,
    .apply = filter_apply,
};
