/*
 * gate: writers of one process take turns, first come first served.
 *
 * SQLite lets one writer in at a time and makes the others poll its lock. Inside a process that is
 * a waste and unfair, so each takes a ticket here first and then finds the file's lock free.
 */
#ifndef SLUICE_STORE_GATE_H
#define SLUICE_STORE_GATE_H

#include "store/store.h"

void gate_enter(struct gate *gate); /* NULL is fine: nothing to wait for. */
void gate_leave(struct gate *gate);

#endif
