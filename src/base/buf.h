/*
 * buf: a text that grows, in an arena.
 *
 * A buffer borrows an arena and writes into it; when it outgrows its room it moves to a larger one
 * (doubling). A failed write (arena full) is remembered: go on writing and check buf_ok() once at
 * the end. The finished text is a view that lives as long as the arena.
 */
#ifndef SLUICE_BASE_BUF_H
#define SLUICE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct buf {
    struct arena *arena;
    char *ptr;
    size_t len;
    size_t size;
    bool failed;
};

void buf_init(struct buf *buf, struct arena *arena, size_t size_first);

/* Make room for `extra` more bytes; false (and remembered) when the arena is full. */
bool buf_reserve(struct buf *buf, size_t extra);

void buf_add(struct buf *buf, struct str text);
void buf_add_byte(struct buf *buf, char byte);
void buf_add_int(struct buf *buf, int64_t value);
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *buf, const char *format, ...);

/* What was written so far; a NUL follows it. The absent view when a write failed. */
struct str buf_str(struct buf *buf);
bool buf_ok(const struct buf *buf);

/* Start again in the same room. */
void buf_clear(struct buf *buf);

#endif
