/*
 * record: one decision on its way to a sink.
 *
 * An op emits records; the store keeps them in the outbox until their sink has taken them. A
 * record names its target (a table, a collection, a sheet's tab) and its entity, the identity of
 * the row in that target. Three kinds differ in what a repeated or late delivery may do:
 *
 *   RECORD_ABSOLUTE  The fields shall have these values. Its sequence rises, and a sink applies it
 *                    only over an older one; a newer one replaces an undelivered older one.
 *   RECORD_EFFECT    Must happen exactly once (a block appended to a comment, a row appended to a
 *                    sheet). The sink keeps the effect's name in a ledger, in the transaction of
 *                    the effect where the target has one.
 *   RECORD_QUESTION  An effect that is answered: a model is asked, a slot is claimed. The answer
 *                    comes back as a message.
 *
 * An absolute record may also say that its row shall not be there (`removed`). No rule emits such a
 * one: it comes from `replay --apply --delete`, for rows that today's rules do not produce, and
 * only to sinks whose type says that they can take rows away.
 *
 * The effect is (pipeline, generation, message, nth): who decided, in which generation of its
 * rules, because of which archived message, and the how-manieth record of that message. It is the
 * same for every attempt, so a sink can tell a repeat. As text: "drops/1763712000/4711/0".
 *
 * Archive numbers mean nothing to another store. So a sequence begins with a generation that is
 * newer for a store that was made later (its birth, in seconds, plus the replays that were
 * applied), and an effect carries its `origin`: what names the message itself, wherever it is
 * archived again. A ledger knows effects by (pipeline, origin, nth): when a store was lost and the
 * history is read again, or two installations share a target, nothing happens twice and nothing is
 * taken for something else.
 *
 * The body is a JSON object of column groups, which every sink reads alike:
 *
 *   {"set":    {…},   always written
 *    "insert": {…},   written only when the row is not there yet
 *    "update": {…},   written only when it was
 *    "append": {…},   text put behind what the column holds, when the row was there
 *    "inc":    {…},   a number added to what the column holds
 *    "push":   {…},   a value put behind the list that the column holds (COLUMN_JSON)
 *    "merge":  {…}}   objects merged into the list that the column holds (text/json_merge.h)
 *
 * A value is text, an integer, a double, true, false or null; a JSON column takes lists and objects
 * too. `inc` and `push` count for a new row as well: where nothing is held, that is 0 and the empty
 * list (never the column's initial value). What holds something else than a number or a list is not
 * touched: such a record is refused. `merge` is for lists of objects in which others write, too: it
 * names the fields that are ours, and what else stands in an object stays. A sink writes no other
 * column: what people edit elsewhere stays theirs. For a question the body is whatever its sink
 * understands.
 *
 * append, inc and push change a row once more each time, so only an effect may have them. In an
 * absolute record they are refused: a newer one replaces one that still waits, and would take what
 * that one adds with it.
 */
#ifndef SLUICE_MODEL_RECORD_H
#define SLUICE_MODEL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Stored in the outbox: never renumber. */
enum record_kind {
    RECORD_ABSOLUTE = 0,
    RECORD_EFFECT = 1,
    RECORD_QUESTION = 2,
};

struct record {
    enum record_kind kind;
    struct str sink;   /* Name of the configured sink. */
    struct str target; /* Table, collection or tab; empty where a sink has only one. */
    struct str entity; /* Row identity in the target, as text; never empty. */
    struct str body;
    bool receipt; /* File a message once it is delivered. */
    bool removed; /* An absolute one: the row shall not be there; the body says nothing. */
};

enum { EFFECT_ORIGIN_SIZE = 20 };

struct effect {
    struct str pipeline;
    int64_t generation;
    int64_t message;
    int32_t nth;
    struct str origin; /* EFFECT_ORIGIN_SIZE bytes, near each other for messages of one time. */
};

enum { EFFECT_TEXT_MAX = 256, RECORD_ENTITY_MAX = 512, RECORDS_PER_MESSAGE_MAX = 4096 };

/* "pipeline/generation/message/nth" into `out`, with a NUL. Returns the view. */
struct str effect_text(const struct effect *effect, char out[EFFECT_TEXT_MAX]);

/* The reverse; false when the text is not an effect. Views point into `text`. */
bool effect_parse(struct str text, struct effect *out);

/* Order of two sequences of one entity: (generation, message, nth). */
int effect_compare(const struct effect *a, const struct effect *b);

#endif
