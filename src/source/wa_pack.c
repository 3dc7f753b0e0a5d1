#include "source/wa_pack.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "source/wa_data.h"
#include "text/json.h"

enum {
    PACK_ARENA_MAX = 32 * 1024 * 1024,
    PACK_SECTIONS = 6,
    PACK_VERSION = 1,
    PACK_KEYS_MAX = 48, /* Of one section. */
};

/* What a section may hold. A list of words stands by locale, one of selectors does not. */
static const struct section {
    struct str name;
    bool words;  /* All of it: lists of words by locale. */
    bool either; /* Selectors, or words by locale. */
    const char *keys[PACK_KEYS_MAX];
} sections[PACK_SECTIONS] = {
    /* How far the page is: wa_look asks. */
    {STR_INIT("boot"),
     false,
     true,
     {"progress", "pairing", "code", "code_picture", "expired", "renew", "ready", "dialog",
      "dialog_close", "takeover_ok", "phone_offline", "computer_offline", "restricted",
      "takeover_words", "use_here_words", "unsupported_words", "storage_words", "restricted_words",
      "offline_words"}},
    {STR_INIT("list"),
     false,
     false,
     {"pane", "grid", "row", "cell", "title", "preview", "unread", "when"}},
    {STR_INIT("search"), false, false, {"box", "clear"}},
    {STR_INIT("header"), false, false, {"frame", "title", "people"}},
    {STR_INIT("messages"),
     false,
     false,
     {"main",      "scroller",    "row",      "id_attribute", "mark_attribute", "shell",
      "container", "system",      "block",    "text",         "text_bare",      "more",
      "quoted",    "quoted_text", "meta",     "class_in",     "class_out",      "tail_in",
      "tail_out",  "label",       "author",   "ticks",        "deleted",        "forwarded",
      "image",     "video",       "album",    "audio",        "document",       "file_name",
      "sticker",   "contact",     "location", "poll",         "poll_text",      "call",
      "day",       "older"}},
    {STR_INIT("words"),
     true,
     false,
     {"older", "today", "yesterday", "you", "ticks", "edited", "waiting", "suffix"}},
};

struct pack {
    struct str name; /* Without its ending. */
    bool own;        /* The user's, and none that the binary has. */
    struct str parts[PACK_SECTIONS];
};

/* A file of the folder as it was when it was last read. */
struct seen {
    struct str name;
    struct file_info info;
};

struct packs_edition {
    struct arena arena;
    struct pack packs[WA_PACKS_MAX];
    size_t count;
    struct seen seen[WA_PACKS_MAX];
    size_t seen_count;
};

struct wa_packs {
    struct str folder;
    char folder_text[FILE_PATH_MAX];
    struct packs_edition editions[2];
    int current;
    struct packs_edition refused; /* Only what was seen: it is not complained about again. */
};

struct str wa_data_find(struct str name)
{
    for (size_t i = 0; i < wa_data_count; i++) {
        if (str_equal(wa_data_files[i].name, name)) {
            return wa_data_files[i].text;
        }
    }
    return (struct str){0};
}

/* ---- One file ---- */

/* Where errors are: names are looked for in the order in which they stand. */
struct reading {
    struct str file;
    struct str text;
    size_t at;
};

static void go_to(struct reading *reading, struct str name)
{
    if (reading->text.ptr == NULL) {
        return;
    }
    for (size_t at = str_find(reading->text, name, reading->at); at != STR_NONE;
         at = str_find(reading->text, name, at + 1)) {
        if (at > 0 && reading->text.ptr[at - 1] == '"' && at + name.len < reading->text.len &&
            reading->text.ptr[at + name.len] == '"') {
            reading->at = at;
            return;
        }
    }
}

static bool complain(const struct reading *reading, struct err *err, const char *why,
                     struct str what)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < reading->at; i++) {
        unsigned char byte = (unsigned char)reading->text.ptr[i];
        if (byte == '\n') {
            line++;
            column = 1;
        } else if ((byte & 0xC0) != 0x80) {
            column++;
        }
    }
    return err_set(err, ERR_CONFIG, "%.*s:%zu:%zu: %s%s%.*s%s", STR_ARG(reading->file), line,
                   column, why, what.len > 0 ? " '" : "", (int)(what.len < 80 ? what.len : 80),
                   what.len > 0 ? what.ptr : "", what.len > 0 ? "'" : "");
}

