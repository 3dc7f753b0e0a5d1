/*
 * TLS of mongo-c-driver through crypto/tls: what mongoc-stream-tls-openssl.c is for others.
 *
 * A stream of the driver reads and writes with a timeout in milliseconds: negative for ever, 0 not
 * at all. Each call here makes an absolute deadline of it and lends crypto/tls a transport that
 * waits on the stream below until then. The handshake never waits: the driver polls.
 *
 * tlsCAFile names the authorities (nothing: the machine's); tlsAllowInvalidHostnames leaves the
 * name unchecked and tlsAllowInvalidCertificates everything. Refused, because they are not built:
 * client certificates, directories of authorities, lists of revoked certificates.
 */
/* clang-format off */
#include <mongoc/mongoc.h>

#include <mongoc/mongoc-log.h>
#include <mongoc/mongoc-ssl-private.h>
#include <mongoc/mongoc-stream-private.h>
#include <mongoc/mongoc-stream-tls-private.h>
#include <mongoc/mongoc-stream-tls.h>
/* clang-format on */

#include "crypto/tls.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "deadline.h"

#undef MONGOC_LOG_DOMAIN
#define MONGOC_LOG_DOMAIN "tls"

enum { MS_IN_US = 1000, FRONT_SIZE = 4096 };

struct sluice_mongoc_tls {
    struct tls *tls; /* NULL when the session could not be made: `why` says it. */
    mongoc_stream_t *below;
    int64_t deadline_us; /* For the transport: -1 for ever, 0 for not waiting. */
    bool timed_out;
    struct err why;
};

static mongoc_stream_tls_t *stream_of(mongoc_stream_t *stream)
{
    return (mongoc_stream_tls_t *)(void *)stream;
}

static struct sluice_mongoc_tls *own_of(mongoc_stream_t *stream)
{
    return stream_of(stream)->ctx;
}

/* ---- The stream below ---- */

static void set_deadline(struct sluice_mongoc_tls *own, int32_t timeout_ms)
{
    own->timed_out = false;
    own->deadline_us =
        timeout_ms <= 0 ? timeout_ms : bson_get_monotonic_time() + (int64_t)timeout_ms * MS_IN_US;
}

/* The limit of this call of the driver's, or of all of ours. */
static int32_t left_ms(const struct sluice_mongoc_tls *own)
{
    if (own->deadline_us == 0) {
        return 0;
    }
    int64_t left = own->deadline_us < 0 ? INT32_MAX
                                        : (own->deadline_us - bson_get_monotonic_time()) / MS_IN_US;
    if (sluice_mongoc_wait.deadline_ms > 0) {
        int64_t all = sluice_mongoc_wait.deadline_ms - clock_mono_ms(clock_system());
        left = all < left ? all : left;
    }
    return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int32_t)left;
}

/* Nothing moved: was that for want of time, or is the connection gone? */
static ptrdiff_t nothing(struct sluice_mongoc_tls *own)
{
    bool waiting = mongoc_stream_timed_out(own->below) || mongoc_stream_should_retry(own->below) ||
                   errno == ETIMEDOUT;
    return waiting ? TLS_WAIT : TLS_FAILED;
}

static ptrdiff_t send_below(void *context, const void *bytes, size_t len)
{
    struct sluice_mongoc_tls *own = context;
    mongoc_iovec_t part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    errno = 0;
    ssize_t sent = mongoc_stream_writev(own->below, &part, 1, left_ms(own));
    return sent > 0 ? sent : sent == 0 ? TLS_WAIT : nothing(own);
}

static ptrdiff_t receive_below(void *context, void *bytes, size_t len)
{
    struct sluice_mongoc_tls *own = context;
    errno = 0;
    ssize_t got = mongoc_stream_read(own->below, bytes, len, 1, left_ms(own));
    if (got > 0) {
        return got;
    }
    return got == 0 ? TLS_ENDED : nothing(own);
}

static struct tls_transport transport_of(struct sluice_mongoc_tls *own)
{
    return (struct tls_transport){own, send_below, receive_below};
}

/* ---- The handshake ---- */

