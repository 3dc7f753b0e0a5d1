/*
 * hkdf: one secret made into many keys (HKDF with SHA-256, RFC 5869).
 *
 * The `purpose` names what a key is for ("session archive v1"); keys for different purposes tell
 * nothing about each other. The secret must be hard to guess already: a password is not.
 */
#ifndef SLUICE_CRYPTO_HKDF_H
#define SLUICE_CRYPTO_HKDF_H

#include <stddef.h>

#include "base/str.h"

enum { HKDF_SIZE_MAX = 255 * 32 };

/* `salt` may be absent. */
void hkdf_derive(struct str secret, struct str salt, struct str purpose, void *out, size_t size);

#endif
