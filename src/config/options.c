#include "config/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/chats.h"
#include "config/nearest.h"
#include "config/ops.h"
#include "config/secrets.h"
#include "text/duration.h"
#include "text/zone.h"

enum { WHAT_MAX = 160 };

/* One option on its way: its description, where it goes, and what names it in a fault. */
struct slot {
    const struct option *option;
    void *member;
    struct place place;
    char what[WHAT_MAX]; /* "option 'poll'" */
};

static bool is_required(const struct option *option)
{
    return option->fallback != NULL && strcmp(option->fallback, OPTION_REQUIRED) == 0;
}

static bool bounded(struct reader *reader, const struct slot *slot, int64_t value)
{
    const struct option *option = slot->option;
    bool none = option->min == 0 && option->max == 0;
    if (none && option->type == OPTION_TYPE_INT) {
        return true;
    }
    int64_t min = none ? 0 : option->min;
    int64_t max = none ? INT64_MAX : option->max;
    if (value >= min && value <= max) {
        return true;
    }
    if (max == INT64_MAX) {
        return fault_add(reader->faults, FAULT_BOUNDS, slot->place,
                         "%s: at least %" PRId64 " is needed", slot->what, min);
    }
    return fault_add(reader->faults, FAULT_BOUNDS, slot->place,
                     "%s: between %" PRId64 " and %" PRId64 "%s", slot->what, min, max,
                     option->type == OPTION_TYPE_DURATION ? " milliseconds" : "");
}

static bool read_int(struct reader *reader, const struct slot *slot, struct str text, int64_t *out)
{
    int64_t value = 0;
    if (!str_to_int64(text, &value)) {
        return fault_add(reader->faults, FAULT_NUMBER, slot->place,
                         "%s: '%.*s' is not a whole number", slot->what, STR_ARG(text));
    }
    *out = value;
    return bounded(reader, slot, value);
}

static bool read_duration(struct reader *reader, const struct slot *slot, struct str text,
                          int64_t *out)
{
    struct err err = {0};
    int64_t value = 0;
    if (!duration_parse(text, &value, &err)) {
        (void)fault_add_err(reader->faults, FAULT_DURATION, slot->place, slot->what, &err);
        if (str_to_int64(text, &value) && value > 0) {
            (void)fault_help(reader->faults, "write %" PRId64 "s for seconds", value);
        }
        return false;
    }
    *out = value;
    return bounded(reader, slot, value);
}

/* "16MiB", "512 kB", "1000"; units of 1024 with an i, of 1000 without. */
static bool read_size(struct reader *reader, const struct slot *slot, struct str text, int64_t *out)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = {
        {"", 1},          {"B", 1},         {"kB", 1000},
        {"KB", 1000},     {"MB", 1000000},  {"GB", 1000000000},
        {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
    };
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') {
        digits++;
    }
    int64_t count = 0;
    struct str unit = str_trim(str_slice(text, digits, text.len));
    if (str_to_int64(str_slice(text, 0, digits), &count)) {
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
            if (str_equal(unit, str_of(units[i].name)) && count <= INT64_MAX / units[i].bytes) {
                *out = count * units[i].bytes;
                return bounded(reader, slot, *out);
            }
        }
    }
    (void)fault_add(reader->faults, FAULT_SIZE, slot->place, "%s: '%.*s' is not a size", slot->what,
                    STR_ARG(text));
    return fault_help(reader->faults, "write a number and one of B, kB, MB, GB, KiB, MiB, GiB");
}

static bool read_bool(struct reader *reader, const struct slot *slot, struct str text, bool *out)
{
    if (!str_equal(text, STR("true")) && !str_equal(text, STR("false"))) {
        (void)fault_add(reader->faults, FAULT_BOOL, slot->place,
                        "%s: '%.*s' is neither true nor false", slot->what, STR_ARG(text));
        return reader_help_bool(reader, text);
    }
    *out = str_equal(text, STR("true"));
    return true;
}

