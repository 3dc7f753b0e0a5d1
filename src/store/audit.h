/*
 * audit: acts of people (and of the process for them), in a hash chain.
 *
 * Each entry holds the SHA-256 of the one before it and of its own content, so a changed, removed
 * or inserted entry breaks the chain at its place. An act that cannot be audited must be refused:
 * write the entry in the same change as the act. `detail` must hold no secret; it is a JSON text.
 */
#ifndef SLUICE_STORE_AUDIT_H
#define SLUICE_STORE_AUDIT_H

#include "store/store.h"

enum { AUDIT_WORD_MAX = 4096, AUDIT_DETAIL_MAX = 64 * 1024 };

struct audit_entry {
    int64_t id;
    int64_t at_ms;
    struct str actor; /* "cli:root", "user:dana", "schedule" */
    struct str act;   /* "run", "dlq.retry", "config.reload" */
    struct str object;
    struct str detail;
    struct str hash; /* Hex. */
};

/* Needs an open change. What is longer than the limits above is refused with ERR_REJECT. */
bool store_audit_put(struct store *store, struct str actor, struct str act, struct str object,
                     struct str detail, struct err *err);
/* Newest first, before `before_id` (0: from the newest). */
bool store_audit_list(struct store *store, struct arena *arena, int64_t before_id, size_t limit,
                      struct audit_entry **out, size_t *count, struct err *err);

/* Walk the whole chain. `*broken_id` is 0 when it holds, else the first entry that does not; for a
   tail that was cut off, the first one that is missing. */
bool store_audit_verify(struct store *store, int64_t *entries, int64_t *broken_id, struct err *err);

#endif
