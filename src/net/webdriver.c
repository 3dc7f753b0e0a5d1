#include "net/webdriver.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/webdriver_call.h"

enum {
    LEFTOVER_MS = 10000, /* To end what is left of a session before the next. */
    LOOK_MS = 5000,      /* For one look at the server. */
    PAUSE_FIRST_MS = 100,
    PAUSE_MAX_MS = 2000,
    STOP_LOOK_MS = 250,
    EVICTED_MAX = 64,
    FOLDED = 4, /* A command's memory, in answers of the largest size. */
};

/* ---- Life ---- */

static bool stop_asked(void *context)
{
    const struct webdriver *driver = context;
    return !driver->closing && driver->stopping != NULL &&
           driver->stopping(driver->stopping_context);
}

static bool take_url(struct webdriver *driver, struct str url, struct err *err)
{
    while (str_ends(url, STR("/"))) {
        url.len--;
    }
    if (!http_url_check(url, err)) {
        return err_prefix(err, "webdriver: ");
    }
    if (url.len >= sizeof driver->url || str_find_byte(url, '?', 0) != STR_NONE ||
        str_find_byte(url, '#', 0) != STR_NONE) {
        return err_set(err, ERR_CONFIG,
                       "webdriver: the server's address must read http://HOST:PORT or "
                       "http://HOST:PORT/wd/hub, without ? and #");
    }
    memcpy(driver->url, url.ptr, url.len);
    return true;
}

bool webdriver_open(struct webdriver **out, const struct webdriver_options *options,
                    struct err *err)
{
    struct webdriver *driver = mem_alloc(sizeof *driver);
    if (driver == NULL) {
        return err_set(err, ERR_RETRY, "webdriver: out of memory");
    }
    driver->clock = options->clock != NULL ? options->clock : clock_system();
    driver->stopping = options->stopping;
    driver->stopping_context = options->stopping_context;
    driver->note = options->note;
    driver->note_context = options->note_context;
    arena_init(&driver->wire, (size_t)WEBDRIVER_ANSWER_LIMIT * FOLDED);
    arena_init(&driver->tree, (size_t)WEBDRIVER_ANSWER_LIMIT * FOLDED);
    struct http_options http = {.root = options->root,
                                .anywhere = true,
                                .allow_clear = options->allow_clear,
                                .clock = driver->clock,
                                .stopping = stop_asked,
                                .stopping_context = driver};
    if (!take_url(driver, options->url, err) || !http_open(&driver->http, &http, err)) {
        mem_free(driver);
        return false;
    }
    *out = driver;
    return true;
}

void webdriver_close(struct webdriver *driver)
{
    if (driver != NULL) {
        http_close(driver->http);
        arena_free(&driver->wire);
        arena_free(&driver->tree);
        explicit_bzero(driver->session, sizeof driver->session);
        explicit_bzero(driver->url, sizeof driver->url); /* It may hold a password. */
        mem_free(driver);
    }
}

enum webdriver_fault webdriver_fault(const struct webdriver *driver)
{
    return driver->fault;
}

enum webdriver_fate webdriver_fate(const struct webdriver *driver)
{
    return webdriver_fault_fate(driver->fault);
}

/* ---- Is there a browser to be had? ---- */

static bool read_node(const struct json_value *node, struct webdriver_status *status)
{
    struct json_iter slots;
    const struct json_value *slot = NULL;
    int64_t idle_ms = 0;
    int64_t places = 0;
    int64_t taken = 0;
    if (!str_equal(json_str(json_get(node, STR("availability"))), STR("UP"))) {
        return false;
    }
    json_iter_init(&slots, json_get(node, STR("slots")));
    while (json_next(&slots, NULL, &slot)) {
        taken += json_kind(json_get(slot, STR("session"))) == JSON_OBJECT;
        places++;
    }
    int64_t most = 0; /* A node may have more slots than it may use at once. */
    if (json_int(json_get(node, STR("maxSessions")), &most) && most > 0 && most < places) {
        places = most;
    }
    status->up++;
    status->places += places;
    status->taken += taken;
    if (json_int(json_get(node, STR("sessionTimeout")), &idle_ms) && idle_ms > 0 &&
        (status->idle_ms == 0 || idle_ms < status->idle_ms)) {
        status->idle_ms = idle_ms;
    }
    return true;
}

