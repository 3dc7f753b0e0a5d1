/* The session's browser. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "source/wa_inside.h"

enum {
    SERVER_FIRST_MS = 30000, /* A Grid that starts together with us. */
    SERVER_LATER_MS = 5000,
    START_MS = 45000, /* A browser; or a place in the Grid's queue. */
    EVICT_MS = 10000,
    SCRIPT_MS = 15000,
    QUIT_MS = 6000,
    BACKOFF_FIRST_MS = 2000,
    BACKOFF_MAX_MS = 300000,
    MEASURE_MS = 600000,
    ALIVE_LEAST_MS = 5000,
    ALIVE_MS = 60000, /* Between two signs of life; a Grid's limit is 300 s. */
};

void wa_browser_note(void *context, const struct webdriver_note *note)
{
    struct wa_session *session = context;
    wa_commands_count(&session->kept.commands, note->what);
    session->touched_ms = wa_mono(session);
    log_debug("webdriver: %s, %s, %" PRId64 " ms, %zu bytes", note->what,
              webdriver_fault_name(note->fault), note->took_ms, note->received);
}

/* The state of what stands before the page. */
bool wa_browser_trouble(struct wa_session *session, enum wa_state state, struct err *err)
{
    struct err other = {0};
    bool noted = wa_kept_enter(&session->kept, state, &other);
    if (!noted) {
        *err = other;
    }
    return noted;
}

/* Of the calls before a browser runs: what kept us from it. Always false. */
static bool no_browser(struct wa_session *session, struct err *err)
{
    if (err->kind == ERR_STOP || webdriver_fault(session->driver) == WEBDRIVER_STOPPED) {
        err->kind = ERR_STOP;
        return false;
    }
    (void)wa_browser_trouble(session, WA_NO_BROWSER, err);
    return false;
}

/* What a killed predecessor left, by its name and, where that was never learnt, by the profile. */
static bool clean_up(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    char name[WEBDRIVER_ID_MAX];
    size_t ended = 0;
    int64_t until_ms = wa_sooner(deadline_ms, wa_mono(session) + EVICT_MS);
    if (!wa_kept_browser(&session->kept, name, err)) {
        return false;
    }
    bool ok = (name[0] == '\0' || webdriver_remove(session->driver, str_of(name), until_ms, err)) &&
              webdriver_evict(session->driver, session->options->profile, until_ms, &ended, err);
    if (!ok) {
        return no_browser(session, err);
    }
    if (ended > 0 || name[0] != '\0') {
        log_info("session: ended the browser that an earlier process left");
    }
    session->cleaned = wa_kept_set_browser(&session->kept, (struct str){0}, err);
    return session->cleaned;
}

static bool explain_busy(struct err *err)
{
    return err_set(err, ERR_RETRY,
                   "the browser server is well, but others have all its places; sluice waits in "
                   "its queue. One place for each account is needed: SE_NODE_MAX_SESSIONS");
}

/* Chrome says that it could not start and never why; the reasons in the order of their frequency.
 */
static bool explain_start(const struct wa_session *session, struct err *err)
{
    struct str profile = session->options->profile;
    return err_set(err, ERR_RETRY,
                   "no browser could be started. Most often (1) another browser uses the profile "
                   "%.*s; or (2) its lock is of a machine with another name (a container made "
                   "anew): give the container a fixed `hostname:`, and once, while no browser runs "
                   "there: rm %.*s/Singleton*; or (3) it has no display: `headless`, Xvfb; or (4) "
                   "it runs as root: args [--no-sandbox]",
                   STR_ARG(profile), STR_ARG(profile));
}

/* With a display, a browser that finds its profile locked asks a person, and never starts. */
static bool not_started(struct wa_session *session, bool busy, struct err *err)
{
    enum webdriver_fault fault = webdriver_fault(session->driver);
    if (fault == WEBDRIVER_LATE && busy) {
        return wa_browser_trouble(session, WA_BROWSER_BUSY, err) && explain_busy(err);
    }
    if (fault == WEBDRIVER_LATE || fault == WEBDRIVER_NOT_CREATED) {
        return wa_browser_trouble(session, WA_LOCKED, err) && explain_start(session, err);
    }
    return no_browser(session, err);
}

static void browser_of(struct wa_session *session, struct webdriver_browser *browser)
{
    const struct wa_session_options *options = session->options;
    *browser = (struct webdriver_browser){
        .binary = options->binary,
        .profile = options->profile,
        .headless = options->headless,
        .width = (int)options->width,
        .height = (int)options->height,
        .args = session->args,
        .arg_count = session->arg_count,
        .script_ms = SCRIPT_MS,
    };
}

