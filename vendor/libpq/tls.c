/*
 * TLS of libpq through crypto/tls: what fe-secure-openssl.c is for others.
 *
 * libpq calls these functions; the connection's socket is not blocking, and libpq does the waiting.
 * sslmode decides what is verified ("require" checks nobody's identity unless an authority is
 * named, as libpq documents it), sslrootcert names the authorities ("system" or nothing: the
 * machine's). Names are checked by crypto/tls, not by libpq's own rules.
 *
 * Refused, because they are not built: client certificates, lists of revoked certificates, TLS 1.3
 * as a minimum.
 */
/* clang-format off */
#include "postgres_fe.h"

#include "libpq-fe.h"
#include "libpq-int.h"
/* clang-format on */

#include "crypto/tls.h"

#include <libpq_sluice.h>

struct sluice_pg_tls {
    struct tls *tls;
    PGconn *conn;
    bool ended; /* The server ended the session. */
};

/* ---- The socket ---- */

static bool again(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static ptrdiff_t send_raw(void *context, const void *bytes, size_t len)
{
    ssize_t sent = pqsecure_raw_write(context, bytes, len);
    if (sent < 0) {
        return again() ? TLS_WAIT : TLS_FAILED;
    }
    return sent;
}

static ptrdiff_t receive_raw(void *context, void *bytes, size_t len)
{
    PGconn *conn = context;
    ssize_t got = pqsecure_raw_read(conn, bytes, len);
    if (got < 0) {
        return again() ? TLS_WAIT : TLS_FAILED;
    }
    if (got == 0) {
        return TLS_ENDED;
    }
    conn->ssl_handshake_started = true;
    return got;
}

static struct tls_transport transport_of(PGconn *conn)
{
    return (struct tls_transport){conn, send_raw, receive_raw};
}

/* ---- Setting up ---- */

void pgtls_init_library(bool do_ssl, int do_crypto)
{
    (void)do_ssl;
    (void)do_crypto;
}

int pgtls_init(PGconn *conn, bool do_ssl, bool do_crypto)
{
    (void)conn;
    (void)do_ssl;
    (void)do_crypto;
    return 0;
}

static bool given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* What is asked for and not built. NULL when there is nothing of it. */
static const char *unsupported(const PGconn *conn)
{
    if (given(conn->sslcrl) || given(conn->sslcrldir)) {
        return "sslcrl and sslcrldir are not supported: revoked certificates cannot be looked up";
    }
    if (given(conn->sslcert) && conn->sslcertmode[0] != 'd') {
        return "sslcert is not supported: there are no client certificates";
    }
    if (given(conn->ssl_min_protocol_version) &&
        pg_strcasecmp(conn->ssl_min_protocol_version, "TLSv1.3") == 0) {
        return "ssl_min_protocol_version=TLSv1.3 is not possible: TLS 1.2 is spoken";
    }
    if (given(conn->ssl_max_protocol_version) &&
        pg_strcasecmp(conn->ssl_max_protocol_version, "TLSv1.2") < 0) {
        return "ssl_max_protocol_version below TLSv1.2 is not possible: TLS 1.2 is spoken";
    }
    return NULL;
}

static enum tls_verify verify_of(const PGconn *conn)
{
    if (strcmp(conn->sslmode, "verify-full") == 0) {
        return TLS_VERIFY_FULL;
    }
    bool ca = strcmp(conn->sslmode, "verify-ca") == 0 || given(conn->sslrootcert);
    return ca ? TLS_VERIFY_CA : TLS_VERIFY_NONE;
}

static bool append(PGconn *conn, const struct err *err)
{
    conn->sluice_tls_failure = (int)err->kind;
    libpq_append_conn_error(conn, "TLS: %s", err->text);
    return false;
}

static bool begin(PGconn *conn)
{
    struct err err = {0};
    const char *host = conn->connhost[conn->whichhost].host;
    const char *address = conn->connhost[conn->whichhost].hostaddr;
    const char *no = unsupported(conn);
    conn->sluice_tls_failure = ERR_NONE;
    if (no != NULL) {
        (void)err_set(&err, ERR_CONFIG, "%s", no);
        return append(conn, &err);
    }
    struct sluice_pg_tls *own = calloc(1, sizeof *own);
    if (own == NULL) {
        libpq_append_conn_error(conn, "out of memory");
        return false;
    }
    conn->sluice_tls = own;
    conn->ssl_in_use = true;
    struct tls_policy policy = {
        .verify = verify_of(conn),
        .host = str_of(given(host) ? host : address),
        .protocol = STR(PG_ALPN_PROTOCOL),
    };
    bool ok = (policy.verify == TLS_VERIFY_NONE ||
               tls_trust_load(str_of(conn->sslrootcert), &policy.trust, &err)) &&
              tls_new(&own->tls, &policy, &err);
    tls_trust_drop(policy.trust);
    return ok || append(conn, &err);
}

/* ---- The handshake ---- */

static void append_why(PGconn *conn)
{
    struct err err = {0};
    (void)tls_why(conn->sluice_tls->tls, &err);
    (void)append(conn, &err);
}

/* Direct TLS stands or falls with the agreed protocol (ALPN). */
static bool protocol_agreed(PGconn *conn)
{
    if (conn->sslnegotiation[0] != 'd' || conn->current_enc_method != ENC_SSL) {
        return true;
    }
    if (str_equal(tls_protocol(conn->sluice_tls->tls), STR(PG_ALPN_PROTOCOL))) {
        return true;
    }
    libpq_append_conn_error(conn, "TLS: direct connection without agreement on the protocol "
                                  "(ALPN): sslnegotiation=direct needs PostgreSQL 17");
    return false;
}

PostgresPollingStatusType pgtls_open_client(PGconn *conn)
{
    bool ok = conn->sluice_tls != NULL || begin(conn);
    if (ok) {
        struct tls_transport transport = transport_of(conn);
        switch (tls_handshake(conn->sluice_tls->tls, &transport)) {
        case TLS_WANTS_READ:
            return PGRES_POLLING_READING;
        case TLS_WANTS_WRITE:
            return PGRES_POLLING_WRITING;
        case TLS_DONE:
            ok = protocol_agreed(conn);
            break;
        case TLS_BROKEN:
            append_why(conn);
            ok = false;
            break;
        case TLS_CUT: /* The socket's functions have said why. */
            ok = false;
            break;
        }
    }
    if (!ok) {
        pgtls_close(conn);
        return PGRES_POLLING_FAILED;
    }
    return PGRES_POLLING_OK;
}

/* ---- Data ---- */

static ssize_t ended(PGconn *conn)
{
    conn->sluice_tls->ended = true;
    libpq_append_conn_error(conn, "TLS: the server closed the connection unexpectedly");
    SOCK_ERRNO_SET(ECONNRESET);
    return -1;
}

/* The engine or the socket failed; the socket's functions have set errno and said why. */
static ssize_t failed(PGconn *conn)
{
    if (errno == 0) {
        append_why(conn);
        SOCK_ERRNO_SET(ECONNRESET);
    }
    return -1;
}

ssize_t pgtls_read(PGconn *conn, void *bytes, size_t len)
{
    struct tls_transport transport = transport_of(conn);
    SOCK_ERRNO_SET(0);
    ptrdiff_t got = tls_read(conn->sluice_tls->tls, &transport, bytes, len);
    if (got == TLS_ENDED) {
        return ended(conn);
    }
    if (got < 0) {
        return failed(conn);
    }
    SOCK_ERRNO_SET(0);
    return got;
}

ssize_t pgtls_bytes_pending(PGconn *conn)
{
    return (ssize_t)tls_pending(conn->sluice_tls->tls);
}

ssize_t pgtls_write(PGconn *conn, const void *bytes, size_t len)
{
    struct tls_transport transport = transport_of(conn);
    SOCK_ERRNO_SET(0);
    ptrdiff_t sent = tls_write(conn->sluice_tls->tls, &transport, bytes, len);
    if (sent < 0) {
        return failed(conn);
    }
    SOCK_ERRNO_SET(0);
    return sent;
}

void pgtls_close(PGconn *conn)
{
    struct sluice_pg_tls *own = conn->sluice_tls;
    bool over = own != NULL && own->ended;
    if (own != NULL) {
        if (own->tls != NULL && conn->sock != PGINVALID_SOCKET) {
            struct tls_transport transport = transport_of(conn);
            tls_end(own->tls, &transport);
        }
        tls_free(own->tls);
        free(own);
        conn->sluice_tls = NULL;
    }
    conn->ssl_in_use = false;
    conn->ssl_handshake_started = false;
    /* PQcancelPoll() waits for the server to hang up and takes errno 0 as that. */
    if (over && conn->cancelRequest) {
        SOCK_ERRNO_SET(0);
    }
}

/* ---- What others ask ---- */

char *pgtls_get_peer_certificate_hash(PGconn *conn, size_t *len)
{
    char hash[DIGEST_SIZE_MAX];
    struct str binding = tls_binding(conn->sluice_tls->tls, hash);
    *len = binding.len;
    char *copy = binding.len > 0 ? malloc(binding.len) : NULL;
    if (copy == NULL) {
        libpq_append_conn_error(conn, "TLS: the server's certificate has no hash for "
                                      "channel binding");
        return NULL;
    }
    memcpy(copy, binding.ptr, binding.len);
    return copy;
}

const char *sluice_pg_state(const PGconn *conn)
{
    return conn->last_sqlstate;
}

enum err_kind sluice_pg_tls_failure(const PGconn *conn)
{
    return (enum err_kind)conn->sluice_tls_failure;
}

void *PQgetssl(PGconn *conn)
{
    (void)conn;
    return NULL; /* Only for OpenSSL. */
}

void *PQsslStruct(PGconn *conn, const char *name)
{
    (void)conn;
    (void)name;
    return NULL;
}

const char *const *PQsslAttributeNames(PGconn *conn)
{
    static const char *const names[] = {"library", "cipher", "protocol", NULL};
    (void)conn;
    return names;
}

const char *PQsslAttribute(PGconn *conn, const char *name)
{
    if (strcmp(name, "library") == 0) {
        return "BearSSL";
    }
    if (conn == NULL || conn->sluice_tls == NULL) {
        return NULL;
    }
    if (strcmp(name, "protocol") == 0) {
        return "TLSv1.2";
    }
    return strcmp(name, "cipher") == 0 ? tls_cipher(conn->sluice_tls->tls) : NULL;
}
