/*
 * shadow: a store handle whose changes stay private.
 *
 * It looks at one moment of a store (a read snapshot) and writes into temporary tables of its own,
 * which lie in an unlinked file of the system's temporary folder and are gone with the handle.
 * Names without a schema mean the private tables first, so every function of the store, and every
 * worker above it, works on a shadow as it does on the store: the same code decides in production,
 * in a dry run and in a replay. Not one byte of the store, of its log or of its leases is written,
 * and nobody who works on the store is held up.
 *
 *   what pipelines and deliveries write   begins empty; store_shadow_start() brings what one
 *                                         pipeline remembers
 *   what intake writes                    begins as the store has it, and only with `intake`
 *   the archive, names, references        read where they are
 *
 * A store that no process has open is read as immutable, so that no file appears beside it; whether
 * that held is asked at the end (store_shadow_undisturbed).
 */
#ifndef SLUICE_STORE_SHADOW_H
#define SLUICE_STORE_SHADOW_H

#include "model/record.h"
#include "store/store.h"

struct shadow_options {
    struct str path; /* Of the store file. */
    struct clock *clock;
    const char *vfs;
    bool intake; /* New messages, cursors and references will be written, too. */
};

bool store_shadow_open(struct store **out, const struct shadow_options *options, struct err *err);

/* A shadow of the file that `store` has open, at this moment. */
bool store_shadow_of(const struct store *store, struct store **out, struct err *err);

/* Had nobody the store open when the shadow was made? */
bool store_shadow_at_rest(const struct store *store);

/* Did nobody begin to work on a store that was read as being at rest? */
bool store_shadow_undisturbed(const struct store *store);

/* Where a pipeline begins to work in the shadow. */
enum shadow_from {
    SHADOW_FROM_BASELINE = 0, /* The beginning of the archive, or what retention left. */
    SHADOW_FROM_NOW,          /* Where it stands in the store. */
};

struct shadow_start {
    int64_t position;   /* Where the pipeline stands in the store. */
    int64_t baseline;   /* The replay begins behind this message; 0: at the very beginning. */
    int64_t floor;      /* The newest message that retention removed. */
    int64_t generation; /* Replays that were applied. */
};

bool store_shadow_start(struct store *store, struct str pipeline, enum shadow_from from,
                        struct shadow_start *out, struct err *err);

/* How a record of the shadow compares with what the store knows. */
struct shadow_change {
    enum record_kind kind;
    bool receipt;
    bool gone;    /* The store's last record of the entity, which the shadow does not produce. */
    bool equal;   /* The store's last record of the entity says the same. */
    bool waiting; /* Undelivered in the store: an absolute of the entity; else just this record. */
    struct str sink;
    struct str target;
    struct str entity;
    struct str body;   /* Absent when gone. */
    struct str before; /* Body of the store's last record; absent for none. Only of absolutes. */
    int64_t generation;
    int64_t message;
    int32_t nth;
    int64_t partition;
    struct str origin;
    int64_t sent_ms; /* Of the message; 0 when it is not kept any more. */
};

typedef bool shadow_each(void *context, const struct shadow_change *change, struct err *err);

/*
 * Absolute records: those of the shadow, ordered by sink, target and entity, with `equal` set where
 * nothing changes; and then, for a replay, those that are gone. Views are good within the call,
 * which may use the shadow's handle, but must not change it.
 */
bool store_shadow_absolutes(struct store *store, struct str pipeline, shadow_each *each,
                            void *context, struct err *err);
bool store_shadow_gone(struct store *store, struct str pipeline, int64_t baseline,
                       shadow_each *each, void *context, struct err *err);

/* Everything but questions that would go out now: what the shadow decided and what waits in the
   store, by sink, target and entity, and there in the order of their causes. */
bool store_shadow_rows(struct store *store, shadow_each *each, void *context, struct err *err);

/* Effects or questions of the shadow that are not answered, in the order of their causes. */
bool store_shadow_others(struct store *store, struct str pipeline, enum record_kind kind,
                         shadow_each *each, void *context, struct err *err);

/* Questions that wait in the store and that the shadow does not ask (any more, or not so). */
bool store_shadow_withdrawn(struct store *store, struct str pipeline, shadow_each *each,
                            void *context, struct err *err);

/*
 * The state that came about in the shadow takes the place of the pipeline's in `store`, with its
 * position. Needs an open change of `store`.
 */
bool store_shadow_take_over(struct store *shadow, struct store *store, struct str pipeline,
                            struct err *err);

/* What became in the store of a record that the shadow decided again. */
enum shadow_fate {
    SHADOW_DELIVERED = 0, /* Or replaced by a newer one before it was. */
    SHADOW_WAITING,
    SHADOW_DEAD,
};
struct shadow_trace {
    enum shadow_fate fate;
    int64_t attempts;
    struct str why; /* In the arena; absent for none. */
    int64_t run;    /* That worked on the message; 0 when it is not known (any more). */
    int64_t run_ms;
    int trigger; /* An enum run_trigger. */
};
bool store_shadow_trace(struct store *store, struct arena *arena, struct str pipeline,
                        struct str sink, int64_t message, int32_t nth, struct shadow_trace *out,
                        struct err *err);

/* ---- Questions within a replay: which were asked, in which words. ---- */

/* Note that a question was asked; `words` is everything that it says. */
bool store_shadow_asked(struct store *store, int64_t pipeline, int64_t message, int32_t nth,
                        struct str words, struct err *err);
/* Is it an answer to just these words, asked because of this message? Then that is answered; of
   several alike the one with this nth, else the first. Absent words answer nothing. */
bool store_shadow_answered(struct store *store, int64_t pipeline, int64_t message, int32_t nth,
                           struct str words, bool *is, struct err *err);

#endif
