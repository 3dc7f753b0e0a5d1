/*
 * crash: the last words of a process that is dying of its own fault.
 *
 * A signal such as SIGSEGV or SIGABRT (must() ends in one) is answered with one line on standard
 * error that says what happened and that nothing which was committed is lost; then the process
 * dies of the same signal, so that a core dump and the exit status are what they would have been.
 * Only calls that are allowed within a signal handler are made.
 */
#ifndef SLUICE_APP_CRASH_H
#define SLUICE_APP_CRASH_H

/* Once, at the start of the process. */
void crash_handle(void);

#endif
