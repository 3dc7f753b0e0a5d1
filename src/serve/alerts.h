/*
 * alerts: a thread that looks at the state of health, and tells the channels of `alerts:` what is
 * wrong and what is well again (alert_book.h says when, channel.h says how).
 *
 * It has a handle of the store of its own and disturbs nobody: a channel that does not answer is
 * tried again, up to five minutes apart, and holds up no other channel for longer than
 * ALERTS_SEND_MS.
 */
#ifndef SLUICE_SERVE_ALERTS_H
#define SLUICE_SERVE_ALERTS_H

#include "config/alerts.h"
#include "engine/engine.h"

enum { ALERTS_LOOK_MS = 1000, ALERTS_SEND_MS = 20 * 1000 };

struct alerts;

/* What it goes by; all of it lives until the owner is released. */
struct alerts_plan {
    const struct plan *plan;
    const struct config_alerts *config;
    struct plan_owner owner; /* Also released when alerts_start() fails. */
};

bool alerts_start(struct alerts **out, struct engine *engine, struct str data_dir,
                  struct alerts_plan plan, struct err *err);

/* Another configuration from now on. */
void alerts_replan(struct alerts *alerts, struct alerts_plan plan);

void alerts_stop(struct alerts *alerts); /* NULL is fine. */

#endif
