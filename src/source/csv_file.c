#include "source/csv_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text/utf8.h"

enum { CHUNK = 64 * 1024, PIECE_ARENA_MAX = 64 * 1024 * 1024, ROW_BYTES_MAX = 17 * 1024 * 1024 };

static bool read_at(const struct csv_file *file, int64_t at, char *out, size_t len, size_t *got,
                    struct err *err)
{
    *got = 0;
    while (*got < len) {
        ssize_t count = pread(file->fd, out + *got, len - *got, at + (off_t)*got);
        if (count < 0 && errno != EINTR) {
            return file_failed(err, "read", file->path, errno);
        }
        if (count == 0) {
            return true;
        }
        *got += count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool find_encoding(struct csv_file *file, struct err *err)
{
    char mark[2] = {0};
    size_t got = 0;
    if (!read_at(file, 0, mark, sizeof mark, &got, err)) {
        return false;
    }
    bool little = got == 2 && memcmp(mark, "\xFF\xFE", 2) == 0;
    bool big = got == 2 && memcmp(mark, "\xFE\xFF", 2) == 0;
    bool may = file->encoding == CSV_AUTO || file->encoding == CSV_UTF16;
    file->wide = may && (little || big || file->encoding == CSV_UTF16);
    file->page = big ? CODEPAGE_UTF16_BE : CODEPAGE_UTF16_LE;
    return true;
}

bool csv_file_open(struct csv_file *file, struct err *err)
{
    struct stat now;
    char path[FILE_PATH_MAX];
    file->fd = -1;
    file->separator = CSV_DETECT;
    if (file->path.len >= sizeof path || str_find_byte(file->path, '\0', 0) != STR_NONE) {
        return err_set(err, ERR_CONFIG, "the path is too long or holds a NUL byte");
    }
    memcpy(path, file->path.ptr, file->path.len);
    path[file->path.len] = '\0';
    do { /* O_NONBLOCK: a pipe must not make it wait. */
        file->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    } while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0) {
        return file_failed(err, "read", file->path, errno);
    }
    if (fstat(file->fd, &now) != 0 || !S_ISREG(now.st_mode)) {
        csv_file_close(file);
        return err_set(err, ERR_CONFIG, "%.*s is no file", STR_ARG(file->path));
    }
    file->info = (struct file_info){
        .kind = FILE_REGULAR,
        .size = (uint64_t)now.st_size,
        .mtime_ns = now.st_mtim.tv_sec * INT64_C(1000000000) + now.st_mtim.tv_nsec,
        .inode = now.st_ino,
        .device = now.st_dev,
    };
    if (!find_encoding(file, err)) {
        csv_file_close(file);
        return false;
    }
    return true;
}

void csv_file_close(struct csv_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    file->fd = -1;
}

static bool hash_range(const struct csv_file *file, int64_t from, int64_t to, uint64_t *hash,
                       struct err *err)
{
    char chunk[CHUNK];
    while (from < to) {
        size_t len = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
        size_t got = 0;
        if (!read_at(file, from, chunk, len, &got, err)) {
            return false;
        }
        *hash = str_hash((struct str){chunk, got}, *hash + got);
        if (got < len) {
            return true; /* Shorter than it was: another fingerprint. */
        }
        from += (int64_t)len;
    }
    return true;
}

bool csv_file_hash(const struct csv_file *file, int64_t size, uint64_t *hash, struct err *err)
{
    *hash = (uint64_t)size;
    if (size <= CSV_WHOLE_HASH_MAX) {
        return hash_range(file, 0, size, hash, err);
    }
    return hash_range(file, 0, CHUNK, hash, err) && hash_range(file, size - CHUNK, size, hash, err);
}

bool csv_file_byte(const struct csv_file *file, int64_t at, char *byte, struct err *err)
{
    size_t got = 0;
    *byte = '\0';
    return read_at(file, at, byte, 1, &got, err);
}

bool csv_file_same(const struct file_info *a, const struct file_info *b)
{
    return a->kind == b->kind && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->inode == b->inode && a->device == b->device;
}

void csv_walk_begin(struct csv_walk *walk, const struct csv_file *file, int64_t at, int64_t line,
                    bool take_last)
{
    *walk = (struct csv_walk){
        .file = file,
        .base = at,
        .begin = at,
        .line = line,
        .end = at,
        .next_line = line,
        .size = CSV_PIECE_MAX,
        .take_last = take_last,
    };
    arena_init(&walk->piece, PIECE_ARENA_MAX);
    csv_open(&walk->csv, STR(""), file->separator, true);
    walk->csv.next_line = (size_t)line;
    walk->csv.row = (size_t)line - 1; /* About: a row may have several lines. */
}

void csv_walk_end(struct csv_walk *walk)
{
    arena_free(&walk->piece);
}

/* The text from where the reader stands. The end of the file is where it was when it was opened. */
static bool feed(struct csv_walk *walk, struct err *err)
{
    const struct csv_file *file = walk->file;
    int64_t left = (int64_t)file->info.size - walk->end;
    size_t len = left < (int64_t)walk->size ? (size_t)(left > 0 ? left : 0) : walk->size;
    size_t got = 0;
    arena_reset(&walk->piece);
    char *bytes = arena_bytes(&walk->piece, len + 1);
    if (bytes == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a piece of %.*s", STR_ARG(file->name));
    }
    if (!read_at(file, walk->end, bytes, len, &got, err)) {
        return false;
    }
    struct str text = {bytes, got};
    walk->at_end = got == len && (int64_t)len == left;
    if (file->wide) {
        text = codepage_decode(file->page, &walk->piece, text, NULL);
        if (text.ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of memory for a piece of %.*s",
                           STR_ARG(file->name));
        }
    }
    walk->base = walk->end;
    csv_feed(&walk->csv, text, !(walk->at_end && walk->take_last));
    return true;
}

