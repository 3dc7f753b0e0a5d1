#include "crypto/hkdf.h"

#include <bearssl_hash.h>
#include <bearssl_kdf.h>

#include "base/must.h"
#include "crypto/token.h"

void hkdf_derive(struct str secret, struct str salt, struct str purpose, void *out, size_t size)
{
    must(size <= HKDF_SIZE_MAX);
    br_hkdf_context context;
    const void *salt_bytes = salt.ptr != NULL ? (const void *)salt.ptr : BR_HKDF_NO_SALT;
    br_hkdf_init(&context, &br_sha256_vtable, salt_bytes, salt.len);
    br_hkdf_inject(&context, secret.ptr, secret.len);
    br_hkdf_flip(&context);
    size_t made = br_hkdf_produce(&context, purpose.ptr, purpose.len, out, size);
    must(made == size);
    token_wipe(&context, sizeof context);
}
