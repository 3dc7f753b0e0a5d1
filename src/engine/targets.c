#include "engine/targets.h"

static bool is_for(const struct target *target, struct str sink)
{
    return target->sink == NULL || str_equal(str_of(target->sink), sink);
}

bool targets_of(const struct plan *plan, struct str sink, struct arena *arena,
                const struct target *const **out, struct err *err)
{
    size_t room = 1;
    size_t count = 0;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct target *const *targets = op_targets(plan->pipelines[i].op);
        for (; targets != NULL && *targets != NULL; targets++) {
            room++;
        }
    }
    const struct target **all = arena_array(arena, room, sizeof(struct target *));
    if (all == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for %zu targets", room);
    }
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct target *const *targets = op_targets(plan->pipelines[i].op);
        for (; targets != NULL && *targets != NULL; targets++) {
            size_t at = 0;
            if (!is_for(*targets, sink)) {
                continue;
            }
            while (at < count && all[at] != *targets) {
                at++;
            }
            all[at] = *targets;
            count = at == count ? count + 1 : count;
        }
    }
    *out = all;
    return true;
}

bool targets_lend(const struct plan *plan, const struct plan_sink *plan_sink, struct str data_dir,
                  struct arena *arena, struct err *err)
{
    struct sink *sink = plan_sink->sink;
    const struct target *const *targets = NULL;
    if (!targets_of(plan, plan_sink->name, arena, &targets, err)) {
        return false;
    }
    sink->connector.name = plan_sink->name;
    sink->connector.env = (struct connector_env){
        .clock = clock_system(), .arena = arena, .data_dir = data_dir, .targets = targets};
    return sink->type->connector.open == NULL || sink->type->connector.open(&sink->connector, err);
}

void targets_return(const struct plan_sink *sink)
{
    if (sink->sink->type->connector.close != NULL) {
        sink->sink->type->connector.close(&sink->sink->connector);
    }
}
