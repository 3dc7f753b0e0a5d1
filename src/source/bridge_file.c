#include "source/bridge_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"

enum {
    HEADER_SIZE = 100, /* Of a SQLite file. */
    HEADER_READ_VERSION = 19,
    HEADER_READ_WAL = 2,
    FILE_CACHE_KIB = 2048,
    URI_ARENA_MAX = 64 * 1024,
};

/* A path with its NUL and one of SQLite's endings. */
struct name {
    char text[FILE_PATH_MAX + 16];
};

static struct str name_make(struct name *name, struct str path, const char *ending)
{
    int len = snprintf(name->text, sizeof name->text, "%.*s%s", STR_ARG(path), ending);
    bool fits = len > 0 && (size_t)len < sizeof name->text;
    return fits ? (struct str){name->text, (size_t)len} : (struct str){0};
}

/* What cannot be looked at counts as not there: the reason comes when it is opened. */
static struct file_info look(struct str path, const char *ending)
{
    struct name name;
    struct err ignored = {0};
    struct file_info info = {0};
    struct str whole = name_make(&name, path, ending);
    if (whole.ptr == NULL || !file_look(whole, &info, &ignored)) {
        info = (struct file_info){.kind = FILE_MISSING};
    }
    return info;
}

static bool same_file(const struct file_info *a, const struct file_info *b)
{
    return a->kind == b->kind && a->inode == b->inode && a->device == b->device;
}

