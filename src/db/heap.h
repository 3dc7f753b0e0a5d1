/*
 * heap: SQLite's memory, with a short memory of its own for blocks that were given back.
 *
 * SQLite takes and gives blocks of a page's size all the time. The C library returns such blocks to
 * the system at once, so each one would cost a system call and fresh pages. What a thread gives
 * back is therefore kept by size, up to HEAP_KEPT_MAX bytes a thread, and handed out again.
 * heap_trim() returns it; a thread does so when it goes to sleep and before it ends.
 */
#ifndef SLUICE_DB_HEAP_H
#define SLUICE_DB_HEAP_H

#include <stdbool.h>

enum { HEAP_KEPT_MAX = 1024 * 1024 };

/* Make SQLite use it. Once, before SQLite is used. */
bool heap_install(void);

/* Give back what this thread keeps. */
void heap_trim(void);

#endif
