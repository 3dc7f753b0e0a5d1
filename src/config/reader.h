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
#include "config/nearest.h"
#include "text/yaml.h"

struct kinds;

struct reader {
    struct arena *arena;
    struct faults *faults;
    const struct env *env;
    const struct str *sinks; /* Names that an option may refer to; NULL: not known. */
    size_t sink_count;
    const struct kinds *kinds; /* For steps within a map. */
    size_t steps;              /* Of the pipeline that is being read, */
    size_t step_depth;         /* and how deep they are nested. */
    struct secrets *secrets;   /* NULL: where a secret is asked for, none can be had. */
    struct str path;           /* Where the options are that are read now: "sources.bridge". */
    struct reader_files *files;
    int64_t now_ms; /* 0: not known. */
};

enum { READER_FILES_MAX = 512 };

/* All files that were looked at, so that a change of one can be noticed. */
struct reader_files {
    struct str names[READER_FILES_MAX];
    size_t count;
};

void reader_note_file(struct reader *reader, struct str path);

struct place reader_place(const struct yaml_node *node);

/*
 * The place of a byte of a scalar's text; of the whole scalar when it stands in the file in another
 * way than it was read (with escapes, variables, over several lines).
 */
struct place reader_inside(const struct yaml_node *node, struct str text, size_t offset);

/* The same for a character that is counted from 1; 0 for the whole. */
struct place reader_character(const struct yaml_node *node, size_t character);

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

/* ---- Faults that many places raise; all return false ---- */

/* `what` may be empty: the file on top. */
bool reader_unknown_key(struct reader *reader, const struct yaml_node *key, const char *what,
                        struct nearest *nearest);

/* "did you mean", as the help of the last fault; nothing when nothing is near. */
bool reader_help_nearest(struct reader *reader, struct nearest *nearest);
bool reader_help_bool(struct reader *reader, struct str text);
bool reader_no_memory(struct reader *reader);

/* False, with the fault `code`, when a text holds a character that is not drawn. */
bool reader_visible(struct reader *reader, const struct yaml_node *node, const char *what,
                    struct str text, enum fault_code code);

/* No excerpt shows what stands here. */
void reader_hide(struct reader *reader, const struct yaml_node *node);

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
