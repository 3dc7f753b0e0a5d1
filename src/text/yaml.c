#include "text/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/must.h"
#include "text/utf8.h"
#include "text/yaml_scalar.h"

enum {
    ITEMS_FIRST = 8,
    KEYS_BY_PAIRS_MAX = 12, /* So many keys are compared each with each; more are hashed. */
    FILE_SHOWN_MAX = 200,
};

/* ---- Places and errors ---- */

/* The part of a file's name that an error has room for: its end. */
static struct str file_shown(struct str file)
{
    if (file.len == 0) {
        return STR("yaml");
    }
    size_t from = file.len > FILE_SHOWN_MAX ? file.len - FILE_SHOWN_MAX : 0;
    return str_slice(file, from, file.len);
}

struct str yaml_where(const struct yaml_node *node, char out[YAML_WHERE_MAX])
{
    struct str file = file_shown(node != NULL ? node->file : (struct str){0});
    struct yaml_place at = node != NULL ? node->start : (struct yaml_place){1, 1};
    int len = snprintf(out, YAML_WHERE_MAX, "%.*s:%u:%u", STR_ARG(file), at.line, at.column);
    must(len > 0 && len < YAML_WHERE_MAX);
    return (struct str){out, (size_t)len};
}

bool yaml_refuse(struct err *err, const struct yaml_node *node, const char *format, ...)
{
    char where[YAML_WHERE_MAX];
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct str place = yaml_where(node, where);
    return err_set(err, ERR_CONFIG, "%.*s: %s", STR_ARG(place), text);
}

