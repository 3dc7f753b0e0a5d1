/*
 * jsonschema: does a JSON value have the shape that somebody wrote down?
 *
 * The part of JSON Schema (2020-12) that says what a record may hold:
 *
 *     type (one or several)     enum   const
 *     minimum   maximum   exclusiveMinimum   exclusiveMaximum
 *     minLength   maxLength   pattern
 *     items   minItems   maxItems
 *     properties   required   additionalProperties (true, false, or a schema)
 *
 * and $schema, $id, $comment, title, description, default and examples, which check nothing. Any
 * other keyword is a mistake of the schema: a check that is written down and never made is worse
 * than none. Lengths are counted in characters. A pattern may match anywhere, as the standard says.
 *
 * What does not fit is told by its path and the keyword ("phone: pattern"), never by its value: it
 * may be somebody's number.
 *
 * A schema is read once into an arena and then belongs to one thread at a time (its patterns hold
 * the room of their searches); jsonschema_close() before the arena goes.
 */
#ifndef SLUICE_TEXT_JSONSCHEMA_H
#define SLUICE_TEXT_JSONSCHEMA_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/json.h"

enum { JSONSCHEMA_DEPTH_MAX = 32, JSONSCHEMA_PATH_MAX = 200 };

struct jsonschema;

/* ERR_CONFIG names the keyword that is not understood, and where. The text must outlive it. */
bool jsonschema_open(struct jsonschema **schema, struct arena *arena, struct str text,
                     struct err *err);
void jsonschema_close(struct jsonschema *schema); /* NULL is fine. */

/* ERR_REJECT with the path and the keyword of the first thing that does not fit. */
bool jsonschema_check(const struct jsonschema *schema, const struct json_value *value,
                      struct err *err);

/* One property of the top by itself, as far as the schema says anything about it. */
bool jsonschema_check_property(const struct jsonschema *schema, struct str name,
                               const struct json_value *value, struct err *err);

#endif
