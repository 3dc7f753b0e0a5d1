/*
 * calls: those that need the store, in a bounded queue, answered by a few threads of their own.
 *
 * The thread that reads connections never waits. What needs the store is put off, stands in line
 * here, and is answered by one of CALLS_HANDS threads, each with a handle of the store and with
 * memory of its own. When the line is full, the next one is told to come again.
 *
 * A call that waits for somebody else's work is not answered at once but asked again after
 * `again_ms`, so that waiting keeps no thread busy.
 */
#ifndef SLUICE_SERVE_CALLS_H
#define SLUICE_SERVE_CALLS_H

#include "engine/engine.h"
#include "serve/server.h"

enum {
    CALLS_HANDS = 2,
    CALLS_WAITING_MAX = 128,
    CALLS_SCRATCH_MAX = 96 * 1024 * 1024,
};

/* What a thread has to itself. */
struct calls_hand {
    struct store *store;
    struct arena scratch; /* Empty before each call. */
};

/* True: the call has its answer. False: ask again in `call->again_ms`. */
typedef bool calls_work(void *context, struct calls_hand *hand, struct call *call);

struct calls;

bool calls_start(struct calls **out, struct engine *engine, calls_work *work, void *context,
                 struct err *err);

/* Always puts the call off; one that finds no room is answered at once. */
void calls_put(struct calls *calls, struct call *call);

/* Who waits is told to come again, and so is who comes from here on; threads end. */
void calls_stop(struct calls *calls);
void calls_free(struct calls *calls); /* After calls_stop(); NULL is fine for both. */

/* 503 and when to come again. */
void call_refuse_later(struct call *call, const char *code, const char *why);

#endif
