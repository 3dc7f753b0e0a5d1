#include "base/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ending[] = ".part";

static struct str name_of(const struct draft *draft)
{
    return (struct str){draft->path, draft->len};
}

bool draft_open(struct draft *draft, struct str path, struct err *err)
{
    *draft = (struct draft){.fd = -1};
    if (path.len == 0 || path.len + sizeof ending > sizeof draft->path ||
        str_find_byte(path, '\0', 0) != STR_NONE) {
        return err_set(err, ERR_CONFIG, "a path is empty, too long or holds a NUL byte");
    }
    memcpy(draft->path, path.ptr, path.len);
    memcpy(draft->path + path.len, ending, sizeof ending);
    draft->len = path.len;
    do {
        draft->fd =
            open(draft->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_PRIVATE);
    } while (draft->fd < 0 && errno == EINTR);
    return draft->fd >= 0 || file_failed(err, "write", path, errno);
}

bool draft_add(struct draft *draft, struct str bytes, struct err *err)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t count = write(draft->fd, bytes.ptr + done, bytes.len - done);
        if (count < 0 && errno != EINTR) {
            return file_failed(err, "write", name_of(draft), errno);
        }
        done += count > 0 ? (size_t)count : 0;
    }
    draft->size += bytes.len;
    return true;
}

bool draft_keep(struct draft *draft, struct err *err)
{
    int rc = -1;
    do {
        rc = fsync(draft->fd);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) {
        (void)file_failed(err, "sync", name_of(draft), errno);
        err->kind = ERR_STORE; /* After a failed sync nobody knows what the disk holds. */
        return false;
    }
    (void)close(draft->fd);
    draft->fd = -1;
    return file_rename(str_of(draft->path), name_of(draft), err);
}

void draft_drop(struct draft *draft)
{
    if (draft->fd >= 0) {
        (void)close(draft->fd);
        (void)unlink(draft->path);
        draft->fd = -1;
    }
}

static bool read_all(int fd, struct str path,
                     bool (*each)(void *context, struct str piece, struct err *err), void *context,
                     struct err *err)
{
    char piece[DRAFT_PIECE_MAX];
    for (;;) {
        ssize_t count = read(fd, piece, sizeof piece);
        if (count == 0) {
            return true;
        }
        if (count < 0 && errno != EINTR) {
            return file_failed(err, "read", path, errno);
        }
        if (count > 0 && !each(context, (struct str){piece, (size_t)count}, err)) {
            return false;
        }
    }
}

bool draft_read(struct str path, bool (*each)(void *context, struct str piece, struct err *err),
                void *context, struct err *err)
{
    char name[FILE_PATH_MAX];
    struct stat info;
    if (path.len == 0 || path.len >= sizeof name || str_find_byte(path, '\0', 0) != STR_NONE) {
        return err_set(err, ERR_CONFIG, "a path is empty, too long or holds a NUL byte");
    }
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    int fd = -1;
    do { /* O_NONBLOCK: a pipe must not make it wait. */
        fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return file_failed(err, "read", path, errno);
    }
    bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    bool ok = regular ? read_all(fd, path, each, context, err)
                      : file_failed(err, "read", path, S_ISDIR(info.st_mode) ? EISDIR : ENXIO);
    (void)close(fd);
    return ok;
}
