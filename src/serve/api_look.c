/* How the work stands: runs, gaps, pipelines. */
#include "serve/api_look.h"

#include "model/schedule.h"
#include "serve/gaps.h"
#include "serve/view.h"
#include "store/run.h"

enum { ANSWER_FIRST = 4 * 1024 };

static const char *const none[] = {NULL};

/* ---- Runs ---- */

static void put_run(struct json_writer *json, struct calls_hand *hand, const struct call *call,
                    const struct run *run)
{
    bool people = api_sees_people(call);
    view_run(json, run, people ? run->error : view_masked(&hand->scratch, run->error));
}

bool api_runs(struct api *api, struct calls_hand *hand, struct call *call)
{
    static const char *const names[] = {"pipeline", "limit", "cursor", NULL};
    struct err err = {0};
    struct run *runs = NULL;
    size_t count = 0;
    size_t limit = 0;
    int64_t before = 0;
    struct buf out;
    struct json_writer json;
    (void)api;
    if (!api_arguments(call, names) || !api_limit(call, &limit) ||
        !api_cursor(hand, call, 'r', &before)) {
        return true;
    }
    if (!store_run_list(hand->store, &hand->scratch, api_argument(call, "pipeline"), before,
                        limit + 1, &runs, &count, &err)) {
        return api_fail(call, &err);
    }
    size_t shown = count < limit ? count : limit;
    buf_init(&out, &call->arena, ANSWER_FIRST);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_key(&json, STR("runs"));
    json_array_begin(&json);
    for (size_t i = 0; i < shown; i++) {
        put_run(&json, hand, call, &runs[i]);
    }
    json_array_end(&json);
    api_put_next(&json, 'r', count > limit ? runs[limit - 1].id : 0);
    json_object_end(&json);
    return api_answer(call, STATUS_OK, &out);
}

bool api_run_one(struct api *api, struct calls_hand *hand, struct call *call)
{
    struct err err = {0};
    struct run run = {0};
    int64_t id = 0;
    struct buf out;
    struct json_writer json;
    (void)api;
    if (!api_arguments(call, none) || !api_id(call, "run", &id)) {
        return true;
    }
    if (!store_run_get(hand->store, &hand->scratch, id, &run, &err)) {
        return api_fail(call, &err);
    }
    if (run.id == 0) {
        call_refuse(call, STATUS_NOT_FOUND, "not_found", "there is no such run");
        return true;
    }
    buf_init(&out, &call->arena, ANSWER_FIRST);
    json_writer_init(&json, &out);
    put_run(&json, hand, call, &run);
    return api_answer(call, STATUS_OK, &out);
}

/* ---- Gaps ---- */

bool api_gaps(struct api *api, struct calls_hand *hand, struct call *call)
{
    static const char *const names[] = {"source", "limit", "cursor", NULL};
    struct arena *scratch = &hand->scratch;
    struct err err = {0};
    struct gap_item *items = NULL;
    size_t count = 0;
    size_t limit = 0;
    int64_t from = 0;
    struct buf out;
    struct json_writer json;
    (void)api;
    if (!api_arguments(call, names) || !api_limit(call, &limit) ||
        !api_cursor(hand, call, 'g', &from)) {
        return true;
    }
    if (!gaps_list(hand->store, scratch, api_argument(call, "source"), (struct str){0}, &items,
                   &count, &err)) {
        return api_fail(call, &err);
    }
    size_t first = (size_t)from < count ? (size_t)from : count;
    size_t end = count - first < limit ? count : first + limit;
    bool people = api_sees_people(call);
    buf_init(&out, &call->arena, ANSWER_FIRST);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_key(&json, STR("gaps"));
    json_array_begin(&json);
    for (size_t i = first; i < end; i++) {
        gaps_view(&json, &items[i], people ? items[i].chat : view_masked(scratch, items[i].chat));
    }
    json_array_end(&json);
    api_put_next(&json, 'g', end < count ? (int64_t)end : 0);
    json_object_end(&json);
    return api_answer(call, STATUS_OK, &out);
}

/* ---- Pipelines ---- */

static bool put_pipeline(struct json_writer *json, struct calls_hand *hand, const struct call *call,
                         const struct plan_pipeline *pipeline, struct err *err)
{
    struct run *last = NULL;
    size_t runs = 0;
    int64_t planned_ms = 0;
    int64_t next_ms = 0;
    if (!store_run_list(hand->store, &hand->scratch, pipeline->name, 0, 1, &last, &runs, err) ||
        !store_schedule_get(hand->store, pipeline->name, &planned_ms, err)) {
        return false;
    }
    (void)schedule_preview(&pipeline->schedule, planned_ms, clock_wall_ms(clock_system()), &next_ms,
                           1);
    json_object_begin(json);
    json_field_str(json, STR("name"), pipeline->name);
    json_field_str(json, STR("schedule"), view_schedule(&hand->scratch, &pipeline->schedule));
    json_key(json, STR("last_run"));
    if (runs > 0) {
        put_run(json, hand, call, &last[0]);
    } else {
        json_put_null(json);
    }
    json_field_time(json, STR("next_at"), next_ms);
    json_object_end(json);
    return true;
}

bool api_pipelines(struct api *api, struct calls_hand *hand, struct call *call)
{
    struct err err = {0};
    struct buf out;
    struct json_writer json;
    bool ok = true;
    if (!api_arguments(call, none)) {
        return true;
    }
    buf_init(&out, &call->arena, ANSWER_FIRST);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_key(&json, STR("pipelines"));
    json_array_begin(&json);
    struct planned_plan *plan = planned_take(api->planned);
    ok = store_begin_read(hand->store, &err);
    for (size_t i = 0; ok && i < plan->plan->pipeline_count; i++) {
        ok = put_pipeline(&json, hand, call, &plan->plan->pipelines[i], &err);
    }
    store_rollback(hand->store);
    planned_give(api->planned, plan);
    if (!ok) {
        return api_fail(call, &err);
    }
    json_array_end(&json);
    json_object_end(&json);
    return api_answer(call, STATUS_OK, &out);
}
