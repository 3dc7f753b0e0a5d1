#include "sink/json.h"

#include "sink/files.h"
#include "text/json.h"

enum { SHAPE_ARRAY = 0, SHAPE_OBJECT };
static const char *const shapes[] = {"array", "object", NULL};

struct json_sink {
    struct files files; /* First. */
    int shape;
};

static bool is_object(const struct files *files)
{
    return ((const struct json_sink *)(const void *)files)->shape == SHAPE_OBJECT;
}

static bool write_head(const struct files *files, const struct target *target, struct buf *out)
{
    (void)target;
    buf_add_byte(out, is_object(files) ? '{' : '[');
    return buf_ok(out);
}

static bool write_line(const struct files *files, const struct files_line *line,
                       struct arena *arena, struct buf *out, struct err *err)
{
    (void)arena;
    (void)err;
    buf_add(out, line->number > 1 ? STR(",\n") : STR("\n"));
    if (is_object(files)) {
        json_quote(out, line->entity);
        buf_add_byte(out, ':');
    }
    buf_add(out, line->row);
    return true;
}

static void write_tail(const struct files *files, struct buf *out)
{
    buf_add(out, is_object(files) ? STR("\n}\n") : STR("\n]\n"));
}

static const struct files_format format = {
    .ending = "json", .head = write_head, .line = write_line, .tail = write_tail};

static bool json_open(struct connector *connector, struct err *err)
{
    struct json_sink *self = (struct json_sink *)(void *)connector;
    return files_open(&self->files, &format, err);
}

static const struct option options[] = {
    OPTION_PATH(struct json_sink, files.path, "path", NULL,
                "The file; {target} in it becomes the name of the table. By default "
                "{target}.json in sluice's data folder."),
    OPTION_CHOICE(struct json_sink, shape, "shape", "array", shapes,
                  "array: the rows in their order. object: the rows by their key."),
    OPTION_INT(struct json_sink, files.keep, "keep", "0", 0, FILES_VERSIONS_MAX,
               "So many versions before the present one stay, as FILE.1 and so on."),
    OPTION_END,
};

const struct sink_type sink_json = {
    .connector =
        {
            .kind = "json",
            .summary = "The current rows as one JSON document, an array or an object by key.",
            .options = options,
            .size = sizeof(struct json_sink),
            .open = json_open,
            .probe = files_probe,
            .rest = files_rest,
            .close = files_close,
        },
    .write = files_write,
    .read_back = files_read_back,
    .check = files_check,
    .files = files_files,
    .dump = files_dump,
};
