/*
 * keyed: the rows of a table by their key, for sources that are a reference.
 *
 * Rows come in the order of the table. The first row of a key counts; a second one, and a row whose
 * key is none, is refused with its line and the reason (batch_refuse), and the rest goes on.
 */
#ifndef SLUICE_SOURCE_KEYED_H
#define SLUICE_SOURCE_KEYED_H

#include "model/key_form.h"
#include "model/source.h"
#include "source/csv_rows.h"

struct keyed {
    struct batch *batch;
    struct str what; /* "roster.csv": for messages. */
    const struct csv_header *header;
    int key; /* Its column. */
    const struct key_form *form;
    struct snapshot_row *rows;
    size_t count;
    size_t room;
    size_t refused;
    struct csv_ids lines; /* On which a key was met first. */
};

/* `what` must live as long. */
void keyed_begin(struct keyed *keyed, struct batch *batch, struct str what,
                 const struct csv_header *header, int key, const struct key_form *form);
void keyed_end(struct keyed *keyed);

bool keyed_add(struct keyed *keyed, int64_t line, const struct csv_row *row, struct err *err);
void keyed_refuse(struct keyed *keyed, int64_t line, const char *why);

/* The batch's snapshot, under a name. */
bool keyed_give(struct keyed *keyed, struct str name, struct err *err);

#endif
