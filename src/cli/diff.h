/*
 * diff: what would become of rows, for people.
 *
 *     + qa_photo_reviews DR10000001
 *         project: Lawley
 *     ~ qa_photo_reviews DR10000002
 *         ~ comment: done → done again
 *     - qa_photo_reviews DR10000003
 *
 *     1 new, 1 changed, 1 gone, 12 the same
 *
 * Used by whatever shows before it writes: `run --dry-run`, `replay`, `reconcile`. Green, yellow
 * and red on a terminal that wants colours; the signs alone say it without them. Texts of outside
 * are made harmless and fitted; `privacy` says whether people's numbers are masked.
 */
#ifndef SLUICE_CLI_DIFF_H
#define SLUICE_CLI_DIFF_H

#include "cli/show.h"

struct diff {
    struct arena *arena;
    const struct screen *screen;
    struct buf *out;
    enum show_privacy privacy;
    int64_t fresh;
    int64_t changed;
    int64_t gone;
    int64_t same;
};

/* A whole row: where it is (a table) and which one. Its columns follow with the calls below. */
void diff_new(struct diff *diff, struct str where, struct str name);
void diff_changed(struct diff *diff, struct str where, struct str name);
void diff_gone(struct diff *diff, struct str where, struct str name);
void diff_same(struct diff *diff); /* Only counted. */

/* A column of a new or gone row. */
void diff_value(struct diff *diff, struct str column, struct str value);

/* A column of a changed row: old → new. An absent one is shown as "(none)". */
void diff_column(struct diff *diff, struct str column, struct str old, struct str fresh);

/* "1 new, 1 changed, 1 gone, 12 the same", or "nothing would change". */
void diff_sum(struct diff *diff);

#endif
