/*
 * body: the column groups of a record's body, as every sink with columns reads them.
 *
 * A body is the JSON object that model/record.h describes: "set", "insert", "update", "append",
 * "inc", "push" and "merge", each an object of columns. body_read() turns it into a flat list of
 * fields in the order of the text. Everything lies in the arena; lists and objects as values are
 * kept as canonical JSON text, and so is whatever is to be pushed: such a field is always
 * BODY_JSON.
 *
 * `shape` is a hash over groups and names, not over values: bodies that an op writes in one way
 * have one shape, and so one prepared statement. Two shapes may collide; compare names as well.
 *
 * Bodies come from our own ops, but also from archives of older versions and from generic rules:
 * nothing here trusts them. What cannot be read is ERR_REJECT with the reason, never with a value;
 * where only the arena is too small, it is ERR_RETRY.
 */
#ifndef SLUICE_SINK_BODY_H
#define SLUICE_SINK_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/record.h"
#include "model/target.h"
#include "text/json.h"

enum {
    BODY_FIELDS_MAX = 128,
    BODY_NAME_SHOWN = 64, /* Bytes of a foreign name that a message shows. */
};

enum body_group {
    BODY_SET = 0,
    BODY_INSERT,
    BODY_UPDATE,
    BODY_APPEND,
    BODY_INC,
    BODY_PUSH,
    BODY_MERGE,
    BODY_GROUPS,
};

/* Sets of groups: which of them reach a new row, and which one that is there. */
enum {
    BODY_ON_NEW =
        1U << BODY_SET | 1U << BODY_INSERT | 1U << BODY_INC | 1U << BODY_PUSH | 1U << BODY_MERGE,
    BODY_ON_OLD = 1U << BODY_SET | 1U << BODY_UPDATE | 1U << BODY_APPEND | 1U << BODY_INC |
                  1U << BODY_PUSH | 1U << BODY_MERGE,
};

enum body_type {
    BODY_NULL = 0,
    BODY_TEXT,
    BODY_INT,
    BODY_DOUBLE,
    BODY_TRUE,
    BODY_FALSE,
    BODY_JSON, /* A list or an object, as text. */
};

struct body_field {
    enum body_group group;
    enum body_type type;
    struct str name;
    const struct column *column; /* Once body_check() has passed. */
    struct str text;             /* BODY_TEXT and BODY_JSON; in BODY_INC the number, too. */
    int64_t integer;
    double real;
};

struct body {
    struct body_field fields[BODY_FIELDS_MAX];
    size_t count;
    uint64_t shape;
};

bool body_read(struct str text, struct arena *arena, struct body *out, struct err *err);

/* May a record of this kind have such a body? Only effects add to what is there. */
bool body_suits_kind(const struct body *body, enum record_kind kind, struct err *err);

/*
 * May the field stand in this column? Numbers are welcome in texts, and the key must be the entity.
 * ERR_REJECT names table, column and type, and never a value.
 */
bool body_suits(const struct target *target, const struct column *column,
                const struct body_field *field, struct str entity, struct err *err);

/*
 * Could the body be applied to some row? By the declaration alone; ERR_REJECT if not: a column that
 * is not declared, that two groups write, or whose value does not suit it. Fields learn their
 * columns here, so that nobody looks for them again.
 */
bool body_check(const struct target *target, struct str entity, struct body *body, struct err *err);

/* The declared column of this name (compared without case), or NULL. */
const struct column *body_column(const struct target *target, struct str name);

/* The field that one of the groups writes into the column, or NULL. */
const struct body_field *body_find(const struct body *body, const char *column, unsigned groups);

/* The value that a new row gets where nothing writes the column; BODY_NULL when it has none. */
bool body_initial(const struct column *column, struct arena *arena, struct body_field *out,
                  struct err *err);

/* As JSON: a number in a text column is its text; 0 and 1 in a column of truths are truths. */
void body_put(struct json_writer *json, enum column_type type, const struct body_field *field);

/* One value by itself, and whether it may stand in the column; for bodies of another form. */
bool body_value(const struct json_value *value, struct str name, struct arena *arena,
                struct body_field *out, struct err *err);
bool body_suits_column(const struct target *target, const struct column *column,
                       const struct body_field *field, struct err *err);

/* "set", "insert", … and "text", "a whole number", … for messages. */
const char *body_group_name(enum body_group group);
const char *body_type_name(enum body_type type);

#endif
