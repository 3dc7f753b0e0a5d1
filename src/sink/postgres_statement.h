/*
 * postgres_statement: a statement of the user's own, with named parameters.
 *
 *     statements:
 *       close: "UPDATE jobs SET done = true, note = :note WHERE number = :entity"
 *       claim: "UPDATE slots SET taken_by = :who WHERE id = (SELECT …) RETURNING id, starts"
 *
 * A record whose target is `close` runs that statement. `:entity` is the record's key; every other
 * name is looked up among the columns of the record's body, whatever their group. Values are bound,
 * never written into the text; their type is what PostgreSQL makes of the place, `:day::date` says
 * it. Within quotes, comments and dollar quotes nothing is a parameter, and neither is a cast.
 *
 * An effect runs it once, an absolute record when it is newer than what its entity had; for a
 * question, the first row comes back as a JSON object, null when there is none.
 */
#ifndef SLUICE_SINK_POSTGRES_STATEMENT_H
#define SLUICE_SINK_POSTGRES_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/postgres.h"
#include "model/option.h"
#include "model/sink.h"

enum { STATEMENT_PARAMETERS_MAX = 128, STATEMENTS_MAX = 64 };

struct postgres_statement {
    struct str name;
    const char *sql; /* With $1, $2 … */
    struct str parameters[STATEMENT_PARAMETERS_MAX];
    size_t count;
};

/* ERR_CONFIG for a text that cannot be understood. */
bool postgres_statement_make(const struct str_pair *pair, struct arena *arena,
                             struct postgres_statement *out, struct err *err);

/* Its values from a record, in their order. ERR_REJECT names what the record does not have. */
bool postgres_statement_values(const struct postgres_statement *statement,
                               const struct parcel *parcel, struct arena *arena, struct str *values,
                               struct err *err);

/* Run it inside the caller's transaction. `answer` may be NULL. */
bool postgres_statement_run(const struct postgres_statement *statement, struct postgres *db,
                            const struct str *values, int64_t deadline_ms, struct arena *arena,
                            struct str *answer, struct err *err);

#endif
