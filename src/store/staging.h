/*
 * staging: a folder for copies on their way, which nobody takes for the real thing.
 *
 * Its name begins with ".sluice-"; while its owner lives, a lock in it is held. What a killed owner
 * left is removed by the next one in the same folder.
 */
#ifndef SLUICE_STORE_STAGING_H
#define SLUICE_STORE_STAGING_H

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"

struct staging {
    struct str path; /* In the arena. */
    struct file_lock lock;
    bool open;
};

/* Below `folder`, which must exist. `what` is a short word ("backup"). */
bool staging_open(struct staging *staging, struct arena *arena, struct str folder, const char *what,
                  struct err *err);

/* Path of a file in it; absent when there is no memory. */
struct str staging_path(const struct staging *staging, struct arena *arena, const char *name);

/* Removes it with all that is in it. Harmless when it is not open. */
void staging_close(struct staging *staging, struct arena *arena);

#endif
