/*
 * A reload, from the new plan to the workers.
 *
 * Everything that may fail comes first: the edition, the stores and leases of new workers, a trial
 * of the rules, the threads. Then one stretch under the guard gives each post its errand, and the
 * workers are nudged. A crash at any point means nothing: what is kept in the store is what each
 * worker's own changes keep there, and a restart would read the new configuration as well.
 */
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "engine/internal.h"
#include "engine/keys.h"
#include "store/outbox.h"

enum {
    CLOSING_MS = 5000, /* How long a worker may take to close before its name is free again. */
    TRIAL_ARENA_LIMIT = 64 * 1024 * 1024,
};

static const struct worker_type *type_of(enum part_kind kind)
{
    switch (kind) {
    case PART_SOURCE:
        return &worker_intake;
    case PART_PIPELINE:
        return &worker_pipeline;
    case PART_SINK:
        return &worker_delivery;
    case PART_KINDS:
        break;
    }
    must_failed("a part of no kind", __FILE__, __LINE__);
}

/* The name of the part that a worker is about. It is read from what never changes. */
static struct str part_name(const struct post *post)
{
    const char *name = strchr(post->worker->name, '/');
    return name == NULL ? STR("") : str_of(name + 1);
}

static void set_part(struct worker *worker, const struct edition *edition, enum part_kind kind,
                     size_t at)
{
    worker->plan = &edition->plan;
    worker->source = kind == PART_SOURCE ? &edition->sources[at] : NULL;
    worker->pipeline = kind == PART_PIPELINE ? &edition->pipelines[at] : NULL;
    worker->sink = kind == PART_SINK ? &edition->sinks[at] : NULL;
}

struct post *engine_part_post(struct engine *engine, struct edition *edition, enum part_kind kind,
                              size_t at, struct err *err)
{
    struct str name = edition->parts[kind][at].name;
    struct post *post = engine_post(engine, edition, type_of(kind), kind, name, err);
    if (post != NULL) {
        set_part(post->worker, edition, kind, at);
    }
    return post;
}

/* What the next edition has for this post; the name is that of the part as it was. */
static void take_up(struct worker *worker, const struct post *post, const struct edition *edition,
                    bool turn)
{
    size_t at = 0;
    if (post->kind != PART_KINDS) {
        at = edition_find(edition, post->kind, part_name(post));
        must(at < edition_count(edition, post->kind));
    }
    if (turn) {
        worker_turn(worker);
    }
    set_part(worker, edition, post->kind, at);
    if (worker->type->replan != NULL) {
        worker->type->replan(worker);
    }
    if (worker->failures == 0) {
        worker->wake_ms = worker_mono_ms(worker);
    }
}

/* Asked by the worker's own thread between two steps. */
static bool between(struct worker *worker)
{
    struct post *post = worker->post;
    struct engine *engine = post->engine;
    lock_take(&engine->guard);
    struct edition *next = post->next;
    bool turn = post->turn;
    bool retire = post->retire;
    post->next = NULL;
    post->turn = false;
    post->closing = retire;
    lock_give(&engine->guard);
    if (next != NULL && !retire) {
        take_up(worker, post, next, turn);
    }
    lock_take(&engine->guard);
    if (next != NULL) {
        edition_drop(retire ? next : post->edition);
        post->edition = retire ? post->edition : next;
    }
    lock_give(&engine->guard);
    return !retire;
}

/* Its thread's last act: the worker is closed, its lease is free. */
static void ended(struct worker *worker)
{
    struct post *post = worker->post;
    struct engine *engine = post->engine;
    store_close(worker->store);
    worker->store = NULL;
    log_info("%s: ended, as it is no longer configured", worker->name);
    lock_take(&engine->guard);
    edition_drop(post->edition);
    post->edition = NULL;
    post->gone = true;
    signal_all(&engine->changed);
    lock_give(&engine->guard);
}

void engine_listen(struct worker *worker)
{
    worker->between = between;
    worker->ended = ended;
}

static void free_gone(struct engine *engine)
{
    for (size_t i = 0; i < engine->count; i++) {
        struct post *post = &engine->posts[i];
        lock_take(&engine->guard);
        bool gone = post->gone;
        lock_give(&engine->guard);
        if (gone) {
            engine_post_free(engine, post);
        }
    }
}

static struct post *find_post(struct engine *engine, enum part_kind kind, struct str name)
{
    for (size_t i = 0; i < engine->count; i++) {
        struct post *post = &engine->posts[i];
        if (post->worker != NULL && post->kind == kind && str_equal(part_name(post), name)) {
            return post;
        }
    }
    return NULL;
}

/*
 * A part that was taken away a moment ago and comes back: its worker may not have noticed yet, and
 * is called back before it does. Under the guard.
 */
