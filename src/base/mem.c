#include "base/mem.h"

#include <stdlib.h>

static mem_fault *fault_hook;
static void *fault_context;

void mem_fault_set(mem_fault *fault, void *context)
{
    fault_hook = fault;
    fault_context = context;
}

bool mem_denied(void)
{
    return fault_hook != NULL && fault_hook(fault_context);
}

void *mem_alloc(size_t size)
{
    return mem_denied() ? NULL : calloc(1, size);
}

void *mem_alloc_raw(size_t size)
{
    return mem_denied() ? NULL : malloc(size);
}

void *mem_resize(void *memory, size_t size)
{
    return mem_denied() ? NULL : realloc(memory, size);
}

void mem_free(void *memory)
{
    free(memory);
}
