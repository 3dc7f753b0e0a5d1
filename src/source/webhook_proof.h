/*
 * webhook_proof: does a call come from somebody who knows the secret?
 *
 * Signed calls follow Standard Webhooks, so that any of its libraries can send them:
 *
 *     webhook-id         the same for every attempt to deliver one message
 *     webhook-timestamp  when this attempt was made, in seconds
 *     webhook-signature  "v1," and base64 of HMAC-SHA256 over "id.timestamp.body"; several with
 *                        blanks between them while the sender changes its secret
 *
 * Who cannot sign sends a token, `Authorization: Bearer …`. Of each there may be two that count, so
 * that they can be changed without losing a call. Everything is compared in constant time.
 */
#ifndef SLUICE_SOURCE_WEBHOOK_PROOF_H
#define SLUICE_SOURCE_WEBHOOK_PROOF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/inbox.h"
#include "model/secret.h"

enum { PROOF_BYTES_MIN = 16, PROOF_BYTES_MAX = 512, PROOF_LIVE_MAX = 2 };

struct webhook_proof {
    /* Options. */
    struct secret secrets[PROOF_LIVE_MAX]; /* Now, and before. */
    struct secret tokens[PROOF_LIVE_MAX];
    int64_t tolerance_ms; /* How far the time of an attempt may be from ours. */
    bool open;            /* Calls prove nothing. */

    /* From open to close. */
    struct str keys[PROOF_LIVE_MAX];
};

/* Keys live in the arena. `*option` is the one that a mistake is in; NULL: several together. */
bool webhook_proof_open(struct webhook_proof *proof, struct arena *arena, const char **option,
                        struct err *err);
void webhook_proof_close(struct webhook_proof *proof);

/* NULL: it does. Else what is wrong, for whoever called; it tells nothing about a secret. */
const char *webhook_proof_look(const struct webhook_proof *proof, const struct inbox_item *item,
                               int64_t now_ms, struct arena *arena);

#endif
