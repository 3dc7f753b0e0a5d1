#include "crypto/tls.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "crypto/tls_check.h"
#include "crypto/tls_der.h"
#include "crypto/token.h"

struct tls {
    br_ssl_client_context client;
    br_x509_minimal_context
        unused; /* br_ssl_client_init_full() wants one; the check replaces it. */
    struct tls_check *check;
    bool ready;    /* The handshake is over. */
    bool orderly;  /* The server said good-bye. */
    size_t sealed; /* Of the bytes offered to tls_write(): in a record that has not left. */
    unsigned char records[BR_SSL_BUFSIZE_BIDI];
};

bool tls_new(struct tls **out, const struct tls_policy *policy, struct err *err)
{
    struct tls *tls = mem_alloc(sizeof *tls);
    if (tls == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a TLS connection");
    }
    if (!tls_check_new(&tls->check, policy, err)) {
        mem_free(tls);
        return false;
    }
    br_ssl_client_init_full(&tls->client, &tls->unused, NULL, 0);
    br_ssl_engine_set_buffer(&tls->client.eng, tls->records, sizeof tls->records, 1);
    tls_check_install(tls->check, &tls->client);
    bool named = tls->check->host[0] != '\0' && !tls->check->by_address;
    if (br_ssl_client_reset(&tls->client, named ? tls->check->host : NULL, 0) == 0) {
        int code = br_ssl_engine_last_error(&tls->client.eng);
        tls_free(tls);
        return err_set(err, ERR_RETRY, "TLS cannot begin (code %d of BearSSL)", code);
    }
    *out = tls;
    return true;
}

void tls_free(struct tls *tls)
{
    if (tls != NULL) {
        tls_check_free(tls->check);
        token_wipe(tls, sizeof *tls);
        mem_free(tls);
    }
}

static bool closed(const struct tls *tls)
{
    return (br_ssl_engine_current_state(&tls->client.eng) & BR_SSL_CLOSED) != 0;
}

/* Every record that waits, out. TLS_DONE when none is left. */
static enum tls_step flush(struct tls *tls, const struct tls_transport *transport)
{
    size_t len = 0;
    for (;;) {
        unsigned char *records = br_ssl_engine_sendrec_buf(&tls->client.eng, &len);
        if (records == NULL) {
            return TLS_DONE;
        }
        ptrdiff_t sent = transport->send(transport->context, records, len);
        if (sent == TLS_WAIT) {
            return TLS_WANTS_WRITE;
        }
        if (sent < 0) {
            return TLS_CUT;
        }
        must((size_t)sent <= len);
        br_ssl_engine_sendrec_ack(&tls->client.eng, (size_t)sent);
    }
}

/* Bytes of the server into the engine: TLS_DONE for some. */
static enum tls_step fill(struct tls *tls, const struct tls_transport *transport)
{
    size_t len = 0;
    unsigned char *room = br_ssl_engine_recvrec_buf(&tls->client.eng, &len);
    if (room == NULL) {
        return TLS_WANTS_READ;
    }
    ptrdiff_t got = transport->receive(transport->context, room, len);
    if (got == TLS_WAIT) {
        return TLS_WANTS_READ;
    }
    if (got == TLS_ENDED) {
        return TLS_BROKEN;
    }
    if (got < 0) {
        return TLS_CUT;
    }
    must((size_t)got <= len);
    br_ssl_engine_recvrec_ack(&tls->client.eng, (size_t)got);
    return TLS_DONE;
}

enum tls_step tls_handshake(struct tls *tls, const struct tls_transport *transport)
{
    for (;;) {
        enum tls_step step = flush(tls, transport);
        unsigned state = br_ssl_engine_current_state(&tls->client.eng);
        if ((state & BR_SSL_CLOSED) != 0) {
            return TLS_BROKEN;
        }
        if (step != TLS_DONE) {
            return step;
        }
        if ((state & BR_SSL_SENDAPP) != 0) {
            must(tls->check->passed);
            tls->ready = true;
            return TLS_DONE;
        }
        step = fill(tls, transport);
        if (step != TLS_DONE) {
            return step;
        }
    }
}

static ptrdiff_t read_closed(struct tls *tls)
{
    tls->orderly = br_ssl_engine_last_error(&tls->client.eng) == BR_ERR_OK;
    return tls->orderly ? TLS_ENDED : TLS_FAILED;
}