static struct yaml_place place_of(const yaml_mark_t *mark)
{
    return (struct yaml_place){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

/* The place of a byte; only for errors, so it may count from the start. */
static struct yaml_place place_at(struct str text, size_t offset)
{
    struct yaml_place at = {1, 1};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        unsigned byte = (unsigned char)text.ptr[i];
        if (byte == '\n') {
            at.line++;
            at.column = 1;
        } else if ((byte & 0xC0U) != 0x80U) {
            at.column++;
        }
    }
    return at;
}

/* ---- Composing ---- */

struct anchor {
    struct anchor *next;
    struct str name;
    const struct yaml_node *node;
};

/* A list or a map that is still open. */
struct level {
    struct yaml_node *node;
    struct str anchor;
    const struct yaml_node *key; /* Waits for its value. */
    size_t filled;               /* Entries of node->items in use. */
    size_t room;
};

struct composer {
    struct arena *arena;
    struct err *err;
    struct str file;
    struct str text;
    struct yaml_limits limits;
    struct anchor *anchors;
    unsigned anchor_count;
    const struct yaml_node *root;
    struct level levels[YAML_DEPTH_MAX];
    unsigned depth;
    unsigned documents;
    size_t nodes;
};

__attribute__((format(printf, 4, 5))) static bool refuse_at(struct composer *composer,
                                                            enum yaml_mistake_kind kind,
                                                            struct yaml_place at,
                                                            const char *format, ...)
{
    struct yaml_mistake mistake = {.kind = kind, .place = at};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(mistake.text, sizeof mistake.text, format, args);
    va_end(args);
    if (composer->limits.mistake != NULL) {
        *composer->limits.mistake = mistake;
    }
    struct yaml_node node = {.start = at, .file = composer->file};
    return yaml_refuse(composer->err, &node, "%s", mistake.text);
}

static bool no_memory(struct composer *composer)
{
    return refuse_at(composer, YAML_MISTAKE_MEMORY, (struct yaml_place){1, 1},
                     "the file needs more memory than is set aside for it; make it smaller");
}

static struct yaml_node *node_new(struct composer *composer, const yaml_event_t *event)
{
    struct yaml_node *node = arena_alloc(composer->arena, sizeof *node);
    if (node == NULL) {
        (void)no_memory(composer);
        return NULL;
    }
    node->start = place_of(&event->start_mark);
    node->end = place_of(&event->end_mark);
    node->file = composer->file;
    node->weight = 1;
    return node;
}

/* What it all comes to when aliases are written out; a few lines can say "a billion". */
static bool weigh(struct composer *composer, size_t weight, struct yaml_place at)
{
    composer->nodes += weight;
    if (composer->nodes > composer->limits.nodes_max) {
        return refuse_at(composer, YAML_MISTAKE_LIMIT, at,
                         "the file holds more than %zu values, aliases written out; split it or "
                         "use fewer aliases",
                         composer->limits.nodes_max);
    }
    return true;
}

static bool anchor_add(struct composer *composer, struct str name, const struct yaml_node *node)
{
    if (name.ptr == NULL) {
        return true;
    }
    if (composer->anchor_count++ == YAML_ANCHORS_MAX) {
        return refuse_at(composer, YAML_MISTAKE_LIMIT, node->start,
                         "this is anchor %d, one too many; use fewer", YAML_ANCHORS_MAX + 1);
    }
    struct anchor *anchor = arena_alloc(composer->arena, sizeof *anchor);
    if (anchor == NULL) {
        return no_memory(composer);
    }
    *anchor = (struct anchor){composer->anchors, name, node};
    composer->anchors = anchor;
    return true;
}

/* The name of an anchor, kept; absent when there is none. */
static bool anchor_name(struct composer *composer, const yaml_char_t *text, struct str *name)
{
    *name = (struct str){0};
    if (text == NULL) {
        return true;
    }
    *name = arena_copy(composer->arena, str_of((const char *)text));
    return name->ptr != NULL || no_memory(composer);
}

static bool items_reserve(struct composer *composer, struct level *level, size_t extra)
{
    if (level->filled + extra <= level->room) {
        return true;
    }
    size_t room = level->room == 0 ? ITEMS_FIRST : level->room * 2;
    const struct yaml_node **items =
        arena_array(composer->arena, room, sizeof(const struct yaml_node *));
    if (items == NULL) {
        return no_memory(composer);
    }
    if (level->filled > 0) {
        memcpy(items, level->node->items, level->filled * sizeof *items);
    }
    level->node->items = items;
    level->room = room;
    return true;
}

static bool key_check(struct composer *composer, const struct yaml_node *key)
{
    if (key->kind == YAML_LIST || key->kind == YAML_MAP) {
        return refuse_at(composer, YAML_MISTAKE_FEATURE, key->start,
                         "a key is %s, and has to be a word; write `key: value`",
                         yaml_kind_words(key->kind));
    }
    if (key->kind == YAML_NULL && key->text.len == 0) {
        return refuse_at(composer, YAML_MISTAKE_SYNTAX, key->start,
                         "a key is missing in front of the colon; name it");
    }
    if (!key->quoted && str_equal(key->text, STR("<<"))) {
        return refuse_at(composer, YAML_MISTAKE_FEATURE, key->start,
                         "merge keys (<<) are not read, they are no part of YAML 1.2; write the "
                         "keys out");
    }
    return true;
}

/* A finished node goes where it belongs: the root, a key, a value, an item. */
static bool put(struct composer *composer, const struct yaml_node *node)
{
    if (composer->depth == 0) {
        composer->root = node;
        return true;
    }
    struct level *level = &composer->levels[composer->depth - 1];
    bool map = level->node->kind == YAML_MAP;
    if (map && level->key == NULL) {
        level->key = node;
        return key_check(composer, node);
    }
    if (!items_reserve(composer, level, 2)) {
        return false;
    }
    if (map) {
        level->node->items[level->filled++] = level->key;
        level->node->weight += level->key->weight;
    }
    level->node->items[level->filled++] = node;
    level->node->weight += node->weight;
    level->node->count++;
    level->key = NULL;
    return true;
}

/* ---- Scalars ---- */

static const char core_tags[] = "tag:yaml.org,2002:";

static bool tag_unknown(struct composer *composer, const struct yaml_node *node, struct str tag)
{
    return refuse_at(composer, YAML_MISTAKE_FEATURE, node->start,
                     "the tag %.*s%.60s is not known here; leave it out",
                     str_starts(tag, STR("!")) ? 0 : 1, "!", tag.ptr);
}

static bool tag_apply(struct composer *composer, struct yaml_node *node, struct str tag)
{
    static const struct {
        const char *name;
        enum yaml_kind kind;
    } kinds[] = {{"str", YAML_TEXT},
                 {"int", YAML_INT},
                 {"bool", YAML_BOOL},
                 {"null", YAML_NULL},
                 {"float", YAML_DOUBLE}};
    if (str_equal(tag, STR("!"))) { /* "As it is": a scalar is text then. */
        node->kind = YAML_TEXT;
        return true;
    }
    if (!str_starts(tag, str_of(core_tags))) {
        return tag_unknown(composer, node, tag);
    }
    struct str name = str_slice(tag, sizeof core_tags - 1, tag.len);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!str_equal(name, str_of(kinds[i].name))) {
            continue;
        }
        yaml_scalar_type(node);
        if (kinds[i].kind == YAML_DOUBLE && node->kind == YAML_INT) {
            node->value.real = (double)node->value.integer;
            node->kind = YAML_DOUBLE;
        }
        if (kinds[i].kind == YAML_TEXT) {
            node->kind = YAML_TEXT;
        }
        return node->kind == kinds[i].kind || refuse_at(composer, YAML_MISTAKE_FEATURE, node->start,
                                                        "this is %s, its tag !!%s says otherwise",
                                                        yaml_kind_words(node->kind), kinds[i].name);
    }
    return tag_unknown(composer, node, tag);
}

