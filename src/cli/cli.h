/*
 * cli: everything a person types.
 *
 * A verb is a file here and a line in the table of cli.c. It gets what stood in front of it (the
 * global flags) and what stands behind it, and returns an exit code. What it finds out goes to
 * standard output and nothing else does; what it says about itself goes to standard error. With
 * --json the output is one JSON object.
 *
 *     sluice --config config/drops.yaml --data data status --json
 *            └── global flags, in front of the verb or behind it ──┘
 */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "config/kinds.h"

/* Stable: scripts depend on them. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_PARTIAL = 2,      /* Done in part; the rest is tried again, or listed. */
    CLI_USAGE = 64,       /* The command itself is wrong. */
    CLI_UNREACHABLE = 69, /* Something outside does not answer. */
    CLI_TRY_LATER = 75,   /* Another process is at work. */
    CLI_CONFIG = 78,      /* The configuration is wrong. */
};

enum { CLI_WORDS_MAX = 256 };

struct cli {
    const struct kinds *kinds;
    const char *const *environment;
    struct str config_path; /* Absent when it was not given. */
    struct str data_dir;
    bool json;
    bool verbose;
    bool help;
    struct str words[CLI_WORDS_MAX]; /* What stands behind the verb, without flags. */
    size_t word_count;
};

struct cli_verb {
    const char *name;
    const char *summary;
    const char *usage; /* Examples first; for `help VERB`. */
    int (*run)(struct cli *cli);
};

/* The table, ended by an empty entry. */
extern const struct cli_verb cli_verbs[];

/* The whole program behind main(): parse, run the verb, return its exit code. */
int cli_main(int count, char **words, const char *const *environment, const struct kinds *kinds);

/* ---- For the verbs ---- */

/* Load the configuration, saying all that is wrong with it. CLI_OK, or the code to end with. */
int cli_config_load(const struct cli *cli, struct config *config);

/* For verbs that only look into the store: config->data_dir, also without a sound configuration. */
int cli_config_place(const struct cli *cli, struct config *config);

/* A line on standard error. */
__attribute__((format(printf, 1, 2))) void cli_say(const char *format, ...);

/* Say an error and give the exit code of its kind. */
int cli_fail(const struct err *err);

/* Refuse a word that the verb does not take. */
int cli_unexpected(const char *verb, struct str word);

/* Each verb, in its own file. */
int cli_check(struct cli *cli);
int cli_dlq(struct cli *cli);
int cli_help(struct cli *cli);
int cli_refused(struct cli *cli);
int cli_run(struct cli *cli);
int cli_serve(struct cli *cli);
int cli_status(struct cli *cli);
int cli_version(struct cli *cli);

#endif