ptrdiff_t tls_read(struct tls *tls, const struct tls_transport *transport, void *bytes, size_t len)
{
    br_ssl_engine_context *engine = &tls->client.eng;
    must(len > 0);
    for (;;) {
        size_t has = 0;
        const unsigned char *plain = br_ssl_engine_recvapp_buf(engine, &has);
        if (plain != NULL) {
            size_t count = has < len ? has : len;
            memcpy(bytes, plain, count);
            br_ssl_engine_recvapp_ack(engine, count);
            return (ptrdiff_t)count;
        }
        if (closed(tls)) {
            return read_closed(tls);
        }
        /* An alert or the rest of our own data may wait: try, but never wait for it here. */
        if (flush(tls, transport) == TLS_CUT) {
            return TLS_FAILED;
        }
        if (closed(tls)) {
            return read_closed(tls);
        }
        enum tls_step step = fill(tls, transport);
        if (step != TLS_DONE) {
            return step == TLS_WANTS_READ ? TLS_WAIT : step == TLS_BROKEN ? TLS_ENDED : TLS_FAILED;
        }
    }
}

ptrdiff_t tls_write(struct tls *tls, const struct tls_transport *transport, const void *bytes,
                    size_t len)
{
    br_ssl_engine_context *engine = &tls->client.eng;
    size_t done = 0;
    for (;;) {
        enum tls_step step = flush(tls, transport);
        if (step == TLS_CUT || closed(tls)) {
            return TLS_FAILED;
        }
        if (step != TLS_DONE) {
            return (ptrdiff_t)done;
        }
        done += tls->sealed;
        tls->sealed = 0;
        size_t room = 0;
        unsigned char *plain = done < len ? br_ssl_engine_sendapp_buf(engine, &room) : NULL;
        if (plain == NULL) {
            return (ptrdiff_t)done;
        }
        size_t count = room < len - done ? room : len - done;
        memcpy(plain, (const char *)bytes + done, count);
        br_ssl_engine_sendapp_ack(engine, count);
        br_ssl_engine_flush(engine, 0);
        tls->sealed = count;
    }
}

size_t tls_pending(struct tls *tls)
{
    size_t len = 0;
    return br_ssl_engine_recvapp_buf(&tls->client.eng, &len) != NULL ? len : 0;
}

bool tls_orderly(const struct tls *tls)
{
    return tls->orderly;
}

void tls_end(struct tls *tls, const struct tls_transport *transport)
{
    if (tls->ready && tls->sealed == 0 && !closed(tls)) {
        br_ssl_engine_close(&tls->client.eng);
        (void)flush(tls, transport);
    }
}

bool tls_why(const struct tls *tls, struct err *err)
{
    int code = br_ssl_engine_last_error(&tls->client.eng);
    if (code == 0 && tls->ready) {
        return err_set(err, ERR_RETRY, "%s closed the connection", tls->check->host);
    }
    return tls_check_why(tls->check, code, err);
}

struct str tls_protocol(const struct tls *tls)
{
    /* BearSSL only reads through this pointer. */
    br_ssl_engine_context *engine =
        (br_ssl_engine_context *)(uintptr_t)(const void *)&tls->client.eng;
    return str_of(br_ssl_engine_get_selected_protocol(engine));
}

const char *tls_cipher(const struct tls *tls)
{
    static const struct {
        unsigned suite;
        const char *name;
    } names[] = {
        {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256"},
        {BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256"},
        {BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384"},
        {BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384"},
        {BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305"},
        {BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305"},
    };
    br_ssl_session_parameters session;
    br_ssl_engine_get_session_parameters(&tls->client.eng, &session);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].suite == session.cipher_suite) {
            return names[i].name;
        }
    }
    return "?";
}

struct str tls_binding(const struct tls *tls, char out[DIGEST_SIZE_MAX])
{
    struct str certificate = tls_check_certificate(tls->check, 0);
    struct tls_der der;
    if (!tls_der_read(certificate, &der)) {
        return (struct str){0};
    }
    switch (tls_der_signed_with(&der)) {
    case TLS_HASH_OTHER:
        return (struct str){0};
    case TLS_HASH_WEAK: /* RFC 5929: SHA-256 stands in for MD5 and SHA-1. */
    case TLS_HASH_SHA256:
        return digest_of(DIGEST_SHA256, certificate, out);
    case TLS_HASH_SHA512:
        return digest_of(DIGEST_SHA512, certificate, out);
    case TLS_HASH_SHA384:
        break;
    }
    br_sha384_context context;
    br_sha384_init(&context);
    br_sha384_update(&context, certificate.ptr, certificate.len);
    br_sha384_out(&context, out);
    return (struct str){out, br_sha384_SIZE};
}