static bool same_bytes(const struct file_info *a, const struct file_info *b)
{
    return same_file(a, b) && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

void bridge_glance_take(struct bridge_glance *glance, struct str path, int64_t wall_ms)
{
    glance->taken = true;
    glance->db = look(path, "");
    glance->wal = look(path, "-wal");
    glance->wall_ms = wall_ms;
}

static bool is_fresh(const struct file_info *info, int64_t wall_ms)
{
    int64_t age_ms = wall_ms - info->mtime_ns / 1000000;
    return info->kind != FILE_MISSING && age_ms < BRIDGE_FRESH_MS && age_ms > -BRIDGE_FRESH_MS;
}

bool bridge_glance_differs(const struct bridge_glance *before, const struct bridge_glance *now)
{
    return !before->taken || !same_bytes(&before->db, &now->db) ||
           !same_bytes(&before->wal, &now->wal) || is_fresh(&before->db, before->wall_ms) ||
           is_fresh(&before->wal, before->wall_ms);
}

void bridge_file_init(struct bridge_file *file, struct str path)
{
    *file = (struct bridge_file){.path = path, .header = -1};
}

void bridge_file_drop(struct bridge_file *file)
{
    sqlite_close(file->db);
    file->db = NULL;
    file->still = false;
}

static void header_drop(struct bridge_file *file)
{
    if (file->header >= 0) {
        (void)close(file->header);
        file->header = -1;
    }
}

void bridge_file_close(struct bridge_file *file)
{
    bridge_file_drop(file);
    header_drop(file);
}

/* Is the directory above there? It tells a wrong path from a bridge that has not started. */
static bool folder_is_there(struct str path)
{
    size_t end = path.len;
    while (end > 0 && path.ptr[end - 1] != '/') {
        end--;
    }
    struct str folder = end == 0 ? STR(".") : str_slice(path, 0, end);
    return look(folder, "").kind == FILE_DIRECTORY;
}

static bool check_found(const struct bridge_file *file, struct err *err)
{
    struct file_info info;
    struct str path = file->path;
    if (!file_look(path, &info, err)) {
        return err_prefix(err, "the bridge's file: ");
    }
    if (info.kind == FILE_MISSING && !folder_is_there(path)) {
        return err_set(err, ERR_RETRY,
                       "%.*s: its folder is not there; correct the option `path`, or mount the "
                       "folder of the bridge",
                       STR_ARG(path));
    }
    if (info.kind == FILE_MISSING) {
        return err_set(err, ERR_RETRY,
                       "%.*s: there is no such file yet; start the bridge, or correct the option "
                       "`path`",
                       STR_ARG(path));
    }
    if (info.kind != FILE_REGULAR) {
        return err_set(err, ERR_CONFIG, "%.*s: not a file; `path` names the bridge's messages.db",
                       STR_ARG(path));
    }
    if (info.size == 0) {
        return err_set(err, ERR_RETRY,
                       "%.*s: the file is empty; the bridge has not written anything yet",
                       STR_ARG(path));
    }
    return true;
}

/* Open the descriptor of the header, or keep it when it is of the same file. */
static bool header_open(struct bridge_file *file, struct err *err)
{
    struct file_info now = look(file->path, "");
    if (file->header >= 0 && same_file(&now, &file->header_of)) {
        return true;
    }
    header_drop(file);
    struct name name;
    struct str path = name_make(&name, file->path, "");
    file->header = path.ptr == NULL ? -1 : open(path.ptr, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file->header < 0) {
        int number = errno;
        bool rights = number == EACCES || number == EPERM;
        return err_set(err, rights ? ERR_CONFIG : ERR_RETRY, "%.*s: %s%s", STR_ARG(file->path),
                       file_reason(number),
                       rights ? "; let this user read the file and its -wal and -shm (a common "
                                "group and mode 0640 will do)"
                              : "");
    }
    file->header_of = now;
    return true;
}

static bool header_read(struct bridge_file *file, bool *wal_mode, struct err *err)
{
    static const char magic[16] = "SQLite format 3";
    unsigned char header[HEADER_SIZE] = {0};
    if (!header_open(file, err)) {
        return false;
    }
    ssize_t got = pread(file->header, header, sizeof header, 0);
    if (got < 0) {
        return err_set(err, ERR_RETRY, "%.*s: %s", STR_ARG(file->path), file_reason(errno));
    }
    if (memcmp(header, magic, sizeof magic) != 0) {
        return err_set(err, ERR_CONFIG,
                       "%.*s: not a SQLite database; does `path` name the bridge's messages.db, "
                       "and is it whole?",
                       STR_ARG(file->path));
    }
    if (got < HEADER_SIZE) {
        return err_set(err, ERR_RETRY, "%.*s: cut off after %zd bytes; restore it from a backup",
                       STR_ARG(file->path), got);
    }
    *wal_mode = header[HEADER_READ_VERSION] == HEADER_READ_WAL;
    return true;
}

/* Nobody has it open in WAL mode: then opening it the ordinary way would create two files. */
static bool is_at_rest(const struct bridge_file *file, bool wal_mode)
{
    struct file_info wal = look(file->path, "-wal");
    struct file_info shm = look(file->path, "-shm");
    return wal_mode && (wal.kind == FILE_MISSING || (wal.size == 0 && shm.kind == FILE_MISSING));
}

/* "file:/a%3Fb/messages.db?mode=ro&immutable=1" */
static struct str uri_of(struct str path, struct arena *arena)
{
    static const char hex[] = "0123456789ABCDEF";
    struct buf uri;
    buf_init(&uri, arena, path.len * 3 + 64);
    buf_add(&uri, STR("file:"));
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c <= ' ' || c >= 0x7F || c == '?' || c == '#' || c == '%') {
            buf_add_byte(&uri, '%');
            buf_add_byte(&uri, hex[c >> 4]);
            buf_add_byte(&uri, hex[c & 15]);
        } else {
            buf_add_byte(&uri, (char)c);
        }
    }
    buf_add(&uri, STR("?mode=ro&immutable=1"));
    return buf_str(&uri);
}

/* A relative path gets "./" in front, so that ":memory:" and "file:" are names like any other. */
static bool open_handle(struct bridge_file *file, bool still, struct err *err)
{
    struct arena arena;
    arena_init(&arena, URI_ARENA_MAX);
    struct str path = file->path;
    if (path.ptr[0] != '/') {
        path = arena_printf(&arena, "./%.*s", STR_ARG(path));
    }
    path = still && path.ptr != NULL ? uri_of(path, &arena) : path;
    struct sqlite_options options = {
        .readonly = true, .uri = still, .busy_ms = file->busy_ms, .cache_kib = FILE_CACHE_KIB};
    bool ok = path.ptr != NULL ? sqlite_open(&file->db, path, &options, err)
                               : err_set(err, ERR_RETRY, "out of memory");
    arena_free(&arena);
    file->still = ok && still;
    return ok;
}

