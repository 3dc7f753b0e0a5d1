/*
 * session seal and unseal: a browser's profile as one file that only the owner of a secret can
 * open.
 *
 * The profile is the login, and lies in the clear on the browser's machine. What is sealed is a
 * list of folders and files; caches, which a browser makes anew, and locks are left out. unseal
 * fills a folder beside the place and gives it its name when all was found genuine, so there is the
 * whole profile or none.
 *
 *     each entry: kind (1 byte), length of the path (2), size (8), the path, the file's bytes
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "crypto/seal.h"
#include "crypto/token.h"

enum {
    ENTRY_END = 0,
    ENTRY_FOLDER = 1,
    ENTRY_FILE = 2,
    ENTRY_HEAD = 11,
    ENTRY_PATH_MAX = 1024,
    DEPTH_MAX = 32,
    SEAL_ARENA = 64 * 1024 * 1024,
};

struct sealing {
    const struct cli *cli;
    struct config config;
    struct arena arena;
    struct seal seal;
    struct draft draft;
    struct str profile;
    struct str file;
    struct str secret;
    int64_t files;
    uint64_t bytes;

    /* Reading. */
    unsigned char head[ENTRY_HEAD];
    char path[ENTRY_PATH_MAX + 1];
    char into[FILE_PATH_MAX]; /* The folder that is being filled. */
    size_t have;              /* Of head and path. */
    uint64_t left;            /* Of the file's bytes. */
    FILE *out;
    bool ended;
};

static bool is_left_out(struct str name)
{
    static const char *const names[] = {
        "Cache",           "Code Cache",        "GPUCache", "GrShaderCache",  "ShaderCache",
        "DawnWebGPUCache", "DawnGraphiteCache", "Crashpad", "BrowserMetrics", "DevToolsActivePort"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_equal(name, str_of(names[i]))) {
            return true;
        }
    }
    return str_starts(name, STR("Singleton"));
}

/* ---- Sealing ---- */

static bool put_sealed(void *context, struct str bytes, struct err *err)
{
    struct sealing *sealing = context;
    return draft_add(&sealing->draft, bytes, err);
}

static bool put_entry(struct sealing *sealing, int kind, struct str path, uint64_t size,
                      struct err *err)
{
    unsigned char head[ENTRY_HEAD] = {(unsigned char)kind};
    if (path.len > ENTRY_PATH_MAX) {
        return err_set(err, ERR_REJECT, "a path in the profile is longer than %d bytes",
                       ENTRY_PATH_MAX);
    }
    head[1] = (unsigned char)path.len;
    head[2] = (unsigned char)(path.len >> 8);
    for (int i = 0; i < 8; i++) {
        head[3 + i] = (unsigned char)(size >> (8 * i));
    }
    return seal_add(&sealing->seal, (struct str){(const char *)head, ENTRY_HEAD}, err) &&
           seal_add(&sealing->seal, path, err);
}

static bool put_piece(void *context, struct str piece, struct err *err)
{
    struct sealing *sealing = context;
    if (piece.len > sealing->left) {
        return err_set(err, ERR_RETRY, "a file of the profile grew while it was read");
    }
    sealing->left -= piece.len;
    sealing->bytes += piece.len;
    return seal_add(&sealing->seal, piece, err);
}

static bool put_file(struct sealing *sealing, struct str path, struct str full, uint64_t size,
                     struct err *err)
{
    sealing->left = size;
    sealing->files++;
    if (!put_entry(sealing, ENTRY_FILE, path, size, err) ||
        !draft_read(full, put_piece, sealing, err)) {
        return false;
    }
    return sealing->left == 0 ||
           err_set(err, ERR_RETRY, "a file of the profile shrank while it was read");
}

static bool is_link(struct str full)
{
    struct stat info;
    return lstat(full.ptr, &info) == 0 && S_ISLNK(info.st_mode);
}

