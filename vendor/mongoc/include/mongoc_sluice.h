/* What mongo-c-driver has no function for: absolute deadlines, stopping, writes as commands that
 * are sent again, and why TLS failed. */
#ifndef MONGOC_SLUICE_H
#define MONGOC_SLUICE_H

#include <mongoc/mongoc.h>

#include "base/err.h"

struct sluice_mongoc_limits {
    int64_t left_ms;    /* Of the whole call. */
    int64_t connect_ms; /* Of finding a server, and of each connection. */
    bool (*stopping)(void *context);
    void *stopping_context;
    bool alone; /* The URI names one server only. */
};

/*
 * Everything that this thread does with the driver from now on ends within the limits, and soon
 * after `stopping` says yes. sluice_mongoc_end() ends that; when it returns true the client's idea
 * of time is spoilt, and it must be destroyed.
 */
void sluice_mongoc_begin(const struct sluice_mongoc_limits *limits);
bool sluice_mongoc_end(void);

/* The same for the limits that are a client's own. */
void sluice_mongoc_limit(mongoc_client_t *client, const struct sluice_mongoc_limits *limits);

/* Documents one behind the other, which are sent from where they lie. */
struct sluice_mongoc_list {
    const char *name; /* "updates", "deletes", "documents" */
    const char *bytes;
    size_t len;
};

/*
 * insert, update, delete or findAndModify. The driver's own function for commands gives only the
 * last of them a number, so that the others are not sent again after a broken connection. `list` is
 * NULL when the command holds all of it. `single` says that no item of either is for several
 * documents: then it may have one. `reply` is made, also after a failure.
 */
bool sluice_mongoc_write(mongoc_client_t *client, const char *database, const bson_t *command,
                         const struct sluice_mongoc_list *list, mongoc_write_concern_t *concern,
                         bool single, bson_t *reply, bson_error_t *error);

/* How the last failure of a handshake of this thread is graded, since the deadline was set. */
enum err_kind sluice_mongoc_tls_failure(void);

#endif
