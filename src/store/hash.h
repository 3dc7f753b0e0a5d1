/*
 * hash: what references, the audit log and blobs share on top of SHA-256.
 *
 * Values are added with their sizes, so that two lists of values never look alike by being cut in
 * different places.
 */
#ifndef SLUICE_STORE_HASH_H
#define SLUICE_STORE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "crypto/digest.h"

enum { HASH_SIZE = DIGEST_SHA256_SIZE, HASH_HEX_MAX = 2 * DIGEST_SHA256_SIZE + 1 };

void hash_add_int(struct digest *digest, int64_t value);
void hash_add_text(struct digest *digest, struct str text); /* Absent is not empty. */

/* The value so far. */
void hash_value(const struct digest *digest, char out[HASH_SIZE]);

/* Small letters, with a NUL. */
void hash_to_hex(const char hash[HASH_SIZE], char out[HASH_HEX_MAX]);

/* False when it is not 64 digits in small letters. */
bool hash_from_hex(struct str hex, char out[HASH_SIZE]);

#endif
