/*
 * timer: time as messages: a tick for each planned moment.
 *
 * A tick is a message of kind TICK in the chat "ticks". Its id, its text and its time are the
 * planned moment, and that is "now" for every op that hears it, however late it was filed. So rules
 * that wait ("close what is older than an hour", "at 18:00 write the list") run the same in a
 * replay. A pipeline hears it beside its chats by `ticks: NAME` or in its `from:`.
 *
 * The cursor is the last planned moment: a restart neither loses nor repeats a tick. The first one
 * of `every` is the moment of the first start (or `since`), and they do not drift; `cron` begins
 * with its next moment. Moments that passed while nothing ran follow `misfire`: one tick for all of
 * them (the latest moment), none, or each (up to SCHEDULE_CATCH_UP_MAX, past that one for all).
 * How clocks that are changed are met is in text/cron.h and model/schedule.h.
 */
#ifndef SLUICE_SOURCE_TIMER_H
#define SLUICE_SOURCE_TIMER_H

#include "model/source.h"

extern const struct source_type source_timer;

#endif
