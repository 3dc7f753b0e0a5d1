#include "sink/files_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "sink/files_name.h"
#include "text/datetime.h"

enum { CHUNK = 64 * 1024 };

/* The file under the hand, and the lines that go by. */
struct append {
    struct str path;
    int fd;
    int64_t size; /* Of the file as it was met. */
    int64_t base; /* Where our lines begin, */
    int64_t at;   /* and how far they have come. */
    bool same;    /* Comparing: nothing of another has been met. */
    char chunk[CHUNK];
    size_t held; /* Bytes of the chunk that wait to be written. */
};

static bool failed(struct err *err, const char *what, struct str path)
{
    return file_failed(err, what, path, errno);
}

/* Bytes at `at`; fewer than asked for only at the end of the file. */
static bool read_at(const struct append *append, int64_t at, char *out, size_t len, size_t *got,
                    struct err *err)
{
    *got = 0;
    while (*got < len) {
        ssize_t count = pread(append->fd, out + *got, len - *got, at + (off_t)*got);
        if (count < 0 && errno != EINTR) {
            return failed(err, "read", append->path);
        }
        if (count == 0) {
            return true;
        }
        *got += count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool compare(void *context, struct str line, struct err *err)
{
    struct append *append = context;
    char piece[4096];
    size_t from = 0;
    while (from < line.len && append->same && append->at < append->size) {
        int64_t left = append->size - append->at;
        size_t len = line.len - from < sizeof piece ? line.len - from : sizeof piece;
        len = (int64_t)len < left ? len : (size_t)left;
        size_t got = 0;
        if (!read_at(append, append->at, piece, len, &got, err)) {
            return false;
        }
        append->same = got == len && memcmp(piece, line.ptr + from, len) == 0;
        append->at += (int64_t)len;
        from += len;
    }
    append->at += (int64_t)(line.len - from); /* The rest of it is not in the file. */
    return true;
}

static bool flush(struct append *append, struct err *err)
{
    size_t done = 0;
    while (done < append->held) {
        ssize_t count = pwrite(append->fd, append->chunk + done, append->held - done, append->at);
        if (count < 0 && errno != EINTR) {
            return failed(err, "write", append->path);
        }
        done += count > 0 ? (size_t)count : 0;
        append->at += count > 0 ? count : 0;
    }
    append->held = 0;
    return true;
}

static bool write_line(void *context, struct str line, struct err *err)
{
    struct append *append = context;
    for (size_t from = 0; from < line.len;) {
        size_t room = CHUNK - append->held;
        size_t len = line.len - from < room ? line.len - from : room;
        memcpy(append->chunk + append->held, line.ptr + from, len);
        append->held += len;
        from += len;
        if (append->held == CHUNK && !flush(append, err)) {
            return false;
        }
    }
    return true;
}

/* What belongs behind `base`: the head of a new file, or a line end that is missing; then lines. */
static bool go_through(struct append *append, const struct files_table *table,
                       const struct files_state *state,
                       bool (*each)(void *context, struct str line, struct err *err),
                       struct err *err)
{
    char last = '\n';
    size_t got = 0;
    append->at = append->base;
    if (append->base > 0 && !read_at(append, append->base - 1, &last, 1, &got, err)) {
        return false;
    }
    if (append->base == 0 && !each(append, state->head, err)) {
        return false;
    }
    if (last != '\n' && !each(append, STR("\n"), err)) {
        return false;
    }
    return files_pending_each(table->db, each, append, err);
}

static bool open_file(struct append *append, struct err *err)
{
    struct file_info info;
    struct stat now;
    if (!file_look(append->path, &info, err)) {
        return false;
    }
    if (info.kind == FILE_MISSING) { /* Empty, and its name is on the disk. */
        struct draft draft;
        if (!draft_open(&draft, append->path, err) || !draft_keep(&draft, err)) {
            draft_drop(&draft);
            return false;
        }
    } else if (info.kind != FILE_REGULAR) {
        return err_set(err, ERR_CONFIG, "%.*s is no file: name another path",
                       STR_ARG(append->path));
    }
    append->fd = open(append->path.ptr, O_RDWR | O_CLOEXEC);
    if (append->fd < 0 || fstat(append->fd, &now) != 0) {
        return failed(err, "write", append->path);
    }
    append->size = now.st_size;
    return true;
}

static bool append_lines(struct append *append, const struct files_table *table,
                         struct files_state *state, struct err *err)
{
    if (!open_file(append, err)) {
        return false;
    }
    append->base = state->written < append->size ? state->written : append->size;
    append->same = true;
    if (append->size > append->base && !go_through(append, table, state, compare, err)) {
        return false;
    }
    append->base = append->same ? append->base : append->size;
    /* Also when all of it is there: after a sync that failed, only a new write reaches the disk. */
    if (!go_through(append, table, state, write_line, err) || !flush(append, err)) {
        return false;
    }
    state->written = append->at > append->size ? append->at : append->size;
    if (fsync(append->fd) != 0) {
        return failed(err, "sync", append->path);
    }
    return true;
}

bool files_log_settle(struct files_table *table, struct files_state *state, struct err *err)
{
    struct append append = {.path = table->path, .fd = -1};
    int64_t count = 0;
    if (state->rotate_to.len > 0 && !files_name_move(table->path, state->rotate_to, err)) {
        return false;
    }
    if (!files_pending_count(table->db, &count, err)) {
        return false;
    }
    bool ok = count == 0 || append_lines(&append, table, state, err);
    if (append.fd >= 0) {
        (void)close(append.fd);
    }
    state->rotate_to = (struct str){0};
    return ok && files_pending_clear(table->db, err) && files_state_put(table->db, state, err);
}

/* A file from before sluice: does it begin as ours would? */
static bool adopt(const struct files_table *table, struct files_state *state, struct arena *arena,
                  struct err *err)
{
    struct append append = {.path = table->path, .fd = -1};
    struct file_info info;
    size_t got = 0;
    if (!file_look(table->path, &info, err)) {
        return false;
    }
    if (info.kind != FILE_REGULAR || info.size == 0) {
        return true;
    }
    size_t len = state->head.len;
    char *begin = arena_bytes(arena, len + 1);
    bool ok = begin != NULL || err_set(err, ERR_RETRY, "out of step memory");
    ok = ok && open_file(&append, err) && read_at(&append, 0, begin, len, &got, err);
    if (append.fd >= 0) {
        (void)close(append.fd);
    }
    bool same = ok && got == len && str_equal((struct str){begin, len}, state->head);
    if (ok && !same) {
        return err_set(err, ERR_CONFIG,
                       "%.*s was there before, and its first line is not the header that would be "
                       "written: move the file away, or name another path",
                       STR_ARG(table->path));
    }
    state->written = (int64_t)info.size;
    return ok;
}

static bool other_day(const struct files *files, int64_t a_ms, int64_t b_ms)
{
    struct civil a;
    struct civil b;
    return zone_to_civil(files->zone, a_ms, &a) && zone_to_civil(files->zone, b_ms, &b) &&
           (a.year != b.year || a.month != b.month || a.day != b.day);
}

bool files_log_prepare(const struct files *files, const struct files_table *table,
                       struct files_state *state, int64_t now_ms, struct arena *arena,
                       struct err *err)
{
    if (!state->known) {
        state->known = true;
        state->mode = FILES_LOG;
        state->head = table->head;
        state->started_ms = now_ms;
        return adopt(table, state, arena, err);
    }
    bool large = files->rotate_bytes > 0 && state->written >= files->rotate_bytes;
    bool old = files->rotate_daily && other_day(files, state->started_ms, now_ms);
    bool other = state->mode != FILES_LOG || !str_equal(state->head, table->head);
    if (other || ((large || old) && state->written > 0)) {
        if (!files_name_free(table->path, "", &state->part, arena, &state->rotate_to, err)) {
            return false;
        }
        state->mode = FILES_LOG;
        state->head = table->head;
        state->dirty = false;
        state->written = 0;
    }
    if (state->written == 0) {
        state->started_ms = now_ms;
    }
    return true;
}
