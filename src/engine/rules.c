/*
 * The pipeline worker: the next archived messages through the op, in one change.
 *
 * They are read before the change begins, so that the others may write meanwhile.
 *
 * A message that the op rejects is listed and passed over: the stretch is undone, and done again
 * without it. So a good stretch pays nothing for the rare bad message. Any other failure undoes the
 * stretch too; the next one is shorter, so that what lies before the trouble gets through.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "engine/keys.h"
#include "engine/replay.h"
#include "engine/worker.h"
#include "store/archive.h"
#include "store/keys.h"
#include "store/meter.h"
#include "store/outbox.h"
#include "store/progress.h"
#include "store/reference.h"
#include "store/replay.h"
#include "store/run.h"
#include "store/shadow.h"
#include "text/json.h"

enum {
    STEP_MESSAGES_MAX = BATCH_MESSAGES_MAX, /* No less than what intake files at once. */
    STEP_RECORDS_MAX = 20000,
    STEP_BYTES_MAX = 16 * 1024 * 1024, /* Of the messages' texts. */
    PIECE_MESSAGES = 256,
};

/* What an op's calls need to know of the message that is being worked on. */
struct applying {
    struct worker *worker;
    const struct lane *lane;
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

static struct notes *notes_of(const struct applying *now)
{
    return &now->worker->rules.notes;
}

static struct notes_place place_of(const struct applying *now)
{
    return (struct notes_place){now->worker->store, now->lane->id, now->partition};
}

static bool env_get(struct op_env *env, struct str key, struct str *value, struct err *err)
{
    struct notes_place place = place_of(applying_of(env));
    return notes_get(notes_of(applying_of(env)), &place, env->arena, key, value, err);
}

static bool env_put(struct op_env *env, struct str key, struct str value, struct err *err)
{
    struct notes_place place = place_of(applying_of(env));
    return notes_put(notes_of(applying_of(env)), &place, key, value, err);
}

static bool env_del(struct op_env *env, struct str key, struct err *err)
{
    struct notes_place place = place_of(applying_of(env));
    return notes_del(notes_of(applying_of(env)), &place, key, err);
}

static bool env_scan(struct op_env *env, struct str prefix,
                     bool (*each)(void *context, struct str key, struct str value), void *context,
                     struct err *err)
{
    struct notes_place place = place_of(applying_of(env));
    return notes_scan(notes_of(applying_of(env)), &place, env->arena, prefix, each, context, err);
}

/* In a replay an answer must find what was asked, word for word. */
static bool note_question(const struct applying *now, const struct record *record, struct err *err)
{
    char words[RECORD_WORDS_SIZE];
    if (!now->worker->rules.replaying || record->kind != RECORD_QUESTION) {
        return true;
    }
    store_record_words(record->target, record->entity, record->body, words);
    return store_shadow_asked(now->worker->store, now->lane->id, now->message->id, now->nth,
                              str_of(words), err);
}

/* Until the end of the change: a later message of it may say more of the row. */
static bool keep_record(struct applying *now, const struct effect *effect,
                        const struct record *record, struct err *err)
{
    struct worker *worker = now->worker;
    struct pending *pending = &worker->rules.pending;
    int64_t partition = now->message->partition;
    now->nth++;
    if (pending_put(pending, effect, partition, record)) {
        return true;
    }
    int64_t queued = 0;
    bool news = false;
    if (!pending_flush(pending, worker->store, &queued, err) ||
        !store_outbox_put(worker->store, effect, partition, record, &news, err)) {
        return false;
    }
    now->records += queued + news;
    return true;
}

static bool env_emit(struct op_env *env, const struct record *record, struct err *err)
{
    struct applying *now = applying_of(env);
    const struct plan_pipeline *pipeline = now->worker->pipeline;
    struct rules_watch *watch = now->worker->rules.watch;
    bool queued = false;
    if (now->nth >= RECORDS_PER_MESSAGE_MAX) {
        return err_set(err, ERR_REJECT, "one message may cause %d records at most",
                       RECORDS_PER_MESSAGE_MAX);
    }
    if (now->lane->mute) {
        now->nth++;
        return store_outbox_check(record, err);
    }
    if (now->nth == 0) {
        store_effect_origin(now->message, now->origin);
    }
    struct effect effect = {
        .pipeline = pipeline->name,
        .generation = store_birth_s(now->worker->store) + now->worker->rules.generation,
        .message = now->message->id,
        .nth = now->nth,
        .origin = {now->origin, sizeof now->origin},
    };
    if (watch == NULL && record->kind == RECORD_ABSOLUTE && !record->removed) {
        return store_outbox_check(record, err) && keep_record(now, &effect, record, err);
    }
    if (record->removed) {
        pending_drop(&now->worker->rules.pending, record);
    }
    if (!store_outbox_put(now->worker->store, &effect, now->message->partition, record, &queued,
                          err) ||
        !note_question(now, record, err) ||
        (watch != NULL && !watch->emitted(watch, now->message, record, now->nth, err))) {
        return false;
    }
    now->nth++;
    now->records += queued;
    return true;
}

static bool env_count(struct op_env *env, const char *what, int64_t by, struct err *err)
{
    struct applying *now = applying_of(env);
    struct worker *worker = now->worker;
    return now->lane->mute || store_meter_add(worker->store, METER_COUNTED, worker->pipeline->name,
                                              str_of(what), by, err);
}

static bool env_reference(struct op_env *env, struct str name, struct str key, struct str *row,
                          struct err *err)
{
    struct applying *now = applying_of(env);
    int64_t place = now->worker->rules.latest ? INT64_MAX : now->message->id;
    return store_reference_get(now->worker->store, env->arena, name, key, place, row, err);
}

static bool env_archived(struct op_env *env, int64_t id, struct message *out, struct err *err)
{
    return store_archive_get(applying_of(env)->worker->store, env->arena, id, out, err);
}

static bool env_rows(struct op_env *env, struct str name,
                     bool (*each)(void *context, struct str key, struct str body), void *context,
                     struct err *err)
{
    struct applying *now = applying_of(env);
    int64_t place = now->worker->rules.latest ? INT64_MAX : now->message->id;
    return store_reference_scan(now->worker->store, env->arena, name, place, each, context, err);
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

static bool open_reader(struct worker *worker, struct lane *lane, struct str place, struct err *err)
{
    const struct plan_pipeline *pipeline = worker->pipeline;
    const char *const *names = op_references(pipeline->op);
    size_t reference_count = count_names(names);
    struct subscription *subscriptions =
        arena_array(&worker->open_arena, pipeline->chat_count + 1, sizeof *subscriptions);
    struct str *references =
        arena_array(&worker->open_arena, reference_count + 1, sizeof *references);
    place = arena_copy(&worker->open_arena, place);
    if (subscriptions == NULL || references == NULL || place.ptr == NULL) {
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
        .place = place,
    };
    lane->limit = STEP_MESSAGES_MAX;
    lane->refused_count = 0;
    lane->more = true;
    return store_begin(worker->store, &worker->lease, err) &&
           store_name(worker->store, place, &lane->id, err) &&
           store_reader_open(worker->store, &worker->open_arena, &options, &lane->reader, err) &&
           store_commit(worker->store, err);
}

/* Everything but the op itself. */
static bool open_lanes(struct worker *worker, struct err *err)
{
    struct rules *rules = &worker->rules;
    rules->past_open = false;
    rules->past.reader = NULL;
    rules->live.reader = NULL;
    if (!store_generation_get(worker->store, worker->pipeline->name, &rules->generation, err) ||
        !open_reader(worker, &rules->live, worker->pipeline->name, err)) {
        return false;
    }
    store_reader_limit(rules->live.reader, rules->upto);
    return true;
}

static bool open_rules(struct worker *worker, struct err *err)
{
    struct op *op = worker->pipeline->op;
    op->name = worker->pipeline->name;
    worker->rules.keys_kept = false;
    worker->rules.keys = keys_text(worker->pipeline, &worker->open_arena);
    if (worker->rules.keys.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for keys");
    }
    return (op->type->open == NULL || op->type->open(op, &worker->open_arena, err)) &&
           open_lanes(worker, err);
}

static void rest_rules(struct worker *worker)
{
    pending_free(&worker->rules.pending);
    notes_free(&worker->rules.notes);
}

static void close_lanes(struct worker *worker)
{
    rest_rules(worker);
    store_reader_close(worker->rules.live.reader);
    store_reader_close(worker->rules.past.reader);
}

static void close_rules(struct worker *worker)
{
    struct op *op = worker->pipeline->op;
    close_lanes(worker);
    if (op->type->close != NULL) {
        op->type->close(op);
    }
}

static const struct refused_message *find_refused(const struct lane *lane, int64_t id)
{
    for (size_t i = 0; i < lane->refused_count; i++) {
        if (lane->refused[i].id == id) {
            return &lane->refused[i];
        }
    }
    return NULL;
}

static bool list_refused(struct worker *worker, const struct lane *lane,
                         const struct message *message, const char *why, struct err *err)
{
    struct rules_watch *watch = worker->rules.watch;
    char id[24];
    if (lane->mute) {
        return true;
    }
    if (watch != NULL && watch->refused != NULL && !watch->refused(watch, message, why, err)) {
        return false;
    }
    (void)snprintf(id, sizeof id, "%" PRId64, message->id);
    struct refused refused = {.worker = worker->pipeline->name,
                              .chat = message->chat,
                              .place = str_of(id),
                              .why = str_of(why)};
    return store_refused_put(worker->store, &refused, err) &&
           store_meter_add(worker->store, METER_REFUSED, worker->pipeline->name, (struct str){0}, 1,
                           err);
}

/* Messages that were read, and what they said. */
struct piece {
    struct piece *next;
    size_t count;
    struct message messages[PIECE_MESSAGES];
};

struct stretch {
    struct piece *first;
    struct piece *last;
    int64_t messages; /* Worked on. */
    int64_t records;
    int64_t last_id;
    int64_t failed_id; /* The message at which it broke off; 0 for none. */
};

/* In a replay, an answer to something else than what the rule asks today was not given. */
static bool answers_today(struct worker *worker, const struct lane *lane,
                          const struct message *message, bool *does, struct err *err)
{
    struct effect effect = {0};
    const struct json_value *extra = NULL;
    struct err ignored = {0};
    *does = true;
    if (!worker->rules.replaying || message->kind != MESSAGE_ANSWER) {
        return true;
    }
    struct arena_mark mark = arena_mark(&worker->arena);
    bool ok = true;
    *does = effect_parse(message->external_id, &effect) &&
            json_parse(&worker->arena, message->extra, NULL, &extra, &ignored);
    if (*does) {
        ok = store_shadow_answered(worker->store, lane->id, effect.message, effect.nth,
                                   json_str(json_get(extra, STR("asked"))), does, err);
    }
    arena_rewind(&worker->arena, mark);
    return ok;
}

static bool apply_one(struct worker *worker, const struct lane *lane, const struct message *message,
                      struct stretch *stretch, struct err *err)
{
    struct op *op = worker->pipeline->op;
    bool does = true;
    if (!answers_today(worker, lane, message, &does, err)) {
        return false;
    }
    if (!does) {
        return true;
    }
    struct applying now = {
        .worker = worker,
        .lane = lane,
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
        .rows = env_rows,
        .archived = env_archived,
        .count = env_count,
    };
    struct arena_mark mark = arena_mark(&worker->arena);
    bool ok = op->type->apply(op, &env, message, err);
    arena_rewind(&worker->arena, mark);
    stretch->records += now.records;
    return ok;
}

static char *keep_text(char *at, struct str *text)
{
    if (text->ptr != NULL) {
        memcpy(at, text->ptr, text->len);
        text->ptr = at;
    }
    return at + text->len;
}

/* Keep a message for the step, all its texts in one piece. */
static bool keep_message(struct worker *worker, struct stretch *stretch, struct message *message,
                         size_t *bytes, struct err *err)
{
    size_t len = message->external_id.len + message->sender.len + message->text.len +
                 message->sent_text.len + message->attachments.len + message->extra.len;
    char *at = arena_bytes(&worker->arena, len + 1); /* An empty text is not an absent one. */
    struct piece *piece = stretch->last;
    if (piece == NULL || piece->count == PIECE_MESSAGES) {
        piece = arena_alloc(&worker->arena, sizeof *piece);
        *(stretch->last == NULL ? &stretch->first : &stretch->last->next) = piece;
        stretch->last = piece;
    }
    if (at == NULL || piece == NULL) {
        return err_set(err, ERR_RETRY, "out of step memory for messages");
    }
    at = keep_text(at, &message->external_id);
    at = keep_text(at, &message->sender);
    at = keep_text(at, &message->text);
    at = keep_text(at, &message->sent_text);
    at = keep_text(at, &message->attachments);
    (void)keep_text(at, &message->extra);
    piece->messages[piece->count++] = *message;
    *bytes += len;
    return true;
}

static bool read_stretch(struct worker *worker, struct lane *lane, struct stretch *stretch,
                         struct err *err)
{
    struct message message;
    size_t bytes = 0;
    bool found = true;
    if (!store_reader_begin(worker->store, lane->reader, err)) {
        return false;
    }
    for (int64_t i = 0; found && i < lane->limit && bytes < STEP_BYTES_MAX; i++) {
        if (!store_reader_next(worker->store, lane->reader, &message, &found, err) ||
            (found && !keep_message(worker, stretch, &message, &bytes, err))) {
            return false;
        }
    }
    store_reader_stop(lane->reader, 0);
    return true;
}

/* What is read, and then an open change. A shadow is one snapshot from its beginning. */
static bool begin_stretch(struct worker *worker, struct lane *lane, struct stretch *stretch,
                          struct err *err)
{
    if (worker->shadowed) {
        return store_begin(worker->store, &worker->lease, err) &&
               read_stretch(worker, lane, stretch, err);
    }
    if (!store_begin_read(worker->store, err) || !read_stretch(worker, lane, stretch, err)) {
        return false;
    }
    store_rollback(worker->store);
    return store_begin(worker->store, &worker->lease, err);
}

static bool work_one(struct worker *worker, struct lane *lane, const struct message *message,
                     struct stretch *stretch, struct err *err)
{
    must(message->id > stretch->last_id);
    stretch->last_id = message->id;
    stretch->messages++;
    const struct refused_message *refused = find_refused(lane, message->id);
    bool ok = refused != NULL ? list_refused(worker, lane, message, refused->why, err)
                              : apply_one(worker, lane, message, stretch, err);
    if (!ok) {
        stretch->failed_id = message->id;
    }
    return ok;
}

static bool work(struct worker *worker, struct lane *lane, struct stretch *stretch, struct err *err)
{
    for (const struct piece *piece = stretch->first; piece != NULL; piece = piece->next) {
        for (size_t i = 0; i < piece->count; i++) {
            if (stretch->records + (int64_t)worker->rules.pending.count >= STEP_RECORDS_MAX) {
                store_reader_stop(lane->reader, stretch->last_id);
                return true;
            }
            if (!work_one(worker, lane, &piece->messages[i], stretch, err)) {
                return false;
            }
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

static void settled(struct worker *worker, const struct lane *lane, bool done)
{
    struct rules_watch *watch = worker->rules.watch;
    if (watch != NULL && !lane->mute) {
        watch->settled(watch, done);
    }
}

/* The op rejected a message: do the stretch again, without it. */
static bool refuse(struct worker *worker, struct lane *lane, const struct stretch *stretch,
                   struct err *err)
{
    store_rollback(worker->store);
    if (lane->refused_count == WORKER_REFUSED_MAX) {
        lane->limit = 1; /* Too many in one stretch: one by one. */
        lane->refused_count = 0;
    }
    struct refused_message *refused = &lane->refused[lane->refused_count++];
    refused->id = stretch->failed_id;
    (void)snprintf(refused->why, sizeof refused->why, "%s", err->text);
    if (!lane->mute) {
        char id[LOG_COUNT_MAX];
        log_warn("%s: message %s was refused: %s (listed; the rest goes on)", worker->name,
                 log_count(stretch->failed_id, id), err->text);
    }
    *err = (struct err){0};
    worker->busy = true;
    return true;
}

/* With the first records of an opening: by these keys they were made. A look back has none. */
static bool keep_keys(struct worker *worker, const struct lane *lane, const struct stretch *stretch,
                      struct err *err)
{
    return lane->mute || stretch->records == 0 || worker->rules.keys_kept ||
           worker->rules.keys.ptr == NULL ||
           store_keys_put(worker->store, worker->pipeline->name, worker->rules.keys, err);
}

static bool nothing_new(struct worker *worker, const struct lane *lane, bool *idle, struct err *err)
{
    int64_t head = 0;
    int64_t position = 0;
    *idle = false;
    if (lane->more) {
        return true;
    }
    if (!store_archive_head(worker->store, &head, err) ||
        !store_position_get(worker->store, worker->pipeline->name, &position, err)) {
        return false;
    }
    *idle = head <= position;
    return true;
}

/* The next stretch of a lane, in one change. */
static bool lane_step(struct worker *worker, struct lane *lane, struct err *err)
{
    struct stretch stretch = {0};
    if (!lane->mute && !worker_name_run(worker, worker->pipeline->name, err)) {
        return false;
    }
    pending_forget(&worker->rules.pending);
    notes_forget(&worker->rules.notes);
    if (!begin_stretch(worker, lane, &stretch, err)) {
        lane->limit = lane->limit > 1 ? lane->limit / 2 : 1;
        return false;
    }
    if (!work(worker, lane, &stretch, err)) {
        settled(worker, lane, false);
        if (err->kind == ERR_REJECT && stretch.failed_id != 0) {
            return refuse(worker, lane, &stretch, err);
        }
        lane->limit = lane->limit > 1 ? lane->limit / 2 : 1;
        lane->more = true;
        return false;
    }
    int64_t queued = 0;
    bool rest = false;
    if (!pending_flush(&worker->rules.pending, worker->store, &queued, err) ||
        !notes_flush(&worker->rules.notes, worker->store, lane->id, err)) {
        return false;
    }
    stretch.records += queued;
    bool more = stretch.messages >= lane->limit || stretch.records >= STEP_RECORDS_MAX;
    if (!store_reader_end(worker->store, lane->reader, &rest, err) ||
        (stretch.messages > 0 && !lane->mute && !count_run(worker, &stretch, err)) ||
        !keep_keys(worker, lane, &stretch, err) || !store_commit(worker->store, err)) {
        return false;
    }
    worker->rules.keys_kept = worker->rules.keys_kept || (!lane->mute && stretch.records > 0);
    settled(worker, lane, true);
    worker->rules.messages += stretch.messages;
    lane->refused_count = 0;
    lane->more = more || rest;
    if (lane->limit < STEP_MESSAGES_MAX) {
        lane->limit *= 2;
    }
    if (stretch.messages > 0 && !lane->mute) {
        worker_ring(worker);
    }
    return true;
}

/*
 * Retention waits for what the pipeline remembered at the newest message that is to go: the same
 * rules over the same messages once more, without their records. A replay begins there later.
 */
static bool past_step(struct worker *worker, struct str place, int64_t wish, struct err *err)
{
    struct lane *past = &worker->rules.past;
    if (!worker->rules.past_open) {
        past->mute = true;
        if (!open_reader(worker, past, place, err)) {
            return false;
        }
        worker->rules.past_open = true;
    }
    store_reader_limit(past->reader, wish);
    if (!lane_step(worker, past, err)) {
        return false;
    }
    worker->busy = worker->busy || past->more;
    if (!past->more) {
        worker_ring(worker);
    }
    return true;
}

/* What is asked of the pipeline besides new messages. */
static bool look_back(struct worker *worker, bool *applied, struct err *err)
{
    char room[BASELINE_NAME_MAX];
    struct str place = store_baseline_name(worker->pipeline->name, room);
    int64_t wish = 0;
    int64_t position = 0;
    if (worker->shadowed) {
        return true;
    }
    if (!replay_apply_next(worker, applied, err) ||
        !store_retention_wish(worker->store, &wish, err) ||
        (wish > 0 && !store_position_get(worker->store, place, &position, err))) {
        return false;
    }
    return position >= wish || past_step(worker, place, wish, err);
}

static bool rules_step(struct worker *worker, struct err *err)
{
    struct lane *live = &worker->rules.live;
    bool idle = false;
    bool ready = false;
    bool applied = false;
    if (!references_ready(worker, &ready, err)) {
        return false;
    }
    worker->rules.waits = !ready;
    if (!look_back(worker, &applied, err) || !nothing_new(worker, live, &idle, err)) {
        return false;
    }
    live->more = live->more || applied;
    if (idle || !ready) {
        return true;
    }
    if (!lane_step(worker, live, err)) {
        return false;
    }
    worker->busy = worker->busy || live->more;
    return true;
}

const struct worker_type worker_pipeline = {.name = "pipeline",
                                            .patience_ms = WORKER_PATIENCE_MS,
                                            .open = open_rules,
                                            .step = rules_step,
                                            .rest = rest_rules,
                                            .close = close_rules};
const struct worker_type worker_pipeline_again = {.name = "pipeline",
                                                  .patience_ms = WORKER_PATIENCE_MS,
                                                  .open = open_lanes,
                                                  .step = rules_step,
                                                  .rest = rest_rules,
                                                  .close = close_lanes};
