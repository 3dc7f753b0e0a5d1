#include "config/excerpt.h"

#include <stdio.h>

#include "text/bidi.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum {
    TAB_COLUMNS = 4,
    WINDOW_COLUMNS = 100, /* Of a line are shown at most so many columns … */
    WINDOW_BEFORE = 60,   /* … and of these at most so many in front of the caret. */
    CELL_MAX = 16,
    RANGES_MAX = 32,
};

static const char red[] = "\033[1;31m";
static const char yellow[] = "\033[1;33m";
static const char blue[] = "\033[1;34m";
static const char bold[] = "\033[1m";
static const char normal[] = "\033[0m";

/* Code points of a line that are not shown, counted from 0. */
struct range {
    size_t from;
    size_t to;
};

struct line {
    struct str text;
    struct range hidden[RANGES_MAX];
    size_t hidden_count;
};

static void hide(struct line *line, size_t from, size_t to)
{
    if (line->hidden_count < RANGES_MAX && from < to) {
        line->hidden[line->hidden_count++] = (struct range){from, to};
    }
}

static size_t points(struct str text, size_t bytes)
{
    return utf8_count(str_slice(text, 0, bytes));
}

/* postgresql://user:PASSWORD@host */
static void hide_uris(struct line *line)
{
    struct str text = line->text;
    for (size_t at = str_find(text, STR("://"), 0); at != STR_NONE;
         at = str_find(text, STR("://"), at + 3)) {
        size_t colon = STR_NONE;
        size_t last = STR_NONE; /* A password may hold an @ that nobody escaped. */
        for (size_t i = at + 3; i < text.len && text.ptr[i] != ' '; i++) {
            colon = text.ptr[i] == ':' && colon == STR_NONE ? i : colon;
            last = text.ptr[i] == '@' ? i : last;
        }
        bool variable =
            colon != STR_NONE && str_starts(str_slice(text, colon + 1, last), STR("${"));
        if (colon != STR_NONE && last != STR_NONE && last > colon && !variable) {
            hide(line, points(text, colon + 1), points(text, last));
        }
    }
}

static bool is_reference(struct str value)
{
    static const char *const starts[] = {"${", "file:", "env:", "cmd:", "secret:", "{", "["};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (str_starts(value, str_of(starts[i]))) {
            return true;
        }
    }
    return value.len == 0;
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool word_at(struct str text, size_t at, struct str word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (at + i >= text.len || lower(text.ptr[at + i]) != word.ptr[i]) {
            return false;
        }
    }
    return true;
}

/* `password: hunter2`, also where the file is too broken to know which key is a secret. */
static void hide_words(struct line *line)
{
    static const struct str words[] = {STR_INIT("passw"),  STR_INIT("secret"),  STR_INIT("token"),
                                       STR_INIT("apikey"), STR_INIT("api_key"), STR_INIT("api-key"),
                                       STR_INIT("private")};
    struct str text = line->text;
    for (size_t at = 0; at < text.len; at++) {
        bool found = false;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            found = found || word_at(text, at, words[i]);
        }
        size_t colon = found ? str_find_byte(text, ':', at) : STR_NONE;
        if (colon == STR_NONE || str_find_byte(str_slice(text, at, colon), ' ', 0) != STR_NONE) {
            continue;
        }
        size_t from = colon + 1;
        while (from < text.len &&
               (text.ptr[from] == ' ' || text.ptr[from] == '"' || text.ptr[from] == '\'')) {
            from++;
        }
        size_t to = from;
        while (to < text.len && text.ptr[to] != ',' && text.ptr[to] != '}') {
            to++;
        }
        if (!is_reference(str_slice(text, from, to))) {
            hide(line, points(text, from), points(text, to));
        }
    }
}

static bool find_line(const struct faults *faults, const struct place *place, struct line *out)
{
    struct str bytes = {0};
    for (size_t i = 0; i < faults->file_count; i++) {
        if (str_equal(faults->files[i].name, place->file)) {
            bytes = faults->files[i].bytes;
        }
    }
    if (bytes.ptr == NULL || place->line == 0 || faults->hidden_count > FAULTS_HIDDEN_MAX) {
        return false;
    }
    if (str_starts(bytes, STR("\xEF\xBB\xBF"))) {
        bytes = str_slice(bytes, 3, bytes.len);
    }
    *out = (struct line){0};
    for (size_t number = 1; str_split(&bytes, '\n', &out->text); number++) {
        if (number < place->line) {
            continue;
        }
        out->text =
            str_ends(out->text, STR("\r")) ? str_slice(out->text, 0, out->text.len - 1) : out->text;
        for (size_t i = 0; i < faults->hidden_count; i++) {
            const struct place *hidden = &faults->hidden[i];
            if (hidden->line == place->line && str_equal(hidden->file, place->file)) {
                hide(out, hidden->column - 1,
                     hidden->column - 1 + (hidden->length > 0 ? hidden->length : 1));
            }
        }
        hide_uris(out);
        hide_words(out);
        return true;
    }
    return false;
}

