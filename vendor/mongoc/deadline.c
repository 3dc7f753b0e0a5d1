/* See mongoc_sluice.h. What is set and called here lies inside the driver. */
/* clang-format off */
#include <mongoc/mongoc.h>

#include <mongoc/mongoc-client-private.h>
#include <mongoc/mongoc-cluster-private.h>
#include <mongoc/mongoc-cmd-private.h>
#include <mongoc/mongoc-error-private.h>
#include <mongoc/mongoc-topology-private.h>
#include <mongoc/mongoc-write-command-private.h>
/* clang-format on */

#include "deadline.h"

#include <mongoc_sluice.h>
#include <string.h>

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

/* As the driver's own _mongoc_client_retryable_write_command_with_stream(), which is static. */
static bool run_twice(mongoc_client_t *client, mongoc_cmd_parts_t *parts, bson_t *reply,
                      bson_error_t *error)
{
    mongoc_server_stream_t *stream = parts->assembled.server_stream;
    mongoc_server_stream_t *second = NULL;
    bson_error_t ignored;
    bson_iter_t number;
    BSON_ASSERT(bson_iter_init_find(&number, parts->assembled.command, "txnNumber"));
    bson_iter_overwrite_int64(&number, ++parts->assembled.session->server_session->txn_number);
    bool ok =
        mongoc_cluster_run_command_monitored(&client->cluster, &parts->assembled, reply, error);
    _mongoc_write_error_handle_labels(ok, error, reply, stream->sd->max_wire_version);
    _mongoc_write_error_update_if_unsupported_storage_engine(ok, error, reply);
    if (_mongoc_write_error_get_type(reply) == MONGOC_WRITE_ERR_RETRY) {
        second = mongoc_cluster_stream_for_writes(&client->cluster, parts->assembled.session, NULL,
                                                  &ignored);
    }
    if (second != NULL) {
        parts->assembled.server_stream = second;
        bson_destroy(reply);
        memset(error, 0, sizeof *error);
        ok =
            mongoc_cluster_run_command_monitored(&client->cluster, &parts->assembled, reply, error);
        _mongoc_write_error_handle_labels(ok, error, reply, second->sd->max_wire_version);
        mongoc_server_stream_cleanup(second);
    }
    return ok;
}

bool sluice_mongoc_write(mongoc_client_t *client, const char *database, const bson_t *command,
                         const struct sluice_mongoc_list *list, mongoc_write_concern_t *concern,
                         bool single, bson_t *reply, bson_error_t *error)
{
    mongoc_cmd_parts_t parts;
    mongoc_server_stream_t *stream =
        mongoc_cluster_stream_for_writes(&client->cluster, NULL, reply, error);
    if (stream == NULL) {
        return false; /* It has made the reply. */
    }
    mongoc_cmd_parts_init(&parts, client, database, MONGOC_QUERY_NONE, command);
    parts.is_write_command = true;
    parts.allow_txn_number =
        single ? MONGOC_CMD_PARTS_ALLOW_TXN_NUMBER_YES : MONGOC_CMD_PARTS_ALLOW_TXN_NUMBER_NO;
    parts.assembled.operation_id = ++client->cluster.operation_id;
    if (list != NULL) {
        parts.assembled.payload_identifier = list->name;
        parts.assembled.payload = (const uint8_t *)list->bytes;
        parts.assembled.payload_size = (int32_t)list->len;
    }
    bool ok =
        mongoc_cmd_parts_set_write_concern(&parts, concern, stream->sd->max_wire_version, error) &&
        mongoc_cmd_parts_assemble(&parts, stream, error);
    if (!ok) {
        bson_init(reply);
    } else if (parts.is_retryable_write) {
        ok = run_twice(client, &parts, reply, error);
    } else {
        ok = mongoc_cluster_run_command_monitored(&client->cluster, &parts.assembled, reply, error);
    }
    mongoc_server_stream_cleanup(stream);
    mongoc_cmd_parts_cleanup(&parts);
    return ok;
}
