#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/must.h"

enum {
    TEMP_TRIES = 16, /* 64 random bits: a second try is already a wonder. */
    READ_STEP = 64 * 1024,
    LIST_FIRST = 64,
    PATH_SHOWN_MAX = 250,
};

/* A path with its NUL, as the system wants it. */
struct path {
    char text[FILE_PATH_MAX];
    size_t len;
};

static file_fault *fault_hook;
static void *fault_context;

void file_fault_set(file_fault *fault, void *context)
{
    fault_hook = fault;
    fault_context = context;
}

/* True when the hook makes this step fail; errno is set then. */
static bool fails(enum file_step step)
{
    int answer = fault_hook == NULL ? 0 : fault_hook(fault_context, step);
    if (answer > 0) {
        errno = answer;
    }
    return answer > 0;
}

static size_t step_size(enum file_step step, size_t size)
{
    int answer = fault_hook == NULL ? 0 : fault_hook(fault_context, step);
    if (answer > 0) {
        errno = answer;
        return 0;
    }
    return answer == FILE_FAULT_SHORT && size > 1 ? 1 : size;
}

struct reason {
    int number;
    enum err_kind kind;
    const char *text;
    const char *advice;
};

static const struct reason reasons[] = {
    {ENOSPC, ERR_RETRY, "no space left on the disk", "free some and run again"},
    {EDQUOT, ERR_RETRY, "the disk quota is used up", "free some or raise the quota"},
    {EFBIG, ERR_CONFIG, "the file is larger than the limit allows", "raise the limit (ulimit -f)"},
    {EIO, ERR_STORE, "the disk reports an input/output error", "check the disk"},
    {EROFS, ERR_CONFIG, "the file system is read-only", "mount it writable or use another path"},
    {EACCES, ERR_CONFIG, "permission denied", "check the owner and mode of it and its directory"},
    {EPERM, ERR_CONFIG, "the operation is not permitted", "check the owner and mode"},
    {ENOENT, ERR_CONFIG, "there is no such file or directory", "check the path"},
    {ENOTDIR, ERR_CONFIG, "a part of the path is not a directory", "check the path"},
    {EISDIR, ERR_CONFIG, "it is a directory, a file is needed", "check the path"},
    {EEXIST, ERR_CONFIG, "the name is taken already", "check the path"},
    {ELOOP, ERR_CONFIG, "too many symbolic links", "check the path"},
    {ENAMETOOLONG, ERR_CONFIG, "the name is too long", "use a shorter path"},
    {EXDEV, ERR_CONFIG, "the names are on different file systems", "keep both on one"},
    {ENOTEMPTY, ERR_CONFIG, "the directory is not empty", "check the path"},
    {EINVAL, ERR_CONFIG, "the file system does not support this", "use another one"},
    {EOPNOTSUPP, ERR_CONFIG, "the file system does not support this", "use another one"},
    {ENXIO, ERR_CONFIG, "it is not a regular file", "check the path"},
    {EMFILE, ERR_RETRY, "this process has too many open files", "raise the limit (ulimit -n)"},
    {ENFILE, ERR_RETRY, "the system has too many open files", "raise its limit"},
    {ENOMEM, ERR_RETRY, "the system is out of memory", "free some and run again"},
    {ENOLCK, ERR_RETRY, "the system has no locks left", "run again later"},
    {EAGAIN, ERR_RETRY, "the resource is busy", "run again later"},
    {EBUSY, ERR_RETRY, "the resource is busy", "run again later"},
    {ETXTBSY, ERR_RETRY, "the file is being executed", "stop that program first"},
    {ESTALE, ERR_RETRY, "the network file system lost the file", "check the mount"},
};

static const struct reason reason_other = {0, ERR_RETRY, "the system refused", "see errno(3)"};

static const struct reason *reason_of(int number)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].number == number) {
            return &reasons[i];
        }
    }
    return &reason_other;
}

