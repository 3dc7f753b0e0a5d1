/*
 * wa_kept: what a session leaves for others to see, in `keep` and as events.
 *
 * `status`, `session` and `pair` run in other processes and know nothing of a browser; they read
 * these notes (wa_session.h lists them). A change of state is written at once, figures at most once
 * a minute. The code is there only while somebody wishes to see it.
 */
#ifndef SLUICE_SOURCE_WA_KEPT_H
#define SLUICE_SOURCE_WA_KEPT_H

#include "model/connector.h"
#include "model/source.h"
#include "net/webdriver.h"
#include "source/wa_look.h"

enum { WA_COMMANDS_MAX = 24, WA_VERSION_MAX = 64, WA_KEPT_ARENA = 256 * 1024 };

/* How often each WebDriver command went out: the proof of what was done to the page. */
struct wa_commands {
    size_t count;
    struct {
        const char *what;
        int64_t times;
    } of[WA_COMMANDS_MAX];
};

struct wa_kept {
    struct keep *keep;
    struct clock *clock;
    enum wa_state state;
    enum wa_state before;
    int64_t since_ms;      /* Wall clock, as all here. */
    enum wa_state settled; /* The last state that does not pass by itself, */
    int64_t settled_ms;    /* and since when: booting does not interrupt it. */
    int64_t ready_ms;      /* When the chats were seen last; 0: never with this profile's login. */
    int64_t opened_ms;     /* Of the browser; 0: there is none. */
    int64_t memory;        /* Bytes of its page; 0: not measured. */
    int64_t noted_ms;
    char version[WA_VERSION_MAX];
    struct wa_look look;
    struct wa_commands commands;
    bool showing;   /* `code` holds one. */
    uint64_t shown; /* Rises whenever what a person is to see has changed. */
};

/* What an earlier process left is read; a code that it left is removed. */
bool wa_kept_open(struct wa_kept *kept, const struct connector_env *env, struct err *err);

/* The state is this one now. */
bool wa_kept_enter(struct wa_kept *kept, enum wa_state state, struct err *err);

/* Write the figures, when they are a minute old; `at_once`: in any case. */
bool wa_kept_note(struct wa_kept *kept, bool at_once, struct err *err);

/* The state as one event, unless it was told already or is one that passes by itself. */
bool wa_kept_tell(struct wa_kept *kept, struct batch *batch, struct err *err);

/* Show a code to who is there; absent: none (any more). */
bool wa_kept_show(struct wa_kept *kept, struct str code, struct err *err);

/* Until when somebody is there, by the wall clock; 0: nobody. */
bool wa_kept_wish(struct wa_kept *kept, int64_t *until_ms, struct err *err);

/* The WebDriver session that has the profile; absent: none. */
bool wa_kept_browser(struct wa_kept *kept, char out[WEBDRIVER_ID_MAX], struct err *err);
bool wa_kept_set_browser(struct wa_kept *kept, struct str session, struct err *err);

void wa_commands_count(struct wa_commands *commands, const char *what);

#endif