static bool put_folder(struct sealing *sealing, struct str path, int depth, struct err *err)
{
    struct arena *arena = &sealing->arena;
    struct file_list list = {0};
    struct str folder =
        path.len == 0 ? sealing->profile
                      : arena_printf(arena, "%.*s/%.*s", STR_ARG(sealing->profile), STR_ARG(path));
    if (depth > DEPTH_MAX) {
        return err_set(err, ERR_REJECT, "the profile has more than %d levels", DEPTH_MAX);
    }
    if (!file_list(arena, folder, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct file_info info = {0};
        struct str name = list.names[i];
        struct str one = path.len == 0
                             ? arena_copy(arena, name)
                             : arena_printf(arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(name));
        struct str full = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name));
        if (one.ptr == NULL || full.ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of memory for the profile's paths");
        }
        if (is_left_out(name) || is_link(full)) {
            continue;
        }
        if (!file_look(full, &info, err) ||
            (info.kind == FILE_DIRECTORY && (!put_entry(sealing, ENTRY_FOLDER, one, 0, err) ||
                                             !put_folder(sealing, one, depth + 1, err))) ||
            (info.kind == FILE_REGULAR && !put_file(sealing, one, full, info.size, err))) {
            return false;
        }
    }
    return true;
}

static bool seal_profile(struct sealing *sealing, struct err *err)
{
    struct file_info info = {0};
    if (!file_look(sealing->profile, &info, err)) {
        return false;
    }
    if (info.kind != FILE_DIRECTORY) {
        return err_set(err, ERR_CONFIG,
                       "%.*s is no folder; --profile names the browser's folder as this machine "
                       "sees it",
                       STR_ARG(sealing->profile));
    }
    if (!draft_open(&sealing->draft, sealing->file, err)) {
        return false;
    }
    bool ok = seal_begin(&sealing->seal, sealing->secret, put_sealed, sealing, err) &&
              put_folder(sealing, STR(""), 0, err) &&
              put_entry(sealing, ENTRY_END, STR(""), 0, err) && seal_end(&sealing->seal, err) &&
              draft_keep(&sealing->draft, err);
    draft_drop(&sealing->draft);
    return ok;
}

/* ---- And back ---- */

static bool is_safe(struct str path)
{
    struct str rest = path;
    struct str part = {0};
    if (path.len == 0 || path.ptr[0] == '/' || memchr(path.ptr, '\0', path.len) != NULL) {
        return false;
    }
    while (str_split(&rest, '/', &part)) {
        if (part.len == 0 || str_equal(part, STR(".")) || str_equal(part, STR(".."))) {
            return false;
        }
    }
    return true;
}

static bool close_file(struct sealing *sealing, struct err *err)
{
    FILE *out = sealing->out;
    sealing->out = NULL;
    if (out == NULL) {
        return true;
    }
    bool ok = fflush(out) == 0 && fsync(fileno(out)) == 0;
    ok = fclose(out) == 0 && ok;
    return ok || err_set(err, ERR_RETRY, "%s cannot be written: is the disk full?", sealing->into);
}

static bool begin_entry(struct sealing *sealing, struct err *err)
{
    char full[FILE_PATH_MAX + ENTRY_PATH_MAX];
    struct str path = str_of(sealing->path);
    int kind = sealing->head[0];
    sealing->have = 0;
    if (kind == ENTRY_END) {
        sealing->ended = true;
        return true;
    }
    if ((kind != ENTRY_FOLDER && kind != ENTRY_FILE) || !is_safe(path)) {
        return err_set(err, ERR_REJECT, "the archive has an entry that is not allowed");
    }
    (void)snprintf(full, sizeof full, "%s/%s", sealing->into, sealing->path);
    if (kind == ENTRY_FOLDER) {
        return file_make_dirs(str_of(full), DIR_PRIVATE, err);
    }
    for (int i = 0; i < 8; i++) {
        sealing->left |= (uint64_t)sealing->head[3 + i] << (8 * i);
    }
    sealing->files++;
    int fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_PRIVATE);
    sealing->out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (sealing->out == NULL) {
        int why = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return file_failed(err, "make", str_of(full), why);
    }
    return sealing->left > 0 || close_file(sealing, err);
}

