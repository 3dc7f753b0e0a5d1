#include "db/heap.h"

#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

enum {
    HEADER = 16,        /* Keeps the alignment of what the C library returns. */
    CLASS_BYTES = 1024, /* Blocks are kept in steps of this size; smaller ones are not kept. */
    CLASSES = 80,
    BLOCK_MAX = CLASS_BYTES * CLASSES,
};

/* In front of each block; `next` only while it is kept. */
struct header {
    struct header *next;
    int size; /* What may be used behind the header. */
};

_Static_assert(sizeof(struct header) <= HEADER, "the header fits in front of a block");

static _Thread_local struct {
    struct header *blocks[CLASSES + 1];
    size_t bytes;
} kept;

static struct header *header_of(void *memory)
{
    return (struct header *)(void *)((char *)memory - HEADER);
}

static int heap_round(int size)
{
    return size < CLASS_BYTES || size > BLOCK_MAX
               ? (size + 15) & ~15
               : (size + CLASS_BYTES - 1) / CLASS_BYTES * CLASS_BYTES;
}

static bool is_kept_size(int size)
{
    return size >= CLASS_BYTES && size <= BLOCK_MAX && size % CLASS_BYTES == 0;
}

static void *heap_take(int size)
{
    if (size <= 0) {
        return NULL;
    }
    size = heap_round(size);
    struct header *block = NULL;
    if (is_kept_size(size) && kept.blocks[size / CLASS_BYTES] != NULL) {
        if (mem_denied()) {
            return NULL;
        }
        block = kept.blocks[size / CLASS_BYTES];
        kept.blocks[size / CLASS_BYTES] = block->next;
        kept.bytes -= (size_t)size;
    } else {
        block = mem_alloc_raw((size_t)size + HEADER);
    }
    if (block == NULL) {
        return NULL;
    }
    block->size = size;
    return (char *)block + HEADER;
}

static int heap_size(void *memory)
{
    return memory == NULL ? 0 : header_of(memory)->size;
}

static void heap_give(void *memory)
{
    if (memory == NULL) {
        return;
    }
    struct header *block = header_of(memory);
    if (!is_kept_size(block->size) || kept.bytes + (size_t)block->size > HEAP_KEPT_MAX) {
        mem_free(block);
        return;
    }
    block->next = kept.blocks[block->size / CLASS_BYTES];
    kept.blocks[block->size / CLASS_BYTES] = block;
    kept.bytes += (size_t)block->size;
}

static void *heap_resize(void *memory, int size)
{
    size = heap_round(size);
    struct header *block = mem_resize(header_of(memory), (size_t)size + HEADER);
    if (block == NULL) {
        return NULL;
    }
    block->size = size;
    return (char *)block + HEADER;
}

static int heap_begin(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void heap_end(void *context)
{
    (void)context;
}

bool heap_install(void)
{
    static const sqlite3_mem_methods methods = {heap_take,  heap_give,  heap_resize, heap_size,
                                                heap_round, heap_begin, heap_end,    NULL};
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK;
}

void heap_trim(void)
{
    for (int i = 0; i <= CLASSES; i++) {
        while (kept.blocks[i] != NULL) {
            struct header *block = kept.blocks[i];
            kept.blocks[i] = block->next;
            mem_free(block);
        }
    }
    kept.bytes = 0;
}
