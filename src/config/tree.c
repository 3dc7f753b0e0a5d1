#include "config/tree.h"

#include "base/buf.h"
#include "base/file.h"

static const struct str include_key = STR_INIT("include");

/* Sections whose entries come together from all files. */
static const char *const sections[] = {"sources", "sinks", "pipelines", "secrets"};

enum { SECTIONS = sizeof sections / sizeof sections[0] };

/* ---- One file ---- */

static enum fault_code code_of_mistake(enum yaml_mistake_kind kind)
{
    switch (kind) {
    case YAML_MISTAKE_SYNTAX:
        return FAULT_SYNTAX;
    case YAML_MISTAKE_TAB:
        return FAULT_TAB;
    case YAML_MISTAKE_KEY_TWICE:
        return FAULT_KEY_TWICE;
    case YAML_MISTAKE_ENCODING:
        return FAULT_ENCODING;
    case YAML_MISTAKE_LARGE:
        return FAULT_FILE_LARGE;
    case YAML_MISTAKE_LIMIT:
        return FAULT_YAML_LIMIT;
    case YAML_MISTAKE_FEATURE:
        return FAULT_YAML_FEATURE;
    case YAML_MISTAKE_MEMORY:
        return FAULT_MEMORY;
    }
    return FAULT_SYNTAX;
}

/* Keys that stand twice, in every map of the tree. As deep as YAML_DEPTH_MAX. */
static void check_twice(struct reader *reader, const struct yaml_node *node)
{
    const struct yaml_node *key = NULL;
    const struct yaml_node *value = NULL;
    for (size_t at = 0; yaml_next(node, &at, &key, &value);) {
        const struct yaml_node *first = key != NULL ? yaml_get_key(node, key->text) : NULL;
        if (first != key && first != NULL) {
            (void)fault_add(reader->faults, FAULT_KEY_TWICE, reader_place(key),
                            "the key '%.*s' stands here for the second time", STR_ARG(key->text));
            (void)fault_help(reader->faults,
                             "the first is at line %u, column %u; remove one of them",
                             first->start.line, first->start.column);
        }
        check_twice(reader, value);
    }
}

/* Why a file cannot be read, at the place that names it. */
static bool look(struct reader *reader, struct str path, struct place place)
{
    struct err err = {0};
    struct file_info info = {0};
    if (!file_look(path, &info, &err)) {
        return fault_add(reader->faults, FAULT_FILE_UNREADABLE, place, "%s", err.text);
    }
    if (info.kind == FILE_MISSING) {
        (void)fault_add(reader->faults, FAULT_FILE_MISSING, place, "there is no file %.*s",
                        STR_ARG(path));
        return fault_help(reader->faults, "check the path; relative ones count from the folder of "
                                          "the file that names them");
    }
    if (info.kind != FILE_REGULAR) {
        return fault_add(reader->faults, FAULT_FILE_UNREADABLE, place, "%.*s is %s, not a file",
                         STR_ARG(path), info.kind == FILE_DIRECTORY ? "a directory" : "a device");
    }
    if (info.size > TREE_FILE_MAX) {
        return fault_add(reader->faults, FAULT_FILE_LARGE, place,
                         "%.*s has %llu bytes, more than the %d that are read", STR_ARG(path),
                         (unsigned long long)info.size, TREE_FILE_MAX);
    }
    return true;
}

bool tree_file(struct reader *reader, struct str path, const struct place *named,
               const struct yaml_node **root)
{
    struct err err = {0};
    struct str bytes = {0};
    struct place place = named != NULL ? *named : (struct place){.file = path};
    reader_note_file(reader, path);
    if (!look(reader, path, place)) {
        return false;
    }
    if (!file_read(reader->arena, path, TREE_FILE_MAX, &bytes, &err)) {
        return fault_add_advice(reader->faults, FAULT_FILE_UNREADABLE, place, "", err.text);
    }
    faults_source(reader->faults, path, bytes);
    struct yaml_mistake mistake = {0};
    struct yaml_limits limits = {.allow_duplicate_keys = true, .mistake = &mistake};
    if (!yaml_parse(reader->arena, path, bytes, &limits, root, &err)) {
        place = (struct place){
            .file = path, .line = mistake.place.line, .column = mistake.place.column, .length = 1};
        return fault_add_advice(reader->faults, code_of_mistake(mistake.kind), place, "",
                                mistake.text);
    }
    if (yaml_kind(*root) == YAML_NULL) {
        return fault_add(reader->faults, FAULT_FILE_EMPTY, reader_place(*root),
                         "the file is empty");
    }
    check_twice(reader, *root);
    return true;
}

