/*
 * flow: one item on its way through a chain, and what the chain lends to its steps.
 *
 * flow_pass() gives the item to the step behind; when it returns, everything that followed has
 * happened. A step that passes an item on several times works on copies of its values
 * (flow_copy(), flow_swap()), so that what later steps set for the first is not seen by the second.
 *
 * State goes through note_get(), note_put() and note_del(). A note belongs to a step (its name),
 * has a tag, one letter that tells kinds of notes of one step apart, and a key; note_fit() makes a
 * key of any length one that fits, a long one by its SHA-256. All memory is the step's arena
 * (`flow->env->arena`) and is gone when the message is done.
 *
 * Running out of that memory is a property of the message (the arena is empty when it begins), so
 * it refuses the message and does not stop the pipeline: flow_memory().
 */
#ifndef SLUICE_PIPELINE_FLOW_H
#define SLUICE_PIPELINE_FLOW_H

#include "model/step.h"

enum { NOTE_KEY_MAX = 400 };

struct flow {
    const struct chain *chain;
    struct op_env *env;
    const struct message *message;
    struct value *values; /* Of the item, by number of field. */
    int64_t now_ms;
    size_t items; /* That the message has become so far. */
};

/* On to the step behind. */
bool flow_pass(struct flow *flow, const struct step *step, struct err *err);

/* On to the first step of a list; an empty list is an end. */
bool flow_enter(struct flow *flow, const struct step_list *list, struct err *err);

/* Leave the item out: to `otherwise`. The reason is a text that lives as long as the flow. */
bool flow_leave(struct flow *flow, const struct step *step, struct str reason, struct err *err);

/* The item's values from now on are a copy; `*before` gets those that they were. */
bool flow_copy(struct flow *flow, struct value **before, struct err *err);

/* Always false: ERR_REJECT for a message that needs too much memory. */
bool flow_memory(const struct step *step, struct err *err);

/* The value as text for people and keys: times as ISO 8601 in UTC. Absent for an absent one. */
struct str value_text(const struct value *value, struct arena *arena);

struct value value_of_text(struct str text);
struct value value_of_int(int64_t integer);
struct value value_of_time(int64_t unix_ms);

/* The key itself, or "#" and its digest when it is longer than NOTE_KEY_MAX; ptr NULL: no memory.
 */
struct str note_fit(struct flow *flow, struct str key);

bool note_get(struct flow *flow, const struct step *step, char tag, struct str key,
              struct str *value, struct err *err);
bool note_put(struct flow *flow, const struct step *step, char tag, struct str key,
              struct str value, struct err *err);
bool note_del(struct flow *flow, const struct step *step, char tag, struct str key,
              struct err *err);

/* The whole key of a note in the pipeline's state, as scan() takes and gives it. */
bool note_key(struct flow *flow, const struct step *step, char tag, struct str key,
              struct str *whole, struct err *err);

/* "<uid>/<item>": names the item for good, also in a later edit of its message. */
struct str flow_item_name(struct flow *flow);

#endif
