/* tls_anchor: what a trust is made of; seen by crypto/tls*.c only, because it shows BearSSL. */
#ifndef SLUICE_CRYPTO_TLS_ANCHOR_H
#define SLUICE_CRYPTO_TLS_ANCHOR_H

#include <bearssl.h>
#include <stdint.h>

#include "crypto/tls_trust.h"

struct tls_anchor_time {
    int64_t from; /* Unix time in seconds; both ends belong to it. */
    int64_t to;
    char last_day[11];
};

/* All anchors of a trust, beside each of them the time for which it is good. */
struct tls_anchors {
    const br_x509_trust_anchor *list;
    const struct tls_anchor_time *times;
    size_t count;
};

const struct tls_anchors *tls_trust_anchors(const struct tls_trust *trust);

#endif