/* What one code point is drawn as, and how wide. Of a hidden range only the first is drawn. */
static size_t cell(const struct line *line, size_t index, size_t at, size_t len, uint32_t code,
                   char out[CELL_MAX], size_t *bytes)
{
    for (size_t i = 0; i < line->hidden_count; i++) {
        if (index >= line->hidden[i].from && index < line->hidden[i].to) {
            bool first = index == line->hidden[i].from;
            *bytes = (size_t)snprintf(out, CELL_MAX, "%s", first ? "***" : "");
            return *bytes;
        }
    }
    if (code == '\t') {
        *bytes = (size_t)snprintf(out, CELL_MAX, "%*s", TAB_COLUMNS, "");
        return *bytes;
    }
    if (code == UTF8_BAD) {
        *bytes =
            (size_t)snprintf(out, CELL_MAX, "<%02X>", (unsigned)(unsigned char)line->text.ptr[at]);
        return *bytes;
    }
    if (code < ' ' || (code >= 0x7F && code < 0xA0) || unicode_is_format(code) ||
        bidi_is_control(code)) {
        *bytes = (size_t)snprintf(out, CELL_MAX, "<U+%04X>", (unsigned)code);
        return *bytes;
    }
    struct str one = str_slice(line->text, at, at + len);
    *bytes = (size_t)snprintf(out, CELL_MAX, "%.*s", STR_ARG(one));
    return utf8_width(one);
}

/* Where the caret stands, in columns of the drawn line; and the bytes that it marks. */
struct mark {
    size_t from;
    size_t to;
    size_t first_byte;
    size_t last_byte;
};

static struct mark measure(const struct line *line, const struct place *place)
{
    struct mark mark = {0};
    char drawn[CELL_MAX];
    size_t bytes = 0;
    size_t begin = place->column > 0 ? place->column - 1 : 0;
    size_t end = begin + (place->length > 0 ? place->length : 1);
    size_t column = 0;
    size_t at = 0;
    for (size_t index = 0; at < line->text.len; index++) {
        uint32_t code = 0;
        size_t len = utf8_next(line->text, at, &code);
        size_t width = cell(line, index, at, len, code, drawn, &bytes);
        if (index < begin) {
            mark.from = column + width;
            mark.first_byte = at + len;
        }
        column += width;
        at += len;
        if (index < end) {
            mark.to = column;
            mark.last_byte = at;
        }
    }
    if (mark.to <= mark.from) { /* Behind the end of the line, or on something without width. */
        mark.to = mark.from + 1;
    }
    return mark;
}

static void draw_line(const struct line *line, size_t skip, struct buf *out)
{
    char drawn[CELL_MAX];
    size_t column = 0;
    size_t at = 0;
    if (skip > 0) {
        buf_add(out, STR("…"));
    }
    for (size_t index = 0; at < line->text.len; index++) {
        uint32_t code = 0;
        size_t bytes = 0;
        size_t len = utf8_next(line->text, at, &code);
        size_t width = cell(line, index, at, len, code, drawn, &bytes);
        if (column >= skip + WINDOW_COLUMNS) {
            buf_add(out, STR("…"));
            return;
        }
        if (column >= skip) {
            buf_add(out, (struct str){drawn, bytes});
        }
        column += width;
        at += len;
    }
}

/* The first column to show, at the border of a character. */
static size_t window(const struct line *line, size_t from)
{
    char drawn[CELL_MAX];
    size_t column = 0;
    size_t at = 0;
    for (size_t index = 0; at < line->text.len; index++) {
        uint32_t code = 0;
        size_t bytes = 0;
        if (from <= WINDOW_BEFORE || column >= from - WINDOW_BEFORE) {
            break;
        }
        size_t len = utf8_next(line->text, at, &code);
        column += cell(line, index, at, len, code, drawn, &bytes);
        at += len;
    }
    return column;
}

static bool marks_secret(const struct line *line, const struct place *place)
{
    size_t begin = place->column > 0 ? place->column - 1 : 0;
    size_t end = begin + (place->length > 0 ? place->length : 1);
    for (size_t i = 0; i < line->hidden_count; i++) {
        if (begin < line->hidden[i].to && line->hidden[i].from < end) {
            return true;
        }
    }
    return false;
}