static void call_back(struct engine *engine, const struct edition *edition)
{
    for (size_t i = 0; i < engine->count; i++) {
        struct post *post = &engine->posts[i];
        bool leaving = post->worker != NULL && post->retire && !post->closing;
        if (leaving && edition_find(edition, post->kind, part_name(post)) <
                           edition_count(edition, post->kind)) {
            post->retire = false;
            post->called_back = true;
        }
    }
}

static void forget_calls(struct engine *engine, bool taken)
{
    lock_take(&engine->guard);
    for (size_t i = 0; i < engine->count; i++) {
        struct post *post = &engine->posts[i];
        post->retire = post->retire || (post->called_back && !taken);
        post->called_back = false;
    }
    lock_give(&engine->guard);
}

/* Whoever is closing has its name and its lease until it has ended. */
static bool await_closing(struct engine *engine, struct err *err)
{
    int64_t until_ms = clock_mono_ms(clock_system()) + CLOSING_MS;
    bool in_time = true;
    lock_take(&engine->guard);
    for (size_t i = 0; i < engine->count; i++) {
        const struct post *post = &engine->posts[i];
        while (post->closing && !post->gone && in_time) {
            in_time = signal_wait(&engine->changed, &engine->guard, until_ms);
        }
    }
    lock_give(&engine->guard);
    free_gone(engine);
    return in_time || err_set(err, ERR_RETRY,
                              "a worker that was taken out of the configuration is still closing; "
                              "try again in a moment");
}

/* Rules are pure: they may be opened on trial, which finds what no table of options can. */
static bool try_rules(const struct edition *edition, struct err *err)
{
    for (size_t i = 0; i < edition->plan.pipeline_count; i++) {
        struct op *op = edition->pipelines[i].op;
        if (edition->parts[PART_PIPELINE][i].fate == PART_SAME || op->type->open == NULL) {
            continue;
        }
        struct arena arena;
        arena_init(&arena, TRIAL_ARENA_LIMIT);
        op->name = edition->pipelines[i].name;
        bool ok = op->type->open(op, &arena, err);
        if (ok && op->type->close != NULL) {
            op->type->close(op);
        }
        arena_free(&arena);
        if (!ok) {
            return err_prefix(err, "pipeline %.*s: ", STR_ARG(op->name));
        }
    }
    return true;
}

/* Workers of the parts that are new, with their leases, before anything is changed. */
struct fresh {
    struct post *posts[ENGINE_WORKERS_MAX];
    size_t count;
};

static void drop_fresh(struct engine *engine, struct fresh *fresh)
{
    for (size_t i = 0; i < fresh->count; i++) {
        engine_post_free(engine, fresh->posts[i]);
    }
    fresh->count = 0;
}

static bool make_fresh(struct engine *engine, struct edition *edition, struct fresh *fresh,
                       struct err *err)
{
    for (int kind = 0; kind < PART_KINDS; kind++) {
        size_t count = edition_count(edition, (enum part_kind)kind);
        for (size_t i = 0; i < count; i++) {
            struct str name = edition->parts[kind][i].name;
            if (find_post(engine, (enum part_kind)kind, name) != NULL) {
                continue;
            }
            struct post *post = engine_part_post(engine, edition, (enum part_kind)kind, i, err);
            if (post == NULL) {
                return false;
            }
            fresh->posts[fresh->count++] = post;
            struct worker *worker = post->worker;
            engine_listen(worker);
            if (!store_lease_take(worker->store, engine->leases, str_of(worker->name),
                                  worker->owner, &worker->lease, err)) {
                return false;
            }
        }
    }
    return true;
}

static bool is_fresh(const struct fresh *fresh, const struct post *post)
{
    for (size_t i = 0; i < fresh->count; i++) {
        if (fresh->posts[i] == post) {
            return true;
        }
    }
    return false;
}

/* Give each post its errand. Under the guard; a worker that has not taken up the last one yet gets
   both in one. */
static void assign(struct engine *engine, struct edition *edition, const struct fresh *fresh)
{
    for (size_t i = 0; i < engine->count; i++) {
        struct post *post = &engine->posts[i];
        if (post->worker == NULL || post->gone || is_fresh(fresh, post)) {
            continue;
        }
        struct edition_part *part = NULL;
        if (post->kind != PART_KINDS) {
            size_t at = edition_find(edition, post->kind, part_name(post));
            bool there = at < edition_count(edition, post->kind);
            part = there ? &edition->parts[post->kind][at] : NULL;
            post->turn = there && (post->turn || part->fate != PART_SAME);
            post->retire = !there;
        }
        edition_drop(post->next);
        post->next = NULL;
        if (!post->retire) {
            post->next = edition;
            edition_hold(edition);
        }
    }
}

