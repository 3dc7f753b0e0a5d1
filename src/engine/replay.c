#include "engine/replay.h"

#include "base/log.h"
#include "engine/shadow.h"
#include "store/archive.h"
#include "store/audit.h"
#include "store/outbox.h"
#include "store/replay.h"
#include "store/run.h"
#include "store/shadow.h"
#include "text/json.h"

bool replay_options_write(const struct replay_options *options, struct arena *arena,
                          struct str *detail, struct err *err)
{
    struct buf text;
    struct json_writer json;
    buf_init(&text, arena, 256);
    json_writer_init(&json, &text);
    json_object_begin(&json);
    json_field_bool(&json, STR("delete"), options->remove);
    json_field_bool(&json, STR("latest"), options->latest);
    json_key(&json, STR("effects"));
    json_array_begin(&json);
    for (size_t i = 0; i < options->effect_count; i++) {
        json_put_str(&json, options->effects[i]);
    }
    json_array_end(&json);
    json_field_str(&json, STR("actor"), options->actor);
    json_object_end(&json);
    json_writer_done(&json);
    *detail = buf_str(&text);
    return detail->ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

bool replay_options_read(struct str detail, struct arena *arena, struct replay_options *out,
                         struct err *err)
{
    const struct json_value *root = NULL;
    *out = (struct replay_options){0};
    if (!json_parse(arena, detail, NULL, &root, err)) {
        return err_prefix(err, "replay: ");
    }
    (void)json_bool(json_get(root, STR("delete")), &out->remove);
    (void)json_bool(json_get(root, STR("latest")), &out->latest);
    out->actor = json_str(json_get(root, STR("actor")));
    const struct json_value *effects = json_get(root, STR("effects"));
    if (json_count(effects) > REPLAY_EFFECTS_MAX) {
        return err_set(err, ERR_REJECT, "replay: more than %d names of effects",
                       REPLAY_EFFECTS_MAX);
    }
    for (size_t i = 0; i < json_count(effects); i++) {
        out->effects[out->effect_count++] = json_str(json_at(effects, i));
    }
    return true;
}

/* What the callbacks of one replay share. */
struct swap {
    struct worker *worker;
    const struct replay_options *options;
    int64_t generation; /* The new one, as effects have it. */
    int64_t position;   /* How far it came. */
    int64_t queued;
    int64_t gone;
    int64_t removed;
};

static bool queue(struct swap *swap, const struct shadow_change *change, struct err *err)
{
    struct record record = {
        .kind = change->kind,
        .receipt = change->receipt,
        .removed = change->gone,
        .sink = change->sink,
        .target = change->target,
        .entity = change->entity,
        .body = change->body,
    };
    struct effect effect = {
        .pipeline = swap->worker->pipeline->name,
        .generation = swap->generation,
        .message = change->message,
        .nth = change->nth,
        .origin = change->origin,
    };
    bool queued = false;
    if (!store_outbox_put(swap->worker->store, &effect, change->partition, &record, &queued, err)) {
        return false;
    }
    swap->queued += queued;
    return true;
}

/* Equal and delivered: nothing to send. Equal and on its way: it must go on its way again. */
static bool take_absolute(void *context, const struct shadow_change *change, struct err *err)
{
    struct swap *swap = context;
    if (!change->equal || change->waiting) {
        return queue(swap, change, err);
    }
    return store_replay_keep(swap->worker->store, swap->worker->pipeline->name, change->sink,
                             change->target, change->entity, swap->generation, err);
}

static bool can_remove(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->sink_count; i++) {
        if (str_equal(plan->sinks[i].name, name)) {
            return plan->sinks[i].sink->type->removes;
        }
    }
    return false;
}

/* The removal comes behind everything that the replay says, so it has the last message's place. */
static bool take_gone(void *context, const struct shadow_change *change, struct err *err)
{
    struct swap *swap = context;
    struct worker *worker = swap->worker;
    swap->gone++;
    if (!store_replay_forget(worker->store, worker->pipeline->name, change->sink, change->target,
                             change->entity, err)) {
        return false;
    }
    if (!swap->options->remove || !can_remove(worker->plan, change->sink)) {
        return true;
    }
    struct shadow_change removal = *change;
    removal.message = swap->position;
    removal.nth = (int32_t)(RECORDS_PER_MESSAGE_MAX + swap->removed++);
    return queue(swap, &removal, err);
}

