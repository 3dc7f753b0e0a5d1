#include "fault_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/rng.h"

enum { SECTOR = 512, DISKS_MAX = 8, PATH_BYTES = 256, SECTORS_MAX = 1 << 20 };

enum {
    OP_READ = 1,
    OP_WRITE = 2,
    OP_SYNC = 4,
    OP_CUT = 8,
    OP_OPEN = 16,
    OP_LOCK = 32,
    OP_SHM = 64,
    OP_SIZE = 128,
};

static const int hits[FAULT_KINDS] = {
    [FAULT_EIO] = OP_READ | OP_WRITE | OP_SYNC | OP_CUT | OP_SIZE,
    [FAULT_FULL] = OP_WRITE,
    [FAULT_SHORT] = OP_WRITE,
    [FAULT_SYNC] = OP_SYNC,
    [FAULT_OPEN] = OP_OPEN,
    [FAULT_LOCK] = OP_LOCK,
    [FAULT_SHM] = OP_SHM,
    [FAULT_POWER] = OP_WRITE | OP_SYNC | OP_CUT,
};

static const char *const kind_names[FAULT_KINDS] = {
    [FAULT_NONE] = "none",   [FAULT_EIO] = "eio",   [FAULT_FULL] = "full",
    [FAULT_SHORT] = "short", [FAULT_SYNC] = "sync", [FAULT_OPEN] = "open",
    [FAULT_LOCK] = "lock",   [FAULT_SHM] = "shm",   [FAULT_POWER] = "power",
};

/* What a file holds on the platter, as far as that differs from what was written. */
struct sector {
    int64_t number;
    bool there; /* It lay inside the file. */
    unsigned char bytes[SECTOR];
};

struct disk {
    char path[PATH_BYTES];
    int64_t durable_size;
    unsigned char *dirty; /* A flag for each sector. */
    size_t dirty_room;
    struct sector *old;
    size_t count;
    size_t room;
};

struct fault_file {
    sqlite3_file base; /* First. */
    struct disk *disk; /* NULL: not watched. */
    sqlite3_file *real;
};

struct fault_vfs fault_vfs;
static struct disk disks[DISKS_MAX];
static sqlite3_vfs *system_vfs;
static sqlite3_vfs own_vfs;
static sqlite3_io_methods own_methods;
static int open_count;
static bool dead;        /* The power is off. */
static bool sync_failed; /* In this process. */

const char *fault_kind_name(enum fault_kind kind)
{
    return kind_names[kind];
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct fault_file *)file)->real;
}

static struct disk *disk_of(sqlite3_file *file)
{
    return ((struct fault_file *)file)->disk;
}

/* Is this the operation that fails? */
static bool strikes(int op)
{
    if ((hits[fault_vfs.kind] & op) == 0 || (fault_vfs.active != NULL && !fault_vfs.active())) {
        return false;
    }
    fault_vfs.seen++;
    int64_t since = fault_vfs.seen - fault_vfs.at;
    if (fault_vfs.at == 0 || since < 0 || fault_vfs.fired >= fault_vfs.times) {
        return false;
    }
    fault_vfs.fired++;
    dead = fault_vfs.kind == FAULT_POWER;
    return true;
}

static int64_t size_of(sqlite3_file *real)
{
    sqlite3_int64 size = 0;
    int rc = real->pMethods->xFileSize(real, &size);
    must(rc == SQLITE_OK);
    return size;
}

static bool is_dirty(const struct disk *disk, int64_t number)
{
    return (size_t)number < disk->dirty_room && disk->dirty[number] != 0;
}

static void mark_dirty(struct disk *disk, int64_t number)
{
    must(number < SECTORS_MAX);
    if ((size_t)number >= disk->dirty_room) {
        size_t room = disk->dirty_room == 0 ? 1024 : disk->dirty_room;
        while (room <= (size_t)number) {
            room *= 2;
        }
        unsigned char *larger = realloc(disk->dirty, room);
        must(larger != NULL);
        memset(larger + disk->dirty_room, 0, room - disk->dirty_room);
        disk->dirty = larger;
        disk->dirty_room = room;
    }
    disk->dirty[number] = 1;
}

/* Before the sectors from..to (bytes) change: keep what the platter holds of them. */
static void keep_old(struct disk *disk, sqlite3_file *real, int64_t from, int64_t to)
{
    for (int64_t number = from / SECTOR; number * SECTOR < to; number++) {
        if (is_dirty(disk, number)) {
            continue;
        }
        mark_dirty(disk, number);
        if (disk->count == disk->room) {
            disk->room = disk->room == 0 ? 256 : disk->room * 2;
            struct sector *larger = realloc(disk->old, disk->room * sizeof *larger);
            must(larger != NULL);
            disk->old = larger;
        }
        struct sector *sector = &disk->old[disk->count++];
        *sector = (struct sector){.number = number, .there = number * SECTOR < disk->durable_size};
        if (sector->there) {
            (void)real->pMethods->xRead(real, sector->bytes, SECTOR, number * SECTOR);
        }
    }
}

