/*
 * outbox: records between the decision and its delivery.
 *
 * Emitting happens in the pipeline's change. The outbox is kept in the order of (sink, generation,
 * message, pipeline, nth), which is also its identity: the same effect cannot be queued twice. An
 * absolute record that equals the last one emitted for its entity is not queued at all; a newer one
 * takes the place of an older one that is still waiting.
 *
 * Delivery asks for what is due. Of one entity only the oldest waiting record is handed out: a
 * record that has to be tried again holds back the later ones of its entity, and no others.
 */
#ifndef SLUICE_STORE_OUTBOX_H
#define SLUICE_STORE_OUTBOX_H

#include "model/message.h"
#include "model/record.h"
#include "model/sink.h"
#include "store/store.h"

/* No wait is longer; a record that seems to be due later than this is due now. */
enum { OUTBOX_WAIT_MS_MAX = 4 * 3600 * 1000 };

/* What names the message itself, for the effects that it causes; see record.h. */
void store_effect_origin(const struct message *message, char out[EFFECT_ORIGIN_SIZE]);

/* A digest of what a question says, in hex: an answer notes it, and a replay compares. */
enum { RECORD_WORDS_SIZE = 65 };
void store_record_words(struct str target, struct str entity, struct str body,
                        char out[RECORD_WORDS_SIZE]);

/* What a record must not be: ERR_REJECT. store_outbox_put() asks this. */
bool store_outbox_check(const struct record *record, struct err *err);

/* `*queued` tells whether the record was queued (false: nothing changed). */
bool store_outbox_put(struct store *store, const struct effect *effect, int64_t partition,
                      const struct record *record, bool *queued, struct err *err);

/* Does anything wait for the sink? */
bool store_outbox_any(struct store *store, struct str sink, bool *any, struct err *err);

/* What is due for a sink: oldest first, no two of one entity. */
struct outbox_due {
    struct parcel *parcels; /* Room for them, and how many there are then. */
    size_t count;
    bool more;           /* Others are due now. */
    int64_t next_due_ms; /* When the next waiting one becomes due; 0: nothing waits. */
};

/* Fill `due`, whose parcels and count (the room) are set by the caller. */
bool store_outbox_due(struct store *store, struct arena *arena, struct str sink, int64_t now_ms,
                      struct outbox_due *due, struct err *err);

/* Is just this record still waiting? A question may have been withdrawn while it was answered. */
bool store_outbox_waits(struct store *store, struct str sink, const struct effect *effect,
                        bool *waits, struct err *err);

/* Each needs an open change and does nothing when the parcel is not waiting any more. */
bool store_outbox_done(struct store *store, struct str sink, const struct effect *effect,
                       struct err *err);
bool store_outbox_later(struct store *store, struct str sink, const struct effect *effect,
                        int64_t due_ms, struct str why, struct err *err);
bool store_outbox_dead(struct store *store, struct str sink, const struct effect *effect,
                       struct str why, struct err *err);

/* Records of the pipeline caused by messages up to `message` that were never tried. */
bool store_outbox_untried(struct store *store, struct str pipeline, int64_t message, int64_t *count,
                          struct err *err);

/* Waiting records of a sink, and the age of the oldest by its message's archived_ms (0: none). */
bool store_outbox_waiting(struct store *store, struct str sink, int64_t *count, int64_t *oldest_ms,
                          struct err *err);

struct dead_letter {
    int64_t id;
    struct str sink;
    struct effect effect;
    enum record_kind kind;
    struct str target;
    struct str entity;
    struct str body;
    struct str why;
    int32_t attempts;
    int64_t at_ms;
};

bool store_dead_list(struct store *store, struct arena *arena, int64_t after_id, size_t limit,
                     struct dead_letter *out, size_t *count, struct err *err);

/* Back into the outbox with fresh attempts, with `body` in place of the old one if given. */
bool store_dead_retry(struct store *store, int64_t id, struct str body, bool *found,
                      struct err *err);
/* Gone, and counted under "dropped". A decision like a dropped one is queued again when it is made
   again: what is in the target is not what was dropped. */
bool store_dead_drop(struct store *store, int64_t id, bool *found, struct err *err);

/* `out->id` is 0 when there is no such dead letter. */
bool store_dead_get(struct store *store, struct arena *arena, int64_t id, struct dead_letter *out,
                    struct err *err);

/* Another body in place of the old one; it stays a dead letter. */
bool store_dead_edit(struct store *store, int64_t id, struct str body, bool *found,
                     struct err *err);

#endif