/* Head and path of an entry, as far as they have come. */
static bool take_head(struct sealing *sealing, struct str *bytes, struct err *err)
{
    size_t path_len = 0;
    if (sealing->have >= ENTRY_HEAD) {
        path_len = (size_t)sealing->head[1] | (size_t)sealing->head[2] << 8;
    }
    size_t want = ENTRY_HEAD + path_len;
    size_t take = want - sealing->have < bytes->len ? want - sealing->have : bytes->len;
    if (path_len > ENTRY_PATH_MAX || sealing->ended) {
        return err_set(err, ERR_REJECT, "the archive has an entry that is not allowed");
    }
    char *to = sealing->have < ENTRY_HEAD ? (char *)sealing->head + sealing->have
                                          : sealing->path + (sealing->have - ENTRY_HEAD);
    memcpy(to, bytes->ptr, take);
    *bytes = str_slice(*bytes, take, bytes->len);
    sealing->have += take;
    if (sealing->have < want) {
        return true;
    }
    path_len = (size_t)sealing->head[1] | (size_t)sealing->head[2] << 8;
    if (sealing->have < ENTRY_HEAD + path_len) {
        return true;
    }
    sealing->path[path_len] = '\0';
    if (strlen(sealing->path) != path_len) {
        return err_set(err, ERR_REJECT, "the archive has an entry that is not allowed");
    }
    return begin_entry(sealing, err);
}

static bool take_plain(void *context, struct str bytes, struct err *err)
{
    struct sealing *sealing = context;
    while (bytes.len > 0) {
        if (sealing->left == 0) {
            if (!take_head(sealing, &bytes, err)) {
                return false;
            }
            continue;
        }
        size_t take = bytes.len < sealing->left ? bytes.len : (size_t)sealing->left;
        if (fwrite(bytes.ptr, 1, take, sealing->out) != take) {
            return err_set(err, ERR_RETRY, "%s cannot be written: is the disk full?",
                           sealing->into);
        }
        sealing->left -= take;
        sealing->bytes += take;
        bytes = str_slice(bytes, take, bytes.len);
        if (sealing->left == 0 && !close_file(sealing, err)) {
            return false;
        }
    }
    return true;
}

static bool take_sealed(void *context, struct str piece, struct err *err)
{
    struct sealing *sealing = context;
    return unseal_add(&sealing->seal, piece, err);
}

/* What we made ourselves and did not finish. */
static void remove_tree(struct arena *arena, struct str folder, int depth)
{
    struct file_list list = {0};
    struct err err = {0};
    if (depth > DEPTH_MAX + 1 || !file_list(arena, folder, &list, &err)) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct str full = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(list.names[i]));
        struct file_info info = {0};
        if (full.ptr == NULL || !file_look(full, &info, &err)) {
            return;
        }
        if (info.kind == FILE_DIRECTORY && !is_link(full)) {
            remove_tree(arena, full, depth + 1);
        } else {
            (void)file_remove(full, &err);
        }
    }
    (void)rmdir(folder.ptr);
}

static bool unseal_profile(struct sealing *sealing, struct err *err)
{
    struct file_info info = {0};
    (void)snprintf(sealing->into, sizeof sealing->into, "%.*s.part", STR_ARG(sealing->profile));
    struct str into = str_of(sealing->into);
    if (!file_look(sealing->profile, &info, err)) {
        return false;
    }
    if (info.kind != FILE_MISSING) {
        return err_set(err, ERR_CONFIG,
                       "%.*s is there already; move it away first, so that no login is lost",
                       STR_ARG(sealing->profile));
    }
    remove_tree(&sealing->arena, into, 0);
    bool ok = file_make_dirs(into, DIR_PRIVATE, err) &&
              unseal_begin(&sealing->seal, sealing->secret, take_plain, sealing, err) &&
              draft_read(sealing->file, take_sealed, sealing, err) &&
              unseal_end(&sealing->seal, err) &&
              (sealing->ended || err_set(err, ERR_REJECT, "the archive has no end"));
    struct err other = {0};
    ok = close_file(sealing, ok ? err : &other) && ok;
    ok = ok && file_rename(into, sealing->profile, err);
    if (!ok) {
        remove_tree(&sealing->arena, into, 0);
    }
    return ok;
}

