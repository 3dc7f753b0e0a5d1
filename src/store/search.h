/*
 * search: full text over the archive, filled behind.
 *
 * Intake does not pay for it: a worker indexes what arrived, some thousand messages a step, and
 * notes how far it is. Text is folded on both sides (Hebrew points and final letters, Arabic forms,
 * case, accents), so a search finds what a person means. Edits and deletions show their latest
 * form.
 */
#ifndef SLUICE_STORE_SEARCH_H
#define SLUICE_STORE_SEARCH_H

#include "model/message.h"
#include "store/store.h"

enum { SEARCH_STEP_MAX = 5000, SEARCH_HITS_MAX = 1000 };

/* Index the next messages; `*more` tells that there are others. Opens its own change. */
bool store_search_fill(struct store *store, struct arena *arena, size_t limit, bool *more,
                       struct err *err);

/*
 * Messages that have all words of `query`, newest first; "quoted words" must stand together and a
 * trailing * is a prefix. Nothing a person types is an error. Numbers of messages, for
 * store_archive_get().
 */
bool store_search(struct store *store, struct arena *arena, struct str query, size_t limit,
                  int64_t *ids, size_t *count, struct err *err);

#endif
