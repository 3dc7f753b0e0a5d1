/*
 * mongodb_statement: a record as one statement of an `update` or `delete` command.
 *
 * A statement decides and writes in one step, on every server, without a transaction. Its filter
 * holds the key and the guard, its update the columns and the mark that the guard looks at:
 *
 *     absolute   q: {phone: "…", "_sluice.seq.leads": {$not: {$gte: SEQUENCE}}}
 *                u: {$set: {…, "_sluice.seq.leads": SEQUENCE}, $setOnInsert: {…}}
 *     effect     q: {phone: "…", "_sluice.done.leads": {$ne: ID}}
 *                u: {…, $push: {…, "_sluice.done.leads": {$each: [ID], $slice: -16}}}
 *
 * each with `upsert`. Where the guard refuses, the upsert tries to insert a second document of that
 * key, and the unique index on the key refuses that (duplicate key): the sign that nothing was to
 * be done. So the index has to be there. "leads" is the pipeline: several may write one document.
 *
 * A sequence is text of fixed width, so that it compares as it sorts everywhere. An effect's id is
 * a digest of what names its cause (pipeline, origin, nth).
 *
 * `update` and `append` need to know whether the document is new, which operators cannot tell, and
 * `merge` what its list holds. Such bodies become a pipeline: the filter also asks for
 * `_sluice.new: null`, which every document fulfils by not having it and which a new one is given,
 * so the pipeline sees it only there and takes it away. All values stand in a $literal: no data is
 * ever an operator or an expression.
 *
 * Values: times become BSON dates, JSON columns sub-documents, the rest what its column says.
 */
#ifndef SLUICE_SINK_MONGODB_STATEMENT_H
#define SLUICE_SINK_MONGODB_STATEMENT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "db/document.h"
#include "model/sink.h"
#include "sink/body.h"

enum {
    MONGODB_SLOT_MAX = 72,
    MONGODB_PATH_MAX = 96,
    MONGODB_SEQUENCE_MAX = 52,
    MONGODB_ID_SIZE = 16,
    MONGODB_KEPT = 16, /* Effects of one pipeline that a document remembers. */
};

/* What tells a repeat of one record. */
struct mongodb_mark {
    char slot[MONGODB_SLOT_MAX]; /* The pipeline, as the name of a field. */
    char sequence[MONGODB_SEQUENCE_MAX];
    char id[MONGODB_ID_SIZE];
};

/* The sequence of an absolute record, the id of another one. */
void mongodb_mark_make(const struct parcel *parcel, struct mongodb_mark *out);
struct str mongodb_mark_id(const struct mongodb_mark *mark);

/* "_sluice.seq.SLOT" and "_sluice.done.SLOT". */
struct str mongodb_path(const struct mongodb_mark *mark, bool effect, char out[MONGODB_PATH_MAX]);

/*
 * The statement, behind what `out` holds; when it fails, some of it stands there. The body must
 * have passed body_check(). ERR_REJECT for what MongoDB could not take: a time that is none, a key
 * with
 * "." or "$", a document that is too large.
 */
bool mongodb_statement_make(const struct target *target, const struct parcel *parcel,
                            const struct mongodb_mark *mark, const struct body *body,
                            struct arena *arena, struct buf *out, struct err *err);

/* {update: {…}} of an effect into a command: its operators (set, inc, push) and its mark. */
bool mongodb_update_put(struct document *doc, const struct target *target,
                        const struct mongodb_mark *mark, const struct body *body,
                        struct arena *arena, struct err *err);

/* The same: takes the document away, unless something newer wrote it. */
bool mongodb_removal_make(const struct target *target, const struct parcel *parcel,
                          const struct mongodb_mark *mark, struct buf *out, struct err *err);

/*
 * Takes the column away where it holds null: $inc and $push add to what is missing, and refuse to
 * add to null. Does nothing else, and may be repeated.
 */
bool mongodb_denull_make(const struct target *target, struct str entity, struct str column,
                         struct arena *arena, struct str *bytes, struct err *err);

/* One value under `key`, as its column wants it. */
bool mongodb_value_put(struct document *doc, struct str key, const struct column *column,
                       const struct body_field *field, struct arena *arena, struct err *err);

#endif