/* A Grid is "not ready" both while it has no machine and while every place is taken. */
static void read_status(const struct json_value *value, struct webdriver_status *status)
{
    struct json_iter nodes;
    const struct json_value *node = NULL;
    bool ready = false;
    (void)json_bool(json_get(value, STR("ready")), &ready);
    status->grid = json_kind(json_get(value, STR("nodes"))) == JSON_ARRAY;
    json_iter_init(&nodes, json_get(value, STR("nodes")));
    for (size_t i = 0; i < WEBDRIVER_NODES_MAX && json_next(&nodes, NULL, &node); i++) {
        (void)read_node(node, status);
    }
    bool full = status->grid ? status->places > 0 && status->taken >= status->places : true;
    status->ready = ready ? WEBDRIVER_READY : full ? WEBDRIVER_BUSY : WEBDRIVER_STARTING;
}

bool webdriver_status(struct webdriver *driver, int64_t deadline_ms,
                      struct webdriver_status *status, struct err *err)
{
    const struct json_value *value = NULL;
    *status = (struct webdriver_status){0};
    webdriver_begin(driver, NULL);
    if (!webdriver_send(driver,
                        &(struct webdriver_call){
                            .what = "status", .method = "GET", .path = "/status", .bare = true},
                        NULL, deadline_ms, &value, err)) {
        return false;
    }
    if (json_kind(json_get(value, STR("ready"))) != JSON_BOOL) {
        return webdriver_fail(driver, WEBDRIVER_NONSENSE, "status", err);
    }
    read_status(value, status);
    return true;
}

/* False: asked to stop. */
static bool pause_until(struct webdriver *driver, int64_t until_ms)
{
    struct clock *clock = driver->clock;
    while (!stop_asked(driver)) {
        int64_t now_ms = clock_mono_ms(clock);
        if (now_ms >= until_ms) {
            return true;
        }
        clock->sleep_until(clock,
                           until_ms - now_ms < STOP_LOOK_MS ? until_ms : now_ms + STOP_LOOK_MS);
    }
    return false;
}

/* The best that is known when the time is over. */
static bool why_not_ready(struct webdriver *driver, const struct webdriver_status *status,
                          const struct err *last, struct err *err)
{
    if (status->ready == WEBDRIVER_STARTING) {
        driver->fault = WEBDRIVER_UNREACHABLE;
        return err_set(
            err, ERR_RETRY, "webdriver: the server answers, but has no browser to give yet (%s)",
            status->up > 0 ? "its machines take no new sessions" : "no machine of the Grid is up");
    }
    *err = *last;
    return false;
}

bool webdriver_wait_ready(struct webdriver *driver, int64_t deadline_ms,
                          struct webdriver_status *status, struct err *err)
{
    int64_t pause_ms = PAUSE_FIRST_MS;
    struct err last = {0};
    for (;;) {
        int64_t now_ms = clock_mono_ms(driver->clock);
        int64_t look_ms = deadline_ms < now_ms + LOOK_MS ? deadline_ms : now_ms + LOOK_MS;
        struct err why = {0};
        bool answered = webdriver_status(driver, look_ms, status, &why);
        if (answered && status->ready >= WEBDRIVER_BUSY) {
            return true;
        }
        /* "No time left" would hide what was wrong all the time before. */
        if (last.kind == ERR_NONE || look_ms > now_ms) {
            last = why;
        }
        if (!answered && (driver->fault == WEBDRIVER_STOPPED || why.kind == ERR_LOGIN)) {
            *err = why;
            return false;
        }
        now_ms = clock_mono_ms(driver->clock);
        if (now_ms + pause_ms >= deadline_ms) {
            return why_not_ready(driver, status, &last, err);
        }
        if (!pause_until(driver, now_ms + pause_ms)) {
            return webdriver_fail(driver, WEBDRIVER_STOPPED, "waiting for the server", err);
        }
        pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
    }
}

/* ---- Starting ---- */

static void put_argument(struct json_writer *json, struct arena *arena, const char *name,
                         struct str value)
{
    struct str text = arena_printf(arena, "--%s%.*s", name, STR_ARG(value));
    json_put_str(json, text.ptr != NULL ? text : STR(""));
}

