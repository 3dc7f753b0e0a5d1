/*
 * toy: a plan of one source, one pipeline and one sink that a test can watch and disturb.
 *
 * The source brings `total` messages, a hundred at a time; the op makes one record of each, and the
 * sink counts what it was given. What is counted and what disturbs lies in memory that a forked
 * child shares. The clock is the system's, or one that only moves when somebody sleeps.
 */
#ifndef SLUICE_TESTS_ENGINE_TOY_H
#define SLUICE_TESTS_ENGINE_TOY_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "text/test.h"

enum { TOY_MESSAGES_MAX = 200000 };

struct toy_shared {
    atomic_int total;
    atomic_int fetches;
    atomic_int looks;
    atomic_int written;
    atomic_int fail_fetch; /* An enum err_kind. */
    atomic_int fail_write;
    atomic_int fail_writes; /* How many calls of write fail so; below 0: all. */
    atomic_bool notice;     /* A fetch tells an event, unless it noted that it was told. */
    atomic_bool hang;       /* A fetch does not come back while this is set. */
    atomic_bool hanging;
    atomic_bool pictures; /* Each message has one of two pictures. */
    atomic_bool slow;     /* A write takes some milliseconds. */
    atomic_int receipts;  /* So often a receipt is asked for: by a message, then by each receipt. */
    atomic_uchar given[TOY_MESSAGES_MAX]; /* How often the sink was given each. */
};

struct toy {
    struct clock clock; /* First. A clock that moves when somebody sleeps. */
    int64_t now_ms;
    char folder[64];
    struct toy_shared *shared;
    struct toy_source {
        struct source source;
        struct toy *toy;
    } source;
    struct op op;
    struct toy_sink {
        struct sink sink;
        struct toy *toy;
    } sink;
    struct plan_chat chat;
    struct plan_source plan_source;
    struct plan_pipeline plan_pipeline;
    struct plan_sink plan_sink;
    struct plan plan;
    struct engine_options options;
    struct err err;
};

/* For CMocka: `*state` is the toy. */
int toy_open(void **state);
int toy_close(void **state);

/* Fails the test with the error's text. */
void toy_ok(struct toy *toy, bool ok);

struct engine *toy_engine(struct toy *toy);

/* Messages that the sink was given at least once, and whether each of 0 … total-1 was. */
int toy_delivered(const struct toy *toy);

/* Wait until `done(toy)`; fails after ten seconds. */
void toy_wait(struct toy *toy, bool (*done)(struct toy *toy));

#endif
