#include "store/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/internal.h"
#include "text/datetime.h"

enum { LEASES_MAX = 256, OWNER_MAX = 256, HOST_MAX = 256 };

/*
 * One byte of the file stands for one work; its offset is the number of the work's name. The locks
 * belong to the open file and not to a thread, so what this process holds is noted here as well.
 */
struct lease_file {
    int fd;
    struct lock guard; /* Of all below. */
    size_t count;
    int64_t held[LEASES_MAX];
};

bool store_lock_path(struct str store_path, char path[FILE_PATH_MAX], struct err *err)
{
    static const char suffix[] = ".lock";
    if (store_path.len == 0 || store_path.len + sizeof suffix > FILE_PATH_MAX ||
        str_find_byte(store_path, '\0', 0) != STR_NONE) {
        return err_set(err, ERR_CONFIG, "the path of the store is empty or longer than %zu bytes",
                       FILE_PATH_MAX - sizeof suffix);
    }
    memcpy(path, store_path.ptr, store_path.len);
    memcpy(path + store_path.len, suffix, sizeof suffix);
    return true;
}

/*
 * Why the file of locks cannot be had. Where it or its folder belongs to somebody else, both are
 * named: in a container users are numbers, and a mounted folder brings its owner along.
 */
static bool refused(const char *path, int number, struct err *err)
{
    char place[FILE_PATH_MAX];
    struct file_info info = {0};
    struct err ignored = {0};
    char *slash = NULL;
    (void)snprintf(place, sizeof place, "%s", path);
    bool known = file_look(str_of(place), &info, &ignored);
    if ((!known || info.kind == FILE_MISSING) && (slash = strrchr(place, '/')) != NULL) {
        slash[slash == place ? 1 : 0] = '\0';
        known = file_look(str_of(place), &info, &ignored);
    }
    unsigned user = (unsigned)geteuid();
    if (number != EACCES || !known || info.kind == FILE_MISSING || info.owner == user) {
        return err_set(err, ERR_CONFIG,
                       "cannot open %s: %s; may this user write in the folder of the store?", path,
                       file_reason(number));
    }
    return err_set(err, ERR_CONFIG,
                   "cannot open %.120s: %s; this is user %u, and %.120s belongs to user %u: "
                   "run sluice as that user, or give it away (chown -R %u)",
                   path, file_reason(number), user, place, info.owner, user);
}

bool lease_file_open(struct lease_file **out, struct str store_path, struct err *err)
{
    char path[FILE_PATH_MAX];
    if (!store_lock_path(store_path, path, err)) {
        return false;
    }
    struct lease_file *file = mem_alloc(sizeof *file);
    if (file == NULL) {
        return err_set(err, ERR_RETRY, "lease: out of memory");
    }
    do {
        file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_PRIVATE);
    } while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0) {
        int number = errno;
        mem_free(file);
        return refused(path, number, err);
    }
    lock_init(&file->guard);
    *out = file;
    return true;
}

void lease_file_close(struct lease_file *file)
{
    if (file == NULL) {
        return;
    }
    (void)close(file->fd);
    mem_free(file);
}

static size_t held_find(const struct lease_file *file, int64_t work)
{
    size_t at = 0;
    while (at < file->count && file->held[at] != work) {
        at++;
    }
    return at;
}

static int set_byte(const struct lease_file *file, int64_t work, short type)
{
    int rc = -1;
    do {
        struct flock byte = {
            .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)work, .l_len = 1};
        rc = fcntl(file->fd, F_OFD_SETLK, &byte);
    } while (rc != 0 && errno == EINTR);
    return rc;
}

/* `*taken` false: somebody else has it, or this process has it already (`*own`). */
static bool byte_take(struct lease_file *file, int64_t work, bool *taken, bool *own,
                      struct err *err)
{
    bool ok = true;
    lock_take(&file->guard);
    *taken = false;
    *own = held_find(file, work) < file->count;
    if (!*own && file->count == LEASES_MAX) {
        ok =
            err_set(err, ERR_CONFIG, "lease: this process would do more than %d works", LEASES_MAX);
    } else if (!*own) {
        *taken = set_byte(file, work, F_WRLCK) == 0;
        if (!*taken && errno != EAGAIN && errno != EACCES) {
            ok = err_set(err, ERR_RETRY, "lease: cannot lock: %s", file_reason(errno));
        }
    }
    if (*taken) {
        file->held[file->count++] = work;
    }
    lock_give(&file->guard);
    return ok;
}

static void byte_give(struct lease_file *file, int64_t work)
{
    lock_take(&file->guard);
    size_t at = held_find(file, work);
    if (at < file->count) {
        (void)set_byte(file, work, F_UNLCK);
        file->held[at] = file->held[--file->count];
    }
    lock_give(&file->guard);
}

