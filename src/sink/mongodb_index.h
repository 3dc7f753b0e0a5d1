/*
 * mongodb_index: the indexes that collections shall have, and whether they are there.
 *
 * Each collection needs a unique index on its key: what tells that a guard has refused (see
 * mongodb_statement.h) is that index's "duplicate key". The target may name columns to index, and
 * the option `indexes` says more:
 *
 *     indexes:
 *       students: "phone (unique), city -created_at, seen_at (expires 30d), email (unique sparse)"
 *
 * several indexes with commas between them; in each the fields in their order, "-" in front of one
 * that descends; in parentheses `unique`, `sparse`, and `expires` with a duration, after which the
 * server takes documents away by that date.
 *
 * Only mongodb_index_migrate() makes indexes, when a person asks for it: on a large collection that
 * takes long, and on one with duplicates it fails.
 */
#ifndef SLUICE_SINK_MONGODB_INDEX_H
#define SLUICE_SINK_MONGODB_INDEX_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "db/mongo.h"
#include "model/option.h"
#include "model/target.h"

enum { MONGODB_INDEX_FIELDS_MAX = 16, MONGODB_INDEXES_MAX = 32 };

struct mongodb_index {
    struct {
        struct str name;
        bool down;
    } fields[MONGODB_INDEX_FIELDS_MAX];
    size_t count;
    bool unique;
    bool sparse;
    bool expires;
    int64_t expire_s;
};

struct mongodb_indexes {
    struct mongodb_index items[MONGODB_INDEXES_MAX];
    size_t count;
};

/* Read the text of the option; ERR_CONFIG says what is not understood. Views point into `text`. */
bool mongodb_index_read(struct str text, struct mongodb_indexes *out, struct err *err);

/* All that a collection shall have; the unique one on its key stands first. */
bool mongodb_index_list(const struct target *target, const struct str_map *more,
                        struct mongodb_indexes *out, struct err *err);

/* Does the collection have what writing needs, a unique index on its key? */
bool mongodb_index_ready(struct mongo *db, const struct target *target, struct arena *arena,
                         int64_t deadline_ms, bool *ready, struct err *err);

/* Make what is missing; each index that is made is a line of `report`. */
bool mongodb_index_migrate(struct mongo *db, const struct target *target,
                           const struct str_map *more, bool dry, struct arena *arena,
                           int64_t deadline_ms, struct buf *report, struct err *err);

#endif
