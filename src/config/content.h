/*
 * content: a digest of all that a part of a configuration says.
 *
 * Two maps with equal digests say the same: the order of keys, comments, quotes and the place in
 * the files do not count, the values of variables do. The next configuration is compared with the
 * present one by it (plan.h). It is a SHA-256, so that it may be kept where the values are secrets.
 */
#ifndef SLUICE_CONFIG_CONTENT_H
#define SLUICE_CONFIG_CONTENT_H

#include "config/reader.h"

/* Absent when the arena is full. Adds no faults: whoever reads the values does. */
struct str config_content(struct reader *reader, const struct yaml_node *node);

#endif
