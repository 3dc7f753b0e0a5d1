/*
 * hmac: proof that bytes come from somebody who knows the key (RFC 2104).
 *
 * For signatures of webhooks and requests. A received signature is checked with hmac_check(),
 * which takes the same time whatever it is, and never with str_equal(). Nothing is allocated.
 */
#ifndef SLUICE_CRYPTO_HMAC_H
#define SLUICE_CRYPTO_HMAC_H

#include <stdbool.h>

#include "base/str.h"
#include "crypto/digest.h"

/* The whole value, as long as the digest's; the view is in `out`. */
struct str hmac_of(enum digest_kind kind, struct str key, struct str message,
                   char out[DIGEST_SIZE_MAX]);

/* Is `value` (bytes, not their text) the right one? A shorter or longer value never is. */
bool hmac_check(enum digest_kind kind, struct str key, struct str message, struct str value);

#endif
