/*
 * keys: what decides under which key a pipeline's records are written.
 *
 * A row that was written under one key is not found under another: after a change of how keys are
 * made, every message that comes makes a second row beside the one that is there. So each op says
 * what its keys depend on, as a list of parts:
 *
 *     pattern                    \bDR\d{8}\b           an option of the op `drops`
 *     write records/leads: key   {phone}               an option of a step
 *     normalize of phone         phone: il, region …   a step that makes what the key is made of
 *
 * The store keeps the parts by which a pipeline wrote last, and a configuration whose parts differ
 * is refused until somebody accepts it (engine/keys.h). Parts are for people, too: a secret never
 * is one. What does not matter for keys (columns, zones, texts) is no part.
 */
#ifndef SLUICE_MODEL_KEYS_H
#define SLUICE_MODEL_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "model/option.h"

enum { KEY_PARTS_MAX = 256 };

struct key_part {
    struct str name;
    struct str value;
    bool strict; /* It is a change as well when the part is new, or gone. */
};

struct key_parts {
    struct arena *arena; /* Of the texts. */
    struct key_part items[KEY_PARTS_MAX];
    size_t count;
    bool failed; /* Out of memory, or more than KEY_PARTS_MAX. */
};

void key_parts_add(struct key_parts *parts, struct str name, struct str value, bool strict);

/* Options of an instance by their names, which are ended by NULL. */
void key_parts_options(struct key_parts *parts, const struct option *options, const void *instance,
                       const char *const *names);

#endif
