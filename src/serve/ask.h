/*
 * ask: one question to a running `sluice serve` on this machine, for `sluice health`.
 *
 * Plain HTTP to an address, no name is looked up and no library is needed: it also works in an
 * image that holds nothing but sluice.
 */
#ifndef SLUICE_SERVE_ASK_H
#define SLUICE_SERVE_ASK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { ASK_WAIT_MS = 5000, ASK_ANSWER_MAX = 4 * 1024 * 1024 };

/* Status and body of `GET path`. ERR_RETRY: nobody answers there. */
bool ask_get(struct arena *arena, struct str host, int64_t port, const char *path, int *status,
             struct str *body, struct err *err);

#endif
