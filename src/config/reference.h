/*
 * reference: what can be written in a configuration, as pages, as help and as a schema for editors.
 *
 * All of it is made from the option tables that also read the configuration, so it cannot say
 * something else than what is read. docs/reference/ holds the pages as they were made last; a test
 * fails when they are stale (`sluice reference docs/reference` writes them anew).
 */
#ifndef SLUICE_CONFIG_REFERENCE_H
#define SLUICE_CONFIG_REFERENCE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "config/kinds.h"

enum { REFERENCE_PAGES_MAX = 256 };

struct reference_page {
    struct str name; /* Of the file: "source-whatsapp-bridge.md". */
    struct str text;
};

struct reference {
    struct reference_page pages[REFERENCE_PAGES_MAX];
    size_t count;
};

/* All pages and the schema; false when the arena is full. */
bool reference_make(const struct kinds *kinds, struct arena *arena, struct reference *out);

/* All about a kind, for a terminal. `role`: "source", "sink", "op", "step", or "" for any. How many
   there are of this name; nothing is written unless it is one. */
size_t reference_help(const struct kinds *kinds, struct str role, struct str kind, struct buf *out);

/* Every kind with its summary; one line each. */
void reference_list(const struct kinds *kinds, struct buf *out);

/* The JSON schema (draft 7) of a configuration. */
void reference_schema(const struct kinds *kinds, struct buf *out);

#endif
