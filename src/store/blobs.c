#include "store/blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/hash.h"
#include "store/internal.h"

enum { FOLDER_MAX = FILE_PATH_MAX - 128, PART_LEN = 2 };

static const char aside_ending[] = ".aside";

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "blobs: out of step memory");
}

static struct str clean_extension(struct str extension)
{
    bool fits = extension.len > 0 && extension.len <= BLOB_EXTENSION_MAX;
    for (size_t i = 0; fits && i < extension.len; i++) {
        char letter = extension.ptr[i];
        fits = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
    }
    return fits ? extension : STR("bin");
}

/* A new name in a directory must be on the disk before anything refers to it. */
static bool sync_folder(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return err_set(err, ERR_RETRY, "cannot open the folder %s: %s", path, file_reason(errno));
    }
    bool ok = fsync(fd) == 0 || errno == EINVAL;
    int number = errno;
    (void)close(fd);
    return ok || err_set(err, ERR_STORE, "cannot bring the folder %s to the disk: %s", path,
                         file_reason(number));
}

/* The three folders of a name, each made and its own name made durable. */
static bool make_folders(struct str folder, const char *hex, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct file_info info;
    int len = snprintf(path, sizeof path, "%.*s/%.2s/%.2s", STR_ARG(folder), hex, hex + PART_LEN);
    must(len > 0 && (size_t)len < sizeof path);
    if (!file_look(str_of(path), &info, err)) {
        return false;
    }
    if (info.kind == FILE_DIRECTORY) {
        return true;
    }
    if (!file_make_dirs(str_of(path), DIR_PRIVATE, err)) {
        return false;
    }
    len = snprintf(path, sizeof path, "%.*s/%.2s", STR_ARG(folder), hex);
    must(len > 0 && (size_t)len < sizeof path);
    if (!sync_folder(path, err)) {
        return false;
    }
    path[folder.len] = '\0';
    return sync_folder(path, err);
}

/*
 * Is the whole file there already? Touching it is the test: a file that was touched a moment ago is
 * not swept away before the change that refers to it.
 */
static bool is_there(const char *path, const char *parent, size_t size, bool *there,
                     struct err *err)
{
    struct stat info;
    *there = utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW) == 0 && lstat(path, &info) == 0 &&
             S_ISREG(info.st_mode) && info.st_size >= 0 && (size_t)info.st_size == size;
    return !*there || sync_folder(parent, err);
}

bool blobs_put(struct str folder, struct str bytes, struct str extension, char sha256[65],
               struct err *err)
{
    char hash[HASH_SIZE];
    char parent[FILE_PATH_MAX];
    char path[FILE_PATH_MAX];
    struct digest digest;
    bool there = false;
    if (bytes.len > BLOB_SIZE_MAX) {
        return err_set(err, ERR_REJECT, "an attachment of %zu bytes is larger than the limit of %d",
                       bytes.len, BLOB_SIZE_MAX);
    }
    if (folder.len == 0 || folder.len > FOLDER_MAX || str_find_byte(folder, '\0', 0) != STR_NONE) {
        return err_set(err, ERR_CONFIG, "the folder of attachments has no name, or a too long one");
    }
    digest_init(&digest, DIGEST_SHA256);
    digest_add(&digest, bytes);
    hash_value(&digest, hash);
    hash_to_hex(hash, sha256);
    extension = clean_extension(extension);
    int parent_len = snprintf(parent, sizeof parent, "%.*s/%.2s/%.2s", STR_ARG(folder), sha256,
                              sha256 + PART_LEN);
    int len = snprintf(path, sizeof path, "%.*s/%.2s/%.2s/%s.%.*s", STR_ARG(folder), sha256,
                       sha256 + PART_LEN, sha256, STR_ARG(extension));
    must(parent_len > 0 && len > parent_len && (size_t)len < sizeof path);
    if (!is_there(path, parent, bytes.len, &there, err)) {
        return false;
    }
    return there || (make_folders(folder, sha256, err) &&
                     file_write(str_of(path), FILE_PRIVATE, bytes, err));
}

bool store_blob_refer(struct store *store, struct str sha256, struct str extension, int64_t size,
                      int64_t message_id, struct err *err)
{
    must(store->changing);
    char hash[HASH_SIZE];
    if (!hash_from_hex(sha256, hash)) {
        return err_set(err, ERR_REJECT, "an attachment is named by something that is no SHA-256");
    }
    /* The newest message that refers to it is the one that keeps it. */
    struct query *query =
        store_query(store,
                    "INSERT INTO blob(sha256, extension, size, message, at_ms)"
                    " VALUES(?1, ?2, ?3, ?4, ?5)"
                    " ON CONFLICT DO UPDATE SET message=max(message, excluded.message)",
                    err);
    if (query == NULL) {
        return false;
    }
    query_bind_blob(query, 1, (struct str){hash, sizeof hash});
    query_bind_text(query, 2, clean_extension(extension));
    query_bind_int(query, 3, size);
    query_bind_int(query, 4, message_id);
    query_bind_int(query, 5, clock_wall_ms(store->clock));
    return store_run(store, query, err);
}

static bool is_referred(struct store *store, const char hash[HASH_SIZE], bool *referred,
                        struct err *err)
{
    struct query *query = store_query(store, "SELECT 1 FROM blob WHERE sha256=?1", err);
    if (query == NULL) {
        return false;
    }
    query_bind_blob(query, 1, (struct str){hash, HASH_SIZE});
    if (!store_step(store, query, referred, err)) {
        return false;
    }
    query_end(query);
    return true;
}

