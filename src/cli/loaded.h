/*
 * loaded: a configuration that several may hold: the session, the engine, a reload at work.
 *
 * It is freed with the last one who drops it. Constant once it was loaded.
 */
#ifndef SLUICE_CLI_LOADED_H
#define SLUICE_CLI_LOADED_H

#include <stdatomic.h>

#include "config/config.h"
#include "engine/edition.h"

struct loaded {
    struct config config; /* Empty when it is made: load it. */
    atomic_int holds;
};

/* Held once. NULL: out of memory. */
struct loaded *loaded_new(void);
void loaded_hold(struct loaded *loaded);
void loaded_drop(struct loaded *loaded); /* NULL is fine. */

/* One more hold, for the engine to drop. */
struct plan_owner loaded_owner(struct loaded *loaded);

#endif
