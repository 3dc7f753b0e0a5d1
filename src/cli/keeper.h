/*
 * keeper: makes the planned backups of `serve` (`backups:` in the configuration).
 *
 * A thread of its own makes each as `sluice backup` does, beside the workers and without holding
 * them up, tests it by restoring it, and removes the oldest. One that failed is tried again after
 * KEEPER_RETRY_MS; a process that was killed meanwhile makes it after its next start, since the
 * planned time is kept only once a good one is there. How it went is a note for health
 * (serve/backup_note.h).
 */
#ifndef SLUICE_CLI_KEEPER_H
#define SLUICE_CLI_KEEPER_H

#include "cli/cli.h"
#include "config/backups.h"
#include "engine/engine.h"

enum { KEEPER_RETRY_MS = 10 * 60 * 1000, KEEPER_LATE_MS = 2 * 3600 * 1000 };

struct keeper;

/* `config` is copied; `cli` must live until keeper_stop(). */
bool keeper_start(struct keeper **out, struct engine *engine, const struct cli *cli,
                  struct str data_dir, const struct config_backups *config, struct err *err);

/* Other plans from now on; one that is being made is finished. NULL is fine. */
void keeper_replan(struct keeper *keeper, const struct config_backups *config);

/* Waits for one that is being made. NULL is fine. */
void keeper_stop(struct keeper *keeper);

#endif