static int64_t place_of(const struct csv_walk *walk)
{
    struct str done = str_slice(walk->csv.text, 0, walk->csv.used);
    size_t bytes = walk->file->wide ? codepage_bytes(walk->file->page, done) : done.len;
    return walk->base + (int64_t)bytes;
}

/* Cells as UTF-8 without NUL. */
static bool clean(const struct csv_file *file, struct arena *arena, struct csv_row *row,
                  struct err *err)
{
    static const enum codepage pages[] = {
        [CSV_1255] = CODEPAGE_WINDOWS_1255,
        [CSV_1251] = CODEPAGE_WINDOWS_1251,
        [CSV_1252] = CODEPAGE_WINDOWS_1252,
    };
    bool valid = true;
    for (size_t i = 0; i < row->count && valid; i++) {
        valid = utf8_valid(row->fields[i]);
    }
    bool fixed = file->encoding >= CSV_1255;
    bool decode = !file->wide && (fixed || (file->encoding == CSV_AUTO && !valid));
    enum codepage page = fixed ? pages[file->encoding] : (enum codepage)file->legacy;
    for (size_t i = 0; i < row->count; i++) {
        size_t replaced = 0;
        struct str cell = row->fields[i];
        cell = decode ? codepage_decode(page, arena, cell, NULL) : cell;
        row->fields[i] = cell.ptr != NULL ? utf8_clean(arena, cell, &replaced) : cell;
        if (row->fields[i].ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of memory for a row of %.*s", STR_ARG(file->name));
        }
    }
    return true;
}

/* Where the row that was just read, or refused, stands. */
static void note_place(struct csv_walk *walk)
{
    walk->begin = walk->end;
    walk->end = place_of(walk);
    walk->line = (int64_t)walk->csv.line;
    walk->next_line = (int64_t)walk->csv.next_line;
}

bool csv_walk_next(struct csv_walk *walk, struct arena *arena, struct csv_row *row, bool *got,
                   struct err *err)
{
    for (;;) {
        size_t before = walk->csv.used;
        bool ok = csv_next(&walk->csv, arena, row, got, err);
        if (!ok || *got) {
            note_place(walk);
            char last = walk->csv.used > 0 ? walk->csv.text.ptr[walk->csv.used - 1] : '\n';
            walk->open = walk->at_end && walk->csv.used == walk->csv.text.len && last != '\n' &&
                         last != '\r';
            return ok && clean(walk->file, arena, row, err);
        }
        walk->end = place_of(walk);
        if (walk->at_end) {
            return true;
        }
        bool stuck = before == walk->csv.used && before == 0 && walk->csv.text.len > 0;
        walk->size = stuck ? walk->size * 4 : CSV_PIECE_MAX;
        if (walk->size > ROW_BYTES_MAX) {
            walk->size = ROW_BYTES_MAX;
        }
        if (!feed(walk, err)) {
            return false;
        }
    }
}
