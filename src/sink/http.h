/*
 * sink http: each record as one signed POST to a URL, a webhook of somebody's own program.
 *
 * The request follows Standard Webhooks, so that any of its libraries can check it:
 *
 *     webhook-id         the same for every attempt, and unlike for every other record
 *     webhook-timestamp  when this attempt was made, in seconds
 *     webhook-signature  "v1," and base64 of HMAC-SHA256 over "id.timestamp.body"
 *     Idempotency-Key    the id once more, for servers that know this header
 *
 * and the body, equal bytes in every attempt:
 *
 *     {"type":"bookings","id":"sluice_…","effect":"dispatch/0/4711/0","entity":"B-17",
 *      "kind":"effect","data":{"set":{…},"insert":{…}}}
 *
 * HTTP has no transactions, so a request may arrive twice (the answer was lost on its way): at
 * least once, and exactly once where the receiver remembers ids. The id is made of what names the
 * cause (pipeline, message, how-manieth), so it survives even a lost store.
 *
 * Answers: 2xx is done. A question's answer is the body, which must be JSON. 429 and 502 to 504
 * mean that the service is not there for now: nothing more is sent, and its Retry-After is kept.
 * Other 5xx, and a connection that was cut after something was sent, are tried again as attempts of
 * their record. 401, 403, 404 and TLS errors need a person: all records wait. Other 4xx refuse the
 * record. Redirects are not followed. Without `secret` requests are not signed.
 */
#ifndef SLUICE_SINK_HTTP_H
#define SLUICE_SINK_HTTP_H

#include "model/sink.h"

extern const struct sink_type sink_http;

#endif
