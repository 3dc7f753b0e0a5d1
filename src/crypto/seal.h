/*
 * seal: a stream of bytes, sealed piece by piece, of any length in bounded memory.
 *
 * The key is derived from a secret and a salt that the stream begins with. Each piece is sealed
 * with the number of its place, and the last one says so: a stream that was changed, cut, put
 * together anew or opened with another secret is refused (ERR_REJECT), and no byte of a piece is
 * handed out before it was found genuine. So a reader may have had genuine bytes of a stream that
 * is then found to be cut: keep them only after unseal_end().
 *
 *     "SLUICESEAL1\n", 16 bytes of salt, then pieces: length (4 bytes, highest bit: the last one),
 *     sealed bytes, tag
 */
#ifndef SLUICE_CRYPTO_SEAL_H
#define SLUICE_CRYPTO_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/aead.h"

enum {
    SEAL_PIECE = 64 * 1024,
    SEAL_HEAD = 28,
    SEAL_SECRET_MIN = 16, /* Shorter ones are guessed. */
};

typedef bool seal_put(void *context, struct str bytes, struct err *err);

/* Zeroed; wipe it with token_wipe() when it is done with. */
struct seal {
    struct aead_key key;
    unsigned char head[SEAL_HEAD];
    uint64_t number;   /* Of the next piece. */
    struct str secret; /* Reading: until the salt has come. It outlives the stream. */
    seal_put *put;
    void *context;
    size_t filled;
    bool headed; /* Reading: the head has come, */
    bool last;   /* and the last piece. */
    unsigned char bytes[SEAL_PIECE + 4 + AEAD_TAG_SIZE];
};

/* `put` gets what is to be written; false of it ends all. ERR_CONFIG for a secret that is too
   short. */
bool seal_begin(struct seal *seal, struct str secret, seal_put *put, void *context,
                struct err *err);
bool seal_add(struct seal *seal, struct str bytes, struct err *err);
bool seal_end(struct seal *seal, struct err *err);

/* The other way: sealed bytes go in as they come, `put` gets the plain ones. */
bool unseal_begin(struct seal *seal, struct str secret, seal_put *put, void *context,
                  struct err *err);
bool unseal_add(struct seal *seal, struct str bytes, struct err *err);
bool unseal_end(struct seal *seal, struct err *err); /* Was it whole? */

#endif
