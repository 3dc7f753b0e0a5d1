/*
 * op: one business rule, and the whole of what business code may do.
 *
 * An op sees one archived message at a time, may read and write its own state, may look things up
 * in references, and may emit records. It does no I/O, reads no clock and draws no chance: its
 * "now" is `message->archived_ms`, so the same archive gives the same records, today or in a
 * replay. State, records and the pipeline's position are committed together, or not at all.
 *
 * State belongs to (pipeline, partition): what one chat taught the op is not seen in another. An
 * op whose type says `shared_state` has one state for all its chats (and then runs in one place).
 *
 * An edit is a message too (`revision` above 0). An op that counts keeps the ids it has counted.
 *
 * apply() failing with ERR_REJECT lists the message as refused and goes on with the next; what it
 * wrote for this message is undone. Any other failure is tried again later, at the same message.
 *
 * Memory from `env->arena` is good until apply() returns.
 */
#ifndef SLUICE_MODEL_OP_H
#define SLUICE_MODEL_OP_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/keys.h"
#include "model/message.h"
#include "model/metric.h"
#include "model/option.h"
#include "model/record.h"
#include "model/report.h"
#include "model/target.h"

/* What the engine lends to an op for one message. */
struct op_env {
    struct arena *arena;
    void *engine;

    /* State. A missing key reads as absent (NULL ptr). Keys sort as bytes. */
    bool (*get)(struct op_env *env, struct str key, struct str *value, struct err *err);
    bool (*put)(struct op_env *env, struct str key, struct str value, struct err *err);
    bool (*del)(struct op_env *env, struct str key, struct err *err);

    /* Call `each` for every key that begins with `prefix`, in order, until it returns false. */
    bool (*scan)(struct op_env *env, struct str prefix,
                 bool (*each)(void *context, struct str key, struct str value), void *context,
                 struct err *err);

    /* A record for the outbox. What it points to is copied. */
    bool (*emit)(struct op_env *env, const struct record *record, struct err *err);

    /* A row of a reference as it was at the message's place in the archive; absent for none. */
    bool (*reference)(struct op_env *env, struct str name, struct str key, struct str *row,
                      struct err *err);

    /* An archived message by its number: the one that an answer or a receipt is about. Its id is 0
       when it is gone. */
    bool (*archived)(struct op_env *env, int64_t id, struct message *out, struct err *err);

    /* Call `each` for every row of a reference that holds at the message's place, in the order of
       the keys, until it is false. */
    bool (*rows)(struct op_env *env, struct str name,
                 bool (*each)(void *context, struct str key, struct str body), void *context,
                 struct err *err);
    /* Count something of the op's own under a short name (model/metric.h). NULL: nobody listens. */
    bool (*count)(struct op_env *env, const char *what, int64_t by, struct err *err);
};

struct op {
    const struct op_type *type;
    struct str name; /* Of the pipeline. */

    /* What this one writes and looks up, where its options say; NULL: what its type says. */
    const struct target *const *targets;
    const char *const *references;
};

struct op_type {
    const char *kind;
    const char *summary;
    const struct option *options;
    size_t size;                         /* Of the instance; its first member is struct op. */
    const struct target *const *targets; /* What it writes, ended by NULL; may be NULL. */
    const char *const *references;       /* What it looks up, ended by NULL; may be NULL. */
    bool shared_state;
    const struct metric *metrics;   /* What is counted of it, by its users' names; may be NULL. */
    const char *const *key_options; /* Options that decide about keys (keys.h), ended by NULL. */

    /* Optional: what else decides about keys, for a kind that is made of parts. */
    void (*keys)(const struct op *op, struct key_parts *out);

    /* Optional: what the types of the options cannot know; nothing is open yet. */
    void (*check)(const struct op *op, struct report *report);

    /* Optional: what it writes, where that hangs on its options: sets op->targets, in an arena that
       lives as long as the plan. False without memory. */
    bool (*declare)(struct op *op, struct arena *arena);

    /* Optional: check the options together and prepare; `arena` lives as long as the op. */
    bool (*open)(struct op *op, struct arena *arena, struct err *err);
    void (*close)(struct op *op);

    bool (*apply)(struct op *op, struct op_env *env, const struct message *message,
                  struct err *err);
};

/* Ended by NULL; NULL for none. */
static inline const struct target *const *op_targets(const struct op *op)
{
    return op->targets != NULL ? op->targets : op->type->targets;
}

static inline const char *const *op_references(const struct op *op)
{
    return op->references != NULL ? op->references : op->type->references;
}

#endif
