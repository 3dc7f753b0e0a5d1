/* See mongoc_sluice.h. The limits lie in the driver's inner structs. */
/* clang-format off */
#include <mongoc/mongoc.h>

#include <mongoc/mongoc-client-private.h>
#include <mongoc/mongoc-topology-private.h>
/* clang-format on */

#include "deadline.h"

#include <mongoc_sluice.h>

#include "base/clock.h"

_Thread_local int sluice_mongoc_failure;

void sluice_mongoc_begin(const struct sluice_mongoc_limits *limits)
{
    int64_t now_ms = clock_mono_ms(clock_system());
    int64_t connect_ms =
        limits->left_ms < limits->connect_ms ? limits->left_ms : limits->connect_ms;
    sluice_mongoc_wait = (struct sluice_mongoc_wait){
        .deadline_ms = now_ms + limits->left_ms,
        .choose_ms = now_ms + connect_ms,
        .stopping = limits->stopping,
        .context = limits->stopping_context,
        .alone = limits->alone,
    };
    sluice_mongoc_failure = ERR_NONE;
}

bool sluice_mongoc_end(void)
{
    bool jumped = sluice_mongoc_wait.jumped;
    sluice_mongoc_wait = (struct sluice_mongoc_wait){0};
    return jumped;
}

void sluice_mongoc_limit(mongoc_client_t *client, const struct sluice_mongoc_limits *limits)
{
    int64_t left = limits->left_ms < 1           ? 1
                   : limits->left_ms > INT32_MAX ? INT32_MAX
                                                 : limits->left_ms;
    int64_t connect = left < limits->connect_ms ? left : limits->connect_ms;
    client->cluster.sockettimeoutms = (uint32_t)left;
    client->topology->server_selection_timeout_msec = connect;
    client->topology->connect_timeout_msec = connect;
    client->topology->scanner->connect_timeout_msec = connect;
}

enum err_kind sluice_mongoc_tls_failure(void)
{
    return (enum err_kind)sluice_mongoc_failure;
}
