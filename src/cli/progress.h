/*
 * progress: one line on a terminal that moves while `run` works.
 *
 * Looks into the store through a handle of its own, a few times a second. Does nothing where
 * standard error is not a terminal.
 */
#ifndef SLUICE_CLI_PROGRESS_H
#define SLUICE_CLI_PROGRESS_H

#include "base/str.h"

void progress_begin(struct str data_dir);

/* Waits until the line is wiped. Harmless without progress_begin(). */
void progress_end(void);

#endif
