#include "serve/service.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "serve/api_act.h"
#include "serve/api_look.h"
#include "serve/openapi.h"
#include "serve/pulse.h"
#include "serve/server.h"
#include "serve/webhooks.h"

enum {
    ALLOW_MAX = 64,
    WEBHOOK_MAX = 1024 * 1024,
    OPENAPI_FIRST = 32 * 1024,
    STATUS_NO_METHOD = 405,
};

/* One door; what comes in by the internal one may see more. */
struct door {
    struct service *service;
    struct server *server;
    bool internal;
};

struct service {
    struct config_http http;
    struct planned planned;
    struct pulse *pulse;
    struct inboxes *inboxes;
    struct renew renew;
    struct api api;
    struct door doors[2];
};

/* What a route answers. True: it did; false: it put the call off. */
typedef bool route_run(struct door *door, struct call *call);

struct route {
    const char *method; /* GET means HEAD as well. */
    const char *path;   /* May end in "{}": one more word. */
    size_t body_max;
    route_run *run;
    unsigned scope; /* Of the token that is needed; 0: none is. */
    api_work *work; /* With run_api. */
};

/* ---- Health ---- */

/* From this machine itself, and not passed on by a proxy that stands on it. */
static bool is_local(const struct call *call)
{
    static const char *const passed_on[] = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
                                            "X-Real-IP", "Via"};
    bool local = str_starts(call->peer, STR("127.")) || str_equal(call->peer, STR("::1"));
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++) {
        local = local && call_header(call, passed_on[i]).ptr == NULL;
    }
    return local;
}

static bool answer_stale(struct call *call)
{
    call->status = STATUS_UNAVAILABLE;
    call->answer = STR("{\"status\":\"failing\",\"culprits\":[{\"part\":\"store\",\"name\":"
                       "\"sluice.db\",\"what\":\"no_answer\",\"status\":\"failing\"}]}\n");
    return true;
}

static bool run_live(struct door *door, struct call *call)
{
    struct str text = {0};
    enum health_status status = HEALTH_OK;
    if (!pulse_get(door->service->pulse, PULSE_HEALTH, &call->arena, &text, &status)) {
        return answer_stale(call);
    }
    call->status = STATUS_OK;
    call->answer = STR("{\"status\":\"ok\"}\n");
    return true;
}

static bool run_health(struct door *door, struct call *call)
{
    enum health_status status = HEALTH_OK;
    bool details = door->internal || api_shows(&door->service->api, call, TOKEN_METRICS);
    if (call->status != 0) { /* A token that is none. */
        return true;
    }
    if (!pulse_get(door->service->pulse, details ? PULSE_DETAILS : PULSE_HEALTH, &call->arena,
                   &call->answer, &status)) {
        return answer_stale(call);
    }
    call->status = status == HEALTH_FAILING ? STATUS_UNAVAILABLE : STATUS_OK;
    return true;
}

/* The page of the pulse, and what only the door knows. */
static struct str with_refused(struct call *call, struct str page, int64_t refused)
{
    return arena_printf(&call->arena,
                        "%.*s# HELP sluice_http_tokens_refused_total Calls with a token that is "
                        "wrong, expired or removed.\n"
                        "# TYPE sluice_http_tokens_refused_total counter\n"
                        "sluice_http_tokens_refused_total %" PRId64 "\n",
                        STR_ARG(page), refused);
}

static bool run_metrics(struct door *door, struct call *call)
{
    enum health_status status = HEALTH_OK;
    struct api *api = &door->service->api;
    struct str page = {0};
    if (!door->internal && !is_local(call) && !api_admit(api, call, TOKEN_METRICS)) {
        return true;
    }
    if (!pulse_get(door->service->pulse, PULSE_METRICS, &call->arena, &page, &status)) {
        return answer_stale(call);
    }
    call->answer = with_refused(call, page, tokens_refused(api->tokens));
    call->status = STATUS_OK;
    call->type = "text/plain; version=0.0.4; charset=utf-8";
    return true;
}

static bool run_webhook(struct door *door, struct call *call)
{
    struct service *service = door->service;
    struct planned_plan *now = planned_take(&service->planned);
    bool answered = webhooks_take(service->inboxes, now->plan, call, call->word);
    planned_give(&service->planned, now);
    return answered;
}

