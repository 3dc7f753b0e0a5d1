/*
 * reader: what all parts of reading a configuration share, and what they ask of a YAML node.
 *
 * A node is a scalar, a map or a list. These helpers say what was expected and where when a node is
 * of another kind, fill in variables, and never give up on the file: they add a fault and return
 * false, and the caller goes on with the next thing.
 */
#ifndef SLUICE_CONFIG_READER_H
#define SLUICE_CONFIG_READER_H

#include <stdbool.h>

#include "base/arena.h"
#include "config/env.h"
#include "config/fault.h"
#include "text/yaml.h"

struct kinds;

enum { READ_FILES_MAX = 64 }; /* Further ones are read, and not noted. */

/* What was looked for, there or not: a person may correct any of them. */
struct read_files {
    size_t count;
    struct str items[READ_FILES_MAX];
};

struct reader {
    struct read_files *files; /* May be NULL. */
    struct arena *arena;
    struct faults *faults;
    const struct env *env;
    const struct str *sinks; /* Names that an option may refer to; NULL: not known. */
    size_t sink_count;
    const struct kinds *kinds; /* For steps within a map. */
    size_t steps;              /* Of the pipeline that is being read, */
    size_t step_depth;         /* and how deep they are nested. */
};

/* Whoever reads a file says so, before it tries. The text must live as long as the configuration.
 */
void reader_note_file(struct reader *reader, struct str path);

struct place reader_place(const struct yaml_node *node);

/* The n-th key of a map, and its value. */
const struct yaml_node *reader_key(const struct yaml_node *map, size_t index);
const struct yaml_node *reader_value(const struct yaml_node *map, size_t index);

/* A scalar with its variables filled in. `what` names it in the fault: "option 'poll'". */
bool reader_scalar(struct reader *reader, const struct yaml_node *node, const char *what,
                   struct expansion *out);

/* The same for those who do not care where it came from. */
bool reader_text(struct reader *reader, const struct yaml_node *node, const char *what,
                 struct str *out);

/* True or false, as YAML 1.2 writes them. */
bool reader_bool(struct reader *reader, const struct yaml_node *node, const char *what, bool *out);

bool reader_is_map(struct reader *reader, const struct yaml_node *node, const char *what);

/*
 * The path that a scalar means: absolute as it is; from the process's environment, relative to the
 * working folder; written in a file (also in .env), relative to the folder of that file.
 */
bool reader_path(struct reader *reader, const struct yaml_node *node, const char *what,
                 struct str *out);

/* `path` as it is meant in `file`. */
struct str reader_beside(struct arena *arena, struct str file, struct str path);

#endif
