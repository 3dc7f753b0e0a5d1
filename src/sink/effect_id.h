/*
 * effect_id: a name for an effect that the world outside may keep.
 *
 * It is made of what names the cause (pipeline, message, how-manieth) and not of where this store
 * happens to keep it, so it is the same for every attempt and survives even a lost store.
 */
#ifndef SLUICE_SINK_EFFECT_ID_H
#define SLUICE_SINK_EFFECT_ID_H

#include "base/str.h"
#include "crypto/digest.h"
#include "model/record.h"

enum { EFFECT_ID_MAX = 64 };

/* SHA-256 of it, in `out`. */
struct str effect_digest(const struct effect *effect, char out[DIGEST_SIZE_MAX]);

/* The beginning of that: "sluice_" and 32 hexadecimal digits; the view is in `out`. */
struct str effect_id(const struct effect *effect, char out[EFFECT_ID_MAX]);

#endif
