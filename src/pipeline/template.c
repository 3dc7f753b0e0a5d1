#include "pipeline/template.h"

static bool template_prepare(struct step *step, struct step_scope *scope)
{
    struct template_step *self = (struct template_step *)step;
    bool good = true;
    self->fields = arena_array(scope->arena, self->set.count + 1, sizeof *self->fields);
    if (self->fields == NULL) {
        return step_fault(scope, (struct step_spot){0}, "out of memory");
    }
    for (size_t i = 0; i < self->set.count; i++) {
        const struct str_pair *pair = &self->set.items[i];
        struct template_field *made = &self->fields[i];
        struct step_spot spot = {.option = "set", .key = pair->name};
        bool sound = compose_prepare(&made->compose, scope, spot, pair->text);
        good =
            step_sets(scope, spot, pair->name, made->compose.type, &made->field) && sound && good;
    }
    return good;
}

static bool template_apply(struct step *step, struct flow *flow, struct err *err)
{
    const struct template_step *self = (const struct template_step *)step;
    for (size_t i = 0; i < self->set.count; i++) {
        const struct template_field *made = &self->fields[i];
        if (!compose_write(&made->compose, flow, step, &flow->values[made->field], err)) {
            return false;
        }
    }
    return flow_pass(flow, step, err);
}

static const struct option options[] = {
    OPTION_MAP(struct template_step, set, "set", OPTION_REQUIRED,
               "Names of fields, and the template of each."),
    OPTION_END,
};

const struct step_type step_template = {
    .kind = "template",
    .summary = "Makes fields of other fields, by templates.",
    .options = options,
    .size = sizeof(struct template_step),
    .prepare = template_prepare,
    .apply = template_apply,
};
