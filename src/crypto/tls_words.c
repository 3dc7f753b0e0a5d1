/* Why a handshake failed, in words that say what to do. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "crypto/tls_check.h"
#include "crypto/tls_der.h"

enum {
    NAMES_SHOWN = 5,
    NAME_SHOWN_MAX = 60,
    ALERT_MAX = 255,
    ALERT_HANDSHAKE = 40,
    ALERT_PROTOCOL_VERSION = 70,
    ALERT_UNRECOGNIZED_NAME = 112,
    ALERT_CERTIFICATE_REQUIRED = 116,
    ALERT_NO_PROTOCOL = 120,
};

/* A name from a stranger's certificate, as far as it is plain. */
static void add_plain(struct buf *buf, struct str name)
{
    for (size_t i = 0; i < name.len && i < NAME_SHOWN_MAX; i++) {
        char letter = name.ptr[i];
        buf_add_byte(buf, letter > ' ' && letter < 0x7F ? letter : '?');
    }
}

static void add_address(struct buf *buf, struct str address)
{
    const unsigned char *at = (const unsigned char *)address.ptr;
    if (address.len == 4) {
        buf_printf(buf, "%u.%u.%u.%u", at[0], at[1], at[2], at[3]);
    } else {
        for (size_t i = 0; i + 1 < address.len && i < 16; i += 2) {
            buf_printf(buf, "%s%x", i > 0 ? ":" : "", (unsigned)at[i] << 8U | at[i + 1]);
        }
    }
}

/* "a.example, *.b.example and 7 more" */
static void add_names(struct buf *buf, const struct tls_der *der)
{
    struct str names = der->names;
    struct str name;
    int tag = 0;
    size_t shown = 0;
    size_t more = 0;
    if (names.ptr == NULL) {
        add_plain(buf, der->common_name);
        return;
    }
    while (tls_der_name(&names, &tag, &name)) {
        if (tag != TLS_DER_DNS && tag != TLS_DER_IP) {
            continue;
        }
        if (shown == NAMES_SHOWN) {
            more++;
            continue;
        }
        buf_add(buf, shown++ > 0 ? STR(", ") : STR(""));
        tag == TLS_DER_DNS ? add_plain(buf, name) : add_address(buf, name);
    }
    if (more > 0) {
        buf_printf(buf, " and %zu more", more);
    }
    if (shown == 0) {
        buf_add(buf, STR("no host at all"));
    }
}

static bool why_name(const struct tls_check *check, struct err *err)
{
    char memory[1024];
    struct arena arena;
    struct buf buf;
    struct tls_der der;
    memory[0] = '\0';
    arena_init(&arena, 16 * (size_t)1024);
    buf_init(&buf, &arena, 0);
    if (tls_der_read(tls_check_certificate(check, 0), &der)) {
        add_names(&buf, &der);
        (void)snprintf(memory, sizeof memory, "%.*s", STR_ARG(buf_str(&buf)));
    }
    arena_free(&arena);
    return err_set(
        err, ERR_CONFIG, "%s answered with a certificate for another host: it is for %.200s%s",
        check->host, memory, check->by_address ? "; use the name instead of the address" : "");
}

static bool why_untrusted(const struct tls_check *check, struct err *err)
{
    if (check->expired != NULL) {
        return err_set(err, ERR_CONFIG,
                       "the certificate of %s was signed by an authority of %.120s whose own "
                       "certificate expired on %s: put the new one there",
                       check->host, tls_trust_name(check->trust), check->expired->last_day);
    }
    struct tls_der der;
    bool alone = check->count == 1 && tls_der_read(tls_check_certificate(check, 0), &der) &&
                 str_equal(der.issuer, der.subject);
    return err_set(err, ERR_CONFIG,
                   "the certificate of %s is %s (%zu authorities of %.120s were tried): if it is "
                   "your own server, name the file of its authority",
                   check->host, alone ? "signed by itself" : "not signed by an authority we know",
                   tls_trust_count(check->trust), tls_trust_name(check->trust));
}

