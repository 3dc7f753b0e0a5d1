/*
 * rig: a folder with the files of one case, kinds of its own, and a load into a text.
 *
 * The kinds have an option of each type, so that the tests depend on no real source or sink.
 */
#ifndef SLUICE_TESTS_CONFIG_RIG_H
#define SLUICE_TESTS_CONFIG_RIG_H

#include "config/config.h"
#include "test.h"

enum { RIG_OUT_MAX = 16384 };

struct rig_source {
    struct source source; /* First. */
    struct str path;
    struct str note;
    struct secret password;
    int64_t count;
    bool loud;
    bool table; /* It is a reference. */
    int64_t lookback_ms;
    int64_t room;
    int color;
    struct str_list words;
    struct str zone;
};

struct rig_sink {
    struct sink sink; /* First. */
    struct str path;
};

struct rig_op {
    struct op op; /* First. */
    struct named_chats projects;
    struct str sink;
    struct str roster;
};

extern const struct kinds rig_kinds;

/* A new empty folder; its path ends in no '/'. */
void rig_begin(void);
void rig_end(void);
const char *rig_folder(void);

/* A file in the folder. */
void rig_write(const char *name, struct str bytes);

/*
 * Load sluice.yaml of the folder. All faults as lines, without the folder in front and joined by
 * line breaks; "ok" when there were none. `config` must be freed.
 */
const char *rig_load(struct config *config, const char *const *environment);

#endif
