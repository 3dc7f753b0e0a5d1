/* dry: `run --dry-run`, a run of which nothing stays. */
#ifndef SLUICE_CLI_DRY_H
#define SLUICE_CLI_DRY_H

#include "cli/cli.h"

/* The words are pipelines; --since, --until and --limit say which rows are shown. */
int cli_dry_run(struct cli *cli);

#endif
