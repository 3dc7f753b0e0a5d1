#include "engine/edition.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "engine/targets.h"

enum { EDITION_ARENA_LIMIT = 8 * 1024 * 1024 };

size_t edition_count(const struct edition *edition, enum part_kind kind)
{
    switch (kind) {
    case PART_SOURCE:
        return edition->plan.source_count;
    case PART_PIPELINE:
        return edition->plan.pipeline_count;
    case PART_SINK:
        return edition->plan.sink_count;
    case PART_KINDS:
        break;
    }
    must_failed("unknown kind of part", __FILE__, __LINE__);
}

size_t edition_find(const struct edition *edition, enum part_kind kind, struct str name)
{
    size_t count = edition_count(edition, kind);
    size_t at = 0;
    while (at < count && !str_equal(edition->parts[kind][at].name, name)) {
        at++;
    }
    return at;
}

static bool same_word(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_columns(const struct column *a, const struct column *b)
{
    for (; a->name != NULL && b->name != NULL; a++, b++) {
        if (!same_word(a->name, b->name) || a->type != b->type || a->required != b->required ||
            !same_word(a->initial, b->initial)) {
            return false;
        }
    }
    return a->name == NULL && b->name == NULL;
}

static bool same_words(const char *const *a, const char *const *b)
{
    size_t at = 0;
    while (a != NULL && b != NULL && a[at] != NULL && b[at] != NULL && same_word(a[at], b[at])) {
        at++;
    }
    return (a == NULL || a[at] == NULL) && (b == NULL || b[at] == NULL);
}

static bool same_target(const struct target *a, const struct target *b)
{
    return a == b || (same_word(a->name, b->name) && same_word(a->key, b->key) &&
                      same_word(a->sink, b->sink) && same_columns(a->columns, b->columns) &&
                      same_words(a->indexes, b->indexes));
}

/* The same ones in any order. Targets of one sink have different names. */
static bool same_targets(const struct target *const *a, const struct target *const *b)
{
    size_t in_a = 0;
    size_t in_b = 0;
    while (b[in_b] != NULL) {
        in_b++;
    }
    for (; a[in_a] != NULL; in_a++) {
        size_t at = 0;
        while (at < in_b && !same_target(a[in_a], b[at])) {
            at++;
        }
        if (at == in_b) {
            return false;
        }
    }
    return in_a == in_b;
}

static bool same_schedule(const struct schedule *a, const struct schedule *b)
{
    const struct cron *one = &a->cron;
    const struct cron *two = &b->cron;
    return a->kind == b->kind && a->misfire == b->misfire && a->overlap == b->overlap &&
           a->every_ms == b->every_ms && a->zone == b->zone && one->minutes == two->minutes &&
           one->hours == two->hours && one->days == two->days && one->months == two->months &&
           one->weekdays == two->weekdays && one->day_last == two->day_last &&
           one->days_any == two->days_any && one->weekdays_any == two->weekdays_any;
}

static bool same_chats(const struct plan_pipeline *a, const struct plan_pipeline *b)
{
    bool same = a->chat_count == b->chat_count;
    for (size_t i = 0; same && i < a->chat_count; i++) {
        same = str_equal(a->chats[i].source, b->chats[i].source) &&
               str_equal(a->chats[i].chat, b->chats[i].chat);
    }
    return same;
}

/* `on_demand` follows from the pipelines: an open source is told of it and stays open. */
static bool same_source(const struct plan_source *a, const struct plan_source *b)
{
    return a->source->type == b->source->type && a->poll_ms == b->poll_ms &&
           a->fetch_ms == b->fetch_ms && str_equal(a->reference, b->reference) &&
           str_equal(a->digest, b->digest) &&
           option_same(a->source->type->connector.options, a->source, b->source);
}

static bool same_pipeline(const struct plan_pipeline *a, const struct plan_pipeline *b)
{
    return a->op->type == b->op->type && a->generation == b->generation && a->quiet == b->quiet &&
           str_equal(a->digest, b->digest) && same_chats(a, b) &&
           same_schedule(&a->schedule, &b->schedule) &&
           option_same(a->op->type->options, a->op, b->op);
}

static bool same_sink(const struct plan_sink *a, const struct plan_sink *b)
{
    return a->sink->type == b->sink->type && a->write_ms == b->write_ms &&
           a->attempts_max == b->attempts_max && str_equal(a->digest, b->digest) &&
           same_targets(a->targets, b->targets) &&
           option_same(a->sink->type->connector.options, a->sink, b->sink);
}

/* Copies of the plan's lists, so that what did not change can be put in. */
static bool copy_plan(struct edition *edition, const struct plan *plan)
{
    struct arena *arena = &edition->arena;
    struct plan_source *sources = arena_array(arena, plan->source_count + 1, sizeof *sources);
    struct plan_pipeline *pipelines =
        arena_array(arena, plan->pipeline_count + 1, sizeof *pipelines);
    struct plan_sink *sinks = arena_array(arena, plan->sink_count + 1, sizeof *sinks);
    if (sources == NULL || pipelines == NULL || sinks == NULL) {
        return false;
    }
    for (size_t i = 0; i < plan->source_count; i++) {
        sources[i] = plan->sources[i];
    }
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        pipelines[i] = plan->pipelines[i];
    }
    for (size_t i = 0; i < plan->sink_count; i++) {
        sinks[i] = plan->sinks[i];
    }
    edition->plan = *plan;
    edition->plan.sources = sources;
    edition->plan.pipelines = pipelines;
    edition->plan.sinks = sinks;
    edition->sources = sources;
    edition->pipelines = pipelines;
    edition->sinks = sinks;
    return true;
}

