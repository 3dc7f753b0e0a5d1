#include "store/hash.h"

#include <string.h>

#include "crypto/encode.h"

void hash_add_int(struct digest *digest, int64_t value)
{
    char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)((uint64_t)value >> (56 - 8 * i) & 0xff);
    }
    digest_add(digest, (struct str){bytes, sizeof bytes});
}

void hash_add_text(struct digest *digest, struct str text)
{
    hash_add_int(digest, text.ptr != NULL ? (int64_t)text.len : -1);
    if (text.len > 0) {
        digest_add(digest, text);
    }
}

void hash_value(const struct digest *digest, char out[HASH_SIZE])
{
    char room[DIGEST_SIZE_MAX];
    struct str value = digest_value(digest, room);
    memcpy(out, value.ptr, HASH_SIZE);
}

void hash_to_hex(const char hash[HASH_SIZE], char out[HASH_HEX_MAX])
{
    encode_hex_into((struct str){hash, HASH_SIZE}, out);
    out[HASH_HEX_MAX - 1] = '\0';
}

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool hash_from_hex(struct str hex, char out[HASH_SIZE])
{
    if (hex.len != HASH_HEX_MAX - 1) {
        return false;
    }
    for (size_t i = 0; i < HASH_SIZE; i++) {
        int high = digit_of(hex.ptr[2 * i]);
        int low = digit_of(hex.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (char)(high << 4 | low);
    }
    return true;
}
