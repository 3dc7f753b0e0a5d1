#include "db/sqlite_log.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum {
    PIECE_BYTES = 64 * 1024,
    FRAME_HEADER = 24,
    FRAME_SIZE_AT = 4, /* Pages of the database after a change; 0 but in its last frame. */
    KINDS_MAX = 4,
    NAME_MAX_BYTES = 32
};

/* One VFS of ours, above another. */
struct log_vfs {
    sqlite3_vfs vfs; /* First. */
    sqlite3_vfs *below;
    char name[NAME_MAX_BYTES];
};

/* A log; the file below lies behind it in the same memory. */
struct log_file {
    sqlite3_file base; /* First. */
    sqlite3_file *below;
    uint8_t *piece; /* PIECE_BYTES from the first write on. */
    size_t used;
    sqlite3_int64 at; /* Where in the file the piece belongs. */
    bool ending;      /* The frame that is being written ends a change. */
};

static struct log_file *log_of(sqlite3_file *file)
{
    return (struct log_file *)file;
}

/* The piece is empty afterwards, also when it could not be written: the change fails then. */
static int hand_on(struct log_file *log)
{
    size_t used = log->used;
    log->used = 0;
    return used == 0 ? SQLITE_OK
                     : log->below->pMethods->xWrite(log->below, log->piece, (int)used, log->at);
}

/* Begin or continue the piece. False: this write goes straight to the file. */
static bool put(struct log_file *log, const void *bytes, size_t count, sqlite3_int64 at, int *rc)
{
    *rc = SQLITE_OK;
    if (log->used > 0 &&
        (at != log->at + (sqlite3_int64)log->used || log->used + count > PIECE_BYTES)) {
        *rc = hand_on(log);
    }
    if (*rc != SQLITE_OK) {
        return true;
    }
    if (log->piece == NULL) {
        log->piece = mem_alloc_raw(PIECE_BYTES);
    }
    if (log->piece == NULL || count > PIECE_BYTES) {
        return false;
    }
    log->at = log->used == 0 ? at : log->at;
    memcpy(log->piece + log->used, bytes, count);
    log->used += count;
    return true;
}

/* A page that SQLite splits may have a part as long as a header: a change once ending goes on doing
   so until another header says something else, and that one is handed on as well. */
static int log_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
    static const uint8_t none[4] = {0};
    struct log_file *log = log_of(file);
    bool was_ending = log->ending;
    if (count == FRAME_HEADER) {
        log->ending = memcmp((const uint8_t *)bytes + FRAME_SIZE_AT, none, sizeof none) != 0;
    }
    int rc = SQLITE_OK;
    if (!put(log, bytes, (size_t)count, at, &rc)) {
        return log->below->pMethods->xWrite(log->below, bytes, count, at);
    }
    bool header_alone = log->ending && !was_ending;
    return rc == SQLITE_OK && (log->ending || was_ending) && !header_alone ? hand_on(log) : rc;
}

static int log_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 at)
{
    struct log_file *log = log_of(file);
    int rc = hand_on(log);
    return rc != SQLITE_OK ? rc : log->below->pMethods->xRead(log->below, bytes, count, at);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct log_file *log = log_of(file);
    int rc = hand_on(log);
    return rc != SQLITE_OK ? rc : log->below->pMethods->xTruncate(log->below, size);
}

static int log_sync(sqlite3_file *file, int flags)
{
    struct log_file *log = log_of(file);
    int rc = hand_on(log);
    return rc != SQLITE_OK ? rc : log->below->pMethods->xSync(log->below, flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct log_file *log = log_of(file);
    int rc = hand_on(log);
    return rc != SQLITE_OK ? rc : log->below->pMethods->xFileSize(log->below, size);
}

static int log_close(sqlite3_file *file)
{
    struct log_file *log = log_of(file);
    mem_free(log->piece);
    return log->below->pMethods->xClose(log->below);
}

static int log_lock(sqlite3_file *file, int lock)
{
    return log_of(file)->below->pMethods->xLock(log_of(file)->below, lock);
}

static int log_unlock(sqlite3_file *file, int lock)
{
    return log_of(file)->below->pMethods->xUnlock(log_of(file)->below, lock);
}

static int log_reserved(sqlite3_file *file, int *reserved)
{
    return log_of(file)->below->pMethods->xCheckReservedLock(log_of(file)->below, reserved);
}

static int log_control(sqlite3_file *file, int what, void *argument)
{
    return log_of(file)->below->pMethods->xFileControl(log_of(file)->below, what, argument);
}

static int log_sector_size(sqlite3_file *file)
{
    return log_of(file)->below->pMethods->xSectorSize(log_of(file)->below);
}

static int log_characteristics(sqlite3_file *file)
{
    return log_of(file)->below->pMethods->xDeviceCharacteristics(log_of(file)->below);
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1, /* Logs are neither mapped nor have they shared memory: the database has. */
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_reserved,
    .xFileControl = log_control,
    .xSectorSize = log_sector_size,
    .xDeviceCharacteristics = log_characteristics,
};

static int log_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
    sqlite3_vfs *below = ((struct log_vfs *)vfs)->below;
    if ((flags & SQLITE_OPEN_WAL) == 0) {
        return below->xOpen(below, path, file, flags, out);
    }
    struct log_file *log = log_of(file);
    *log = (struct log_file){.below = (sqlite3_file *)(log + 1)};
    log->below->pMethods = NULL;
    int rc = below->xOpen(below, path, log->below, flags, out);
    if (rc != SQLITE_OK && log->below->pMethods != NULL) {
        (void)log->below->pMethods->xClose(log->below);
    }
    log->base.pMethods = rc == SQLITE_OK ? &log_methods : NULL;
    return rc;
}

static const char *make(struct log_vfs *kind, sqlite3_vfs *below)
{
    int length = snprintf(kind->name, sizeof kind->name, "log/%s", below->zName);
    if (length < 0 || (size_t)length >= sizeof kind->name) {
        return NULL;
    }
    kind->below = below;
    kind->vfs = *below; /* Its other calls do not ask which VFS they are called for. */
    kind->vfs.zName = kind->name;
    kind->vfs.pNext = NULL;
    kind->vfs.szOsFile = below->szOsFile + (int)sizeof(struct log_file);
    kind->vfs.xOpen = log_open;
    return sqlite3_vfs_register(&kind->vfs, 0) == SQLITE_OK ? kind->name : NULL;
}

const char *sqlite_log_vfs(const char *below)
{
    static struct log_vfs kinds[KINDS_MAX];
    static size_t count;
    sqlite3_vfs *under = sqlite3_vfs_find(below);
    sqlite3_mutex *mutex = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
    const char *name = NULL;
    sqlite3_mutex_enter(mutex);
    for (size_t i = 0; i < count && name == NULL; i++) {
        name = kinds[i].below == under ? kinds[i].name : NULL;
    }
    if (name == NULL && under != NULL && count < KINDS_MAX) {
        name = make(&kinds[count], under);
        count += name != NULL;
    }
    sqlite3_mutex_leave(mutex);
    return name != NULL ? name : below;
}
