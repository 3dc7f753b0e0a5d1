/*
 * postgres_ledger: what was applied already, in tables of ours beside the business tables.
 *
 *   sluice_effects   the effects that were applied, and the answers of those that asked; the view
 *                    sluice_effect_names shows them as text
 *   sluice_seq       for each absolute record, the sequence that its row holds
 *
 * They are written in the transaction of the rows, so a line here and its row are there together or
 * not at all. They lie in the schema of the business tables and are made by postgres_ledger_make(),
 * which only a migration calls.
 */
#ifndef SLUICE_SINK_POSTGRES_LEDGER_H
#define SLUICE_SINK_POSTGRES_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "db/postgres.h"
#include "model/sink.h"

struct postgres_ledger {
    const char *take_effects;
    const char *take_sequences;
    const char *quick_effects;
    const char *quick_sequences;
    const char *new_sequences;
    const char *old_sequences;
    const char *find_answer;
    const char *keep_answer;
};

/* The statements for a schema. False: no memory. */
bool postgres_ledger_prepare(struct postgres_ledger *ledger, struct str schema, struct arena *arena,
                             struct err *err);

/* ERR_CONFIG, with the way out, when the tables are not there. */
bool postgres_ledger_check(struct postgres *db, struct str schema, int64_t deadline_ms,
                           struct arena *arena, struct err *err);

/* Create what is missing; a line of `report` for each thing. With `dry` nothing is done. */
bool postgres_ledger_make(struct postgres *db, struct str schema, bool dry, int64_t deadline_ms,
                          struct arena *arena, struct buf *report, struct err *err);

/* What is known of the rows. */
enum postgres_rows_are { POSTGRES_ROWS_UNKNOWN = 0, POSTGRES_ROWS_NEW, POSTGRES_ROWS_THERE };

/* What is entered at once: all effects or all absolute ones, of one target. */
struct postgres_entries {
    struct str target;
    const struct parcel *const *parcels;
    size_t count;
    enum postgres_rows_are rows; /* As far as a sample tells; it only chooses the statement. */
};

/*
 * Enter them. `fresh[i]` becomes false for those that the ledger holds already, or for whose row it
 * holds something newer.
 */
bool postgres_ledger_take(const struct postgres_ledger *ledger, struct postgres *db,
                          const struct postgres_entries *entries, bool *fresh, int64_t deadline_ms,
                          struct arena *arena, struct err *err);

/*
 * The same at a third of the cost for those that are mostly new. When one was there already (or
 * they are of several pipelines) `*all_new` is false, and it cannot be said which: the transaction
 * has to be undone and repeated with the above. For sequences of rows that were taken for new it
 * only says that they are not.
 */
bool postgres_ledger_take_new(const struct postgres_ledger *ledger, struct postgres *db,
                              const struct postgres_entries *entries, bool *all_new,
                              int64_t deadline_ms, struct arena *arena, struct err *err);

/* The answer that was given for an effect; absent when there is none. */
bool postgres_ledger_answer(const struct postgres_ledger *ledger, struct postgres *db,
                            const struct effect *effect, int64_t deadline_ms, struct arena *arena,
                            struct str *answer, struct err *err);
bool postgres_ledger_keep(const struct postgres_ledger *ledger, struct postgres *db,
                          const struct effect *effect, struct str answer, int64_t deadline_ms,
                          struct err *err);

#endif