static struct str name_of(const struct plan *plan, enum part_kind kind, size_t at)
{
    switch (kind) {
    case PART_SOURCE:
        return plan->sources[at].name;
    case PART_PIPELINE:
        return plan->pipelines[at].name;
    case PART_SINK:
        return plan->sinks[at].name;
    case PART_KINDS:
        break;
    }
    must_failed("unknown kind of part", __FILE__, __LINE__);
}

/* Nothing is compared yet: all parts are at home here. */
static bool list_parts(struct edition *edition)
{
    for (int kind = 0; kind < PART_KINDS; kind++) {
        size_t count = edition_count(edition, (enum part_kind)kind);
        struct edition_part *parts = arena_array(&edition->arena, count + 1, sizeof *parts);
        if (parts == NULL) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            parts[i] =
                (struct edition_part){.name = name_of(&edition->plan, (enum part_kind)kind, i),
                                      .fate = PART_ADDED,
                                      .home = edition};
        }
        edition->parts[kind] = parts;
    }
    return true;
}

static void take_over(struct edition_part *part, struct edition *home)
{
    part->fate = PART_SAME;
    part->home = home;
    edition_hold(home);
}

static void compare_sources(struct edition *edition, struct edition *before)
{
    struct plan_source *sources = edition->sources;
    for (size_t i = 0; i < edition->plan.source_count; i++) {
        size_t at = edition_find(before, PART_SOURCE, sources[i].name);
        if (at == before->plan.source_count) {
            continue;
        }
        const struct plan_source *old = &before->plan.sources[at];
        edition->parts[PART_SOURCE][i].fate = PART_CHANGED;
        if (same_source(old, &sources[i])) {
            bool on_demand = sources[i].on_demand;
            take_over(&edition->parts[PART_SOURCE][i], before->parts[PART_SOURCE][at].home);
            sources[i] = *old;
            sources[i].on_demand = on_demand;
        }
    }
}

static void compare_pipelines(struct edition *edition, struct edition *before)
{
    struct plan_pipeline *pipelines = edition->pipelines;
    for (size_t i = 0; i < edition->plan.pipeline_count; i++) {
        size_t at = edition_find(before, PART_PIPELINE, pipelines[i].name);
        if (at == before->plan.pipeline_count) {
            continue;
        }
        const struct plan_pipeline *old = &before->plan.pipelines[at];
        edition->parts[PART_PIPELINE][i].fate = PART_CHANGED;
        if (same_pipeline(old, &pipelines[i])) {
            take_over(&edition->parts[PART_PIPELINE][i], before->parts[PART_PIPELINE][at].home);
            pipelines[i] = *old;
        }
    }
}

/*
 * A sink knows from its opening what is written to it. That list comes from the plan as it was
 * given, in which pipelines agree on the targets that they share, and belongs to the sink's home.
 */
static bool list_targets(struct edition *edition, const struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->sink_count; i++) {
        if (edition->sinks[i].targets == NULL &&
            !targets_of(plan, plan->sinks[i].name, &edition->arena, &edition->sinks[i].targets,
                        err)) {
            return false;
        }
    }
    return true;
}

static void compare_sinks(struct edition *edition, struct edition *before)
{
    struct plan_sink *sinks = edition->sinks;
    for (size_t i = 0; i < edition->plan.sink_count; i++) {
        size_t at = edition_find(before, PART_SINK, sinks[i].name);
        if (at == before->plan.sink_count) {
            continue;
        }
        const struct plan_sink *old = &before->plan.sinks[at];
        edition->parts[PART_SINK][i].fate = PART_CHANGED;
        if (same_sink(old, &sinks[i])) {
            take_over(&edition->parts[PART_SINK][i], before->parts[PART_SINK][at].home);
            sinks[i] = *old;
        }
    }
}

bool edition_new(struct edition **out, struct edition *before, const struct plan *plan,
                 struct plan_owner owner, struct err *err)
{
    struct edition *edition = mem_alloc(sizeof *edition);
    if (edition == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for the plan");
    }
    arena_init(&edition->arena, EDITION_ARENA_LIMIT);
    edition->holds = 1;
    bool ok = (copy_plan(edition, plan) && list_parts(edition)) ||
              err_set(err, ERR_RETRY, "out of memory for the plan");
    ok = ok && list_targets(edition, plan, err);
    if (!ok) {
        edition_discard(edition);
        return false;
    }
    if (before != NULL) {
        compare_sources(edition, before);
        compare_pipelines(edition, before);
        compare_sinks(edition, before);
    }
    edition->owner = owner;
    *out = edition;
    return true;
}

void edition_hold(struct edition *edition)
{
    must(edition->holds > 0);
    edition->holds++;
}

void edition_drop(struct edition *edition)
{
    if (edition == NULL) {
        return;
    }
    must(edition->holds > 0);
    if (--edition->holds > 0) {
        return;
    }
    for (int kind = 0; kind < PART_KINDS; kind++) {
        const struct edition_part *parts = edition->parts[kind];
        size_t count = parts == NULL ? 0 : edition_count(edition, (enum part_kind)kind);
        for (size_t i = 0; i < count; i++) {
            if (parts[i].home != edition) { /* Homes are older ones, and never take over newer. */
                edition_drop(parts[i].home);
            }
        }
    }
    if (edition->owner.release != NULL) {
        edition->owner.release(edition->owner.owner);
    }
    arena_free(&edition->arena);
    mem_free(edition);
}

void edition_discard(struct edition *edition)
{
    must(edition->holds == 1);
    edition->owner = (struct plan_owner){0};
    edition_drop(edition);
}
