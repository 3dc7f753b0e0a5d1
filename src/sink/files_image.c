#include "sink/files_image.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "sink/files_name.h"

enum { CHUNK = 64 * 1024 };

struct image {
    const struct files *files;
    const struct target *target;
    struct arena *arena;
    struct draft draft;
    struct digest digest;
    struct buf out;
    int64_t rows;
};

static bool spill(struct image *image, struct err *err)
{
    struct str text = buf_str(&image->out);
    if (text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of step memory");
    }
    digest_add(&image->digest, text);
    buf_clear(&image->out);
    return draft_add(&image->draft, text, err);
}

static bool add_row(void *context, struct str entity, struct str body, struct err *err)
{
    struct image *image = context;
    struct arena scratch;
    struct files_line line = {
        .target = image->target, .entity = entity, .row = body, .number = ++image->rows};
    arena_init(&scratch, 4 * (size_t)FILES_ROWS_MAX * 1024);
    bool ok = image->files->format->line(image->files, &line, &scratch, &image->out, err);
    arena_free(&scratch);
    return ok && (image->out.len < CHUNK || spill(image, err));
}

static bool add_to_digest(void *context, struct str piece, struct err *err)
{
    (void)err;
    digest_add(context, piece);
    return true;
}

/* The digest of the file as it is; absent when there is none. */
static bool hash_of(struct str path, char out[DIGEST_SIZE_MAX], struct str *hash, struct err *err)
{
    struct digest digest;
    struct file_info info;
    *hash = (struct str){0};
    if (!file_look(path, &info, err)) {
        return false;
    }
    if (info.kind == FILE_MISSING) {
        return true;
    }
    digest_init(&digest, DIGEST_SHA256);
    if (!draft_read(path, add_to_digest, &digest, err)) {
        return false;
    }
    *hash = digest_value(&digest, out);
    return true;
}

/* "leads.json.2" becomes ".3", ".1" becomes ".2", and the present one is ".1" as well. */
static bool keep_versions(struct str path, int64_t keep, struct arena *arena, struct err *err)
{
    for (int64_t i = keep; i >= 1; i--) {
        struct file_info info;
        struct str to = arena_printf(arena, "%.*s.%" PRId64, STR_ARG(path), i);
        struct str from = arena_printf(arena, "%.*s.%" PRId64, STR_ARG(path), i - 1);
        if (to.ptr == NULL || from.ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of step memory");
        }
        if (i == 1) {
            if (!file_remove(to, err)) {
                return false;
            }
            return link(path.ptr, to.ptr) == 0 || file_failed(err, "write", to, errno);
        }
        if (!file_look(from, &info, err) ||
            (info.kind != FILE_MISSING && !file_rename(from, to, err))) {
            return false;
        }
    }
    return true;
}

/* What becomes of the file that is there. */
static bool make_way(const struct files *files, const struct files_table *table,
                     struct files_state *state, struct str fresh, struct arena *arena,
                     struct err *err)
{
    char room[DIGEST_SIZE_MAX];
    struct str there = {0};
    if (!hash_of(table->path, room, &there, err)) {
        return false;
    }
    if (there.ptr == NULL || str_equal(there, fresh)) {
        return true;
    }
    if (!str_equal(there, state->hash)) {
        struct str copy = {0};
        int64_t part = 0;
        if (!files_name_free(table->path, "edited-", &part, arena, &copy, err)) {
            return false;
        }
        log_warn("%.*s was changed by somebody else; that is kept as %.*s", STR_ARG(table->path),
                 STR_ARG(copy));
        return file_rename(table->path, copy, err);
    }
    return files->keep == 0 || keep_versions(table->path, files->keep, arena, err);
}

static bool write_rows(struct image *image, struct files_table *table, struct err *err)
{
    const struct files_format *format = image->files->format;
    if (!format->head(image->files, table->target, &image->out) ||
        !files_row_each(table->db, add_row, image, err)) {
        return false;
    }
    if (format->tail != NULL) {
        format->tail(image->files, &image->out);
    }
    return spill(image, err);
}

bool files_image_settle(const struct files *files, struct files_table *table,
                        struct files_state *state, struct arena *arena, struct err *err)
{
    struct image image = {.files = files, .target = table->target, .arena = arena};
    char room[DIGEST_SIZE_MAX];
    if (state->rotate_to.len > 0 && !files_name_move(table->path, state->rotate_to, err)) {
        return false;
    }
    digest_init(&image.digest, DIGEST_SHA256);
    buf_init(&image.out, arena, CHUNK);
    bool ok = draft_open(&image.draft, table->path, err) && write_rows(&image, table, err);
    struct str fresh = digest_value(&image.digest, room);
    ok = ok && make_way(files, table, state, fresh, arena, err) && draft_keep(&image.draft, err);
    if (!ok) {
        draft_drop(&image.draft);
        return false;
    }
    state->hash = fresh;
    state->dirty = false;
    state->rotate_to = (struct str){0};
    return files_state_put(table->db, state, err);
}

bool files_image_prepare(const struct files_table *table, struct files_state *state,
                         struct arena *arena, struct err *err)
{
    struct file_info info;
    if (!file_look(table->path, &info, err)) {
        return false;
    }
    if (!state->known && info.kind != FILE_MISSING && info.size > 0) {
        return err_set(err, ERR_CONFIG,
                       "%.*s was there before and was not written by sluice, which would replace "
                       "it: move it away, or name another path",
                       STR_ARG(table->path));
    }
    if (state->known && state->mode != FILES_TABLE && info.kind != FILE_MISSING &&
        !files_name_free(table->path, "", &state->part, arena, &state->rotate_to, err)) {
        return false;
    }
    state->known = true;
    state->mode = FILES_TABLE;
    state->head = table->head;
    state->dirty = true;
    return true;
}
