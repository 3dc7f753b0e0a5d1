/*
 * schedule: when a pipeline runs.
 *
 *     schedule: {on: message}              as soon as something arrives: the default
 *     schedule: {every: 2h}
 *     schedule: {cron: "0 6 * * *", zone: Asia/Jerusalem, misfire: skip, overlap: queue}
 *     schedule: {on: demand}               only by `sluice run`
 *
 * The zone is that of `cron` and is UTC unless it is given. What `misfire` (once, skip, all) and
 * `overlap` (skip, queue) mean stands in model/plan.h.
 */
#ifndef SLUICE_CONFIG_SCHEDULE_H
#define SLUICE_CONFIG_SCHEDULE_H

#include "config/reader.h"
#include "model/plan.h"

enum { SCHEDULE_EVERY_MS_MIN = 1000 };

/* `node` may be NULL: the default. */
bool config_schedule_read(struct reader *reader, const struct yaml_node *node,
                          struct schedule *out);

/* Its keys, only described: they are read together. */
const struct option *config_schedule_options(void);

#endif
