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

enum { CLI_WORDS_MAX = 256, CLI_FLAGS_MAX = 32, CLI_ANY = -1 };

/* A flag of a verb. Parsing, help, the man page and completions come from these tables. */
struct cli_flag {
    const char *name;  /* "--since" */
    const char *value; /* "TIME": the flag takes a value, called so; NULL for a switch. */
    const char *doc;   /* One sentence. */
};

struct cli_given {
    const struct cli_flag *flag;
    struct str value;
};

struct cli;

/*
 * A verb, or one of the acts of a verb ("list" of "dlq"). Parsing refuses what the entry does not
 * take (an unknown flag, one that is given twice, a missing value, too few or too many words), so
 * run() meets only what fits.
 */
struct cli_verb {
    const char *name;
    const char *words; /* How the words behind it are called: "[PIPELINE...]"; "" for none. */
    const char *summary;
    const char *examples;         /* Whole lines; help begins with them. */
    const char *about;            /* Whole lines, at most 98 columns. */
    const struct cli_flag *flags; /* Ended by an empty entry; may be NULL. */
    const struct cli_verb *acts;  /* Ended by an empty entry; then run may be NULL. */
    int words_min;
    int words_max; /* CLI_ANY: as many as there are. */
    bool no_json;  /* It has nothing to read: --json is refused. Others have a schema in docs. */
    int (*run)(struct cli *cli);
};

struct cli {
    const struct kinds *kinds;
    const char *const *environment;
    const struct cli_verb *verb;
    const struct cli_verb *act; /* NULL: the verb has none. */
    struct str config_path;     /* Absent when it was not given. */
    struct str data_dir;
    bool json;
    bool still; /* Nothing moves and has a colour: --plain, $NO_COLOR, $TERM is dumb. */
    bool plain; /* The same, or standard output is not a terminal. */
    bool verbose;
    bool help;
    struct str words[CLI_WORDS_MAX]; /* What stands behind the verb and its act, without flags. */
    size_t word_count;
    struct cli_given given[CLI_FLAGS_MAX]; /* Flags of the verb. */
    size_t given_count;
};

/* The table, ended by an empty entry. */
extern const struct cli_verb cli_verbs[];

/* Flags that every verb takes, ended by an empty entry. */
extern const struct cli_flag cli_global_flags[];

/* The whole program behind main(): parse, run the verb, return its exit code. */
int cli_main(int count, char **words, const char *const *environment, const struct kinds *kinds);

/* ---- For the verbs ---- */

/* Load it and say nothing; false: config->faults, or `err` when there are none. */
bool cli_config_try(const struct cli *cli, struct config *config, struct err *err);

/* Load the configuration, saying all that is wrong with it. CLI_OK, or the code to end with. */
int cli_config_load(const struct cli *cli, struct config *config);

/* The whole of it if it is sound, and nothing said (nor to be freed) if it is not. */
bool cli_config_quiet(const struct cli *cli, struct config *config);

struct config_input cli_config_input(const struct cli *cli);

/* For verbs that only look into the store: config->data_dir, also without a sound configuration. */
int cli_config_place(const struct cli *cli, struct config *config);

/* Is each word a pipeline? What is none is said. */
bool cli_pipelines_known(const struct cli *cli, const struct plan *plan);

/* Would the configuration make other keys than the store knows? Says each. CLI_OK, or the code. */
int cli_keys_guard(const struct config *config);

/* A line on standard error. */
__attribute__((format(printf, 1, 2))) void cli_say(const char *format, ...);

/* Say an error and give the exit code of its kind. */
int cli_fail(const struct err *err);

/* Was a flag of the verb given, and with which value? Absent when it was not. */
bool cli_given(const struct cli *cli, const char *flag);
struct str cli_value(const struct cli *cli, const char *flag);

/* A whole number behind a flag; `*out` stays as it is without it. CLI_OK, or CLI_USAGE. */
int cli_number(const struct cli *cli, const char *flag, int64_t least, int64_t most, int64_t *out);

/* A variable of the process's environment; absent when it is not set. */
struct str cli_variable(const struct cli *cli, const char *name);

/* "sluice dlq list" */
void cli_command(const struct cli *cli, char *out, size_t size);

/* Say what is wrong with the command, and where help is. Returns CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_misused(const struct cli *cli, const char *format,
                                                      ...);

/* Each verb, in its own file. */
int cli_audit_list(struct cli *cli);
int cli_audit_verify(struct cli *cli);
int cli_backfill(struct cli *cli);
int cli_backup(struct cli *cli);
int cli_bundle(struct cli *cli);
int cli_check(struct cli *cli);
int cli_explain_error(struct cli *cli);
int cli_reference(struct cli *cli);
int cli_schema(struct cli *cli);
int cli_secrets(struct cli *cli);
int cli_dlq_drop(struct cli *cli);
int cli_dlq_edit(struct cli *cli);
int cli_dlq_list(struct cli *cli);
int cli_dlq_retry(struct cli *cli);
int cli_dlq_show(struct cli *cli);
int cli_drops_list(struct cli *cli);
int cli_drops_status(struct cli *cli);
int cli_export_messages(struct cli *cli);
int cli_export_records(struct cli *cli);
int cli_gaps(struct cli *cli);
int cli_health(struct cli *cli);
int cli_help(struct cli *cli);
int cli_init(struct cli *cli);
int cli_migrate(struct cli *cli);
int cli_migrate_students(struct cli *cli);
int cli_keys_accept(struct cli *cli);
int cli_keys_list(struct cli *cli);
int cli_project_add(struct cli *cli);
int cli_project_disable(struct cli *cli);
int cli_project_enable(struct cli *cli);
int cli_project_list(struct cli *cli);
int cli_refused_list(struct cli *cli);
int cli_restore(struct cli *cli);
int cli_explain(struct cli *cli);
int cli_replay(struct cli *cli);
int cli_test(struct cli *cli);
int cli_run(struct cli *cli);
int cli_serve(struct cli *cli);
int cli_man(struct cli *cli);
int cli_completion_bash(struct cli *cli);
int cli_completion_fish(struct cli *cli);
int cli_completion_zsh(struct cli *cli);
int cli_messages(struct cli *cli);
int cli_runs_list(struct cli *cli);
int cli_runs_show(struct cli *cli);
int cli_pair(struct cli *cli);
int cli_schedule(struct cli *cli);
int cli_session(struct cli *cli);
int cli_session_seal(struct cli *cli);
int cli_session_unseal(struct cli *cli);
int cli_status(struct cli *cli);
int cli_students_list(struct cli *cli);
int cli_students_show(struct cli *cli);
int cli_students_near(struct cli *cli);
int cli_students_paid(struct cli *cli);
int cli_students_report(struct cli *cli);
int cli_tap(struct cli *cli);
int cli_token_add(struct cli *cli);
int cli_token_list(struct cli *cli);
int cli_alerts_list(struct cli *cli);
int cli_alerts_test(struct cli *cli);
int cli_token_remove(struct cli *cli);
int cli_top(struct cli *cli);
int cli_version(struct cli *cli);

#endif
