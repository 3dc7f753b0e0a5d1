/*
 * tls_check: the judgement on a server's chain; seen by crypto/tls*.c only.
 *
 * It is an X.509 engine for BearSSL: `vtable` stands first, BearSSL hands it the certificates byte
 * by byte. They are collected and, when all are there, judged by BearSSL's own minimal engine
 * against those authorities that the chain names, and then by us for what that engine does not look
 * at. The chain stays as long as the check, for channel binding and for messages.
 */
#ifndef SLUICE_CRYPTO_TLS_CHECK_H
#define SLUICE_CRYPTO_TLS_CHECK_H

#include <bearssl.h>

#include "crypto/tls.h"
#include "crypto/tls_anchor.h"

enum { TLS_CANDIDATES_MAX = 16 }; /* Authorities of one name, with old and new keys. */

/* What we found wrong, where BearSSL has no code of its own. */
enum tls_problem {
    TLS_PROBLEM_NONE = 0,
    TLS_PROBLEM_NAME,
    TLS_PROBLEM_CONSTRAINTS,
    TLS_PROBLEM_PURPOSE,
    TLS_PROBLEM_WEAK_HASH,
    TLS_PROBLEM_TOO_LONG,
    TLS_PROBLEM_UNREADABLE,
    TLS_PROBLEM_MEMORY, /* Ours: it says nothing about the server. */
};

struct tls_check {
    const br_x509_class *vtable; /* First. */
    br_x509_minimal_context minimal;
    br_x509_decoder_context decoder; /* Without verification: of the server's certificate. */
    enum tls_verify verify;
    struct tls_trust *trust;
    struct clock *clock;
    char host[TLS_HOST_MAX + 1];
    char protocol[32];
    const char *protocols[1];
    bool by_address; /* The host is an address, not a name. */
    bool passed;

    int64_t now;                                   /* Unix time in seconds, when the chain came. */
    br_x509_trust_anchor good[TLS_CANDIDATES_MAX]; /* Named in the chain, and it is their time. */
    size_t good_count;
    const struct tls_anchor_time *expired; /* Named in the chain, and its time is over. */

    char *chain; /* The certificates one behind the other, `ends` says where each ends. */
    size_t chain_len;
    size_t chain_room;
    size_t ends[TLS_CHAIN_MAX];
    size_t count;
    enum tls_problem problem;
    unsigned code; /* BearSSL's, of the judgement; 0 for none. */
};

/* The n-th certificate; 0 is the server's own. */
struct str tls_check_certificate(const struct tls_check *check, size_t nth);

/* Does the certificate carry the name or the address? */
struct tls_der;
bool tls_name_matches(const struct tls_der *certificate, struct str host);

/* "192.0.2.1" or "2001:db8::1" as 4 or 16 bytes; the number of them, 0 for a name. */
size_t tls_name_address(struct str host, unsigned char out[16]);

#endif
