/*
 * The pipeline worker: the next archived messages through the op, in one change.
 *
 * A message that the op rejects is listed and passed over: the stretch is undone, and done again
 * without it. So a good stretch pays nothing for the rare bad message. Any other failure undoes the
 * stretch too; the next one is shorter, so that what lies before the trouble gets through.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/must.h"
#include "engine/keys.h"
#include "engine/worker.h"
#include "store/archive.h"
#include "store/keys.h"
#include "store/outbox.h"
#include "store/progress.h"
#include "store/reference.h"
#include "store/run.h"
#include "store/state.h"

enum { STEP_MESSAGES_MAX = 20000, STEP_RECORDS_MAX = 20000 };

/* What an op's calls need to know of the message that is being worked on. */
struct applying {
    struct worker *worker;
    const struct message *message;
    int64_t partition; /* Of the state. */
    int32_t nth;
    int64_t records;
    char origin[EFFECT_ORIGIN_SIZE]; /* From the first record on. */
};

static struct applying *applying_of(struct op_env *env)
{
    return env->engine;
}

static bool env_get(struct op_env *env, struct str key, struct str *value, struct err *err)
{
    struct applying *now = applying_of(env);
    return store_state_get(now->worker->store, env->arena, now->worker->rules.id, now->partition,
                           key, value, err);
}

static bool env_put(struct op_env *env, struct str key, struct str value, struct err *err)
{
    struct applying *now = applying_of(env);
    return store_state_put(now->worker->store, now->worker->rules.id, now->partition, key, value,
                           err);
}

static bool env_del(struct op_env *env, struct str key, struct err *err)
{
    struct applying *now = applying_of(env);
    return store_state_del(now->worker->store, now->worker->rules.id, now->partition, key, err);
}

static bool env_scan(struct op_env *env, struct str prefix,
                     bool (*each)(void *context, struct str key, struct str value), void *context,
                     struct err *err)
{
    struct applying *now = applying_of(env);
    return store_state_scan(now->worker->store, env->arena, now->worker->rules.id, now->partition,
                            prefix, each, context, err);
}

static bool env_emit(struct op_env *env, const struct record *record, struct err *err)
{
    struct applying *now = applying_of(env);
    const struct plan_pipeline *pipeline = now->worker->pipeline;
    bool queued = false;
    if (now->nth >= RECORDS_PER_MESSAGE_MAX) {
        return err_set(err, ERR_REJECT, "one message may cause %d records at most",
                       RECORDS_PER_MESSAGE_MAX);
    }
    if (now->nth == 0) {
        store_effect_origin(now->message, now->origin);
    }
    struct effect effect = {
        .pipeline = pipeline->name,
        .generation = store_birth_s(now->worker->store) + pipeline->generation,
        .message = now->message->id,
        .nth = now->nth,
        .origin = {now->origin, sizeof now->origin},
    };
    if (!store_outbox_put(now->worker->store, &effect, now->message->partition, record, &queued,
                          err)) {
        return false;
    }
    now->nth++;
    now->records += queued;
    return true;
}

static bool env_reference(struct op_env *env, struct str name, struct str key, struct str *row,
                          struct err *err)
{
    struct applying *now = applying_of(env);
    return store_reference_get(now->worker->store, env->arena, name, key, now->message->id, row,
                               err);
}

/* An op must not look things up in a table that has not arrived yet: the pipeline waits. */
static bool references_ready(struct worker *worker, bool *ready, struct err *err)
{
    const char *const *name = op_references(worker->pipeline->op);
    *ready = true;
    for (; name != NULL && *name != NULL && *ready; name++) {
        int64_t version = 0;
        if (!store_reference_version(worker->store, str_of(*name), INT64_MAX, &version, err)) {
            return false;
        }
        *ready = version != 0;
    }
    return true;
}

static size_t count_names(const char *const *names)
{
    size_t count = 0;
    while (names != NULL && names[count] != NULL) {
        count++;
    }
    return count;
}

