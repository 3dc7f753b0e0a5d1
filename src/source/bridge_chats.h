/*
 * bridge_chats: which chats a bridge's file has, and which of them somebody may have meant.
 *
 * For `check --connect`: it looks at every row once, so it is not for the way of each message.
 */
#ifndef SLUICE_SOURCE_BRIDGE_CHATS_H
#define SLUICE_SOURCE_BRIDGE_CHATS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "db/sqlite.h"
#include "model/option.h"
#include "source/bridge_schema.h"

enum {
    BRIDGE_CHATS_ARENA_MAX = 16 * 1024 * 1024,
    BRIDGE_CHATS_MAX = 20000, /* The fullest ones; further ones are only counted. */
    BRIDGE_NEAREST_MAX = 3,
    BRIDGE_DISTANCE_MAX = 96, /* Longer names are compared by their first bytes. */
};

/*
 * Add ", 20 chats, 3 of 4 expected are there; 1203@g.us has no message, nearest are …" to `out`.
 * Without anything expected it only counts.
 */
bool bridge_chats_describe(const struct bridge_schema *schema, struct sqlite *db,
                           const struct str_list *expected, struct arena *arena, struct buf *out,
                           struct err *err);

/* How many bytes have to be put in, taken out or replaced to make one of the other. */
size_t bridge_chats_distance(struct str a, struct str b);

#endif
