/*
 * digest: fingerprints of bytes.
 *
 * SHA-256 is the one to use: it names stored files by their content and chains the audit log.
 * SHA-512 is there for those who ask for it; MD5 and SHA-1 only because services outside do
 * (signed uploads, HTTP digests): they prove nothing against an attacker.
 *
 * The context is the caller's, on the stack or in a struct; nothing is allocated, nothing fails.
 * Asking for the value does not end a digest: more bytes may follow.
 */
#ifndef SLUICE_CRYPTO_DIGEST_H
#define SLUICE_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum digest_kind {
    DIGEST_SHA256 = 0,
    DIGEST_SHA512,
    DIGEST_SHA1,
    DIGEST_MD5,
};

enum {
    DIGEST_SIZE_MAX = 64,
    DIGEST_SHA256_SIZE = 32,
    DIGEST_HEX_MAX = 2 * DIGEST_SIZE_MAX + 1,
    DIGEST_STATE_WORDS = 27, /* Room for the largest context of the library. */
};

struct digest {
    enum digest_kind kind;
    uint64_t state[DIGEST_STATE_WORDS];
};

/* Bytes of a value: 32, 64, 20, 16. */
size_t digest_size(enum digest_kind kind);

void digest_init(struct digest *digest, enum digest_kind kind);
void digest_add(struct digest *digest, struct str bytes);

/* The value of all bytes so far; the view is in `out`. */
struct str digest_value(const struct digest *digest, char out[DIGEST_SIZE_MAX]);

/* All at once. */
struct str digest_of(enum digest_kind kind, struct str bytes, char out[DIGEST_SIZE_MAX]);

/* The same in small hexadecimal letters, with a NUL behind. */
struct str digest_hex(enum digest_kind kind, struct str bytes, char out[DIGEST_HEX_MAX]);

#endif
