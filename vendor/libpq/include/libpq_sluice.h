/* What libpq knows about a failed connection and has no function for. */
#ifndef LIBPQ_SLUICE_H
#define LIBPQ_SLUICE_H

#include <libpq-fe.h>

#include "base/err.h"

/* SQLSTATE of the last error of the server, "" for none: also for a refused connection. */
const char *sluice_pg_state(const PGconn *conn);

/* How a failure of TLS is graded; ERR_NONE when TLS did not fail. */
enum err_kind sluice_pg_tls_failure(const PGconn *conn);

#endif
