/*
 * file: whole files, directories and locks, with errors in words.
 *
 * What sluice keeps beside its store (configuration, sessions, attachments, exports) is read and
 * written as a whole. Writing is atomic: the bytes go to a temporary file in the same directory,
 * reach the disk, and take the name in one step, so that a reader, or a crash at any instruction,
 * sees the old file or the new one and never a half. A symbolic link of that name is replaced, not
 * followed. Interrupted calls and short writes are continued here; callers never see them.
 *
 * Paths are views; one that is too long (FILE_PATH_MAX) or holds a NUL is refused. Errors name the
 * path, say why and what to do. Their kinds: ERR_CONFIG when a person has to correct a path or its
 * rights, ERR_RETRY when room or handles are short for now, ERR_STORE when the disk itself fails
 * (a failing fsync is never tried again), ERR_REJECT when a file is larger than the caller takes.
 *
 * Any thread may call; nothing here is shared. Nothing here reads a whole tree, follows "..", or
 * checks who may see a file: callers do.
 */
#ifndef SLUICE_BASE_FILE_H
#define SLUICE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    FILE_PATH_MAX = 4096,
    FILE_LIST_MAX = 100000, /* Names in one directory. */
    FILE_PRIVATE = 0600,    /* Mode of a file that only its owner sees: the one to use. */
    DIR_PRIVATE = 0700,
};

enum file_kind {
    FILE_MISSING = 0,
    FILE_REGULAR,
    FILE_DIRECTORY,
    FILE_OTHER, /* A socket, a pipe, a device. */
};

struct file_info {
    enum file_kind kind;
    uint32_t mode; /* Permission bits only. */
    uint32_t owner;
    uint64_t size;
    int64_t mtime_ns; /* Unix time, UTC. */
    uint64_t inode;   /* With `device` the identity: a swapped file has another one. */
    uint64_t device;
};

struct file_list {
    struct str *names;
    size_t count;
};

/* Held from file_lock_take() to file_lock_give(), or to the end of the process. */
struct file_lock {
    int fd;
};

/* The whole file, NUL behind it. Only regular files: a pipe could block for ever. */
bool file_read(struct arena *arena, struct str path, size_t size_max, struct str *bytes,
               struct err *err);

/* Replace or create, atomically and durably; the mode is exact, whatever the umask. */
bool file_write(struct str path, unsigned mode, struct str bytes, struct err *err);

/* What is there; following links. Nothing there is an answer (FILE_MISSING), not an error. */
bool file_look(struct str path, struct file_info *info, struct err *err);

/* The directory and all that lead to it; those that exist keep their modes. */
bool file_make_dirs(struct str path, unsigned mode, struct err *err);

/* Durable as file_write() is; both names must be on one file system. */
bool file_rename(struct str from, struct str to, struct err *err);

/* Already gone counts as removed. Not for directories. */
bool file_remove(struct str path, struct err *err);

/* Names in a directory without "." and "..", sorted by bytes. */
bool file_list(struct arena *arena, struct str path, struct file_list *list, struct err *err);

/*
 * Try to become the only owner of a lock file, which is created and stays. `*held` is false when
 * another open handle (of any process, this one included) holds it. The kernel frees the lock when
 * its owner dies, however it dies, so there is no stale lock to clear.
 */
bool file_lock_take(struct file_lock *lock, struct str path, bool *held, struct err *err);
void file_lock_give(struct file_lock *lock);

/* Room for an ordinary user on the file system that holds `path`, in bytes. */
bool file_space(struct str path, uint64_t *bytes_free, struct err *err);

/* Why a system call failed, in plain words: "no space left on the disk". Never a number alone. */
const char *file_reason(int error_number);

/* The folder that the path lies in, "." for a bare name; absent: no memory. */
struct str file_folder(struct arena *arena, struct str path);

/* The error of a call that failed with this number: "cannot write PATH: why; what to do". Returns
   false. For those who work on descriptors of their own. */
bool file_failed(struct err *err, const char *what, struct str path, int error_number);

/*
 * For tests: asked before each step that can fail; the errno to fail with, 0 to go on, or
 * FILE_FAULT_SHORT to let a read or write move a single byte. NULL takes the hook away.
 */
enum file_step {
    FILE_STEP_OPEN,
    FILE_STEP_READ,
    FILE_STEP_WRITE,
    FILE_STEP_SYNC,
    FILE_STEP_RENAME,
    FILE_STEP_SYNC_DIR,
};
enum { FILE_FAULT_SHORT = -1 };
typedef int file_fault(void *context, enum file_step step);
void file_fault_set(file_fault *fault, void *context);

#endif
