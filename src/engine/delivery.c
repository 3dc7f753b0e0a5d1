/*
 * The delivery worker: what is due for one sink, written and then marked.
 *
 * Between the write and the mark the process may die; the write is then repeated with the same
 * effects, and the sink makes the repetition change nothing. A sink that cannot be reached costs no
 * record an attempt: the breaker leaves it alone for a while.
 */
#include "base/log.h"
#include "base/must.h"
#include "engine/metrics.h"
#include "engine/targets.h"
#include "engine/worker.h"
#include "store/archive.h"
#include "store/meter.h"
#include "store/outbox.h"
#include "store/progress.h"
#include "text/json.h"

enum { WRITE_MS = 30 * 1000, ATTEMPTS_MAX = 20, BATCH_FIRST = 64, TALLIES_MAX = 16 };

/*
 * The sink as a whole fails: `status` says so, as no record does. Noted when it is new, and when
 * the log hears of it again. A store that cannot take the note is the greater trouble.
 */
static bool sink_failed(struct worker *worker, struct err *err)
{
    struct err worse = {0};
    int failures = worker->failures + 1;
    bool stopped = err->kind == ERR_STOP; /* Asked to stop: nothing failed. */
    worker->calm = worker->calm && stopped;
    bool noted = (failures & (failures - 1)) != 0;
    if (stopped || (store_begin(worker->store, &worker->lease, &worse) &&
                    store_meter_add(worker->store, METER_WRITES_FAILED, worker->sink->name,
                                    (struct str){0}, 1, &worse) &&
                    (noted || store_keep_put(worker->store, worker->sink->name, STORE_KEEP_TROUBLE,
                                             str_of(err->text), &worse)) &&
                    store_commit(worker->store, &worse))) {
        return worker_outside_failed(err);
    }
    *err = worse;
    return false;
}

static bool open_sink(struct worker *worker, struct err *err)
{
    struct sink *sink = worker->sink->sink;
    const struct target *const *targets = worker->sink->targets;
    if (targets == NULL &&
        !targets_of(worker->plan, worker->sink->name, &worker->open_arena, &targets, err)) {
        return false;
    }
    sink->connector.name = worker->sink->name;
    sink->connector.env = worker_connector_env(worker, targets);
    if (sink->type->connector.open == NULL || sink->type->connector.open(&sink->connector, err)) {
        return true;
    }
    return sink_failed(worker, err);
}

static void rest_sink(struct worker *worker)
{
    struct sink *sink = worker->sink->sink;
    if (sink->type->connector.rest != NULL) {
        sink->type->connector.rest(&sink->connector);
    }
}

static void close_sink(struct worker *worker)
{
    struct sink *sink = worker->sink->sink;
    if (sink->type->connector.close != NULL) {
        sink->type->connector.close(&sink->connector);
    }
}

/* Answers and receipts are messages; the effect that asked is their id, so a repeat is dropped. */
static bool describe(struct worker *worker, const struct parcel *parcel, bool answer,
                     struct message *out, struct err *err)
{
    struct arena *arena = &worker->arena;
    char effect[EFFECT_TEXT_MAX];
    struct buf extra;
    struct json_writer json;
    buf_init(&extra, arena, 128);
    json_writer_init(&json, &extra);
    json_object_begin(&json);
    json_field_str(&json, STR("entity"), parcel->entity);
    if (answer) { /* So that a replay can tell whether it answers what is asked then. */
        char words[RECORD_WORDS_SIZE];
        store_record_words(parcel->target, parcel->entity, parcel->body, words);
        json_field_str(&json, STR("asked"), str_of(words));
    }
    json_object_end(&json);
    json_writer_done(&json);
    *out = (struct message){
        .kind = answer ? MESSAGE_ANSWER : MESSAGE_RECEIPT,
        .partition = parcel->partition,
        .about = parcel->effect.message,
        .source = arena_printf(arena, "%s/%.*s", answer ? "answers" : "receipts",
                               STR_ARG(worker->sink->name)),
        .chat = parcel->effect.pipeline,
        .external_id = arena_copy(arena, effect_text(&parcel->effect, effect)),
        .sender = parcel->target,
        .text = parcel->answer,
        .extra = buf_str(&extra),
        .sent_ms = clock_wall_ms(worker->clock),
    };
    return (out->source.ptr != NULL && out->external_id.ptr != NULL && out->extra.ptr != NULL) ||
           err_set(err, ERR_RETRY, "out of step memory for answers");
}