static void put_chrome(struct json_writer *json, struct arena *arena,
                       const struct webdriver_browser *browser)
{
    json_object_begin(json);
    if (browser->binary.len > 0) {
        json_field_str(json, STR("binary"), browser->binary);
    }
    json_key(json, STR("args"));
    json_array_begin(json);
    if (browser->profile.len > 0) {
        put_argument(json, arena, "user-data-dir=", browser->profile);
    }
    if (browser->headless) {
        put_argument(json, arena, "headless=new", STR(""));
    }
    if (browser->width > 0 && browser->height > 0) {
        char size[32];
        (void)snprintf(size, sizeof size, "%d,%d", browser->width, browser->height);
        put_argument(json, arena, "window-size=", str_of(size));
    }
    for (size_t i = 0; i < browser->arg_count; i++) {
        json_put_str(json, browser->args[i]);
    }
    json_array_end(json);
    json_object_end(json);
}

static void put_timeouts(struct json_writer *json, int64_t script_ms, int64_t page_ms)
{
    json_object_begin(json);
    json_field_int(json, STR("script"), script_ms);
    json_field_int(json, STR("pageLoad"), page_ms);
    json_field_int(json, STR("implicit"), 0);
    json_object_end(json);
}

static void put_capabilities(struct buf *body, const struct webdriver_browser *browser)
{
    struct json_writer json;
    json_writer_init(&json, body);
    json_object_begin(&json);
    json_key(&json, STR("capabilities"));
    json_object_begin(&json);
    json_key(&json, STR("alwaysMatch"));
    json_object_begin(&json);
    json_field_str(&json, STR("browserName"), STR("chrome"));
    json_field_str(&json, STR("unhandledPromptBehavior"), STR("dismiss and notify"));
    json_key(&json, STR("timeouts"));
    put_timeouts(&json, browser->script_ms > 0 ? browser->script_ms : WEBDRIVER_SCRIPT_MS,
                 browser->page_ms > 0 ? browser->page_ms : WEBDRIVER_PAGE_MS);
    json_key(&json, STR("goog:chromeOptions"));
    put_chrome(&json, body->arena, browser);
    json_object_end(&json);
    json_key(&json, STR("firstMatch"));
    json_array_begin(&json);
    json_object_begin(&json);
    json_object_end(&json);
    json_array_end(&json);
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
}

/* Names go into addresses: nothing else than these letters. */
static bool is_name(struct str name, size_t size)
{
    if (name.len == 0 || name.len >= size) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char letter = name.ptr[i];
        if (!((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
              (letter >= '0' && letter <= '9') || letter == '-' || letter == '_')) {
            return false;
        }
    }
    return true;
}

static bool take_session(struct webdriver *driver, const struct json_value *value, struct err *err)
{
    struct str name = json_str(json_get(value, STR("sessionId")));
    struct str version = json_str(json_find(value, STR("capabilities/browserVersion")));
    if (!is_name(name, sizeof driver->session)) {
        return webdriver_fail(driver, WEBDRIVER_NONSENSE, "start", err);
    }
    memset(driver->session, 0, sizeof driver->session);
    memcpy(driver->session, name.ptr, name.len);
    memset(driver->version, 0, sizeof driver->version);
    if (version.len > 0) {
        memcpy(driver->version, version.ptr,
               version.len < sizeof driver->version ? version.len : sizeof driver->version - 1);
    }
    driver->lost = false;
    driver->started_ms = clock_mono_ms(driver->clock);
    driver->calls = driver->received = 0;
    return true;
}

static bool sound(struct webdriver *driver, const struct webdriver_browser *browser,
                  struct err *err)
{
    if (browser->arg_count <= WEBDRIVER_ARGS_MAX && browser->script_ms >= 0 &&
        browser->script_ms <= WEBDRIVER_SCRIPT_MAX_MS && browser->page_ms >= 0) {
        return true;
    }
    (void)webdriver_fail(driver, WEBDRIVER_BAD_ARGUMENT, "start", err);
    return err_set(err, ERR_CONFIG,
                   "webdriver, start: a script may take 60 seconds at most, and a browser takes "
                   "at most %d arguments",
                   WEBDRIVER_ARGS_MAX);
}

bool webdriver_start(struct webdriver *driver, const struct webdriver_browser *browser,
                     int64_t deadline_ms, struct err *err)
{
    struct buf body;
    const struct json_value *value = NULL;
    if (!sound(driver, browser, err)) {
        return false;
    }
    if (driver->session[0] != '\0') {
        /* Perhaps it cannot be reached; then the server's own limits end it. */
        struct err ignored = {0};
        int64_t leftover_ms = clock_mono_ms(driver->clock) + LEFTOVER_MS;
        (void)webdriver_quit(driver, leftover_ms < deadline_ms ? leftover_ms : deadline_ms,
                             &ignored);
        driver->lost = true;
    }
    webdriver_begin(driver, &body);
    put_capabilities(&body, browser);
    return webdriver_send(driver,
                          &(struct webdriver_call){
                              .what = "start", .path = "/session", .bare = true, .once = true},
                          &body, deadline_ms, &value, err) &&
           take_session(driver, value, err);
}

