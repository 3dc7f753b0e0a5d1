#include "config/reader.h"

#include "base/buf.h"
#include "base/must.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum { LINE_WHOLE = 1 << 20 };

/* What a person would have typed. */
static struct str without_format(struct arena *arena, struct str text)
{
    struct buf out;
    buf_init(&out, arena, text.len + 1);
    size_t at = 0;
    while (at < text.len) {
        uint32_t point = 0;
        size_t len = utf8_next(text, at, &point);
        if (!unicode_is_format(point)) {
            buf_add(&out, str_slice(text, at, at + len));
        }
        at += len;
    }
    return buf_str(&out);
}

struct place reader_place(const struct yaml_node *node)
{
    struct place place = {
        .file = node->file, .line = node->start.line, .column = node->start.column, .length = 1};
    if (node->end.line == node->start.line && node->end.column > node->start.column) {
        place.length = node->end.column - node->start.column;
    } else if (node->kind == YAML_MAP && node->count > 0 && node->items[0]->file.ptr != NULL) {
        struct place first = reader_place(node->items[0]);
        place.length = first.line == place.line && first.column == place.column ? first.length : 1;
    }
    return place;
}

struct place reader_inside(const struct yaml_node *node, struct str text, size_t offset)
{
    struct place place = reader_place(node);
    size_t quotes = node->quoted ? 2 : 0;
    bool as_written = str_find(text, STR("${"), 0) == STR_NONE && str_equal(text, node->text) &&
                      node->start.line == node->end.line &&
                      place.length == utf8_count(text) + quotes;
    if (as_written) {
        place.column += quotes / 2 + utf8_count(str_slice(text, 0, offset));
        place.length = 1;
    }
    return place;
}

struct place reader_character(const struct yaml_node *node, size_t character)
{
    struct str text = yaml_text(node);
    size_t at = 0;
    uint32_t code = 0;
    for (size_t i = 1; i < character && at < text.len; i++) {
        at += utf8_next(text, at, &code);
    }
    return character == 0 ? reader_place(node) : reader_inside(node, text, at);
}

const struct yaml_node *reader_key(const struct yaml_node *map, size_t index)
{
    must(map->kind == YAML_MAP && index < map->count);
    return map->items[2 * index];
}

const struct yaml_node *reader_value(const struct yaml_node *map, size_t index)
{
    must(map->kind == YAML_MAP && index < map->count);
    return map->items[2 * index + 1];
}

static bool is_scalar(const struct yaml_node *node)
{
    enum yaml_kind kind = yaml_kind(node);
    return kind != YAML_ABSENT && kind != YAML_LIST && kind != YAML_MAP && kind != YAML_NULL;
}

bool reader_scalar(struct reader *reader, const struct yaml_node *node, const char *what,
                   struct expansion *out)
{
    struct place place = reader_place(node);
    if (yaml_kind(node) == YAML_NULL) {
        return fault_add(reader->faults, FAULT_EMPTY, place, "%s is empty", what);
    }
    if (!is_scalar(node)) {
        return fault_add(reader->faults, FAULT_TYPE, place,
                         "%s: a single value is expected here, not %s", what,
                         yaml_kind_words(yaml_kind(node)));
    }
    struct place inside = place;
    inside.column += node->quoted ? 1 : 0;
    return env_expand(reader->env, reader->arena, yaml_text(node), inside, reader->faults, out);
}

bool reader_text(struct reader *reader, const struct yaml_node *node, const char *what,
                 struct str *out)
{
    struct expansion expansion = {0};
    if (!reader_scalar(reader, node, what, &expansion)) {
        return false;
    }
    *out = expansion.text;
    return true;
}

bool reader_help_bool(struct reader *reader, struct str text)
{
    static const char *const yes[] = {"yes", "on", "y", "1", "True", "TRUE", NULL};
    static const char *const no[] = {"no", "off", "n", "0", "False", "FALSE", NULL};
    for (size_t i = 0; yes[i] != NULL || no[i] != NULL; i++) {
        if (str_equal_ascii_case(text, str_of(yes[i]))) {
            return fault_help(reader->faults, "write true");
        }
        if (str_equal_ascii_case(text, str_of(no[i]))) {
            return fault_help(reader->faults, "write false");
        }
    }
    return fault_help(reader->faults, "write true or false");
}

bool reader_unknown_key(struct reader *reader, const struct yaml_node *key, const char *what,
                        struct nearest *nearest)
{
    bool named = what[0] != '\0';
    (void)fault_add(reader->faults, FAULT_UNKNOWN_KEY, reader_place(key), "%s%sunknown key '%.*s'",
                    what, named ? ": " : "", STR_ARG(yaml_text(key)));
    return reader_help_nearest(reader, nearest);
}

