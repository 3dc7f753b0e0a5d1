/*
 * mem: the one door to the heap.
 *
 * Only base, open functions and glue to libraries come here; everything else takes from an arena.
 * A test can make the n-th allocation fail (mem_fault_set) and so walk every out-of-memory path.
 */
#ifndef SLUICE_BASE_MEM_H
#define SLUICE_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory, or NULL. */
void *mem_alloc(size_t size);

/* Memory that is not zeroed, or NULL; for large blocks that are filled at once. */
void *mem_alloc_raw(size_t size);

/* Grow or shrink; on NULL the old block is still there. */
void *mem_resize(void *memory, size_t size);

void mem_free(void *memory);

/* For tests: asked before each allocation; true makes it fail. NULL takes the hook away. */
typedef bool mem_fault(void *context);

/* For those who keep blocks of their own: shall this one fail? Always false but in tests. */
bool mem_denied(void);

void mem_fault_set(mem_fault *fault, void *context);

#endif
