/*
 * yaml: configuration as a tree that knows where each of its words stands.
 *
 * A file becomes nodes (scalars, lists, maps) in an arena; they do not change, and each carries
 * its file, line and column, so that whoever finds a wrong value or an unknown key can name its
 * place: yaml_refuse() writes "file:line:column: what, why, what to do" as an ERR_CONFIG.
 *
 * It is YAML 1.2 with its core schema, made narrower where people get hurt:
 *
 *  - Only `true`, `false`, `null`, `~` and numbers are more than text. `no`, `on`, `12:30` and
 *    `1_000` are text, what stands in quotes always is, and so are numbers with a leading zero or
 *    plus (0556602298, +972…), whose digits are a name. Every scalar keeps its text as written.
 *  - A key that stands twice is an error that names both places.
 *  - Anchors and aliases work, within a limit on what they expand to; a node that is used twice is
 *    one node. Merge keys (`<<`) are refused: they are not part of YAML 1.2, and what a map holds
 *    should stand in it, at a place that an error can name.
 *  - One document a file; keys are scalars; no tags but those of the core schema; UTF-8 only, with
 *    or without a byte order mark.
 *
 * Comments are not kept. A tree may be read by many threads once it is made.
 *
 *     const struct yaml_node *root;
 *     if (!yaml_parse(&arena, STR("projects.yaml"), bytes, NULL, &root, err)) …
 *     const struct yaml_node *name = yaml_get(project, STR("name"));
 *     if (yaml_text(name).len == 0) {
 *         return yaml_refuse(err, project, "a project needs a name: add `name: …`");
 *     }
 */
#ifndef SLUICE_TEXT_YAML_H
#define SLUICE_TEXT_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    YAML_SIZE_MAX = 4 * 1024 * 1024, /* Bytes of a file. */
    YAML_DEPTH_MAX = 32,             /* Levels of lists and maps. */
    YAML_NODES_MAX = 200000,         /* Nodes, counted as if every alias were written out. */
    YAML_ANCHORS_MAX = 1000,
    YAML_WHERE_MAX = 320,
};

enum yaml_kind {
    YAML_ABSENT = 0,
    YAML_NULL,
    YAML_BOOL,
    YAML_INT,
    YAML_DOUBLE,
    YAML_TEXT,
    YAML_LIST,
    YAML_MAP,
};

/* Counted from 1; columns are characters. */
struct yaml_place {
    uint32_t line;
    uint32_t column;
};

struct yaml_node {
    enum yaml_kind kind;
    bool quoted;             /* A scalar in quotes or a block (| or >): text for sure. */
    struct yaml_place start; /* Of an aliased node: where it is written, at its anchor. */
    struct yaml_place end;   /* Just behind it. */
    struct str file;
    struct str text; /* Of scalars: as written, without quotes and escapes; NUL behind it. */
    union {
        bool truth;
        int64_t integer;
        double real;
    } value;
    const struct yaml_node **items; /* Of a map: key, value, key, value … */
    size_t count;                   /* Items of a list, pairs of a map. */
    size_t weight;                  /* Nodes in it, itself too, with aliases written out. */
};

/* Why a file was not read, for those who show it with the line itself. */
enum yaml_mistake_kind {
    YAML_MISTAKE_SYNTAX = 0,
    YAML_MISTAKE_TAB,
    YAML_MISTAKE_KEY_TWICE,
    YAML_MISTAKE_ENCODING,
    YAML_MISTAKE_LARGE,   /* The file has too many bytes. */
    YAML_MISTAKE_LIMIT,   /* Too deep, too many values or anchors. */
    YAML_MISTAKE_FEATURE, /* It is YAML, and not read here. */
    YAML_MISTAKE_MEMORY,
};

struct yaml_mistake {
    enum yaml_mistake_kind kind;
    struct yaml_place place;
    char text[ERR_TEXT_MAX];
};

/* Zeros mean the defaults. */
struct yaml_limits {
    size_t size_max;
    unsigned depth_max; /* At most YAML_DEPTH_MAX. */
    size_t nodes_max;
    bool allow_duplicate_keys;    /* The caller looks for them: yaml_get() gives the first. */
    struct yaml_mistake *mistake; /* Where a failure goes as well; may be NULL. */
};

/* `file` is for errors only; `limits` may be NULL. An empty file gives a YAML_NULL node. */
bool yaml_parse(struct arena *arena, struct str file, struct str text,
                const struct yaml_limits *limits, const struct yaml_node **root, struct err *err);

/* YAML_ABSENT for NULL; all functions below take NULL and nodes of other kinds as "not there". */
enum yaml_kind yaml_kind(const struct yaml_node *node);

/* For errors: "a list", "text", "a whole number" … */
const char *yaml_kind_words(enum yaml_kind kind);

const struct yaml_node *yaml_get(const struct yaml_node *map, struct str key);

/* The node of the key itself, for its place. */
const struct yaml_node *yaml_get_key(const struct yaml_node *map, struct str key);

const struct yaml_node *yaml_at(const struct yaml_node *list, size_t index);

/* Items of a list or pairs of a map; 0 for others. */
size_t yaml_count(const struct yaml_node *node);

/* Any scalar's text but that of null; absent for others. */
struct str yaml_text(const struct yaml_node *node);

/* False, and `*out` as it was, for other kinds. A whole number is a double too. */
bool yaml_bool(const struct yaml_node *node, bool *out);
bool yaml_int(const struct yaml_node *node, int64_t *out);
bool yaml_double(const struct yaml_node *node, double *out);

/* Walks a list or a map in its order; `*at` starts at 0, `*key` (may be NULL) is NULL in lists. */
bool yaml_next(const struct yaml_node *node, size_t *at, const struct yaml_node **key,
               const struct yaml_node **value);

/* "file:line:column" into `out`, with a NUL. A file's name that is too long loses its start. */
struct str yaml_where(const struct yaml_node *node, char out[YAML_WHERE_MAX]);

/* An ERR_CONFIG at the place of a node. Returns false as err_set() does. */
__attribute__((format(printf, 3, 4))) bool
yaml_refuse(struct err *err, const struct yaml_node *node, const char *format, ...);

#endif
