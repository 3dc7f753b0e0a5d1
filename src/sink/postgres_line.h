/*
 * postgres_line: a record's body as a line of COPY's binary format, in one pass over its text.
 *
 * Bodies that an op writes in one way differ in their values alone. So a shape knows what stands
 * between the values, letter by letter, and what each value must look like for its column: then a
 * body needs no tree of JSON, and a value no text of PostgreSQL's. Numbers, truths, days and times
 * travel as the server keeps them, which spares it the reading as well.
 *
 * What is read here is read exactly as body_read() and postgres_table_value() would, or not at all:
 * another order of names, a blank, a number with an exponent, a time without milliseconds and a
 * zone … are left to them, and so is every refusal. UTF-8 and the insides of JSON values are
 * checked by the server, which gets them whole.
 *
 * The line holds the key and then every field that is not the key: a count (2 bytes), and of each
 * its length (4 bytes, -1 for NULL) and bytes. An item of a binary array is written the same way.
 */
#ifndef SLUICE_SINK_POSTGRES_LINE_H
#define SLUICE_SINK_POSTGRES_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "sink/postgres_table.h"

struct postgres_shape;

enum postgres_line_kind {
    LINE_SLOW = 0, /* Not to be had this way. */
    LINE_TEXT,
    LINE_INT,
    LINE_FLOAT,
    LINE_BOOL,
    LINE_TIME,
    LINE_DATE,
    LINE_JSON,
};

struct postgres_line_field {
    struct str before; /* What stands in front of the value. */
    enum postgres_line_kind kind;
    uint32_t type; /* OID of the column's. */
    size_t bytes;  /* LINE_INT: of the column; LINE_TEXT: at most, 0 for any number. */
    bool is_key;   /* It has to hold the entity, and is not written again. */
};

struct postgres_line {
    struct postgres_line_field key; /* Its text is the entity. */
    struct postgres_line_field *fields;
    size_t count;
    struct str after; /* What stands behind the last value. */
    size_t columns;   /* Of a line. */
};

/* NULL in `*out` where a column's type, or the shape, cannot be written this way. */
bool postgres_line_make(const struct postgres_shape *shape, struct arena *arena,
                        const struct postgres_line **out, struct err *err);

/* Put a line behind those in `lines`. False, and nothing is put there, where it is to be read as
   texts; also without memory, which `lines` remembers. */
bool postgres_line_read(const struct postgres_line *line, struct str entity, struct str body,
                        struct buf *lines);

/* The types of the columns of a line, in its order; `types` has room for all of them. */
void postgres_line_types(const struct postgres_line *line, uint32_t *types);

#endif
