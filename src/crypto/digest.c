#include "crypto/digest.h"

#include <bearssl_hash.h>

#include "base/must.h"
#include "crypto/encode.h"
#include "crypto/kinds.h"

_Static_assert(sizeof(br_sha512_context) <= DIGEST_STATE_WORDS * sizeof(uint64_t), "SHA-512");
_Static_assert(sizeof(br_sha256_context) <= DIGEST_STATE_WORDS * sizeof(uint64_t), "SHA-256");
_Static_assert(sizeof(br_sha1_context) <= DIGEST_STATE_WORDS * sizeof(uint64_t), "SHA-1");
_Static_assert(sizeof(br_md5_context) <= DIGEST_STATE_WORDS * sizeof(uint64_t), "MD5");

const struct br_hash_class_ *kinds_class(enum digest_kind kind)
{
    switch (kind) {
    case DIGEST_SHA256:
        return &br_sha256_vtable;
    case DIGEST_SHA512:
        return &br_sha512_vtable;
    case DIGEST_SHA1:
        return &br_sha1_vtable;
    case DIGEST_MD5:
        return &br_md5_vtable;
    }
    must_failed("unknown digest_kind", __FILE__, __LINE__);
}

size_t digest_size(enum digest_kind kind)
{
    return kinds_class(kind)->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
}

/* Every context of the library begins with the pointer to its class. */
static const br_hash_class **context_of(struct digest *digest)
{
    return (const br_hash_class **)(void *)digest->state;
}

void digest_init(struct digest *digest, enum digest_kind kind)
{
    digest->kind = kind;
    kinds_class(kind)->init(context_of(digest));
}

void digest_add(struct digest *digest, struct str bytes)
{
    if (bytes.len > 0) {
        kinds_class(digest->kind)->update(context_of(digest), bytes.ptr, bytes.len);
    }
}

struct str digest_value(const struct digest *digest, char out[DIGEST_SIZE_MAX])
{
    struct digest copy = *digest;
    const br_hash_class **context = context_of(&copy);
    (*context)->out((const br_hash_class *const *)context, out);
    return (struct str){out, digest_size(digest->kind)};
}

struct str digest_of(enum digest_kind kind, struct str bytes, char out[DIGEST_SIZE_MAX])
{
    struct digest digest;
    digest_init(&digest, kind);
    digest_add(&digest, bytes);
    return digest_value(&digest, out);
}

struct str digest_hex(enum digest_kind kind, struct str bytes, char out[DIGEST_HEX_MAX])
{
    char value[DIGEST_SIZE_MAX];
    struct str text = digest_of(kind, bytes, value);
    encode_hex_into(text, out);
    out[2 * text.len] = '\0';
    return (struct str){out, 2 * text.len};
}