static void forget_old(struct disk *disk)
{
    for (size_t i = 0; i < disk->count; i++) {
        disk->dirty[disk->old[i].number] = 0;
    }
    disk->count = 0;
}

static int fault_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 at)
{
    sqlite3_file *real = real_of(file);
    if (dead || strikes(OP_READ)) {
        return SQLITE_IOERR_READ;
    }
    return real->pMethods->xRead(real, bytes, count, at);
}

static int fault_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
    sqlite3_file *real = real_of(file);
    struct disk *disk = disk_of(file);
    if (dead) {
        return SQLITE_IOERR_WRITE;
    }
    bool fails = strikes(OP_WRITE);
    bool half = fails && (fault_vfs.kind == FAULT_SHORT || fault_vfs.kind == FAULT_POWER);
    int arrives = half ? count / 2 : fails ? 0 : count;
    int rc = SQLITE_OK;
    if (arrives > 0) {
        if (disk != NULL) {
            keep_old(disk, real, at, at + arrives);
        }
        rc = real->pMethods->xWrite(real, bytes, arrives, at);
    }
    if (fails) {
        return fault_vfs.kind == FAULT_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    return rc;
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = real_of(file);
    struct disk *disk = disk_of(file);
    if (dead || strikes(OP_CUT)) {
        return SQLITE_IOERR_TRUNCATE;
    }
    if (disk != NULL) {
        keep_old(disk, real, size, size_of(real));
    }
    return real->pMethods->xTruncate(real, size);
}

static int fault_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *real = real_of(file);
    struct disk *disk = disk_of(file);
    fault_vfs.syncs_after_failure += sync_failed && !dead;
    if (dead) {
        return SQLITE_IOERR_FSYNC;
    }
    if (strikes(OP_SYNC)) {
        sync_failed = true;
        return SQLITE_IOERR_FSYNC;
    }
    (void)flags; /* The platter is `disk`; nothing here has to survive this machine. */
    if (disk != NULL && !fault_vfs.lying) {
        forget_old(disk);
        disk->durable_size = size_of(real);
    }
    return SQLITE_OK;
}

static int fault_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = real_of(file);
    if (dead || strikes(OP_SIZE)) {
        return SQLITE_IOERR_FSTAT;
    }
    return real->pMethods->xFileSize(real, size);
}

static int fault_lock(sqlite3_file *file, int level)
{
    sqlite3_file *real = real_of(file);
    if (dead || strikes(OP_LOCK)) {
        return SQLITE_IOERR_LOCK;
    }
    return real->pMethods->xLock(real, level);
}

static int fault_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int fault_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int fault_control(sqlite3_file *file, int op, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int fault_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int fault_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int fault_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    if (dead || strikes(OP_SHM)) {
        return SQLITE_IOERR_SHMMAP;
    }
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int fault_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    if ((flags & SQLITE_SHM_LOCK) != 0 && (dead || strikes(OP_LOCK))) {
        return SQLITE_IOERR_SHMLOCK;
    }
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void fault_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int fault_shm_unmap(sqlite3_file *file, int remove_it)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove_it);
}

static struct disk *find_disk(const char *path)
{
    must(strlen(path) < PATH_BYTES);
    for (size_t i = 0; i < DISKS_MAX; i++) {
        if (strcmp(disks[i].path, path) == 0) {
            return &disks[i];
        }
    }
    return NULL;
}

/* The disk of a file; a file that was there before the plan is on the platter as it is. */
static struct disk *take_disk(const char *path, sqlite3_file *real)
{
    struct disk *disk = find_disk(path);
    for (size_t i = 0; disk == NULL && i < DISKS_MAX; i++) {
        if (disks[i].path[0] == '\0') {
            disk = &disks[i];
            memcpy(disk->path, path, strlen(path) + 1);
            disk->durable_size = size_of(real);
        }
    }
    must(disk != NULL);
    return disk;
}

/* After a power cut: each sector that was not synced is there or not, as the seed wills. */
static void settle_disk(struct disk *disk, struct rng *rng, unsigned lost_percent)
{
    sqlite3_file *real = sqlite3_malloc(system_vfs->szOsFile);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB;
    must(real != NULL);
    memset(real, 0, (size_t)system_vfs->szOsFile);
    int rc = system_vfs->xOpen(system_vfs, disk->path, real, flags, &flags);
    if (rc != SQLITE_OK) { /* It was removed meanwhile. */
        sqlite3_free(real);
        return;
    }
    int64_t size = disk->durable_size;
    int64_t whole = size_of(real);
    static const unsigned char zeros[SECTOR];
    for (size_t i = 0; i < disk->count; i++) {
        const struct sector *sector = &disk->old[i];
        int64_t at = sector->number * SECTOR;
        int64_t end = at + SECTOR < whole ? at + SECTOR : whole;
        if (!rng_chance(rng, lost_percent)) {
            size = end > size && at < whole ? end : size;
            continue;
        }
        fault_vfs.sectors_lost++;
        rc = real->pMethods->xWrite(real, sector->there ? sector->bytes : zeros, SECTOR, at);
        must(rc == SQLITE_OK);
    }
    rc = real->pMethods->xTruncate(real, size);
    must(rc == SQLITE_OK);
    (void)real->pMethods->xClose(real);
    sqlite3_free(real);
    forget_old(disk);
    disk->durable_size = size;
}