/* How long a browser that ended again and again is left alone. */
int64_t wa_browser_backoff_ms(int drops)
{
    int64_t wait_ms = BACKOFF_FIRST_MS;
    if (drops <= 1) {
        return 0;
    }
    for (int i = 2; i < drops && wait_ms < BACKOFF_MAX_MS; i++) {
        wait_ms *= 2;
    }
    return wa_sooner(wait_ms, BACKOFF_MAX_MS);
}

static bool started(struct wa_session *session, struct err *err)
{
    struct str version = webdriver_browser_version(session->driver);
    memset(session->kept.version, 0, sizeof session->kept.version);
    if (version.len > 0 && version.len < sizeof session->kept.version) {
        memcpy(session->kept.version, version.ptr, version.len);
    }
    session->on_page = false;
    session->measured_ms = wa_mono(session);
    session->kept.opened_ms = clock_wall_ms(session->connector->env.clock);
    session->kept.memory = 0;
    session->kept.commands = (struct wa_commands){0};
    log_info("session: a browser was started (%s)", session->kept.version);
    return wa_kept_set_browser(&session->kept, webdriver_session(session->driver), err);
}

static bool wait_for_server(struct wa_session *session, int64_t deadline_ms,
                            struct webdriver_status *status, struct err *err)
{
    int64_t wait_ms = session->waited ? SERVER_LATER_MS : SERVER_FIRST_MS;
    session->waited = true;
    bool ok = webdriver_wait_ready(session->driver,
                                   wa_sooner(deadline_ms, wa_mono(session) + wait_ms), status, err);
    int64_t alive_ms = status->idle_ms > 0 ? status->idle_ms / 3 : ALIVE_MS;
    alive_ms = wa_sooner(alive_ms, ALIVE_MS);
    session->alive_ms = alive_ms > ALIVE_LEAST_MS ? alive_ms : ALIVE_LEAST_MS;
    return ok || no_browser(session, err);
}

bool wa_browser_start(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    struct webdriver_status status;
    struct webdriver_browser browser;
    int64_t wait_ms =
        session->started_ms + wa_browser_backoff_ms(session->drops) - wa_mono(session);
    if (session->started_ms != 0 && wait_ms > 0) {
        (void)err_set(err, ERR_RETRY,
                      "the browser ended %d times; the next is started in %" PRId64 " s",
                      session->drops, (wait_ms + 999) / 1000);
        err->retry_after_ms = wait_ms;
        return false;
    }
    if (!wait_for_server(session, deadline_ms, &status, err) ||
        (!session->cleaned && !clean_up(session, deadline_ms, err))) {
        return false;
    }
    session->started_ms = wa_mono(session);
    session->cleaned = false; /* Until we know its name. */
    browser_of(session, &browser);
    if (!webdriver_start(session->driver, &browser,
                         wa_sooner(deadline_ms, wa_mono(session) + START_MS), err)) {
        session->drops++;
        return not_started(session, status.ready == WEBDRIVER_BUSY, err);
    }
    session->cleaned = true;
    return started(session, err);
}

/* End the browser; `why` for the log. */
void wa_browser_quit(struct wa_session *session, const char *why)
{
    struct err err = {0};
    if (webdriver_session(session->driver).len == 0) {
        return;
    }
    log_info("session: the browser is ended: %s", why);
    if (!webdriver_quit(session->driver, wa_mono(session) + QUIT_MS, &err)) {
        log_warn("session: %s", err.text);
        return; /* Its name stays in `keep`: the next process ends it. */
    }
    session->kept.opened_ms = 0;
    if (!wa_kept_set_browser(&session->kept, (struct str){0}, &err)) {
        log_warn("session: %s", err.text);
    }
}

/* ---- Old and large ---- */

static bool is_large(struct wa_session *session, int64_t deadline_ms)
{
    struct webdriver_figures figures;
    struct err err = {0};
    if (!wa_over(session, session->measured_ms, MEASURE_MS)) {
        return false;
    }
    session->measured_ms = wa_mono(session);
    if (!webdriver_measure(session->driver, wa_sooner(deadline_ms, wa_mono(session) + WA_TITLE_MS),
                           &figures, &err) ||
        !figures.measured) {
        return false;
    }
    session->kept.memory = figures.heap_total;
    return session->options->recycle_bytes > 0 &&
           figures.heap_total > session->options->recycle_bytes;
}

/* Not while somebody else has the session: a page that is opened would take it from them. */
void wa_browser_recycle(struct wa_session *session, int64_t deadline_ms)
{
    struct webdriver_figures figures;
    if (session->held || session->attended || session->kept.state == WA_TAKEN_OVER ||
        !webdriver_alive(session->driver)) {
        return;
    }
    webdriver_count(session->driver, &figures);
    int64_t age_ms = session->options->recycle_age_ms;
    if (age_ms > 0 && figures.age_ms > age_ms) {
        wa_browser_quit(session, "it has become old");
    } else if (is_large(session, deadline_ms)) {
        wa_browser_quit(session, "it has become large");
    }
}
