/* postgres_inside: what the files of db/postgres share; seen by them only. */
#ifndef SLUICE_DB_POSTGRES_INSIDE_H
#define SLUICE_DB_POSTGRES_INSIDE_H

#include <libpq-fe.h>

#include "db/postgres.h"

enum {
    POSTGRES_PARAMETERS_MAX = 64, /* Of a connection: libpq knows about 45. */
    POSTGRES_WHERE_MAX = 320,
    POSTGRES_NAME_MAX = 128,
    POSTGRES_MEMORY_MAX = 64 * 1024,
};

/* Where to connect, and how; made once from the options. */
struct postgres_target {
    const char *keywords[POSTGRES_PARAMETERS_MAX + 1]; /* NULL ends both. */
    const char *values[POSTGRES_PARAMETERS_MAX + 1];
    size_t count;
    char where[POSTGRES_WHERE_MAX];
    char note[POSTGRES_NOTE_MAX];
    bool pooled;     /* A pooler may stand between: nothing may live in the session. */
    bool public_way; /* The way to it leads over a public network. */
};

bool postgres_target_make(struct postgres_target *target, const struct postgres_options *options,
                          struct arena *arena, struct err *err);

/* The value of a connection parameter; "" when it is not set. */
const char *postgres_target_get(const struct postgres_target *target, const char *keyword);

/* Grade and word a failed statement; `result` may be NULL when the connection failed. */
bool postgres_why_result(const char *where, const PGconn *conn, const PGresult *result,
                         struct err *err);

/* The same for a connection that was not made. */
bool postgres_why_connection(const char *where, const PGconn *conn, struct err *err);

/* The grade of an SQLSTATE. */
enum err_kind postgres_kind_of(const char *state);

#endif