static bool on_scalar(struct composer *composer, const yaml_event_t *event)
{
    struct str anchor;
    struct yaml_node *node = node_new(composer, event);
    if (node == NULL || !anchor_name(composer, event->data.scalar.anchor, &anchor)) {
        return false;
    }
    struct str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    node->text = arena_copy(composer->arena, text);
    if (node->text.ptr == NULL) {
        return no_memory(composer);
    }
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->kind = YAML_TEXT;
    if (event->data.scalar.tag != NULL) {
        if (!tag_apply(composer, node, str_of((const char *)event->data.scalar.tag))) {
            return false;
        }
    } else if (!node->quoted) {
        yaml_scalar_type(node);
    }
    return weigh(composer, 1, node->start) && anchor_add(composer, anchor, node) &&
           put(composer, node);
}

static bool on_alias(struct composer *composer, const yaml_event_t *event)
{
    struct str name = str_of((const char *)event->data.alias.anchor);
    struct yaml_place at = place_of(&event->start_mark);
    const struct anchor *anchor = composer->anchors;
    while (anchor != NULL && !str_equal(anchor->name, name)) {
        anchor = anchor->next;
    }
    if (anchor == NULL) {
        return refuse_at(composer, YAML_MISTAKE_SYNTAX, at,
                         "there is no finished anchor &%.60s before this alias; define it above, "
                         "or put the text into quotes if no alias is meant",
                         name.ptr);
    }
    return weigh(composer, anchor->node->weight, at) && put(composer, anchor->node);
}

/* ---- Lists and maps ---- */

static bool on_open(struct composer *composer, const yaml_event_t *event, enum yaml_kind kind)
{
    bool map = kind == YAML_MAP;
    const yaml_char_t *anchor =
        map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag_text =
        map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    struct str tag = str_of((const char *)tag_text);
    struct yaml_node *node = node_new(composer, event);
    if (node == NULL) {
        return false;
    }
    if (composer->depth == composer->limits.depth_max) {
        return refuse_at(composer, YAML_MISTAKE_LIMIT, node->start,
                         "lists and maps are nested more than %u levels deep; make it flatter",
                         composer->limits.depth_max);
    }
    node->kind = kind;
    struct str right = map ? STR("tag:yaml.org,2002:map") : STR("tag:yaml.org,2002:seq");
    if (tag.ptr != NULL && !str_equal(tag, right) && !str_equal(tag, STR("!"))) {
        return tag_unknown(composer, node, tag);
    }
    struct level *level = &composer->levels[composer->depth];
    *level = (struct level){.node = node};
    if (!anchor_name(composer, anchor, &level->anchor)) {
        return false;
    }
    composer->depth++;
    return weigh(composer, 1, node->start);
}

static bool key_twice(struct composer *composer, const struct yaml_node *first,
                      const struct yaml_node *second)
{
    struct str key = utf8_cut(second->text, 80);
    return refuse_at(composer, YAML_MISTAKE_KEY_TWICE, second->start,
                     "the key `%.*s` stands here for the second time, the first is at line %u, "
                     "column %u; remove one of them",
                     STR_ARG(key), first->start.line, first->start.column);
}

static bool keys_by_pairs(struct composer *composer, const struct yaml_node *map)
{
    for (size_t i = 1; i < map->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_equal(map->items[2 * k]->text, map->items[2 * i]->text)) {
                return key_twice(composer, map->items[2 * k], map->items[2 * i]);
            }
        }
    }
    return true;
}

