/*
 * wa_session: the browser of a WhatsApp account, from its start to its end.
 *
 * A source asks for it before each sweep and gets a page with chats, or why not and what to do:
 *
 *     wa_session_open(&session, connector, &options, packs, err)
 *     if (wa_session_ready(session, deadline_ms, batch, err)) {
 *         ... wa_session_driver(session) shows the chats ...
 *     }
 *     wa_session_glance(session)      from the source's changed()
 *     wa_session_close(session)       always ends the browser
 *
 * ready() does what is due and no more: it ends what a killed predecessor left (the session's name
 * is in `keep`, the profile is ours), waits for a server, starts the browser, opens the page, looks
 * (wa_look) until it is booted, puts a dialog away, takes over where that is configured, begins
 * anew when the browser has become old or large. While all is well it is one call. It returns by
 * the deadline; where it has not come to an end it goes on in the next call, so `deadline_ms` may
 * be nearer than the time a cold profile needs.
 *
 * When it fails: ERR_LOGIN when a person is needed (the text names the command), ERR_CONFIG for
 * what a configuration must change, ERR_STOP when asked to stop, else ERR_RETRY. After a call of
 * the page that failed nothing has to be told: the next ready() looks at what is left of it.
 *
 * Each change of state is one event in the batch (kind "session", a JSON object with `state`,
 * `since_ms`, `before`), also when ready() fails, and only one, whatever is restarted: what was
 * told last is noted in the same change of the store (batch_note()).
 *
 * In `keep`, for `status`, `session` and `pair` (see connector_type.attend for the last two):
 *
 *     session   what is known now: state, since, browser, page; no secret
 *     browser   the name of the WebDriver session: it opens the browser to all who can reach it
 *     told      the state that the last event told
 *     wish      somebody is there to scan a code, until this time
 *     code      what they are to scan: a credential; emptied when nobody is there any more
 *
 * A code leaves the page only while somebody is there, and is in no log, event or error.
 */
#ifndef SLUICE_SOURCE_WA_SESSION_H
#define SLUICE_SOURCE_WA_SESSION_H

#include "model/connector.h"
#include "model/source.h"
#include "net/webdriver.h"
#include "source/wa_look.h"

struct wa_packs; /* wa_pack.h */
struct wa_session;

/* Filled by the source's option table: see WA_SESSION_OPTIONS. */
struct wa_session_options {
    struct str webdriver; /* Where the browser is: "http://chrome:4444". */
    struct str authorities;
    struct str page;
    struct str profile;
    struct str binary;
    struct str_list args;
    bool headless;
    int64_t width;
    int64_t height;
    int64_t cold_ms; /* To boot with a profile that has not been logged in. */
    int64_t warm_ms; /* And with one that has. */
    int64_t recycle_age_ms;
    int64_t recycle_bytes;
    bool takeover;
    bool sending; /* Only false is accepted. */
};

/* For the kind's check(): what the types of the options cannot know. */
void wa_session_check(const struct wa_session_options *options, struct report *report);

/* Reaches nothing. `connector`, `options` and `packs` must outlive the session. */
bool wa_session_open(struct wa_session **out, const struct connector *connector,
                     const struct wa_session_options *options, struct wa_packs *packs,
                     struct err *err);

/* The chats are there; or why not. `batch` NULL: events wait for the next call with one. */
bool wa_session_ready(struct wa_session *session, int64_t deadline_ms, struct batch *batch,
                      struct err *err);

/* With the chats on its page, as long as ready() said so. */
struct webdriver *wa_session_driver(struct wa_session *session);

enum wa_state wa_session_state(const struct wa_session *session);

/* The last look: locale, zone and selectors of the page. */
const struct wa_look *wa_session_look(const struct wa_session *session);

/* Is there a reason to call ready() before the interval is over (somebody wants to pair)? Also
 * keeps a Grid from ending a session that is idle. Cheap: most calls look at the clock only. */
bool wa_session_glance(struct wa_session *session);

/* For the kind's probe(): is there a browser to be had, and what is known of the login? Starts
 * none: a profile can be in one browser only, and `serve` may have it. */
bool wa_session_probe(struct wa_session *session, int64_t deadline_ms, struct str *found,
                      struct err *err);

/* For the kind's attend(): see connector.h. */
bool wa_session_attend(struct wa_session *session, int64_t deadline_ms, struct err *err);

/* A sweep is under way: the browser is not begun anew for its age or size until it is over. */
void wa_session_hold(struct wa_session *session, bool held);

/* Ends the browser, also while stopping. NULL is fine. */
void wa_session_close(struct wa_session *session);

#define WA_SESSION_OPTIONS(s, m)                                                                   \
    OPTION_TEXT(s, m.webdriver, "webdriver", OPTION_REQUIRED,                                      \
                "Where the browser is driven: a Selenium Grid or a chromedriver, such as "         \
                "http://chrome:4444."),                                                            \
        OPTION_PATH(s, m.authorities, "authorities", NULL,                                         \
                    "With an https:// address: file of certificate authorities to trust; by "      \
                    "default the machine's."),                                                     \
        OPTION_TEXT(s, m.profile, "profile", "/data/whatsapp_profile",                             \
                    "The browser's folder, where the login is kept; a path on the browser's "      \
                    "machine, in a volume that survives it. Each account has its own."),           \
        OPTION_TEXT(s, m.page, "page", "https://web.whatsapp.com/", "The page; for tests."),       \
        OPTION_BOOL(s, m.headless, "headless", "false",                                            \
                    "Without a window. WhatsApp refuses such browsers; the containers of "         \
                    "Selenium have a display."),                                                   \
        OPTION_TEXT(s, m.binary, "binary", NULL,                                                   \
                    "The browser; by default what the server takes."),                             \
        OPTION_LIST(s, m.args, "args", NULL, "Further arguments of the browser."),                 \
        OPTION_INT(s, m.width, "width", "1280", 800, 7680, "Of the window, in pixels."),           \
        OPTION_INT(s, m.height, "height", "900", 600, 4320, "Of the window, in pixels."),          \
        OPTION_DURATION(s, m.cold_ms, "cold_boot", "90s",                                          \
                        "How long the page may take to show something known the first time."),     \
        OPTION_DURATION(s, m.warm_ms, "warm_boot", "30s",                                          \
                        "And when the profile has been logged in before."),                        \
        OPTION_DURATION(                                                                           \
            s, m.recycle_age_ms, "recycle_age", "24h",                                             \
            "A browser older than this is started anew between two sweeps; 0: never."),            \
        OPTION_SIZE(s, m.recycle_bytes, "recycle_memory", "512MB",                                 \
                    "And one whose page takes more memory than this; 0: never."),                  \
        OPTION_BOOL(s, m.takeover, "takeover", "false",                                            \
                    "When somebody opened WhatsApp Web elsewhere: take the session back. By "      \
                    "default it is reported, and the person keeps it."),                           \
        OPTION_BOOL(s, m.sending, "sending", "false",                                              \
                    "Only false: sluice reads this page and never writes. Sending is a sink's.")

#endif