static bool open_reader(struct worker *worker, struct err *err)
{
    const struct plan_pipeline *pipeline = worker->pipeline;
    const char *const *names = op_references(pipeline->op);
    size_t reference_count = count_names(names);
    struct subscription *subscriptions =
        arena_array(&worker->open_arena, pipeline->chat_count + 1, sizeof *subscriptions);
    struct str *references =
        arena_array(&worker->open_arena, reference_count + 1, sizeof *references);
    if (subscriptions == NULL || references == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for %zu chats", pipeline->chat_count);
    }
    for (size_t i = 0; i < pipeline->chat_count; i++) {
        subscriptions[i] =
            (struct subscription){pipeline->chats[i].source, pipeline->chats[i].chat};
    }
    for (size_t i = 0; i < reference_count; i++) {
        references[i] = str_of(names[i]);
    }
    struct reader_options options = {
        .pipeline = pipeline->name,
        .subscriptions = subscriptions,
        .subscription_count = pipeline->chat_count,
        .references = references,
        .reference_count = reference_count,
    };
    return store_begin(worker->store, &worker->lease, err) &&
           store_name(worker->store, pipeline->name, &worker->rules.id, err) &&
           store_reader_open(worker->store, &worker->open_arena, &options, &worker->rules.reader,
                             err) &&
           store_commit(worker->store, err);
}

static bool open_rules(struct worker *worker, struct err *err)
{
    struct op *op = worker->pipeline->op;
    op->name = worker->pipeline->name;
    worker->rules.limit = STEP_MESSAGES_MAX;
    worker->rules.refused_count = 0;
    worker->rules.more = true;
    worker->rules.keys_kept = false;
    worker->rules.keys = keys_text(worker->pipeline, &worker->open_arena);
    if (worker->rules.keys.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for keys");
    }
    return (op->type->open == NULL || op->type->open(op, &worker->open_arena, err)) &&
           open_reader(worker, err);
}

static void close_rules(struct worker *worker)
{
    struct op *op = worker->pipeline->op;
    store_reader_close(worker->rules.reader);
    if (op->type->close != NULL) {
        op->type->close(op);
    }
}

static const struct refused_message *find_refused(const struct worker *worker, int64_t id)
{
    for (size_t i = 0; i < worker->rules.refused_count; i++) {
        if (worker->rules.refused[i].id == id) {
            return &worker->rules.refused[i];
        }
    }
    return NULL;
}

static bool list_refused(struct worker *worker, const struct message *message, const char *why,
                         struct err *err)
{
    char id[24];
    (void)snprintf(id, sizeof id, "%" PRId64, message->id);
    struct refused refused = {.worker = worker->pipeline->name,
                              .chat = message->chat,
                              .place = str_of(id),
                              .why = str_of(why)};
    return store_refused_put(worker->store, &refused, err);
}

struct stretch {
    int64_t messages;
    int64_t records;
    int64_t last_id;
    int64_t failed_id; /* The message at which it broke off; 0 for none. */
};

static bool apply_one(struct worker *worker, const struct message *message, struct stretch *stretch,
                      struct err *err)
{
    struct op *op = worker->pipeline->op;
    struct applying now = {
        .worker = worker,
        .message = message,
        .partition = op->type->shared_state ? 0 : message->partition,
    };
    struct op_env env = {
        .arena = &worker->arena,
        .engine = &now,
        .get = env_get,
        .put = env_put,
        .del = env_del,
        .scan = env_scan,
        .emit = env_emit,
        .reference = env_reference,
    };
    struct arena_mark mark = arena_mark(&worker->arena);
    bool ok = op->type->apply(op, &env, message, err);
    arena_rewind(&worker->arena, mark);
    stretch->records += now.records;
    return ok;
}

static bool work(struct worker *worker, struct stretch *stretch, struct err *err)
{
    struct message message;
    bool found = true;
    while (stretch->messages < worker->rules.limit && stretch->records < STEP_RECORDS_MAX) {
        if (!store_reader_next(worker->store, worker->rules.reader, &message, &found, err)) {
            return false;
        }
        if (!found) {
            return true;
        }
        must(message.id > stretch->last_id);
        stretch->last_id = message.id;
        stretch->messages++;
        const struct refused_message *refused = find_refused(worker, message.id);
        bool ok = refused != NULL ? list_refused(worker, &message, refused->why, err)
                                  : apply_one(worker, &message, stretch, err);
        if (!ok) {
            stretch->failed_id = message.id;
            return false;
        }
    }
    return true;
}

