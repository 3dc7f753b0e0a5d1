/*
 * env: variables, from the process's environment and from the .env file beside the configuration.
 *
 * The environment wins, also with an empty value. A variable that is empty counts as missing, so
 * `NAME=` in front of a command takes away what .env says. Within a text:
 *
 *     ${NAME}           its value; a missing one is a fault that names the place
 *     ${NAME:default}   the default when it is missing
 *     $${               the two characters ${ themselves
 *
 * What a variable holds is put in as it is: it is never read as YAML, and never expanded again.
 * .env is read as docker and systemd read it: NAME=value, `#` for comments, quotes around a value,
 * `export` in front allowed; a backslash in double quotes escapes the next character.
 *
 * Values may be secrets: no fault shows one.
 */
#ifndef SLUICE_CONFIG_ENV_H
#define SLUICE_CONFIG_ENV_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "config/fault.h"

enum { ENV_FILE_MAX = 256 * 1024, ENV_ENTRIES_MAX = 1024, ENV_NAME_MAX = 128 };

enum env_origin { ENV_NONE = 0, ENV_PROCESS, ENV_FILE };

struct env_entry {
    struct str name;
    struct str value;
    size_t line;
};

struct env {
    const char *const *process; /* "NAME=value", ended by NULL. */
    struct str file;            /* Path of .env; absent when there is none. */
    struct env_entry *entries;
    size_t count;
};

/* Read `file` if it is there. What cannot be read in it is a fault; false: out of memory. */
bool env_open(struct env *env, struct arena *arena, const char *const *process, struct str file,
              struct faults *faults, struct err *err);

/* Where it is set and not empty, with its value and place. `value` and `place` may be NULL. */
enum env_origin env_find(const struct env *env, struct str name, struct str *value,
                         struct place *place);

struct expansion {
    struct str text;
    enum env_origin origin; /* Of what stands first in the text; ENV_NONE: the file itself. */
    bool filled;            /* Something was put in. */
};

/* False after a fault. `place` is that of the text's first byte, if it has one. */
bool env_expand(const struct env *env, struct arena *arena, struct str text, struct place place,
                struct faults *faults, struct expansion *out);

#endif
