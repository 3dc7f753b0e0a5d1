#include "crypto/aead.h"

#include <bearssl_block.h>
#include <string.h>

#include "crypto/token.h"

/* The fastest form that this processor has; each gives the same bytes. */
static void run(const struct aead_key *key, const unsigned char nonce[AEAD_NONCE_SIZE],
                struct str context, void *bytes, size_t size, unsigned char tag[AEAD_TAG_SIZE],
                bool seal)
{
    br_chacha20_run cipher = br_chacha20_sse2_get();
    br_poly1305_run sealer = br_poly1305_ctmulq_get();
    if (cipher == NULL) {
        cipher = br_chacha20_ct_run;
    }
    if (sealer == NULL) {
        sealer = br_poly1305_ctmul_run;
    }
    sealer(key->bytes, nonce, bytes, size, context.ptr, context.len, tag, cipher, seal ? 1 : 0);
}

void aead_seal_at(const struct aead_key *key, const unsigned char nonce[AEAD_NONCE_SIZE],
                  struct str context, void *bytes, size_t size, unsigned char tag[AEAD_TAG_SIZE])
{
    run(key, nonce, context, bytes, size, tag, true);
}

bool aead_open_at(const struct aead_key *key, const unsigned char nonce[AEAD_NONCE_SIZE],
                  struct str context, void *bytes, size_t size,
                  const unsigned char tag[AEAD_TAG_SIZE])
{
    unsigned char right[AEAD_TAG_SIZE];
    run(key, nonce, context, bytes, size, right, false);
    bool genuine = token_equal((struct str){(const char *)right, sizeof right},
                               (struct str){(const char *)tag, AEAD_TAG_SIZE});
    if (!genuine && size > 0) {
        memset(bytes, 0, size);
    }
    return genuine;
}

bool aead_seal(struct arena *arena, const struct aead_key *key, struct str context,
               struct str plain, struct str *sealed, struct err *err)
{
    unsigned char *out = NULL;
    if (plain.len < SIZE_MAX - AEAD_OVERHEAD) {
        out = (unsigned char *)arena_bytes(arena, plain.len + AEAD_OVERHEAD);
    }
    if (out == NULL) {
        return err_set(err, ERR_REJECT, "no memory to seal %zu bytes", plain.len);
    }
    unsigned char *bytes = out + AEAD_NONCE_SIZE;
    token_random(out, AEAD_NONCE_SIZE);
    if (plain.len > 0) {
        memcpy(bytes, plain.ptr, plain.len);
    }
    aead_seal_at(key, out, context, bytes, plain.len, bytes + plain.len);
    *sealed = (struct str){(const char *)out, plain.len + AEAD_OVERHEAD};
    return true;
}

bool aead_open(struct arena *arena, const struct aead_key *key, struct str context,
               struct str sealed, struct str *plain, struct err *err)
{
    if (sealed.len < AEAD_OVERHEAD) {
        return err_set(err, ERR_REJECT, "what is sealed has %zu bytes, at least %d are needed",
                       sealed.len, AEAD_OVERHEAD);
    }
    size_t size = sealed.len - AEAD_OVERHEAD;
    char *bytes = arena_bytes(arena, size + 1);
    if (bytes == NULL) {
        return err_set(err, ERR_REJECT, "no memory to open %zu sealed bytes", sealed.len);
    }
    const unsigned char *nonce = (const unsigned char *)sealed.ptr;
    memcpy(bytes, sealed.ptr + AEAD_NONCE_SIZE, size);
    bytes[size] = '\0';
    if (!aead_open_at(key, nonce, context, bytes, size, nonce + AEAD_NONCE_SIZE + size)) {
        return err_set(err, ERR_REJECT,
                       "what is sealed is not genuine: it was changed, or the "
                       "key or its place is another one");
    }
    *plain = (struct str){bytes, size};
    return true;
}
