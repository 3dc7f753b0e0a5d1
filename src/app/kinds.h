/*
 * kinds: the one list of everything that a configuration can name by `kind:`.
 *
 * A new source, sink or op has its line here and in build.zig, and nowhere else.
 */
#ifndef SLUICE_APP_KINDS_H
#define SLUICE_APP_KINDS_H

#include "config/kinds.h"

extern const struct kinds app_kinds;

#endif