/* How long to wait for a writer, on a handle that is open already. */
static bool set_busy(struct bridge_file *file, int busy_ms, struct err *err)
{
    if (file->busy_ms == busy_ms) {
        return true;
    }
    char pragma[64];
    (void)snprintf(pragma, sizeof pragma, "PRAGMA busy_timeout=%d", busy_ms);
    file->busy_ms = busy_ms;
    return sqlite_exec(file->db, pragma, err);
}

bool bridge_file_open(struct bridge_file *file, int64_t busy_ms, bool *fresh, struct err *err)
{
    int busy = busy_ms < 1 ? 1 : busy_ms < SQLITE_BUSY_MS ? (int)busy_ms : SQLITE_BUSY_MS;
    bool wal_mode = false;
    *fresh = false;
    if (!check_found(file, err) || !header_read(file, &wal_mode, err)) {
        bridge_file_drop(file);
        return false;
    }
    struct file_info now = look(file->path, "");
    bool still = is_at_rest(file, wal_mode);
    if (file->db != NULL && file->still == still &&
        (still ? same_bytes(&now, &file->opened) : same_file(&now, &file->opened))) {
        return set_busy(file, busy, err) || bridge_file_explain(file, err);
    }
    bridge_file_drop(file);
    *fresh = true;
    file->busy_ms = busy;
    file->opened = now;
    return open_handle(file, still, err) || bridge_file_explain(file, err);
}

bool bridge_file_still(struct bridge_file *file, struct err *err)
{
    struct file_info now = look(file->path, "");
    if (!file->still || same_bytes(&now, &file->opened)) {
        return true;
    }
    return err_set(err, ERR_RETRY, "%.*s: the bridge started while the file was read; once more",
                   STR_ARG(file->path));
}

/* SQLite's failures begin with the name that it was given: a path or our URI. */
static bool is_of_sqlite(const struct bridge_file *file, struct str *said)
{
    static const char mark[] = "immutable=1: ";
    size_t path = str_find(*said, file->path, 0);
    if (path != STR_NONE && path <= 2) { /* It may stand behind "./". */
        *said = str_slice(*said, path + file->path.len + 2, said->len);
        return true;
    }
    size_t uri = str_starts(*said, STR("file:")) ? str_find(*said, str_of(mark), 0) : STR_NONE;
    if (uri == STR_NONE) {
        return false;
    }
    *said = str_slice(*said, uri + sizeof mark - 1, said->len);
    return true;
}

/* What helps depends on what lies beside the file. */
static const char *advice_of(const struct bridge_file *file, struct str said, enum err_kind *kind)
{
    struct file_info journal = look(file->path, "-journal");
    struct file_info wal = look(file->path, "-wal");
    struct file_info shm = look(file->path, "-shm");
    bool broken = str_find(said, STR("malformed"), 0) != STR_NONE ||
                  str_find(said, STR("not a database"), 0) != STR_NONE;
    bool busy = str_find(said, STR("locked"), 0) != STR_NONE;
    *kind = *kind == ERR_STORE ? ERR_RETRY : *kind; /* It is not our disk. */
    if (broken) {
        *kind = ERR_RETRY;
        return ". Stop the bridge, restore the file from a backup (or use sqlite3's .recover) and "
               "start it again; reading goes on by itself";
    }
    if (busy) {
        return ". Reading goes on when it is done";
    }
    if (wal.size > 0 && shm.kind == FILE_MISSING) {
        *kind = ERR_RETRY;
        return ". There is a -wal without its -shm: start the bridge, or let this user write in "
               "the folder";
    }
    if (*kind == ERR_CONFIG && journal.size > 0) {
        *kind = ERR_RETRY;
        return ". The bridge stopped in the middle of a write: start it once, it repairs its file";
    }
    if (*kind == ERR_CONFIG && wal.size > 0) {
        *kind = ERR_RETRY;
        return ". Let this user read the -wal and -shm beside the file, or start the bridge";
    }
    return "";
}

bool bridge_file_explain(struct bridge_file *file, struct err *err)
{
    struct str said = str_of(err->text);
    enum err_kind kind = err->kind;
    if (!is_of_sqlite(file, &said)) {
        return err_prefix(err, "%.*s: ", STR_ARG(file->path));
    }
    const char *advice = advice_of(file, said, &kind);
    return err_set(err, kind, "%.*s: %.*s%s", STR_ARG(file->path), STR_ARG(said), advice);
}
