/*
 * pulse: the pages of health and metrics, made ready in advance.
 *
 * Whoever asks for /health gets bytes that a thread of its own wrote within the last seconds: a
 * question costs no look into the store, however many chats it holds and however often it is asked.
 * The thread looks at the store every PULSE_LOOK_MS and writes the pages anew when something was
 * committed, and every PULSE_AGE_MS in any case. When it cannot read, it says so, and the pages
 * get old; who asks then is told that the store does not answer.
 */
#ifndef SLUICE_SERVE_PULSE_H
#define SLUICE_SERVE_PULSE_H

#include "serve/health.h"
#include "serve/planned.h"

enum {
    PULSE_LOOK_MS = 1000,
    PULSE_AGE_MS = 5 * 1000,
    PULSE_STALE_MS = 60 * 1000, /* Then the store does not answer. */
};

enum pulse_page { PULSE_HEALTH = 0, PULSE_DETAILS, PULSE_METRICS, PULSE_PAGES };

struct pulse;

/* Makes the first pages before it returns. `store` is the pulse's from here on. */
bool pulse_start(struct pulse **out, struct store *store, struct planned *planned, struct err *err);
void pulse_stop(struct pulse *pulse); /* NULL is fine. */

/* A copy in `arena`, and the verdict of that look. False: the store has not answered lately. */
bool pulse_get(struct pulse *pulse, enum pulse_page page, struct arena *arena, struct str *text,
               enum health_status *status);

#endif