static bool keys_by_hash(struct composer *composer, const struct yaml_node *map)
{
    size_t slots = 32;
    while (slots < map->count * 2) {
        slots *= 2;
    }
    struct arena_mark mark = arena_mark(composer->arena);
    const struct yaml_node **table =
        arena_array(composer->arena, slots, sizeof(const struct yaml_node *));
    if (table == NULL) {
        return no_memory(composer);
    }
    bool ok = true;
    for (size_t i = 0; i < map->count && ok; i++) {
        const struct yaml_node *key = map->items[2 * i];
        size_t at = (size_t)str_hash(key->text, (uint64_t)(uintptr_t)map) & (slots - 1);
        while (ok && table[at] != NULL) {
            ok = !str_equal(table[at]->text, key->text) || key_twice(composer, table[at], key);
            at = (at + 1) & (slots - 1);
        }
        table[at] = ok ? key : table[at];
    }
    arena_rewind(composer->arena, mark);
    return ok;
}

static bool on_close(struct composer *composer, const yaml_event_t *event)
{
    must(composer->depth > 0); /* The library pairs what opens and what closes. */
    struct level level = composer->levels[--composer->depth];
    struct yaml_node *node = level.node;
    must(node != NULL);
    node->end = place_of(&event->end_mark);
    if (node->kind == YAML_MAP && !composer->limits.allow_duplicate_keys) {
        bool unique = node->count <= KEYS_BY_PAIRS_MAX ? keys_by_pairs(composer, node)
                                                       : keys_by_hash(composer, node);
        if (!unique) {
            return false;
        }
    }
    return anchor_add(composer, level.anchor, node) && put(composer, node);
}

static bool on_document(struct composer *composer, const yaml_event_t *event)
{
    composer->documents++;
    return composer->documents == 1 ||
           refuse_at(composer, YAML_MISTAKE_FEATURE, place_of(&event->start_mark),
                     "a second document begins here (---); put it into a file of its own");
}

