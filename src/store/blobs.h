/*
 * blobs: attachments, kept once under the SHA-256 of their bytes.
 *
 * `<folder>/ab/cd/<sha256>.<ext>`: written to a temporary file, synced, renamed, folder synced; so
 * a name that exists is whole. Writing happens before the change that refers to it: a crash in
 * between leaves a file that nothing refers to, which upkeep removes after a day, and never a
 * reference without a file.
 */
#ifndef SLUICE_STORE_BLOBS_H
#define SLUICE_STORE_BLOBS_H

#include "store/store.h"

enum { BLOB_SIZE_MAX = 256 * 1024 * 1024, BLOB_EXTENSION_MAX = 8 };

/* Write the bytes unless they are there. `sha256` gets 64 hex digits and a NUL. The extension is
   lower-case letters and digits (anything else becomes "bin"). */
bool blobs_put(struct str folder, struct str bytes, struct str extension, char sha256[65],
               struct err *err);

/* Note in the store that a message refers to it; needs an open change. */
bool store_blob_refer(struct store *store, struct str sha256, struct str extension, int64_t size,
                      int64_t message_id, struct err *err);

/* Remove files that no message refers to and that are older than `before_ms`. */
bool store_blobs_sweep(struct store *store, struct arena *arena, struct str folder,
                       int64_t before_ms, int64_t *removed, struct err *err);

#endif
