/*
 * sink email: each record as one mail, through a mail server (SMTP).
 *
 * The columns of the record are the mail:
 *
 *     to        one address, or several with commas; the option `to` when it is left out
 *     subject   one line, in any language
 *     text      plain text
 *
 * SMTP has no transactions and forgets: at least once. A mail arrives twice when the connection
 * breaks after its text was handed over and before the server said so. Each has a Message-ID made
 * of what names the cause (sink/effect_id.h), the same for every attempt, by which mail programs
 * and many servers tell a repeat. Rules for mails therefore write effects; of an absolute record
 * each version that is delivered is a mail of its own.
 *
 * Verdicts: a mail that the server refuses for good (5xx), and one that is none (no recipient, a
 * line end in the subject), is rejected; 4xx and a connection that broke are tried again. A wrong
 * password or certificate needs a person: all records wait. Questions are not answered.
 */
#ifndef SLUICE_SINK_EMAIL_H
#define SLUICE_SINK_EMAIL_H

#include "model/sink.h"

extern const struct sink_type sink_email;

#endif
