#include "config/projects.h"

#include "base/buf.h"
#include "base/file.h"
#include "config/chats.h"
#include "config/tree.h"

/* As the configuration checks it. */
static bool check(const struct projects *projects, struct str text, const struct yaml_node **list,
                  struct err *err)
{
    struct faults faults;
    struct env env = {0};
    struct named_chats chats = {0};
    const struct yaml_node *root = NULL;
    faults_init(&faults, projects->arena);
    struct reader reader = {.arena = projects->arena, .faults = &faults, .env = &env};
    if (!yaml_parse(projects->arena, projects->path, text, NULL, &root, err)) {
        return false;
    }
    *list = yaml_get(root, str_of(projects->option));
    if (yaml_kind(*list) == YAML_NULL || *list == NULL) { /* None yet. */
        return *list != NULL || err_set(err, ERR_CONFIG, "%.*s: the key '%s' is missing",
                                        STR_ARG(projects->path), projects->option);
    }
    if (config_chats_read(&reader, *list, projects->option, &chats)) {
        return true;
    }
    if (faults.kept == 0) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    struct str line = fault_line(&faults.items[0], projects->arena);
    return err_set(err, ERR_CONFIG, "%.*s", STR_ARG(line));
}

bool projects_read(struct projects *out, struct arena *arena, struct str path, const char *option,
                   struct err *err)
{
    const struct yaml_node *list = NULL;
    *out = (struct projects){.arena = arena, .path = path, .option = option};
    if (!file_read(arena, path, TREE_FILE_MAX, &out->text, err) ||
        !check(out, out->text, &list, err)) {
        return false;
    }
    out->items = arena_array(arena, yaml_count(list) + 1, sizeof *out->items);
    if (out->items == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    for (; out->count < yaml_count(list); out->count++) {
        const struct yaml_node *node = yaml_at(list, out->count);
        struct project *project = &out->items[out->count];
        *project = (struct project){.name = yaml_text(yaml_get(node, STR("name"))),
                                    .chat = yaml_text(yaml_get(node, STR("group_jid"))),
                                    .description = yaml_text(yaml_get(node, STR("description"))),
                                    .line = node->start.line,
                                    .node = node};
        project->enabled = str_equal(yaml_text(yaml_get(node, STR("enabled"))), STR("true"));
    }
    return true;
}

size_t projects_find(const struct projects *projects, struct str word)
{
    size_t at = 0;
    while (at < projects->count && !str_equal(projects->items[at].name, word) &&
           !str_equal(projects->items[at].chat, word)) {
        at++;
    }
    return at;
}

/* Where a line begins; the end of the text when there are fewer. */
static size_t line_start(struct str text, size_t line)
{
    size_t at = 0;
    for (size_t i = 1; i < line; i++) {
        size_t end = str_find_byte(text, '\n', at);
        if (end == STR_NONE) {
            return text.len;
        }
        at = end + 1;
    }
    return at;
}

/* The offset of a place; columns are characters. */
static size_t offset_of(struct str text, struct yaml_place place)
{
    size_t at = line_start(text, place.line);
    for (uint32_t column = 1; column < place.column && at < text.len; column++) {
        at++;
        while (at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80) {
            at++;
        }
    }
    return at;
}

static struct str splice(struct arena *arena, struct str text, size_t from, size_t to,
                         struct str middle)
{
    struct buf out;
    buf_init(&out, arena, text.len + middle.len + 1);
    buf_add(&out, str_slice(text, 0, from));
    buf_add(&out, middle);
    buf_add(&out, str_slice(text, to, text.len));
    return buf_str(&out);
}

/* In double quotes, so that nothing in it means anything; "${" stays what it is. */
static bool put_quoted(struct buf *out, struct str value)
{
    buf_add_byte(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        char byte = value.ptr[i];
        if ((unsigned char)byte < 0x20 || byte == 0x7F) {
            return false;
        }
        if (byte == '"' || byte == '\\') {
            buf_add_byte(out, '\\');
        }
        if (byte == '$' && i + 1 < value.len && value.ptr[i + 1] == '{') {
            buf_add_byte(out, '$');
        }
        buf_add_byte(out, byte);
    }
    buf_add_byte(out, '"');
    return true;
}

/* The lines of an entry, behind `indent` columns. */
static bool put_entry(struct buf *out, const struct project *project, size_t indent,
                      const char *eol)
{
    int in = (int)indent;
    buf_printf(out, "%*s- name: ", in, "");
    bool good = put_quoted(out, project->name);
    buf_printf(out, "%s%*s  enabled: %s%s%*s  group_jid: ", eol, in, "",
               project->enabled ? "true" : "false", eol, in, "");
    good = put_quoted(out, project->chat) && good;
    buf_printf(out, "%s%*s  description: ", eol, in, "");
    good = put_quoted(out, project->description) && good;
    buf_printf(out, "%s", eol);
    return good;
}

/* Where the new entry goes, and how far in its dash stands. An empty list `[]` is taken out. */
struct gap {
    size_t from;
    size_t to;
    size_t indent;
};

static bool find_gap(const struct projects *projects, const struct yaml_node *list, struct gap *gap,
                     struct err *err)
{
    struct str text = projects->text;
    size_t count = yaml_count(list);
    if (count == 0) {
        bool flow = yaml_kind(list) == YAML_LIST;
        gap->from = flow ? offset_of(text, list->start) : line_start(text, list->start.line + 1);
        gap->to = flow ? line_start(text, list->end.line + 1) : gap->from;
        gap->indent = 2;
        return true;
    }
    const struct yaml_node *last = yaml_at(list, count - 1);
    const struct yaml_node *value = last->items[2 * last->count - 1];
    size_t at = offset_of(text, last->start);
    size_t start = line_start(text, last->start.line);
    size_t dash = at;
    while (dash > start && text.ptr[dash - 1] == ' ') {
        dash--;
    }
    if (dash == start || text.ptr[dash - 1] != '-' || text.ptr[at] == '{') {
        return err_set(err, ERR_REJECT,
                       "%.*s: the list is written in one line, which is not for a program to "
                       "change; add the entry by hand",
                       STR_ARG(projects->path));
    }
    gap->indent = dash - 1 - start;
    gap->from = line_start(text, value->end.column == 1 ? value->end.line : value->end.line + 1);
    gap->to = gap->from;
    return true;
}

static bool is_taken(const struct projects *projects, const struct project *project,
                     struct err *err)
{
    for (size_t i = 0; i < projects->count; i++) {
        const struct project *other = &projects->items[i];
        bool name = str_equal(other->name, project->name);
        if (name || str_equal(other->chat, project->chat)) {
            return err_set(err, ERR_REJECT,
                           "the %s is taken by the project '%.*s' (%.*s, %s), line %zu of %.*s",
                           name ? "name" : "group", STR_ARG(other->name), STR_ARG(other->chat),
                           other->enabled ? "enabled" : "not enabled", other->line,
                           STR_ARG(projects->path));
        }
    }
    return true;
}

bool projects_add(const struct projects *projects, const struct project *project, struct str *text,
                  struct err *err)
{
    const struct yaml_node *list = NULL;
    struct gap gap = {0};
    struct buf entry;
    const char *eol = str_find(projects->text, STR("\r\n"), 0) != STR_NONE ? "\r\n" : "\n";
    if (!is_taken(projects, project, err) || !check(projects, projects->text, &list, err) ||
        !find_gap(projects, list, &gap, err)) {
        return false;
    }
    buf_init(&entry, projects->arena, 256);
    bool fresh_line = gap.from > 0 && projects->text.ptr[gap.from - 1] != '\n';
    buf_printf(&entry, "%s", fresh_line ? eol : "");
    if (!put_entry(&entry, project, gap.indent, eol)) {
        return err_set(err, ERR_REJECT, "a name or a description holds a control character");
    }
    *text = splice(projects->arena, projects->text, gap.from, gap.to, buf_str(&entry));
    if (!check(projects, *text, &list, err)) {
        err->kind = ERR_REJECT;
        return false;
    }
    return yaml_count(list) == projects->count + 1 ||
           err_set(err, ERR_REJECT, "%.*s: the entry would not be where it belongs; add it by hand",
                   STR_ARG(projects->path));
}

bool projects_enable(const struct projects *projects, size_t at, bool on, struct str *text,
                     struct err *err)
{
    const struct yaml_node *value = yaml_get(projects->items[at].node, STR("enabled"));
    const struct yaml_node *list = NULL;
    size_t from = offset_of(projects->text, value->start);
    size_t to = offset_of(projects->text, value->end);
    *text = splice(projects->arena, projects->text, from, to, on ? STR("true") : STR("false"));
    if (!check(projects, *text, &list, err)) {
        return false;
    }
    const struct yaml_node *now = yaml_get(yaml_at(list, at), STR("enabled"));
    return str_equal(yaml_text(now), on ? STR("true") : STR("false")) ||
           err_set(err, ERR_REJECT,
                   "%.*s:%zu: `enabled` cannot be changed by a program; do it by "
                   "hand",
                   STR_ARG(projects->path), projects->items[at].line);
}
