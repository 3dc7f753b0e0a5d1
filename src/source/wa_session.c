#include "source/wa_session.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "source/wa_inside.h"
#include "source/wa_pack.h"

enum {
    COMMON_ARGS = 3,
    BOOT_ARENA = 4 * 1024 * 1024,
    LAST_MS = 3000, /* To look for a browser whose name was never learnt, at the end. */
};

/* From whatever is left to the chats. */
static bool reach(struct wa_session *session, int64_t deadline_ms, bool until_shown,
                  struct err *err)
{
    for (;;) {
        if (connector_stopping(session->connector)) {
            return err_set(err, ERR_STOP, "asked to stop");
        }
        if (!webdriver_alive(session->driver)) {
            session->drops += session->kept.opened_ms != 0;
            session->kept.opened_ms = 0;
            if (!wa_browser_start(session, deadline_ms, err)) {
                return false;
            }
        }
        if (wa_walk(session, deadline_ms, until_shown, err)) {
            return true;
        }
        if (webdriver_alive(session->driver)) {
            return false;
        }
        if (err->kind != ERR_STOP) {
            log_warn("session: the browser is gone: %s", err->text);
        }
        if (err->kind == ERR_STOP || wa_browser_backoff_ms(session->drops + 1) > 0 ||
            wa_mono(session) + WA_NEED_MS >= deadline_ms) {
            return false;
        }
    }
}

/* ---- The verbs ---- */

static bool load(struct wa_session *session, struct err *err)
{
    session->loaded =
        session->loaded || wa_kept_open(&session->kept, &session->connector->env, err);
    return session->loaded;
}

/* Is somebody there? */
static bool see_wish(struct wa_session *session, struct err *err)
{
    session->wish_look_ms = wa_mono(session);
    return wa_kept_wish(&session->kept, &session->wish_until_ms, err);
}

static bool wished(const struct wa_session *session)
{
    return session->wish_until_ms > clock_wall_ms(session->connector->env.clock);
}

/* A pack that is broken keeps the others in use. */
static void see_packs(struct wa_session *session)
{
    struct err err = {0};
    bool changed = false;
    if (!wa_packs_look(session->packs, &changed, &err)) {
        log_warn("session: %s", err.text);
    }
    session->boot = changed ? (struct str){0} : session->boot;
}

bool wa_session_ready(struct wa_session *session, int64_t deadline_ms, struct batch *batch,
                      struct err *err)
{
    if (!load(session, err) || !see_wish(session, err)) {
        return false;
    }
    session->attended = wished(session);
    see_packs(session);
    wa_browser_recycle(session, deadline_ms);
    bool ok = reach(session, deadline_ms, false, err);
    struct err other = {0};
    bool noted = (session->attended || wa_kept_show(&session->kept, (struct str){0}, &other)) &&
                 wa_kept_note(&session->kept, false, &other) &&
                 (batch == NULL || wa_kept_tell(&session->kept, batch, &other));
    session->attended = false;
    if (!noted) {
        *err = other;
        return false;
    }
    return ok || err_prefix(err, "source %.*s: ", STR_ARG(session->connector->name));
}

bool wa_session_attend(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    if (!load(session, err)) {
        return false;
    }
    session->attended = true;
    bool ok = reach(session, deadline_ms, true, err);
    session->attended = false;
    return ok;
}

bool wa_session_glance(struct wa_session *session)
{
    struct err err = {0};
    if (!session->loaded) {
        return false;
    }
    if (webdriver_alive(session->driver) &&
        wa_over(session, session->touched_ms, session->alive_ms)) {
        struct arena arena;
        struct str title = {0};
        arena_init(&arena, WA_KEPT_ARENA);
        (void)webdriver_title(session->driver, wa_mono(session) + WA_TITLE_MS, &arena, &title,
                              &err);
        arena_free(&arena);
    }
    if (wa_over(session, session->wish_look_ms, WA_STEP_MAX_MS) && !see_wish(session, &err)) {
        return false;
    }
    return wished(session) && session->kept.state != WA_READY;
}

void wa_session_hold(struct wa_session *session, bool held)
{
    session->held = held;
}

struct webdriver *wa_session_driver(struct wa_session *session)
{
    return session->driver;
}

enum wa_state wa_session_state(const struct wa_session *session)
{
    return session->kept.state;
}

const struct wa_look *wa_session_look(const struct wa_session *session)
{
    return &session->kept.look;
}

/* ---- Without a browser ---- */

