/*
 * upkeep: the store stays small and quick by itself.
 *
 * Retention removes archive rows that are older than a limit and that every pipeline has worked
 * on, a bounded number a step; the ids stay known, so that what a source shows again is not taken
 * for new. Ended runs, refusals, events and dead requests go by age. Freed pages are given back to
 * the file system a few at a time; the write-ahead log is cut when it has grown past its cap.
 */
#ifndef SLUICE_STORE_UPKEEP_H
#define SLUICE_STORE_UPKEEP_H

#include "store/store.h"

struct upkeep_limits {
    int64_t archive_ms;    /* Age of messages to keep; 0 keeps all. */
    int64_t archive_bytes; /* Size of the store file past which the oldest go; 0 for no limit. */
    int64_t runs_ms; /* Age of ended runs, refusals, events and requests to keep; 0 keeps all. */

    /* Those that are configured: the others hold nothing back. None: all that ever worked do. */
    const struct str *pipelines;
    size_t pipeline_count;

    /* Rows go only once each of those pipelines has noted what it remembered at the last of them
       (replay.h); what would go is noted as a wish. */
    bool baselines;
};

enum { UPKEEP_ROWS_MAX = 5000, UPKEEP_PAGES_MAX = 2000, UPKEEP_WAL_BYTES_MAX = 64 * 1024 * 1024 };

struct upkeep_counts {
    int64_t messages;
    int64_t runs;
    int64_t pages;
};

/* One bounded step; `*more` tells that there is more to do. Opens its own changes. */
bool store_upkeep(struct store *store, const struct upkeep_limits *limits,
                  struct upkeep_counts *counts, bool *more, struct err *err);

/* Size of the store file and of its log in bytes. */
bool store_size(struct store *store, int64_t *file_bytes, int64_t *log_bytes, struct err *err);

/* Full check of the file, of what its rows say about each other, and of the audit log: for restore
   tests and `check`. `*problem` is absent when all is well, else a line for each. */
bool store_verify(struct store *store, struct arena *arena, struct str *problem, struct err *err);

#endif
