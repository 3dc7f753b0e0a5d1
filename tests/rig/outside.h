/*
 * outside: real servers for a test, started before it and ended after it.
 *
 * A server is a program that prints "NAME PORT" lines and then "ready", and that ends when its
 * standard input does: so it cannot outlive the test, even when that crashes. outside_stop() closes
 * that input, and ends the program by its pid when it does not go within a few seconds.
 *
 * Certificates of the tests lie in outside_folder(), see tests/net/certificates.py.
 */
#ifndef SLUICE_TESTS_RIG_OUTSIDE_H
#define SLUICE_TESTS_RIG_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

enum { OUTSIDE_PORTS_MAX = 64, OUTSIDE_WORDS_MAX = 16 };

struct outside {
    pid_t pid;
    int in;
    int out;
    struct {
        char name[32];
        int port;
    } ports[OUTSIDE_PORTS_MAX];
    int count;
    char folder[64]; /* Private to this server; removed by outside_stop(). */
};

/*
 * `words` are the program's, ended by NULL; "{folder}" stands for the folder. False with a line on
 * stderr when it does not become ready within `seconds`, or says "missing: …" because the machine
 * lacks something: then the test skips.
 */
bool outside_start(struct outside *outside, const char *const *words, int seconds);
void outside_stop(struct outside *outside);

/* Write a line to the server and wait for its answer, "ok"; fails the test otherwise. */
void outside_ask(const struct outside *outside, const char *line);

/* Fails the test when there is no such name. */
int outside_port(const struct outside *outside, const char *name);

/* "FOLDER/NAME" in a static buffer; a few calls may be alive at once. */
const char *outside_path(const struct outside *outside, const char *name);

/* Connected, not blocking; -1 when nobody listens there. */
int outside_connect(int port);

/* Long enough for anything that is well: 20 seconds from now on the monotonic clock. */
int64_t outside_soon(void);

#endif
