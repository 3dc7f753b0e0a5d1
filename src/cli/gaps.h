/*
 * gaps: what sources say is missing, out of their cursors (model/source.h).
 */
#ifndef SLUICE_CLI_GAPS_H
#define SLUICE_CLI_GAPS_H

#include "cli/look.h"

struct gap_item {
    struct str source;
    struct str chat;
    int64_t from_ms;
    int64_t to_ms;
    int64_t since_ms;
    struct str why;
};

/* All that are open; with `source` or `chat` only those of it. */
bool gaps_read(struct look *look, struct str source, struct str chat, struct gap_item **items,
               size_t *count, struct err *err);

#endif
