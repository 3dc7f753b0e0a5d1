#include "sink/ndjson.h"

#include "sink/files.h"

struct ndjson_sink {
    struct files files; /* First. */
};

static bool write_head(const struct files *files, const struct target *target, struct buf *out)
{
    (void)files;
    (void)target;
    return buf_reserve(out, 1);
}

/* A row is canonical and never empty ("{" and its key at least), so the number goes in front. */
static bool write_line(const struct files *files, const struct files_line *line,
                       struct arena *arena, struct buf *out, struct err *err)
{
    (void)arena;
    (void)err;
    if (files->mode == FILES_LOG) {
        buf_add(out, STR("{\"_seq\":"));
        buf_add_int(out, line->number);
        buf_add_byte(out, ',');
        buf_add(out, str_slice(line->row, 1, line->row.len));
    } else {
        buf_add(out, line->row);
    }
    buf_add_byte(out, '\n');
    return true;
}

static const struct files_format format = {
    .ending = "ndjson", .head = write_head, .line = write_line};

static bool ndjson_open(struct connector *connector, struct err *err)
{
    struct ndjson_sink *self = (struct ndjson_sink *)(void *)connector;
    return files_open(&self->files, &format, err);
}

static const struct option options[] = {
    OPTION_PATH(struct ndjson_sink, files.path, "path", NULL,
                "The file; {target} in it becomes the name of the table. By default "
                "{target}.ndjson in sluice's data folder."),
    OPTION_CHOICE(struct ndjson_sink, files.mode, "mode", "log", files_modes,
                  "log: each change is one more line. table: the file holds the current rows."),
    OPTION_INT(struct ndjson_sink, files.keep, "keep", "0", 0, FILES_VERSIONS_MAX,
               "In mode table: so many versions before the present one stay, as FILE.1 and so on."),
    OPTION_SIZE(struct ndjson_sink, files.rotate_bytes, "rotate_size", NULL,
                "In mode log: from this size on a new file is begun; the old one gets a number."),
    OPTION_BOOL(struct ndjson_sink, files.rotate_daily, "rotate_daily", "false",
                "In mode log: a new file for each day on which something is written."),
    OPTION_ZONE(struct ndjson_sink, files.zone_name, "zone", "UTC", "Whose days those are."),
    OPTION_END,
};

const struct sink_type sink_ndjson = {
    .connector =
        {
            .kind = "ndjson",
            .summary = "JSON objects, one a line: a log of changes, or the current rows.",
            .options = options,
            .size = sizeof(struct ndjson_sink),
            .open = ndjson_open,
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
