#include "crypto/seal.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "crypto/token.h"

enum { MAGIC_SIZE = 12, SALT_SIZE = SEAL_HEAD - MAGIC_SIZE, LENGTH_SIZE = 4 };

#define LAST_BIT 0x80000000U

static const char magic[] = "SLUICESEAL1\n";
_Static_assert(sizeof magic - 1 == MAGIC_SIZE, "the magic's size");

static bool begin(struct seal *seal, struct str secret, seal_put *put, void *context,
                  struct err *err)
{
    *seal = (struct seal){.put = put, .context = context};
    return secret.len >= SEAL_SECRET_MIN ||
           err_set(err, ERR_CONFIG,
                   "the secret has %zu bytes, and at least %d are needed; make one with: "
                   "openssl rand -base64 32",
                   secret.len, SEAL_SECRET_MIN);
}

static void derive(struct seal *seal, struct str secret)
{
    struct str salt = {(const char *)seal->head + MAGIC_SIZE, SALT_SIZE};
    hkdf_derive(secret, salt, STR("sluice session archive v1"), seal->key.bytes, AEAD_KEY_SIZE);
}

/* The place of the piece is its nonce: each key is used for one stream only. */
static void nonce_of(const struct seal *seal, unsigned char nonce[AEAD_NONCE_SIZE])
{
    memset(nonce, 0, AEAD_NONCE_SIZE);
    for (int i = 0; i < 8; i++) {
        nonce[4 + i] = (unsigned char)(seal->number >> (8 * i));
    }
}

/* What is bound to a piece: the head of the stream and the piece's length, with its bit. */
static struct str context_of(const struct seal *seal, const unsigned char length[LENGTH_SIZE],
                             unsigned char room[SEAL_HEAD + LENGTH_SIZE])
{
    memcpy(room, seal->head, SEAL_HEAD);
    memcpy(room + SEAL_HEAD, length, LENGTH_SIZE);
    return (struct str){(const char *)room, SEAL_HEAD + LENGTH_SIZE};
}

static void put_length(unsigned char out[LENGTH_SIZE], uint32_t value)
{
    for (int i = 0; i < LENGTH_SIZE; i++) {
        out[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint32_t get_length(const unsigned char in[LENGTH_SIZE])
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

/* ---- Sealing ---- */

bool seal_begin(struct seal *seal, struct str secret, seal_put *put, void *context, struct err *err)
{
    if (!begin(seal, secret, put, context, err)) {
        return false;
    }
    memcpy(seal->head, magic, MAGIC_SIZE);
    token_random(seal->head + MAGIC_SIZE, SALT_SIZE);
    derive(seal, secret);
    return put(context, (struct str){(const char *)seal->head, SEAL_HEAD}, err);
}

static bool send_piece(struct seal *seal, bool last, struct err *err)
{
    unsigned char nonce[AEAD_NONCE_SIZE];
    unsigned char room[SEAL_HEAD + LENGTH_SIZE];
    unsigned char *length = seal->bytes;
    unsigned char *body = length + LENGTH_SIZE;
    nonce_of(seal, nonce);
    put_length(length, (uint32_t)seal->filled | (last ? LAST_BIT : 0));
    aead_seal_at(&seal->key, nonce, context_of(seal, length, room), body, seal->filled,
                 body + seal->filled);
    size_t size = LENGTH_SIZE + seal->filled + AEAD_TAG_SIZE;
    seal->number++;
    seal->filled = 0;
    return seal->put(seal->context, (struct str){(const char *)seal->bytes, size}, err);
}

bool seal_add(struct seal *seal, struct str bytes, struct err *err)
{
    while (bytes.len > 0) {
        size_t room = SEAL_PIECE - seal->filled;
        size_t take = bytes.len < room ? bytes.len : room;
        memcpy(seal->bytes + LENGTH_SIZE + seal->filled, bytes.ptr, take);
        seal->filled += take;
        bytes = str_slice(bytes, take, bytes.len);
        if (seal->filled == SEAL_PIECE && !send_piece(seal, false, err)) {
            return false;
        }
    }
    return true;
}

bool seal_end(struct seal *seal, struct err *err)
{
    return send_piece(seal, true, err);
}

/* ---- And back ---- */

static bool not_genuine(struct err *err)
{
    return err_set(err, ERR_REJECT,
                   "it is not genuine: it was sealed with another secret, or changed or cut since");
}

bool unseal_begin(struct seal *seal, struct str secret, seal_put *put, void *context,
                  struct err *err)
{
    bool ok = begin(seal, secret, put, context, err);
    seal->secret = secret;
    return ok;
}

static bool open_piece(struct seal *seal, size_t size, struct err *err)
{
    unsigned char nonce[AEAD_NONCE_SIZE];
    unsigned char room[SEAL_HEAD + LENGTH_SIZE];
    unsigned char *body = seal->bytes + LENGTH_SIZE;
    nonce_of(seal, nonce);
    if (!aead_open_at(&seal->key, nonce, context_of(seal, seal->bytes, room), body, size,
                      body + size)) {
        return not_genuine(err);
    }
    seal->last = (get_length(seal->bytes) & LAST_BIT) != 0;
    seal->number++;
    seal->filled = 0;
    return size == 0 || seal->put(seal->context, (struct str){(const char *)body, size}, err);
}

/* Fill up to `want` bytes of what is awaited; the rest stays in `bytes`. */
static bool fill(unsigned char *into, size_t *have, size_t want, struct str *bytes)
{
    size_t take = bytes->len < want - *have ? bytes->len : want - *have;
    if (take > 0) {
        memcpy(into + *have, bytes->ptr, take);
    }
    *have += take;
    *bytes = str_slice(*bytes, take, bytes->len);
    return *have == want;
}

static bool take_head(struct seal *seal, struct err *err)
{
    if (memcmp(seal->head, magic, MAGIC_SIZE) != 0) {
        return err_set(err, ERR_REJECT, "it is no sealed archive of sluice");
    }
    derive(seal, seal->secret);
    seal->headed = true;
    seal->filled = 0;
    return true;
}

bool unseal_add(struct seal *seal, struct str bytes, struct err *err)
{
    while (bytes.len > 0) {
        if (!seal->headed) {
            if (fill(seal->head, &seal->filled, SEAL_HEAD, &bytes) && !take_head(seal, err)) {
                return false;
            }
            continue;
        }
        if (seal->last) {
            return not_genuine(err); /* Something stands behind the end. */
        }
        if (seal->filled < LENGTH_SIZE && !fill(seal->bytes, &seal->filled, LENGTH_SIZE, &bytes)) {
            continue;
        }
        size_t size = get_length(seal->bytes) & ~LAST_BIT;
        if (size > SEAL_PIECE) {
            return not_genuine(err);
        }
        if (fill(seal->bytes, &seal->filled, LENGTH_SIZE + size + AEAD_TAG_SIZE, &bytes) &&
            !open_piece(seal, size, err)) {
            return false;
        }
    }
    return true;
}

bool unseal_end(struct seal *seal, struct err *err)
{
    return (seal->last && seal->filled == 0) || not_genuine(err);
}
