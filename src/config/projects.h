/*
 * projects: a file of named chats (chats.h) as a person edits it.
 *
 * A program that adds an entry or turns one on or off changes only that: comments, order, spacing
 * and line ends stay as they were. The new text is made in memory and checked as the configuration
 * would check it, before anybody writes it.
 */
#ifndef SLUICE_CONFIG_PROJECTS_H
#define SLUICE_CONFIG_PROJECTS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "text/yaml.h"

struct project {
    struct str name;
    struct str chat;
    struct str description;
    bool enabled;
    size_t line;
    const struct yaml_node *node;
};

struct projects {
    struct arena *arena;
    struct str path;
    struct str text;
    const char *option; /* The key on top: "projects". */
    struct project *items;
    size_t count;
};

/* Read and check the file. ERR_CONFIG with the first mistake; variables in it are left as they are.
 */
bool projects_read(struct projects *out, struct arena *arena, struct str path, const char *option,
                   struct err *err);

/* The text with one entry more, at the end. ERR_REJECT when a name or a group is taken, or it is
   not what the file takes. */
bool projects_add(const struct projects *projects, const struct project *project, struct str *text,
                  struct err *err);

/* The text with one entry turned on or off. */
bool projects_enable(const struct projects *projects, size_t at, bool on, struct str *text,
                     struct err *err);

/* By name or by group; the count when there is none. */
size_t projects_find(const struct projects *projects, struct str word);

#endif
