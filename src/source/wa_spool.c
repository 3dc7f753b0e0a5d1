#include "source/wa_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

void wa_spool_init(struct wa_spool *spool, struct str folder, int64_t most)
{
    *spool = (struct wa_spool){.folder = folder, .most = most, .fd = -1};
}

/* A file without a name. */
static bool open_file(struct wa_spool *spool, struct err *err)
{
    char path[FILE_PATH_MAX];
    int len = snprintf(path, sizeof path, "%.*s/.pictures-XXXXXX", STR_ARG(spool->folder));
    if (len < 0 || (size_t)len >= sizeof path) {
        return err_set(err, ERR_RETRY, "the path of the data folder is too long");
    }
    spool->fd = mkostemp(path, O_CLOEXEC);
    if (spool->fd < 0) {
        return err_set(err, ERR_RETRY, "%.*s: no file for pictures can be made: %s",
                       STR_ARG(spool->folder), file_reason(errno));
    }
    (void)unlink(path);
    return true;
}

bool wa_spool_put(struct wa_spool *spool, struct str bytes, int64_t *offset, struct err *err)
{
    size_t written = 0;
    if ((int64_t)bytes.len > spool->most - spool->used) {
        return err_set(err, ERR_RETRY, "more pictures wait than are kept at once");
    }
    if (spool->fd < 0 && !open_file(spool, err)) {
        return false;
    }
    while (written < bytes.len) {
        ssize_t count = pwrite(spool->fd, bytes.ptr + written, bytes.len - written,
                               spool->used + (int64_t)written);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return err_set(err, ERR_RETRY, "%.*s: a picture cannot be kept: %s",
                           STR_ARG(spool->folder), file_reason(errno));
        }
        written += (size_t)count;
    }
    *offset = spool->used;
    spool->used += (int64_t)bytes.len;
    return true;
}

bool wa_spool_get(const struct wa_spool *spool, int64_t offset, size_t len, struct arena *arena,
                  struct str *bytes, struct err *err)
{
    size_t got = 0;
    char *room = arena_bytes(arena, len + 1);
    if (room == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a picture of %zu bytes", len);
    }
    while (got < len) {
        ssize_t count = pread(spool->fd, room + got, len - got, offset + (int64_t)got);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return err_set(err, ERR_RETRY, "%.*s: a picture that was kept cannot be read: %s",
                           STR_ARG(spool->folder), count < 0 ? file_reason(errno) : "it is cut");
        }
        got += (size_t)count;
    }
    *bytes = (struct str){room, len};
    return true;
}

void wa_spool_clear(struct wa_spool *spool)
{
    if (spool->fd >= 0) {
        (void)close(spool->fd);
    }
    spool->fd = -1;
    spool->used = 0;
}
