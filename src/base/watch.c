#include "base/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

enum { EVENTS_SIZE = 16 * 1024, STEP_MS = 50 };

/* Not IN_MODIFY: a database in the same folder would wake us at each of its commits. */
static const uint32_t event_mask =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR;

struct watched {
    char path[FILE_PATH_MAX];
    struct file_info known;
    struct file_info latest; /* Of the settling at hand. */
};

struct watch {
    int events; /* inotify; -1: there is none. */
    int bell;   /* eventfd */
    size_t count;
    struct watched files[WATCH_FILES_MAX];
    struct watched before[WATCH_FILES_MAX]; /* While the list is exchanged. */
};

static struct file_info look(const struct watched *file)
{
    struct file_info info = {0};
    struct err ignored = {0};
    return file_look(str_of(file->path), &info, &ignored) ? info : (struct file_info){0};
}

static bool same(const struct file_info *a, const struct file_info *b)
{
    return a->kind == b->kind && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->inode == b->inode && a->device == b->device;
}

/*
 * Nobody else has it open for writing: then, and only then, a read lease is granted. It is given
 * back at once; whoever opens the file in between waits for that instant, and the signal that the
 * lease would be taken with is blocked. Where leases are not for us, the answer is no.
 */
static bool is_being_written(const struct watched *file)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return false;
    }
    int rc = fcntl(fd, F_SETLEASE, F_RDLCK);
    bool busy = rc != 0 && errno == EAGAIN;
    if (rc == 0) {
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    }
    (void)close(fd);
    return busy;
}

bool watch_open(struct watch **out, struct err *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGIO);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGIO, SIG_IGN); /* In the other threads, too: see is_being_written(). */
    struct watch *watch = mem_alloc(sizeof *watch);
    if (watch == NULL) {
        return err_set(err, ERR_RETRY, "watch: out of memory");
    }
    watch->events = -1;
    watch->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watch->bell < 0) {
        int number = errno;
        watch_close(watch);
        return err_set(err, ERR_RETRY, "watch: %s", file_reason(number));
    }
    *out = watch;
    return true;
}

void watch_close(struct watch *watch)
{
    if (watch == NULL) {
        return;
    }
    if (watch->events >= 0) {
        (void)close(watch->events);
    }
    if (watch->bell >= 0) {
        (void)close(watch->bell);
    }
    mem_free(watch);
}

static void listen_to_folder(const struct watch *watch, const struct watched *file)
{
    char folder[FILE_PATH_MAX];
    const char *slash = strrchr(file->path, '/');
    size_t len = slash == NULL ? 1 : slash == file->path ? 1 : (size_t)(slash - file->path);
    memcpy(folder, slash == NULL ? "." : file->path, len);
    folder[len] = '\0';
    (void)inotify_add_watch(watch->events, folder, event_mask); /* Else polling does. */
}

static const struct watched *find(const struct watched *files, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(files[i].path, path) == 0) {
            return &files[i];
        }
    }
    return NULL;
}

void watch_set(struct watch *watch, const struct str *paths, size_t count)
{
    if (watch->events >= 0) {
        (void)close(watch->events);
    }
    watch->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    size_t before = watch->count;
    watch->count = 0;
    memcpy(watch->before, watch->files, before * sizeof *watch->before);
    for (size_t i = 0; i < count && watch->count < WATCH_FILES_MAX; i++) {
        struct watched *file = &watch->files[watch->count];
        if (paths[i].len == 0 || paths[i].len >= sizeof file->path) {
            continue;
        }
        memcpy(file->path, paths[i].ptr, paths[i].len);
        file->path[paths[i].len] = '\0';
        watch->count++;
        if (watch->events >= 0) {
            listen_to_folder(watch, file);
        }
        const struct watched *known = find(watch->before, before, file->path);
        file->known = known != NULL ? known->known : look(file);
    }
}

void watch_take(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        watch->files[i].known = look(&watch->files[i]);
    }
}

bool watch_changed(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        struct file_info now = look(&watch->files[i]);
        if (!same(&now, &watch->files[i].known)) {
            return true;
        }
    }
    return false;
}

/* Sleep until there is an event, a bell (true), or the time. */
static bool doze(const struct watch *watch, int64_t until_ms)
{
    struct pollfd fds[2] = {{.fd = watch->bell, .events = POLLIN},
                            {.fd = watch->events, .events = POLLIN}};
    int64_t left = until_ms - clock_mono_ms(clock_system());
    int ready = poll(fds, 2, left > 0 ? (int)left : 0);
    return ready > 0 && (fds[0].revents & POLLIN) != 0;
}

static void drain_events(const struct watch *watch)
{
    char room[EVENTS_SIZE];
    while (watch->events >= 0 && read(watch->events, room, sizeof room) > 0) {
    }
}

static void drain_bell(const struct watch *watch)
{
    uint64_t count = 0;
    ssize_t got = read(watch->bell, &count, sizeof count);
    (void)got;
}

bool watch_wait(struct watch *watch, int64_t deadline_mono_ms)
{
    int64_t now = clock_mono_ms(clock_system());
    while (!watch_changed(watch)) {
        if (now >= deadline_mono_ms) {
            return false;
        }
        int64_t until = now + WATCH_POLL_MS;
        if (doze(watch, until < deadline_mono_ms ? until : deadline_mono_ms)) {
            drain_bell(watch);
            return true;
        }
        drain_events(watch);
        now = clock_mono_ms(clock_system());
    }
    return true;
}

/* Look at all once more: has none changed since the last look, is none missing or being written? */
static bool is_still(struct watch *watch)
{
    bool still = true;
    for (size_t i = 0; i < watch->count; i++) {
        struct watched *file = &watch->files[i];
        struct file_info now = look(file);
        bool lost = now.kind == FILE_MISSING && file->known.kind != FILE_MISSING;
        still = still && same(&now, &file->latest) && !lost && !is_being_written(file);
        file->latest = now;
    }
    return still;
}

bool watch_settle(struct watch *watch, int64_t deadline_mono_ms)
{
    (void)is_still(watch); /* The first look. */
    int64_t now = clock_mono_ms(clock_system());
    int64_t quiet_from = now;
    while (now - quiet_from < WATCH_QUIET_MS) {
        if (now >= deadline_mono_ms) {
            return false;
        }
        if (doze(watch, now + STEP_MS)) {
            drain_bell(watch);
            return false;
        }
        drain_events(watch);
        now = clock_mono_ms(clock_system());
        quiet_from = is_still(watch) ? quiet_from : now;
    }
    return true;
}

void watch_wake(struct watch *watch)
{
    const uint64_t one = 1;
    ssize_t put = write(watch->bell, &one, sizeof one);
    (void)put;
}
