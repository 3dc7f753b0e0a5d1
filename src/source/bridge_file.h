/*
 * bridge_file: a SQLite file of somebody else, opened so that it is never changed.
 *
 * The owner writes while we read, in one of SQLite's two ways, and each asks for its own care:
 *
 *   rollback journal  read-only opening creates nothing; our short reads hold a shared lock
 *   WAL, in use       read-only opening joins the -wal and -shm that its owner made
 *   WAL, at rest      after a clean stop neither is there, and SQLite would create both. We then
 *                     read with immutable=1 and look afterwards whether the file is still the same;
 *                     if not, what was read is thrown away (bridge_file_still)
 *
 * A look at the file (a glance) costs two calls of stat() and tells whether somebody wrote, or
 * whether another file took its name. Because time stamps of files are coarse, a glance taken right
 * after a write cannot tell a second write from the first: it counts as changed once more.
 *
 * The first hundred bytes are read through a descriptor that stays open for as long as the file is
 * the same: closing any descriptor of a file drops the locks that this process has on it (POSIX).
 *
 * The path is borrowed and must outlive the file. One thread.
 */
#ifndef SLUICE_SOURCE_BRIDGE_FILE_H
#define SLUICE_SOURCE_BRIDGE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "db/sqlite.h"

/* A write this fresh may be followed by another one with the same time stamp. */
enum { BRIDGE_FRESH_MS = 50 };

struct bridge_glance {
    bool taken;
    struct file_info db;
    struct file_info wal;
    int64_t wall_ms; /* When it was taken. */
};

struct bridge_file {
    struct str path;
    struct sqlite *db; /* NULL while it is not open. */
    bool still;        /* Opened with immutable=1. */
    int busy_ms;
    struct file_info opened; /* What `db` was opened on. */
    int header;              /* Descriptor for the first bytes, or -1. */
    struct file_info header_of;
};

void bridge_file_init(struct bridge_file *file, struct str path);

/* Open, or keep open what is the same file still. `*fresh`: it is another handle than before. */
bool bridge_file_open(struct bridge_file *file, int64_t busy_ms, bool *fresh, struct err *err);

/* After reading: false (and ERR_RETRY) when the file at rest has been written to meanwhile. */
bool bridge_file_still(struct bridge_file *file, struct err *err);

/* Put what the failure of a read means for a bridge's file into words. Returns false. */
bool bridge_file_explain(struct bridge_file *file, struct err *err);

/* Close the database; the next open begins anew. */
void bridge_file_drop(struct bridge_file *file);

/* Close everything. */
void bridge_file_close(struct bridge_file *file);

void bridge_glance_take(struct bridge_glance *glance, struct str path, int64_t wall_ms);

/* Did anything change between the two, or can nobody know? */
bool bridge_glance_differs(const struct bridge_glance *before, const struct bridge_glance *now);

#endif