const char *file_reason(int error_number)
{
    return reason_of(error_number)->text;
}

/* The part of a path that an error has room for: its end, which tells more than its start. */
static struct str shown(struct str path)
{
    size_t from = path.len > PATH_SHOWN_MAX ? path.len - PATH_SHOWN_MAX : 0;
    while (from > 0 && from < path.len && ((unsigned char)path.ptr[from] & 0xC0U) == 0x80U) {
        from++; /* Not into the middle of a letter. */
    }
    return str_slice(path, from, path.len);
}

/* "cannot write /x/y: no space left on the disk; free some and run again" */
static bool failed(struct err *err, const char *what, struct str path, int number)
{
    const struct reason *reason = reason_of(number);
    struct str part = shown(path);
    const char *cut = part.len < path.len ? "…" : "";
    if (reason == &reason_other) {
        return err_set(err, reason->kind, "cannot %s %s%.*s: the system refused (error %d)", what,
                       cut, STR_ARG(part), number);
    }
    return err_set(err, reason->kind, "cannot %s %s%.*s: %s; %s", what, cut, STR_ARG(part),
                   reason->text, reason->advice);
}

bool file_failed(struct err *err, const char *what, struct str path, int error_number)
{
    return failed(err, what, path, error_number);
}

static bool path_make(struct path *path, struct str text, struct err *err)
{
    if (text.len == 0) {
        return err_set(err, ERR_CONFIG, "a path is empty: name a file");
    }
    must(text.ptr != NULL);
    if (text.len >= sizeof path->text) {
        return err_set(err, ERR_CONFIG, "the path …%.*s has %zu bytes, %d are allowed",
                       STR_ARG(shown(text)), text.len, FILE_PATH_MAX - 1);
    }
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        return err_set(err, ERR_CONFIG, "the path %.*s holds a NUL byte", STR_ARG(shown(text)));
    }
    memcpy(path->text, text.ptr, text.len);
    path->text[text.len] = '\0';
    path->len = text.len;
    return true;
}

static int open_again(const char *path, int flags, unsigned mode)
{
    if (fails(FILE_STEP_OPEN)) {
        return -1;
    }
    int fd = -1;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static int sync_again(int fd, enum file_step step)
{
    if (fails(step)) {
        return -1;
    }
    int rc = -1;
    do {
        rc = fsync(fd);
    } while (rc != 0 && errno == EINTR);
    return rc;
}

/* True at the end of the file or when `*got` bytes came. */
static bool read_some(int fd, char *to, size_t size, size_t *got)
{
    size = step_size(FILE_STEP_READ, size);
    if (size == 0) {
        return false;
    }
    ssize_t count = -1;
    do {
        count = read(fd, to, size);
    } while (count < 0 && errno == EINTR);
    *got = count > 0 ? (size_t)count : 0;
    return count >= 0;
}

static bool write_all(int fd, struct str bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        size_t size = step_size(FILE_STEP_WRITE, bytes.len - done);
        if (size == 0) {
            return false;
        }
        ssize_t count = write(fd, bytes.ptr + done, size);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool too_large(struct err *err, struct str path, size_t size_max)
{
    return err_set(err, ERR_REJECT, "%.*s is larger than the %zu bytes that are read of it",
                   STR_ARG(shown(path)), size_max);
}

/* The size from fstat() is a first guess: the file may grow, and those of /proc say 0. */
static bool read_open(int fd, struct arena *arena, struct str path, size_t size_max,
                      struct str *bytes, struct err *err)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0) {
        return failed(err, "read", path, errno);
    }
    if (!S_ISREG(stat.st_mode)) {
        return failed(err, "read", path, S_ISDIR(stat.st_mode) ? EISDIR : ENXIO);
    }
    if (stat.st_size > 0 && (uint64_t)stat.st_size > size_max) {
        return too_large(err, path, size_max);
    }
    struct buf buf;
    buf_init(&buf, arena, 0);
    size_t step = (size_t)stat.st_size + 1; /* One more, so that the end is seen at once. */
    size_t got = 0;
    do {
        if (!buf_reserve(&buf, step)) {
            return err_set(err, ERR_REJECT, "no memory to read %.*s: it is too large here",
                           STR_ARG(shown(path)));
        }
        if (!read_some(fd, buf.ptr + buf.len, step, &got)) {
            return failed(err, "read", path, errno);
        }
        buf.len += got;
        if (buf.len > size_max) {
            return too_large(err, path, size_max);
        }
        step = got < step ? step - got : READ_STEP;
    } while (got > 0);
    *bytes = buf_str(&buf);
    must(buf_ok(&buf)); /* Room for the NUL was reserved with the last step. */
    return true;
}

