/*
 * aead: sealing, so that nobody without the key can read or change (ChaCha20-Poly1305, RFC 8439).
 *
 * What is sealed comes with a context: bytes that are not hidden but bound to it (the name of the
 * file, a version), so that one sealed thing cannot be put in the place of another. A nonce must
 * never be used twice with one key. aead_seal() draws it at random, which is sound for up to 2^32
 * sealings with a key; derive a key for each purpose (crypto/hkdf.h). Whoever counts nonces
 * himself (chunks of a file) uses aead_seal_at().
 *
 * Opening tells only whether it is genuine; no byte of what is not is handed out.
 */
#ifndef SLUICE_CRYPTO_AEAD_H
#define SLUICE_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    AEAD_KEY_SIZE = 32,
    AEAD_NONCE_SIZE = 12,
    AEAD_TAG_SIZE = 16,
    AEAD_OVERHEAD = AEAD_NONCE_SIZE + AEAD_TAG_SIZE,
};

/* Wipe it with token_wipe() when it is done with. */
struct aead_key {
    unsigned char bytes[AEAD_KEY_SIZE];
};

/* Nonce, sealed bytes and tag in one, AEAD_OVERHEAD longer than the plain bytes. */
bool aead_seal(struct arena *arena, const struct aead_key *key, struct str context,
               struct str plain, struct str *sealed, struct err *err);

/* ERR_REJECT when it is not genuine: another key, another context, or changed. */
bool aead_open(struct arena *arena, const struct aead_key *key, struct str context,
               struct str sealed, struct str *plain, struct err *err);

/* In place, with a nonce of the caller's. */
void aead_seal_at(const struct aead_key *key, const unsigned char nonce[AEAD_NONCE_SIZE],
                  struct str context, void *bytes, size_t size, unsigned char tag[AEAD_TAG_SIZE]);

/* False when it is not genuine; the bytes are zeros then. */
bool aead_open_at(const struct aead_key *key, const unsigned char nonce[AEAD_NONCE_SIZE],
                  struct str context, void *bytes, size_t size,
                  const unsigned char tag[AEAD_TAG_SIZE]);

#endif
