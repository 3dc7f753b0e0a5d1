/*
 * envelope: a record as one JSON text, for those outside who take records one by one.
 *
 *     {"type":"bookings","id":"sluice_…","effect":"dispatch/0/4711/0","entity":"B-17",
 *      "kind":"effect","data":{"set":{…},"insert":{…}}}
 *
 * The bytes are equal in every attempt. `id` is the same for every attempt and unlike for every
 * other record (effect_id.h). Of a question `data` is what is asked.
 */
#ifndef SLUICE_SINK_ENVELOPE_H
#define SLUICE_SINK_ENVELOPE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/sink.h"

/* ERR_REJECT: the body is no JSON that fits. */
bool envelope_of(const struct parcel *parcel, struct str id, struct arena *arena, struct str *out,
                 struct err *err);

#endif
