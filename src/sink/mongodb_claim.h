/*
 * mongodb_claim: a question that takes one document for itself.
 *
 * "Give me a free slot and mark it as mine" must be one step, or two ask for the same slot. Such a
 * record is a RECORD_QUESTION; its target is the collection, its entity names the question, and its
 * body says which document it may be and what becomes of it:
 *
 *     {"claim": {"where": {"status": "free", "hour": {"at_least": 9, "below": 17}},
 *                "sort": ["hour", "-price"],
 *                "set": {"status": "taken", "by": "Dana"},
 *                "inc": {"asked": 1}, "push": {"log": "taken"}}}
 *
 * A condition is a value (equal to it), or an object of: not, above, at_least, below, at_most (a
 * value each), in (a list), there (true or false: does it hold anything). Columns must be declared,
 * values must suit them. Nothing in it is an operator of MongoDB's.
 *
 * The answer is {"found": true, "document": {…}} with the declared columns as they are after, or
 * {"found": false}. Asked again for the same effect it is the same: the ledger keeps it. When the
 * process died between taking the document and keeping the answer, the document's mark tells which
 * one it was, so no second one is taken.
 */
#ifndef SLUICE_SINK_MONGODB_CLAIM_H
#define SLUICE_SINK_MONGODB_CLAIM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "sink/mongodb_batch.h"
#include "sink/mongodb_ledger.h"

enum { MONGODB_CLAIM_LIST_MAX = 1000 };

/* The command, in `arena`; `body` is room for what it sets. ERR_REJECT for a claim that is none. */
bool mongodb_claim_make(const struct target *target, const struct parcel *parcel,
                        const struct mongodb_mark *mark, struct body *body, struct arena *arena,
                        struct str *command, struct err *err);

/* Send it, or answer as before. Settles the item. */
bool mongodb_claim_ask(struct mongodb_batch *batch, struct mongodb_item *item,
                       const struct mongodb_ledger *ledger, struct err *err);

#endif
