/*
 * kinds: which class of the library stands behind a kind of digest. Only for the files of crypto,
 * which share it; nobody else sees the library's names.
 */
#ifndef SLUICE_CRYPTO_KINDS_H
#define SLUICE_CRYPTO_KINDS_H

#include "crypto/digest.h"

struct br_hash_class_;

const struct br_hash_class_ *kinds_class(enum digest_kind kind);

#endif
