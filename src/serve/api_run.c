/*
 * A run that is asked for.
 *
 * The call leaves a request, as a verb beside a running `serve` does, and waits RUN_WAIT_MS for the
 * conductor to take it up; the request is kept either way, and can be looked at.
 */
#include <inttypes.h>
#include <stdio.h>

#include "serve/api_act.h"
#include "store/run.h"
#include "text/datetime.h"
#include "text/json.h"

enum {
    RUN_WAIT_MS = 2000,
    RUN_LOOK_MS = 50,
    DRY_MS_MAX = 60 * 1000,
    DETAIL_MAX = 160,
    BODY_DEPTH_MAX = 4
};

struct asked {
    int64_t request;
    int64_t until_ms; /* Monotonic. */
    char location[64];
};

/* What the body may say. */
struct wish {
    int64_t since_ms;
    int64_t until_ms;
    bool ranged;
    bool dry;
};

static bool refuse_body(struct call *call, const char *why)
{
    call_refuse(call, STATUS_WRONG, "wrong_body", "%s", why);
    return false;
}

static bool read_moment(const struct json_value *value, int64_t *ms)
{
    struct err ignored = {0};
    return datetime_parse_iso_ms(json_str(value), ms, &ignored);
}

static bool read_field(struct wish *wish, struct str key, const struct json_value *value)
{
    if (str_equal(key, STR("since"))) {
        wish->ranged = true;
        return read_moment(value, &wish->since_ms);
    }
    if (str_equal(key, STR("until"))) {
        return read_moment(value, &wish->until_ms);
    }
    return str_equal(key, STR("dry_run")) && json_bool(value, &wish->dry);
}

static bool read_wish(struct calls_hand *hand, struct call *call, struct wish *wish)
{
    const struct json_value *root = NULL;
    const struct json_value *value = NULL;
    struct json_limits limits = {.depth_max = BODY_DEPTH_MAX};
    struct err err = {0};
    struct json_iter iter;
    struct str key;
    *wish = (struct wish){.dry = false};
    if (call->body.len == 0) {
        return true;
    }
    if (!json_parse(&hand->scratch, buf_str(&call->body), &limits, &root, &err)) {
        return refuse_body(call, err.text);
    }
    if (json_kind(root) != JSON_OBJECT) {
        return refuse_body(call, "the body is a JSON object: since, until, dry_run");
    }
    json_iter_init(&iter, root);
    while (json_next(&iter, &key, &value)) {
        if (!read_field(wish, key, value)) {
            return refuse_body(call, "the body may say since and until, times with their zone "
                                     "such as 2026-01-05T10:00:00Z, and dry_run, true or "
                                     "false");
        }
    }
    if (wish->until_ms != 0 && (!wish->ranged || wish->until_ms <= wish->since_ms)) {
        return refuse_body(call, "until needs a since that is before it");
    }
    return true;
}

static bool is_pipeline(struct api *api, struct str name)
{
    struct planned_plan *plan = planned_take(api->planned);
    bool found = false;
    for (size_t i = 0; i < plan->plan->pipeline_count; i++) {
        found = found || str_equal(plan->plan->pipelines[i].name, name);
    }
    planned_give(api->planned, plan);
    return found;
}

static bool refuse_pipeline(struct call *call)
{
    call_refuse(call, STATUS_NOT_FOUND, "not_found", "there is no such pipeline");
    return true;
}

/* The request and its entry in the audit log, in one change. */
static bool leave(struct calls_hand *hand, struct call *call, const struct wish *wish, int64_t *id,
                  struct err *err)
{
    char detail[DETAIL_MAX];
    char noted[DETAIL_MAX];
    char range[DETAIL_MAX] = "";
    if (wish->ranged) {
        (void)snprintf(range, sizeof range, ",\"since_ms\":%" PRId64 ",\"until_ms\":%" PRId64,
                       wish->since_ms, wish->until_ms);
    }
    (void)snprintf(detail, sizeof detail, "{\"trigger\":\"webhook\"%s}", range);
    struct request request = {.act = STR("run"), .object = call->word, .detail = str_of(detail)};
    if (!store_begin(hand->store, NULL, err) ||
        !store_request_put(hand->store, &request, id, err)) {
        return false;
    }
    (void)snprintf(noted, sizeof noted, ",\"request\":%" PRId64 "%s", *id, range);
    return api_audit_act(hand, call, "run", call->word, str_of(noted), err) &&
           store_commit(hand->store, err);
}

/* ---- A run of which nothing stays ---- */

struct patience {
    struct api *api;
    int64_t until_ms; /* Monotonic. */
};

static bool is_over(void *context)
{
    const struct patience *patience = context;
    lock_take(&patience->api->lock);
    bool stop = patience->api->stop;
    lock_give(&patience->api->lock);
    return stop || clock_mono_ms(clock_system()) >= patience->until_ms;
}

