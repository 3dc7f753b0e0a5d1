/*
 * reference: tables that ops look things up in (a roster, a mapping, professionals), with history.
 *
 * A snapshot is filed as a message; each row then holds from that message's number on, until a
 * later snapshot changes or drops it. Asking "as of" a place in the archive gives the row that was
 * current there, so a replay sees what the first run saw. The first version also holds for what was
 * archived before it: rules wait until there is one, and the messages that waited with them are
 * meant to find it. A snapshot equal to the current one leaves no trace.
 */
#ifndef SLUICE_STORE_REFERENCE_H
#define SLUICE_STORE_REFERENCE_H

#include "model/source.h"
#include "store/store.h"

enum {
    REFERENCE_ROWS_MAX = 1000000,
    REFERENCE_KEY_MAX = 1024,
    REFERENCE_BODY_MAX = 1024 * 1024,
};

/* Needs an open change. `*message_id` is 0 when nothing changed. A key twice in one snapshot is
   refused with ERR_REJECT naming it; so are rows past the limits above. */
bool store_reference_put(struct store *store, struct arena *arena, const struct snapshot *snapshot,
                         int64_t *message_id, struct err *err);

/* The row current at `message_id`, or that of the first version before it; absent when there was
   none. */
bool store_reference_get(struct store *store, struct arena *arena, struct str name, struct str key,
                         int64_t message_id, struct str *body, struct err *err);

/* Call `each` for the rows that hold at `message_id` (of the first version, before it), in the
   order of their keys, until it is false. The texts lie in the arena. */
bool store_reference_scan(struct store *store, struct arena *arena, struct str name,
                          int64_t message_id,
                          bool (*each)(void *context, struct str key, struct str body),
                          void *context, struct err *err);

/* Message that brought the version current at `message_id`; 0 when there was no version yet. */
bool store_reference_version(struct store *store, struct str name, int64_t message_id,
                             int64_t *version, struct err *err);

#endif
