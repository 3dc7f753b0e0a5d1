/*
 * encode: bytes as text: hexadecimal, base64, base64url (RFC 4648).
 *
 * Reading is strict, so that one value has one text: no white space, no missing or surplus
 * padding, no bits left over. base64 is padded, base64url is not. Hexadecimal is written small and
 * read in both cases. Errors (ERR_REJECT) name the offset and never quote the text, which may be a
 * secret. These are not constant in time: compare secrets as bytes (crypto/token.h).
 */
#ifndef SLUICE_CRYPTO_ENCODE_H
#define SLUICE_CRYPTO_ENCODE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Appended; buf_ok() tells whether there was memory. */
void encode_hex(struct buf *buf, struct str bytes);
void encode_base64(struct buf *buf, struct str bytes);
void encode_base64url(struct buf *buf, struct str bytes);

/* Twice as many letters, without a NUL, where the room is known to be there. */
void encode_hex_into(struct str bytes, char *out);

/* Four letters for each three bytes begun, without a NUL, where the room is known to be there. */
void encode_base64_into(struct str bytes, char *out);

/* Into the arena; empty text gives empty bytes. */
bool encode_from_hex(struct arena *arena, struct str text, struct str *bytes, struct err *err);
bool encode_from_base64(struct arena *arena, struct str text, struct str *bytes, struct err *err);
bool encode_from_base64url(struct arena *arena, struct str text, struct str *bytes,
                           struct err *err);

#endif
