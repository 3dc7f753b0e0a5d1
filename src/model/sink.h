/*
 * sink: where records go.
 *
 * Contract of write():
 *  - It gets up to SINK_BATCH_MAX parcels, in order, no two of one entity, and sets a verdict on
 *    each. A forgotten verdict is a retry, never a loss.
 *  - A parcel may come again after a crash; its effect is the same every time, and the second
 *    write must change nothing: an absolute record is applied only over an older sequence, an
 *    effect only when the ledger does not hold it. Both are decided in the target's own
 *    transaction where it has one.
 *  - Returning false means that the sink could not be reached or asked: nothing is known of any
 *    parcel, all are tried again, no attempt is counted. A parcel that the target refuses for good
 *    is VERDICT_REJECT with a reason; one that it refuses for now is VERDICT_RETRY with a reason.
 *  - A sink that writes one by one and has to stop in the middle (the deadline, a target that went
 *    down) leaves the rest as VERDICT_UNTRIED: they come again at once, and no attempt is counted.
 * At least one parcel has another verdict then; where none has, write() returns false.
 *  - For a question it sets `answer` (a JSON text in `arena`) together with VERDICT_DONE. Asked
 *    again for an effect that was answered, it gives the same answer where the target can tell.
 *  - It returns by `deadline_ms` (monotonic). No transaction of the store is open.
 */
#ifndef SLUICE_MODEL_SINK_H
#define SLUICE_MODEL_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/connector.h"
#include "model/record.h"

enum { SINK_BATCH_MAX = 4096, SINK_BATCH_BYTES_MAX = 8 * 1024 * 1024 };

enum verdict {
    VERDICT_RETRY = 0, /* The zero value is the safe one. */
    VERDICT_DONE,
    VERDICT_REJECT,
    VERDICT_UNTRIED, /* Not sent: as if it had not been handed out. */
};

struct parcel {
    enum record_kind kind;
    struct effect effect;
    struct str target;
    struct str entity;
    struct str body;
    int64_t partition; /* Of the message that caused it. */
    int32_t attempts;  /* Failed ones so far. */
    bool receipt;
    bool removed; /* An absolute one: take the row away, by the same rule of sequences. */

    /* Set by write(). Texts come from the arena that write() is given. */
    enum verdict verdict;
    struct str why;         /* With RETRY and REJECT: for people. */
    int64_t retry_after_ms; /* With RETRY: the target asked to wait this long; 0 for unknown. */
    struct str answer;      /* With DONE, for a question. */
};

struct sink {
    struct connector connector; /* First. */
    const struct sink_type *type;
};

/* One row as the target holds it, for dry runs and reconciling; body absent when it has none. */
struct held {
    struct str target;
    struct str entity;
    struct str body; /* JSON object of columns; set by read_back. */
};

/* A row that dump() comes by; views are good until it returns. False, with the reason, to stop. */
typedef bool sink_row(void *context, struct str entity, struct str body, struct err *err);

/*
 * What a backup copies. Of files of this machine the sink says which they are; of a target that is
 * elsewhere it gives the rows themselves, part by part (a table, a collection, a ledger), each row
 * a JSON array that only the sink has to understand.
 */
struct sink_file {
    struct str database; /* A SQLite file: copied as one transaction sees it, */
    struct str image;    /* and this beside it while that one lasts; absent for none. */
};

struct sink_part {
    struct str name;  /* "public.leads" */
    struct str shape; /* A JSON object: what load() needs to know. */
};

struct sink_saver {
    void *context;
    bool (*part)(void *context, const struct sink_part *part, struct err *err);
    bool (*row)(void *context, struct str row, struct err *err); /* Of the last part. */
};

/* Texts that it gives live until the next call. */
struct sink_loader {
    void *context;
    /* The next part, also when rows of the last one are left; `*got` is false after the last. */
    bool (*part)(void *context, struct sink_part *part, bool *got, struct err *err);
    bool (*row)(void *context, struct str *row, struct err *err); /* Absent after the last one. */
};

enum sink_load {
    SINK_LOAD_LOOK = 0, /* Only say what would be done. */
    SINK_LOAD_EMPTY,    /* Where rows are, nothing is done at all: ERR_REJECT. */
    SINK_LOAD_REPLACE,  /* Rows that are there are taken away. */
};

struct sink_type {
    struct connector_type connector; /* First. */
    bool (*write)(struct sink *sink, struct parcel *parcels, size_t count, struct arena *arena,
                  int64_t deadline_ms, struct err *err);

    /* Optional. */
    bool (*read_back)(struct sink *sink, struct held *rows, size_t count, struct arena *arena,
                      int64_t deadline_ms, struct err *err);
    /* Make or bring up to date what records are written into. `done` gets a line for each thing
       that was done; with `dry` the same lines, and nothing is done. */
    bool (*migrate)(struct sink *sink, bool dry, struct arena *arena, struct str *done,
                    struct err *err);

    /* Would write() refuse the parcel for good? By the declared targets alone; asks nobody. */
    bool (*check)(struct sink *sink, const struct parcel *parcel, struct arena *arena,
                  struct err *err);

    /* May a target have this name? ERR_CONFIG says why not. Asked when the configuration is read.
     */
    bool (*takes_name)(struct str target, struct err *err);

    /* The files of this machine that it writes into, of which a backup copies each. */
    bool (*files)(struct sink *sink, struct arena *arena, const struct sink_file **files,
                  size_t *count, struct err *err);

    /*
     * Elsewhere: everything that it wrote, and what it remembers of that, as it was at one moment.
     * Where the target has no such moment, in an order in which nothing is lost when all of it is
     * put back and what came later comes again: ledgers before rows that remember effects
     * themselves. `how` says it in words. Changes nothing.
     */
    bool (*save)(struct sink *sink, const struct sink_saver *saver, struct arena *arena,
                 struct str *how, struct err *err);
    /* Put back what save() gave; `done` gets a line for each part. All or nothing, where the target
       can. What is missing is made, as migrate() does. */
    bool (*load)(struct sink *sink, const struct sink_loader *loader, enum sink_load how,
                 struct arena *arena, struct str *done, struct err *err);
    bool removes; /* It understands `removed`; others are never given one. */

    /* Every row of a declared target in its order, one at a time, changing nothing. `arena` is for
       what lives as long as the call; a target that is not there yet has no rows. */
    bool (*dump)(struct sink *sink, struct str target, struct arena *arena, sink_row *each,
                 void *context, struct err *err);
};

#endif
