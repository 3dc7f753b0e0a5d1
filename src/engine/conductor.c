/*
 * The conductor: plans runs, follows them through their phases, and takes what verbs ask for.
 *
 * It does no work itself. A run is a row; the conductor moves it on when the store shows that the
 * others have done their part, so it can die at any time and the next one goes on.
 */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "engine/metrics.h"
#include "engine/worker.h"
#include "model/schedule.h"
#include "store/archive.h"
#include "store/meter.h"
#include "store/outbox.h"
#include "store/progress.h"
#include "store/reference.h"
#include "store/replay.h"
#include "store/run.h"
#include "text/json.h"

enum {
    MS_PER_S = 1000,
    LOOK_MS = 200, /* While a run is open. */
    PATIENCE_MS = 50,
    IDLE_MS = 1000, /* How soon the work of another process (a verb) is noticed. */
    RUN_BY_MESSAGE_MS_MAX = 600 * 1000, /* A run without an end would never be recorded. */
    FOLLOW_REPLIES_MS_MAX = 600 * 1000, /* Where each reply leads to another, too. */
};

static const struct plan_pipeline *find_pipeline(const struct worker *worker, struct str name)
{
    for (size_t i = 0; i < worker->plan->pipeline_count; i++) {
        if (str_equal(worker->plan->pipelines[i].name, name)) {
            return &worker->plan->pipelines[i];
        }
    }
    return NULL;
}

static bool open_run(struct worker *worker, struct str pipeline, enum run_trigger trigger,
                     int64_t planned_ms, struct str detail, int64_t *id, struct err *err)
{
    int64_t head = 0;
    if (!store_archive_head(worker->store, &head, err)) {
        return false;
    }
    struct run run = {
        .pipeline = pipeline,
        .trigger = trigger,
        .phase = RUN_INTAKE,
        .planned_ms = planned_ms,
        .started_ms = clock_wall_ms(worker->clock),
        .from_id = head,
        .detail = detail,
    };
    return store_run_open(worker->store, &run, id, err);
}

static bool has_open_run(const struct run *runs, size_t count, struct str pipeline)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(runs[i].pipeline, pipeline)) {
            return true;
        }
    }
    return false;
}

/* Is it time for the pipeline? The run and the planned time are kept in one change. */
static bool look_at_schedule(struct worker *worker, const struct plan_pipeline *pipeline,
                             const struct run *runs, size_t count, int64_t *next_ms,
                             struct err *err)
{
    int64_t last_ms = 0;
    int64_t run = 0;
    if (!store_schedule_get(worker->store, pipeline->name, &last_ms, err)) {
        return false;
    }
    int64_t now = clock_wall_ms(worker->clock);
    struct schedule_due due = schedule_look(&pipeline->schedule, last_ms, now);
    if (due.next_ms != 0 && (*next_ms == 0 || due.next_ms < *next_ms)) {
        *next_ms = due.next_ms;
    }
    if (!due.due && !due.keep) {
        return true;
    }
    bool overlaps = due.due && has_open_run(runs, count, pipeline->name);
    if (overlaps && pipeline->schedule.overlap == OVERLAP_QUEUE) {
        return true; /* It stays due until the run before has ended. */
    }
    bool runs_now = due.due && !overlaps;
    if (overlaps || due.missed > 0) {
        log_warn("%.*s: %" PRId64 " planned run(s) did not take place (%s)",
                 STR_ARG(pipeline->name), due.missed + overlaps,
                 overlaps ? "the run before has not ended" : "nothing could run at that time");
    }
    bool ok = store_begin(worker->store, &worker->lease, err) &&
              (!runs_now || open_run(worker, pipeline->name, RUN_BY_SCHEDULE, due.planned_ms,
                                     (struct str){0}, &run, err)) &&
              store_schedule_put(worker->store, pipeline->name, due.planned_ms, err) &&
              store_commit(worker->store, err);
    if (ok && runs_now) { /* Its source may be asleep. */
        worker_ring(worker);
    }
    return ok;
}

/* Who asked: somebody by hand, unless the request says that it was a call. */
static enum run_trigger trigger_of(struct worker *worker, const struct request *request)
{
    const struct json_value *root = NULL;
    struct err ignored = {0};
    bool called = request->detail.len > 0 &&
                  json_parse(&worker->arena, request->detail, NULL, &root, &ignored) &&
                  str_equal(json_str(json_get(root, STR("trigger"))), STR("webhook"));
    return called ? RUN_BY_WEBHOOK : RUN_BY_HAND;
}