/* ---- Several files ---- */

/* A file on the way from the top to what is read now. */
struct link {
    const struct link *from;
    struct str path;
    struct file_info info;
};

/* A file that was read, and where it was named. */
struct known {
    struct file_info info;
    struct place named;
};

struct merge {
    struct reader *reader;
    struct yaml_node *root;
    struct yaml_node *sections[SECTIONS];
    struct known files[TREE_FILES_MAX];
    size_t file_count;
};

static bool same_file(const struct file_info *a, const struct file_info *b)
{
    return a->inode == b->inode && a->device == b->device;
}

/* One more pair, in room of its own: pairs are few. */
static bool pair_add(struct merge *merge, struct yaml_node *map, const struct yaml_node *key,
                     const struct yaml_node *value)
{
    const struct yaml_node **items =
        arena_array(merge->reader->arena, 2 * (map->count + 1), sizeof(const struct yaml_node *));
    if (items == NULL) {
        return reader_no_memory(merge->reader);
    }
    for (size_t i = 0; i < 2 * map->count; i++) {
        items[i] = map->items[i];
    }
    items[2 * map->count] = key;
    items[2 * map->count + 1] = value;
    map->items = items;
    map->count++;
    return true;
}

static bool defined_twice(struct merge *merge, const struct yaml_node *first,
                          const struct yaml_node *second)
{
    if (str_equal(first->file, second->file)) {
        return true; /* A fault of its own already: the key stands twice in one map. */
    }
    (void)fault_add(merge->reader->faults, FAULT_DEFINED_TWICE, reader_place(second),
                    "'%.*s' is defined in two files", STR_ARG(second->text));
    return fault_help(merge->reader->faults, "the other is at %.*s:%u:%u; remove one of them",
                      STR_ARG(first->file), first->start.line, first->start.column);
}

/* The entries of a section join those of the other files. */
static bool section_join(struct merge *merge, size_t which, const struct yaml_node *key,
                         const struct yaml_node *value)
{
    struct yaml_node *section = merge->sections[which];
    if (section == NULL) {
        section = arena_alloc(merge->reader->arena, sizeof *section);
        if (section == NULL) {
            return reader_no_memory(merge->reader);
        }
        *section = *value;
        merge->sections[which] = section;
        return pair_add(merge, merge->root, key, section);
    }
    bool good = true;
    for (size_t i = 0; i < yaml_count(value); i++) {
        const struct yaml_node *name = reader_key(value, i);
        const struct yaml_node *first = yaml_get_key(section, name->text);
        good = (first != NULL ? defined_twice(merge, first, name)
                              : pair_add(merge, section, name, reader_value(value, i))) &&
               good;
    }
    return good;
}

static bool file_join(struct merge *merge, const struct yaml_node *map)
{
    bool good = true;
    for (size_t i = 0; i < yaml_count(map); i++) {
        const struct yaml_node *key = reader_key(map, i);
        const struct yaml_node *value = reader_value(map, i);
        const struct yaml_node *first = yaml_get_key(merge->root, key->text);
        size_t which = 0;
        while (which < SECTIONS && !str_equal(key->text, str_of(sections[which]))) {
            which++;
        }
        bool joins = which < SECTIONS && yaml_kind(value) == YAML_MAP &&
                     (first == NULL || merge->sections[which] != NULL);
        if (str_equal(key->text, include_key)) {
            continue;
        }
        if (joins && (first == NULL || !str_equal(first->file, key->file))) {
            good = section_join(merge, which, key, value) && good;
        } else {
            good = (first != NULL ? defined_twice(merge, first, key)
                                  : pair_add(merge, merge->root, key, value)) &&
                   good;
        }
    }
    return good;
}

/* "a.yaml includes b.yaml includes a.yaml" */
static struct str chain(struct arena *arena, const struct link *link, const struct file_info *end,
                        struct str path)
{
    const struct link *links[TREE_DEPTH_MAX + 1];
    size_t count = 0;
    struct buf out;
    buf_init(&out, arena, 256);
    for (; link != NULL && count <= TREE_DEPTH_MAX; link = link->from) {
        links[count++] = link;
        if (same_file(&link->info, end)) {
            break;
        }
    }
    while (count > 0) {
        count--;
        buf_printf(&out, "%.*s includes ", STR_ARG(links[count]->path));
    }
    buf_printf(&out, "%.*s", STR_ARG(path));
    return buf_str(&out);
}