static bool handshake(mongoc_stream_t *stream, const char *host, int *events, bson_error_t *error)
{
    struct sluice_mongoc_tls *own = own_of(stream);
    struct tls_transport transport = transport_of(own);
    enum tls_step step = TLS_BROKEN;
    (void)host;
    *events = 0;
    if (own->tls != NULL) {
        set_deadline(own, 0);
        errno = 0;
        step = tls_handshake(own->tls, &transport);
    }
    switch (step) {
    case TLS_DONE:
        return true;
    case TLS_WANTS_READ:
        *events = POLLIN;
        return false;
    case TLS_WANTS_WRITE:
        *events = POLLOUT;
        return false;
    case TLS_BROKEN:
        if (own->tls != NULL) {
            (void)tls_why(own->tls, &own->why);
        }
        break;
    case TLS_CUT:
        (void)err_set(&own->why, ERR_RETRY, "the connection was lost: %s",
                      errno != 0 ? strerror(errno) : "closed by the server");
        break;
    }
    sluice_mongoc_failure = (int)own->why.kind;
    bson_set_error(error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, "TLS: %s",
                   own->why.text);
    return false;
}

/* ---- Data ---- */

static ssize_t late(struct sluice_mongoc_tls *own)
{
    own->timed_out = true;
    errno = ETIMEDOUT;
    return -1;
}

static ssize_t lost(void)
{
    if (errno == 0) {
        errno = ECONNRESET;
    }
    return -1;
}

/* All of it, or -1: what is half sent cannot be taken back. */
static ssize_t send_all(struct sluice_mongoc_tls *own, const char *bytes, size_t len)
{
    struct tls_transport transport = transport_of(own);
    for (size_t off = 0; off < len;) {
        ptrdiff_t sent = tls_write(own->tls, &transport, bytes + off, len - off);
        if (sent < 0) {
            return lost();
        }
        if (sent == 0 && left_ms(own) == 0) {
            return late(own);
        }
        off += (size_t)sent;
    }
    return (ssize_t)len;
}

/* The driver hands out each number of a header by itself: small parts share a record. */
static ssize_t writev_tls(mongoc_stream_t *stream, mongoc_iovec_t *parts, size_t count,
                          int32_t timeout_ms)
{
    struct sluice_mongoc_tls *own = own_of(stream);
    char front[FRONT_SIZE];
    size_t has = 0;
    ssize_t total = 0;
    set_deadline(own, timeout_ms);
    for (size_t i = 0; i < count; i++) {
        const char *bytes = parts[i].iov_base;
        size_t len = parts[i].iov_len;
        total += (ssize_t)len;
        if (len <= sizeof front - has) {
            memcpy(front + has, bytes, len);
            has += len;
            continue;
        }
        size_t first = has > 0 ? sizeof front - has : 0;
        memcpy(front + has, bytes, first);
        if ((first > 0 && send_all(own, front, sizeof front) < 0) ||
            send_all(own, bytes + first, len - first) < 0) {
            return -1;
        }
        has = 0;
    }
    return send_all(own, front, has) < 0 ? -1 : total;
}

static ssize_t readv_tls(mongoc_stream_t *stream, mongoc_iovec_t *parts, size_t count, size_t least,
                         int32_t timeout_ms)
{
    struct sluice_mongoc_tls *own = own_of(stream);
    struct tls_transport transport = transport_of(own);
    ssize_t total = 0;
    set_deadline(own, timeout_ms);
    for (size_t i = 0; i < count; i++) {
        size_t off = 0;
        while (off < parts[i].iov_len) {
            if ((size_t)total >= least && total > 0 && tls_pending(own->tls) == 0) {
                return total;
            }
            ptrdiff_t got = tls_read(own->tls, &transport, (char *)parts[i].iov_base + off,
                                     parts[i].iov_len - off);
            if (got == TLS_WAIT) {
                return late(own);
            }
            if (got < 0) {
                return lost();
            }
            off += (size_t)got;
            total += got;
        }
    }
    return total;
}

/* ---- The rest of a stream ---- */

static void destroy(mongoc_stream_t *stream)
{
    struct sluice_mongoc_tls *own = own_of(stream);
    if (own->tls != NULL) {
        struct tls_transport transport = transport_of(own);
        set_deadline(own, 0);
        tls_end(own->tls, &transport);
        tls_free(own->tls);
    }
    mongoc_stream_destroy(own->below);
    bson_free(own);
    bson_free(stream);
}

static int close_below(mongoc_stream_t *stream)
{
    return mongoc_stream_close(own_of(stream)->below);
}

static int flush(mongoc_stream_t *stream)
{
    (void)stream;
    return 0;
}

static int setsockopt_below(mongoc_stream_t *stream, int level, int name, void *value,
                            mongoc_socklen_t len)
{
    return mongoc_stream_setsockopt(own_of(stream)->below, level, name, value, len);
}

