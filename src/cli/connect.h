/*
 * connect: what `check --connect` adds to `check`: every source and sink is asked whether it can be
 * used. Nothing is changed.
 */
#ifndef SLUICE_CLI_CONNECT_H
#define SLUICE_CLI_CONNECT_H

#include "cli/cli.h"
#include "text/json.h"

/* A table, or with `json` an array. CLI_OK, CLI_UNREACHABLE when one of them cannot be used, or
   another code to end with. */
int cli_connect(const struct cli *cli, const struct config *config, struct json_writer *json);

#endif
