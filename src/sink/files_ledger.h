/*
 * files_ledger: the small SQLite file beside a file that remembers what was written into it.
 *
 * It holds the effects that happened, the sequence of each row, the rows themselves, and one line
 * about the file: what it is known to hold, and what it still lacks. All functions but opening and
 * reading run inside the caller's transaction, which is also the lock under which the file itself
 * is written. A rollback journal and no write-ahead log, so that at rest there is one file and
 * whoever reads leaves no trace.
 */
#ifndef SLUICE_SINK_FILES_LEDGER_H
#define SLUICE_SINK_FILES_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "db/sqlite.h"
#include "model/record.h"
#include "model/sink.h"
#include "sink/files.h"

enum { FILES_HASH_MAX = 32 };

/* What the ledger knows of its file; zeroes for one that was never written. */
struct files_state {
    bool known; /* There is such a line. */
    int64_t mode;
    struct str head; /* What the file begins with. */
    int64_t written; /* log: bytes that are known to be there. */
    int64_t lines;   /* log: numbered so far. */
    int64_t started_ms;
    int64_t part;         /* Number of the last part that was rotated away. */
    struct str rotate_to; /* The file is to be renamed so first; absent: not. */
    bool dirty;           /* table: the file lacks something. */
    struct str hash;      /* table: SHA-256 of the file as it was written last. */
};

/* Make or open it. `busy_ms` is how long another writer is waited for. */
bool files_ledger_open(struct files_table *table, int64_t busy_ms, struct err *err);
void files_ledger_close(struct files_table *table);

/* A handle that only reads; NULL and true when there is no ledger yet. */
bool files_ledger_look(const struct files_table *table, int64_t busy_ms, struct sqlite **out,
                       struct err *err);

/* Texts are copied into the arena. */
bool files_state_get(struct sqlite *db, struct arena *arena, struct files_state *out,
                     struct err *err);
bool files_state_put(struct sqlite *db, const struct files_state *state, struct err *err);

/* Was it done before, or is something newer there? Changes nothing. */
bool files_ledger_is_new(struct sqlite *db, const struct parcel *parcel, bool *is_new,
                         struct err *err);
bool files_ledger_take(struct sqlite *db, const struct parcel *parcel, int64_t now_ms,
                       struct err *err);

/* The row of an entity; absent for none. */
bool files_row_get(struct sqlite *db, struct str entity, struct arena *arena, struct str *row,
                   struct err *err);
bool files_row_put(struct sqlite *db, struct str entity, struct str row, struct err *err);
bool files_row_count(struct sqlite *db, int64_t *count, struct err *err);

/* Every row in the order in which they came. */
bool files_row_each(struct sqlite *db, sink_row *each, void *context, struct err *err);

/* Lines that the log lacks. */
bool files_pending_add(struct sqlite *db, struct str line, struct err *err);
bool files_pending_count(struct sqlite *db, int64_t *count, struct err *err);
bool files_pending_each(struct sqlite *db,
                        bool (*each)(void *context, struct str line, struct err *err),
                        void *context, struct err *err);
bool files_pending_clear(struct sqlite *db, struct err *err);

#endif
