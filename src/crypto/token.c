#include "crypto/token.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/must.h"

void token_random(void *out, size_t size)
{
    char *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        must(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
}

struct str token_make(char out[TOKEN_TEXT_SIZE])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[TOKEN_TEXT_SIZE]; /* One a letter: simpler than packing, as random. */
    token_random(bytes, sizeof bytes);
    for (size_t i = 0; i < TOKEN_TEXT_SIZE - 1; i++) {
        out[i] = letters[bytes[i] & 63U];
    }
    out[TOKEN_TEXT_SIZE - 1] = '\0';
    token_wipe(bytes, sizeof bytes);
    return (struct str){out, TOKEN_TEXT_SIZE - 1};
}

bool token_equal(struct str a, struct str b)
{
    if (a.ptr == NULL || b.ptr == NULL || a.len != b.len) {
        return false;
    }
    volatile unsigned char different = 0;
    for (size_t i = 0; i < a.len; i++) {
        different = (unsigned char)(different | (a.ptr[i] ^ b.ptr[i]));
    }
    return different == 0;
}

void token_wipe(void *memory, size_t size)
{
    explicit_bzero(memory, size);
}
