#include "sink/csv.h"

#include "sink/files.h"
#include "sink/files_row.h"
#include "text/csv.h"
#include "text/json.h"

enum { COLUMNS_MAX = 1024 };

struct csv_sink {
    struct files files; /* First. */
    bool mark;
    bool guard;
    bool crlf;
    int separator;
};

enum { SEPARATOR_COMMA = 0, SEPARATOR_SEMICOLON, SEPARATOR_TAB };
static const char *const separators[] = {"comma", "semicolon", "tab", NULL};

static struct csv_style style_of(const struct csv_sink *self)
{
    static const char bytes[] = {',', ';', '\t'};
    /* The guard is ours: it is for texts, and a number below zero is no formula. */
    return (struct csv_style){
        .separator = bytes[self->separator], .crlf = self->crlf, .mark = self->mark};
}

static bool write_head(const struct files *files, const struct target *target, struct buf *out)
{
    const struct csv_style style = style_of((const struct csv_sink *)(const void *)files);
    struct str names[COLUMNS_MAX];
    size_t count = 0;
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (count < COLUMNS_MAX) {
            names[count++] = str_of(column->name);
        }
    }
    csv_write_begin(out, &style);
    csv_write_row(out, &style, names, count);
    return buf_ok(out);
}

static struct str guarded(const struct csv_sink *self, struct str text, struct arena *arena)
{
    return self->guard && csv_is_formula(text) ? arena_printf(arena, "'%.*s", STR_ARG(text)) : text;
}

/* What a cell shows; absent when the arena is full. */
static struct str cell_of(const struct csv_sink *self, const struct json_value *value,
                          struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    bool truth = false;
    switch (json_kind(value)) {
    case JSON_ABSENT:
    case JSON_NULL:
        return STR("");
    case JSON_STRING:
        return guarded(self, json_str(value), arena);
    case JSON_BOOL:
        return json_bool(value, &truth) && truth ? STR("true") : STR("false");
    case JSON_INT:
    case JSON_UINT:
    case JSON_DOUBLE:
    case JSON_BIG:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    buf_init(&buf, arena, 64);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    json_writer_done(&json);
    return buf_str(&buf);
}

static bool write_line(const struct files *files, const struct files_line *line,
                       struct arena *arena, struct buf *out, struct err *err)
{
    const struct csv_sink *self = (const struct csv_sink *)(const void *)files;
    const struct csv_style style = style_of(self);
    const struct json_limits limits = {.size_max = FILES_ROW_MAX};
    const struct json_value *row = NULL;
    struct str cells[COLUMNS_MAX];
    size_t count = 0;
    if (!json_parse(arena, line->row, &limits, &row, err)) {
        return false;
    }
    for (const struct column *column = line->target->columns; column->name != NULL; column++) {
        struct str cell = cell_of(self, json_get(row, str_of(column->name)), arena);
        if (cell.ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of step memory");
        }
        if (count < COLUMNS_MAX) {
            cells[count++] = cell;
        }
    }
    csv_write_row(out, &style, cells, count);
    return true;
}

static const struct files_format format = {.ending = "csv", .head = write_head, .line = write_line};

static bool csv_open_sink(struct connector *connector, struct err *err)
{
    struct csv_sink *self = (struct csv_sink *)(void *)connector;
    const struct target *const *targets = connector->env.targets;
    for (size_t i = 0; targets != NULL && targets[i] != NULL; i++) {
        size_t count = 0;
        while (targets[i]->columns[count].name != NULL) {
            count++;
        }
        if (count > COLUMNS_MAX) {
            return err_set(err, ERR_CONFIG, "sink %.*s: table %s has more than %d columns",
                           STR_ARG(connector->name), targets[i]->name, COLUMNS_MAX);
        }
    }
    return files_open(&self->files, &format, err);
}

static const struct option options[] = {
    OPTION_PATH(struct csv_sink, files.path, "path", NULL,
                "The file; {target} in it becomes the name of the table. By default "
                "{target}.csv in sluice's data folder."),
    OPTION_CHOICE(struct csv_sink, files.mode, "mode", "table", files_modes,
                  "table: the file holds the current rows. log: each change is one more line."),
    OPTION_BOOL(struct csv_sink, guard, "formula_guard", "true",
                "Put an apostrophe before texts that a spreadsheet would take for a formula."),
    OPTION_BOOL(struct csv_sink, mark, "bom", "false",
                "Begin with a byte order mark, which makes Excel read Hebrew as it is."),
    OPTION_CHOICE(struct csv_sink, separator, "separator", "comma", separators,
                  "What stands between cells."),
    OPTION_BOOL(struct csv_sink, crlf, "crlf", "true", "End lines in CR LF, as RFC 4180 has it."),
    OPTION_INT(struct csv_sink, files.keep, "keep", "0", 0, FILES_VERSIONS_MAX,
               "In mode table: so many versions before the present one stay, as FILE.1 and so on."),
    OPTION_SIZE(struct csv_sink, files.rotate_bytes, "rotate_size", NULL,
                "In mode log: from this size on a new file is begun; the old one gets a number."),
    OPTION_BOOL(struct csv_sink, files.rotate_daily, "rotate_daily", "false",
                "In mode log: a new file for each day on which something is written."),
    OPTION_ZONE(struct csv_sink, files.zone_name, "zone", "UTC", "Whose days those are."),
    OPTION_END,
};

const struct sink_type sink_csv = {
    .connector =
        {
            .kind = "csv",
            .summary = "Rows in CSV files for spreadsheets, kept current or as a log.",
            .options = options,
            .size = sizeof(struct csv_sink),
            .open = csv_open_sink,
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
