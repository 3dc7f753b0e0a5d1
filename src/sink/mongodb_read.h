/*
 * mongodb_read: documents as rows, for those who compare what is there with what shall be.
 *
 * A row is a JSON object of the target's declared columns in their order, as every sink gives it:
 * dates as ISO 8601 in UTC, what a document lacks as null. What a field holds against its
 * declaration is given as what it is. Fields that are not declared, `_id` and `_sluice` stay out.
 */
#ifndef SLUICE_SINK_MONGODB_READ_H
#define SLUICE_SINK_MONGODB_READ_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "db/mongo.h"
#include "model/sink.h"
#include "model/target.h"

/* A document as mongo_next() gives it, as a row; `entity` is what its key holds. */
bool mongodb_row_make(const struct target *target, const struct json_value *document,
                      struct arena *arena, struct str *entity, struct str *body, struct err *err);

/* The rows of one target that are asked for; those that are not there get no body. */
bool mongodb_read_rows(struct mongo *db, const struct target *target, struct held *rows,
                       size_t count, struct arena *arena, int64_t deadline_ms, struct err *err);

/* Every document of the collection whose key is a text. */
bool mongodb_read_each(struct mongo *db, const struct target *target, struct arena *arena,
                       int64_t deadline_ms, sink_row *each, void *context, struct err *err);

#endif