/* ---- Ending ---- */

bool webdriver_remove(struct webdriver *driver, struct str session, int64_t deadline_ms,
                      struct err *err)
{
    char path[WEBDRIVER_ID_MAX + 16];
    bool was_closing = driver->closing;
    if (!is_name(session, WEBDRIVER_ID_MAX)) {
        return webdriver_fail(driver, WEBDRIVER_BAD_ARGUMENT, "end", err);
    }
    (void)snprintf(path, sizeof path, "/session/%.*s", STR_ARG(session));
    webdriver_begin(driver, NULL);
    driver->closing = true;
    struct err why = {0};
    bool ok = webdriver_send(
        driver,
        &(struct webdriver_call){.what = "end", .method = "DELETE", .path = path, .bare = true},
        NULL, deadline_ms, NULL, &why);
    driver->closing = was_closing;
    if (!ok && driver->fault == WEBDRIVER_SESSION_LOST) {
        driver->fault = WEBDRIVER_FINE;
        ok = true;
    }
    if (!ok) {
        *err = why;
    }
    return ok;
}

bool webdriver_quit(struct webdriver *driver, int64_t deadline_ms, struct err *err)
{
    driver->fault = WEBDRIVER_FINE;
    if (driver->session[0] == '\0') {
        return true;
    }
    driver->lost = true;
    char name[WEBDRIVER_ID_MAX];
    memcpy(name, driver->session, sizeof name);
    if (!webdriver_remove(driver, str_of(name), deadline_ms, err)) {
        return false;
    }
    memset(driver->session, 0, sizeof driver->session);
    return true;
}

struct str webdriver_session(const struct webdriver *driver)
{
    return driver->session[0] != '\0' ? str_of(driver->session) : (struct str){0};
}

bool webdriver_alive(const struct webdriver *driver)
{
    return driver->session[0] != '\0' && !driver->lost;
}

struct str webdriver_browser_version(const struct webdriver *driver)
{
    return driver->version[0] != '\0' ? str_of(driver->version) : (struct str){0};
}

/* ---- Sessions of others that use our profile ---- */

struct found {
    char names[EVICTED_MAX][WEBDRIVER_ID_MAX];
    size_t count;
};

static void look_at_session(struct found *found, const struct json_value *capabilities,
                            struct str name, struct str profile)
{
    struct str theirs = json_str(json_find(capabilities, STR("chrome/userDataDir")));
    if (str_equal(theirs, profile) && is_name(name, WEBDRIVER_ID_MAX) &&
        found->count < EVICTED_MAX) {
        memcpy(found->names[found->count], name.ptr, name.len);
        found->names[found->count++][name.len] = '\0';
    }
}

/* A Grid tells its sessions with its status. */
static void look_at_nodes(struct found *found, const struct json_value *value, struct str profile)
{
    struct json_iter nodes;
    struct json_iter slots;
    const struct json_value *node = NULL;
    const struct json_value *slot = NULL;
    json_iter_init(&nodes, json_get(value, STR("nodes")));
    while (json_next(&nodes, NULL, &node)) {
        json_iter_init(&slots, json_get(node, STR("slots")));
        while (json_next(&slots, NULL, &slot)) {
            const struct json_value *session = json_get(slot, STR("session"));
            look_at_session(found, json_get(session, STR("capabilities")),
                            json_str(json_get(session, STR("sessionId"))), profile);
        }
    }
}

/* A plain driver tells them at a place of its own. */
static void look_at_list(struct found *found, const struct json_value *value, struct str profile)
{
    struct json_iter sessions;
    const struct json_value *session = NULL;
    json_iter_init(&sessions, value);
    while (json_next(&sessions, NULL, &session)) {
        look_at_session(found, json_get(session, STR("capabilities")),
                        json_str(json_get(session, STR("id"))), profile);
    }
}

