#include "config/from.h"

#include <string.h>

#include "config/nearest.h"

/* What sluice files itself: ends of runs. */
static const struct str runs = STR_INIT("runs");

static bool is_reference(const struct from *from, struct str name)
{
    for (size_t i = 0; i < from->plan->source_count; i++) {
        if (str_equal(from->plan->sources[i].name, name)) {
            return from->plan->sources[i].reference.len > 0;
        }
    }
    return false;
}

/* Also one that was written and is wrong: its own faults are enough. */
static bool find_source(const struct from *from, const struct yaml_node *node, const char *what,
                        struct str name)
{
    struct nearest nearest;
    struct faults *faults = from->reader->faults;
    nearest_begin(&nearest, name);
    if (yaml_kind(from->sources) != YAML_MAP) {
        return false;
    }
    if (is_reference(from, name)) {
        (void)fault_add(faults, FAULT_UNKNOWN_SOURCE, reader_place(node),
                        "%s: source '%.*s' brings a table to look things up in and has no messages",
                        what, STR_ARG(name));
        return fault_help(faults, "name it where it is looked up");
    }
    for (size_t i = 0; i < yaml_count(from->sources); i++) {
        struct str other = yaml_text(reader_key(from->sources, i));
        if (str_equal(name, other)) {
            return true;
        }
        nearest_try(&nearest, other);
    }
    (void)fault_add(faults, FAULT_UNKNOWN_SOURCE, reader_place(node),
                    "%s: there is no source '%.*s'", what, STR_ARG(name));
    return reader_help_nearest(from->reader, &nearest);
}

bool from_source(const struct from *from, const struct yaml_node *map, const char *what,
                 const char *key, struct str *source)
{
    const struct yaml_node *node = yaml_get(map, str_of(key));
    if (node == NULL) {
        (void)fault_add(from->reader->faults, FAULT_MISSING, reader_place(map), "%s has no %s",
                        what, key);
        return fault_help(from->reader->faults, "write the name of one of `sources`");
    }
    return reader_text(from->reader, node, key, source) && find_source(from, node, what, *source);
}

/* Room for `count` more chats; what was there stays. */
static struct plan_chat *make_room(const struct from *from, struct plan_pipeline *pipeline,
                                   size_t count)
{
    struct plan_chat *chats =
        arena_array(from->reader->arena, pipeline->chat_count + count, sizeof *chats);
    if (chats == NULL) {
        (void)reader_no_memory(from->reader);
        return NULL;
    }
    if (pipeline->chat_count > 0) {
        memcpy(chats, pipeline->chats, pipeline->chat_count * sizeof *chats);
    }
    pipeline->chats = chats;
    return chats + pipeline->chat_count;
}

static bool is_all(const struct from *from, const struct yaml_node *node)
{
    struct str text = {0};
    if (!reader_text(from->reader, node, "chats", &text)) {
        return false;
    }
    if (str_equal(text, STR("all"))) {
        return true;
    }
    (void)fault_add(from->reader->faults, FAULT_TYPE, reader_place(node),
                    "chats: '%.*s' is neither all nor a list", STR_ARG(text));
    return fault_help(from->reader->faults, "write all, or a list of chat ids");
}

bool from_chats(const struct from *from, const struct yaml_node *node, struct str source,
                struct plan_pipeline *pipeline)
{
    struct faults *faults = from->reader->faults;
    bool list = yaml_kind(node) == YAML_LIST;
    size_t count = list ? yaml_count(node) : 1;
    if (count == 0 || count > PLAN_CHATS_MAX - pipeline->chat_count) {
        return fault_add(faults, FAULT_COUNT, reader_place(node),
                         "chats: between 1 and %d chat ids are expected", PLAN_CHATS_MAX);
    }
    if (!list && !is_all(from, node)) {
        return false;
    }
    struct plan_chat *chats = make_room(from, pipeline, count);
    bool good = chats != NULL;
    for (size_t i = 0; i < count && chats != NULL; i++) {
        struct str text = STR("");
        bool read = !list || reader_text(from->reader, yaml_at(node, i), "chat", &text);
        if (read && list && text.len == 0) {
            read = fault_add(faults, FAULT_EMPTY, reader_place(yaml_at(node, i)),
                             "a chat id is empty");
        }
        read = read && (!list || reader_visible(from->reader, yaml_at(node, i), "a chat id", text,
                                                FAULT_INVISIBLE));
        chats[i] = (struct plan_chat){.source = source, .chat = text};
        good = read && good;
    }
    pipeline->chat_count += chats != NULL ? count : 0;
    return good;
}

