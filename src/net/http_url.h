/* http_url: taking addresses apart; seen by net/http*.c only. */
#ifndef SLUICE_NET_HTTP_URL_H
#define SLUICE_NET_HTTP_URL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct http_url {
    struct str text; /* All of it, normalized. */
    struct str host; /* Without brackets. */
    struct str port;
    bool secure; /* https */
};

bool http_url_read(struct str url, struct arena *arena, struct http_url *out, struct err *err);

/* Where a redirect leads, seen from `base`. */
bool http_url_follow(const struct http_url *base, struct str location, struct arena *arena,
                     struct http_url *out, struct err *err);

/* The same scheme, host and port: what is meant for one may go to the other. */
bool http_url_same_origin(const struct http_url *a, const struct http_url *b);

#endif
