/*
 * targets: what the pipelines of a plan write, and a sink that is asked something by a verb.
 *
 * A sink is told the declared targets when it is opened: by its worker, or, for questions that need
 * no worker (would you take this record? which file is yours?), by targets_lend().
 */
#ifndef SLUICE_ENGINE_TARGETS_H
#define SLUICE_ENGINE_TARGETS_H

#include "base/arena.h"
#include "base/err.h"
#include "model/plan.h"

/* What the sink of this name is for, each target once, ended by NULL; the list lives in `arena`. */
bool targets_of(const struct plan *plan, struct str sink, struct arena *arena,
                const struct target *const **out, struct err *err);

/* Open the sink for its check(), file() and migrate(); there is no `keep`. Everything it is given
   lives in `arena`. targets_return() is due after a success. */
bool targets_lend(const struct plan *plan, const struct plan_sink *sink, struct str data_dir,
                  struct arena *arena, struct err *err);
void targets_return(const struct plan_sink *sink);

#endif