static bool is_old(struct str path, int64_t before_ms, bool *old, struct err *err)
{
    struct file_info info;
    if (!file_look(path, &info, err)) {
        return false;
    }
    *old = info.kind == FILE_REGULAR && info.mtime_ns / 1000000 < before_ms;
    return true;
}

/*
 * Remove one file that nothing refers to. Somebody may be about to refer to these very bytes and
 * has just touched the file, so it is moved aside first and looked at again.
 */
static bool remove_unless_touched(struct arena *arena, struct str path, int64_t before_ms,
                                  bool *removed, struct err *err)
{
    bool old = false;
    struct str aside = arena_printf(arena, "%.*s%s", STR_ARG(path), aside_ending);
    if (aside.ptr == NULL) {
        return out_of_memory(err);
    }
    if (!file_rename(path, aside, err) || !is_old(aside, before_ms, &old, err)) {
        return false;
    }
    *removed = old;
    return old ? file_remove(aside, err) : file_rename(aside, path, err);
}

/* A crash while a file was aside: back to its name, where it is looked at anew. */
static bool bring_back(struct arena *arena, struct str folder, struct str name, struct err *err)
{
    struct str real = str_slice(name, 0, name.len - str_of(aside_ending).len);
    struct str from = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name));
    struct str to = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(real));
    if (from.ptr == NULL || to.ptr == NULL) {
        return out_of_memory(err);
    }
    return file_rename(from, to, err);
}

/* One old file: is it ours, and may it go? */
static bool sweep_file(struct store *store, struct arena *arena, struct str folder, struct str name,
                       int64_t before_ms, bool *removed, struct err *err)
{
    char hash[HASH_SIZE];
    bool referred = false;
    struct str path = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name));
    if (path.ptr == NULL) {
        return out_of_memory(err);
    }
    if (str_starts(name, STR(".sluice-")) && str_ends(name, STR(".tmp"))) {
        *removed = true; /* Half written when a process died. */
        return file_remove(path, err);
    }
    if (!hash_from_hex(str_slice(name, 0, str_find_byte(name, '.', 0)), hash)) {
        return true;
    }
    if (str_ends(name, str_of(aside_ending))) {
        return bring_back(arena, folder, name, err);
    }
    if (!is_referred(store, hash, &referred, err)) {
        return false;
    }
    return referred || remove_unless_touched(arena, path, before_ms, removed, err);
}

static bool sweep_files(struct store *store, struct arena *arena, struct str folder,
                        int64_t before_ms, int64_t *removed, struct err *err)
{
    struct file_list files;
    if (!file_list(arena, folder, &files, err)) {
        return false;
    }
    for (size_t i = 0; i < files.count; i++) {
        bool old = false;
        bool gone = false;
        struct str path =
            arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(files.names[i]));
        if (path.ptr == NULL) {
            return out_of_memory(err);
        }
        if (!is_old(path, before_ms, &old, err) ||
            (old && !sweep_file(store, arena, folder, files.names[i], before_ms, &gone, err))) {
            return false;
        }
        *removed += gone;
    }
    return true;
}

/* Is it one of our folders, named by two digits? */
static bool is_part(struct str name, struct str path, bool *part, struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    struct file_info info;
    *part = name.len == PART_LEN && str_find_byte(str_of(digits), name.ptr[0], 0) != STR_NONE &&
            str_find_byte(str_of(digits), name.ptr[1], 0) != STR_NONE;
    if (!*part) {
        return true;
    }
    if (!file_look(path, &info, err)) {
        return false;
    }
    *part = info.kind == FILE_DIRECTORY;
    return true;
}

/* The folders "ab/cd" below one "ab". */
static bool sweep_parts(struct store *store, struct arena *arena, struct str top, int64_t before_ms,
                        int64_t *removed, struct err *err)
{
    struct file_list parts;
    if (!file_list(arena, top, &parts, err)) {
        return false;
    }
    for (size_t i = 0; i < parts.count; i++) {
        struct arena_mark mark = arena_mark(arena);
        bool ours = false;
        struct str part = arena_printf(arena, "%.*s/%.*s", STR_ARG(top), STR_ARG(parts.names[i]));
        if (part.ptr == NULL) {
            return out_of_memory(err);
        }
        if (!is_part(parts.names[i], part, &ours, err) ||
            (ours && !sweep_files(store, arena, part, before_ms, removed, err))) {
            return false;
        }
        arena_rewind(arena, mark);
    }
    return true;
}

static bool sweep(struct store *store, struct arena *arena, struct str folder, int64_t before_ms,
                  int64_t *removed, struct err *err)
{
    struct file_list tops;
    if (!file_list(arena, folder, &tops, err)) {
        return false;
    }
    for (size_t i = 0; i < tops.count; i++) {
        struct arena_mark mark = arena_mark(arena);
        bool ours = false;
        struct str top = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(tops.names[i]));
        if (top.ptr == NULL) {
            return out_of_memory(err);
        }
        if (!is_part(tops.names[i], top, &ours, err) ||
            (ours && !sweep_parts(store, arena, top, before_ms, removed, err))) {
            return false;
        }
        arena_rewind(arena, mark);
    }
    return true;
}

bool store_blobs_sweep(struct store *store, struct arena *arena, struct str folder,
                       int64_t before_ms, int64_t *removed, struct err *err)
{
    struct file_info info;
    *removed = 0;
    if (!file_look(folder, &info, err)) {
        return false;
    }
    return info.kind == FILE_MISSING || sweep(store, arena, folder, before_ms, removed, err);
}
