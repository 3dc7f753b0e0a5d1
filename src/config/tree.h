/*
 * tree: the files of a configuration as one map.
 *
 *     # sluice.yaml                        # teams/north.yaml
 *     include: [teams/north.yaml]          pipelines:
 *     store: data                            north: {kind: drops, …}
 *
 * The files under `include:` count from the folder of the file that names them, and may include
 * others. What they define is put together: the sections `sources`, `sinks`, `pipelines` and
 * `secrets` name by name, everything else key by key. Nothing wins over anything: a name or a key
 * that two files define is a fault that names both places, because a setting that another file
 * takes back without a word is how settings get lost. Every node keeps its own file, so faults name
 * the right one, and relative paths count from there.
 */
#ifndef SLUICE_CONFIG_TREE_H
#define SLUICE_CONFIG_TREE_H

#include "config/reader.h"

enum {
    TREE_FILE_MAX = 4 * 1024 * 1024,
    TREE_DEPTH_MAX = 8, /* Files that include files. */
    TREE_FILES_MAX = 64,
};

/*
 * One file as a tree; `named` is where it is named, NULL for the configuration itself. Keys that
 * stand twice in a map are faults; the tree is given nevertheless, and the first of them counts.
 * False, with a fault, when there is no tree.
 */
bool tree_file(struct reader *reader, struct str path, const struct place *named,
               const struct yaml_node **root);

/* The configuration with all that it includes: a map. False, with a fault, when it is none. */
bool tree_read(struct reader *reader, struct str path, const struct yaml_node **root);

#endif
