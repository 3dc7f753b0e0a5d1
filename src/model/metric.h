/*
 * metric: a number about a pipeline, under the name that its users know it by.
 *
 * The engine counts the same few things of every source, pipeline and sink, durably: in the change
 * that makes them true, so a crash neither loses nor repeats a count. An op's type says which of
 * them its users know, and what they call them; an op may add counts of its own by `env->count`.
 *
 *     static const struct metric metrics[] = {
 *         {METRIC_WRITTEN, "whatsapp_sync_upserts", "messages", "Rows of messages written."},
 *         {0},
 *     };
 *
 * They begin at zero with the store, and a replay adds nothing.
 */
#ifndef SLUICE_MODEL_METRIC_H
#define SLUICE_MODEL_METRIC_H

enum metric_of {
    METRIC_END = 0,
    METRIC_FETCHED, /* Messages, new and changed, of the pipeline's sources. */
    METRIC_WRITTEN, /* Records of the target `part` that their sink has taken. */
    METRIC_COUNTED, /* What the op counted as `part`. */
    METRIC_ERRORS,  /* Looks at a source, writes to a sink, records and messages that failed. */
    METRIC_CYCLE,   /* Seconds of the last run that ended; with their sum and number. */
};

struct metric {
    enum metric_of of; /* METRIC_END ends a table. */
    const char *name;
    const char *part;
    const char *doc;
};

#endif