static bool on_event(struct composer *composer, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(composer, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(composer, event);
    case YAML_ALIAS_EVENT:
        return on_alias(composer, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(composer, event, YAML_LIST);
    case YAML_MAPPING_START_EVENT:
        return on_open(composer, event, YAML_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_close(composer, event);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    must_failed("unknown YAML event", __FILE__, __LINE__);
}

/* ---- What the library could not read, in words ---- */

static const char tab_words[] =
    "a tab stands where only spaces may; replace it by spaces (set the editor to do so)";

struct word {
    const char *problem; /* The library's text begins with this. */
    const char *text;
    enum yaml_mistake_kind kind;
};

static const struct word words[] = {
    {"found a tab character", tab_words, YAML_MISTAKE_TAB},
    {"mapping values are not allowed",
     "a `: ` is not possible here; put the value into quotes, or correct the indentation",
     YAML_MISTAKE_SYNTAX},
    {"did not find expected key",
     "a key is needed here; line it up with the keys above, or close a quote before",
     YAML_MISTAKE_SYNTAX},
    {"did not find expected '-'",
     "the next `- ` of the list is needed here; line it up with those above", YAML_MISTAKE_SYNTAX},
    {"could not find expected ':'",
     "a colon is missing behind a key; write `key: value`, or put the text into quotes",
     YAML_MISTAKE_SYNTAX},
    {"did not find expected ',' or ']'", "a list in brackets is not closed; add `]` or a comma",
     YAML_MISTAKE_SYNTAX},
    {"did not find expected ',' or '}'", "a map in braces is not closed; add `}` or a comma",
     YAML_MISTAKE_SYNTAX},
    {"found unexpected end of stream", "a quote that was opened is not closed; add it",
     YAML_MISTAKE_SYNTAX},
    {"found unexpected document indicator", "a quote is not closed before `---`; add it",
     YAML_MISTAKE_SYNTAX},
    {"block sequence entries are not allowed",
     "a `- ` is not possible here; begin the list in a line of its own, under its key",
     YAML_MISTAKE_SYNTAX},
    {"found unknown escape character",
     "there is no such escape; write \\\\ for a backslash, or use 'single quotes'",
     YAML_MISTAKE_SYNTAX},
    {"found undefined tag handle", "this tag is not known here; leave it out",
     YAML_MISTAKE_FEATURE},
    {"did not find expected node content",
     "a value is needed here; write one, or put it into quotes", YAML_MISTAKE_SYNTAX},
    {"did not find expected alphabetic",
     "an anchor or alias needs a name; put the text into quotes if none is meant",
     YAML_MISTAKE_SYNTAX},
    {"did not find expected <document start>",
     "this does not belong to what stands before; check the indentation and the quotes",
     YAML_MISTAKE_SYNTAX},
    {"found incompatible YAML document", "the %YAML line asks for another version; leave it out",
     YAML_MISTAKE_FEATURE},
};

static char letter_at(struct str text, const yaml_mark_t *mark)
{
    size_t line = 0;
    size_t column = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (line == mark->line && column == mark->column) {
            return text.ptr[i];
        }
        if (text.ptr[i] == '\n') {
            line++;
            column = 0;
        } else if (i + 1 >= text.len || ((unsigned char)text.ptr[i + 1] & 0xC0U) != 0x80U) {
            column++; /* At the end of a character, whose bytes count once. */
        }
    }
    return '\0';
}

static bool refuse_letter(struct composer *composer, struct yaml_place at, char letter)
{
    if (letter == '\t') {
        return refuse_at(composer, YAML_MISTAKE_TAB, at, "%s", tab_words);
    }
    return refuse_at(composer, YAML_MISTAKE_SYNTAX, at,
                     "no value can begin with `%c`; put it into quotes",
                     letter > ' ' && letter < 0x7F ? letter : '?');
}

static bool refuse_parser(struct composer *composer, const yaml_parser_t *parser)
{
    const char *problem = parser->problem != NULL ? parser->problem : "it cannot be read";
    if (parser->error == YAML_MEMORY_ERROR) {
        return no_memory(composer);
    }
    if (parser->error == YAML_READER_ERROR) {
        return refuse_at(composer, YAML_MISTAKE_ENCODING,
                         place_at(composer->text, parser->problem_offset), "%s (U+%04X); remove it",
                         problem, (unsigned)parser->problem_value);
    }
    struct yaml_place at = place_of(&parser->problem_mark);
    if (strncmp(problem, "found character that cannot start", 33) == 0) {
        return refuse_letter(composer, at, letter_at(composer->text, &parser->problem_mark));
    }
    enum yaml_mistake_kind kind = YAML_MISTAKE_SYNTAX;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strncmp(problem, words[i].problem, strlen(words[i].problem)) == 0) {
            problem = words[i].text;
            kind = words[i].kind;
            break;
        }
    }
    if (parser->context != NULL && parser->context_mark.line != parser->problem_mark.line) {
        return refuse_at(composer, kind, at, "%s (what it belongs to begins at line %u)", problem,
                         (unsigned)parser->context_mark.line + 1);
    }
    return refuse_at(composer, kind, at, "%s", problem);
}

/* ---- Parsing ---- */

static bool check_bytes(struct composer *composer)
{
    struct str text = composer->text;
    if (text.len > composer->limits.size_max) {
        return refuse_at(composer, YAML_MISTAKE_LARGE, (struct yaml_place){1, 1},
                         "the file has %zu bytes, more than the %zu that are read; split it",
                         text.len, composer->limits.size_max);
    }
    if (str_starts(text, STR("\xFF\xFE")) || str_starts(text, STR("\xFE\xFF"))) {
        return refuse_at(composer, YAML_MISTAKE_ENCODING, (struct yaml_place){1, 1},
                         "the file is UTF-16; save it as UTF-8");
    }
    size_t valid = utf8_valid_len(text);
    return valid == text.len || refuse_at(composer, YAML_MISTAKE_ENCODING, place_at(text, valid),
                                          "this byte is no UTF-8; save the file as UTF-8");
}

static bool compose(struct composer *composer)
{
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
        return no_memory(composer);
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)composer->text.ptr,
                                 composer->text.len);
    bool ok = true;
    bool end = false;
    while (ok && !end) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            ok = refuse_parser(composer, &parser);
            break;
        }
        end = event.type == YAML_STREAM_END_EVENT;
        ok = on_event(composer, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return ok;
}

