/*
 * sync_row: a message as a row of `messages`, and what is remembered of it for that.
 *
 * Remembered is, under the row's id: when and in which direction it was sent, the chat it was seen
 * in, its recipients, whether it had attachments, was for the assistant, was edited, and a hash of
 * its text. That is what tells an edit from a repetition, and another message from the same one
 * (sync.h).
 */
#ifndef SLUICE_DOMAIN_SYNC_ROW_H
#define SLUICE_DOMAIN_SYNC_ROW_H

#include "domain/sync.h"

/* Find which row the message is, make it, and remember it. Sets external_id and row of the work. */
bool sync_row_put(struct sync_work *work, struct err *err);

#endif