static bool file_replies(struct worker *worker, const struct parcel *parcels, size_t count,
                         struct err *err)
{
    struct intake_counts counts = {0};
    size_t replies = 0;
    for (size_t i = 0; i < count; i++) {
        bool done = parcels[i].verdict == VERDICT_DONE;
        replies += done && (parcels[i].answer.ptr != NULL || parcels[i].receipt);
    }
    if (replies == 0) {
        return true;
    }
    struct message *messages = arena_array(&worker->arena, replies, sizeof *messages);
    if (messages == NULL) {
        return err_set(err, ERR_RETRY, "out of step memory for answers");
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct parcel *parcel = &parcels[i];
        bool answer = parcel->answer.ptr != NULL;
        if (parcel->verdict != VERDICT_DONE || (!answer && !parcel->receipt)) {
            continue;
        }
        if (!describe(worker, parcel, answer, &messages[at++], err)) {
            return false;
        }
    }
    return store_archive_put(worker->store, &worker->arena, messages, replies, &counts, err);
}

/* The answer to a question that was withdrawn meanwhile is nobody's: it is not filed. */
static bool drop_orphan(struct worker *worker, struct parcel *parcel, struct err *err)
{
    bool waits = true;
    if (parcel->kind != RECORD_QUESTION || parcel->verdict != VERDICT_DONE) {
        return true;
    }
    if (!store_outbox_waits(worker->store, worker->sink->name, &parcel->effect, &waits, err)) {
        return false;
    }
    if (!waits) {
        parcel->answer = (struct str){0};
        parcel->receipt = false;
    }
    return true;
}

static bool settle_one(struct worker *worker, const struct parcel *parcel, struct err *err)
{
    struct str sink = worker->sink->name;
    int attempts = parcel->attempts + 1;
    int attempts_max = worker->sink->attempts_max > 0 ? worker->sink->attempts_max : ATTEMPTS_MAX;
    switch (parcel->verdict) {
    case VERDICT_DONE:
        return store_outbox_done(worker->store, sink, &parcel->effect, err);
    case VERDICT_REJECT:
        return store_outbox_dead(worker->store, sink, &parcel->effect, parcel->why, err);
    case VERDICT_RETRY:
        if (attempts >= attempts_max) {
            return store_outbox_dead(worker->store, sink, &parcel->effect, parcel->why, err);
        }
        return store_outbox_later(
            worker->store, sink, &parcel->effect,
            clock_wall_ms(worker->clock) +
                retry_wait_ms(worker->rng, attempts, RETRY_PARCEL_MS_MAX, parcel->retry_after_ms),
            parcel->why, err);
    case VERDICT_UNTRIED:
        return true;
    }
    must_failed("unknown verdict", __FILE__, __LINE__);
}

static bool count_runs(struct worker *worker, const struct parcel *parcels, size_t count,
                       struct err *err)
{
    struct run_counts counts = {0};
    for (size_t i = 0; i < count; i++) {
        bool done = parcels[i].verdict == VERDICT_DONE;
        counts.delivered += done;
        counts.failed += !done && parcels[i].verdict != VERDICT_UNTRIED;
        bool last = i + 1 == count ||
                    !str_equal(parcels[i].effect.pipeline, parcels[i + 1].effect.pipeline);
        if (!last) {
            continue;
        }
        int64_t run = 0;
        if (!store_run_add(worker->store, parcels[i].effect.pipeline, &counts, 0, &run, err)) {
            return false;
        }
        counts = (struct run_counts){0};
    }
    return true;
}

/* Of one pipeline and target, until others come. */
struct tally {
    struct str pipeline;
    struct str target;
    int64_t written;
    int64_t unwritten;
};

static bool tally_keep(struct worker *worker, const struct tally *tally, struct err *err)
{
    if (metrics_heard(worker->plan, tally->pipeline) &&
        !store_meter_add(worker->store, METER_RUN_WRITTEN, tally->pipeline, tally->target,
                         tally->written, err)) {
        return false;
    }
    return !metrics_wanted(worker->plan, tally->pipeline) ||
           (store_meter_add(worker->store, METER_WRITTEN, tally->pipeline, tally->target,
                            tally->written, err) &&
            store_meter_add(worker->store, METER_UNWRITTEN, tally->pipeline, (struct str){0},
                            tally->unwritten, err));
}

/* The last of the tallies that is for it, or a new one; NULL: there is no room. */
static struct tally *tally_of(struct tally *tallies, size_t *count, const struct parcel *parcel)
{
    for (size_t i = *count; i > 0; i--) {
        struct tally *one = &tallies[i - 1];
        if (str_equal(one->target, parcel->target) &&
            str_equal(one->pipeline, parcel->effect.pipeline)) {
            return one;
        }
    }
    if (*count == TALLIES_MAX) {
        return NULL;
    }
    tallies[*count] = (struct tally){.pipeline = parcel->effect.pipeline, .target = parcel->target};
    return &tallies[(*count)++];
}