/* Runs of a pipeline that works on arrival are opened by what arrived. */
static bool count_run(struct worker *worker, const struct stretch *stretch, struct err *err)
{
    const struct plan_pipeline *pipeline = worker->pipeline;
    struct run_counts counts = {.messages = stretch->messages, .records = stretch->records};
    int64_t run = 0;
    if (!store_run_add(worker->store, pipeline->name, &counts, stretch->last_id, &run, err)) {
        return false;
    }
    if (run != 0 || pipeline->schedule.kind != SCHEDULE_ON_MESSAGE) {
        return true;
    }
    int64_t now = clock_wall_ms(worker->clock);
    struct run fresh = {
        .pipeline = pipeline->name,
        .trigger = RUN_BY_MESSAGE,
        .phase = RUN_PIPELINE,
        .planned_ms = now,
        .started_ms = now,
        .upto_id = stretch->last_id,
        .messages = stretch->messages,
        .records = stretch->records,
    };
    return store_run_open(worker->store, &fresh, &run, err);
}

/* The op rejected a message: do the stretch again, without it. */
static bool refuse(struct worker *worker, const struct stretch *stretch, struct err *err)
{
    store_rollback(worker->store);
    if (worker->rules.refused_count == WORKER_REFUSED_MAX) {
        worker->rules.limit = 1; /* Too many in one stretch: one by one. */
        worker->rules.refused_count = 0;
    }
    struct refused_message *refused = &worker->rules.refused[worker->rules.refused_count++];
    refused->id = stretch->failed_id;
    (void)snprintf(refused->why, sizeof refused->why, "%s", err->text);
    log_warn("%s: message %" PRId64 " was refused: %s (listed; the rest goes on)", worker->name,
             stretch->failed_id, err->text);
    *err = (struct err){0};
    worker->busy = true;
    return true;
}

/* With the first records of an opening: by these keys they were made. */
static bool keep_keys(struct worker *worker, const struct stretch *stretch, struct err *err)
{
    return stretch->records == 0 || worker->rules.keys_kept ||
           store_keys_put(worker->store, worker->pipeline->name, worker->rules.keys, err);
}

static bool nothing_new(struct worker *worker, bool *idle, struct err *err)
{
    int64_t head = 0;
    int64_t position = 0;
    *idle = false;
    if (worker->rules.more) {
        return true;
    }
    if (!store_archive_head(worker->store, &head, err) ||
        !store_position_get(worker->store, worker->pipeline->name, &position, err)) {
        return false;
    }
    *idle = head <= position;
    return true;
}

static bool rules_step(struct worker *worker, struct err *err)
{
    struct stretch stretch = {0};
    bool idle = false;
    bool ready = false;
    if (!nothing_new(worker, &idle, err) || !references_ready(worker, &ready, err)) {
        return false;
    }
    if (idle || !ready) {
        return true;
    }
    if (!store_begin(worker->store, &worker->lease, err) ||
        !store_reader_begin(worker->store, worker->rules.reader, err)) {
        return false;
    }
    if (!work(worker, &stretch, err)) {
        if (err->kind == ERR_REJECT && stretch.failed_id != 0) {
            return refuse(worker, &stretch, err);
        }
        worker->rules.limit = worker->rules.limit > 1 ? worker->rules.limit / 2 : 1;
        worker->rules.more = true;
        return false;
    }
    bool more = stretch.messages >= worker->rules.limit || stretch.records >= STEP_RECORDS_MAX;
    bool rest = false;
    if (!store_reader_end(worker->store, worker->rules.reader, &rest, err) ||
        (stretch.messages > 0 && !count_run(worker, &stretch, err)) ||
        !keep_keys(worker, &stretch, err) || !store_commit(worker->store, err)) {
        return false;
    }
    worker->rules.keys_kept = worker->rules.keys_kept || stretch.records > 0;
    worker->rules.refused_count = 0;
    worker->rules.more = more || rest;
    worker->busy = worker->rules.more;
    if (worker->rules.limit < STEP_MESSAGES_MAX) {
        worker->rules.limit *= 2;
    }
    if (stretch.messages > 0) {
        worker_ring(worker);
    }
    return true;
}

const struct worker_type worker_pipeline = {
    .name = "pipeline", .open = open_rules, .step = rules_step, .close = close_rules};
