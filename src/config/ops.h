/*
 * ops: the steps of a pipeline that is built in the configuration.
 *
 *     ops:
 *       - kind: filter            a kind of step, with its options beside it
 *         words: [דליפה]
 *         name: leaks             every step may have a name: what it remembers lies under it
 *         otherwise: [...]        and one that leaves items out: what becomes of them
 *
 * Reading is in two turns. config_ops_read() fills the options of a list of steps, and of those
 * within them, as it meets them. config_ops_prepare() then lets the whole chain resolve its fields,
 * templates, columns and references (model/step.h), and turns the spots of its complaints into
 * places of the file: the option, the entry, the very character.
 */
#ifndef SLUICE_CONFIG_OPS_H
#define SLUICE_CONFIG_OPS_H

#include <stdbool.h>

#include "config/reader.h"
#include "model/option.h"
#include "model/plan.h"
#include "model/step.h"

/* `option` may name the only kind of step that stands in the list; it is then not written. */
bool config_ops_read(struct reader *reader, const struct yaml_node *node,
                     const struct option *option, struct step_list *out);

/* "name" and "otherwise": what every step can be told besides its own options. */
const struct option *config_step_options(void);

/* `map` is the pipeline's. `plan` has the sources already. */
bool config_ops_prepare(struct reader *reader, const struct yaml_node *map, const struct plan *plan,
                        struct step_targets *targets, struct chain *chain);

#endif
