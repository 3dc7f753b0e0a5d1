/*
 * rows: what records would make of the rows of their targets, shown before anything is written.
 *
 * Records come in the order of sink, target and entity (store_shadow_rows and its relatives). Those
 * of one row are put together: the row as it is (read back from the sink where it can tell, else
 * what the last record of the entity said), the row as it would be, and the columns in which the
 * two differ. For each sink the first rows are shown and all are counted.
 */
#ifndef SLUICE_CLI_ROWS_H
#define SLUICE_CLI_ROWS_H

#include "cli/diff.h"
#include "cli/show.h"
#include "cli/when.h"
#include "store/shadow.h"

enum { ROWS_LIMIT = 20, ROWS_BATCH = 256 };

struct rows_group;

struct rows {
    const struct plan *plan;
    const struct screen *screen;
    struct clock *clock;
    struct str data_dir;
    struct buf *out;
    struct json_writer *json; /* NULL: for people. */
    struct when_range range;  /* Rows that no record of this time touches are left out. */
    int64_t limit;            /* Rows that are shown for each sink. */
    bool missing;             /* Only rows that the target does not hold; others are the same. */
    bool emitted;             /* Compare with the last record, never with the target. */
    enum show_privacy privacy;

    /* Its own. */
    struct arena names; /* Of the sink at hand. */
    struct arena work;  /* Of a batch. */
    struct arena shown; /* Of a row that is printed. */
    struct rows_group *groups;
    size_t count;
    struct str sink;
    struct diff diff;
    int64_t hidden;
    int64_t sum[4]; /* New, changed, gone, the same: of all sinks. */
    const struct plan_sink *open;
};

void rows_begin(struct rows *rows);

/* A shadow_each: `context` is the rows. */
bool rows_add(void *context, const struct shadow_change *change, struct err *err);

/* The last rows; rows_end() is due also after a failure and then shows nothing. */
bool rows_end(struct rows *rows, bool ok, struct err *err);

/* The value of --limit, or ROWS_LIMIT. CLI_OK, or CLI_USAGE after saying what is wrong. */
int rows_limit(const struct cli *cli, int64_t *limit);

#endif
