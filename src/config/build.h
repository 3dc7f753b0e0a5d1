/*
 * build: from the tree of a configuration to a plan. Internal to this room.
 */
#ifndef SLUICE_CONFIG_BUILD_H
#define SLUICE_CONFIG_BUILD_H

#include "config/config.h"
#include "config/reader.h"

/* Fills config->plan and config->projects; false after faults. */
bool config_build(struct config *config, struct reader *reader, const struct yaml_node *root,
                  const struct kinds *kinds);

/* The fault of a map without `kind`: at the key that looks like a misspelt one. Always false. */
bool config_kind_missing(struct reader *reader, const struct yaml_node *map, const char *what);

#endif