static mongoc_stream_t *get_below(mongoc_stream_t *stream)
{
    return own_of(stream)->below;
}

static bool check_closed(mongoc_stream_t *stream)
{
    return mongoc_stream_check_closed(own_of(stream)->below);
}

static bool has_timed_out(mongoc_stream_t *stream)
{
    struct sluice_mongoc_tls *own = own_of(stream);
    return own->timed_out || mongoc_stream_timed_out(own->below);
}

static bool should_retry(mongoc_stream_t *stream)
{
    return mongoc_stream_should_retry(own_of(stream)->below);
}

static bool begin(struct sluice_mongoc_tls *own, const char *host, const mongoc_ssl_opt_t *options)
{
    if (options->pem_file != NULL) {
        return err_set(&own->why, ERR_CONFIG, "client certificates are not supported");
    }
    if (options->crl_file != NULL || options->ca_dir != NULL) {
        return err_set(&own->why, ERR_CONFIG,
                       "lists of revoked certificates and directories of authorities are not "
                       "supported");
    }
    struct tls_policy policy = {
        .verify = options->weak_cert_validation     ? TLS_VERIFY_NONE
                  : options->allow_invalid_hostname ? TLS_VERIFY_CA
                                                    : TLS_VERIFY_FULL,
        .host = str_of(host),
    };
    bool ok = (policy.verify == TLS_VERIFY_NONE ||
               tls_trust_load(str_of(options->ca_file), &policy.trust, &own->why)) &&
              tls_new(&own->tls, &policy, &own->why);
    tls_trust_drop(policy.trust);
    return ok;
}

/*
 * A session that cannot be made still gives a stream, because only the handshake can report a
 * reason: NULL here would end as "connection error".
 */
mongoc_stream_t *mongoc_stream_tls_new_with_hostname(mongoc_stream_t *below, const char *host,
                                                     mongoc_ssl_opt_t *options, int client)
{
    if (client == 0) {
        MONGOC_ERROR("TLS is only built for clients");
        return NULL;
    }
    mongoc_stream_tls_t *stream = bson_malloc0(sizeof *stream);
    struct sluice_mongoc_tls *own = bson_malloc0(sizeof *own);
    own->below = below;
    (void)begin(own, host, options);
    stream->parent.type = MONGOC_STREAM_TLS;
    stream->parent.destroy = destroy;
    stream->parent.failed = destroy;
    stream->parent.close = close_below;
    stream->parent.flush = flush;
    stream->parent.writev = writev_tls;
    stream->parent.readv = readv_tls;
    stream->parent.setsockopt = setsockopt_below;
    stream->parent.get_base_stream = get_below;
    stream->parent.check_closed = check_closed;
    stream->parent.timed_out = has_timed_out;
    stream->parent.should_retry = should_retry;
    stream->ssl_opts = *options;
    stream->handshake = handshake;
    stream->ctx = own;
    stream->timeout_msec = -1;
    stream->base_stream = below;
    return (mongoc_stream_t *)(void *)stream;
}

bool mongoc_stream_tls_handshake(mongoc_stream_t *stream, const char *host, int32_t timeout_ms,
                                 int *events, bson_error_t *error)
{
    mongoc_stream_t *tls = mongoc_stream_get_tls_stream(stream);
    BSON_ASSERT(tls != NULL);
    stream_of(tls)->timeout_msec = timeout_ms;
    return handshake(tls, host, events, error);
}

bool mongoc_stream_tls_handshake_block(mongoc_stream_t *stream, const char *host,
                                       int32_t timeout_ms, bson_error_t *error)
{
    int64_t end_us = bson_get_monotonic_time() + (int64_t)timeout_ms * MS_IN_US;
    for (;;) {
        int events = 0;
        if (mongoc_stream_tls_handshake(stream, host, timeout_ms, &events, error)) {
            return true;
        }
        if (events == 0) {
            return false;
        }
        int64_t left = timeout_ms < 0 ? -1 : (end_us - bson_get_monotonic_time()) / MS_IN_US;
        mongoc_stream_poll_t poll = {.stream = stream, .events = events};
        if ((timeout_ms >= 0 && left <= 0) || mongoc_stream_poll(&poll, 1, (int32_t)left) <= 0) {
            bson_set_error(error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET,
                           "TLS: %s did not finish the handshake in time", host);
            return false;
        }
    }
}
