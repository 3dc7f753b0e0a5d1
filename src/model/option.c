#include "model/option.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"

static const void *member_of(const struct option *option, const void *instance)
{
    return (const char *)instance + option->offset;
}

static bool same_list(const struct str_list *a, const struct str_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = str_equal(a->items[i], b->items[i]);
    }
    return same;
}

static bool same_chats(const struct named_chats *a, const struct named_chats *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = str_equal(a->items[i].name, b->items[i].name) &&
               str_equal(a->items[i].chat, b->items[i].chat);
    }
    return same;
}

static bool same_map(const struct str_map *a, const struct str_map *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = str_equal(a->items[i].name, b->items[i].name) &&
               str_equal(a->items[i].text, b->items[i].text);
    }
    return same;
}

static bool same_text(const struct str *a, const struct str *b)
{
    return (a->ptr == NULL) == (b->ptr == NULL) && str_equal(*a, *b);
}

static bool same_secret(const struct secret *a, const struct secret *b)
{
    return secret_given(a) == secret_given(b) && str_equal(secret_reveal(a), secret_reveal(b));
}

static bool same_value(const struct option *option, const void *a, const void *b)
{
    switch (option->type) {
    case OPTION_TYPE_TEXT:
    case OPTION_TYPE_PATH:
    case OPTION_TYPE_ZONE:
    case OPTION_TYPE_SINK:
    case OPTION_TYPE_REFERENCE:
        return same_text(a, b);
    case OPTION_TYPE_SECRET:
        return same_secret(a, b);
    case OPTION_TYPE_INT:
    case OPTION_TYPE_DURATION:
    case OPTION_TYPE_SIZE:
        return *(const int64_t *)a == *(const int64_t *)b;
    case OPTION_TYPE_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case OPTION_TYPE_CHOICE:
        return *(const int *)a == *(const int *)b;
    case OPTION_TYPE_LIST:
        return same_list(a, b);
    case OPTION_TYPE_MAP:
        return same_map(a, b);
    case OPTION_TYPE_CHATS:
        return same_chats(a, b);
    case OPTION_TYPE_STEPS: /* The digest of their pipeline has all of them. */
    case OPTION_TYPE_END:
        break;
    }
    return true;
}

bool option_same(const struct option *options, const void *a, const void *b)
{
    for (; options != NULL && options->type != OPTION_TYPE_END; options++) {
        if (!same_value(options, member_of(options, a), member_of(options, b))) {
            return false;
        }
    }
    return true;
}

const struct option *option_find(const struct option *options, struct str name)
{
    for (; options != NULL && options->type != OPTION_TYPE_END; options++) {
        if (str_equal(str_of(options->name), name)) {
            return options;
        }
    }
    return NULL;
}

static void put_list(struct buf *out, const struct str_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        buf_printf(out, "%s%.*s", i > 0 ? ", " : "", STR_ARG(list->items[i]));
    }
}

static void put_map(struct buf *out, const struct str_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        buf_printf(out, "%s%.*s: %.*s", i > 0 ? ", " : "", STR_ARG(map->items[i].name),
                   STR_ARG(map->items[i].text));
    }
}

static void put_chats(struct buf *out, const struct named_chats *chats)
{
    for (size_t i = 0; i < chats->count; i++) {
        buf_printf(out, "%s%.*s: %.*s", i > 0 ? ", " : "", STR_ARG(chats->items[i].name),
                   STR_ARG(chats->items[i].chat));
    }
}

struct str option_words(const struct option *option, const void *instance, struct arena *arena)
{
    const void *member = member_of(option, instance);
    struct buf out;
    buf_init(&out, arena, 64);
    switch (option->type) {
    case OPTION_TYPE_TEXT:
    case OPTION_TYPE_PATH:
    case OPTION_TYPE_ZONE:
    case OPTION_TYPE_SINK:
    case OPTION_TYPE_REFERENCE:
        buf_add(&out, *(const struct str *)member);
        break;
    case OPTION_TYPE_SECRET:
        buf_add(&out, STR("(secret)"));
        break;
    case OPTION_TYPE_INT:
    case OPTION_TYPE_DURATION:
    case OPTION_TYPE_SIZE:
        buf_printf(&out, "%" PRId64, *(const int64_t *)member);
        break;
    case OPTION_TYPE_BOOL:
        buf_printf(&out, "%s", *(const bool *)member ? "true" : "false");
        break;
    case OPTION_TYPE_CHOICE:
        buf_printf(&out, "%s", option->choices[*(const int *)member]);
        break;
    case OPTION_TYPE_LIST:
        put_list(&out, member);
        break;
    case OPTION_TYPE_MAP:
        put_map(&out, member);
        break;
    case OPTION_TYPE_CHATS:
        put_chats(&out, member);
        break;
    case OPTION_TYPE_STEPS:
    case OPTION_TYPE_END:
        break;
    }
    return buf_str(&out);
}
