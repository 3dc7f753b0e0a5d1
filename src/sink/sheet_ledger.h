/*
 * sheet_ledger: what one cell of a worksheet remembers of its row.
 *
 * A worksheet has no transactions and no index, but one request is applied as a whole: so what was
 * done to a row is written into a cell of that row, together with it. The cell is a text of words:
 *
 *     leads=1763712000.4711.0 5f0c…9a 77b1…02
 *
 * "PIPELINE=GENERATION.MESSAGE.NTH" is the sequence of the last absolute record, and each other
 * word is the name of an effect that happened (32 letters, see effect_id.h), oldest first; of those
 * the last SHEET_LEDGER_EFFECTS_MAX stay. Words that are neither are kept: somebody wrote them.
 */
#ifndef SLUICE_SINK_SHEET_LEDGER_H
#define SLUICE_SINK_SHEET_LEDGER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "model/sink.h"

enum { SHEET_LEDGER_EFFECTS_MAX = 500 };

/* Was it not done yet, and is nothing newer there? `cell` may be empty. */
bool sheet_ledger_is_new(struct str cell, const struct parcel *parcel);

/* The cell after the record. */
void sheet_ledger_add(struct str cell, const struct parcel *parcel, struct buf *out);

#endif
