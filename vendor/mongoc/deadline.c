/* See mongoc_sluice.h. The limits lie in the driver's inner structs. */
/* clang-format off */
#include <mongoc/mongoc.h>

#include <mongoc/mongoc-client-private.h>
#include <mongoc/mongoc-topology-private.h>
/* clang-format on */

#include "deadline.h"

#include <mongoc_sluice.h>

_Thread_local int64_t sluice_mongoc_deadline_us;
_Thread_local int sluice_mongoc_failure;

void sluice_mongoc_deadline(mongoc_client_t *client, int64_t left_ms, int64_t connect_ms)
{
    int64_t left = left_ms < 1 ? 1 : left_ms > INT32_MAX ? INT32_MAX : left_ms;
    int64_t connect = left < connect_ms ? left : connect_ms;
    client->cluster.sockettimeoutms = (uint32_t)left;
    client->topology->server_selection_timeout_msec = connect;
    client->topology->connect_timeout_msec = connect;
    client->topology->scanner->connect_timeout_msec = connect;
    sluice_mongoc_deadline_us = bson_get_monotonic_time() + left * 1000;
    sluice_mongoc_failure = ERR_NONE;
}

enum err_kind sluice_mongoc_tls_failure(void)
{
    return (enum err_kind)sluice_mongoc_failure;
}
