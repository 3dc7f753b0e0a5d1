/*
 * moving: one line on a terminal that says how far something long has come.
 *
 * Nothing where standard error is not a terminal, or with --plain.
 */
#ifndef SLUICE_CLI_MOVING_H
#define SLUICE_CLI_MOVING_H

#include "cli/cli.h"

struct moving {
    bool on;
    const char *what;
    int64_t begun_ms; /* When this part began. */
    int64_t told_ms;
};

void moving_begin(struct moving *moving, const struct cli *cli);

/* Fits struct backup_watch; `context` is the struct moving. */
void moving_show(void *context, const char *what, uint64_t done, uint64_t total);

void moving_end(struct moving *moving); /* Wipes the line. */

#endif
