/*
 * sink postgres: business tables in a PostgreSQL database that others use as well.
 *
 * Tables are never made by writing: `sluice migrate` does that, and adopts what is there (see
 * postgres_table.h). While a table is missing or not fit, its records wait, and so they do while
 * the database is down; other tables of the sink go on.
 *
 * Exactly once. Two tables of ours stand beside the business tables and are written in the same
 * transaction as the rows (postgres_ledger.h), so a batch that comes again after a crash or after a
 * COMMIT whose answer was lost changes nothing, and an old record never covers a newer one. Whether
 * a row is there is decided inside that transaction too; rows of others count.
 *
 * A batch becomes one transaction, and all its records of one shape one statement
 * (postgres_shape.h). When the server refuses something, the transaction is undone and repeated
 * with savepoints, which are halved until the records to blame stand alone: no record is ever half
 * written, and a batch without trouble pays nothing for this. A batch that the server is too slow
 * for becomes several.
 *
 * Nothing is kept in the session: settings are those of the transaction, statements are not
 * prepared, locks end with it. So a pooler in transaction mode may stand in between.
 *
 * `statements` are SQL of the user's own (postgres_statement.h). A target that has the name of one
 * runs it; it is the only thing here that answers questions.
 */
#ifndef SLUICE_SINK_POSTGRES_H
#define SLUICE_SINK_POSTGRES_H

#include "model/sink.h"

extern const struct sink_type sink_postgres;

#endif
