/*
 * tls_der: the few things of a certificate that BearSSL does not tell us.
 *
 * BearSSL reads certificates as they stream by and keeps only the key. Names, dates, constraints
 * and the signature's algorithm are read here, out of the certificate's own bytes (DER, X.509v3).
 * The bytes come from strangers: every length is checked, nothing is recursive, nothing is copied.
 * All views point into the certificate.
 */
#ifndef SLUICE_CRYPTO_TLS_DER_H
#define SLUICE_CRYPTO_TLS_DER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "crypto/digest.h"

/* Tags of the two kinds of names that a server's certificate carries. */
enum { TLS_DER_DNS = 0x82, TLS_DER_IP = 0x87 };

struct tls_der {
    struct str issuer; /* With their headers, so that they can be compared as bytes. */
    struct str subject;
    struct str common_name;
    struct str not_before; /* "250101000000Z" or with four digits of the year. */
    struct str not_after;
    struct str names;     /* What is inside subjectAltName; absent when there is none. */
    struct str signature; /* The algorithm's object identifier, and its parameters. */
    struct str parameters;
    bool constraints;   /* It limits the names that it may vouch for. */
    bool other_purpose; /* Its extended key usage leaves out servers. */
};

bool tls_der_read(struct str certificate, struct tls_der *out);

/* The next of `names`: its tag and its bytes. False at the end. */
bool tls_der_name(struct str *names, int *tag, struct str *name);

/* "2025-01-31" into `out`, or "?" for a date that makes no sense. */
void tls_der_date(struct str time, char out[11]);

/* Unix time in seconds; false for a date that makes no sense. */
bool tls_der_seconds(struct str time, int64_t *out);

/* How the certificate was signed. */
enum tls_der_hash {
    TLS_HASH_OTHER = 0,
    TLS_HASH_WEAK,
    TLS_HASH_SHA256,
    TLS_HASH_SHA384,
    TLS_HASH_SHA512
};

enum tls_der_hash tls_der_signed_with(const struct tls_der *certificate);

#endif
