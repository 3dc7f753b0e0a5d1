/*
 * help: what a person can read about sluice without leaving the terminal.
 *
 * `sluice help`, the man page (man.c) and the completions (completion.c) all come from the table of
 * verbs and from the topics here, so that none of them can lag behind. Examples in the table are
 * parsed by a test: they must be commands that exist.
 */
#ifndef SLUICE_CLI_HELP_H
#define SLUICE_CLI_HELP_H

#include "base/buf.h"
#include "cli/cli.h"

/* What is about no single verb: "exit-codes", "environment". */
struct cli_topic {
    const char *name;
    const char *summary;
    const char *text; /* Whole lines, at most 98 columns. */
};

/* Ended by an empty entry. */
extern const struct cli_topic cli_topics[];

/* "sluice runs show [FLAGS] ID" */
void help_usage(struct buf *out, const struct cli_verb *verb, const struct cli_verb *act);

/* Print and free what a generator wrote. CLI_OK, or CLI_FAILED when memory was short. */
int help_print(struct buf *out);

/* "source whatsapp-bridge", or "whatsapp-bridge": all about a kind. CLI_USAGE when there is none.
 */
int cli_help_kind(const struct kinds *kinds, struct str first, struct str second);

#endif
