#include "config/chats.h"

#include <stdio.h>

#include "config/nearest.h"
#include "config/tree.h"

static const struct str group_suffix = STR_INIT("@g.us");

static const char *const keys[] = {"name", "enabled", "group_jid", "description"};

enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

/* Names and chats seen so far, as open hash tables of indexes + 1. */
struct table {
    size_t *slots;
    size_t mask;
};

struct list {
    struct named_chat *chats;
    struct place *places;
    size_t count; /* With the disabled ones, which must be unique as well. */
    size_t enabled;
    struct table names;
    struct table ids;
};

static bool keys_check(struct reader *reader, const struct yaml_node *entry)
{
    bool good = true;
    for (size_t i = 0; i < yaml_count(entry); i++) {
        const struct yaml_node *key = reader_key(entry, i);
        struct nearest nearest;
        nearest_begin(&nearest, yaml_text(key));
        bool found = false;
        for (size_t k = 0; k < KEY_COUNT; k++) {
            found = found || str_equal(yaml_text(key), str_of(keys[k]));
            nearest_try(&nearest, str_of(keys[k]));
        }
        if (!found) {
            good = reader_unknown_key(reader, key, "project", &nearest);
        }
    }
    for (size_t k = 0; k < KEY_COUNT; k++) {
        if (yaml_get(entry, str_of(keys[k])) == NULL) {
            good = fault_add(reader->faults, FAULT_MISSING, reader_place(entry),
                             "the project has no '%s'", keys[k]);
        }
    }
    return good;
}

static bool name_check(struct reader *reader, const struct yaml_node *node, struct str name)
{
    if (str_trim(name).len == 0) {
        return fault_add(reader->faults, FAULT_EMPTY, reader_place(node), "name is empty");
    }
    if (name.len > CHATS_NAME_MAX) {
        return fault_add(reader->faults, FAULT_BOUNDS, reader_place(node),
                         "name is longer than %d bytes", CHATS_NAME_MAX);
    }
    return reader_visible(reader, node, "name", name, FAULT_INVISIBLE);
}

/* "120363418298130331@g.us"; older groups are "number-number@g.us". */
static bool chat_check(struct reader *reader, const struct yaml_node *node, struct str chat)
{
    if (!reader_visible(reader, node, "group_jid", chat, FAULT_INVISIBLE)) {
        return false;
    }
    if (!str_ends(chat, group_suffix)) {
        (void)fault_add(reader->faults, FAULT_CHAT_SUFFIX, reader_place(node),
                        "group_jid '%.*s' does not end in @g.us", STR_ARG(chat));
        return fault_help(reader->faults, "only groups can be projects; copy the id of the group");
    }
    size_t digits = 0;
    for (size_t i = 0; i < chat.len - group_suffix.len; i++) {
        char byte = chat.ptr[i];
        if (byte >= '0' && byte <= '9') {
            digits++;
        } else if (byte != '-') {
            (void)fault_add(reader->faults, FAULT_CHAT_NUMBER, reader_inside(node, chat, i),
                            "group_jid has something else than digits in front of @g.us, at its "
                            "character %zu",
                            i + 1);
            return fault_help(reader->faults, "copy it again");
        }
    }
    if (digits == 0) {
        return fault_add(reader->faults, FAULT_CHAT_NUMBER, reader_place(node),
                         "group_jid has no number");
    }
    return true;
}

static bool table_init(struct table *table, struct arena *arena, size_t count)
{
    size_t size = 16;
    while (size < count * 2) {
        size *= 2;
    }
    table->slots = arena_array(arena, size, sizeof *table->slots);
    table->mask = size - 1;
    return table->slots != NULL;
}

/* The slot of a name (or of a chat), free or taken by an equal one. */
static size_t *table_slot(const struct table *table, const struct named_chat *chats,
                          struct str text, bool is_name)
{
    size_t at = (size_t)str_hash(text, 0) & table->mask;
    while (table->slots[at] != 0) {
        const struct named_chat *chat = &chats[table->slots[at] - 1];
        if (str_equal(is_name ? chat->name : chat->chat, text)) {
            break;
        }
        at = (at + 1) & table->mask;
    }
    return &table->slots[at];
}

