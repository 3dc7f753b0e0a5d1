/*
 * webhook: messages that a program of somebody else brings by HTTP.
 *
 *     POST /webhook/NAME      NAME is the source's; POST /webhook while there is only one
 *     {"id": "…", "chat": "…", "text": "…"}
 *
 * A call is a JSON object. Where in it a message's id, chat, sender, text and time stand is said by
 * options ("data.sender.name"); what is not named there is still in the message: the whole body is
 * its text, or its extra when a field is the text. Calls that prove nothing are refused
 * (webhook_proof.h).
 *
 * The answer 200 means that it is on disk; all that came meanwhile is kept by one commit. A call
 * that comes again with the same id changes nothing and is answered like the first one. Chats that
 * nobody listens to are answered and not kept.
 */
#ifndef SLUICE_SOURCE_WEBHOOK_H
#define SLUICE_SOURCE_WEBHOOK_H

#include "model/source.h"

extern const struct source_type source_webhook;

#endif
