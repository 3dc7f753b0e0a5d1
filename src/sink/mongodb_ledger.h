/*
 * mongodb_ledger: the collection that remembers effects for good.
 *
 * A document remembers the last effects of each pipeline itself (mongodb_statement.h), which is
 * what makes an effect happen once. That list must stay short, and an effect may come again much
 * later: a dead letter that a person sends again, a history that is read anew after the store was
 * lost. So each effect is also written here, after its document and before it is called done:
 *
 *     {_id: ID, effect: "leads/1763712000/4711/0", at: DATE}
 *
 * and is looked for here before its document is touched. Between the two writes the document's own
 * list speaks for it: of one document and pipeline only one effect is on its way at a time, so it
 * cannot have been pushed out of there.
 *
 * A document that was taken away takes its sequence with it. What was removed stays here
 * (`_id` a digest of pipeline, target and entity, with the sequence), so that an older record does
 * not bring it back. Only where something was ever removed, which a document with the _id "removed"
 * tells, is it looked for.
 */
#ifndef SLUICE_SINK_MONGODB_LEDGER_H
#define SLUICE_SINK_MONGODB_LEDGER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "db/mongo.h"
#include "model/record.h"
#include "model/sink.h"
#include "sink/mongodb_statement.h"

struct mongodb_ledger {
    struct mongo *db;
    struct str name; /* Of the collection. */
    struct arena *arena;
    int64_t deadline_ms;
    int64_t now_ms;
};

/* What the ledger is asked about, or told. */
struct mongodb_entry {
    char id[MONGODB_ID_SIZE];
    const struct parcel *parcel;
    struct str sequence; /* Of a removal: what it is told, or what it holds. */
    struct str answer;   /* Of a question. */
    bool known;          /* Set by mongodb_ledger_find(), with what it holds. */
};

bool mongodb_ledger_find(const struct mongodb_ledger *ledger, struct mongodb_entry *entries,
                         size_t count, struct err *err);

/* Note effects; those that stand there stay as they are. */
bool mongodb_ledger_add(const struct mongodb_ledger *ledger, const struct mongodb_entry *entries,
                        size_t count, struct err *err);

/* Keep the answer of a question that stands there. */
bool mongodb_ledger_answer(const struct mongodb_ledger *ledger, const struct mongodb_entry *entry,
                           struct err *err);

/* Note removals; of two the newer counts. */
bool mongodb_ledger_bury(const struct mongodb_ledger *ledger, const struct mongodb_entry *entries,
                         size_t count, struct err *err);
void mongodb_grave_id(const struct parcel *parcel, char out[MONGODB_ID_SIZE]);

/* Was anything ever removed? */
bool mongodb_ledger_has_graves(const struct mongodb_ledger *ledger, bool *has, struct err *err);

#endif
