#include "store/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/draft.h"
#include "base/must.h"
#include "text/json.h"

enum { PIECE = 64 * 1024, NUMBER_ROOM = 48 };

/* ---- Writing ---- */

struct writer {
    struct draft draft;
    struct arena arena; /* Of the line at hand. */
    struct rows_count count;
    int64_t rows; /* Of the part at hand. */
    bool open;
    bool failed;
};

static bool put(struct writer *writer, struct str text, struct err *err)
{
    bool ok = draft_add(&writer->draft, text, err);
    writer->failed = writer->failed || !ok;
    return ok;
}

static bool end_part(struct writer *writer, struct err *err)
{
    char line[NUMBER_ROOM];
    int len = snprintf(line, sizeof line, "{\"rows\":%" PRId64 "}\n", writer->rows);
    bool open = writer->open;
    writer->count.rows += writer->rows;
    writer->rows = 0;
    writer->open = false;
    return !open || put(writer, (struct str){line, (size_t)len}, err);
}

static bool save_part(void *context, const struct sink_part *part, struct err *err)
{
    struct writer *writer = context;
    struct buf buf;
    struct json_writer json;
    if (!end_part(writer, err)) {
        return false;
    }
    arena_reset(&writer->arena);
    buf_init(&buf, &writer->arena, 256);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("part"), part->name);
    json_key(&json, STR("shape"));
    json_put_raw(&json, part->shape.len > 0 ? part->shape : STR("{}"));
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&buf, '\n');
    writer->open = true;
    writer->count.parts++;
    return buf_ok(&buf) ? put(writer, buf_str(&buf), err)
                        : err_set(err, ERR_RETRY, "backup: out of memory");
}

static bool save_row(void *context, struct str row, struct err *err)
{
    struct writer *writer = context;
    must(writer->open && row.len > 1 && row.ptr[0] == '[');
    writer->rows++;
    if (row.len >= ROWS_LINE_MAX) {
        return err_set(err, ERR_REJECT, "a row is larger than %d MiB", ROWS_LINE_MAX >> 20);
    }
    return put(writer, row, err) && put(writer, STR("\n"), err);
}

bool rows_save(struct sink *sink, struct str path, struct arena *arena, struct rows_count *count,
               struct str *how, bool *ours, struct err *err)
{
    struct writer writer = {0};
    const struct sink_saver saver = {&writer, save_part, save_row};
    *ours = true;
    if (!draft_open(&writer.draft, path, err)) {
        return false;
    }
    arena_init(&writer.arena, ROWS_LINE_MAX);
    bool saved = sink->type->save(sink, &saver, arena, how, err);
    *ours = saved || writer.failed;
    bool ok = saved && end_part(&writer, err) && draft_keep(&writer.draft, err);
    draft_drop(&writer.draft);
    arena_free(&writer.arena);
    *count = writer.count;
    return ok;
}

/* ---- Reading ---- */

struct reader {
    int fd;
    struct str path;
    struct arena arena; /* The line at hand. */
    struct arena parts; /* The part at hand, and its shape. */
    char piece[PIECE];
    size_t at;
    size_t len;
    struct str line;
    int64_t rows;
    bool in_part;
    struct rows_count count;
};

static bool reader_open(struct reader *reader, struct str path, struct err *err)
{
    char name[FILE_PATH_MAX];
    *reader = (struct reader){.path = path, .fd = -1};
    int len = snprintf(name, sizeof name, "%.*s", STR_ARG(path));
    if (len < 0 || (size_t)len >= sizeof name) {
        return err_set(err, ERR_CONFIG, "a path is too long");
    }
    reader->fd = open(name, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0) {
        return file_failed(err, "open", path, errno);
    }
    arena_init(&reader->arena, 2 * (size_t)ROWS_LINE_MAX);
    arena_init(&reader->parts, ROWS_LINE_MAX);
    return true;
}

static void reader_close(struct reader *reader)
{
    if (reader->fd >= 0) {
        (void)close(reader->fd);
        arena_free(&reader->arena);
        arena_free(&reader->parts);
    }
}

static bool fill(struct reader *reader, struct err *err)
{
    ssize_t got = -1;
    do {
        got = read(reader->fd, reader->piece, sizeof reader->piece);
    } while (got < 0 && errno == EINTR);
    reader->at = 0;
    reader->len = got > 0 ? (size_t)got : 0;
    return got >= 0 || file_failed(err, "read", reader->path, errno);
}

