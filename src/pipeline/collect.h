/*
 * collect: what came is kept until the bell rings, and then goes on as one.
 *
 *     - kind: collect
 *       key: "{chat}"
 *       line: "{sent|HH:MM} {sender}: {text|line}"
 *     - kind: write
 *       key: "{lines_group}/{now|YYYY-MM-DD}"
 *       set: {digest: "{lines}", messages: "{lines_count}"}
 *       …
 *
 * A message leaves its line with the step and goes no further. A tick (the pipeline's `ticks:`)
 * makes an item of each group that has lines: `lines` holds them, oldest first, one on a line;
 * `lines_count` and `lines_group` say how many and whose. The item's other fields are those of the
 * tick. Then the lines are forgotten. A tick that finds nothing passes nothing on.
 *
 * An edit before the tick replaces its line. One after it puts the new line into the next digest
 * (write `edits: skip` for the pipeline if that is not wanted). A deleted message takes its line
 * along, if the pipeline looks at `deletions`.
 *
 * State: "<name>:l:<group>/<item>" holds a line. At one tick COLLECT_LINES_MAX lines go, those of
 * the first groups; the others go at the next one.
 */
#ifndef SLUICE_PIPELINE_COLLECT_H
#define SLUICE_PIPELINE_COLLECT_H

#include "pipeline/compose.h"

enum { COLLECT_LINES_MAX = 10000, COLLECT_LINE_MAX = 16 * 1024 };

struct collect {
    struct step step; /* First. */

    /* Options. */
    struct str key;
    struct str line;
    struct str as;

    /* Made by prepare. */
    struct compose key_text;
    struct compose line_text;
    size_t field;
    size_t count_field;
    size_t group_field;
};

extern const struct step_type step_collect;

#endif