/* Who has it, in words. */
static bool refuse(struct store *store, struct str work, int64_t work_id, bool own, struct err *err)
{
    struct query *query =
        store_query(store, "SELECT owner, since_ms FROM lease WHERE work=?1", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, work_id);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    if (own) {
        query_end(query);
        return err_set(err, ERR_STOP, "%.*s: this process does it already", STR_ARG(work));
    }
    char since[DATETIME_TEXT_MAX];
    struct str since_text =
        row ? datetime_format_iso(query_int(query, 1), since) : STR("a moment ago");
    struct str owner = row ? query_text(query, 0) : STR("another process");
    (void)err_set(err, ERR_STOP,
                  "%.*s is done by %.*s since %.*s; stop that process first, or use another store",
                  STR_ARG(work), STR_ARG(owner), STR_ARG(since_text));
    query_end(query);
    return false;
}

/* "serve (process 4711 on desk)": what a person needs to find the owner. */
static struct str owner_text(const struct lease_file *file, struct str owner, char out[OWNER_MAX])
{
    char host[HOST_MAX];
    if (file == NULL) {
        return str_slice(owner, 0, OWNER_MAX);
    }
    if (gethostname(host, sizeof host) != 0) {
        host[0] = '\0';
    }
    host[sizeof host - 1] = '\0';
    struct str head = str_slice(owner, 0, OWNER_MAX / 2);
    int len = snprintf(out, OWNER_MAX, "%.*s (process %ld on %.100s)", STR_ARG(head),
                       (long)getpid(), host);
    must(len > 0 && len < OWNER_MAX);
    return (struct str){out, (size_t)len};
}

static bool write_row(struct store *store, int64_t work, struct str owner, int64_t *token,
                      struct err *err)
{
    struct query *query = store_query(store,
                                      "INSERT INTO lease(work, owner, token, since_ms)"
                                      " VALUES(?1, ?2, 1, ?3) ON CONFLICT DO UPDATE SET"
                                      " owner=?2, token=token+1, since_ms=?3 RETURNING token",
                                      err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, work);
    query_bind_text(query, 2, owner);
    query_bind_int(query, 3, clock_wall_ms(store->clock));
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    must(row);
    *token = query_int(query, 0);
    query_end(query);
    return true;
}

bool store_lease_take(struct store *store, struct lease_file *file, struct str work,
                      struct str owner, struct lease *out, struct err *err)
{
    char text[OWNER_MAX];
    struct lease lease = {0};
    bool taken = false;
    bool own = false;
    *out = lease;
    if (!store_begin(store, NULL, err)) {
        return false;
    }
    bool ok = store_name(store, work, &lease.work, err);
    if (ok && file != NULL) {
        ok = byte_take(file, lease.work, &taken, &own, err) &&
             (taken || refuse(store, work, lease.work, own, err));
    }
    ok = ok && write_row(store, lease.work, owner_text(file, owner, text), &lease.token, err) &&
         store_commit(store, err);
    if (!ok) {
        store_rollback(store);
        if (taken) {
            byte_give(file, lease.work);
        }
        return false;
    }
    *out = lease;
    return true;
}

bool store_lease_give(struct store *store, struct lease_file *file, struct lease *lease,
                      struct err *err)
{
    (void)store; /* The row stays: its token must go on rising. */
    (void)err;
    if (file != NULL && lease->work != 0) {
        byte_give(file, lease->work);
    }
    *lease = (struct lease){0};
    return true;
}

bool store_lease_check(struct store *store, const struct lease *lease, struct err *err)
{
    struct query *query = store_query(store, "SELECT token FROM lease WHERE work=?1", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, lease->work);
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    bool current = row && lease->token != 0 && query_int(query, 0) == lease->token;
    query_end(query);
    return current ||
           err_set(err, ERR_STOP, "another process took this work over; nothing was written");
}

bool store_lease_held(struct store *store, struct lease_file *file, struct str work, bool *held,
                      struct err *err)
{
    int64_t work_id = 0;
    *held = false;
    if (!store_name_find(store, work, &work_id, err)) {
        return false;
    }
    if (work_id == 0 || file == NULL) {
        return true;
    }
    lock_take(&file->guard);
    struct flock byte = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)work_id, .l_len = 1};
    bool ok = fcntl(file->fd, F_OFD_GETLK, &byte) == 0;
    *held = held_find(file, work_id) < file->count || (ok && byte.l_type != F_UNLCK);
    lock_give(&file->guard);
    return ok || err_set(err, ERR_RETRY, "lease: cannot look at a lock: %s", file_reason(errno));
}

bool lease_file_seize(struct lease_file *file, bool *alone, struct err *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc = -1;
    do {
        rc = fcntl(file->fd, F_OFD_SETLK, &whole);
    } while (rc != 0 && errno == EINTR);
    *alone = rc == 0;
    return rc == 0 || errno == EAGAIN || errno == EACCES ||
           err_set(err, ERR_RETRY, "lease: cannot lock: %s", file_reason(errno));
}