static bool unique(struct reader *reader, struct list *list, const struct table *table,
                   const struct yaml_node *node, struct str text, bool is_name)
{
    size_t *slot = table_slot(table, list->chats, text, is_name);
    if (*slot != 0) {
        struct place first = list->places[*slot - 1];
        return fault_add(reader->faults, FAULT_CHAT_TAKEN, reader_place(node),
                         "the %s '%.*s' is taken by the project in line %zu",
                         is_name ? "name" : "group_jid", STR_ARG(text), first.line);
    }
    *slot = list->count + 1;
    return true;
}

static bool entry_read(struct reader *reader, const struct yaml_node *entry, struct list *list,
                       bool *enabled)
{
    if (!reader_is_map(reader, entry, "project") || !keys_check(reader, entry)) {
        return false;
    }
    const struct yaml_node *name = yaml_get(entry, STR("name"));
    const struct yaml_node *chat = yaml_get(entry, STR("group_jid"));
    struct named_chat *out = &list->chats[list->count];
    struct str description = {0};
    bool good =
        reader_text(reader, name, "name", &out->name) && name_check(reader, name, out->name);
    good = reader_text(reader, chat, "group_jid", &out->chat) &&
           chat_check(reader, chat, out->chat) && good;
    good = reader_bool(reader, yaml_get(entry, STR("enabled")), "enabled", enabled) && good;
    good = reader_text(reader, yaml_get(entry, STR("description")), "description", &description) &&
           good;
    if (!good) {
        return false;
    }
    list->places[list->count] = reader_place(entry);
    bool name_free = unique(reader, list, &list->names, name, out->name, true);
    bool chat_free = unique(reader, list, &list->ids, chat, out->chat, false);
    list->count++; /* Also when one of them is taken: the tables point here. */
    return name_free && chat_free;
}

bool config_chats_read(struct reader *reader, const struct yaml_node *node, const char *option,
                       struct named_chats *out)
{
    size_t count = yaml_count(node);
    if (yaml_kind(node) != YAML_LIST) {
        return fault_add(reader->faults, FAULT_TYPE, reader_place(node),
                         "%s: a list is expected here", option);
    }
    if (count > CHATS_MAX) {
        return fault_add(reader->faults, FAULT_COUNT, reader_place(node),
                         "%s: more than %d entries", option, CHATS_MAX);
    }
    struct list list = {
        .chats = arena_array(reader->arena, count + 1, sizeof *list.chats),
        .places = arena_array(reader->arena, count + 1, sizeof *list.places),
    };
    struct named_chat *enabled = arena_array(reader->arena, count + 1, sizeof *enabled);
    if (list.chats == NULL || list.places == NULL || enabled == NULL ||
        !table_init(&list.names, reader->arena, count) ||
        !table_init(&list.ids, reader->arena, count)) {
        return reader_no_memory(reader);
    }
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        bool on = false;
        if (!entry_read(reader, yaml_at(node, i), &list, &on)) {
            good = false;
        } else if (on) {
            enabled[list.enabled++] = list.chats[list.count - 1];
        }
    }
    *out = (struct named_chats){.items = enabled, .count = list.enabled};
    return good;
}

bool config_chats_read_file(struct reader *reader, struct str path, struct place place,
                            const char *option, struct named_chats *out)
{
    const struct yaml_node *root = NULL;
    if (!tree_file(reader, path, &place, &root) || !reader_is_map(reader, root, "the file")) {
        return false;
    }
    bool good = true;
    for (size_t i = 0; i < yaml_count(root); i++) {
        const struct yaml_node *key = reader_key(root, i);
        if (!str_equal(yaml_text(key), str_of(option))) {
            struct nearest nearest;
            nearest_begin(&nearest, yaml_text(key));
            nearest_try(&nearest, str_of(option));
            good = reader_unknown_key(reader, key, "", &nearest);
            if (nearest.best.ptr == NULL) {
                good = fault_help(reader->faults, "the file has only '%s'", option);
            }
        }
    }
    const struct yaml_node *list = yaml_get(root, str_of(option));
    if (list == NULL) {
        return fault_add(reader->faults, FAULT_MISSING, reader_place(root),
                         "the key '%s' is missing", option);
    }
    good = config_chats_read(reader, list, option, out) && good;
    out->file = path;
    return good;
}
