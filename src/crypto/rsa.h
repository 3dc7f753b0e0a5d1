/*
 * rsa: signing with an RSA key of ours, as services want it that know us by a key (RS256 of JWT).
 *
 * A key is read from PEM text ("PRIVATE KEY", which is PKCS#8, or the older "RSA PRIVATE KEY"), and
 * lies in memory of its own that is wiped when it is closed. Keys of 2048 to 4096 bits are taken.
 * One that is locked with a password is not, and said to be so. Errors never quote the text.
 *
 * Signatures are PKCS#1 v1.5 over SHA-256. They are computed in constant time, and the same bytes
 * have the same signature. A key may be used by one thread at a time.
 */
#ifndef SLUICE_CRYPTO_RSA_H
#define SLUICE_CRYPTO_RSA_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 4096,
    RSA_SIGNATURE_MAX = RSA_BITS_MAX / 8,
    RSA_PEM_MAX = 16 * 1024,
};

struct rsa;

/* ERR_CONFIG says what is wrong with the text. */
bool rsa_open(struct rsa **out, struct str pem, struct err *err);
void rsa_close(struct rsa *rsa); /* NULL is fine. */

/* The view is in `out`. ERR_CONFIG when the parts of the key do not belong together. */
bool rsa_sign_sha256(const struct rsa *rsa, struct str bytes, char out[RSA_SIGNATURE_MAX],
                     struct str *signature, struct err *err);

#endif
