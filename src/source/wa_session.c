#include "source/wa_session.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "source/wa_kept.h"
#include "source/wa_pack.h"

enum {
    SERVER_FIRST_MS = 30000, /* A Grid that starts together with us. */
    SERVER_LATER_MS = 5000,
    START_MS = 45000, /* A browser; or a place in the Grid's queue. */
    EVICT_MS = 10000,
    LOOK_MS = 20000, /* A page that does not answer for so long hangs. */
    SCRIPT_MS = 15000,
    NEED_MS = 1500, /* With less than this to the deadline no call goes out: a late answer would
                       cost the session. */
    STEP_FIRST_MS = 100,
    STEP_MAX_MS = 1000,
    SLEEP_MS = 200, /* Between two looks whether we are to stop. */
    QUIT_MS = 6000,
    TITLE_MS = 3000,
    PERSON_MS = 3000, /* Whoever awaits a person looks so often. */
    BACKOFF_FIRST_MS = 2000,
    BACKOFF_MAX_MS = 300000,
    CALM_MS = 120000, /* A browser that lasted so long is none that ends again and again. */
    ALIVE_MS = 60000, /* Between two signs of life; a Grid's limit is 300 s. */
    MEASURE_MS = 600000,
    RELOAD_MS = 60000,    /* A page that is in trouble is loaded anew so often. */
    RENEW_MS = 3000,      /* Between two presses on a stale code's button, */
    PROMO_MS = 2000,      /* on a dialog's x, */
    TAKEOVER_MS = 600000, /* and on "use here": two who both insist would take turns for ever. */
    AGAIN_MAX = 3,        /* Alerts and slow scripts in a row. */
    BROWSER_ARGS_MAX = WEBDRIVER_ARGS_MAX,
    COMMON_ARGS = 3,
    BOOT_ARENA = 4 * 1024 * 1024,
};

struct wa_session {
    const struct connector *connector;
    const struct wa_session_options *options;
    struct wa_packs *packs;
    struct webdriver *driver;
    struct wa_kept kept;
    struct str args[BROWSER_ARGS_MAX];
    size_t arg_count;

    struct arena boot_arena;
    struct str boot; /* The packs' sections for wa_look; absent: to be made. */

    bool loaded;   /* What an earlier process left was read, */
    bool cleaned;  /* and its browser ended. */
    bool waited;   /* The server was waited for once. */
    bool attended; /* Somebody is there: by attend(), or by a wish. */
    bool held;
    bool on_page;
    int drops;          /* Browsers in a row that ended by themselves. */
    int64_t started_ms; /* Monotonic, as all below; of the last start, also one that failed. */
    int64_t boot_ms;
    int64_t touched_ms;
    int64_t measured_ms;
    int64_t renewed_ms;
    int64_t dismissed_ms;
    int64_t taken_ms;
    int64_t wish_look_ms;
    int64_t wish_until_ms; /* Wall clock. */
};

static int64_t mono(const struct wa_session *session)
{
    return clock_mono_ms(session->connector->env.clock);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Was this long ago, or never? */
static bool over(const struct wa_session *session, int64_t since_ms, int64_t length_ms)
{
    return since_ms == 0 || mono(session) - since_ms >= length_ms;
}

/* Waits; ERR_STOP when asked to stop meanwhile. */
static bool rest_until(const struct wa_session *session, int64_t until_ms, struct err *err)
{
    struct clock *clock = session->connector->env.clock;
    for (;;) {
        int64_t now_ms = clock_mono_ms(clock);
        if (connector_stopping(session->connector)) {
            return err_set(err, ERR_STOP, "asked to stop");
        }
        if (now_ms >= until_ms) {
            return true;
        }
        clock->sleep_until(clock, sooner(until_ms, now_ms + SLEEP_MS));
    }
}

/* A person is awaited. */
static bool await(struct err *err, const struct wa_session *session)
{
    err->kind = ERR_LOGIN;
    err->retry_after_ms = session->attended ? 1 : PERSON_MS;
    return false;
}

/* ---- The server and its browser ---- */

static void note_command(void *context, const struct webdriver_note *note)
{
    struct wa_session *session = context;
    wa_commands_count(&session->kept.commands, note->what);
    session->touched_ms = mono(session);
    log_debug("webdriver: %s, %s, %" PRId64 " ms, %zu bytes", note->what,
              webdriver_fault_name(note->fault), note->took_ms, note->received);
}

/* The state of what stands before the page. */
static bool trouble_before(struct wa_session *session, enum wa_state state, struct err *err)
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
    (void)trouble_before(session, WA_NO_BROWSER, err);
    return false;
}

