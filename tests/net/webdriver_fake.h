/*
 * webdriver_fake: a server in this process that answers a WebDriver client as it is told to, also
 * in all the wrong ways that a real one would not show on demand.
 *
 *     struct fake *fake = fake_start();
 *     fake_answer(fake, &(struct fake_reply){.body = "{\"value\":null}"});    the next request's
 *     … calls …
 *     fake_seen(fake, 0)->path                                               what arrived
 *     fake_stop(fake);
 *
 * Answers are given in the order in which they were told, whatever is asked; behind the last, all
 * requests get {"value":null}. It listens on 127.0.0.1 and has a thread for each connection.
 */
#ifndef SLUICE_TESTS_NET_WEBDRIVER_FAKE_H
#define SLUICE_TESTS_NET_WEBDRIVER_FAKE_H

#include <stddef.h>

enum fake_manner {
    FAKE_WHOLE = 0,
    FAKE_CHUNKED, /* In pieces of `piece` bytes. */
    FAKE_SLOW,    /* `piece` bytes each `ms`, then the rest does not come. */
    FAKE_CUT,     /* The connection is closed after `piece` bytes of the body. */
    FAKE_MUTE,    /* No answer. */
    FAKE_HANG_UP, /* The connection is closed without a byte. */
    FAKE_HUGE,    /* A JSON text of `piece` letters. */
    FAKE_ENDLESS, /* A JSON text that does not end, in chunks. */
    FAKE_GARBAGE, /* Bytes that are no HTTP. */
    FAKE_LAST,    /* The whole answer; then the connection is closed without a word. */
};

struct fake_reply {
    int status;       /* 0: 200. */
    const char *type; /* NULL: as it should be; "": without. */
    const char *body;
    enum fake_manner manner;
    size_t piece;
    int ms;
};

struct fake_request {
    char method[16];
    char path[512];
    char type[128];
    char authorization[128];
    char body[8192];
    int connection; /* Counted from 1. */
};

struct fake;

struct fake *fake_start(void);
void fake_stop(struct fake *fake);
int fake_port(const struct fake *fake);

void fake_answer(struct fake *fake, const struct fake_reply *reply);

/* So many requests came since the start or the last fake_forget(). */
size_t fake_count(struct fake *fake);
const struct fake_request *fake_seen(struct fake *fake, size_t index);
void fake_forget(struct fake *fake);

#endif