/* What is known of the login from the last time. */
static bool probe_login(const struct wa_session *session, const char *server, struct str *found,
                        struct err *err)
{
    const struct wa_kept *kept = &session->kept;
    struct str name = session->connector->name;
    enum wa_state state = kept->state;
    if (state == WA_CODE || state == WA_CODE_EXPIRED || state == WA_STORAGE_BROKEN ||
        (kept->since_ms == 0)) {
        return err_set(err, ERR_LOGIN, "%s; WhatsApp Web is not logged in%s: sluice pair %.*s",
                       server, kept->since_ms == 0 ? ", as far as is known here" : "",
                       STR_ARG(name));
    }
    if (state == WA_TAKEN_OVER) {
        return err_set(err, ERR_LOGIN,
                       "%s; WhatsApp Web is open elsewhere. To take it back: sluice pair %.*s",
                       server, STR_ARG(name));
    }
    if (state == WA_UNSUPPORTED) {
        return err_set(err, ERR_CONFIG,
                       "%s; WhatsApp Web refused its browser: headless, or too old", server);
    }
    *found = arena_printf(session->connector->env.arena,
                          "%s; WhatsApp Web was %s when it was seen last: sluice session", server,
                          wa_state_name(state));
    return found->ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

bool wa_session_probe(struct wa_session *session, int64_t deadline_ms, struct str *found,
                      struct err *err)
{
    struct webdriver_status status;
    struct str name = session->connector->name;
    bool ok = load(session, err) && webdriver_status(session->driver, deadline_ms, &status, err);
    if (ok && status.ready == WEBDRIVER_STARTING) {
        ok = err_set(err, ERR_RETRY, "the Selenium Grid answers, but no machine of it is up yet");
    }
    ok = ok && probe_login(session,
                           status.ready == WEBDRIVER_BUSY ? "the browser server is well, its place "
                                                            "is taken (by a running serve?)"
                           : status.grid                  ? "the Selenium Grid is ready"
                                                          : "the browser driver is ready",
                           found, err);
    return ok || err_prefix(err, "source %.*s: ", STR_ARG(name));
}

/* ---- Life ---- */

void wa_session_check(const struct wa_session_options *options, struct report *report)
{
    if (options->sending) {
        report->fault(report, "sending", 0,
                      "sluice reads WhatsApp Web and never writes there, so this cannot be true "
                      "(WHATSAPP_ENABLE_SENDING=true): take it out. Messages are sent by a sink, "
                      "through an official interface such as Green API");
    }
    if (options->args.count > WEBDRIVER_ARGS_MAX - COMMON_ARGS) {
        report->fault(report, "args", 0, "a browser takes at most 60 arguments");
    }
    for (size_t i = 0; i < options->args.count; i++) {
        if (str_starts(options->args.items[i], STR("--user-data-dir"))) {
            report->fault(report, "args", 0, "the browser's folder is the option `profile`");
        }
    }
}

bool wa_session_open(struct wa_session **out, const struct connector *connector,
                     const struct wa_session_options *options, struct wa_packs *packs,
                     struct err *err)
{
    static const struct str common[COMMON_ARGS] = {STR_INIT("--no-first-run"),
                                                   STR_INIT("--no-default-browser-check"),
                                                   STR_INIT("--disable-dev-shm-usage")};
    struct wa_session *session = mem_alloc(sizeof *session);
    if (session == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for the browser session");
    }
    session->connector = connector;
    session->options = options;
    session->packs = packs;
    arena_init(&session->boot_arena, BOOT_ARENA);
    for (size_t i = 0; i < COMMON_ARGS; i++) {
        session->args[session->arg_count++] = common[i];
    }
    for (size_t i = 0; i < options->args.count && session->arg_count < WEBDRIVER_ARGS_MAX; i++) {
        session->args[session->arg_count++] = options->args.items[i];
    }
    struct webdriver_options driver = {.url = options->webdriver,
                                       .root = options->authorities,
                                       .clock = connector->env.clock,
                                       .stopping = connector->env.stopping,
                                       .stopping_context = connector->env.stopping_context,
                                       .note = wa_browser_note,
                                       .note_context = session};
    if (!webdriver_open(&session->driver, &driver, err)) {
        mem_free(session);
        return err_prefix(err, "source %.*s: ", STR_ARG(connector->name));
    }
    *out = session;
    return true;
}

void wa_session_close(struct wa_session *session)
{
    struct err err = {0};
    if (session == NULL) {
        return;
    }
    wa_browser_quit(session, "sluice ends, or goes on without this source");
    size_t ended = 0;
    if (session->started_ms != 0 && !session->cleaned && /* A start that took too long. */
        !webdriver_evict(session->driver, session->options->profile, wa_mono(session) + LAST_MS,
                         &ended, &err)) {
        log_warn("session: %s", err.text);
    }
    if (session->loaded && (!wa_kept_show(&session->kept, (struct str){0}, &err) ||
                            !wa_kept_note(&session->kept, true, &err))) {
        log_warn("session: %s", err.text);
    }
    webdriver_close(session->driver);
    arena_free(&session->boot_arena);
    explicit_bzero(&session->kept.look, sizeof session->kept.look);
    mem_free(session);
}
