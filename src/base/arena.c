#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

enum { BLOCK_SIZE_MIN = 32 * 1024, BLOCK_SIZE_MAX = 1024 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *arena, size_t limit)
{
    must(limit > 0);
    *arena = (struct arena){.limit = limit};
}

static void blocks_free(struct arena_block *block, const struct arena_block *last)
{
    while (block != last) {
        struct arena_block *next = block->next;
        mem_free(block);
        block = next;
    }
}

void arena_reset(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    size_t hint = arena->hint;
    if (block != NULL && block->next != NULL) {
        hint = arena->used + arena->used / 4;
        blocks_free(block, NULL);
        block = NULL;
    }
    if (block != NULL) {
        block->used = 0;
    }
    *arena = (struct arena){.blocks = block, .limit = arena->limit, .hint = hint};
}

void arena_free(struct arena *arena)
{
    blocks_free(arena->blocks, NULL);
    *arena = (struct arena){.limit = arena->limit};
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks; block != NULL; block = block->next) {
        explicit_bzero(block->bytes, block->size);
    }
}

static struct arena_block *block_new(struct arena *arena, size_t size)
{
    size_t room = BLOCK_SIZE_MIN;
    if (arena->blocks == NULL) {
        room = arena->hint > room ? arena->hint : room;
    } else {
        room = arena->blocks->size * 2 < BLOCK_SIZE_MAX ? arena->blocks->size * 2 : BLOCK_SIZE_MAX;
    }
    if (size > room) {
        room = size;
    }
    struct arena_block *block = mem_alloc_raw(sizeof *block + room);
    if (block == NULL) {
        return NULL;
    }
    block->size = room;
    block->used = 0;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

static void *take(struct arena *arena, size_t size, size_t align)
{
    if (size > arena->limit) { /* Also keeps the rounding below from overflowing. */
        return NULL;
    }
    struct arena_block *block = arena->blocks;
    size_t start = block == NULL ? 0 : (block->used + align - 1) / align * align;
    if (size + align > arena->limit - arena->used) {
        return NULL;
    }
    if (block == NULL || start > block->size || block->size - start < size) {
        block = block_new(arena, size);
        start = 0;
    }
    if (block == NULL) {
        return NULL;
    }
    arena->used += start + size - block->used;
    block->used = start + size;
    must(arena->used <= arena->limit);
    return block->bytes + start;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *memory = take(arena, size, alignof(max_align_t));
    return memory == NULL ? NULL : memset(memory, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    return arena_alloc(arena, count * size);
}

char *arena_bytes(struct arena *arena, size_t size)
{
    return take(arena, size, 1);
}

struct str arena_copy(struct arena *arena, struct str text)
{
    if (text.len == SIZE_MAX) {
        return (struct str){0};
    }
    char *bytes = take(arena, text.len + 1, 1);
    if (bytes == NULL) {
        return (struct str){0};
    }
    if (text.len > 0) {
        memcpy(bytes, text.ptr, text.len);
    }
    bytes[text.len] = '\0';
    return (struct str){bytes, text.len};
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    must(len >= 0);
    char *bytes = take(arena, (size_t)len + 1, 1);
    if (bytes != NULL) {
        (void)vsnprintf(bytes, (size_t)len + 1, format, again);
    }
    va_end(again);
    return bytes == NULL ? (struct str){0} : (struct str){bytes, (size_t)len};
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){
        .block = arena->blocks,
        .block_used = arena->blocks == NULL ? 0 : arena->blocks->used,
        .used = arena->used,
    };
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    struct arena_block *last = mark.block;
    if (last == NULL &&
        arena->blocks != NULL) { /* It was empty: keep the first block, as a reset does. */
        for (last = arena->blocks; last->next != NULL; last = last->next) {
        }
    }
    blocks_free(arena->blocks, last);
    arena->blocks = last;
    if (last != NULL) {
        last->used = mark.block != NULL ? mark.block_used : 0;
    }
    arena->used = mark.used;
}