static bool check_list(struct reading *reading, const struct json_value *list, struct str key,
                       struct err *err)
{
    struct json_iter iter;
    const struct json_value *item;
    if (json_kind(list) != JSON_ARRAY || json_count(list) == 0 ||
        json_count(list) > WA_PACK_ITEMS_MAX) {
        return complain(reading, err, "expected a list of texts, one at least and 64 at most, for",
                        key);
    }
    json_iter_init(&iter, list);
    while (json_next(&iter, NULL, &item)) {
        struct str text = json_str(item);
        if (json_kind(item) != JSON_STRING || text.len == 0 || text.len > WA_PACK_ITEM_MAX) {
            return complain(reading, err, "expected texts of 1 to 512 bytes in the list of", key);
        }
        for (size_t i = 0; i < text.len; i++) {
            if ((unsigned char)text.ptr[i] < 0x20) {
                return complain(reading, err, "there is a control character in the list of", key);
            }
        }
    }
    return true;
}

static bool check_words(struct reading *reading, const struct json_value *words, struct str key,
                        struct err *err)
{
    struct json_iter iter;
    struct str locale;
    const struct json_value *list;
    if (json_kind(words) != JSON_OBJECT) {
        return complain(reading, err,
                        "expected words by language, such as {\"en\": [\"Today\"]}, for", key);
    }
    json_iter_init(&iter, words);
    while (json_next(&iter, &locale, &list)) {
        go_to(reading, locale);
        if (!check_list(reading, list, locale, err)) {
            return false;
        }
    }
    return true;
}

static bool is_key(const struct section *section, struct str key)
{
    for (size_t i = 0; i < PACK_KEYS_MAX && section->keys[i] != NULL; i++) {
        if (str_equal(str_of(section->keys[i]), key)) {
            return true;
        }
    }
    return false;
}

static bool check_section(struct reading *reading, const struct section *section,
                          const struct json_value *parts, struct err *err)
{
    struct json_iter iter;
    struct str key;
    const struct json_value *value;
    if (json_kind(parts) != JSON_OBJECT) {
        return complain(reading, err, "expected an object for the section", section->name);
    }
    json_iter_init(&iter, parts);
    while (json_next(&iter, &key, &value)) {
        go_to(reading, key);
        if (!is_key(section, key)) {
            char why[96];
            (void)snprintf(why, sizeof why, "the section %.*s has no", STR_ARG(section->name));
            return complain(reading, err, why, key);
        }
        bool words = section->words || (section->either && json_kind(value) == JSON_OBJECT);
        if (!(words ? check_words(reading, value, key, err)
                    : check_list(reading, value, key, err))) {
            return false;
        }
    }
    return true;
}

static struct str write_section(struct arena *arena, const struct json_value *parts)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 0);
    json_writer_init(&json, &buf);
    json_put_value(&json, parts);
    return buf_str(&buf);
}

static size_t find_section(struct str name)
{
    size_t n = 0;
    while (n < PACK_SECTIONS && !str_equal(sections[n].name, name)) {
        n++;
    }
    return n;
}

static bool pack_parse(struct pack *pack, struct str file, struct str text, struct arena *arena,
                       struct err *err)
{
    struct reading reading = {.file = file, .text = text};
    const struct json_value *root = NULL;
    const struct json_value *value;
    struct json_iter iter;
    struct str key;
    int64_t version = 0;
    if (!json_parse(arena, text, NULL, &root, err)) {
        err->kind = ERR_CONFIG;
        return err_prefix(err, "%.*s: ", STR_ARG(file));
    }
    if (!json_int(json_get(root, STR("sluice-selectors")), &version) || version != PACK_VERSION) {
        return complain(&reading, err,
                        "this is no file of selectors: it has to begin with "
                        "\"sluice-selectors\": 1",
                        (struct str){0});
    }
    json_iter_init(&iter, root);
    while (json_next(&iter, &key, &value)) {
        size_t n = find_section(key);
        go_to(&reading, key);
        if (n < PACK_SECTIONS) {
            if (!check_section(&reading, &sections[n], value, err)) {
                return false;
            }
            pack->parts[n] = write_section(arena, value);
            if (pack->parts[n].ptr == NULL) {
                return err_set(err, ERR_RETRY, "selectors: out of memory");
            }
        } else if (!str_equal(key, STR("sluice-selectors")) && !str_equal(key, STR("about"))) {
            return complain(&reading, err, "there is no section", key);
        }
    }
    return true;
}

