/*
 * webdriver: a browser, driven over W3C WebDriver (Selenium Grid 4 or plain chromedriver).
 *
 * A `struct webdriver` belongs to one worker, holds at most one session (one browser) and touches
 * no network before the first call.
 *
 *     webdriver_open(&driver, &options, err)
 *     webdriver_wait_ready(driver, by_ms, deadline, &status, err)     or why not
 *     webdriver_start(driver, &browser, deadline, err)                a browser of our own
 *     webdriver_go(driver, url, deadline, err)
 *     webdriver_run(driver, &script, deadline, arena, &value, err)    what the page says
 *     webdriver_quit(driver, deadline, err)                           always: see below
 *     webdriver_close(driver)
 *
 * Every call ends by its absolute deadline, and within about a second when the owner is asked to
 * stop; only those that end sessions go on then (webdriver_quit(), webdriver_remove(),
 * webdriver_evict()), because a browser that is killed instead of closed loses what it wrote last,
 * and one that is left keeps the only place of a Grid.
 *
 * When a call fails, webdriver_fault() tells what went wrong and webdriver_fate() what to do: drop
 * the session and start another one after a wait, try again in the same session, or nothing but
 * take note. After a fault that drops the session the calls fail without going out, and
 * webdriver_start() ends what is left of it before it starts the next.
 *
 * No error quotes the page: what the browser says about it (an alert's text, the element that
 * covers another, what a script threw) is left out, and so are the ids of sessions. Answers are
 * limited in size, and an answer that is none of WebDriver's (a login page, a proxy's error) is
 * told as such.
 *
 * sluice only reads pages. There is no way to press Enter or any other special key here
 * (webdriver_type() refuses them), so nothing that was typed can be sent off.
 */
#ifndef SLUICE_NET_WEBDRIVER_H
#define SLUICE_NET_WEBDRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "text/json.h"

struct webdriver;

enum {
    WEBDRIVER_ID_MAX = 128,      /* A session's name, with its NUL. */
    WEBDRIVER_ELEMENT_MAX = 256, /* An element's name, with its NUL. */
    WEBDRIVER_ARGS_MAX = 64,     /* Arguments of a browser. */
    WEBDRIVER_TYPED_MAX = 1024,  /* Bytes that are typed at once. */
    WEBDRIVER_ANSWER_MAX = 16 * 1024 * 1024,
    WEBDRIVER_ANSWER_LIMIT = 64 * 1024 * 1024, /* More cannot be asked for. */
    WEBDRIVER_NODES_MAX = 64,                  /* Further machines of a Grid are not looked at. */
    WEBDRIVER_SCRIPT_MS = 30000,               /* A script's time unless the options say so. */
    WEBDRIVER_SCRIPT_MAX_MS = 60000,           /* A Grid gives a whole session up after a few. */
    WEBDRIVER_PAGE_MS = 60000,                 /* To load a page. */
};

/* ---- What went wrong ---- */

enum webdriver_fault {
    WEBDRIVER_FINE = 0,
    /* No answer, or none of WebDriver's. */
    WEBDRIVER_STOPPED,     /* The owner was asked to stop. */
    WEBDRIVER_UNREACHABLE, /* Nobody answers, or the connection was cut. */
    WEBDRIVER_LATE,        /* No answer by the deadline. */
    WEBDRIVER_TOO_LARGE,   /* The answer is larger than was asked for. */
    WEBDRIVER_NONSENSE,    /* Something else answers there. */
    WEBDRIVER_NO_MEMORY,
    /* The session is gone, or as good as. */
    WEBDRIVER_NO_SESSION, /* There is none: not started, or dropped. */
    WEBDRIVER_SESSION_LOST,
    WEBDRIVER_TAB_CRASHED,
    WEBDRIVER_BROWSER_GONE,
    WEBDRIVER_WINDOW_LOST,
    WEBDRIVER_NOT_CREATED, /* No browser could be started. */
    /* The page took too long; the session is well. */
    WEBDRIVER_SCRIPT_TIMEOUT,
    WEBDRIVER_PAGE_TIMEOUT,
    /* Only this call failed. */
    WEBDRIVER_NO_ELEMENT,
    WEBDRIVER_STALE_ELEMENT,
    WEBDRIVER_NOT_INTERACTABLE,
    WEBDRIVER_COVERED, /* Another element would get the click. */
    WEBDRIVER_ALERT,   /* An alert was open; it is dismissed. */
    WEBDRIVER_SCRIPT_FAILED,
    WEBDRIVER_BAD_ARGUMENT,
    WEBDRIVER_BAD_SELECTOR,
    WEBDRIVER_BAD_CERTIFICATE,
    WEBDRIVER_UNKNOWN_COMMAND,
    WEBDRIVER_NO_PAGE, /* The page's server cannot be reached from the browser. */
    WEBDRIVER_FAILED,  /* Anything else. */
};

