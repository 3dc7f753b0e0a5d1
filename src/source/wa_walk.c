/* From a running browser to the chats. */
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "source/wa_inside.h"
#include "source/wa_pack.h"

enum {
    LOOK_MS = 20000, /* A page that does not answer for so long hangs. */
    STEP_FIRST_MS = 100,
    SLEEP_MS = 200,       /* Between two looks whether we are to stop. */
    CALM_MS = 120000,     /* A browser that lasted so long is none that ends again and again. */
    RELOAD_MS = 60000,    /* A page that is in trouble is loaded anew so often. */
    RENEW_MS = 3000,      /* Between two presses on a stale code's button, */
    PROMO_MS = 2000,      /* on a dialog's x, */
    TAKEOVER_MS = 600000, /* and on "use here": two who both insist would take turns for ever. */
    AGAIN_MAX = 3,        /* Alerts and slow scripts in a row. */
};

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
        clock->sleep_until(clock, wa_sooner(until_ms, now_ms + SLEEP_MS));
    }
}

/* A person is awaited. */
static bool await(struct err *err, const struct wa_session *session)
{
    err->kind = ERR_LOGIN;
    err->retry_after_ms = session->attended ? 1 : WA_PERSON_MS;
    return false;
}

/* ---- Looking ---- */

static bool open_page(struct wa_session *session, int64_t deadline_ms, struct err *err)
{
    struct str page = session->options->page;
    bool ok = webdriver_go(session->driver, page, deadline_ms, err);
    enum webdriver_fault fault = webdriver_fault(session->driver);
    session->boot_ms = wa_mono(session);
    session->on_page = ok || fault == WEBDRIVER_PAGE_TIMEOUT || fault == WEBDRIVER_ALERT;
    if (session->on_page) {
        return wa_kept_enter(&session->kept, WA_BOOTING, err);
    }
    if (fault == WEBDRIVER_NO_PAGE) {
        (void)wa_browser_trouble(session, WA_NO_PAGE, err);
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
                       wa_sooner(deadline_ms, wa_mono(session) + LOOK_MS), &session->kept.look,
                       err)) {
            return true;
        }
        enum webdriver_fault fault = webdriver_fault(session->driver);
        bool passes = fault == WEBDRIVER_ALERT || fault == WEBDRIVER_SCRIPT_TIMEOUT ||
                      fault == WEBDRIVER_FAILED; /* An alert came while the script ran. */
        if (!passes || wa_mono(session) + WA_NEED_MS >= deadline_ms) {
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
    if (!wa_over(session, *last_ms, pause_ms)) {
        return false;
    }
    *last_ms = wa_mono(session);
    if (!wa_look_click(session->driver, packs_of(session), button,
                       wa_sooner(deadline_ms, wa_mono(session) + LOOK_MS), &err)) {
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
    if (wa_over(session, session->started_ms, CALM_MS)) {
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
    if (wa_over(session, session->boot_ms, RELOAD_MS) || session->kept.state == WA_NO_PAGE) {
        session->on_page = false; /* Perhaps it is well again when it is loaded anew. */
    }
    if (err->kind == ERR_LOGIN) {
        err->retry_after_ms = WA_PERSON_MS;
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
        session->boot_ms = wa_mono(session);
    }
    if (!wa_over(session, session->boot_ms, limit_ms)) {
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
bool wa_walk(struct wa_session *session, int64_t deadline_ms, bool until_shown, struct err *err)
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
            wa_mono(session) + step_ms + WA_NEED_MS >= deadline_ms) {
            return out_of_time(session, err);
        }
        if (!rest_until(session, wa_mono(session) + step_ms, err)) {
            return false;
        }
        step_ms = wa_sooner(step_ms * 2, session->kept.state == WA_BOOTING ? WA_STEP_MAX_MS / 4
                                                                           : WA_STEP_MAX_MS);
    }
}
