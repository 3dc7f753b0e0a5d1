/* backups: a backup as the verb makes one, for whoever has no terminal. */
#ifndef SLUICE_CLI_BACKUPS_H
#define SLUICE_CLI_BACKUPS_H

#include "cli/cli.h"

enum { BACKUP_FILE_MAX = 4200 };

struct backup_saved {
    char file[BACKUP_FILE_MAX];
    int64_t bytes;
    int64_t messages;
    int64_t removed;
    size_t left_out; /* Sinks whose rows are not in it. */
};

/*
 * Into the folder, with the configuration as `cli` finds it now; tested by restoring it into a
 * folder of its own; then all but the newest `keep` are removed. What was made and did not stand
 * the test is removed, too. Large structures: not for a small stack.
 */
bool backups_save(const struct cli *cli, struct str folder, int64_t keep, struct backup_saved *out,
                  struct err *err);

#endif