/* ---- The verbs ---- */

static bool find_secret(struct sealing *sealing, struct str name)
{
    const struct secrets *secrets = sealing->config.secrets;
    for (size_t i = 0; secrets != NULL && i < secrets->count; i++) {
        const struct secret_entry *entry = &secrets->items[i];
        if (entry->section && entry->found && str_equal(entry->name, name)) {
            sealing->secret = secret_reveal(&entry->value);
            return true;
        }
    }
    return false;
}

/* A browser that is open changes its profile. CLI_OK, or the code after it was said. */
static int at_rest(struct sealing *sealing)
{
    struct str lock =
        arena_printf(&sealing->arena, "%.*s/SingletonLock", STR_ARG(sealing->profile));
    char target[256];
    ssize_t len = readlink(lock.ptr, target, sizeof target - 1);
    if (len <= 0) {
        return CLI_OK;
    }
    target[len] = '\0';
    cli_say(
        "a browser has the profile open (%s): stop sluice, and wait until the browser has ended. "
        "When no browser runs there any more: rm %.*s/Singleton*",
        target, STR_ARG(sealing->profile));
    return CLI_TRY_LATER;
}

static int take_words(struct sealing *sealing)
{
    const struct cli *cli = sealing->cli;
    struct str key = cli_value(cli, "--key");
    sealing->file = cli->words[0];
    sealing->profile = cli_value(cli, "--profile");
    while (sealing->profile.len > 1 && str_ends(sealing->profile, STR("/"))) {
        sealing->profile.len--;
    }
    if (sealing->profile.len == 0 || key.len == 0) {
        return cli_misused(cli, "--profile FOLDER and --key NAME are needed");
    }
    sealing->profile = arena_copy(&sealing->arena, sealing->profile);
    if (!find_secret(sealing, key)) {
        cli_say("there is no secret '%.*s'; write it into the section `secrets:`, as\n"
                "  secrets: {%.*s: \"file:/run/secrets/%.*s\"}",
                STR_ARG(key), STR_ARG(key), STR_ARG(key));
        return CLI_CONFIG;
    }
    return CLI_OK;
}

static void say_done(const struct sealing *sealing, const char *what)
{
    char size[SHOW_MAX];
    char files[SHOW_MAX];
    struct str shown_size = show_size((int64_t)sealing->bytes, size);
    struct str shown_files = show_count(sealing->files, files);
    cli_say("%s: %.*s files, %.*s", what, STR_ARG(shown_files), STR_ARG(shown_size));
}

static int run(struct cli *cli, bool (*act)(struct sealing *sealing, struct err *err),
               bool sealing_it)
{
    static struct sealing sealing; /* Too large for a stack. */
    struct err err = {0};
    sealing = (struct sealing){.cli = cli};
    arena_init(&sealing.arena, SEAL_ARENA);
    int code = cli_config_load(cli, &sealing.config);
    code = code == CLI_OK ? take_words(&sealing) : code;
    code = code == CLI_OK && sealing_it ? at_rest(&sealing) : code;
    if (code == CLI_OK && !act(&sealing, &err)) {
        (void)err_prefix(&err, "%.*s: ", STR_ARG(sealing.file));
        code = cli_fail(&err);
    } else if (code == CLI_OK) {
        say_done(&sealing, sealing_it ? "sealed" : "unsealed");
    }
    token_wipe(&sealing.seal, sizeof sealing.seal);
    arena_free(&sealing.arena);
    config_free(&sealing.config);
    return code;
}

int cli_session_seal(struct cli *cli)
{
    return run(cli, seal_profile, true);
}

int cli_session_unseal(struct cli *cli)
{
    return run(cli, unseal_profile, false);
}
