/*
 * chain_keys: what decides about the keys of a chain's records (model/keys.h).
 *
 * Of each `write` the template `key` and `key_column`; and every step that makes fields and whose
 * options name one that stands in such a template (`normalize` of phone).
 * A step that makes a field without naming it (one of another field, of which the key's field is
 * made further on) is not seen.
 */
#ifndef SLUICE_PIPELINE_CHAIN_KEYS_H
#define SLUICE_PIPELINE_CHAIN_KEYS_H

#include "model/op.h"

void chain_keys(const struct op *op, struct key_parts *out);

#endif
