/*
 * either: one of two definitions, chosen by whether a variable is set.
 *
 *     records:
 *       if: NEON_DATABASE_URL
 *       then: {kind: postgres, uri: env:NEON_DATABASE_URL}
 *       else: {kind: sqlite}
 *
 * A source, a sink or a pipeline may be written so, and what is chosen may ask again. A variable
 * that is empty counts as missing, as everywhere. The definition of a source or a sink that is not
 * chosen is looked at as far as its variables are not needed, which need not be there: another
 * machine chooses it, and shall not be the first to find its mistakes.
 */
#ifndef SLUICE_CONFIG_EITHER_H
#define SLUICE_CONFIG_EITHER_H

#include <stdbool.h>

#include "config/reader.h"

/* The chosen definition, or `map` itself when it has no `if`; NULL after a fault. */
const struct yaml_node *either_choose(struct reader *reader, const struct yaml_node *map,
                                      const char *what);

/* Does it ask, instead of saying what it is? */
bool either_asks(const struct yaml_node *map);

#endif
