/*
 * renew: a call asks for the configuration to be read again, and hears what became of it.
 *
 * A mailbox between the threads that answer calls and the one that reloads (cli/reload.h). Each ask
 * gets a ticket; a reading that begins after it settles it, and all before it.
 */
#ifndef SLUICE_SERVE_RENEW_H
#define SLUICE_SERVE_RENEW_H

#include "base/arena.h"
#include "base/thread.h"

enum { RENEW_WORDS_MAX = 1024 };

struct renew {
    struct lock lock; /* Of all below. */
    void (*wake)(void *context);
    void *context;
    int64_t asked;
    int64_t done;
    bool good;
    char words[RENEW_WORDS_MAX];
};

void renew_init(struct renew *renew);

/* ---- For calls ---- */

/* False: nobody listens. */
bool renew_ask(struct renew *renew, int64_t *ticket);

/* True once it is settled: `*words`, in `arena`, say what changed (empty: nothing), or what is
 * wrong. */
bool renew_settled(struct renew *renew, int64_t ticket, struct arena *arena, bool *good,
                   struct str *words);

/* ---- For who reloads ---- */

/* `wake` is called by the asking thread, so it must not take long. NULL: nobody listens any more.
 */
void renew_listen(struct renew *renew, void (*wake)(void *context), void *context);

/* The last ticket that is not settled; 0: none. */
int64_t renew_due(struct renew *renew);
void renew_done(struct renew *renew, int64_t ticket, bool good, struct str words);

#endif
