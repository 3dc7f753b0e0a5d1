#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = FILE_PATH_MAX + 16 };

static int open_again(const char *path)
{
    int fd = -1;
    do {
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, FILE_PRIVATE);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

void log_file_init(struct log_file *file)
{
    *file = (struct log_file){.fd = -1};
    lock_init(&file->lock);
}

bool log_file_open(struct log_file *file, struct str path, int64_t size_max, int keep,
                   struct err *err)
{
    char name[FILE_PATH_MAX];
    if (path.len >= sizeof name || str_find_byte(path, '\0', 0) != STR_NONE) {
        return err_set(err, ERR_CONFIG, "the path of the log is too long or holds a NUL byte");
    }
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    int fd = open_again(name);
    if (fd < 0) {
        return err_set(err, ERR_CONFIG, "cannot write the log %.300s: %s", name,
                       file_reason(errno));
    }
    lock_take(&file->lock);
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    file->fd = fd;
    memcpy(file->path, name, path.len + 1);
    file->size_max = size_max;
    file->keep = keep < LOG_FILE_KEEP_MAX ? keep : LOG_FILE_KEEP_MAX;
    file->fixed = str_starts(path, STR("/dev/")) || str_starts(path, STR("/proc/"));
    lock_give(&file->lock);
    return true;
}

void log_file_close(struct log_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    file->fd = -1;
}

/* Take the file that the path names now; while there is none to be had, keep the old one. */
static void follow(struct log_file *file)
{
    int fd = open_again(file->path);
    if (fd >= 0) {
        (void)close(file->fd);
        file->fd = fd;
    }
}

/* Is what is open still what the path names? A pipe or a device is never turned. */
static bool look(const struct log_file *file, bool *same, int64_t *size)
{
    struct stat ours;
    struct stat there;
    if (file->fixed || fstat(file->fd, &ours) != 0 || !S_ISREG(ours.st_mode)) {
        return false;
    }
    *size = ours.st_size;
    *same =
        stat(file->path, &there) == 0 && there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
    return true;
}

/* From the oldest to the newest, so that dying in between leaves a gap and loses nothing. */
static void shift(const struct log_file *file)
{
    char from[NAME_MAX_BYTES];
    char to[NAME_MAX_BYTES];
    for (int i = file->keep; i > 0; i--) {
        int from_len = i > 1 ? snprintf(from, sizeof from, "%s.%d", file->path, i - 1)
                             : snprintf(from, sizeof from, "%s", file->path);
        int to_len = snprintf(to, sizeof to, "%s.%d", file->path, i);
        if (from_len > 0 && to_len > 0) {
            (void)rename(from, to); /* One that is missing is no harm. */
        }
    }
    if (file->keep == 0) {
        (void)unlink(file->path);
    }
}

/* Another process may be at it too: the lock is on the full file itself, and who comes second finds
   that the path names another one. */
static void turn(struct log_file *file)
{
    bool same = false;
    int64_t size = 0;
    int fd = file->fd;
    int rc = -1;
    do {
        rc = flock(fd, LOCK_EX);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0 && look(file, &same, &size) && same) {
        shift(file);
    }
    (void)flock(fd, LOCK_UN);
    follow(file);
}

static bool write_line(const struct log_file *file, struct str line)
{
    size_t done = 0;
    while (done < line.len) { /* Only a line that was taken in part is continued. */
        ssize_t count = write(file->fd, line.ptr + done, line.len - done);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

bool log_file_put(struct log_file *file, struct str line)
{
    bool same = true;
    int64_t size = 0;
    lock_take(&file->lock);
    if (look(file, &same, &size)) {
        if (!same) {
            follow(file);
        } else if (file->size_max > 0 && size > 0 && size + (int64_t)line.len > file->size_max) {
            turn(file);
        }
    }
    bool ok = write_line(file, line);
    lock_give(&file->lock);
    return ok;
}