bool file_read(struct arena *arena, struct str path, size_t size_max, struct str *bytes,
               struct err *err)
{
    must(size_max > 0 && size_max < SIZE_MAX / 4);
    struct path name;
    if (!path_make(&name, path, err)) {
        return false;
    }
    /* O_NONBLOCK: opening a pipe must not wait for a writer; regular files do not mind. */
    int fd = open_again(name.text, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        return failed(err, "read", path, errno);
    }
    bool ok = read_open(fd, arena, path, size_max, bytes, err);
    (void)close(fd);
    return ok;
}

/* The directory part: "a/b" gives "a", "/a" gives "/", "a" gives ".". */
static struct path dir_of(const struct path *path)
{
    size_t len = path->len;
    while (len > 1 && path->text[len - 1] == '/') {
        len--;
    }
    while (len > 0 && path->text[len - 1] != '/') {
        len--;
    }
    while (len > 1 && path->text[len - 1] == '/') {
        len--;
    }
    struct path dir = {.text = ".", .len = 1};
    if (len > 0) {
        memcpy(dir.text, path->text, len);
        dir.text[len] = '\0';
        dir.len = len;
    }
    return dir;
}

/* A name is durable only when its directory is. Some file systems cannot sync one: no harm. */
static bool sync_dir(const struct path *path, struct err *err)
{
    struct path dir = dir_of(path);
    int fd = open_again(dir.text, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) {
        return failed(err, "open the directory", str_of(dir.text), errno);
    }
    bool ok = sync_again(fd, FILE_STEP_SYNC_DIR) == 0 || errno == EINVAL;
    int number = errno;
    (void)close(fd);
    if (!ok) {
        return err_set(err, ERR_STORE, "cannot bring the directory %.*s to the disk: %s",
                       STR_ARG(shown(str_of(dir.text))), file_reason(number));
    }
    return true;
}

