/* dry: `run --dry-run`, a run of which nothing stays. */
#ifndef SLUICE_CLI_DRY_H
#define SLUICE_CLI_DRY_H

#include "cli/cli.h"
#include "cli/when.h"

/* The words are pipelines; --since, --until and --limit say which rows are shown. */
int cli_dry_run(struct cli *cli);

/*
 * The same for one pipeline and whoever has no terminal (a call of the API): what `--json` prints,
 * in `arena`. ERR_STOP when `stopping` says so; that it takes long is a reason, too.
 */
bool dry_run_json(const struct cli *cli, struct str pipeline, const struct when_range *range,
                  bool (*stopping)(void *context), void *context, struct arena *arena,
                  struct str *text, struct err *err);

#endif
