/*
 * signals: Ctrl-C, SIGTERM and SIGHUP, taken by a thread that waits for them.
 *
 * The first one ends what is going on at the next safe place; the second one ends the process at
 * once, which loses nothing either. While they are watched, signals are blocked in all threads, so
 * nothing is interrupted half-way. Verbs that watch nothing are simply killed, as other programs.
 */
#ifndef SLUICE_CLI_SIGNALS_H
#define SLUICE_CLI_SIGNALS_H

#include "base/err.h"
#include "engine/engine.h"

enum { SIGNALS_EXIT_NOW = 130 };

/* Before any thread is started: from here on a signal waits for signals_watch(). */
void signals_block(void);

/* Say on standard error, too, that a signal was heard: where the log goes to a file. */
void signals_talk(bool talk);

/* Stop `engine` on the first signal; NULL: signals_came() is asked. One engine at a time. */
bool signals_watch(struct engine *engine, struct err *err);

/* What SIGHUP asks for: called by the thread that waits, so it must not take long. NULL: nothing.
 */
void signals_on_hangup(void (*hook)(void *context), void *context);

/* Did a signal ask for an end? */
bool signals_came(void);

/* The engine is about to be closed. Returns whether a signal had come. */
bool signals_release(void);

#endif
