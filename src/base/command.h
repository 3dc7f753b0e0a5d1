/*
 * command: the output of another program.
 *
 * The program is started by its words, with no shell between: a word with spaces, quotes or `$` in
 * it arrives as it is. It gets the caller's environment, a standard input that holds what it is
 * given (nothing, usually), and our standard error; what it writes to standard output comes back.
 * It may take until a deadline and write a limited number of bytes; then it is killed, with all
 * that it started. It is a failure, too, when it ends with another exit code than 0, unless the
 * caller wants to know the code.
 *
 * Errors name the program, never its other words and never what it wrote: both may be secret.
 * Any thread may call. The caller waits.
 */
#ifndef SLUICE_BASE_COMMAND_H
#define SLUICE_BASE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    COMMAND_WORDS_MAX = 64,
    COMMAND_OUTPUT_MAX = 1024 * 1024,
    COMMAND_SIGNALLED = 128, /* Plus its signal: the exit code of one that was killed. */
};

struct command {
    const struct str *words; /* The program (found by $PATH, or a path), then its arguments. */
    size_t count;
    const char *const *environment; /* "NAME=value", ended by NULL. */
    struct str input;
    int64_t deadline_ms; /* On the monotonic clock of the system. */
    size_t output_max;   /* At most COMMAND_OUTPUT_MAX. */
    int *exit_code;      /* Gets it, and any is a success then; NULL: only 0 is one. */
};

/* ERR_CONFIG when it cannot be started or fails, ERR_RETRY when it takes too long, ERR_REJECT when
   it writes too much. */
bool command_run(struct arena *arena, const struct command *command, struct str *output,
                 struct err *err);

#endif
