/*
 * wa_canary: is the page still as the selectors say?
 *
 * When a part of the page is called otherwise, reading does not fail: it finds less. Rows without
 * ids, texts that are all empty, times that nobody can read have cost others a year of messages.
 * So what the rows of a window showed is held against what must be so in every chat, and a window
 * that fails is thrown away whole.
 *
 * What must be so is said about numbers only (struct wa_signs); a single row that is strange is no
 * reason, since there are always kinds of messages that nobody has seen yet.
 */
#ifndef SLUICE_SOURCE_WA_CANARY_H
#define SLUICE_SOURCE_WA_CANARY_H

#include <stdint.h>

#include "source/wa_rows.h"

enum { WA_SHAPED_MAX = 7, WA_STRANGE_MIN = 3, WA_SNAPSHOT_MAX = 64 * 1024 };

/*
 * NULL when all is well; else what is not, in words. `now` is of the window, `ever` of the chat
 * since it was opened, this window included: a step that brings a single strange row says nothing,
 * a chat in which everything is strange does. `nameless`: rows in which no id was found.
 */
const char *wa_canary_window(const struct wa_signs *now, const struct wa_signs *ever,
                             int64_t nameless);

#endif
