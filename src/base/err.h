/*
 * err: why a call failed, in two parts.
 *
 * `kind` is for the program: it decides what happens next (wait and retry, ask a person, give the
 * item up, stop). `text` is for people: it says what, where, why and what to do next, is complete
 * enough to be logged as it is, and never holds a secret. A fallible function returns bool and
 * takes `struct err *` last; on success it leaves the error alone, so calls can be chained and
 * checked once.
 */
#ifndef SLUICE_BASE_ERR_H
#define SLUICE_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

enum err_kind {
    ERR_NONE = 0,
    ERR_RETRY,  /* The outside world is slow or down: same call, later. */
    ERR_LOGIN,  /* A person must act: scan a QR code, renew a token. */
    ERR_REJECT, /* This one item can never succeed: to the dead letters. */
    ERR_CONFIG, /* The configuration is wrong: refuse to start. */
    ERR_STOP,   /* Asked to stop, or no longer the owner; nothing failed. */
    ERR_STORE,  /* The store cannot be written: stop the process. */
};

enum { ERR_TEXT_MAX = 512 };

struct err {
    enum err_kind kind;
    int64_t retry_after_ms; /* With ERR_RETRY: the outside asked to wait this long; 0 for unknown.
                               With ERR_LOGIN: when to look whether the person has acted. */
    char text[ERR_TEXT_MAX];
};

/* Record a failure. Always returns false, so `return err_set(err, ...)` reads well. */
__attribute__((format(printf, 3, 4))) bool err_set(struct err *err, enum err_kind kind,
                                                   const char *format, ...);

/* Put "where: " in front of a text that is there already. Returns false as err_set() does. */
__attribute__((format(printf, 2, 3))) bool err_prefix(struct err *err, const char *format, ...);

const char *err_kind_name(enum err_kind kind);

#endif
