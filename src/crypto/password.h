/*
 * password: keeping passwords so that a stolen file does not give them away.
 *
 * New hashes are bcrypt of a base64 SHA-256 of the password, because bcrypt alone ignores what
 * comes after 72 bytes and stops at a NUL. They read "bcrypt-sha256:$2b$12$…". Plain bcrypt hashes
 * from elsewhere ($2a$, $2b$, $2y$) verify as they are, and ask to be made anew.
 *
 * Hashing takes about a quarter of a second of CPU on purpose: do it where others need not wait,
 * and throttle who may ask. Any thread may call; 32 KiB of stack are used on some systems.
 */
#ifndef SLUICE_CRYPTO_PASSWORD_H
#define SLUICE_CRYPTO_PASSWORD_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum {
    PASSWORD_LETTERS_MIN = 8,
    PASSWORD_LETTERS_MAX = 128,
    PASSWORD_BYTES_MAX = 4 * PASSWORD_LETTERS_MAX,
    PASSWORD_COST = 12,     /* Of new hashes; each step up doubles the work. */
    PASSWORD_COST_MAX = 15, /* Of hashes that are verified: one of 31 would take days. */
    PASSWORD_HASH_SIZE = 96,
};

/* May it be used? Its length, and that it is not one that everybody tries first. */
bool password_check(struct str password, struct err *err);

/* The hash with its NUL in `out`. The password passed password_check(). */
bool password_hash(struct str password, char out[PASSWORD_HASH_SIZE], struct err *err);

/*
 * Is it the one? Without a hash (absent: there is no such user) the same work is done and the
 * answer is no, so that the time does not tell who exists. `*renew` (may be NULL) becomes true
 * when it is right and its hash should be made anew.
 */
bool password_verify(struct str password, struct str hash, bool *renew);

/* Is it a hash that can be verified here? For importing users. */
bool password_hash_valid(struct str hash);

#endif