static bool check_keys(const struct from *from, const struct yaml_node *entry)
{
    bool good = true;
    for (size_t i = 0; i < yaml_count(entry); i++) {
        struct str key = yaml_text(reader_key(entry, i));
        struct nearest nearest;
        nearest_begin(&nearest, key);
        nearest_try(&nearest, STR("source"));
        nearest_try(&nearest, STR("chats"));
        if (!str_equal(key, STR("source")) && !str_equal(key, STR("chats"))) {
            (void)fault_add(from->reader->faults, FAULT_UNKNOWN_KEY,
                            reader_place(reader_key(entry, i)), "from: unknown key '%.*s'",
                            STR_ARG(key));
            good = reader_help_nearest(from->reader, &nearest);
        }
    }
    return good;
}

static bool read_entry(const struct from *from, const struct yaml_node *entry, const char *what,
                       struct plan_pipeline *pipeline)
{
    struct faults *faults = from->reader->faults;
    struct str source = {0};
    if (!reader_is_map(from->reader, entry, "an entry of from") || !check_keys(from, entry)) {
        return false;
    }
    const struct yaml_node *name = yaml_get(entry, STR("source"));
    const struct yaml_node *chats = yaml_get(entry, STR("chats"));
    if (name == NULL || chats == NULL) {
        return fault_add(faults, FAULT_MISSING, reader_place(entry),
                         "from: an entry has a source and its chats: {source: NAME, chats: all}");
    }
    if (!reader_text(from->reader, name, "source", &source)) {
        return false;
    }
    bool is_runs = str_equal(source, runs);
    if (!is_runs && !find_source(from, name, what, source)) {
        return false;
    }
    for (size_t i = 0; i < pipeline->chat_count; i++) {
        if (str_equal(pipeline->chats[i].source, source)) {
            (void)fault_add(faults, FAULT_CHATS_TWICE, reader_place(name),
                            "from: source '%.*s' stands here twice", STR_ARG(source));
            return fault_help(faults, "put its chats into one list");
        }
    }
    pipeline->quiet = pipeline->quiet || is_runs; /* Or it would hear of itself for ever. */
    return from_chats(from, chats, source, pipeline);
}

bool from_list(const struct from *from, const struct yaml_node *map, const char *what,
               struct plan_pipeline *pipeline)
{
    const struct yaml_node *list = yaml_get(map, STR("from"));
    struct faults *faults = from->reader->faults;
    static const char *const others[] = {"source", "chats"};
    bool good = true;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (yaml_get(map, str_of(others[i])) != NULL) {
            good = fault_add(faults, FAULT_CHATS_TWICE,
                             reader_place(yaml_get_key(map, str_of(others[i]))),
                             "%s has from and %s; write one of them", what, others[i]);
        }
    }
    if (yaml_kind(list) != YAML_LIST || yaml_count(list) == 0 ||
        yaml_count(list) > FROM_SOURCES_MAX) {
        return fault_add(faults, FAULT_COUNT, reader_place(list),
                         "from: a list of 1 to %d entries {source: NAME, chats: all} is expected",
                         FROM_SOURCES_MAX);
    }
    for (size_t i = 0; i < yaml_count(list); i++) {
        good = read_entry(from, yaml_at(list, i), what, pipeline) && good;
    }
    return good;
}

bool from_ticks(const struct from *from, const struct yaml_node *map, const char *what,
                struct plan_pipeline *pipeline)
{
    struct str ticks = {0};
    if (yaml_get(map, STR("ticks")) == NULL) {
        return true;
    }
    if (!from_source(from, map, what, "ticks", &ticks)) {
        return false;
    }
    struct plan_chat *chat = make_room(from, pipeline, 1);
    if (chat == NULL) {
        return false;
    }
    *chat = (struct plan_chat){.source = ticks, .chat = STR("")};
    pipeline->chat_count++;
    return true;
}
