/*
 * webdriver_call: one command and its answer; seen by net/webdriver*.c only.
 *
 * Request and answer live in `wire` and the answer's tree in `tree`; both are the driver's, and the
 * next command uses them again. What is to stay is copied to the caller's arena.
 */
#ifndef SLUICE_NET_WEBDRIVER_CALL_H
#define SLUICE_NET_WEBDRIVER_CALL_H

#include "net/http.h"
#include "net/webdriver.h"

enum { WEBDRIVER_URL_MAX = 1024, WEBDRIVER_VERSION_MAX = 64 };

/* What the W3C names an element in JSON. */
#define WEBDRIVER_ELEMENT_KEY "element-6066-11e4-a52e-4f735466cecf"

struct webdriver {
    struct http *http;
    struct clock *clock;
    struct arena wire;
    struct arena tree;
    bool (*stopping)(void *context);
    void *stopping_context;
    void (*note)(void *context, const struct webdriver_note *note);
    void *note_context;
    bool closing; /* Calls go out although we are asked to stop. */
    enum webdriver_fault fault;
    char url[WEBDRIVER_URL_MAX]; /* Without a slash at its end. */

    char session[WEBDRIVER_ID_MAX]; /* Empty: none. */
    bool lost;                      /* The session is there only to be ended. */
    char version[WEBDRIVER_VERSION_MAX];
    int64_t started_ms;
    uint64_t calls;
    uint64_t received;
};

struct webdriver_call {
    const char *what;   /* For people: "click". */
    const char *method; /* NULL: POST. */
    const char *path;   /* Behind the session, or behind the server's address when that is bare. */
    bool bare;
    bool once;
    size_t answer_max;
};

/* A command begins: earlier ones' memory is free again, and the body may be written into `body`. */
void webdriver_begin(struct webdriver *driver, struct buf *body);

/* Send it. `body` may be NULL. `*value` may be NULL; it lives until the next command begins. */
bool webdriver_send(struct webdriver *driver, const struct webdriver_call *call, struct buf *body,
                    int64_t deadline_ms, const struct json_value **value, struct err *err);

/* Something that we find ourselves. Always false. */
bool webdriver_fail(struct webdriver *driver, enum webdriver_fault fault, const char *what,
                    struct err *err);

/* What the server says; `status` is HTTP's, `value` its "value". Always false. */
bool webdriver_blame(struct webdriver *driver, const char *what, int status,
                     const struct json_value *value, struct err *err);

/* JSON in which halves of UTF-16 pairs that stand alone are U+FFFD; absent without memory. */
struct str webdriver_mend(struct str text, struct arena *arena);

#endif
