/*
 * progress: one line on a terminal that moves while `run` works.
 *
 *     131,072 new messages, 65,536 a second; 12,000 to decide, 3,000 to deliver, 4 s left
 *
 * How much a source still has is not known before it was read; as soon as what is left gets less,
 * the line says how long that will take. Looks into the store through a handle of its own, a few
 * times a second. Does nothing where standard error is not a terminal.
 */
#ifndef SLUICE_CLI_PROGRESS_H
#define SLUICE_CLI_PROGRESS_H

#include "base/str.h"

void progress_begin(struct str data_dir);

/* Waits until the line is wiped. Harmless without progress_begin(). */
void progress_end(void);

#endif
