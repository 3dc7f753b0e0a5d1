/* What mongo-c-driver has no function for: an absolute deadline, and why TLS failed. */
#ifndef MONGOC_SLUICE_H
#define MONGOC_SLUICE_H

#include <mongoc/mongoc.h>

#include "base/err.h"

/*
 * Everything that this thread does with `client` from now on ends within `left_ms`: choosing a
 * server, connecting, and (over TLS exactly, else for each answer) sending and reading. No part of
 * it waits longer than `connect_ms` for a connection.
 */
void sluice_mongoc_deadline(mongoc_client_t *client, int64_t left_ms, int64_t connect_ms);

/* How the last failure of a handshake of this thread is graded, since the deadline was set. */
enum err_kind sluice_mongoc_tls_failure(void);

#endif
