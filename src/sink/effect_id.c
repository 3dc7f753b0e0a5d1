#include "sink/effect_id.h"

#include <inttypes.h>
#include <stdio.h>

#include "crypto/encode.h"

enum { ID_DIGITS = 32 };

struct str effect_digest(const struct effect *effect, char out[DIGEST_SIZE_MAX])
{
    char text[EFFECT_TEXT_MAX];
    char nth[24];
    struct digest digest;
    struct str origin = effect->origin.len > 0 ? effect->origin : effect_text(effect, text);
    (void)snprintf(nth, sizeof nth, "/%" PRId32, effect->nth);
    digest_init(&digest, DIGEST_SHA256);
    digest_add(&digest, effect->pipeline);
    digest_add(&digest, STR("\n"));
    digest_add(&digest, origin);
    digest_add(&digest, str_of(nth));
    return digest_value(&digest, out);
}

struct str effect_id(const struct effect *effect, char out[EFFECT_ID_MAX])
{
    char value[DIGEST_SIZE_MAX];
    char digits[2 * DIGEST_SIZE_MAX];
    encode_hex_into(effect_digest(effect, value), digits);
    (void)snprintf(out, EFFECT_ID_MAX, "sluice_%.*s", (int)ID_DIGITS, digits);
    return str_of(out);
}