static void add_change(struct engine_changes *changes, struct arena *arena, enum part_kind kind,
                       enum part_fate fate, struct str name)
{
    must(changes->count < sizeof changes->items / sizeof changes->items[0]);
    changes->items[changes->count++] = (struct engine_change){kind, fate, arena_copy(arena, name)};
}

static void describe(const struct edition *before, const struct edition *now, struct arena *arena,
                     struct engine_changes *out)
{
    *out = (struct engine_changes){
        .keeping = before->plan.archive_keep_ms != now->plan.archive_keep_ms ||
                   before->plan.archive_keep_bytes != now->plan.archive_keep_bytes ||
                   before->plan.runs_keep_ms != now->plan.runs_keep_ms};
    for (int i = 0; i < PART_KINDS; i++) {
        enum part_kind kind = (enum part_kind)i;
        for (size_t at = 0; at < edition_count(now, kind); at++) {
            const struct edition_part *part = &now->parts[kind][at];
            if (part->fate == PART_SAME) {
                out->same++;
            } else {
                add_change(out, arena, kind, part->fate, part->name);
            }
        }
        for (size_t at = 0; at < edition_count(before, kind); at++) {
            struct str name = before->parts[kind][at].name;
            if (edition_find(now, kind, name) == edition_count(now, kind)) {
                add_change(out, arena, kind, PART_REMOVED, name);
            }
        }
    }
}

/* Records of a sink that is gone wait until it comes back; better said than found out. */
static void tell_waiting(struct engine *engine, const struct engine_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct engine_change *change = &changes->items[i];
        struct err err = {0};
        bool any = false;
        if (change->kind == PART_SINK && change->fate == PART_REMOVED &&
            store_outbox_any(engine->store, change->name, &any, &err) && any) {
            log_warn(
                "sink %.*s was taken out while records wait for it; they stay, and go out when "
                "it is configured again",
                STR_ARG(change->name));
        }
    }
}

/*
 * New workers start, and everybody else is told, in one stretch under the guard: a new thread asks
 * between() first, so it does nothing before all is decided.
 */
static bool start_and_tell(struct engine *engine, struct edition *edition, struct plan_owner owner,
                           struct fresh *fresh, struct err *err)
{
    bool ok = true;
    size_t started = 0;
    lock_take(&engine->guard);
    while (ok && started < fresh->count) {
        ok = runner_add(engine->runner, fresh->posts[started]->worker, err);
        started += ok;
    }
    if (ok) {
        edition->owner = owner;
        assign(engine, edition, fresh);
        edition_drop(engine->edition);
        engine->edition = edition;
    }
    for (size_t i = 0; !ok && i < started; i++) {
        fresh->posts[i]->retire = true; /* It ends without having done anything. */
    }
    lock_give(&engine->guard);
    runner_nudge(engine->runner);
    for (size_t i = started; !ok && i < fresh->count; i++) {
        engine_post_free(engine, fresh->posts[i]);
    }
    return ok;
}

static bool prepare(struct engine *engine, struct edition *edition, struct fresh *fresh,
                    struct err *err)
{
    bool ok = keys_guard(engine->store, &edition->plan, err) && await_closing(engine, err) &&
              try_rules(edition, err) && make_fresh(engine, edition, fresh, err);
    if (!ok) {
        drop_fresh(engine, fresh);
    }
    return ok;
}

static bool reload(struct engine *engine, const struct plan *plan, struct plan_owner owner,
                   struct arena *arena, struct engine_changes *changes, struct err *err)
{
    struct fresh fresh = {0};
    struct edition *edition = NULL;
    lock_take(&engine->guard);
    bool serving = engine->runner != NULL;
    bool ok = serving && !atomic_load(&engine->stop);
    if (ok) {
        ok = edition_new(&edition, engine->edition, plan, (struct plan_owner){0}, err);
    } else {
        (void)err_set(err, ERR_STOP, "there is nothing to reload: it is %s",
                      serving ? "stopping" : "not serving");
    }
    if (ok) {
        call_back(engine, edition);
    }
    lock_give(&engine->guard);
    if (!ok) {
        return false;
    }
    describe(engine->edition, edition, arena, changes);
    ok = prepare(engine, edition, &fresh, err) &&
         start_and_tell(engine, edition, owner, &fresh, err);
    forget_calls(engine, ok);
    if (!ok) {
        lock_take(&engine->guard);
        edition_drop(edition); /* It has no owner: the plan stays the caller's. */
        lock_give(&engine->guard);
        return false;
    }
    tell_waiting(engine, changes);
    return true;
}

bool engine_reload(struct engine *engine, const struct plan *plan, struct plan_owner owner,
                   struct arena *arena, struct engine_changes *changes, struct err *err)
{
    lock_take(&engine->reloading);
    bool ok = reload(engine, plan, owner, arena, changes, err);
    lock_give(&engine->reloading);
    return ok;
}
