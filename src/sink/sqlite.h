/*
 * sink sqlite: business tables in a SQLite file that people may open with any tool.
 *
 * The file is `path`, by default records.db in sluice's data folder, and is made with mode 0600.
 * Its tables come from the declared targets: missing ones are created, existing ones are adopted
 * (see sqlite_table.h). It is in WAL mode with synchronous=FULL: what write() has accepted is on
 * the disk.
 *
 * Exactly once. Two tables of ours stand beside the business tables and are written in the same
 * transaction as the rows:
 *
 *   sluice_effects   the effects that were applied; the view sluice_effect_names shows them as text
 *   sluice_seq       for each absolute record, the sequence that its row holds
 *
 * so a batch that comes again after a crash changes nothing, and an old record never covers a newer
 * one. Whether a row is there is decided inside that transaction too; rows of others count.
 *
 * A batch is one transaction. When the target refuses a parcel, the transaction is rolled back, the
 * parcels before it are written again without it, and the rest follows: no parcel is ever half
 * written, and a batch without trouble pays nothing for this. A batch that runs out of time keeps
 * what it has done, and goes on in the next call.
 *
 * Questions are refused: a file has no answers to give.
 */
#ifndef SLUICE_SINK_SQLITE_H
#define SLUICE_SINK_SQLITE_H

#include "model/sink.h"

extern const struct sink_type sink_sqlite;

#endif
