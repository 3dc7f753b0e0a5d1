/*
 * parked: an item as text, to be kept and taken up again.
 *
 * Values are written by the names of their fields, so an item survives a configuration in which the
 * fields have other numbers; fields that are gone are passed over.
 */
#ifndef SLUICE_PIPELINE_PARKED_H
#define SLUICE_PIPELINE_PARKED_H

#include "pipeline/flow.h"

/* The flow's item; ptr NULL when memory is out. */
struct str parked_write(const struct flow *flow);

/* Into the flow, whose values become new ones. ERR_REJECT for a text that cannot be read. */
bool parked_read(struct flow *flow, struct str text, struct err *err);

#endif
