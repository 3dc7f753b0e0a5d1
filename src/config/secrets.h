/*
 * secrets: where passwords, tokens and connection URIs come from.
 *
 * An option of the type SECRET, and each entry of the section `secrets:`, is written as
 *
 *     file:/run/secrets/db      a file, relative to the one that names it; one line end is cut off
 *     env:DB_PASSWORD           a variable of the environment or of .env
 *     cmd:pass show db          what a command prints; {cmd: [pass, show, "my db"]} with spaces
 *     secret:db                 an entry of `secrets:`
 *     ${DB_PASSWORD}            a variable, also as a part: postgresql://u:${PW}@host/db
 *
 * and never in clear: a value that is none of these is refused, and not shown. (A URI that holds no
 * password, and is no web address, is no secret and may stand there.) A file that any user may read
 * is refused, but for the mounts that containers have for secrets. A command is started without a
 * shell, split at spaces only, and has SECRETS_COMMAND_MS; variables are filled into its words
 * after they were split.
 *
 * All are fetched once, while the configuration is read. What is kept besides the values is where
 * each of them comes from, for `sluice secrets`.
 */
#ifndef SLUICE_CONFIG_SECRETS_H
#define SLUICE_CONFIG_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "config/fault.h"
#include "model/secret.h"
#include "text/yaml.h"

enum { SECRETS_MAX = 256, SECRETS_SIZE_MAX = 64 * 1024, SECRETS_COMMAND_MS = 10 * 1000 };

struct secret_entry {
    struct str name; /* "db", or of an option "sinks.records.uri". */
    struct str from; /* "file:/run/secrets/db", "env:X (.env)", "cmd:pass"; no value. */
    struct place place;
    bool found;
    bool section; /* Of `secrets:`; else of an option. */
    bool used;    /* Some option refers to it. */
    struct secret value;
};

struct secrets {
    struct secret_entry items[SECRETS_MAX];
    size_t count;
};

struct reader;

/* The section; `node` may be NULL. */
bool secrets_read(struct reader *reader, const struct yaml_node *node);

/* The value of an option. */
bool secrets_option(struct reader *reader, const struct yaml_node *node, const char *name,
                    struct secret *out);

/* Warns of entries that nobody uses. */
void secrets_conclude(struct reader *reader);

#endif
