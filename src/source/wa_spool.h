/*
 * wa_spool: pictures that were fetched while going up a chat and are handed out later.
 *
 * A page shows a picture only while it is near, and messages are handed out oldest first, so the
 * bytes wait in a file that has no name: the kernel takes it back however the process ends. It is
 * bounded; what does not fit is not kept, and asked for again another time.
 */
#ifndef SLUICE_SOURCE_WA_SPOOL_H
#define SLUICE_SOURCE_WA_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct wa_spool {
    struct str folder;
    int64_t most;
    int64_t used;
    int fd; /* -1: nothing is kept. */
};

/* Touches nothing before the first picture. */
void wa_spool_init(struct wa_spool *spool, struct str folder, int64_t most);

/* ERR_RETRY when it does not fit or cannot be written. */
bool wa_spool_put(struct wa_spool *spool, struct str bytes, int64_t *offset, struct err *err);
bool wa_spool_get(const struct wa_spool *spool, int64_t offset, size_t len, struct arena *arena,
                  struct str *bytes, struct err *err);

/* Forget all of it. */
void wa_spool_clear(struct wa_spool *spool);

#endif
