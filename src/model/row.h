/*
 * row: what the bodies of records make of a row, on paper.
 *
 * A sink with columns decides inside its target; here the same contract (record.h: set, insert,
 * update, append, inc, push, merge) is worked out over a row that was read back, or over none, so
 * that people see before anything is written what would stand there, and so that cases can say what
 * shall. A value is kept as canonical JSON text.
 *
 * Memory comes from the arena that row_init() is given. Bodies that are no JSON object are
 * ERR_REJECT; groups that are not known are passed over.
 */
#ifndef SLUICE_MODEL_ROW_H
#define SLUICE_MODEL_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "text/json.h"

enum { ROW_FIELDS_MAX = 512 };

struct row_field {
    struct str name;
    struct str value; /* JSON. */
};

struct row {
    struct arena *arena;
    bool there;
    struct row_field *fields; /* In the order in which they came. */
    size_t count;
    size_t room;
};

void row_init(struct row *row, struct arena *arena);

/* The columns of a row that is there, as sink.read_back() gives them; absent for none. */
bool row_read(struct row *row, struct str columns, struct err *err);

/* A record's body reaches the row. */
bool row_apply(struct row *row, struct str body, struct err *err);

/* What a column holds after `more` was added or pushed, into `json`; `held` may be NULL or null. */
bool row_put_sum(struct json_writer *json, const struct json_value *held,
                 const struct json_value *more, struct err *err);
bool row_put_pushed(struct json_writer *json, const struct json_value *held,
                    const struct json_value *more, struct err *err);

/* The value of a column as JSON; absent when the row does not have it. */
struct str row_value(const struct row *row, struct str name);

/* Do two values say the same? Numbers by size, texts by bytes; null equals absent. */
bool row_same(struct arena *arena, struct str a, struct str b);

/* As people read it: a text without its quotes, "" for null; absent for absent. */
struct str row_show(struct arena *arena, struct str value);

#endif