/* What a killed predecessor left, by its name and, where that was never learnt, by the profile. */
static bool clean_up(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    char name[WEBDRIVER_ID_MAX];
    size_t ended = 0;
    int64_t until_ms = sooner(deadline_ms, mono(session) + EVICT_MS);
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
        return trouble_before(session, WA_BROWSER_BUSY, err) && explain_busy(err);
    }
    if (fault == WEBDRIVER_LATE || fault == WEBDRIVER_NOT_CREATED) {
        return trouble_before(session, WA_LOCKED, err) && explain_start(session, err);
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
static int64_t backoff_ms(int drops)
{
    int64_t wait_ms = BACKOFF_FIRST_MS;
    if (drops <= 1) {
        return 0;
    }
    for (int i = 2; i < drops && wait_ms < BACKOFF_MAX_MS; i++) {
        wait_ms *= 2;
    }
    return sooner(wait_ms, BACKOFF_MAX_MS);
}

static bool started(struct wa_session *session, struct err *err)
{
    struct str version = webdriver_browser_version(session->driver);
    memset(session->kept.version, 0, sizeof session->kept.version);
    if (version.len > 0 && version.len < sizeof session->kept.version) {
        memcpy(session->kept.version, version.ptr, version.len);
    }
    session->on_page = false;
    session->measured_ms = mono(session);
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
    return webdriver_wait_ready(session->driver, sooner(deadline_ms, mono(session) + wait_ms),
                                status, err) ||
           no_browser(session, err);
}

static bool start(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    struct webdriver_status status;
    struct webdriver_browser browser;
    int64_t wait_ms = session->started_ms + backoff_ms(session->drops) - mono(session);
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
    session->started_ms = mono(session);
    session->cleaned = false; /* Until we know its name. */
    browser_of(session, &browser);
    if (!webdriver_start(session->driver, &browser, sooner(deadline_ms, mono(session) + START_MS),
                         err)) {
        session->drops++;
        return not_started(session, status.ready == WEBDRIVER_BUSY, err);
    }
    session->cleaned = true;
    return started(session, err);
}

/* End the browser; `why` for the log. */
static void quit(struct wa_session *session, const char *why)
{
    struct err err = {0};
    if (webdriver_session(session->driver).len == 0) {
        return;
    }
    log_info("session: the browser is ended: %s", why);
    if (!webdriver_quit(session->driver, mono(session) + QUIT_MS, &err)) {
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
    if (!over(session, session->measured_ms, MEASURE_MS)) {
        return false;
    }
    session->measured_ms = mono(session);
    if (!webdriver_measure(session->driver, sooner(deadline_ms, mono(session) + TITLE_MS), &figures,
                           &err) ||
        !figures.measured) {
        return false;
    }
    session->kept.memory = figures.heap_total;
    return session->options->recycle_bytes > 0 &&
           figures.heap_total > session->options->recycle_bytes;
}

/* Not while somebody else has the session: a page that is opened would take it from them. */
static void recycle(struct wa_session *session, int64_t deadline_ms)
{
    struct webdriver_figures figures;
    if (session->held || session->attended || session->kept.state == WA_TAKEN_OVER ||
        !webdriver_alive(session->driver)) {
        return;
    }
    webdriver_count(session->driver, &figures);
    int64_t age_ms = session->options->recycle_age_ms;
    if (age_ms > 0 && figures.age_ms > age_ms) {
        quit(session, "it has become old");
    } else if (is_large(session, deadline_ms)) {
        quit(session, "it has become large");
    }
}

/* ---- Looking ---- */

static bool open_page(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    struct str page = session->options->page;
    bool ok = webdriver_go(session->driver, page, deadline_ms, err);
    enum webdriver_fault fault = webdriver_fault(session->driver);
    session->boot_ms = mono(session);
    session->on_page = ok || fault == WEBDRIVER_PAGE_TIMEOUT || fault == WEBDRIVER_ALERT;
    if (session->on_page) {
        return wa_kept_enter(&session->kept, WA_BOOTING, err);
    }
    if (fault == WEBDRIVER_NO_PAGE) {
        (void)trouble_before(session, WA_NO_PAGE, err);
    }
    return false;
}

/* What the screens are called; read again when a file of them has changed. */
static struct str packs_of(struct wa_session *session)
{
    struct buf buf;
    if (session->boot.len == 0) {
        arena_reset(&session->boot_arena);
        buf_init(&buf, &session->boot_arena, 0);
        wa_packs_section_all(session->packs, STR("boot"), &buf);
        session->boot = buf_ok(&buf) ? buf_str(&buf) : STR("[]");
    }
    return session->boot;
}

static bool look(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    for (int i = 0; i < AGAIN_MAX; i++) {
        if (wa_look_at(session->driver, packs_of(session), session->attended,
                       sooner(deadline_ms, mono(session) + LOOK_MS), &session->kept.look, err)) {
            return true;
        }
        enum webdriver_fault fault = webdriver_fault(session->driver);
        bool passes = fault == WEBDRIVER_ALERT || fault == WEBDRIVER_SCRIPT_TIMEOUT ||
                      fault == WEBDRIVER_FAILED; /* An alert came while the script ran. */
        if (!passes || mono(session) + NEED_MS >= deadline_ms) {
            return false;
        }
        log_warn("session: %s", err->text);
    }
    return false;
}

/* False: not now, it was pressed a moment ago; or it could not be, which the next look shows. */
static bool press(struct wa_session *session, enum wa_button button, int64_t *last_ms,
                  int64_t pause_ms, int64_t deadline_ms)
{
    struct err err = {0};
    if (!over(session, *last_ms, pause_ms)) {
        return false;
    }
    *last_ms = mono(session);
    if (!wa_look_click(session->driver, packs_of(session), button,
                       sooner(deadline_ms, mono(session) + LOOK_MS), &err)) {
        log_warn("session: %s", err.text);
        return false;
    }
    return true;
}

/* ---- What a look leads to ---- */

enum next { NEXT_FAILED = 0, NEXT_LOOK, NEXT_DONE };

static enum next chats(struct wa_session *session, int64_t deadline_ms)
{
    if (session->kept.look.promo &&
        press(session, WA_BUTTON_PROMO, &session->dismissed_ms, PROMO_MS, deadline_ms)) {
        return NEXT_LOOK;
    }
    if (session->kept.look.dialog) {
        log_warn("session: a dialog that sluice does not answer lies over the page");
    }
    if (over(session, session->started_ms, CALM_MS)) {
        session->drops = 0;
    }
    return NEXT_DONE;
}

static enum next code(struct wa_session *session, struct err *err)
{
    struct wa_look *seen = &session->kept.look;
    if (session->attended) {
        bool ok = wa_kept_show(&session->kept, str_of(seen->code), err);
        explicit_bzero(seen->code, sizeof seen->code);
        return ok ? NEXT_LOOK : NEXT_FAILED;
    }
    (void)err_set(err, ERR_LOGIN,
                  "WhatsApp Web is not logged in; scan a code with the telephone: sluice pair %.*s",
                  STR_ARG(session->connector->name));
    (void)await(err, session);
    return NEXT_FAILED;
}

static enum next stale_code(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    if (session->attended) {
        (void)press(session, WA_BUTTON_RENEW, &session->renewed_ms, RENEW_MS, deadline_ms);
        return NEXT_LOOK;
    }
    (void)err_set(err, ERR_LOGIN,
                  "WhatsApp Web is not logged in, and the code that it showed went stale; have a "
                  "new one and scan it: sluice pair %.*s",
                  STR_ARG(session->connector->name));
    (void)await(err, session);
    return NEXT_FAILED;
}

static enum next taken_over(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    bool wanted = session->options->takeover || session->attended;
    if (wanted && session->kept.look.takeover_words &&
        press(session, WA_BUTTON_TAKEOVER, &session->taken_ms,
              session->attended ? PROMO_MS : TAKEOVER_MS, deadline_ms)) {
        log_warn("session: WhatsApp Web was open elsewhere; sluice took it back");
        return NEXT_LOOK;
    }
    if (session->attended) {
        return NEXT_LOOK;
    }
    (void)err_set(err, ERR_LOGIN,
                  "WhatsApp Web was opened in another window or program with this login; sluice "
                  "leaves it to them. To take it back: sluice pair %.*s, or `takeover: true`",
                  STR_ARG(session->connector->name));
    (void)await(err, session);
    return NEXT_FAILED;
}

/* Trouble that does not pass by itself. */
static enum next trouble(struct wa_session *session, struct err *err)
{
    struct str profile = session->options->profile;
    struct str name = session->connector->name;
    enum wa_state state = session->kept.state;
    if (state == WA_UNSUPPORTED) {
        (void)err_set(err, ERR_CONFIG, "WhatsApp Web refuses this browser: %s",
                      session->options->headless
                          ? "it does so with browsers without a window; set `headless: false` (the "
                            "containers of Selenium have a display)"
                          : "it is too old; take a newer image of selenium/standalone-chrome");
    } else if (state == WA_STORAGE_BROKEN) {
        (void)err_set(err, ERR_LOGIN,
                      "WhatsApp Web cannot use what the browser kept: the profile lost a part (a "
                      "browser that was killed just after a login does that), or its disk is full. "
                      "Stop sluice, look at the disk, empty the folder %.*s on the browser's "
                      "machine, and then: sluice pair %.*s",
                      STR_ARG(profile), STR_ARG(name));
    } else if (state == WA_RESTRICTED) {
        (void)err_set(err, ERR_LOGIN,
                      "WhatsApp has restricted this account and links no new device now; see what "
                      "the telephone says, and wait");
    } else if (state == WA_OFFLINE) {
        (void)err_set(err, ERR_RETRY,
                      "WhatsApp Web says that its browser has no connection; what it shows may be "
                      "old, so nothing is read");
    } else {
        (void)err_set(err, ERR_RETRY, "the browser cannot reach WhatsApp Web");
    }
    if (over(session, session->boot_ms, RELOAD_MS) || session->kept.state == WA_NO_PAGE) {
        session->on_page = false; /* Perhaps it is well again when it is loaded anew. */
    }
    if (err->kind == ERR_LOGIN) {
        err->retry_after_ms = PERSON_MS;
    }
    return NEXT_FAILED;
}

/* On its way: until its time is over. */
static enum next booting(struct wa_session *session, struct err *err)
{
    int64_t limit_ms =
        session->kept.ready_ms > 0 ? session->options->warm_ms : session->options->cold_ms;
    enum wa_state state = session->kept.look.state;
    enum wa_state before = session->kept.state;
    if (before != WA_BOOTING && before != WA_PAIRING) { /* The page loaded itself anew. */
        session->boot_ms = mono(session);
    }
    if (!over(session, session->boot_ms, limit_ms)) {
        return wa_kept_enter(&session->kept, state == WA_UNKNOWN ? WA_BOOTING : state, err)
                   ? NEXT_LOOK
                   : NEXT_FAILED;
    }
    session->on_page = false;
    if (!wa_kept_enter(&session->kept, WA_STRANGE, err)) {
        return NEXT_FAILED;
    }
    (void)err_set(
        err, ERR_RETRY, "after %" PRId64 " s WhatsApp Web %s; it is loaded anew", limit_ms / 1000,
        state == WA_BOOTING   ? "still loads: the network or the machine is slow (options "
                                "`cold_boot`, `warm_boot`)"
        : state == WA_PAIRING ? "still has no code to show"
                              : "shows nothing that sluice knows: it is slow, or it "
                                "looks different now and the selectors are to be updated");
    return NEXT_FAILED;
}

/* The code is taken away as soon as it is not on the page any more. */
static bool enter(struct wa_session *session, enum wa_state state, struct err *err)
{
    return wa_kept_enter(&session->kept, state, err) &&
           (state == WA_CODE || wa_kept_show(&session->kept, (struct str){0}, err));
}

static enum next judge(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    enum wa_state state = session->kept.look.state;
    if (state == WA_UNKNOWN || state == WA_BOOTING || state == WA_PAIRING) {
        return booting(session, err);
    }
    if (!enter(session, state, err)) {
        return NEXT_FAILED;
    }
    if (state == WA_READY || (state == WA_RESTRICTED && session->kept.look.chats)) {
        return chats(session, deadline_ms);
    }
    return state == WA_CODE           ? code(session, err)
           : state == WA_CODE_EXPIRED ? stale_code(session, deadline_ms, err)
           : state == WA_TAKEN_OVER   ? taken_over(session, deadline_ms, err)
                                      : trouble(session, err);
}

static bool out_of_time(const struct wa_session *session, struct err *err)
{
    if (session->attended) {
        (void)err_set(err, ERR_LOGIN, "WhatsApp Web waits for the code to be scanned");
        return await(err, session);
    }
    (void)err_set(err, ERR_RETRY, "WhatsApp Web is on its way (%s); the next look goes on",
                  wa_state_name(session->kept.state));
    err->retry_after_ms = 1;
    return false;
}

/* From a running browser to the chats. `until_shown`: return when who is there has to see
 * something new. */
static bool walk(struct wa_session *session, int64_t deadline_ms, bool until_shown, struct err *err)
{
    int64_t step_ms = STEP_FIRST_MS;
    uint64_t shown = session->kept.shown;
    for (;;) {
        if (!session->on_page && !open_page(session, deadline_ms, err)) {
            return false;
        }
        if (!look(session, deadline_ms, err)) {
            return false;
        }
        enum next next = judge(session, deadline_ms, err);
        if (next != NEXT_LOOK) {
            return next == NEXT_DONE;
        }
        if ((until_shown && shown != session->kept.shown) ||
            mono(session) + step_ms + NEED_MS >= deadline_ms) {
            return out_of_time(session, err);
        }
        if (!rest_until(session, mono(session) + step_ms, err)) {
            return false;
        }
        step_ms =
            sooner(step_ms * 2, session->kept.state == WA_BOOTING ? STEP_MAX_MS / 4 : STEP_MAX_MS);
    }
}

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
            if (!start(session, deadline_ms, err)) {
                return false;
            }
        }
        if (walk(session, deadline_ms, until_shown, err)) {
            return true;
        }
        if (webdriver_alive(session->driver)) {
            return false;
        }
        if (err->kind != ERR_STOP) {
            log_warn("session: the browser is gone: %s", err->text);
        }
        if (err->kind == ERR_STOP || backoff_ms(session->drops + 1) > 0 ||
            mono(session) + NEED_MS >= deadline_ms) {
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
    session->wish_look_ms = mono(session);
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
    recycle(session, deadline_ms);
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
    if (webdriver_alive(session->driver) && over(session, session->touched_ms, ALIVE_MS)) {
        struct arena arena;
        struct str title = {0};
        arena_init(&arena, WA_KEPT_ARENA);
        (void)webdriver_title(session->driver, mono(session) + TITLE_MS, &arena, &title, &err);
        arena_free(&arena);
    }
    if (over(session, session->wish_look_ms, STEP_MAX_MS) && !see_wish(session, &err)) {
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
    for (size_t i = 0; i < options->args.count && session->arg_count < BROWSER_ARGS_MAX; i++) {
        session->args[session->arg_count++] = options->args.items[i];
    }
    struct webdriver_options driver = {.url = options->webdriver,
                                       .root = options->authorities,
                                       .clock = connector->env.clock,
                                       .stopping = connector->env.stopping,
                                       .stopping_context = connector->env.stopping_context,
                                       .note = note_command,
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
    quit(session, "sluice ends, or goes on without this source");
    if (session->loaded && (!wa_kept_show(&session->kept, (struct str){0}, &err) ||
                            !wa_kept_note(&session->kept, true, &err))) {
        log_warn("session: %s", err.text);
    }
    webdriver_close(session->driver);
    arena_free(&session->boot_arena);
    explicit_bzero(&session->kept.look, sizeof session->kept.look);
    mem_free(session);
}