bool wa_pack_check(struct str name, struct str text, struct err *err)
{
    struct arena arena;
    struct pack pack = {0};
    arena_init(&arena, PACK_ARENA_MAX);
    bool ok = pack_parse(&pack, name, text, &arena, err);
    arena_free(&arena);
    return ok;
}

/* ---- All of them ---- */

static struct str without_ending(struct str file)
{
    return str_slice(file, 0, file.len - STR(".json").len);
}

static bool pack_before(const struct pack *a, const struct pack *b)
{
    return a->own != b->own ? a->own : str_compare(a->name, b->name) > 0;
}

static bool edition_add(struct packs_edition *edition, struct str path, struct str file,
                        struct str text, struct err *err)
{
    struct pack made = {.name = without_ending(file), .own = wa_data_find(file).ptr == NULL};
    if (edition->count == WA_PACKS_MAX) {
        return err_set(err, ERR_CONFIG, "%.*s: there are more than %d files of selectors",
                       STR_ARG(path), WA_PACKS_MAX);
    }
    if (!pack_parse(&made, path, text, &edition->arena, err)) {
        return false;
    }
    size_t at = edition->count++;
    for (; at > 0 && pack_before(&made, &edition->packs[at - 1]); at--) {
        edition->packs[at] = edition->packs[at - 1];
    }
    edition->packs[at] = made;
    return true;
}

static bool was_seen(const struct packs_edition *edition, struct str file)
{
    for (size_t i = 0; i < edition->seen_count; i++) {
        if (str_equal(edition->seen[i].name, file)) {
            return true;
        }
    }
    return false;
}

/* What is in the folder, without reading it. */
static bool edition_see(struct packs_edition *edition, struct str folder, struct err *err)
{
    struct file_list list = {0};
    edition->seen_count = 0;
    if (folder.len == 0) {
        return true;
    }
    if (!file_list(&edition->arena, folder, &list, err)) {
        return err_prefix(err, "selectors");
    }
    for (size_t i = 0; i < list.count; i++) {
        struct str name = list.names[i];
        struct str path =
            arena_printf(&edition->arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name));
        struct file_info info = {0};
        if (!str_ends(name, STR(".json")) || name.ptr[0] == '.') {
            continue;
        }
        if (path.ptr == NULL || !file_look(path, &info, err)) {
            return path.ptr != NULL || err_set(err, ERR_RETRY, "selectors: out of memory");
        }
        if (info.kind != FILE_REGULAR) {
            continue;
        }
        if (edition->seen_count == WA_PACKS_MAX) {
            return err_set(err, ERR_CONFIG, "%.*s: there are more than %d files of selectors",
                           STR_ARG(folder), WA_PACKS_MAX);
        }
        edition->seen[edition->seen_count++] = (struct seen){name, info};
    }
    return true;
}

