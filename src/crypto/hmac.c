#include "crypto/hmac.h"

#include <bearssl_hmac.h>

#include "crypto/kinds.h"
#include "crypto/token.h"

struct str hmac_of(enum digest_kind kind, struct str key, struct str message,
                   char out[DIGEST_SIZE_MAX])
{
    br_hmac_key_context keyed;
    br_hmac_context context;
    br_hmac_key_init(&keyed, kinds_class(kind), key.ptr, key.len);
    br_hmac_init(&context, &keyed, 0);
    if (message.len > 0) {
        br_hmac_update(&context, message.ptr, message.len);
    }
    size_t len = br_hmac_out(&context, out);
    token_wipe(&keyed, sizeof keyed);
    token_wipe(&context, sizeof context);
    return (struct str){out, len};
}

bool hmac_check(enum digest_kind kind, struct str key, struct str message, struct str value)
{
    char right[DIGEST_SIZE_MAX];
    return token_equal(hmac_of(kind, key, message, right), value);
}
