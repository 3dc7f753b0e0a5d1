/*
 * backup_note: how the planned backups went, as a note of the store.
 *
 * Who makes them (cli/keeper.h) writes it; health reads it.
 */
#ifndef SLUICE_SERVE_BACKUP_NOTE_H
#define SLUICE_SERVE_BACKUP_NOTE_H

#include "store/store.h"

struct backup_note {
    bool there;          /* Backups are planned. */
    int64_t good_ms;     /* When the last good one was made and tested; 0: none yet. */
    int64_t failed_ms;   /* When one failed last; 0: never. */
    int64_t expected_ms; /* By when the next good one should be there. */
    int64_t bytes;
    int64_t messages;
    struct str file;
    struct str why; /* It failed. */
};

bool backup_note_read(struct store *store, struct arena *arena, struct backup_note *note,
                      struct err *err);

/* Opens its own change. Not `there`: it is removed. */
bool backup_note_write(struct store *store, struct arena *arena, const struct backup_note *note,
                       struct err *err);

/* Did the last one fail, or is it overdue? */
bool backup_note_bad(const struct backup_note *note, int64_t now_ms);

#endif