/* Which certificate of the chain is out of its time, and since when. */
static bool why_expired(const struct tls_check *check, struct err *err)
{
    for (size_t i = 0; i < check->count; i++) {
        struct tls_der der;
        int64_t from = 0;
        int64_t to = 0;
        char day[11];
        if (!tls_der_read(tls_check_certificate(check, i), &der) ||
            !tls_der_seconds(der.not_before, &from) || !tls_der_seconds(der.not_after, &to) ||
            (check->now >= from && check->now <= to)) {
            continue;
        }
        bool early = check->now < from;
        tls_der_date(early ? der.not_before : der.not_after, day);
        return err_set(err, ERR_RETRY, "%s certificate of %s %s %s%s",
                       i == 0 ? "the" : "an authority in the", check->host,
                       early ? "is valid only from" : "expired on", day,
                       early ? ": is this machine's clock right?"
                             : ": it must be renewed there (or this machine's clock is wrong)");
    }
    return err_set(err, ERR_RETRY, "a certificate of %s is out of its time", check->host);
}

static bool why_alert(const struct tls_check *check, int alert, struct err *err)
{
    switch (alert) {
    case ALERT_PROTOCOL_VERSION:
        return err_set(err, ERR_CONFIG,
                       "%s insists on TLS 1.3, and sluice speaks TLS 1.2: allow TLS 1.2 there",
                       check->host);
    case ALERT_HANDSHAKE:
        return err_set(
            err, ERR_CONFIG,
            "%s shares no cipher or key type with us: it needs TLS 1.2 (older is not safe) "
            "with ECDHE and AES-GCM or ChaCha20, and an RSA or EC key",
            check->host);
    case ALERT_UNRECOGNIZED_NAME:
        return err_set(err, ERR_CONFIG, "the server does not know the name %s", check->host);
    case ALERT_CERTIFICATE_REQUIRED:
        return err_set(err, ERR_CONFIG,
                       "%s wants a certificate from us; sluice has none (client certificates)",
                       check->host);
    case ALERT_NO_PROTOCOL:
        return err_set(err, ERR_CONFIG, "%s does not speak the protocol that was asked for",
                       check->host);
    default:
        return err_set(err, ERR_RETRY, "%s refused TLS (alert %d)", check->host, alert);
    }
}

static bool why_engine(const struct tls_check *check, int code, struct err *err)
{
    switch (code) {
    case 0:
        return err_set(err, ERR_RETRY, "%s closed the connection during the TLS handshake",
                       check->host);
    case BR_ERR_UNSUPPORTED_VERSION:
        return err_set(
            err, ERR_CONFIG,
            "what answers at %s does not speak TLS (is the port right?), or only versions "
            "older than 1.2, which are not safe",
            check->host);
    case BR_ERR_BAD_VERSION:
    case BR_ERR_UNKNOWN_TYPE:
        return err_set(err, ERR_CONFIG, "what answers at %s does not speak TLS: is the port right?",
                       check->host);
    case BR_ERR_BAD_MAC:
        return err_set(err, ERR_RETRY, "data from %s was damaged or altered on its way",
                       check->host);
    case BR_ERR_BAD_CIPHER_SUITE:
    case BR_ERR_INVALID_ALGORITHM:
        return err_set(err, ERR_CONFIG, "%s chose a cipher or curve that we do not have",
                       check->host);
    case BR_ERR_BAD_SIGNATURE:
        return err_set(err, ERR_RETRY, "%s does not hold the key of its certificate", check->host);
    default:
        return err_set(err, ERR_RETRY, "TLS with %s failed (code %d of BearSSL)", check->host,
                       code);
    }
}