static bool file_add(struct merge *merge, const struct link *from, struct str path,
                     const struct place *named, const struct yaml_node **root);

/* May this file be included here? */
static bool allowed(struct merge *merge, const struct link *from, size_t depth, struct str path,
                    const struct file_info *info, const struct place *named)
{
    struct faults *faults = merge->reader->faults;
    for (const struct link *link = from; link != NULL; link = link->from) {
        if (same_file(&link->info, info)) {
            struct str words = chain(merge->reader->arena, from, info, path);
            return fault_add(faults, FAULT_INCLUDE_CYCLE, *named,
                             "the files include each other: %.*s", STR_ARG(words));
        }
    }
    for (size_t i = 0; i < merge->file_count; i++) {
        const struct known *known = &merge->files[i];
        if (same_file(&known->info, info)) {
            (void)fault_add(faults, FAULT_INCLUDE_TWICE, *named, "%.*s is included twice",
                            STR_ARG(path));
            return fault_help(faults, "it is already at %.*s:%zu:%zu", STR_ARG(known->named.file),
                              known->named.line, known->named.column);
        }
    }
    if (depth > TREE_DEPTH_MAX || merge->file_count == TREE_FILES_MAX) {
        return fault_add(faults, FAULT_INCLUDE_LIMIT, *named,
                         depth > TREE_DEPTH_MAX ? "files include files more than %d levels deep"
                                                : "more than %d files",
                         depth > TREE_DEPTH_MAX ? TREE_DEPTH_MAX : TREE_FILES_MAX);
    }
    return true;
}

static bool include_one(struct merge *merge, const struct link *link, const struct yaml_node *node)
{
    struct str path = {0};
    struct err err = {0};
    struct file_info info = {0};
    const struct yaml_node *root = NULL;
    struct place place = reader_place(node);
    size_t depth = 0;
    for (const struct link *one = link; one != NULL; one = one->from) {
        depth++;
    }
    if (!reader_path(merge->reader, node, "include", &path)) {
        return false;
    }
    bool there = file_look(path, &info, &err) && info.kind == FILE_REGULAR;
    return (!there || allowed(merge, link, depth, path, &info, &place)) &&
           file_add(merge, link, path, &place, &root);
}

static bool include_all(struct merge *merge, const struct link *link, const struct yaml_node *node)
{
    bool good = true;
    if (yaml_kind(node) == YAML_MAP) {
        return fault_add(merge->reader->faults, FAULT_TYPE, reader_place(node),
                         "include: a list of files is expected here, not a map");
    }
    if (yaml_kind(node) != YAML_LIST) {
        return include_one(merge, link, node);
    }
    for (size_t i = 0; i < yaml_count(node); i++) {
        good = include_one(merge, link, yaml_at(node, i)) && good;
    }
    return good;
}

static bool file_add(struct merge *merge, const struct link *from, struct str path,
                     const struct place *named, const struct yaml_node **root)
{
    struct link link = {.from = from, .path = path};
    struct place place = named != NULL ? *named : (struct place){.file = path};
    struct err err = {0};
    if (!tree_file(merge->reader, path, named, root) || *root == NULL ||
        !reader_is_map(merge->reader, *root, "the file")) {
        return false;
    }
    if (!file_look(path, &link.info, &err)) {
        return fault_add(merge->reader->faults, FAULT_FILE_UNREADABLE, place, "%s", err.text);
    }
    merge->files[merge->file_count++] = (struct known){link.info, place};
    if (from == NULL) { /* The file on top gives the root its place. */
        *merge->root = (struct yaml_node){
            .kind = YAML_MAP, .file = (*root)->file, .start = (*root)->start, .end = (*root)->end};
    }
    bool good = file_join(merge, *root);
    const struct yaml_node *include = yaml_get(*root, include_key);
    return (include == NULL || include_all(merge, &link, include)) && good;
}

bool tree_read(struct reader *reader, struct str path, const struct yaml_node **root)
{
    const struct yaml_node *top = NULL;
    struct merge *merge = arena_alloc(reader->arena, sizeof *merge);
    struct yaml_node *map = arena_alloc(reader->arena, sizeof *map);
    if (merge == NULL || map == NULL) {
        return reader_no_memory(reader);
    }
    merge->reader = reader;
    merge->root = map;
    (void)file_add(merge, NULL, path, NULL, &top);
    *root = map;
    return map->kind == YAML_MAP; /* What else is wrong is a fault already. */
}
