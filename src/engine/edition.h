/*
 * edition: a plan in use, and who still works by it.
 *
 * A reload makes a new edition next to the one before. What did not change is taken over: the new
 * edition points to the old one's instance, which is open and goes on undisturbed, so several
 * editions (and the configurations behind them) may be alive at a time:
 *
 *     edition 1   bridge   drops   records          made at start
 *     edition 2   bridge₁  drops₂  records₁         a project was added: only drops is a new part
 *     edition 3   bridge₁  drops₂  records₁  desk₃  a pipeline was added
 *
 * Each part has a home, the edition whose configuration it came from. An edition holds the homes of
 * its parts, and each worker holds the edition by which it works; what nobody holds any more is
 * given back to whoever made the plan. Here edition 3 holds 1 and 2 for as long as it is in use.
 *
 * Two parts of one name are the same when their kind, their options, their digest (plan.h) and what
 * the engine is told about them are equal; a sink also when the pipelines write the same targets as
 * before. Where a part stands in the files does not matter.
 *
 * Holds are counted under the engine's lock; nothing else of an edition ever changes.
 */
#ifndef SLUICE_ENGINE_EDITION_H
#define SLUICE_ENGINE_EDITION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/plan.h"

/* Whose the memory of a plan is. */
struct plan_owner {
    void *owner;
    void (*release)(void *owner); /* Nobody uses the plan any more; may be NULL. */
};

enum part_kind { PART_SOURCE = 0, PART_PIPELINE, PART_SINK, PART_KINDS };
enum part_fate { PART_SAME = 0, PART_ADDED, PART_CHANGED, PART_REMOVED };

struct edition;

struct edition_part {
    struct str name;
    enum part_fate fate; /* Compared with the edition before. */
    struct edition *home;
};

struct edition {
    struct plan plan; /* What workers go by; its lists are these. */
    struct plan_source *sources;
    struct plan_pipeline *pipelines;
    struct plan_sink *sinks;
    struct arena arena;
    struct plan_owner owner;
    size_t holds;
    struct edition_part *parts[PART_KINDS];
};

/*
 * The edition that follows `before` (NULL: the first), held once. What it takes over of `before` it
 * holds. On failure the plan stays the caller's.
 */
bool edition_new(struct edition **out, struct edition *before, const struct plan *plan,
                 struct plan_owner owner, struct err *err);

size_t edition_count(const struct edition *edition, enum part_kind kind);

/* Where a part stands, or the count when there is none of that name. */
size_t edition_find(const struct edition *edition, enum part_kind kind, struct str name);

void edition_hold(struct edition *edition);
void edition_drop(struct edition *edition); /* NULL is fine. */

/* Give it up before it was used: the plan stays the caller's. */
void edition_discard(struct edition *edition);

#endif