static int temp_open(const struct path *path, struct path *temp)
{
    struct path dir = dir_of(path);
    for (int i = 0; i < TEMP_TRIES; i++) {
        uint64_t random = 0;
        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
            return -1;
        }
        int len = snprintf(temp->text, sizeof temp->text, "%s/.sluice-%016llx.tmp", dir.text,
                           (unsigned long long)random);
        if (len < 0 || (size_t)len >= sizeof temp->text) {
            errno = ENAMETOOLONG;
            return -1;
        }
        temp->len = (size_t)len;
        int fd = open_again(temp->text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_PRIVATE);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

/* Bytes, mode and sync; closes the file. False leaves the reason in errno, `*step` tells where. */
static bool temp_fill(int fd, unsigned mode, struct str bytes, const char **step)
{
    *step = "write";
    bool ok = write_all(fd, bytes) && fchmod(fd, (mode_t)mode) == 0;
    if (ok) {
        *step = "sync";
        ok = sync_again(fd, FILE_STEP_SYNC) == 0;
    }
    int number = errno;
    if (close(fd) != 0 && ok && errno != EINTR) {
        return false;
    }
    errno = number;
    return ok;
}

static bool rename_path(const struct path *from, const struct path *to)
{
    return !fails(FILE_STEP_RENAME) && rename(from->text, to->text) == 0;
}

bool file_write(struct str path, unsigned mode, struct str bytes, struct err *err)
{
    struct path name;
    struct path temp;
    if (!path_make(&name, path, err)) {
        return false;
    }
    int fd = temp_open(&name, &temp);
    if (fd < 0) {
        return failed(err, "write", path, errno);
    }
    const char *step = "write";
    if (!temp_fill(fd, mode, bytes, &step)) {
        int number = errno;
        (void)unlink(temp.text);
        (void)failed(err, step, path, number);
        if (step[0] == 's') { /* After a failed sync nobody knows what the disk holds. */
            err->kind = ERR_STORE;
        }
        return false;
    }
    if (!rename_path(&temp, &name)) {
        int number = errno;
        (void)unlink(temp.text);
        return failed(err, "write", path, number);
    }
    return sync_dir(&name, err);
}

static enum file_kind kind_of(mode_t mode)
{
    if (S_ISREG(mode)) {
        return FILE_REGULAR;
    }
    return S_ISDIR(mode) ? FILE_DIRECTORY : FILE_OTHER;
}

bool file_look(struct str path, struct file_info *info, struct err *err)
{
    struct path name;
    if (!path_make(&name, path, err)) {
        return false;
    }
    *info = (struct file_info){.kind = FILE_MISSING};
    struct stat found;
    if (stat(name.text, &found) != 0) {
        return errno == ENOENT || errno == ENOTDIR || failed(err, "look at", path, errno);
    }
    *info = (struct file_info){
        .kind = kind_of(found.st_mode),
        .mode = (uint32_t)found.st_mode & 07777U,
        .owner = (uint32_t)found.st_uid,
        .size = found.st_size > 0 ? (uint64_t)found.st_size : 0,
        .mtime_ns = (int64_t)found.st_mtim.tv_sec * 1000000000 + (int64_t)found.st_mtim.tv_nsec,
        .inode = (uint64_t)found.st_ino,
        .device = (uint64_t)found.st_dev,
    };
    return true;
}

/* One level; being there already is fine when it is a directory. */
static bool make_dir(const char *path, unsigned mode, struct err *err)
{
    if (mkdir(path, (mode_t)mode) == 0) {
        return chmod(path, (mode_t)mode) == 0 || /* The umask may have taken bits. */
               failed(err, "set the mode of", str_of(path), errno);
    }
    int number = errno;
    struct stat found;
    if (stat(path, &found) == 0) {
        return S_ISDIR(found.st_mode) || failed(err, "make the directory", str_of(path), ENOTDIR);
    }
    return failed(err, "make the directory", str_of(path), number);
}

bool file_make_dirs(struct str path, unsigned mode, struct err *err)
{
    struct path name = {.len = 0};
    if (!path_make(&name, path, err)) {
        return false;
    }
    for (size_t i = 1; i <= name.len; i++) {
        char here = name.text[i];
        if ((here != '/' && here != '\0') || name.text[i - 1] == '/') {
            continue;
        }
        name.text[i] = '\0';
        bool ok = make_dir(name.text, mode, err);
        name.text[i] = here;
        if (!ok) {
            return false;
        }
    }
    return true;
}

bool file_rename(struct str from, struct str to, struct err *err)
{
    struct path name_from;
    struct path name_to;
    if (!path_make(&name_from, from, err) || !path_make(&name_to, to, err)) {
        return false;
    }
    if (!rename_path(&name_from, &name_to)) {
        return failed(err, "rename", from, errno);
    }
    return sync_dir(&name_to, err) && sync_dir(&name_from, err);
}

bool file_remove(struct str path, struct err *err)
{
    struct path name;
    if (!path_make(&name, path, err)) {
        return false;
    }
    return unlink(name.text) == 0 || errno == ENOENT || failed(err, "remove", path, errno);
}

static int names_compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* The next name is kept; false when the arena is full. */
static bool list_add(struct arena *arena, struct file_list *list, size_t *room, struct str name)
{
    if (list->count == *room) {
        size_t more = *room == 0 ? LIST_FIRST : *room * 2;
        struct str *names = arena_array(arena, more, sizeof *names);
        if (names == NULL) {
            return false;
        }
        if (list->count > 0) {
            memcpy(names, list->names, list->count * sizeof *names);
        }
        list->names = names;
        *room = more;
    }
    struct str copy = arena_copy(arena, name);
    list->names[list->count] = copy;
    list->count++;
    return copy.ptr != NULL;
}

static bool list_open(DIR *dir, struct arena *arena, struct str path, struct file_list *list,
                      struct err *err)
{
    size_t room = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            return errno == 0 || failed(err, "list", path, errno);
        }
        struct str name = str_of(entry->d_name);
        if (str_equal(name, STR(".")) || str_equal(name, STR(".."))) {
            continue;
        }
        if (list->count == FILE_LIST_MAX) {
            return err_set(err, ERR_REJECT, "%.*s holds more than %d names: split the directory",
                           STR_ARG(shown(path)), FILE_LIST_MAX);
        }
        if (!list_add(arena, list, &room, name)) {
            return err_set(err, ERR_REJECT, "no memory to list %.*s: it holds too much",
                           STR_ARG(shown(path)));
        }
    }
}

