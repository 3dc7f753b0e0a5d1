/*
 * token: secrets that nobody can guess, and comparing them without telling.
 *
 * The bytes come from the kernel (getrandom), which works without /dev as well. A kernel that has
 * no randomness stops the process: nothing sound could follow. Any thread may call.
 */
#ifndef SLUICE_CRYPTO_TOKEN_H
#define SLUICE_CRYPTO_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum {
    TOKEN_TEXT_SIZE = 44, /* 43 letters of base64url, that is 258 bits of chance, and a NUL. */
};

void token_random(void *out, size_t size);

/* A new token for sessions, one-time links, webhook paths. */
struct str token_make(char out[TOKEN_TEXT_SIZE]);

/* Takes the same time wherever the two differ; only their lengths show. Absent equals nothing. */
bool token_equal(struct str a, struct str b);

/* Zeros that the compiler may not leave out. */
void token_wipe(void *memory, size_t size);

#endif