static bool edition_read(struct packs_edition *edition, struct str folder, struct err *err)
{
    edition->count = 0;
    for (size_t i = 0; i < edition->seen_count; i++) {
        struct str file = edition->seen[i].name;
        struct str text = {0};
        struct str path =
            arena_printf(&edition->arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(file));
        if (path.ptr == NULL) {
            return err_set(err, ERR_RETRY, "selectors: out of memory");
        }
        if (!file_read(&edition->arena, path, WA_PACK_SIZE_MAX, &text, err) ||
            !edition_add(edition, path, file, text, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < wa_data_count; i++) {
        const struct wa_data *data = &wa_data_files[i];
        if (str_ends(data->name, STR(".json")) && !was_seen(edition, data->name) &&
            !edition_add(edition, data->name, data->name, data->text, err)) {
            return false;
        }
    }
    return true;
}

static bool same_seen(const struct packs_edition *a, const struct packs_edition *b)
{
    if (a->seen_count != b->seen_count) {
        return false;
    }
    for (size_t i = 0; i < a->seen_count; i++) {
        const struct seen *x = &a->seen[i];
        const struct seen *y = &b->seen[i];
        if (!str_equal(x->name, y->name) || x->info.size != y->info.size ||
            x->info.mtime_ns != y->info.mtime_ns || x->info.inode != y->info.inode) {
            return false;
        }
    }
    return true;
}

bool wa_packs_open(struct wa_packs **out, struct str folder, struct err *err)
{
    struct wa_packs *packs;
    if (folder.len >= FILE_PATH_MAX) {
        return err_set(err, ERR_CONFIG, "selectors: the path of the folder is too long");
    }
    packs = mem_alloc(sizeof *packs);
    if (packs == NULL) {
        return err_set(err, ERR_RETRY, "selectors: out of memory");
    }
    (void)snprintf(packs->folder_text, sizeof packs->folder_text, "%.*s", (int)folder.len,
                   folder.len > 0 ? folder.ptr : "");
    packs->folder = str_of(packs->folder_text);
    arena_init(&packs->editions[0].arena, PACK_ARENA_MAX);
    arena_init(&packs->editions[1].arena, PACK_ARENA_MAX);
    arena_init(&packs->refused.arena, PACK_ARENA_MAX);
    if (!edition_see(&packs->editions[0], packs->folder, err) ||
        !edition_read(&packs->editions[0], packs->folder, err)) {
        wa_packs_close(packs);
        return false;
    }
    *out = packs;
    return true;
}

void wa_packs_close(struct wa_packs *packs)
{
    if (packs == NULL) {
        return;
    }
    arena_free(&packs->editions[0].arena);
    arena_free(&packs->editions[1].arena);
    arena_free(&packs->refused.arena);
    mem_free(packs);
}

bool wa_packs_look(struct wa_packs *packs, bool *changed, struct err *err)
{
    struct packs_edition *next = &packs->editions[1 - packs->current];
    struct err why = {0};
    if (changed != NULL) {
        *changed = false;
    }
    if (packs->folder.len == 0) {
        return true;
    }
    arena_reset(&next->arena);
    if (!edition_see(next, packs->folder, err)) {
        return false;
    }
    if (same_seen(next, &packs->editions[packs->current]) ||
        (packs->refused.seen_count > 0 && same_seen(next, &packs->refused))) {
        return true;
    }
    if (edition_read(next, packs->folder, err)) {
        packs->current = 1 - packs->current;
        packs->refused.seen_count = 0;
        if (changed != NULL) {
            *changed = true;
        }
        return true;
    }
    arena_reset(&packs->refused.arena);
    if (!edition_see(&packs->refused, packs->folder, &why)) {
        packs->refused.seen_count = 0;
    }
    return false;
}

/* ---- What they hold ---- */

static const struct packs_edition *now(const struct wa_packs *packs)
{
    return &packs->editions[packs->current];
}

size_t wa_packs_count(const struct wa_packs *packs)
{
    return now(packs)->count;
}

struct str wa_packs_name(const struct wa_packs *packs, size_t pack)
{
    return pack < now(packs)->count ? now(packs)->packs[pack].name : (struct str){0};
}

struct str wa_packs_section(const struct wa_packs *packs, size_t pack, struct str section)
{
    size_t n = find_section(section);
    struct str parts = {0};
    if (pack < now(packs)->count && n < PACK_SECTIONS) {
        parts = now(packs)->packs[pack].parts[n];
    }
    return parts.len > 0 ? parts : STR("{}");
}

void wa_packs_section_all(const struct wa_packs *packs, struct str section, struct buf *out)
{
    struct json_writer json;
    json_writer_init(&json, out);
    json_array_begin(&json);
    for (size_t i = 0; i < wa_packs_count(packs); i++) {
        json_object_begin(&json);
        json_field_str(&json, STR("pack"), wa_packs_name(packs, i));
        json_key(&json, STR("parts"));
        json_put_raw(&json, wa_packs_section(packs, i, section));
        json_object_end(&json);
    }
    json_array_end(&json);
}
