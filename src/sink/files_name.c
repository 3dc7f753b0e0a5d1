#include "sink/files_name.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/file.h"

enum { PARTS_MAX = 999999 };

/* Where the last part of the path begins. */
static size_t base_of(struct str path)
{
    size_t base = 0;
    for (size_t i = 0; i < path.len; i++) {
        base = path.ptr[i] == '/' ? i + 1 : base;
    }
    return base;
}

bool files_name_free(struct str path, const char *what, int64_t *part, struct arena *arena,
                     struct str *out, struct err *err)
{
    size_t dot = path.len;
    for (size_t i = base_of(path) + 1; i < path.len; i++) {
        dot = path.ptr[i] == '.' ? i : dot;
    }
    for (int64_t n = *part + 1; n <= PARTS_MAX; n++) {
        struct file_info info;
        *out = arena_printf(arena, "%.*s.%s%06" PRId64 "%.*s", (int)dot, path.ptr, what, n,
                            (int)(path.len - dot), path.ptr + dot);
        if (out->ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of step memory");
        }
        if (!file_look(*out, &info, err)) {
            return false;
        }
        if (info.kind == FILE_MISSING) {
            *part = n;
            return true;
        }
    }
    return err_set(err, ERR_RETRY, "%.*s: there are %d older parts beside it; move some away",
                   STR_ARG(path), PARTS_MAX);
}

bool files_name_move(struct str from, struct str to, struct err *err)
{
    struct file_info old;
    struct file_info now;
    if (!file_look(to, &old, err) || !file_look(from, &now, err)) {
        return false;
    }
    return old.kind != FILE_MISSING || now.kind == FILE_MISSING || file_rename(from, to, err);
}

struct str files_name_fill(struct str path, const char *target, struct arena *arena)
{
    static const struct str mark = STR_INIT("{target}");
    struct buf out;
    size_t from = 0;
    size_t at = 0;
    buf_init(&out, arena, path.len + 64);
    while ((at = str_find(path, mark, from)) != STR_NONE) {
        buf_add(&out, str_slice(path, from, at));
        buf_add(&out, str_of(target));
        from = at + mark.len;
    }
    buf_add(&out, str_slice(path, from, path.len));
    return buf_str(&out);
}

struct str files_name_ledger(struct str path, struct arena *arena)
{
    size_t base = base_of(path);
    return arena_printf(arena, "%.*s.%.*s.sluice", (int)base, path.ptr, (int)(path.len - base),
                        path.ptr + base);
}

struct str files_name_folder(struct str path)
{
    size_t base = base_of(path);
    return base == 0 ? STR(".") : base == 1 ? STR("/") : str_slice(path, 0, base - 1);
}