/* For those pipelines whose users want to know. */
static bool count_meters(struct worker *worker, const struct parcel *parcels, size_t count,
                         struct err *err)
{
    struct tally tallies[TALLIES_MAX];
    size_t used = 0;
    bool any = false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        bool done = parcels[i].verdict == VERDICT_DONE;
        any = any || done;
        if (parcels[i].verdict == VERDICT_UNTRIED) {
            continue;
        }
        struct tally *tally = tally_of(tallies, &used, &parcels[i]);
        if (tally == NULL) { /* Whatever was found makes room. */
            ok = tally_keep(worker, &tallies[0], err);
            tallies[0] =
                (struct tally){.pipeline = parcels[i].effect.pipeline, .target = parcels[i].target};
            tally = &tallies[0];
        }
        tally->written += done;
        tally->unwritten += !done;
    }
    for (size_t i = 0; ok && i < used; i++) {
        ok = tally_keep(worker, &tallies[i], err);
    }
    return ok && (!any || store_meter_set(worker->store, METER_GOOD_MS, worker->sink->name,
                                          clock_wall_ms(worker->clock), err));
}

/* A sink that did nothing must say so: calling it again at once would only turn in circles. */
static void must_have_tried(const struct parcel *parcels, size_t count)
{
    bool tried = false;
    for (size_t i = 0; i < count; i++) {
        tried |= parcels[i].verdict != VERDICT_UNTRIED;
    }
    must(tried);
}

static void tell_refused(const struct worker *worker, const struct parcel *parcels, size_t count)
{
    size_t refused = 0;
    const struct parcel *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (parcels[i].verdict == VERDICT_REJECT) {
            first = refused++ == 0 ? &parcels[i] : first;
        }
    }
    if (first != NULL) {
        log_warn("%s: %zu record(s) were refused and are dead letters now, the first because: %.*s",
                 worker->name, refused, STR_ARG(first->why));
    }
}

static bool settle(struct worker *worker, struct parcel *parcels, size_t count, struct err *err)
{
    if (!store_begin(worker->store, &worker->lease, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!drop_orphan(worker, &parcels[i], err) || !settle_one(worker, &parcels[i], err)) {
            return false;
        }
    }
    if (!file_replies(worker, parcels, count, err) || !count_runs(worker, parcels, count, err) ||
        !count_meters(worker, parcels, count, err) ||
        (!worker->calm && !store_keep_put(worker->store, worker->sink->name, STORE_KEEP_TROUBLE,
                                          (struct str){0}, err)) ||
        !store_commit(worker->store, err)) {
        return false;
    }
    worker->calm = true;
    tell_refused(worker, parcels, count);
    worker_ring(worker);
    return true;
}

static bool delivery_step(struct worker *worker, struct err *err)
{
    struct sink *sink = worker->sink->sink;
    int64_t now = worker_mono_ms(worker);
    int64_t wall = clock_wall_ms(worker->clock);
    if (!breaker_allows(&worker->breaker, now)) {
        worker->wake_ms = worker->breaker.until_ms;
        return true;
    }
    bool any = false;
    if (!store_outbox_any(worker->store, worker->sink->name, &any, err)) {
        return false;
    }
    if (!any) {
        return true;
    }
    worker->batch = worker->batch == 0 ? BATCH_FIRST : worker->batch;
    size_t count = worker->breaker.state == BREAKER_CLOSED ? worker->batch : 1;
    struct parcel *parcels = arena_array(&worker->arena, count, sizeof *parcels);
    if (parcels == NULL) {
        return err_set(err, ERR_RETRY, "out of step memory for %zu records", count);
    }
    struct outbox_due due = {.parcels = parcels, .count = count};
    if (!store_outbox_due(worker->store, &worker->arena, worker->sink->name, wall, &due, err)) {
        return false;
    }
    count = due.count;
    worker->batch = due.more ? worker->batch * 8 : BATCH_FIRST;
    worker->batch = worker->batch < SINK_BATCH_MAX ? worker->batch : SINK_BATCH_MAX;
    if (count == 0) {
        int64_t wait = due.next_due_ms > wall ? due.next_due_ms - wall : 0;
        if (wait > 0 && wait < WORKER_IDLE_MS) {
            worker->wake_ms = now + wait;
        }
        return true;
    }
    if (!worker_name_run(worker, parcels[0].effect.pipeline, err)) {
        return false;
    }
    int64_t write_ms = worker->sink->write_ms > 0 ? worker->sink->write_ms : WRITE_MS;
    if (!sink->type->write(sink, parcels, count, &worker->arena, now + write_ms, err)) {
        breaker_failed(&worker->breaker, worker_mono_ms(worker));
        return sink_failed(worker, err);
    }
    must_have_tried(parcels, count);
    breaker_succeeded(&worker->breaker);
    worker->busy = true;
    return settle(worker, parcels, count, err);
}

const struct worker_type worker_delivery = {.name = "delivery",
                                            .patience_ms = WORKER_PATIENCE_MS,
                                            .open = open_sink,
                                            .step = delivery_step,
                                            .rest = rest_sink,
                                            .close = close_sink};
