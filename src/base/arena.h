/*
 * arena: memory that is all given back at once.
 *
 * One arena belongs to one worker and lives as long as one step: everything a step allocates is
 * taken from it and nothing is freed one by one. The arena has a hard limit, set when it is made;
 * reaching it is an ordinary error (NULL), so one huge message cannot take the process down.
 */
#ifndef SLUICE_BASE_ARENA_H
#define SLUICE_BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena {
    struct arena_block *blocks;
    size_t used;
    size_t limit;
    size_t hint; /* What the last round needed: the next one gets it in one block. */
};

/* A point to go back to; see arena_mark(). */
struct arena_mark {
    struct arena_block *block;
    size_t block_used;
    size_t used;
};

/* Touches no memory; the first block comes with the first allocation. */
void arena_init(struct arena *arena, size_t limit);

/* Everything can be used again. One block is kept, so that rounds alike do not call malloc. */
void arena_reset(struct arena *arena);

/* Give everything back to the system. */
void arena_free(struct arena *arena);

/* Overwrite all that was ever written here; then arena_free() is due. For what held secrets. */
void arena_wipe(struct arena *arena);

/* Zeroed memory, aligned for any type, or NULL past the limit. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same for `count` items of `size`; an overflow is NULL as well. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* Bytes without alignment and not zeroed, for text that is written at once; NULL past the limit. */
char *arena_bytes(struct arena *arena, size_t size);

/* A copy of the view, followed by a NUL; ptr is NULL past the limit. */
struct str arena_copy(struct arena *arena, struct str text);

/* printf into the arena; ptr is NULL past the limit. */
__attribute__((format(printf, 2, 3))) struct str arena_printf(struct arena *arena,
                                                              const char *format, ...);

/* Remember a point, and later give back all that was allocated since. */
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

#endif
