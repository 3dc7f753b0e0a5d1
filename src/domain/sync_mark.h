/*
 * sync_mark: how far the synchronisation has come, told only once it is true.
 *
 * `sync_state` holds, for the platform, the time of the newest message whose row the sink has
 * taken. A row asks for a receipt, one at a time; when the receipt comes, every row that was
 * decided before it was delivered too, or at least tried. Then the time that was the newest at the
 * asking is written, and that record asks again if there is something newer by now. So the time
 * never runs ahead of the rows, and it costs a receipt a round of delivery and not one a message.
 *
 * A receipt that does not come (its row became a dead letter) is given up after ten minutes of
 * messages, and the next row asks.
 */
#ifndef SLUICE_DOMAIN_SYNC_MARK_H
#define SLUICE_DOMAIN_SYNC_MARK_H

#include "domain/sync.h"

/* The message becomes a row: shall that row ask for a receipt? */
bool sync_mark_row(const struct sync_work *work, bool *receipt, struct err *err);

/* A receipt came. */
bool sync_mark_receipt(const struct sync *sync, struct op_env *env, const struct message *receipt,
                       struct err *err);

#endif
