#include "store/staging.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const char lock_name[] = "owner.lock";

/* Files only: a staging folder has no others in it. */
static void remove_folder(struct arena *arena, struct str path)
{
    struct file_list list = {0};
    struct err ignored = {0};
    struct str name = arena_copy(arena, path);
    if (name.ptr == NULL || !file_list(arena, name, &list, &ignored)) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct str file = arena_printf(arena, "%.*s/%.*s", STR_ARG(name), STR_ARG(list.names[i]));
        (void)(file.ptr != NULL && file_remove(file, &ignored));
    }
    (void)rmdir(name.ptr);
}

static void remove_left(struct arena *arena, struct str folder, struct str start)
{
    struct file_list list = {0};
    struct err ignored = {0};
    if (!file_list(arena, folder, &list, &ignored)) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct file_lock lock = {0};
        bool held = false;
        struct str path = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(list.names[i]));
        struct str lock_path = arena_printf(arena, "%.*s/%s", STR_ARG(path), lock_name);
        if (!str_starts(list.names[i], start) || path.ptr == NULL || lock_path.ptr == NULL ||
            !file_lock_take(&lock, lock_path, &held, &ignored)) {
            continue;
        }
        if (held) {
            remove_folder(arena, path);
            file_lock_give(&lock);
        }
    }
}

bool staging_open(struct staging *staging, struct arena *arena, struct str folder, const char *what,
                  struct err *err)
{
    struct str start = arena_printf(arena, ".sluice-%s-", what);
    *staging = (struct staging){0};
    if (start.ptr == NULL) {
        return err_set(err, ERR_RETRY, "%s: out of memory", what);
    }
    remove_left(arena, folder, start);
    struct str path =
        arena_printf(arena, "%.*s/%.*s%ld", STR_ARG(folder), STR_ARG(start), (long)getpid());
    if (path.ptr == NULL) {
        return err_set(err, ERR_RETRY, "%s: out of memory", what);
    }
    if (mkdir(path.ptr, DIR_PRIVATE) != 0) {
        return file_failed(err, "make the folder", path, errno);
    }
    bool held = false;
    staging->path = path;
    staging->open = true;
    struct str lock_path = staging_path(staging, arena, lock_name);
    bool ok = lock_path.ptr != NULL && file_lock_take(&staging->lock, lock_path, &held, err);
    if (!ok || !held) {
        (void)rmdir(path.ptr);
        staging->open = false;
        return !ok ? false
                   : err_set(err, ERR_RETRY, "%s: another process is in %.*s", what, STR_ARG(path));
    }
    return true;
}

struct str staging_path(const struct staging *staging, struct arena *arena, const char *name)
{
    return arena_printf(arena, "%.*s/%s", STR_ARG(staging->path), name);
}

void staging_close(struct staging *staging, struct arena *arena)
{
    if (!staging->open) {
        return;
    }
    remove_folder(arena, staging->path);
    file_lock_give(&staging->lock);
    staging->open = false;
}