static bool read_choice(struct reader *reader, const struct slot *slot, struct str text, int *out)
{
    char all[256] = "";
    size_t len = 0;
    struct nearest nearest;
    nearest_begin(&nearest, text);
    for (int i = 0; slot->option->choices[i] != NULL; i++) {
        struct str choice = str_of(slot->option->choices[i]);
        if (str_equal(text, choice)) {
            *out = i;
            return true;
        }
        nearest_try(&nearest, choice);
        if (len < sizeof all) {
            int more = snprintf(all + len, sizeof all - len, "%s%s", i == 0 ? "" : ", ",
                                slot->option->choices[i]);
            len += more > 0 ? (size_t)more : 0;
        }
    }
    (void)fault_add(reader->faults, FAULT_CHOICE, slot->place, "%s: '%.*s' is not one of %s",
                    slot->what, STR_ARG(text), all);
    return reader_help_nearest(reader, &nearest);
}

static bool read_zone(struct reader *reader, const struct slot *slot, struct str text,
                      struct str *out)
{
    struct err err = {0};
    const struct zone *zone = NULL;
    if (!zone_parse(text, &zone, &err)) {
        return fault_add_err(reader->faults, FAULT_ZONE, slot->place, slot->what, &err);
    }
    *out = zone_name(zone);
    return true;
}

static bool read_sink(struct reader *reader, const struct slot *slot, struct str text,
                      struct str *out)
{
    struct nearest nearest;
    nearest_begin(&nearest, text);
    for (size_t i = 0; i < reader->sink_count; i++) {
        if (str_equal(text, reader->sinks[i])) {
            *out = text;
            return true;
        }
        nearest_try(&nearest, reader->sinks[i]);
    }
    if (reader->sinks == NULL) { /* A fault of its own. */
        return false;
    }
    (void)fault_add(reader->faults, FAULT_UNKNOWN_SINK, slot->place, "%s: there is no sink '%.*s'",
                    slot->what, STR_ARG(text));
    return reader_help_nearest(reader, &nearest);
}

static bool read_nonempty(struct reader *reader, const struct slot *slot, struct str text,
                          struct str *out)
{
    if (text.len == 0) {
        return fault_add(reader->faults, FAULT_EMPTY, slot->place, "%s is empty", slot->what);
    }
    *out = text;
    return true;
}

/* What a text gives for the types that are written as one scalar. */
static bool read_value(struct reader *reader, const struct slot *slot, struct str text)
{
    switch (slot->option->type) {
    case OPTION_TYPE_TEXT:
    case OPTION_TYPE_PATH:
    case OPTION_TYPE_REFERENCE: /* Whether there is one is looked at by build.c. */
        return read_nonempty(reader, slot, text, slot->member);
    case OPTION_TYPE_INT:
        return read_int(reader, slot, text, slot->member);
    case OPTION_TYPE_BOOL:
        return read_bool(reader, slot, text, slot->member);
    case OPTION_TYPE_DURATION:
        return read_duration(reader, slot, text, slot->member);
    case OPTION_TYPE_SIZE:
        return read_size(reader, slot, text, slot->member);
    case OPTION_TYPE_CHOICE:
        return read_choice(reader, slot, text, slot->member);
    case OPTION_TYPE_ZONE:
        return read_zone(reader, slot, text, slot->member);
    case OPTION_TYPE_SINK:
        return read_sink(reader, slot, text, slot->member);
    case OPTION_TYPE_SECRET:
    case OPTION_TYPE_LIST:
    case OPTION_TYPE_CHATS:
    case OPTION_TYPE_MAP:
    case OPTION_TYPE_STEPS:
    case OPTION_TYPE_END:
        break;
    }
    return fault_add(reader->faults, FAULT_TYPE, slot->place, "%s is not written as a single value",
                     slot->what);
}

/* A list of texts; a single scalar is a list of one. */
static bool read_list(struct reader *reader, const struct slot *slot, const struct yaml_node *node)
{
    struct str_list *out = slot->member;
    size_t count = yaml_kind(node) == YAML_LIST ? yaml_count(node) : 1;
    if (count > OPTIONS_LIST_MAX) {
        return fault_add(reader->faults, FAULT_COUNT, slot->place, "%s: more than %d entries",
                         slot->what, OPTIONS_LIST_MAX);
    }
    struct str *items = arena_array(reader->arena, count + 1, sizeof *items);
    if (items == NULL) {
        return reader_no_memory(reader);
    }
    bool good = true;
    if (yaml_kind(node) != YAML_LIST) {
        good = reader_text(reader, node, slot->what, &items[0]);
    }
    for (size_t i = 0; yaml_kind(node) == YAML_LIST && i < count; i++) {
        good = reader_text(reader, yaml_at(node, i), slot->what, &items[i]) && good;
    }
    *out = (struct str_list){items, count};
    return good;
}