static bool run_api(struct door *door, struct call *call)
{
    const struct route *route = call->route;
    return api_take(&door->service->api, call, route->work);
}

/* No secret, and the first thing that a client asks for. */
static bool run_openapi(struct door *door, struct call *call)
{
    struct buf out;
    (void)door;
    buf_init(&out, &call->arena, OPENAPI_FIRST);
    openapi_write(&out);
    return api_answer(call, STATUS_OK, &out);
}

static const struct route routes[] = {
    {"GET", "/live", 0, run_live, 0, NULL},
    {"GET", "/ready", 0, run_live, 0, NULL},
    {"GET", "/health", 0, run_health, 0, NULL},
    {"GET", "/metrics", 0, run_metrics, 0, NULL},
    {"POST", "/webhook", WEBHOOK_MAX, run_webhook, 0, NULL},
    {"POST", "/webhook/{}", WEBHOOK_MAX, run_webhook, 0, NULL},
    {"GET", "/api/v1/messages", 0, run_api, TOKEN_READ, api_messages},
    {"GET", "/api/v1/messages/{}", 0, run_api, TOKEN_READ, api_message},
    {"GET", "/api/v1/records", 0, run_api, TOKEN_READ, api_records},
    {"GET", "/api/v1/dead-letters", 0, run_api, TOKEN_READ, api_dead_letters},
    {"GET", "/api/v1/dead-letters/{}", 0, run_api, TOKEN_READ, api_dead_letter},
    {"GET", "/api/v1/runs", 0, run_api, TOKEN_READ, api_runs},
    {"GET", "/api/v1/runs/{}", 0, run_api, TOKEN_READ, api_run_one},
    {"GET", "/api/v1/gaps", 0, run_api, TOKEN_READ, api_gaps},
    {"GET", "/api/v1/pipelines", 0, run_api, TOKEN_READ, api_pipelines},
    {"POST", "/api/v1/run/{}", API_BODY_MAX, run_api, TOKEN_RUN, api_run},
    {"GET", "/api/v1/requests/{}", 0, run_api, TOKEN_RUN, api_request},
    {"POST", "/api/v1/reload", API_BODY_MAX, run_api, TOKEN_ADMIN, api_reload},
    {"GET", "/api/v1/openapi.json", 0, run_openapi, 0, NULL},
};

enum { ROUTES = sizeof routes / sizeof routes[0] };

/* ---- Which route ---- */

static bool fits_path(const struct route *route, struct str path, struct str *word)
{
    struct str pattern = str_of(route->path);
    if (!str_ends(pattern, STR("{}"))) {
        return str_equal(pattern, path);
    }
    struct str prefix = str_slice(pattern, 0, pattern.len - 2);
    *word = str_slice(path, prefix.len, path.len);
    return str_starts(path, prefix) && word->len > 0 && str_find_byte(*word, '/', 0) == STR_NONE;
}

static bool fits_method(const struct route *route, struct str method)
{
    struct str own = str_of(route->method);
    return str_equal(own, method) || (str_equal(own, STR("GET")) && str_equal(method, STR("HEAD")));
}

static void refuse_method(struct call *call, const struct route *found[], size_t count)
{
    struct buf allow;
    buf_init(&allow, &call->arena, ALLOW_MAX);
    for (size_t i = 0; i < count; i++) {
        bool get = str_equal(str_of(found[i]->method), STR("GET"));
        buf_printf(&allow, "%s%s", i > 0 ? ", " : "", get ? "GET, HEAD" : found[i]->method);
    }
    call_refuse(call, STATUS_NO_METHOD, "method_not_allowed", "this path takes only %s",
                buf_ok(&allow) ? allow.ptr : "other methods");
    call->header = "Allow";
    call->header_value = buf_str(&allow);
}

static void admit(void *context, struct call *call)
{
    const struct route *found[ROUTES];
    struct door *door = context;
    size_t count = 0;
    for (size_t i = 0; i < ROUTES; i++) {
        struct str word = {0};
        if (fits_path(&routes[i], call->path, &word)) {
            found[count++] = &routes[i];
            if (fits_method(&routes[i], call->method)) {
                call->route = &routes[i];
                call->word = word;
                call->body_max = routes[i].body_max;
                (void)api_admit(&door->service->api, call, routes[i].scope);
                return;
            }
        }
    }
    if (count > 0) {
        refuse_method(call, found, count);
    } else {
        call_refuse(call, STATUS_NOT_FOUND, "not_found", "there is nothing at this path");
    }
}

