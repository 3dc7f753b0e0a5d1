/*
 * backups: the section `backups:` of the configuration: when `sluice serve` makes one, and where.
 *
 *     backups: {schedule: {cron: "30 3 * * *", zone: Asia/Jerusalem}, to: /mnt/backups, keep: 14}
 */
#ifndef SLUICE_CONFIG_BACKUPS_H
#define SLUICE_CONFIG_BACKUPS_H

#include "config/reader.h"
#include "model/plan.h"

struct config_backups {
    bool wanted;
    struct schedule schedule;
    struct str folder; /* Absent: `backups` in the data folder. */
    int64_t keep;
};

/* Faults are added; false when there was one. */
bool config_backups_read(struct config_backups *backups, struct reader *reader,
                         const struct yaml_node *root);

const struct option *config_backups_options(void);
const struct option *config_backups_described(void); /* What is read by hand: `schedule`. */

#endif