static void last_closed(void)
{
    static const unsigned percents[] = {100, 50, 10, 90};
    struct rng rng;
    fault_vfs.closings++;
    sync_failed = false;
    if (fault_vfs.times == FAULT_FOR_GOOD && fault_vfs.fired > 0) {
        fault_vfs.times = 0; /* Somebody mended it before the restart. */
    }
    if (!dead) {
        return;
    }
    dead = false;
    rng_seed(&rng, fault_vfs.seed);
    unsigned percent = percents[rng_below(&rng, 4)];
    for (size_t i = 0; i < DISKS_MAX; i++) {
        if (disks[i].path[0] != '\0' && disks[i].count > 0) {
            settle_disk(&disks[i], &rng, percent);
        }
    }
}

static int fault_close(sqlite3_file *file)
{
    struct fault_file *fault = (struct fault_file *)file;
    int rc = fault->real->pMethods->xClose(fault->real);
    sqlite3_free(fault->real);
    if (--open_count == 0) {
        last_closed();
    }
    return rc;
}

static int fault_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags,
                      int *out)
{
    struct fault_file *fault = (struct fault_file *)file;
    (void)vfs;
    fault->base.pMethods = NULL;
    if (dead || strikes(OP_OPEN)) {
        return SQLITE_CANTOPEN;
    }
    fault->real = sqlite3_malloc(system_vfs->szOsFile);
    if (fault->real == NULL) {
        return SQLITE_NOMEM;
    }
    memset(fault->real, 0, (size_t)system_vfs->szOsFile);
    int rc = system_vfs->xOpen(system_vfs, path, fault->real, flags, out);
    if (rc != SQLITE_OK) {
        sqlite3_free(fault->real);
        return rc;
    }
    bool watched =
        (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
    fault->disk = watched && path != NULL ? take_disk(path, fault->real) : NULL;
    fault->base.pMethods = &own_methods;
    open_count++;
    return SQLITE_OK;
}

/* Names are durable at once: a directory is not what is tested here. */
static int fault_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    (void)vfs;
    if (dead) {
        return SQLITE_IOERR_DELETE;
    }
    int rc = system_vfs->xDelete(system_vfs, path, sync);
    struct disk *disk = find_disk(path);
    if (rc == SQLITE_OK && disk != NULL) {
        forget_old(disk);
        disk->durable_size = 0;
    }
    return rc;
}

bool fault_vfs_install(void)
{
    system_vfs = sqlite3_vfs_find(NULL);
    if (system_vfs == NULL) {
        return false;
    }
    own_methods = (sqlite3_io_methods){
        .iVersion = 2, /* No mapped reads: they would pass by. */
        .xClose = fault_close,
        .xRead = fault_read,
        .xWrite = fault_write,
        .xTruncate = fault_truncate,
        .xSync = fault_sync,
        .xFileSize = fault_size,
        .xLock = fault_lock,
        .xUnlock = fault_unlock,
        .xCheckReservedLock = fault_reserved,
        .xFileControl = fault_control,
        .xSectorSize = fault_sector_size,
        .xDeviceCharacteristics = fault_characteristics,
        .xShmMap = fault_shm_map,
        .xShmLock = fault_shm_lock,
        .xShmBarrier = fault_shm_barrier,
        .xShmUnmap = fault_shm_unmap,
    };
    own_vfs = *system_vfs;
    own_vfs.zName = "fault";
    own_vfs.pNext = NULL;
    own_vfs.szOsFile = (int)sizeof(struct fault_file);
    own_vfs.xOpen = fault_open;
    own_vfs.xDelete = fault_delete;
    return sqlite3_vfs_register(&own_vfs, 0) == SQLITE_OK;
}

void fault_vfs_plan(enum fault_kind kind, int64_t at, int64_t times, uint64_t seed)
{
    must(open_count == 0);
    for (size_t i = 0; i < DISKS_MAX; i++) {
        free(disks[i].dirty);
        free(disks[i].old);
        disks[i] = (struct disk){0};
    }
    dead = false;
    sync_failed = false;
    fault_vfs = (struct fault_vfs){
        .kind = kind, .at = at, .times = times, .seed = seed, .active = fault_vfs.active};
}