/* The question was answered, and the pipeline has not come to the answer yet. */
static bool is_answered(const struct swap *swap, const struct shadow_change *change, bool *is,
                        struct err *err)
{
    struct worker *worker = swap->worker;
    struct message answer = {0};
    const struct json_value *extra = NULL;
    char words[RECORD_WORDS_SIZE];
    char id[EFFECT_TEXT_MAX];
    struct effect effect = {
        .pipeline = worker->pipeline->name,
        .generation = change->generation,
        .message = change->message,
        .nth = change->nth,
    };
    struct arena_mark mark = arena_mark(&worker->arena);
    struct str source = arena_printf(&worker->arena, "answers/%.*s", STR_ARG(change->sink));
    bool ok = source.ptr != NULL || err_set(err, ERR_RETRY, "out of step memory");
    ok = ok && store_archive_find(worker->store, &worker->arena, source, worker->pipeline->name,
                                  effect_text(&effect, id), &answer, err);
    *is = ok && answer.id > swap->position;
    if (*is) {
        struct err ignored = {0};
        store_record_words(change->target, change->entity, change->body, words);
        *is = json_parse(&worker->arena, answer.extra, NULL, &extra, &ignored) &&
              str_equal(json_str(json_get(extra, STR("asked"))), str_of(words));
    }
    arena_rewind(&worker->arena, mark);
    return ok;
}

static bool take_question(void *context, const struct shadow_change *change, struct err *err)
{
    struct swap *swap = context;
    bool answered = false;
    if (change->waiting) {
        return true;
    }
    return is_answered(swap, change, &answered, err) && (answered || queue(swap, change, err));
}

static bool take_withdrawn(void *context, const struct shadow_change *change, struct err *err)
{
    struct swap *swap = context;
    struct effect effect = {
        .pipeline = swap->worker->pipeline->name,
        .generation = change->generation,
        .message = change->message,
        .nth = change->nth,
    };
    return store_outbox_done(swap->worker->store, change->sink, &effect, err);
}

/* Only effects that somebody asked for by the name of their target. */
static bool take_effect(void *context, const struct shadow_change *change, struct err *err)
{
    struct swap *swap = context;
    bool wanted = false;
    for (size_t i = 0; i < swap->options->effect_count && !wanted; i++) {
        wanted = str_equal(swap->options->effects[i], change->target) ||
                 str_equal(swap->options->effects[i], change->sink);
    }
    return !wanted || change->waiting || queue(swap, change, err);
}

static bool audit(const struct swap *swap, const struct run *run, struct err *err)
{
    struct worker *worker = swap->worker;
    struct str actor = swap->options->actor;
    struct str detail = arena_printf(
        &worker->arena,
        "{\"run\":%lld,\"generation\":%lld,\"queued\":%lld,\"gone\":%lld,\"removed\":%lld}",
        (long long)run->id, (long long)worker->rules.generation + 1, (long long)swap->queued,
        (long long)swap->gone, (long long)swap->removed);
    return detail.ptr != NULL
               ? store_audit_put(worker->store, actor.len > 0 ? actor : STR("unknown"),
                                 STR("replay.apply"), worker->pipeline->name, detail, err)
               : err_set(err, ERR_RETRY, "out of step memory");
}

