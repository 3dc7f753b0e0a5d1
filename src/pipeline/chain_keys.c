#include "pipeline/chain_keys.h"

#include "base/buf.h"
#include "model/step.h"
#include "pipeline/extract.h"
#include "pipeline/lookup.h"
#include "pipeline/normalize.h"
#include "pipeline/template.h"
#include "pipeline/write.h"

enum { NAMES_MAX = 64 };

/* Names of the fields that stand in the templates of keys. */
struct names {
    struct str items[NAMES_MAX];
    size_t count;
};

static bool is_letter(char byte)
{
    return byte == '_' || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || ((unsigned char)byte & 0x80) != 0;
}

static void add_name(struct names *names, struct str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (str_equal(names->items[i], name)) {
            return;
        }
    }
    if (name.len > 0 && names->count < NAMES_MAX) {
        names->items[names->count++] = name;
    }
}

/* "{uid}/{item|3}": uid, item. */
static void add_names(struct names *names, struct str text)
{
    size_t at = 0;
    while ((at = str_find_byte(text, '{', at)) != STR_NONE) {
        size_t end = ++at;
        while (end < text.len && is_letter(text.ptr[end])) {
            end++;
        }
        add_name(names, str_slice(text, at, end));
        at = end;
    }
}

/* Does a name stand in the text as a word of its own? */
static bool mentions(struct str text, struct str name)
{
    for (size_t at = str_find(text, name, 0); at != STR_NONE; at = str_find(text, name, at + 1)) {
        size_t end = at + name.len;
        if ((at == 0 || !is_letter(text.ptr[at - 1])) &&
            (end >= text.len || !is_letter(text.ptr[end]))) {
            return true;
        }
    }
    return false;
}

/* A walk over all steps, branches and other ways included. */
struct walk {
    struct key_parts *out;
    struct names names;
    bool naming; /* The first round: gather names, and the parts of `write`. */
};

static void visit_write(struct walk *walk, const struct write *write)
{
    struct arena *arena = walk->out->arena;
    if (!walk->naming) {
        return;
    }
    add_names(&walk->names, write->key);
    key_parts_add(
        walk->out,
        arena_printf(arena, "write %.*s/%.*s: key", STR_ARG(write->sink), STR_ARG(write->target)),
        write->key, false);
    key_parts_add(walk->out,
                  arena_printf(arena, "write %.*s/%.*s: key_column", STR_ARG(write->sink),
                               STR_ARG(write->target)),
                  write->key_column, false);
}

static bool is_named(const struct names *names, struct str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (str_equal(names->items[i], name)) {
            return true;
        }
    }
    return false;
}

/* Of a map only what it says about the key's fields: {phone: phone}, without email. */
static struct str words_of(struct walk *walk, const struct option *option, const struct step *step)
{
    if (option->type != OPTION_TYPE_MAP) {
        return option_words(option, step, walk->out->arena);
    }
    struct buf out;
    const char *member = (const char *)step + option->offset;
    const struct str_map *map = (const struct str_map *)(const void *)member;
    buf_init(&out, walk->out->arena, 64);
    for (size_t i = 0; i < map->count; i++) {
        if (is_named(&walk->names, map->items[i].name)) {
            buf_printf(&out, "%s%.*s: %.*s", out.len > 0 ? ", " : "", STR_ARG(map->items[i].name),
                       STR_ARG(map->items[i].text));
        }
    }
    return buf_str(&out);
}

/* Others look at fields, and let items pass or not; what the key is made of they leave alone. */
static bool makes_fields(const struct step_type *type)
{
    return type == &step_extract || type == &step_normalize || type == &step_template ||
           type == &step_lookup;
}

/* "phone: il; region: …", and which of the names are in it. */
static void visit_other(struct walk *walk, const struct step *step)
{
    struct buf words;
    struct buf fields;
    buf_init(&words, walk->out->arena, 128);
    buf_init(&fields, walk->out->arena, 64);
    for (const struct option *option = step->type->options;
         option != NULL && option->type != OPTION_TYPE_END; option++) {
        struct str value = words_of(walk, option, step);
        if (value.len > 0 && option->type != OPTION_TYPE_SECRET) {
            buf_printf(&words, "%s%s: %.*s", words.len > 0 ? "; " : "", option->name,
                       STR_ARG(value));
        }
    }
    struct str text = buf_str(&words);
    for (size_t i = 0; i < walk->names.count; i++) {
        if (mentions(text, walk->names.items[i])) {
            buf_printf(&fields, "%s%.*s", fields.len > 0 ? ", " : "",
                       STR_ARG(walk->names.items[i]));
        }
    }
    if (fields.len > 0) {
        struct str list = buf_str(&fields);
        key_parts_add(walk->out,
                      arena_printf(walk->out->arena, "%s of %.*s", step->type->kind, STR_ARG(list)),
                      text, true);
    }
}

static void visit_list(struct walk *walk, const struct step_list *list);

static void visit(struct walk *walk, const struct step *step)
{
    if (step->type == &step_write) {
        visit_write(walk, (const struct write *)(const void *)step);
    } else if (!walk->naming && makes_fields(step->type)) {
        visit_other(walk, step);
    }
    for (const struct option *option = step->type->options;
         option != NULL && option->type != OPTION_TYPE_END; option++) {
        if (option->type == OPTION_TYPE_STEPS) {
            const char *member = (const char *)step + option->offset;
            visit_list(walk, (const struct step_list *)(const void *)member);
        }
    }
    visit_list(walk, &step->otherwise);
}

/* As deep as STEP_DEPTH_MAX lets them be nested. */
static void visit_list(struct walk *walk, const struct step_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        visit(walk, list->items[i]);
    }
}

void chain_keys(const struct op *op, struct key_parts *out)
{
    const struct chain *chain = (const struct chain *)(const void *)op;
    struct walk walk = {.out = out, .naming = true};
    visit_list(&walk, &chain->steps);
    walk.naming = false;
    visit_list(&walk, &chain->steps);
}
