/*
 * wa_inside: a session's parts, seen by wa_session.c, wa_browser.c and wa_walk.c only.
 *
 *     wa_browser   the browser: to have one, to end it, to begin it anew
 *     wa_walk      the page: from whatever it shows to the chats
 *     wa_session   what sources call, and both together
 */
#ifndef SLUICE_SOURCE_WA_INSIDE_H
#define SLUICE_SOURCE_WA_INSIDE_H

#include "source/wa_kept.h"
#include "source/wa_session.h"

enum {
    WA_NEED_MS = 1500,   /* With less than this to the deadline no call goes out: a late answer
                            would cost the session. */
    WA_TITLE_MS = 3000,  /* For a call that costs nothing. */
    WA_PERSON_MS = 3000, /* Whoever awaits a person looks so often. */
    WA_STEP_MAX_MS = 1000,
};

struct wa_session {
    const struct connector *connector;
    const struct wa_session_options *options;
    struct wa_packs *packs;
    struct webdriver *driver;
    struct wa_kept kept;
    struct str args[WEBDRIVER_ARGS_MAX];
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
    int64_t alive_ms; /* Between two signs of life. */
    int64_t measured_ms;
    int64_t renewed_ms;
    int64_t dismissed_ms;
    int64_t taken_ms;
    int64_t wish_look_ms;
    int64_t wish_until_ms; /* Wall clock. */
};

/* ---- Time ---- */

static inline int64_t wa_mono(const struct wa_session *session)
{
    return clock_mono_ms(session->connector->env.clock);
}

static inline int64_t wa_sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Was this long ago, or never? */
static inline bool wa_over(const struct wa_session *session, int64_t since_ms, int64_t length_ms)
{
    return since_ms == 0 || wa_mono(session) - since_ms >= length_ms;
}

/* ---- The browser ---- */

void wa_browser_note(void *context, const struct webdriver_note *note);

/* The state of what stands before the page; false when it could not be kept. */
bool wa_browser_trouble(struct wa_session *session, enum wa_state state, struct err *err);

bool wa_browser_start(struct wa_session *session, int64_t deadline_ms, struct err *err);

/* For how long a browser that ended so many times is left alone. */
int64_t wa_browser_backoff_ms(int drops);

/* End it, also while stopping; `why` for the log. */
void wa_browser_quit(struct wa_session *session, const char *why);

/* End it when it has become old or large. */
void wa_browser_recycle(struct wa_session *session, int64_t deadline_ms);

/* ---- The page ---- */

/* From a running browser to the chats. `until_shown`: return when who is there has to see
   something new. */
bool wa_walk(struct wa_session *session, int64_t deadline_ms, bool until_shown, struct err *err);

#endif