/* A replay has no intake: it is the pipeline's own worker that carries it out. */
static bool open_replay(struct worker *worker, const struct request *request, int64_t *id,
                        struct err *err)
{
    struct run run = {
        .pipeline = request->object,
        .trigger = RUN_BY_HAND,
        .phase = RUN_PIPELINE,
        .planned_ms = clock_wall_ms(worker->clock),
        .started_ms = clock_wall_ms(worker->clock),
        .upto_id = REPLAY_UPTO,
        .detail = request->detail,
    };
    return store_archive_head(worker->store, &run.from_id, err) &&
           store_run_open(worker->store, &run, id, err);
}

static bool take_request(struct worker *worker, bool *taken, struct err *err)
{
    struct request request = {0};
    int64_t run = 0;
    if (!store_request_next(worker->store, &worker->arena, &request, taken, err)) {
        return false;
    }
    if (!*taken) {
        return true;
    }
    bool replay = str_equal(request.act, STR("replay"));
    bool known = (replay || str_equal(request.act, STR("run"))) &&
                 find_pipeline(worker, request.object) != NULL;
    if (!known) {
        log_warn("a request to %.*s '%.*s' was dropped: this configuration has no such pipeline",
                 STR_ARG(request.act), STR_ARG(request.object));
        run = -1;
    }
    bool ok =
        store_begin(worker->store, &worker->lease, err) &&
        (!known || (replay ? open_replay(worker, &request, &run, err)
                           : open_run(worker, request.object, trigger_of(worker, &request),
                                      clock_wall_ms(worker->clock), request.detail, &run, err))) &&
        store_request_taken(worker->store, request.id, run, err) &&
        store_commit(worker->store, err);
    if (ok) {
        worker_ring(worker);
    }
    return ok;
}

static bool look_done(struct worker *worker, struct str source, const struct run *run, bool *done,
                      struct str *error, struct err *err)
{
    struct sweep sweep = {0};
    if (!store_sweep_get(worker->store, &worker->arena, source, &sweep, err)) {
        return false;
    }
    *done = sweep.run >= run->id;
    if (*done && sweep.error.len > 0) {
        *error = sweep.error;
    }
    return true;
}

/* What the pipeline reads: messages of its chats, or a table that it looks things up in. */
static bool reads_source(const struct plan_pipeline *pipeline, const struct plan_source *source)
{
    const char *const *table = op_references(pipeline->op);
    for (size_t i = 0; i < pipeline->chat_count; i++) {
        if (str_equal(pipeline->chats[i].source, source->name)) {
            return true;
        }
    }
    for (; source->reference.len > 0 && table != NULL && *table != NULL; table++) {
        if (str_equal(str_of(*table), source->reference)) {
            return true;
        }
    }
    return false;
}

/* Have all sources of the pipeline been read for this run? Failures are gathered in `error`. What
   sluice files itself ("runs") is no source. */
static bool intake_done(struct worker *worker, const struct plan_pipeline *pipeline,
                        const struct run *run, bool *done, struct str *error, struct err *err)
{
    *done = true;
    for (size_t i = 0; i < worker->plan->source_count && *done; i++) {
        const struct plan_source *source = &worker->plan->sources[i];
        if (reads_source(pipeline, source) &&
            !look_done(worker, source->name, run, done, error, err)) {
            return false;
        }
    }
    return true;
}

static int64_t took_ms(const struct run *run)
{
    return run->ended_ms > run->started_ms ? run->ended_ms - run->started_ms : 0;
}

/* Of each target of the pipeline, how many records were delivered since its last run ended. */
static bool write_written(struct worker *worker, const struct run *run, struct json_writer *json,
                          struct err *err)
{
    const struct plan_pipeline *pipeline = find_pipeline(worker, run->pipeline);
    const struct target *const *targets = op_targets(pipeline->op);
    json_key(json, STR("written"));
    json_object_begin(json);
    for (size_t i = 0; targets != NULL && targets[i] != NULL; i++) {
        int64_t written = 0;
        struct str name = str_of(targets[i]->name);
        if (!store_meter_take(worker->store, METER_RUN_WRITTEN, run->pipeline, name, &written,
                              err)) {
            return false;
        }
        json_field_int(json, name, written);
    }
    json_object_end(json);
    return true;
}

