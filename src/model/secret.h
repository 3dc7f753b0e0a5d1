/*
 * secret: a value that cannot be printed by accident.
 *
 * Passwords, tokens and connection URIs reach a source or a sink as a `struct secret`. It has no
 * text that a format could take: whoever needs the bytes calls secret_reveal(), hands them to the
 * library that needs them, and keeps no copy. The bytes live in the arena of the configuration,
 * which is wiped before it is freed.
 *
 *     struct str uri = secret_reveal(&sink->uri);     // for PQconnectdb(), and for nothing else
 */
#ifndef SLUICE_MODEL_SECRET_H
#define SLUICE_MODEL_SECRET_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct secret_text;

struct secret {
    const struct secret_text *hidden; /* NULL: not given. */
};

static inline bool secret_given(const struct secret *secret)
{
    return secret->hidden != NULL;
}

/* A copy in the arena; false when it is full. */
bool secret_make(struct secret *secret, struct arena *arena, struct str text);

/* Absent when it was not given. A NUL follows the bytes. */
struct str secret_reveal(const struct secret *secret);

#endif
