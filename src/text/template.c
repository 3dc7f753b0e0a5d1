#include "text/template.h"

#include "base/must.h"
#include "text/unicode.h"
#include "text/utf8.h"

/* A template while it is being read. */
struct reading {
    struct str text;
    size_t at;
    struct template_part *parts;
    size_t count;
};

static size_t character_of(struct str text, size_t at)
{
    return utf8_count(str_slice(text, 0, at)) + 1;
}

static bool wrong(const struct reading *reading, size_t at, struct err *err, const char *why)
{
    return err_set(err, ERR_CONFIG, "template: %s, at character %zu", why,
                   character_of(reading->text, at));
}

static bool is_name(struct str text)
{
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        if (!unicode_is_word(code) && code != '.' && code != '-') {
            return false;
        }
    }
    return text.len > 0;
}

static bool add(struct reading *reading, struct template_part part, size_t at, struct err *err)
{
    if (reading->count == TEMPLATE_PARTS_MAX) {
        return wrong(reading, at, err, "too many places");
    }
    reading->parts[reading->count++] = part;
    return true;
}

/* The inside of a place: name, question mark, bar and number or format. */
static bool add_place(struct reading *reading, struct str inside, size_t at, struct err *err)
{
    struct template_part part = {.name = inside, .at = character_of(reading->text, at)};
    size_t bar = str_find_byte(inside, '|', 0);
    if (bar != STR_NONE) {
        part.name = str_slice(inside, 0, bar);
        part.format = str_trim(str_slice(inside, bar + 1, inside.len));
        int64_t number = 0;
        if (part.format.len == 0) {
            return wrong(reading, at, err, "nothing behind the bar");
        }
        if (str_to_int64(part.format, &number)) {
            if (number < 1 || number > TEMPLATE_LEN_MAX) {
                return wrong(reading, at, err, "a value cannot be cut to that");
            }
            part.cut = (size_t)number;
            part.format = STR("");
        }
    }
    part.name = str_trim(part.name);
    if (str_ends(part.name, STR("?"))) {
        part.optional = true;
        part.name = str_trim(str_slice(part.name, 0, part.name.len - 1));
    }
    if (!is_name(part.name)) {
        return wrong(reading, at, err,
                     "no name in braces (write {{ and }} for braces that are meant)");
    }
    return add(reading, part, at, err);
}

/* One brace, single or doubled, at `reading->at`. */
static bool read_brace(struct reading *reading, struct err *err)
{
    size_t at = reading->at;
    char brace = reading->text.ptr[at];
    if (at + 1 < reading->text.len && reading->text.ptr[at + 1] == brace) {
        reading->at += 2;
        struct template_part part = {.plain = str_slice(reading->text, at, at + 1)};
        return add(reading, part, at, err);
    }
    if (brace == '}') {
        return wrong(reading, at, err, "a closing brace without an opening one (write }} for }");
    }
    size_t end = str_find_byte(reading->text, '}', at);
    if (end == STR_NONE) {
        return wrong(reading, at, err, "a brace that is not closed (write {{ for {)");
    }
    reading->at = end + 1;
    return add_place(reading, str_slice(reading->text, at + 1, end), at, err);
}

static bool read_plain(struct reading *reading, struct err *err)
{
    size_t start = reading->at;
    while (reading->at < reading->text.len && reading->text.ptr[reading->at] != '{' &&
           reading->text.ptr[reading->at] != '}') {
        reading->at++;
    }
    struct template_part part = {.plain = str_slice(reading->text, start, reading->at)};
    return add(reading, part, start, err);
}

bool template_open(struct template *template, struct arena *arena, struct str text, struct err *err)
{
    *template = (struct template){0};
    if (text.len > TEMPLATE_LEN_MAX) {
        return err_set(err, ERR_CONFIG, "template: %zu bytes, at most %d are possible", text.len,
                       TEMPLATE_LEN_MAX);
    }
    struct reading reading = {.text = text};
    size_t braces = 0;
    for (size_t i = 0; i < text.len; i++) {
        braces += text.ptr[i] == '{' || text.ptr[i] == '}' ? 1 : 0;
    }
    size_t room = 2 * braces + 1 < TEMPLATE_PARTS_MAX ? 2 * braces + 1 : TEMPLATE_PARTS_MAX;
    reading.parts = arena_array(arena, room, sizeof *reading.parts);
    if (reading.parts == NULL) {
        return err_set(err, ERR_RETRY, "template: out of memory");
    }
    while (reading.at < text.len) {
        char byte = text.ptr[reading.at];
        bool sound =
            byte == '{' || byte == '}' ? read_brace(&reading, err) : read_plain(&reading, err);
        if (!sound) {
            return false;
        }
    }
    must(reading.count <= room);
    *template = (struct template){.count = reading.count, .parts = reading.parts};
    return true;
}

bool template_write(const struct template *template, struct buf *out, template_get *get,
                    void *context, struct err *err)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        struct str value = {0};
        if (part->name.len == 0) {
            buf_add(out, part->plain);
        } else if (get(context, part->name, part->format, &value)) {
            buf_add(out, part->cut > 0 ? utf8_prefix_whole(value, part->cut) : value);
        } else if (!part->optional) {
            return err_set(err, ERR_REJECT,
                           "template: no value for {%.*s}, asked for at character %zu "
                           "(write {%.*s?} if it may be missing)",
                           STR_ARG(part->name), part->at, STR_ARG(part->name));
        }
    }
    return true;
}