enum webdriver_fate {
    WEBDRIVER_DROP = 0,   /* Start another session, after a wait. The zero value is the safe one. */
    WEBDRIVER_RETRY_SAME, /* Try again in this session. */
    WEBDRIVER_CALL,       /* The session is well; this call is what failed. */
    WEBDRIVER_GO_HOME,    /* Asked to stop: quit. */
};

const char *webdriver_fault_name(enum webdriver_fault fault);
enum webdriver_fate webdriver_fault_fate(enum webdriver_fault fault);

/* ---- Life ---- */

/* One command as it went out and ended: what was done to the page, and nothing of its contents. */
struct webdriver_note {
    const char *what; /* "click", "script" and so on, as errors name it. */
    enum webdriver_fault fault;
    int64_t took_ms;
    size_t received; /* Bytes. */
};

struct webdriver_options {
    struct str url;   /* "http://chrome:4444", also with a path ("/wd/hub"). */
    struct str root;  /* File of authorities for https; absent: the machine's. */
    bool allow_clear; /* http:// to public hosts. */
    struct clock *clock;
    bool (*stopping)(void *context); /* May be NULL. */
    void *stopping_context;
    /* Told of each command that went out; may be NULL. */
    void (*note)(void *context, const struct webdriver_note *note);
    void *note_context;
};

/* ERR_CONFIG for an address that cannot be one. */
bool webdriver_open(struct webdriver **out, const struct webdriver_options *options,
                    struct err *err);

/* A session that is still there is left behind: quit before. NULL is fine. */
void webdriver_close(struct webdriver *driver);

/* Of the last call. */
enum webdriver_fault webdriver_fault(const struct webdriver *driver);
enum webdriver_fate webdriver_fate(const struct webdriver *driver);

/* ---- Is there a browser to be had? ---- */

enum webdriver_ready {
    WEBDRIVER_AWAY = 0, /* Nobody who speaks WebDriver answers. */
    WEBDRIVER_STARTING, /* It answers, and has no machine that is up. */
    WEBDRIVER_BUSY,     /* It is well, and every place is taken (perhaps by ourselves). */
    WEBDRIVER_READY,
};

struct webdriver_status {
    enum webdriver_ready ready;
    bool grid;       /* Not a plain driver. */
    int64_t up;      /* Machines of a Grid that are up. */
    int64_t places;  /* And how many sessions they may have. */
    int64_t taken;   /* How many of them they have. */
    int64_t idle_ms; /* A Grid ends sessions that are idle so long; 0 for unknown. */
};

/* One look. False, with AWAY, when nobody answers. */
bool webdriver_status(struct webdriver *driver, int64_t deadline_ms,
                      struct webdriver_status *status, struct err *err);

/* Look again and again until it is READY or BUSY: then a session may be asked for (a Grid keeps us
 * in its queue while it is busy). False when the time is over: `err` says why not. */
bool webdriver_wait_ready(struct webdriver *driver, int64_t deadline_ms,
                          struct webdriver_status *status, struct err *err);

/* ---- Sessions ---- */

struct webdriver_browser {
    struct str binary;  /* Absent: what the server takes. */
    struct str profile; /* --user-data-dir; absent: a new one that is thrown away. */
    bool headless;
    int width; /* Of the window; 0: as it comes. */
    int height;
    const struct str *args; /* More of them: "--lang=he". */
    size_t arg_count;
    int64_t script_ms; /* 0: WEBDRIVER_SCRIPT_MS. */
    int64_t page_ms;   /* 0: WEBDRIVER_PAGE_MS. */
};

/*
 * Start a browser. What is left of an earlier session of this driver is ended first.
 *
 * A server that is busy keeps us waiting for the deadline. When that passes, or we are asked to
 * stop meanwhile, a plain driver may have started a browser whose name we never learn:
 * webdriver_evict() finds it by its profile.
 */
bool webdriver_start(struct webdriver *driver, const struct webdriver_browser *browser,
                     int64_t deadline_ms, struct err *err);

/* Close the browser and end the session, also while stopping; true without one. On false the name
 * is kept, so that it can be tried again. */
bool webdriver_quit(struct webdriver *driver, int64_t deadline_ms, struct err *err);

/* The session's name, to be kept where a later process finds it; absent without one. It opens the
 * browser to all who can reach the server: not for logs. */
struct str webdriver_session(const struct webdriver *driver);

/* Is there a session that calls may be made in? */
bool webdriver_alive(const struct webdriver *driver);

/* "156.0.8078.108", of the browser of the last session. */
struct str webdriver_browser_version(const struct webdriver *driver);