static bool handle(void *context, struct call *call)
{
    const struct route *route = call->route;
    return route->run(context, call);
}

/* ---- Beginning and end ---- */

static bool open_door(struct service *service, struct door *door, struct str host, int64_t port,
                      bool internal, struct err *err)
{
    struct server_options options = {
        .host = host, .port = port, .admit = admit, .handle = handle, .context = door};
    door->service = service;
    door->internal = internal;
    if (!server_start(&door->server, &options, err)) {
        return false;
    }
    log_info("http: listening on %.*s port %d%s", STR_ARG(host), server_port(door->server),
             internal ? ", for your own monitoring alone" : "");
    return true;
}

static bool check_proxies(const struct config_http *http, struct err *err)
{
    for (size_t i = 0; i < http->proxies.count; i++) {
        struct str one = http->proxies.items[i];
        if (!address_valid(one)) {
            return err_set(err, ERR_CONFIG,
                           "http.proxies: '%.*s' is neither an address nor a network such as "
                           "10.0.0.0/8",
                           STR_ARG(one));
        }
    }
    return true;
}

static bool open_doors(struct service *service, struct err *err)
{
    const struct config_http *http = &service->http;
    struct str host = {0};
    int64_t port = 0;
    return open_door(service, &service->doors[0], http->listen, http->port, false, err) &&
           (http->internal.len == 0 ||
            (config_http_split(http->internal, &host, &port) &&
             open_door(service, &service->doors[1], host, port, true, err)));
}

bool service_start(struct service **out, const struct service_options *options, struct err *err)
{
    struct store *store = NULL;
    *out = NULL;
    struct service *service = options->http->listen.len > 0 ? mem_alloc(sizeof *service) : NULL;
    if (service == NULL) {
        options->plan_owner.release(options->plan_owner.owner);
        return options->http->listen.len == 0 || err_set(err, ERR_RETRY, "out of memory");
    }
    service->http = *options->http;
    bool ok = planned_init(&service->planned, options->plan, options->plan_owner, err) &&
              check_proxies(&service->http, err) && engine_store(options->engine, &store, err) &&
              pulse_start(&service->pulse, store, &service->planned, err);
    for (size_t i = 0; i < ROUTES; i++) {
        must(routes[i].work == NULL || openapi_describes(routes[i].method, routes[i].path));
    }
    renew_init(&service->renew);
    service->api = (struct api){.http = &service->http,
                                .engine = options->engine,
                                .planned = &service->planned,
                                .renew = &service->renew,
                                .dry = options->dry,
                                .words = options->words};
    ok = ok && api_start(&service->api, err);
    service->inboxes = engine_inboxes(options->engine);
    if (ok && open_doors(service, err)) {
        inboxes_set_door(service->inboxes, true);
        *out = service;
        return true;
    }
    service_stop(service);
    if (ok && err->kind == ERR_RETRY && !options->http->asked && options->http->internal.len == 0) {
        log_warn("%s; nobody asked for it, so sluice goes on without HTTP", err->text);
        *err = (struct err){0};
        return true;
    }
    return false;
}

void service_replan(struct service *service, const struct plan *plan, struct plan_owner owner)
{
    if (service == NULL) {
        owner.release(owner.owner);
    } else if (!planned_set(&service->planned, plan, owner)) {
        log_warn("http: out of memory; health is told by the configuration before");
    }
}

struct renew *service_renew(struct service *service)
{
    return service != NULL ? &service->renew : NULL;
}

void service_stop(struct service *service)
{
    if (service == NULL) {
        return;
    }
    server_quiesce(service->doors[0].server);
    server_quiesce(service->doors[1].server);
    api_stop(&service->api);
    server_stop(service->doors[0].server);
    server_stop(service->doors[1].server);
    api_free(&service->api);
    pulse_stop(service->pulse);
    planned_free(&service->planned);
    mem_free(service);
}
