/* restore_rows: what a backup holds of tables and collections elsewhere, put back through the sinks
 * of the configuration. The store and files are left alone. */
#ifndef SLUICE_CLI_RESTORE_ROWS_H
#define SLUICE_CLI_RESTORE_ROWS_H

#include "cli/cli.h"

int cli_restore_rows(struct cli *cli);

#endif