/* End a session of a process that was killed; true also when it is gone already. */
bool webdriver_remove(struct webdriver *driver, struct str session, int64_t deadline_ms,
                      struct err *err);

/*
 * End every session of the server whose browser uses this profile, whoever started it: two
 * browsers cannot share one, and of a third party's session we may not know the name. Call it only
 * as the profile's owner. True when none is left that we could see.
 */
bool webdriver_evict(struct webdriver *driver, struct str profile, int64_t deadline_ms,
                     size_t *ended, struct err *err);

/* What a browser has cost so far: whether to recycle it is the caller's to say. */
struct webdriver_figures {
    int64_t age_ms;     /* Of the session. */
    uint64_t calls;     /* In it. */
    uint64_t received;  /* Bytes of answers in it. */
    bool measured;      /* What follows could be had. */
    int64_t heap_used;  /* Bytes of the page's scripts. */
    int64_t heap_total; /* Bytes that are set aside for them and for what hangs on them. */
    int64_t nodes;      /* Of the documents, also those that only a script holds. */
    int64_t listeners;
};

/* Age and counts, without a call. */
void webdriver_count(const struct webdriver *driver, struct webdriver_figures *figures);

/* And memory: two calls. True also where the browser does not tell. */
bool webdriver_measure(struct webdriver *driver, int64_t deadline_ms,
                       struct webdriver_figures *figures, struct err *err);

/* ---- The page ---- */

/* A page that cannot be loaded may come back as a success: check a mark of the page afterwards. */
bool webdriver_go(struct webdriver *driver, struct str url, int64_t deadline_ms, struct err *err);

bool webdriver_url(struct webdriver *driver, int64_t deadline_ms, struct arena *arena,
                   struct str *url, struct err *err);

/* The cheapest call there is: it also keeps a Grid from ending the session. */
bool webdriver_title(struct webdriver *driver, int64_t deadline_ms, struct arena *arena,
                     struct str *title, struct err *err);

bool webdriver_timeouts(struct webdriver *driver, int64_t script_ms, int64_t page_ms,
                        int64_t deadline_ms, struct err *err);

bool webdriver_window(struct webdriver *driver, int width, int height, int64_t deadline_ms,
                      struct err *err);

/*
 * A script is the body of a function; its arguments are `arguments[0]` and so on. It returns its
 * result; one that is `async` calls its last argument with it, by the script's time or not at all.
 *
 * The result comes packed as JSON by the page itself: that is quicker than the browser's own way,
 * and texts with half an emoji in them, which that way refuses, arrive with U+FFFD. `undefined` is
 * null.
 *
 * The deadline should leave a second or two more than the script's time: otherwise it is LATE, and
 * drops the session, what could have been a SCRIPT_TIMEOUT.
 */
struct webdriver_script {
    struct str code;
    struct str args; /* A JSON array; absent: none. */
    bool async;
    bool once;         /* It must not run twice: a new connection, and no second try on it. */
    size_t answer_max; /* 0: WEBDRIVER_ANSWER_MAX. */
};

/* The value lives in `arena`, which needs room for about four times the answer. */
bool webdriver_run(struct webdriver *driver, const struct webdriver_script *script,
                   int64_t deadline_ms, struct arena *arena, const struct json_value **value,
                   struct err *err);

struct webdriver_element {
    char id[WEBDRIVER_ELEMENT_MAX];
};

/* The first that a CSS selector finds; NO_ELEMENT. */
bool webdriver_find(struct webdriver *driver, struct str selector, int64_t deadline_ms,
                    struct webdriver_element *element, struct err *err);

/* The one that a script returns (not async); NO_ELEMENT when it returns none. */
bool webdriver_pick(struct webdriver *driver, const struct webdriver_script *script,
                    int64_t deadline_ms, struct webdriver_element *element, struct err *err);

/* An element as an argument of a script. */
void webdriver_put_element(struct json_writer *json, const struct webdriver_element *element);

/* A click as of a person's hand: scrolled into view, and refused when something covers it. */
bool webdriver_click(struct webdriver *driver, const struct webdriver_element *element,
                     int64_t deadline_ms, struct err *err);

/* Empty a field, and type into it. Control characters and special keys are refused (BAD_ARGUMENT,
 * nothing goes out): no Enter, ever. */
bool webdriver_clear(struct webdriver *driver, const struct webdriver_element *element,
                     int64_t deadline_ms, struct err *err);
bool webdriver_type(struct webdriver *driver, const struct webdriver_element *element,
                    struct str text, int64_t deadline_ms, struct err *err);

/* A picture (PNG) of the window, or of an element. */
bool webdriver_screenshot(struct webdriver *driver, const struct webdriver_element *element,
                          int64_t deadline_ms, struct arena *arena, struct str *png,
                          struct err *err);

#endif