/* What is queued goes through the store in the order of these steps, in one change. */
static bool swap_all(struct swap *swap, struct store *shadow, const struct shadow_done *done,
                     struct run *run, struct err *err)
{
    struct worker *worker = swap->worker;
    struct str name = worker->pipeline->name;
    int64_t generation = done->start.generation + 1;
    swap->generation = store_birth_s(worker->store) + generation;
    if (!store_position_get(shadow, name, &swap->position, err)) {
        return false;
    }
    if (!store_begin(worker->store, &worker->lease, err) ||
        !store_shadow_take_over(shadow, worker->store, name, err) ||
        !store_shadow_absolutes(shadow, name, take_absolute, swap, err) ||
        !store_shadow_gone(shadow, name, done->start.baseline, take_gone, swap, err) ||
        !store_replay_clear(worker->store, name, swap->generation, err) ||
        !store_shadow_withdrawn(shadow, name, take_withdrawn, swap, err) ||
        !store_shadow_others(shadow, name, RECORD_QUESTION, take_question, swap, err) ||
        !store_shadow_others(shadow, name, RECORD_EFFECT, take_effect, swap, err) ||
        !store_generation_put(worker->store, name, generation, err) || !audit(swap, run, err)) {
        return false;
    }
    run->phase = RUN_DELIVERY;
    run->upto_id = swap->position;
    run->messages = done->messages;
    run->records = swap->queued;
    return store_run_update(worker->store, run, err) && store_commit(worker->store, err);
}

/* A replay that cannot be carried out must not hold the pipeline up for ever. */
static bool give_up(struct worker *worker, struct run *run, struct err *err)
{
    struct str why = arena_copy(&worker->arena, str_of(err->text));
    log_error("%s: the replay was not applied: %s", worker->name, err->text);
    *err = (struct err){0};
    store_rollback(worker->store);
    run->phase = RUN_ENDED;
    run->outcome = RUN_FAILED;
    run->ended_ms = clock_wall_ms(worker->clock);
    run->upto_id = run->from_id;
    run->error = why.ptr != NULL ? why : STR("out of memory");
    return store_begin(worker->store, &worker->lease, err) &&
           store_run_update(worker->store, run, err) && store_commit(worker->store, err);
}

static bool apply(struct worker *worker, struct run *run, struct err *err)
{
    struct replay_options options;
    struct shadow_done done;
    struct store *shadow = NULL;
    struct swap swap = {.worker = worker, .options = &options};
    if (!replay_options_read(run->detail, &worker->arena, &options, err) ||
        !store_shadow_of(worker->store, &shadow, err)) {
        return false;
    }
    struct shadow_place place = {
        .store = shadow,
        .plan = worker->plan,
        .clock = worker->clock,
        .data_dir = worker->data_dir,
        .stopping = worker->stopping,
        .stopping_context = worker->stopping_context,
    };
    struct shadow_task task = {
        .pipeline = worker->pipeline, .again = true, .here_only = true, .latest = options.latest};
    bool ok = shadow_run_pipeline(&place, &task, &done, err) &&
              (!done.waits ||
               err_set(err, ERR_CONFIG, "a table that its rules look things up in has not come")) &&
              swap_all(&swap, shadow, &done, run, err);
    store_close(shadow);
    if (ok) {
        worker->rules.generation = done.start.generation + 1;
        log_info("%s: a replay of %lld messages was applied: %lld records queued", worker->name,
                 (long long)done.messages, (long long)swap.queued);
    }
    return ok;
}

/* Do all chats of the pipeline stand at one place? */
static bool is_level(struct worker *worker, bool *level, struct err *err)
{
    int64_t slowest = 0;
    int64_t common = 0;
    struct str name = worker->pipeline->name;
    if (!store_position_get(worker->store, name, &slowest, err) ||
        !store_position_common(worker->store, name, &common, err)) {
        return false;
    }
    *level = slowest == common;
    return true;
}

bool replay_apply_next(struct worker *worker, bool *applied, struct err *err)
{
    struct run run = {0};
    bool level = false;
    *applied = false;
    if (!store_replay_next(worker->store, &worker->arena, worker->pipeline->name, &run, err)) {
        return false;
    }
    if (run.id == 0) {
        return true;
    }
    /* Of a chat that was subscribed later and is behind, nothing was decided yet: it goes first. */
    if (!is_level(worker, &level, err)) {
        return false;
    }
    if (!level) {
        return true;
    }
    *applied = apply(worker, &run, err);
    if (*applied) {
        worker_ring(worker);
        return true;
    }
    bool passes = err->kind == ERR_STOP || err->kind == ERR_STORE;
    return !passes && give_up(worker, &run, err);
}
