/*
 * fault_vfs: a disk that fails when told to.
 *
 * An SQLite VFS named "fault" that hands everything on to the system's files, and in between counts
 * the operations, makes one of them fail, once or from there on, or cuts the power. It remembers
 * for each 512-byte sector that was written since the last xSync of its file what the platter
 * holds. A power cut stops everything; when the last file has been closed, the seed decides which
 * of those sectors had reached the platter, and the others get their old content back.
 *
 * One state for the process; one thread. Files outside SQLite (the lease file) are not touched.
 */
#ifndef SLUICE_TESTS_SIM_FAULT_VFS_H
#define SLUICE_TESTS_SIM_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE = 0,
    FAULT_EIO,   /* Reading, writing, cutting, syncing or measuring fails. */
    FAULT_FULL,  /* No space left to write. */
    FAULT_SHORT, /* Half of a write arrives, then the disk fails. */
    FAULT_SYNC,  /* xSync fails: what it should have made durable may be gone. */
    FAULT_OPEN,  /* A file cannot be opened. */
    FAULT_LOCK,  /* A lock cannot be taken: not because somebody has it. */
    FAULT_SHM,   /* Shared memory cannot be mapped. */
    FAULT_POWER, /* The machine stops before a write, a cut or a sync. */
    FAULT_KINDS,
};

struct fault_vfs {
    /* What shall go wrong: the at-th operation that `kind` can hit (from 1), `times` times. */
    enum fault_kind kind;
    int64_t at;
    int64_t times;
    uint64_t seed;        /* Of what a power cut leaves. */
    bool lying;           /* xSync says yes and does nothing. */
    bool (*active)(void); /* Operations count only while this says so; NULL: always. */

    /* What happened. */
    int64_t seen; /* Operations that `kind` could have hit. */
    int64_t fired;
    int64_t syncs_after_failure; /* By the process that had seen one fail. */
    int64_t sectors_lost;
    int64_t closings; /* How often the last open file was closed: restarts. */
};

extern struct fault_vfs fault_vfs;

enum { FAULT_FOR_GOOD = 1 << 30 };

/* Make it known to SQLite; once. */
bool fault_vfs_install(void);

/* A new plan; forgets what happened, and what any file held. No file may be open. */
void fault_vfs_plan(enum fault_kind kind, int64_t at, int64_t times, uint64_t seed);

const char *fault_kind_name(enum fault_kind kind);

#endif
