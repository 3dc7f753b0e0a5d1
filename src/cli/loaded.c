#include "cli/loaded.h"

#include "base/mem.h"

struct loaded *loaded_new(void)
{
    struct loaded *loaded = mem_alloc(sizeof *loaded);
    if (loaded != NULL) {
        atomic_store(&loaded->holds, 1);
    }
    return loaded;
}

void loaded_hold(struct loaded *loaded)
{
    (void)atomic_fetch_add(&loaded->holds, 1);
}

void loaded_drop(struct loaded *loaded)
{
    if (loaded != NULL && atomic_fetch_sub(&loaded->holds, 1) == 1) {
        config_free(&loaded->config);
        mem_free(loaded);
    }
}

static void drop(void *owner)
{
    loaded_drop(owner);
}

struct plan_owner loaded_owner(struct loaded *loaded)
{
    loaded_hold(loaded);
    return (struct plan_owner){loaded, drop};
}
