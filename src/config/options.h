/*
 * options: fills an instance from a map, as its option table says.
 *
 * A map may feed several instances at once (a source's own options, and those that every source
 * has): each table takes the keys that it knows. `also` names the keys that the caller reads by
 * itself. Any other key is a fault with a suggestion; so is a key that is required and missing, and
 * a value that does not fit its type.
 */
#ifndef SLUICE_CONFIG_OPTIONS_H
#define SLUICE_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/reader.h"
#include "model/option.h"
#include "model/report.h"

enum { OPTIONS_LIST_MAX = 4096 };

struct option_set {
    const struct option *options; /* May be NULL. */
    void *target;
};

/* False when there was a fault. `what` names the map: "source 'bridge' (whatsapp-bridge)". */
bool config_options_read(struct reader *reader, const struct yaml_node *map, const char *what,
                         const struct option_set *sets, size_t set_count, const char *const *also);

/*
 * The same for a definition that does not count today: keys, what is missing, and values that need
 * no variable and no file. The instance is filled for that alone.
 */
bool config_options_look(struct reader *reader, const struct yaml_node *map, const char *what,
                         const struct option_set *sets, size_t set_count, const char *const *also);

/* A report (model/report.h) whose faults stand where the options of `map` do. */
struct options_report {
    struct report report;
    struct reader *reader;
    const struct yaml_node *map;
    bool good;
};

void config_options_report(struct options_report *report, struct reader *reader,
                           const struct yaml_node *map);

/* The value of an option of the type OPTION_TYPE_CHATS in a filled instance, or NULL. */
const struct named_chats *config_options_chats(const struct option *options, const void *target);

#endif
