#include "sink/one_rig.h"

#include "base/mem.h"
#include "test.h"

struct sink *one_rig_new(const struct sink_type *type, const char *name, struct arena *opened,
                         const struct target *const *targets)
{
    struct sink *sink = mem_alloc(type->connector.size);
    assert_non_null(sink);
    sink->type = type;
    sink->connector.name = str_of(name);
    sink->connector.env =
        (struct connector_env){.clock = clock_system(), .arena = opened, .targets = targets};
    return sink;
}

void *one_rig_member(struct sink *sink, const char *name)
{
    const struct option *option = option_find(sink->type->connector.options, str_of(name));
    if (option == NULL) {
        fail_msg("no option %s", name);
        return NULL;
    }
    return (char *)(void *)sink + option->offset;
}

bool one_rig_open(struct sink **sink, struct err *err)
{
    if ((*sink)->type->connector.open(&(*sink)->connector, err)) {
        return true;
    }
    mem_free(*sink);
    *sink = NULL;
    return false;
}

void one_rig_drop(struct sink **sink)
{
    if (*sink != NULL) {
        (*sink)->type->connector.close(&(*sink)->connector);
        mem_free(*sink);
        *sink = NULL;
    }
}
