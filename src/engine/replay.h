/*
 * replay: today's rules over the whole of what happened, put in the place of what was decided.
 *
 * A replay is asked for as a request ("replay", pipeline, options); the conductor makes a run of it
 * and the pipeline's own worker carries it out, because it owns the op, the state and the position:
 *
 *   1. In a shadow, from the pipeline's baseline, all is worked on that it has worked on so far.
 *      What came since it takes up itself afterwards, by the new rules.
 *   2. In ONE change of the store: state and position of the shadow take the place of the
 *      pipeline's; its generation rises; absolute records that say something else than the last one
 *      of their entity are queued, those that wait undelivered are queued anew, and what older
 *      generations had queued goes; questions that today's rules ask otherwise are asked; effects
 *      only where they were asked for by name; the act is audited.
 *
 * Dying anywhere before that commit leaves everything as it was, and the next start does it again.
 * A second replay by the same rules finds no difference.
 */
#ifndef SLUICE_ENGINE_REPLAY_H
#define SLUICE_ENGINE_REPLAY_H

#include "engine/worker.h"

enum { REPLAY_EFFECTS_MAX = 32, REPLAY_DETAIL_MAX = 8 * 1024 };

struct replay_options {
    bool remove; /* Rows that are no longer produced are taken away where the sink can. */
    bool latest; /* References in their newest version. */
    struct str effects[REPLAY_EFFECTS_MAX]; /* Targets whose effects are queued once more. */
    size_t effect_count;
    struct str actor; /* For the audit log. */
};

/* As the detail of a request, and back. */
bool replay_options_write(const struct replay_options *options, struct arena *arena,
                          struct str *detail, struct err *err);
bool replay_options_read(struct str detail, struct arena *arena, struct replay_options *out,
                         struct err *err);

/* A worker of a pipeline: apply the next replay that waits for it, if there is one. */
bool replay_apply_next(struct worker *worker, bool *applied, struct err *err);

#endif
