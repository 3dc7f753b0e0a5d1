/*
 * What SCRAM of mongo-c-driver asks of a crypto library: HMAC and SHA over BearSSL, and chance from
 * the kernel. Takes the place of mongoc-crypto.c and mongoc-rand-*.c.
 */
/* clang-format off */
#include <mongoc/mongoc.h>

#include <mongoc/mongoc-crypto-private.h>
#include <mongoc/mongoc-rand-private.h>
#include <mongoc/mongoc-rand.h>
/* clang-format on */

#include "base/must.h"
#include "crypto/hmac.h"
#include "crypto/token.h"

static enum digest_kind kind_of(const mongoc_crypto_t *crypto)
{
    return crypto->algorithm == MONGOC_CRYPTO_ALGORITHM_SHA_1 ? DIGEST_SHA1 : DIGEST_SHA256;
}

static void hmac(mongoc_crypto_t *crypto, const void *key, int key_len, const unsigned char *data,
                 int data_len, unsigned char *out)
{
    char value[DIGEST_SIZE_MAX];
    must(key_len >= 0 && data_len >= 0);
    struct str made = hmac_of(kind_of(crypto), (struct str){key, (size_t)key_len},
                              (struct str){(const char *)data, (size_t)data_len}, value);
    memcpy(out, made.ptr, made.len);
    token_wipe(value, sizeof value);
}

static bool hash(mongoc_crypto_t *crypto, const unsigned char *data, const size_t len,
                 unsigned char *out)
{
    char value[DIGEST_SIZE_MAX];
    struct str made = digest_of(kind_of(crypto), (struct str){(const char *)data, len}, value);
    memcpy(out, made.ptr, made.len);
    return true;
}

void mongoc_crypto_init(mongoc_crypto_t *crypto, mongoc_crypto_hash_algorithm_t algorithm)
{
    crypto->hmac = hmac;
    crypto->hash = hash;
    crypto->algorithm = algorithm;
}

void mongoc_crypto_hmac(mongoc_crypto_t *crypto, const void *key, int key_len,
                        const unsigned char *data, int data_len, unsigned char *out)
{
    crypto->hmac(crypto, key, key_len, data, data_len, out);
}

bool mongoc_crypto_hash(mongoc_crypto_t *crypto, const unsigned char *data, const size_t len,
                        unsigned char *out)
{
    return crypto->hash(crypto, data, len, out);
}

int _mongoc_rand_bytes(uint8_t *out, int count)
{
    must(count >= 0);
    token_random(out, (size_t)count);
    return 1;
}

void mongoc_rand_seed(const void *bytes, int count)
{
    (void)bytes;
    (void)count;
}

void mongoc_rand_add(const void *bytes, int count, double entropy)
{
    (void)bytes;
    (void)count;
    (void)entropy;
}

int mongoc_rand_status(void)
{
    return 1;
}