bool file_list(struct arena *arena, struct str path, struct file_list *list, struct err *err)
{
    struct path name;
    if (!path_make(&name, path, err)) {
        return false;
    }
    DIR *dir = fails(FILE_STEP_OPEN) ? NULL : opendir(name.text);
    if (dir == NULL) {
        return failed(err, "list", path, errno);
    }
    struct file_list found = {0};
    bool ok = list_open(dir, arena, path, &found, err);
    (void)closedir(dir);
    if (!ok) {
        return false;
    }
    if (found.count > 1) {
        qsort(found.names, found.count, sizeof *found.names, names_compare);
    }
    *list = found;
    return true;
}

bool file_lock_take(struct file_lock *lock, struct str path, bool *held, struct err *err)
{
    struct path name;
    lock->fd = -1;
    if (!path_make(&name, path, err)) {
        return false;
    }
    int fd = open_again(name.text, O_RDWR | O_CREAT | O_NOFOLLOW, FILE_PRIVATE);
    if (fd < 0) {
        return failed(err, "open the lock", path, errno);
    }
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc = -1;
    do {
        rc = fcntl(fd, F_OFD_SETLK, &whole);
    } while (rc != 0 && errno == EINTR);
    int number = errno;
    *held = rc == 0;
    if (rc == 0) {
        lock->fd = fd;
        return true;
    }
    (void)close(fd);
    return number == EAGAIN || number == EACCES || failed(err, "lock", path, number);
}

void file_lock_give(struct file_lock *lock)
{
    if (lock->fd >= 0) {
        (void)close(lock->fd);
    }
    lock->fd = -1;
}

bool file_space(struct str path, uint64_t *bytes_free, struct err *err)
{
    struct path name;
    if (!path_make(&name, path, err)) {
        return false;
    }
    struct statvfs room;
    int rc = -1;
    do {
        rc = statvfs(name.text, &room);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) {
        return failed(err, "ask for the room at", path, errno);
    }
    *bytes_free = (uint64_t)room.f_bavail * (uint64_t)room.f_frsize;
    return true;
}

struct str file_folder(struct arena *arena, struct str path)
{
    size_t slash = STR_NONE;
    for (size_t i = 0; i < path.len; i++) {
        slash = path.ptr[i] == '/' ? i : slash;
    }
    return slash == STR_NONE ? STR(".")
                             : arena_copy(arena, str_slice(path, 0, slash > 0 ? slash : 1));
}
