/*
 * parse: from the words of a command line to a verb, its flags and its words.
 *
 *     sluice [GLOBAL FLAGS] VERB [ACT] [WORDS and FLAGS in any order]
 *
 * Global flags may stand anywhere. Flags take their value as "--since TIME" or "--since=TIME".
 * Behind "--" everything is a word. Whatever the verb's entry does not take is refused here, with
 * what was probably meant.
 */
#ifndef SLUICE_CLI_PARSE_H
#define SLUICE_CLI_PARSE_H

#include "cli/cli.h"

/* CLI_OK, or CLI_USAGE after it was said what is wrong. No verb at all: cli->verb stays NULL. */
int cli_parse(struct cli *cli, int count, char **words);

#endif