/* How the end of a run reads as a message. */
static bool file_run_event(struct worker *worker, const struct run *run, struct err *err)
{
    struct arena *arena = &worker->arena;
    struct buf text;
    struct json_writer json;
    struct intake_counts counts = {0};
    buf_init(&text, arena, 256);
    json_writer_init(&json, &text);
    json_object_begin(&json);
    json_field_str(&json, STR("pipeline"), run->pipeline);
    json_field_str(&json, STR("outcome"),
                   run->outcome == RUN_OK        ? STR("ok")
                   : run->outcome == RUN_PARTIAL ? STR("partial")
                                                 : STR("failed"));
    json_field_int(&json, STR("started_ms"), run->started_ms);
    json_field_int(&json, STR("ended_ms"), run->ended_ms);
    json_field_int(&json, STR("messages"), run->messages);
    json_field_int(&json, STR("records"), run->records);
    json_field_int(&json, STR("delivered"), run->delivered);
    json_field_int(&json, STR("failed"), run->failed);
    json_key(&json, STR("took_s"));
    json_put_double(&json, (double)took_ms(run) / (double)MS_PER_S);
    json_field_bool(&json, STR("success"), run->outcome == RUN_OK);
    json_field_str(&json, STR("level"),
                   run->outcome == RUN_OK        ? STR("info")
                   : run->outcome == RUN_PARTIAL ? STR("warning")
                                                 : STR("error"));
    if (run->error.len > 0) {
        json_field_str(&json, STR("error"), run->error);
    }
    if (!write_written(worker, run, &json, err)) {
        return false;
    }
    json_object_end(&json);
    json_writer_done(&json);
    struct message message = {
        .kind = MESSAGE_RUN,
        .source = STR("runs"),
        .chat = run->pipeline,
        .external_id = arena_printf(arena, "%" PRId64, run->id),
        .text = buf_str(&text),
        .sent_ms = run->ended_ms,
    };
    if (message.external_id.ptr == NULL || message.text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of step memory for a run's end");
    }
    return store_archive_put(worker->store, arena, &message, 1, &counts, err);
}

static bool count_cycle(struct worker *worker, const struct run *run, struct err *err)
{
    return !metrics_wanted(worker->plan, run->pipeline) ||
           (store_meter_add(worker->store, METER_CYCLES, run->pipeline, (struct str){0}, 1, err) &&
            store_meter_add(worker->store, METER_CYCLES_MS, run->pipeline, (struct str){0},
                            took_ms(run), err) &&
            store_meter_set(worker->store, METER_CYCLE_MS, run->pipeline, took_ms(run), err));
}

static bool end_run(struct worker *worker, struct run *run, struct err *err)
{
    const struct plan_pipeline *pipeline = find_pipeline(worker, run->pipeline);
    bool quiet = pipeline == NULL || pipeline->quiet || !metrics_heard(worker->plan, run->pipeline);
    bool troubled = run->failed > 0 || run->error.len > 0;
    run->phase = RUN_ENDED;
    run->ended_ms = clock_wall_ms(worker->clock);
    run->outcome = !troubled                              ? RUN_OK
                   : run->messages > 0 || run->failed > 0 ? RUN_PARTIAL
                                                          : RUN_FAILED;
    char messages[LOG_COUNT_MAX];
    char records[LOG_COUNT_MAX];
    char delivered[LOG_COUNT_MAX];
    char took[LOG_COUNT_MAX];
    log_info("%.*s: %s messages, %s records, %s delivered%s in %s ms", STR_ARG(run->pipeline),
             log_count(run->messages, messages), log_count(run->records, records),
             log_count(run->delivered, delivered), troubled ? ", with trouble," : "",
             log_count(run->ended_ms - run->started_ms, took));
    return store_run_update(worker->store, run, err) && count_cycle(worker, run, err) &&
           (quiet || file_run_event(worker, run, err));
}

static bool sinks_settled(struct worker *worker, const struct run *run, bool *settled,
                          struct err *err)
{
    int64_t untried = 0;
    if (!store_outbox_untried(worker->store, run->pipeline, run->upto_id, &untried, err)) {
        return false;
    }
    *settled = untried == 0;
    return true;
}

/*
 * What was delivered brought answers and receipts. Whoever runs by hand (or from cron) has nobody
 * else at work, so the run goes on with them: what follows from them belongs to it.
 */
static bool follow_replies(struct worker *worker, struct run *run, int64_t age_ms, bool *more,
                           struct err *err)
{
    int64_t newest = 0;
    *more = false;
    if (run->trigger != RUN_BY_HAND || age_ms > FOLLOW_REPLIES_MS_MAX) {
        return true;
    }
    if (!store_replies_after(worker->store, run->pipeline, run->upto_id, &newest, err)) {
        return false;
    }
    if (newest > run->upto_id) {
        *more = true;
        run->upto_id = newest;
        run->phase = RUN_PIPELINE;
        return store_run_update(worker->store, run, err);
    }
    return true;
}

