/*
 * gaps: what sources say is missing, out of their cursors (model/source.h).
 */
#ifndef SLUICE_SERVE_GAPS_H
#define SLUICE_SERVE_GAPS_H

#include "store/store.h"
#include "text/json.h"

enum { GAPS_MAX = 4096 };

struct gap_item {
    struct str source;
    struct str chat;
    int64_t from_ms;
    int64_t to_ms;
    int64_t since_ms;
    struct str why;
};

/* All that are open; with `source` or `chat` only those of it. */
bool gaps_list(struct store *store, struct arena *arena, struct str source, struct str chat,
               struct gap_item **items, size_t *count, struct err *err);

/* `chat` is what may be shown of it. */
void gaps_view(struct json_writer *json, const struct gap_item *item, struct str chat);

#endif