static bool find_sessions(struct webdriver *driver, struct str profile, int64_t deadline_ms,
                          struct found *found, struct err *err)
{
    const struct json_value *value = NULL;
    static const struct webdriver_call status = {
        .what = "sessions", .method = "GET", .path = "/status", .bare = true};
    static const struct webdriver_call list = {
        .what = "sessions", .method = "GET", .path = "/sessions", .bare = true};
    webdriver_begin(driver, NULL);
    if (!webdriver_send(driver, &status, NULL, deadline_ms, &value, err)) {
        return false;
    }
    if (json_kind(json_get(value, STR("nodes"))) == JSON_ARRAY) {
        look_at_nodes(found, value, profile);
        return true;
    }
    webdriver_begin(driver, NULL);
    struct err why = {0};
    if (webdriver_send(driver, &list, NULL, deadline_ms, &value, &why)) {
        look_at_list(found, value, profile);
        return true;
    }
    if (driver->fault == WEBDRIVER_UNKNOWN_COMMAND) { /* It does not tell; that is its right. */
        driver->fault = WEBDRIVER_FINE;
        return true;
    }
    *err = why;
    return false;
}

static bool end_sessions(struct webdriver *driver, const struct found *found, int64_t deadline_ms,
                         size_t *ended, struct err *err)
{
    for (size_t i = 0; i < found->count; i++) {
        if (str_equal(str_of(found->names[i]), str_of(driver->session))) {
            driver->lost = true;
        }
        if (!webdriver_remove(driver, str_of(found->names[i]), deadline_ms, err)) {
            return false;
        }
        (*ended)++;
    }
    return true;
}

bool webdriver_evict(struct webdriver *driver, struct str profile, int64_t deadline_ms,
                     size_t *ended, struct err *err)
{
    struct found found = {.count = 0};
    bool was_closing = driver->closing;
    *ended = 0;
    must(profile.len > 0);
    driver->closing = true;
    bool ok = find_sessions(driver, profile, deadline_ms, &found, err) &&
              end_sessions(driver, &found, deadline_ms, ended, err);
    driver->closing = was_closing;
    return ok;
}

/* ---- Figures ---- */

void webdriver_count(const struct webdriver *driver, struct webdriver_figures *figures)
{
    *figures = (struct webdriver_figures){0};
    if (driver->session[0] != '\0') {
        figures->age_ms = clock_mono_ms(driver->clock) - driver->started_ms;
        figures->calls = driver->calls;
        figures->received = driver->received;
    }
}

/* A command of Chrome's own; false with FAILED and its like where there is none. */
static bool ask_chrome(struct webdriver *driver, struct str command, int64_t deadline_ms,
                       const struct json_value **value, struct err *err)
{
    struct buf body;
    webdriver_begin(driver, &body);
    struct json_writer json;
    json_writer_init(&json, &body);
    json_object_begin(&json);
    json_field_str(&json, STR("cmd"), command);
    json_key(&json, STR("params"));
    json_object_begin(&json);
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    return webdriver_send(driver,
                          &(struct webdriver_call){.what = "measure", .path = "/goog/cdp/execute"},
                          &body, deadline_ms, value, err);
}

bool webdriver_measure(struct webdriver *driver, int64_t deadline_ms,
                       struct webdriver_figures *figures, struct err *err)
{
    const struct json_value *value = NULL;
    struct err why = {0};
    bool ok = ask_chrome(driver, STR("Runtime.getHeapUsage"), deadline_ms, &value, &why);
    webdriver_count(driver, figures);
    if (ok) {
        int64_t beside = 0;
        figures->measured = json_int(json_get(value, STR("usedSize")), &figures->heap_used) &&
                            json_int(json_get(value, STR("totalSize")), &figures->heap_total);
        if (json_int(json_get(value, STR("embedderHeapUsedSize")), &beside)) {
            figures->heap_total += beside;
        }
        if (json_int(json_get(value, STR("backingStorageSize")), &beside)) {
            figures->heap_total += beside;
        }
        ok = ask_chrome(driver, STR("Memory.getDOMCounters"), deadline_ms, &value, &why);
    }
    if (ok) {
        (void)json_int(json_get(value, STR("nodes")), &figures->nodes);
        (void)json_int(json_get(value, STR("jsEventListeners")), &figures->listeners);
        return true;
    }
    if (webdriver_fate(driver) == WEBDRIVER_CALL) { /* Not a Chrome, or one that does not tell. */
        driver->fault = WEBDRIVER_FINE;
        return true;
    }
    *err = why;
    return false;
}
