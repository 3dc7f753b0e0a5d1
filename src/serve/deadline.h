/*
 * deadline: connections whose client takes too long to say what it wants.
 *
 * The library ends a connection on which nothing moves. A client that sends one byte now and then
 * keeps it moving, and a few hundred such clients would keep everybody else out. So each connection
 * has an absolute time by which its whole request must be here; a thread of its own looks twice a
 * second, answers those that are late with 408, and shuts them down.
 *
 * A slot is entered when a connection begins and left before its socket is closed, both under one
 * lock, so the watch never touches a socket that is another connection's by now.
 */
#ifndef SLUICE_SERVE_DEADLINE_H
#define SLUICE_SERVE_DEADLINE_H

#include "base/clock.h"
#include "base/thread.h"

enum { DEADLINE_SLOTS = 1024 };

struct deadline_slot {
    int socket;      /* -1: free. */
    int64_t late_ms; /* Monotonic; 0: it is not the client that is waited for. */
};

struct deadline {
    struct lock lock;
    struct signal woken;
    struct thread thread;
    struct clock *clock;
    bool stop;
    size_t free; /* Where the search for a free slot begins. */
    struct deadline_slot slots[DEADLINE_SLOTS];
};

bool deadline_start(struct deadline *deadline, struct clock *clock, struct err *err);
void deadline_stop(struct deadline *deadline);

/* NULL: more connections than slots. */
struct deadline_slot *deadline_enter(struct deadline *deadline, int socket, int64_t within_ms);
void deadline_leave(struct deadline *deadline, struct deadline_slot *slot);

/* The request must be here within so many ms; 0: it is here. `slot` may be NULL. */
void deadline_set(struct deadline *deadline, struct deadline_slot *slot, int64_t within_ms);

#endif
