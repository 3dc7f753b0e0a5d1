/*
 * lease: who may do which work.
 *
 * Each worker (a source's intake, a pipeline, a sink's delivery, the conductor) is owned by one
 * process under a lease: an owner, and a token that rises with every change of hands. Each change
 * of the worker checks the token in its own transaction, so one that was paused and overtaken
 * writes nothing. On SQLite ownership is a lock on the file beside the store (open file
 * description): it ends with the process, so a dead owner frees at once and there is no waiting for
 * a clock. `until_ms` counts only on a store that several machines share.
 */
#ifndef SLUICE_STORE_LEASE_H
#define SLUICE_STORE_LEASE_H

#include "store/store.h"

struct lease {
    int64_t work; /* Name number of the work; 0: not held. */
    int64_t token;
};

/* The locks of one process on "<store>.lock"; shared by its handles. */
struct lease_file;

bool lease_file_open(struct lease_file **out, struct str store_path, struct err *err);
void lease_file_close(struct lease_file *file); /* Gives every lock back. */

/*
 * Take the work called `work` ("intake/bridge"). False with ERR_STOP when another process owns it
 * (the text names its process id and since when). `file` NULL takes it without a lock: for tests
 * and for stores that cannot be shared. Opens its own change.
 */
bool store_lease_take(struct store *store, struct lease_file *file, struct str work,
                      struct str owner, struct lease *out, struct err *err);
bool store_lease_give(struct store *store, struct lease_file *file, struct lease *lease,
                      struct err *err);

/* Inside an open change: ERR_STOP when the token is not the current one. store_begin() asks this.
 */
bool store_lease_check(struct store *store, const struct lease *lease, struct err *err);

/* Is the work owned by a living process now? Opens nothing. */
bool store_lease_held(struct store *store, struct lease_file *file, struct str work, bool *held,
                      struct err *err);

/* Take everything that could be leased: no other process works on the store then, nor begins to.
   `*alone` is false when one does. */
bool lease_file_seize(struct lease_file *file, bool *alone, struct err *err);

#endif
