/*
 * tls: the one way in which sluice speaks TLS, for HTTP, PostgreSQL and MongoDB alike.
 *
 * The policy is the same everywhere and is not negotiable: TLS 1.2 (BearSSL has nothing newer and
 * we take nothing older), key exchange with forward secrecy, AEAD ciphers. A server must show a
 * chain that leads to one of the given authorities, is valid now and at every step, is signed with
 * SHA-256 or better and keys of at least 2048 bits (RSA), is meant for servers, and carries the
 * name or the address that was asked for. Authorities whose time is over are not believed, and
 * chains with name constraints are refused, because BearSSL would ignore the limit. The random
 * bytes come from the kernel (getrandom), so an empty chroot will do.
 *
 * There is no input or output here: the caller lends a transport, two functions that move bytes
 * without waiting (or waiting as long as they like), and calls
 *
 *     tls_new        a session of about 45 KB
 *     tls_handshake  again and again until TLS_DONE or TLS_BROKEN
 *     tls_read, tls_write, …
 *     tls_end        says good-bye, best effort
 *     tls_free
 *
 * After TLS_BROKEN, tls_why() has the reason in words: which authority is missing, since when the
 * certificate is expired, which names it carries instead, that the server insists on TLS 1.3.
 *
 * curl brings its own session and only lets us check: tls_check_new() and tls_check_install().
 *
 * A session or a check belongs to one thread at a time.
 */
#ifndef SLUICE_CRYPTO_TLS_H
#define SLUICE_CRYPTO_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/tls_trust.h"

enum {
    TLS_HOST_MAX = 253,
    TLS_CHAIN_MAX = 10,               /* Certificates that a server may send. */
    TLS_CHAIN_BYTES_MAX = 128 * 1024, /* All of them together. */
    TLS_WHY_MAX = 400,
};

enum tls_verify {
    TLS_VERIFY_FULL = 0, /* Chain and name: the zero value is the safe one. */
    TLS_VERIFY_CA,       /* Chain only. */
    TLS_VERIFY_NONE,     /* Whoever answers; encryption against listeners, no more. */
};

struct tls_policy {
    enum tls_verify verify;
    struct tls_trust *trust; /* Counted on its own by the session; NULL only with VERIFY_NONE. */
    struct str host;         /* Name or address, as the user wrote it; ASCII. */
    struct str protocol;     /* ALPN; absent for none. */
    struct clock *clock;     /* NULL for the system's. */
};

/* ---- Checking for a session of somebody else ---- */

struct tls_check;

bool tls_check_new(struct tls_check **out, const struct tls_policy *policy, struct err *err);
void tls_check_free(struct tls_check *check); /* NULL is fine. */

/*
 * Make a BearSSL client (`br_ssl_client_context *`, initialised and not yet reset) follow the
 * policy. The check must live until that client's handshake is over.
 */
void tls_check_install(struct tls_check *check, void *client);

/* Was a server's chain judged and found good, since the check was installed? */
bool tls_check_passed(const struct tls_check *check);

/*
 * Why a handshake failed; `code` is BearSSL's, 0 for a connection that ended or when it is not
 * known. What the judgement found counts first.
 */
bool tls_check_why(const struct tls_check *check, int code, struct err *err);

/* ---- A session of our own ---- */

struct tls;

/* What a transport answers, beside a number of bytes. */
enum { TLS_WAIT = 0, TLS_ENDED = -1, TLS_FAILED = -2 };

struct tls_transport {
    void *context;
    ptrdiff_t (*send)(void *context, const void *bytes, size_t len);
    ptrdiff_t (*receive)(void *context, void *bytes, size_t len);
};

enum tls_step {
    TLS_DONE = 0,
    TLS_WANTS_READ,
    TLS_WANTS_WRITE,
    TLS_BROKEN, /* tls_why() knows more. */
    TLS_CUT,    /* The transport failed: its owner knows why. */
};

bool tls_new(struct tls **out, const struct tls_policy *policy, struct err *err);
void tls_free(struct tls *tls); /* NULL is fine. */

enum tls_step tls_handshake(struct tls *tls, const struct tls_transport *transport);

/* Bytes read, TLS_WAIT, TLS_ENDED (orderly or not: see tls_orderly), TLS_FAILED. */
ptrdiff_t tls_read(struct tls *tls, const struct tls_transport *transport, void *bytes, size_t len);

/*
 * Bytes that have left for the kernel, TLS_WAIT or TLS_FAILED. After TLS_WAIT the same bytes must
 * be offered again: some of them are sealed already.
 */
ptrdiff_t tls_write(struct tls *tls, const struct tls_transport *transport, const void *bytes,
                    size_t len);

/* Bytes that tls_read() has without asking the transport. */
size_t tls_pending(struct tls *tls);

/* Did the server say good-bye? A connection that was cut may hide the rest of an answer. */
bool tls_orderly(const struct tls *tls);

/* Good-bye, without waiting for an answer. */
void tls_end(struct tls *tls, const struct tls_transport *transport);

/* Why the session is broken. Always false, as err_set(). */
bool tls_why(const struct tls *tls, struct err *err);

/* The protocol that was agreed on by ALPN; absent for none. */
struct str tls_protocol(const struct tls *tls);

/* "ECDHE-RSA-AES128-GCM-SHA256" and so on. */
const char *tls_cipher(const struct tls *tls);

/*
 * The hash of the server's certificate for channel binding (tls-server-end-point, RFC 5929): absent
 * when its algorithm has none. The view is in `out`.
 */
struct str tls_binding(const struct tls *tls, char out[DIGEST_SIZE_MAX]);

#endif
