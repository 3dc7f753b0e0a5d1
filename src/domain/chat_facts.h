/*
 * chat_facts: what a message of a chat says besides its words.
 *
 * Sources differ in what they know. It stands in the message's `extra` and in the look of its
 * chat's id; this reads both into one shape, and "unknown" is an answer:
 *
 *   the chat's id   …@s.whatsapp.net, …@c.us   a person       …@g.us   a group
 *   extra           {"group": true|false}      what the page's header says, for a chat by its title
 *                   {"members": ["…", …]}      who is in the group, where the source knows
 *                   {"edited": true}           it was edited before it was seen first
 *                   {"media_type": "image"}    the bridge: it has an attachment that is not here
 *                   {"kind": "image"}          the page: the same
 *
 * Keys that are not listed mean nothing here. An `extra` that is no JSON object says nothing: it is
 * what a source adds, and no message is lost for it.
 */
#ifndef SLUICE_DOMAIN_CHAT_FACTS_H
#define SLUICE_DOMAIN_CHAT_FACTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/message.h"
#include "text/json.h"

enum chat_kind {
    CHAT_UNKNOWN = 0,
    CHAT_PERSON,
    CHAT_GROUP,
    CHAT_OTHER, /* A channel, a broadcast, the status of others. */
};

struct chat_facts {
    enum chat_kind kind;
    bool edited;
    bool media;                       /* Something is attached, whether it was fetched or not. */
    const struct json_value *members; /* An array of texts, or NULL for unknown. */
};

/* Fails only for lack of memory. */
bool chat_facts_read(struct arena *arena, const struct message *message, struct chat_facts *out,
                     struct err *err);

#endif
