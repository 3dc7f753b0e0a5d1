#include "config/reader.h"

#include "base/must.h"

void reader_note_file(struct reader *reader, struct str path)
{
    struct read_files *files = reader->files;
    if (files != NULL && files->count < READ_FILES_MAX) {
        files->items[files->count++] = path;
    }
}

struct place reader_place(const struct yaml_node *node)
{
    return (struct place){
        .file = node->file, .line = node->start.line, .column = node->start.column};
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
        return fault_add(reader->faults, place, "%s is empty", what);
    }
    if (!is_scalar(node)) {
        return fault_add(reader->faults, place, "%s: a single value is expected here, not %s", what,
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

bool reader_bool(struct reader *reader, const struct yaml_node *node, const char *what, bool *out)
{
    struct str text = {0};
    if (!reader_text(reader, node, what, &text)) {
        return false;
    }
    if (!str_equal(text, STR("true")) && !str_equal(text, STR("false"))) {
        return fault_add(reader->faults, reader_place(node), "%s: '%.*s' is neither true nor false",
                         what, STR_ARG(text));
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
        return fault_add(reader->faults, reader_place(node), "%s is empty", what);
    }
    return fault_add(reader->faults, reader_place(node),
                     "%s: a map of keys is expected here, not %s", what,
                     yaml_kind_words(yaml_kind(node)));
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
        return fault_add(reader->faults, reader_place(node), "%s is empty", what);
    }
    struct str file = node->file;
    *out = expansion.origin == ENV_PROCESS ? expansion.text
                                           : reader_beside(reader->arena, file, expansion.text);
    return true;
}