/* Names and texts; that a name stands once is YAML's own rule. */
static bool read_map(struct reader *reader, const struct slot *slot, const struct yaml_node *node)
{
    struct str_map *out = slot->member;
    if (!reader_is_map(reader, node, slot->what)) {
        return false;
    }
    size_t count = yaml_count(node);
    if (count == 0 || count > OPTIONS_LIST_MAX) {
        return fault_add(reader->faults, FAULT_COUNT, slot->place,
                         "%s: between 1 and %d entries are expected", slot->what, OPTIONS_LIST_MAX);
    }
    struct str_pair *items = arena_array(reader->arena, count, sizeof *items);
    if (items == NULL) {
        return reader_no_memory(reader);
    }
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        items[i].name = yaml_text(reader_key(node, i));
        good = reader_text(reader, reader_value(node, i), slot->what, &items[i].text) && good;
    }
    *out = (struct str_map){items, count};
    return good;
}

static bool read_chats(struct reader *reader, const struct slot *slot, const struct yaml_node *node)
{
    if (yaml_kind(node) == YAML_LIST) {
        return config_chats_read(reader, node, slot->option->name, slot->member);
    }
    struct str path = {0};
    return reader_path(reader, node, slot->what, &path) &&
           config_chats_read_file(reader, path, slot->place, slot->option->name, slot->member);
}

static bool read_node(struct reader *reader, struct slot *slot, const struct yaml_node *node)
{
    slot->place = reader_place(node);
    if (slot->option->type == OPTION_TYPE_LIST) {
        return read_list(reader, slot, node);
    }
    if (slot->option->type == OPTION_TYPE_CHATS) {
        return read_chats(reader, slot, node);
    }
    if (slot->option->type == OPTION_TYPE_MAP) {
        return read_map(reader, slot, node);
    }
    if (slot->option->type == OPTION_TYPE_STEPS) {
        return config_ops_read(reader, node, slot->option, slot->member);
    }
    if (slot->option->type == OPTION_TYPE_SECRET) {
        return secrets_option(reader, node, slot->option->name, slot->member);
    }
    struct str text = {0};
    if (slot->option->type == OPTION_TYPE_PATH) {
        return reader_path(reader, node, slot->what, &text) && read_value(reader, slot, text);
    }
    if (!reader_text(reader, node, slot->what, &text)) {
        return false;
    }
    if (slot->option->type == OPTION_TYPE_TEXT) {
        (void)reader_visible(reader, node, slot->what, text, FAULT_INVISIBLE_VALUE);
    }
    return read_value(reader, slot, text);
}

static bool read_default(struct reader *reader, struct slot *slot, const char *what)
{
    const struct option *option = slot->option;
    if (is_required(option)) {
        (void)fault_add(reader->faults, FAULT_MISSING, slot->place, "%s: %s is missing", what,
                        slot->what);
        return fault_help(reader->faults, "%s", option->doc);
    }
    if (option->fallback == NULL) {
        return true;
    }
    if (option->type == OPTION_TYPE_LIST) {
        struct str *item = arena_array(reader->arena, 1, sizeof *item);
        if (item != NULL) {
            *item = str_of(option->fallback);
            *(struct str_list *)slot->member = (struct str_list){item, 1};
        }
        return item != NULL;
    }
    return read_value(reader, slot, str_of(option->fallback));
}

static bool known(const struct option_set *sets, size_t count, const char *const *also,
                  struct str key, struct nearest *nearest)
{
    for (size_t i = 0; i < count; i++) {
        for (const struct option *o = sets[i].options; o != NULL && o->type != OPTION_TYPE_END;
             o++) {
            if (str_equal(key, str_of(o->name))) {
                return true;
            }
            nearest_try(nearest, str_of(o->name));
        }
    }
    for (; also != NULL && *also != NULL; also++) {
        if (str_equal(key, str_of(*also))) {
            return true;
        }
        nearest_try(nearest, str_of(*also));
    }
    return false;
}

/* A misspelt `pasword` may hold a secret; so may any key that is like no other. */
static bool near_secret(const struct option_set *sets, size_t count, const struct nearest *nearest)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        for (const struct option *o = sets[i].options; o != NULL && o->type != OPTION_TYPE_END;
             o++) {
            bool secret = o->type == OPTION_TYPE_SECRET;
            any = any || secret;
            if (nearest->best.ptr != NULL && str_equal(nearest->best, str_of(o->name))) {
                return secret;
            }
        }
    }
    return any;
}

