/*
 * kinds: all that a configuration may name by `kind:`.
 *
 * There is one such list (app/kinds.c). It is handed to whoever needs it, so that neither the
 * configuration nor a verb knows a source, a sink or a domain by name.
 */
#ifndef SLUICE_CONFIG_KINDS_H
#define SLUICE_CONFIG_KINDS_H

#include "model/op.h"
#include "model/sink.h"
#include "model/source.h"
#include "model/step.h"

/* Each ended by NULL. */
struct kinds {
    const struct source_type *const *sources;
    const struct sink_type *const *sinks;
    const struct op_type *const *ops;
    const struct op_type *chain; /* The op of a pipeline with `ops:`; its instance is a chain. */
    const struct step_type *const *steps;    /* What may stand in `ops:`. */
    const struct step_type *const *branches; /* Steps that only stand within others. */
};

#endif