static bool why_problem(const struct tls_check *check, struct err *err)
{
    switch (check->problem) {
    case TLS_PROBLEM_NONE:
    case TLS_PROBLEM_UNREADABLE:
        return err_set(err, ERR_RETRY, "a certificate of %s cannot be read", check->host);
    case TLS_PROBLEM_NAME:
        return why_name(check, err);
    case TLS_PROBLEM_CONSTRAINTS:
        return err_set(err, ERR_CONFIG,
                       "the chain of %s contains name constraints, which cannot be checked here: "
                       "use a certificate of another authority",
                       check->host);
    case TLS_PROBLEM_PURPOSE:
        return err_set(err, ERR_CONFIG, "the certificate of %s is not meant for servers",
                       check->host);
    case TLS_PROBLEM_WEAK_HASH:
        return err_set(err, ERR_CONFIG,
                       "the certificate of %s is signed with SHA-1 or MD5, which can be forged: "
                       "it must be issued anew with SHA-256",
                       check->host);
    case TLS_PROBLEM_TOO_LONG:
        return err_set(err, ERR_CONFIG, "%s sends too many or too large certificates", check->host);
    case TLS_PROBLEM_MEMORY:
        return err_set(err, ERR_RETRY, "out of memory for the certificates of %s", check->host);
    }
    return false;
}

static bool why_chain(const struct tls_check *check, int code, struct err *err)
{
    switch (code) {
    case BR_ERR_X509_NOT_TRUSTED:
        return why_untrusted(check, err);
    case BR_ERR_X509_EXPIRED:
        return why_expired(check, err);
    case BR_ERR_X509_EMPTY_CHAIN:
        return err_set(err, ERR_CONFIG, "%s sent no certificate", check->host);
    case BR_ERR_X509_BAD_SIGNATURE:
        return err_set(err, ERR_CONFIG,
                       "a signature in the chain of %s is wrong: it was not issued by the "
                       "authority that it names",
                       check->host);
    case BR_ERR_X509_DN_MISMATCH:
        return err_set(err, ERR_CONFIG,
                       "the chain of %s is not in order: its own certificate must come first, then "
                       "each issuer",
                       check->host);
    case BR_ERR_X509_WEAK_PUBLIC_KEY:
        return err_set(err, ERR_CONFIG,
                       "a key in the chain of %s is too short (RSA needs 2048 bits)", check->host);
    case BR_ERR_X509_UNSUPPORTED:
    case BR_ERR_X509_WRONG_KEY_TYPE:
        return err_set(err, ERR_CONFIG,
                       "the certificate of %s has a kind of key or signature that is not supported "
                       "(RSA-PSS, Ed25519): use RSA or EC with SHA-256",
                       check->host);
    case BR_ERR_X509_NOT_CA:
    case BR_ERR_X509_FORBIDDEN_KEY_USAGE:
        return err_set(err, ERR_CONFIG,
                       "a certificate in the chain of %s was used for what it is not meant for",
                       check->host);
    case BR_ERR_X509_CRITICAL_EXTENSION:
        return err_set(err, ERR_CONFIG,
                       "a certificate of %s demands something that we do not know (a critical "
                       "extension such as name constraints)",
                       check->host);
    default:
        return err_set(err, ERR_CONFIG, "a certificate of %s cannot be used (code %d of BearSSL)",
                       check->host, code);
    }
}

bool tls_check_why(const struct tls_check *check, int code, struct err *err)
{
    code = check->code != 0 ? (int)check->code : code;
    if (code >= BR_ERR_SEND_FATAL_ALERT) {
        return err_set(err, ERR_RETRY, "TLS with %s failed (our alert %d)", check->host,
                       code - BR_ERR_SEND_FATAL_ALERT);
    }
    if (code >= BR_ERR_RECV_FATAL_ALERT && code <= BR_ERR_RECV_FATAL_ALERT + ALERT_MAX) {
        return why_alert(check, code - BR_ERR_RECV_FATAL_ALERT, err);
    }
    if (check->problem != TLS_PROBLEM_NONE) {
        return why_problem(check, err);
    }
    if (code > BR_ERR_X509_OK && code <= BR_ERR_X509_NOT_TRUSTED) {
        return why_chain(check, code, err);
    }
    return why_engine(check, code, err);
}
