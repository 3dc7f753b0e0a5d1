#include "model/keys.h"

#include "base/must.h"

void key_parts_add(struct key_parts *parts, struct str name, struct str value, bool strict)
{
    struct str name_copy = arena_copy(parts->arena, name);
    struct str value_copy = arena_copy(parts->arena, value);
    if (parts->count == KEY_PARTS_MAX || name_copy.ptr == NULL || value_copy.ptr == NULL) {
        parts->failed = true;
        return;
    }
    parts->items[parts->count++] = (struct key_part){name_copy, value_copy, strict};
}

void key_parts_options(struct key_parts *parts, const struct option *options, const void *instance,
                       const char *const *names)
{
    for (; names != NULL && *names != NULL; names++) {
        const struct option *option = option_find(options, str_of(*names));
        must(option != NULL && option->type != OPTION_TYPE_SECRET);
        key_parts_add(parts, str_of(*names), option_words(option, instance, parts->arena), false);
    }
}