/* The next line, absent at the end of the file. */
static bool next_line(struct reader *reader, struct err *err)
{
    struct buf buf;
    bool whole = false;
    arena_reset(&reader->arena);
    buf_init(&buf, &reader->arena, 1024);
    reader->line = (struct str){0};
    while (!whole) {
        if (reader->at == reader->len && !fill(reader, err)) {
            return false;
        }
        if (reader->len == 0) {
            return buf.len == 0 || err_set(err, ERR_REJECT, "its last line was cut");
        }
        struct str rest = {reader->piece + reader->at, reader->len - reader->at};
        size_t end = str_find_byte(rest, '\n', 0);
        whole = end != STR_NONE;
        buf_add(&buf, whole ? str_slice(rest, 0, end) : rest);
        reader->at += whole ? end + 1 : rest.len;
        if (!buf_ok(&buf) || buf.len > ROWS_LINE_MAX) {
            return err_set(err, ERR_REJECT, "a line of it is too long");
        }
    }
    reader->line = buf_str(&buf);
    return true;
}

/* The line that ends a part says how many rows there were. */
static bool check_end(struct reader *reader, struct err *err)
{
    const struct json_value *root = NULL;
    int64_t said = -1;
    reader->in_part = false;
    reader->count.rows += reader->rows;
    if (!json_parse(&reader->parts, reader->line, NULL, &root, err) ||
        !json_int(json_get(root, STR("rows")), &said) || said != reader->rows) {
        return err_set(err, ERR_REJECT, "it does not hold the rows that it says");
    }
    reader->rows = 0;
    return true;
}

static bool load_row(void *context, struct str *row, struct err *err)
{
    struct reader *reader = context;
    *row = (struct str){0};
    if (!reader->in_part) {
        return true;
    }
    if (!next_line(reader, err)) {
        return false;
    }
    if (reader->line.len > 1 && reader->line.ptr[0] == '[') {
        reader->rows++;
        *row = reader->line;
        return true;
    }
    return check_end(reader, err);
}

static bool load_part(void *context, struct sink_part *part, bool *got, struct err *err)
{
    struct reader *reader = context;
    const struct json_value *root = NULL;
    struct str row = {0};
    struct buf shape;
    struct json_writer json;
    while (reader->in_part) {
        if (!load_row(reader, &row, err)) {
            return false;
        }
    }
    *got = false;
    if (!next_line(reader, err)) {
        return false;
    }
    if (reader->line.ptr == NULL) {
        return true;
    }
    arena_reset(&reader->parts);
    if (++reader->count.parts > ROWS_PARTS_MAX ||
        !json_parse(&reader->parts, reader->line, NULL, &root, err) ||
        json_str(json_get(root, STR("part"))).len == 0 ||
        json_kind(json_get(root, STR("shape"))) != JSON_OBJECT) {
        return err_set(err, ERR_REJECT, "a part of it does not begin as it should");
    }
    buf_init(&shape, &reader->parts, 256);
    json_writer_init(&json, &shape);
    json_put_value(&json, json_get(root, STR("shape")));
    json_writer_done(&json);
    *part =
        (struct sink_part){.name = json_str(json_get(root, STR("part"))), .shape = buf_str(&shape)};
    reader->in_part = true;
    *got = true;
    return buf_ok(&shape) || err_set(err, ERR_RETRY, "restore: out of memory");
}

bool rows_check(struct str path, struct rows_count *count, struct err *err)
{
    struct reader reader;
    struct sink_part part = {0};
    bool got = true;
    bool ok = reader_open(&reader, path, err);
    while (ok && got) {
        ok = load_part(&reader, &part, &got, err);
    }
    *count = reader.count;
    reader_close(&reader);
    return ok;
}

bool rows_load(struct sink *sink, struct str path, enum sink_load how, struct arena *arena,
               struct str *done, struct err *err)
{
    struct reader reader;
    const struct sink_loader loader = {&reader, load_part, load_row};
    bool ok =
        reader_open(&reader, path, err) && sink->type->load(sink, &loader, how, arena, done, err);
    reader_close(&reader);
    return ok;
}
