/*
 * dial: what HTTP and mail share of curl; seen by net/ only.
 *
 * The library is set up once. Each connection is judged when its name was looked up (may we go to
 * that address?) and when its handshake begins (our TLS policy takes the place of curl's).
 */
#ifndef SLUICE_NET_DIAL_H
#define SLUICE_NET_DIAL_H

#include <curl/curl.h>

#include "base/clock.h"
#include "base/err.h"
#include "crypto/tls.h"
#include "text/host.h"

enum { DIAL_ROOT_MAX = 1024 };

struct dial {
    struct clock *clock;
    bool anywhere; /* Private and loopback addresses too. */
    char root[DIAL_ROOT_MAX];
    bool (*stopping)(void *context); /* May be NULL. */
    void *stopping_context;
    struct str host; /* Of the connection that is about to be made. */

    struct tls_trust *trust;
    struct tls_check *check; /* Of the last handshake. */
    struct err tls;          /* Why that check could not be set up. */
    enum host_kind refused;  /* An address that was not connected to, and its kind. */
    bool was_refused;
    bool stopped; /* The owner was asked to stop, and curl was told so. */
};

bool dial_init_library(struct err *err);

bool dial_set_root(struct dial *dial, struct str root, struct err *err);

/* The authorities, unless they are there. */
bool dial_trust(struct dial *dial, struct err *err);

/* Options of a handle that are the same for everything. False: no memory. */
bool dial_manners(struct dial *dial, CURL *curl);

/* Forget the last connection's judgement and the authorities. */
void dial_rest(struct dial *dial);

/* Why TLS failed; `words` are curl's. Always false. */
bool dial_why_tls(const struct dial *dial, const char *words, struct err *err);

/* Words for what went wrong on the way; NULL for nothing of the way. */
const char *dial_words(CURLcode code);

#endif