static bool take_turn(struct api *api, bool take)
{
    lock_take(&api->lock);
    bool got = take && !api->drying;
    api->drying = take ? true : false;
    lock_give(&api->lock);
    return got;
}

/* What it shows is what would be written, so the token must be allowed to see people. */
static bool run_dry(struct api *api, struct calls_hand *hand, struct call *call,
                    const struct wish *wish)
{
    struct patience patience = {api, clock_mono_ms(clock_system()) + DRY_MS_MAX};
    struct api_dry_wish asked = {call->word, wish->since_ms, wish->until_ms, is_over, &patience};
    struct err err = {0};
    struct str text = {0};
    if (!api_sees_people(call)) {
        call_refuse(
            call, STATUS_FORBIDDEN, "forbidden",
            "a dry run shows what would be written, so the token needs the scope people, too");
        return true;
    }
    if (api->dry.run == NULL || !take_turn(api, true)) {
        call_refuse_later(call, "try_later", "another dry run is being made");
        return true;
    }
    bool ok = api_audit_read(api, hand, call) &&
              api->dry.run(api->dry.context, &asked, &call->arena, &text, &err);
    (void)take_turn(api, false);
    if (ok) {
        call->answer = text;
        call->status = STATUS_OK;
    } else if (call->status == 0 && err.kind == ERR_STOP) {
        call_refuse_later(call, "too_long",
                          "this takes too long for a call: sluice run PIPELINE --dry-run --json");
    } else if (call->status == 0) {
        (void)api_fail(call, &err);
    }
    return true;
}

static bool begin(struct api *api, struct calls_hand *hand, struct call *call)
{
    static const char *const names[] = {NULL};
    struct wish wish;
    struct err err = {0};
    struct asked *asked = arena_alloc(&call->arena, sizeof *asked);
    if (!api_arguments(call, names) || !read_wish(hand, call, &wish)) {
        return true;
    }
    if (!is_pipeline(api, call->word)) {
        return refuse_pipeline(call);
    }
    if (wish.dry) {
        return run_dry(api, hand, call, &wish);
    }
    if (asked == NULL || !leave(hand, call, &wish, &asked->request, &err)) {
        return api_fail(call, &err);
    }
    engine_wake(api->engine);
    (void)snprintf(asked->location, sizeof asked->location, "/api/v1/requests/%" PRId64,
                   asked->request);
    asked->until_ms = clock_mono_ms(clock_system()) + RUN_WAIT_MS;
    call->state = asked;
    call->again_ms = RUN_LOOK_MS;
    return false;
}

bool api_run(struct api *api, struct calls_hand *hand, struct call *call)
{
    struct asked *asked = call->state;
    struct request request = {0};
    struct err err = {0};
    struct buf out;
    struct json_writer json;
    bool found = false;
    if (asked == NULL) {
        return begin(api, hand, call);
    }
    if (!store_request_get(hand->store, &hand->scratch, asked->request, &request, &found, &err)) {
        return api_fail(call, &err);
    }
    if (request.run_id < 0) { /* A reload took it away meanwhile. */
        return refuse_pipeline(call);
    }
    if (request.run_id == 0 && clock_mono_ms(clock_system()) < asked->until_ms) {
        return false;
    }
    buf_init(&out, &call->arena, DETAIL_MAX);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_field_int(&json, STR("request"), asked->request);
    json_key(&json, STR("run"));
    if (request.run_id > 0) {
        json_put_int(&json, request.run_id);
    } else {
        json_put_null(&json);
    }
    json_object_end(&json);
    call->header = "Location";
    call->header_value = str_of(asked->location);
    return api_answer(call, STATUS_ACCEPTED, &out);
}

bool api_request(struct api *api, struct calls_hand *hand, struct call *call)
{
    static const char *const names[] = {NULL};
    struct request request = {0};
    struct err err = {0};
    struct buf out;
    struct json_writer json;
    bool found = false;
    int64_t id = 0;
    (void)api;
    if (!api_arguments(call, names) || !api_id(call, "request", &id)) {
        return true;
    }
    if (!store_request_get(hand->store, &hand->scratch, id, &request, &found, &err)) {
        return api_fail(call, &err);
    }
    if (!found) {
        call_refuse(call, STATUS_NOT_FOUND, "not_found", "there is no such request");
        return true;
    }
    buf_init(&out, &call->arena, DETAIL_MAX);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_field_int(&json, STR("request"), id);
    json_field_str(&json, STR("act"), request.act);
    json_field_str(&json, STR("pipeline"), request.object);
    json_field_str(&json, STR("state"),
                   request.run_id == 0  ? STR("waiting")
                   : request.run_id > 0 ? STR("taken")
                                        : STR("refused"));
    json_key(&json, STR("run"));
    if (request.run_id > 0) {
        json_put_int(&json, request.run_id);
    } else {
        json_put_null(&json);
    }
    json_object_end(&json);
    return api_answer(call, STATUS_OK, &out);
}