/* A table that was never read, and cannot be: the pipeline does nothing until somebody helps. */
static bool waits_for_table(struct worker *worker, const struct plan_pipeline *pipeline,
                            const struct run *run, bool *waits, struct err *err)
{
    const char *const *name = op_references(pipeline->op);
    *waits = false;
    for (; run->error.len > 0 && name != NULL && *name != NULL && !*waits; name++) {
        int64_t version = 0;
        if (!store_reference_version(worker->store, str_of(*name), INT64_MAX, &version, err)) {
            return false;
        }
        *waits = version == 0;
    }
    return true;
}

/* What the next phase of the run is, if the present one is over. */
static bool advance(struct worker *worker, struct run *run, bool *moved, struct err *err)
{
    const struct plan_pipeline *pipeline = find_pipeline(worker, run->pipeline);
    int64_t position = 0;
    *moved = false;
    if (pipeline == NULL) { /* The configuration changed meanwhile. */
        run->error = STR("the pipeline is no longer configured");
        *moved = true;
        return end_run(worker, run, err);
    }
    if (run->phase == RUN_INTAKE) {
        struct str error = run->error;
        if (!intake_done(worker, pipeline, run, moved, &error, err)) {
            return false;
        }
        run->error = error;
        run->phase = *moved ? RUN_PIPELINE : RUN_INTAKE;
        return !*moved || (store_archive_head(worker->store, &run->upto_id, err) &&
                           store_run_update(worker->store, run, err));
    }
    if (run->phase == RUN_PIPELINE) {
        if (!store_position_get(worker->store, run->pipeline, &position, err) ||
            !waits_for_table(worker, pipeline, run, moved, err)) {
            return false;
        }
        if (*moved) {
            return end_run(worker, run, err);
        }
        *moved = position >= run->upto_id;
        run->phase = *moved ? RUN_DELIVERY : RUN_PIPELINE;
        return !*moved || store_run_update(worker->store, run, err);
    }
    if (!sinks_settled(worker, run, moved, err)) {
        return false;
    }
    int64_t age_ms = clock_wall_ms(worker->clock) - run->started_ms;
    if (!*moved && run->trigger == RUN_BY_MESSAGE && age_ms > RUN_BY_MESSAGE_MS_MAX) {
        run->error = STR("records wait for a sink that cannot be reached");
        *moved = true;
    }
    bool more = false;
    if (*moved && !follow_replies(worker, run, age_ms, &more, err)) {
        return false;
    }
    return !*moved || more || end_run(worker, run, err);
}

/* Move one run on as far as it goes, each phase in a change of its own. */
static bool follow(struct worker *worker, int64_t id, struct err *err)
{
    bool moved = true;
    log_run_set_id(id);
    while (moved) {
        struct run run = {0};
        if (!store_begin(worker->store, &worker->lease, err) ||
            !store_run_get(worker->store, &worker->arena, id, &run, err)) {
            return false;
        }
        if (run.id == 0 || run.phase == RUN_ENDED) {
            store_rollback(worker->store);
            return true;
        }
        if (!advance(worker, &run, &moved, err)) {
            return false;
        }
        if (!moved) {
            store_rollback(worker->store);
            return true;
        }
        if (!store_commit(worker->store, err)) {
            return false;
        }
        worker_ring(worker);
    }
    return true;
}

static bool conductor_step(struct worker *worker, struct err *err)
{
    struct run *runs = NULL;
    size_t count = 0;
    int64_t next_ms = 0;
    bool taken = false;
    bool changed = false;
    if (!store_changed(worker->store, &changed, err)) {
        return false;
    }
    if (changed) { /* Perhaps by another process, whose commits ring no bell here. */
        worker_ring(worker);
    }
    if (!take_request(worker, &taken, err) ||
        !store_run_active(worker->store, &worker->arena, &runs, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!follow(worker, runs[i].id, err)) {
            return false;
        }
    }
    log_run_set_id(0);
    for (size_t i = 0; i < worker->plan->pipeline_count && !worker->by_hand; i++) {
        if (!look_at_schedule(worker, &worker->plan->pipelines[i], runs, count, &next_ms, err)) {
            return false;
        }
    }
    int64_t wait_ms = count > 0 ? LOOK_MS : IDLE_MS;
    int64_t until_ms = next_ms != 0 ? next_ms - clock_wall_ms(worker->clock) : wait_ms;
    wait_ms = until_ms < wait_ms ? until_ms : wait_ms;
    worker->wake_ms = worker_mono_ms(worker) + (wait_ms > 0 ? wait_ms : 0);
    worker->busy = taken;
    return true;
}

const struct worker_type worker_conductor = {
    .name = "conductor", .step = conductor_step, .patience_ms = PATIENCE_MS};