static bool refuse_unknown(struct reader *reader, const struct yaml_node *map, const char *what,
                           const struct option_set *sets, size_t count, const char *const *also)
{
    bool good = true;
    for (size_t i = 0; i < yaml_count(map); i++) {
        const struct yaml_node *key = reader_key(map, i);
        struct nearest nearest;
        nearest_begin(&nearest, yaml_text(key));
        if (!known(sets, count, also, yaml_text(key), &nearest)) {
            good = reader_unknown_key(reader, key, what, &nearest);
            if (near_secret(sets, count, &nearest)) {
                reader_hide(reader, reader_value(map, i));
            }
        }
    }
    return good;
}

bool config_options_read(struct reader *reader, const struct yaml_node *map, const char *what,
                         const struct option_set *sets, size_t set_count, const char *const *also)
{
    bool good = refuse_unknown(reader, map, what, sets, set_count, also);
    for (size_t i = 0; i < set_count; i++) {
        for (const struct option *o = sets[i].options; o != NULL && o->type != OPTION_TYPE_END;
             o++) {
            struct slot slot = {
                .option = o,
                .member = (char *)sets[i].target + o->offset,
                .place = reader_place(map),
            };
            (void)snprintf(slot.what, sizeof slot.what, "option '%s'", o->name);
            const struct yaml_node *node = yaml_get(map, str_of(o->name));
            good = (node != NULL ? read_node(reader, &slot, node)
                                 : read_default(reader, &slot, what)) &&
                   good;
        }
    }
    return good;
}

/* Can it be judged by what stands in the file, whatever this machine's variables are? */
static bool stands_alone(const struct yaml_node *node, const struct option *option)
{
    static const char *const elsewhere[] = {"env:", "file:", "cmd:", "secret:"};
    struct str text = yaml_text(node);
    bool alone = yaml_kind(node) != YAML_LIST && yaml_kind(node) != YAML_MAP &&
                 str_find_byte(text, '$', 0) == STR_NONE;
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        alone = alone &&
                !(option->type == OPTION_TYPE_SECRET && str_starts(text, str_of(elsewhere[i])));
    }
    return alone && option->type != OPTION_TYPE_CHATS;
}

bool config_options_look(struct reader *reader, const struct yaml_node *map, const char *what,
                         const struct option_set *sets, size_t set_count, const char *const *also)
{
    bool good = refuse_unknown(reader, map, what, sets, set_count, also);
    for (size_t i = 0; i < set_count; i++) {
        for (const struct option *o = sets[i].options; o != NULL && o->type != OPTION_TYPE_END;
             o++) {
            const struct yaml_node *node = yaml_get(map, str_of(o->name));
            struct slot slot = {
                .option = o,
                .member = (char *)sets[i].target + o->offset,
                .place = reader_place(map),
            };
            (void)snprintf(slot.what, sizeof slot.what, "option '%s'", o->name);
            if (node == NULL) {
                good = read_default(reader, &slot, what) && good;
            } else if (stands_alone(node, o)) {
                good = read_node(reader, &slot, node) && good;
            }
        }
    }
    return good;
}

const struct named_chats *config_options_chats(const struct option *options, const void *target)
{
    for (const struct option *o = options; o != NULL && o->type != OPTION_TYPE_END; o++) {
        if (o->type == OPTION_TYPE_CHATS) {
            return (const struct named_chats *)(const void *)((const char *)target + o->offset);
        }
    }
    return NULL;
}

static void report_fault(struct report *report, const char *option, size_t character,
                         const char *text)
{
    struct options_report *own = report->context;
    const struct yaml_node *node = option != NULL ? yaml_get(own->map, str_of(option)) : NULL;
    char what[WHAT_MAX] = "its options";
    if (option != NULL) {
        (void)snprintf(what, sizeof what, "option '%s'", option);
    }
    struct place place = node != NULL ? reader_character(node, character) : reader_place(own->map);
    own->good = fault_add_advice(own->reader->faults, FAULT_OPTION, place, what, text);
}

void config_options_report(struct options_report *report, struct reader *reader,
                           const struct yaml_node *map)
{
    *report = (struct options_report){.reader = reader, .map = map, .good = true};
    report->report = (struct report){.context = report, .fault = report_fault};
}
