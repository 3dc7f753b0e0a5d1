/*
 * mongodb_backup: collections, out for a backup and back from one.
 *
 * A part is a collection, a row one document as it is: its BSON in base64, so that nothing of its
 * types is lost. MongoDB gives no moment that holds for several collections on every server, so
 * each is read document by document, and the order does what a snapshot would do: the ledger is
 * read before the documents. What happens in between is in a document, and remembered there, or in
 * neither; it comes again after a restore, and the document's own list makes it change nothing. In
 * the other order the ledger could know of an effect that the documents lack, and it would be lost.
 *
 * Putting back is not one step, either: when it fails in the middle, it says so, and is repeated
 * with the documents replaced.
 */
#ifndef SLUICE_SINK_MONGODB_BACKUP_H
#define SLUICE_SINK_MONGODB_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "db/mongo.h"
#include "model/sink.h"

/* Collections in this order: the ledger first. Those that are not there are left out. */
bool mongodb_backup_save(struct mongo *db, const struct str *names, size_t count,
                         const struct sink_saver *saver, struct arena *arena, int64_t deadline_ms,
                         struct str *how, struct err *err);

/* With SINK_LOAD_EMPTY, before anything is written: ERR_REJECT when one of these holds documents.
 */
bool mongodb_backup_check_empty(struct mongo *db, const struct str *names, size_t count,
                                struct arena *arena, int64_t deadline_ms, struct err *err);

/* Indexes are there already. `done` gets a line a collection. */
bool mongodb_backup_load(struct mongo *db, const struct sink_loader *loader, enum sink_load how,
                         struct arena *arena, int64_t deadline_ms, struct str *done,
                         struct err *err);

#endif