bool yaml_parse(struct arena *arena, struct str file, struct str text,
                const struct yaml_limits *limits, const struct yaml_node **root, struct err *err)
{
    struct composer composer = {.arena = arena, .err = err, .file = file, .text = text};
    composer.limits = limits != NULL ? *limits : (struct yaml_limits){0};
    struct yaml_limits *use = &composer.limits;
    use->size_max = use->size_max > 0 ? use->size_max : YAML_SIZE_MAX;
    use->depth_max = use->depth_max > 0 ? use->depth_max : YAML_DEPTH_MAX;
    use->nodes_max = use->nodes_max > 0 ? use->nodes_max : YAML_NODES_MAX;
    must(use->depth_max <= YAML_DEPTH_MAX);
    if (str_starts(text, STR("\xEF\xBB\xBF"))) {
        composer.text = str_slice(text, 3, text.len);
    }
    if (text.ptr == NULL) {
        composer.text = STR("");
    }
    composer.file = arena_copy(arena, file);
    if (composer.file.ptr == NULL) {
        composer.file = file;
        return no_memory(&composer);
    }
    if (!check_bytes(&composer) || !compose(&composer)) {
        return false;
    }
    if (composer.root == NULL) {
        yaml_event_t nothing = {.type = YAML_NO_EVENT};
        struct yaml_node *node = node_new(&composer, &nothing);
        if (node == NULL) {
            return false;
        }
        node->kind = YAML_NULL;
        node->text = STR("");
        composer.root = node;
    }
    *root = composer.root;
    return true;
}

/* ---- Asking ---- */

enum yaml_kind yaml_kind(const struct yaml_node *node)
{
    return node != NULL ? node->kind : YAML_ABSENT;
}

const char *yaml_kind_words(enum yaml_kind kind)
{
    switch (kind) {
    case YAML_ABSENT:
        return "nothing";
    case YAML_NULL:
        return "empty";
    case YAML_BOOL:
        return "true or false";
    case YAML_INT:
        return "a whole number";
    case YAML_DOUBLE:
        return "a number";
    case YAML_TEXT:
        return "text";
    case YAML_LIST:
        return "a list";
    case YAML_MAP:
        return "a map";
    }
    must_failed("unknown yaml_kind", __FILE__, __LINE__);
}

/* The index of a key's pair, or STR_NONE. */
static size_t find(const struct yaml_node *map, struct str key)
{
    for (size_t i = 0; yaml_kind(map) == YAML_MAP && i < map->count; i++) {
        if (str_equal(map->items[2 * i]->text, key)) {
            return i;
        }
    }
    return STR_NONE;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, struct str key)
{
    size_t at = find(map, key);
    return at != STR_NONE ? map->items[2 * at + 1] : NULL;
}

const struct yaml_node *yaml_get_key(const struct yaml_node *map, struct str key)
{
    size_t at = find(map, key);
    return at != STR_NONE ? map->items[2 * at] : NULL;
}

const struct yaml_node *yaml_at(const struct yaml_node *list, size_t index)
{
    return yaml_kind(list) == YAML_LIST && index < list->count ? list->items[index] : NULL;
}

size_t yaml_count(const struct yaml_node *node)
{
    return node != NULL ? node->count : 0;
}

struct str yaml_text(const struct yaml_node *node)
{
    enum yaml_kind kind = yaml_kind(node);
    bool scalar = kind == YAML_TEXT || kind == YAML_INT || kind == YAML_DOUBLE || kind == YAML_BOOL;
    return scalar ? node->text : (struct str){0};
}

bool yaml_bool(const struct yaml_node *node, bool *out)
{
    if (yaml_kind(node) != YAML_BOOL) {
        return false;
    }
    *out = node->value.truth;
    return true;
}

bool yaml_int(const struct yaml_node *node, int64_t *out)
{
    if (yaml_kind(node) != YAML_INT) {
        return false;
    }
    *out = node->value.integer;
    return true;
}

bool yaml_double(const struct yaml_node *node, double *out)
{
    if (yaml_kind(node) == YAML_INT) {
        *out = (double)node->value.integer;
        return true;
    }
    if (yaml_kind(node) != YAML_DOUBLE) {
        return false;
    }
    *out = node->value.real;
    return true;
}

bool yaml_next(const struct yaml_node *node, size_t *at, const struct yaml_node **key,
               const struct yaml_node **value)
{
    if (*at >= yaml_count(node)) {
        return false;
    }
    bool map = node->kind == YAML_MAP;
    if (key != NULL) {
        *key = map ? node->items[2 * *at] : NULL;
    }
    *value = map ? node->items[2 * *at + 1] : node->items[*at];
    (*at)++;
    return true;
}