static void draw(const struct faults *faults, const struct fault *fault, bool color,
                 struct buf *out)
{
    struct line line;
    if (!find_line(faults, &fault->place, &line)) {
        return;
    }
    const char *paint = code_is_warning(fault->code) ? yellow : red;
    struct mark mark = measure(&line, &fault->place);
    size_t skip = window(&line, mark.from);
    size_t shift = skip > 0 ? 1 : 0;
    size_t width = mark.to - mark.from;
    size_t room = WINDOW_COLUMNS - (mark.from - skip);
    width = width < room ? width : room;
    buf_printf(out, "%s%5zu |%s ", color ? blue : "", fault->place.line, color ? normal : "");
    draw_line(&line, skip, out);
    buf_printf(out, "\n%s%5s |%s %*s%s", color ? blue : "", "", color ? normal : "",
               (int)(mark.from - skip + shift), "", color ? paint : "");
    for (size_t i = 0; i < width; i++) {
        buf_add_byte(out, '^');
    }
    buf_printf(out, "%s", color ? normal : "");
    struct str marked = str_slice(line.text, mark.first_byte, mark.last_byte);
    if (bidi_has_rtl(marked) && utf8_valid(marked) && !marks_secret(&line, &fault->place)) {
        buf_printf(out, " %.*s", STR_ARG(bidi_isolate(faults->arena, utf8_cut(marked, 120))));
    }
    buf_add_byte(out, '\n');
}

/* Text that may hold characters of a stranger: what is not drawn is written out. */
static void put_text(struct str text, struct buf *out)
{
    size_t at = 0;
    while (at < text.len) {
        uint32_t code = 0;
        size_t len = utf8_next(text, at, &code);
        if (code == UTF8_BAD) {
            buf_printf(out, "<%02X>", (unsigned)(unsigned char)text.ptr[at]);
        } else if (code < ' ' || (code >= 0x7F && code < 0xA0) || unicode_is_format(code) ||
                   bidi_is_control(code)) {
            buf_printf(out, "<U+%04X>", (unsigned)code);
        } else {
            buf_add(out, str_slice(text, at, at + len));
        }
        at += len;
    }
}

void excerpt_show(const struct faults *faults, const struct fault *fault, bool color,
                  struct buf *out)
{
    const struct place *place = &fault->place;
    const struct code *code = code_of(fault->code);
    const char *paint = code_is_warning(fault->code) ? yellow : red;
    if (place->file.ptr != NULL) {
        put_text(place->file, out);
        if (place->line > 0) {
            buf_printf(out, ":%zu:%zu", place->line, place->column);
        }
        buf_add(out, STR(": "));
    }
    buf_printf(out, "%s%s[%s]%s: %s", color ? paint : "", fault_severity(fault), code->code,
               color ? normal : "", color ? bold : "");
    put_text(fault->text, out);
    buf_printf(out, "%s\n", color ? normal : "");
    draw(faults, fault, color, out);
    buf_printf(out, "  why: %s\n", code->why);
    if (fault->help.len > 0) {
        buf_add(out, STR("  help: "));
        put_text(fault->help, out);
        buf_add_byte(out, '\n');
    }
}

void excerpt_show_all(const struct faults *faults, bool color, struct buf *out)
{
    for (size_t i = 0; i < faults->kept; i++) {
        excerpt_show(faults, &faults->items[i], color, out);
    }
    if (faults->kept == 0) {
        return;
    }
    buf_printf(out, "%zu error%s", faults->count, faults->count == 1 ? "" : "s");
    if (faults->warnings > 0) {
        buf_printf(out, ", %zu warning%s", faults->warnings, faults->warnings == 1 ? "" : "s");
    }
    if (faults->count + faults->warnings > faults->kept) {
        buf_printf(out, ", of which %zu are shown", faults->kept);
    }
    buf_printf(out, "; more about one: sluice explain-error %s\n",
               code_of(faults->items[0].code)->code);
}

void excerpt_json(const struct faults *faults, struct json_writer *json)
{
    json_array_begin(json);
    for (size_t i = 0; i < faults->kept; i++) {
        const struct fault *fault = &faults->items[i];
        const struct code *code = code_of(fault->code);
        json_object_begin(json);
        json_field_str(json, STR("code"), str_of(code->code));
        json_field_str(json, STR("severity"), str_of(fault_severity(fault)));
        json_field_str(json, STR("file"), fault->place.file);
        json_field_int(json, STR("line"), (int64_t)fault->place.line);
        json_field_int(json, STR("column"), (int64_t)fault->place.column);
        json_field_int(json, STR("length"), (int64_t)fault->place.length);
        json_field_str(json, STR("text"), fault->text);
        json_field_str(json, STR("why"), str_of(code->why));
        json_field_str(json, STR("help"), fault->help);
        json_object_end(json);
    }
    json_array_end(json);
}
