/*
 * contract_rig: a source of any kind with an outside that the test can add to.
 *
 * A kind joins by one entry of contract_kinds: how its outside is made, and how something is added
 * to it.
 */
#ifndef SLUICE_TESTS_SOURCE_CONTRACT_RIG_H
#define SLUICE_TESTS_SOURCE_CONTRACT_RIG_H

#include <stdbool.h>

#include "base/arena.h"
#include "model/source.h"

enum { RIG_OPTIONS_MAX = 8, RIG_FIRST = 20, RIG_MORE = 5 };

struct rig;

struct contract_kind {
    const char *name;
    const struct source_type *type;
    const char *options[RIG_OPTIONS_MAX][2];
    const char *chat; /* One of several that it has; NULL: it has one. */
    void (*add)(struct rig *rig, int from, int count); /* Messages numbered from `from`. */
};

extern const struct contract_kind contract_kinds[];
extern const size_t contract_kind_count;

struct rig {
    const struct contract_kind *kind;
    struct source *source;
    struct arena opened;
    struct arena step;
    char home[64];
    char path[80];
    int64_t wall_ms;
    int64_t mono_ms;
    struct clock clock;
};

void rig_begin(struct rig *rig, const struct contract_kind *kind);
void rig_end(struct rig *rig);
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

#endif