bool reader_help_nearest(struct reader *reader, struct nearest *nearest)
{
    const char *hint = nearest_hint(nearest); /* "; did you mean 'poll'?" */
    return hint[0] == '\0' ? false : fault_help(reader->faults, "%s", hint + 2);
}

bool reader_no_memory(struct reader *reader)
{
    return fault_add(reader->faults, FAULT_MEMORY, (struct place){0}, "out of memory");
}

bool reader_visible(struct reader *reader, const struct yaml_node *node, const char *what,
                    struct str text, enum fault_code code)
{
    size_t index = 1;
    size_t at = 0;
    for (; at < text.len; index++) {
        uint32_t point = 0;
        size_t len = utf8_next(text, at, &point);
        bool joiner = code == FAULT_INVISIBLE_VALUE && (point == 0x200C || point == 0x200D);
        if (unicode_is_format(point) && !joiner) {
            struct place place = reader_place(node);
            (void)fault_add(reader->faults, code, place,
                            "%s has an invisible character, U+%04X, as its character %zu", what,
                            (unsigned)point, index);
            struct str shown = without_format(reader->arena, text);
            return fault_help(reader->faults, "without it: '%.*s'", STR_ARG(shown));
        }
        at += len;
    }
    return true;
}

void reader_hide(struct reader *reader, const struct yaml_node *node)
{
    if (node == NULL || node->start.line == 0) {
        return;
    }
    struct place place = reader_place(node);
    place.length = node->end.line == node->start.line ? place.length : LINE_WHOLE;
    faults_hide(reader->faults, place);
    for (size_t line = node->start.line + 1; line <= node->end.line; line++) {
        size_t last = node->end.column > 1 ? node->end.column - 1 : 0;
        bool whole = line < node->end.line;
        if (whole || last > 0) {
            faults_hide(reader->faults, (struct place){.file = node->file,
                                                       .line = line,
                                                       .column = 1,
                                                       .length = whole ? LINE_WHOLE : last});
        }
    }
}

bool reader_bool(struct reader *reader, const struct yaml_node *node, const char *what, bool *out)
{
    struct str text = {0};
    if (!reader_text(reader, node, what, &text)) {
        return false;
    }
    if (!str_equal(text, STR("true")) && !str_equal(text, STR("false"))) {
        (void)fault_add(reader->faults, FAULT_BOOL, reader_place(node),
                        "%s: '%.*s' is neither true nor false", what, STR_ARG(text));
        return reader_help_bool(reader, text);
    }
    *out = str_equal(text, STR("true"));
    return true;
}

bool reader_is_map(struct reader *reader, const struct yaml_node *node, const char *what)
{
    if (yaml_kind(node) == YAML_MAP) {
        return true;
    }
    if (yaml_kind(node) == YAML_NULL) {
        return fault_add(reader->faults, FAULT_EMPTY, reader_place(node), "%s is empty", what);
    }
    return fault_add(reader->faults, FAULT_TYPE, reader_place(node),
                     "%s: a map of keys is expected here, not %s", what,
                     yaml_kind_words(yaml_kind(node)));
}

void reader_note_file(struct reader *reader, struct str path)
{
    struct reader_files *files = reader->files;
    for (size_t i = 0; files != NULL && i < files->count; i++) {
        if (str_equal(files->names[i], path)) {
            return;
        }
    }
    if (files != NULL && files->count < READER_FILES_MAX) {
        files->names[files->count++] = path;
    }
}

struct str reader_beside(struct arena *arena, struct str file, struct str path)
{
    if (str_starts(path, STR("/"))) {
        return path;
    }
    for (size_t i = file.len; i > 0; i--) {
        if (file.ptr[i - 1] == '/') {
            return arena_printf(arena, "%.*s%.*s", (int)i, file.ptr, STR_ARG(path));
        }
    }
    return path;
}

bool reader_path(struct reader *reader, const struct yaml_node *node, const char *what,
                 struct str *out)
{
    struct expansion expansion = {0};
    if (!reader_scalar(reader, node, what, &expansion)) {
        return false;
    }
    if (expansion.text.len == 0) {
        return fault_add(reader->faults, FAULT_EMPTY, reader_place(node), "%s is empty", what);
    }
    struct str file = node->file;
    *out = expansion.origin == ENV_PROCESS ? expansion.text
                                           : reader_beside(reader->arena, file, expansion.text);
    return true;
}
