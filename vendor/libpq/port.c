/*
 * What libpq takes from src/port and would take from OpenSSL there: chance from the kernel, a
 * comparison that takes the same time wherever two texts differ, and on glibc two copies of
 * strings. And the environment, which is empty for it: what is not in the configuration does not
 * count.
 */
/* clang-format off */
#include "c.h"
/* clang-format on */

#include "port.h"

#include "crypto/token.h"

/* The recipe renames getenv to this. */
char *sluice_pg_getenv(const char *name)
{
    (void)name;
    return NULL;
}

void pg_strong_random_init(void) {}

bool pg_strong_random(void *out, size_t len)
{
    token_random(out, len);
    return true;
}

int timingsafe_bcmp(const void *a, const void *b, size_t len)
{
    return len == 0 || token_equal((struct str){a, len}, (struct str){b, len}) ? 0 : 1;
}

#if !HAVE_DECL_STRLCPY
size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t len = strlen(from);
    if (size > 0) {
        size_t part = len < size - 1 ? len : size - 1;
        memcpy(to, from, part);
        to[part] = '\0';
    }
    return len;
}

size_t strlcat(char *to, const char *from, size_t size)
{
    size_t len = strnlen(to, size);
    return len + strlcpy(to + len, from, size - len);
}
#endif
