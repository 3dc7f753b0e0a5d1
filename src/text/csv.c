#include "text/csv.h"

#include <string.h>

#include "base/must.h"

void csv_open(struct csv *csv, struct str text, char separator, bool more)
{
    *csv = (struct csv){.text = text, .separator = separator, .more = more, .next_line = 1};
}

void csv_feed(struct csv *csv, struct str text, bool more)
{
    csv->text = text;
    csv->used = 0;
    csv->more = more;
}

/* The separator that the first row has most of outside of quotes; a comma when there is none. */
static char detect(struct str text)
{
    static const char candidates[] = {',', ';', '\t'};
    size_t counts[sizeof candidates] = {0};
    bool quoted = false;
    for (size_t at = 0; at < text.len && at < CSV_ROW_LEN_MAX; at++) {
        char byte = text.ptr[at];
        if (byte == '"') {
            quoted = !quoted;
        } else if (!quoted && (byte == '\n' || byte == '\r')) {
            break;
        }
        for (size_t i = 0; !quoted && i < sizeof candidates; i++) {
            counts[i] += byte == candidates[i] ? 1 : 0;
        }
    }
    size_t best = 0;
    for (size_t i = 1; i < sizeof candidates; i++) {
        best = counts[i] > counts[best] ? i : best;
    }
    return candidates[best];
}

/* False when the first piece is too short to tell. */
static bool begin(struct csv *csv)
{
    bool has_line = str_find_byte(csv->text, '\n', 0) != STR_NONE ||
                    str_find_byte(csv->text, '\r', 0) != STR_NONE;
    if (csv->more && !has_line && csv->text.len < CSV_ROW_LEN_MAX) {
        return false;
    }
    if (str_starts(csv->text, STR("\xEF\xBB\xBF"))) {
        csv->used = 3;
    }
    if (csv->separator == CSV_DETECT) {
        csv->separator = detect(str_slice(csv->text, csv->used, csv->text.len));
    }
    csv->begun = true;
    return true;
}

/* One row while it is being read. */
struct reading {
    struct csv *csv;
    struct arena *arena;
    size_t at;
    size_t lines; /* Line ends passed. */
    struct str *fields;
    size_t count;
    size_t room;
    bool cut; /* The text ended before the row did, and more will come. */
};

static bool at_end(const struct reading *reading)
{
    return reading->at >= reading->csv->text.len;
}

static char peek(const struct reading *reading)
{
    return reading->csv->text.ptr[reading->at];
}

static bool reject(const struct reading *reading, struct err *err, const char *why)
{
    return err_set(err, ERR_REJECT, "csv: row %zu (line %zu), column %zu: %s",
                   reading->csv->row + 1, reading->csv->next_line, reading->count + 1, why);
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "csv: no memory for a row");
}

/* Pass one line end of any kind. */
static void pass_line_end(struct reading *reading)
{
    const struct csv *csv = reading->csv;
    bool crlf = peek(reading) == '\r' && reading->at + 1 < csv->text.len &&
                csv->text.ptr[reading->at + 1] == '\n';
    reading->at += crlf ? 2 : 1;
    reading->lines++;
}

/* The inside of a quoted field without its doubled quotes. */
static bool take_apart(struct reading *reading, struct str inside, size_t quotes, struct str *field,
                       struct err *err)
{
    if (quotes == 0) {
        *field = inside;
        return true;
    }
    char *out = arena_bytes(reading->arena, inside.len - quotes + 1);
    if (out == NULL) {
        return no_memory(err);
    }
    size_t used = 0;
    for (size_t i = 0; i < inside.len; i++) {
        out[used++] = inside.ptr[i];
        i += inside.ptr[i] == '"' ? 1 : 0; /* The second of a doubled one. */
    }
    must(used == inside.len - quotes);
    *field = (struct str){out, used};
    return true;
}

static bool read_quoted(struct reading *reading, struct str *field, struct err *err)
{
    struct str text = reading->csv->text;
    size_t start = ++reading->at;
    size_t quotes = 0;
    while (!at_end(reading)) {
        char byte = peek(reading);
        bool doubled =
            byte == '"' && reading->at + 1 < text.len && text.ptr[reading->at + 1] == '"';
        if (byte == '"' && !doubled) {
            struct str inside = str_slice(text, start, reading->at);
            reading->at++;
            return take_apart(reading, inside, quotes, field, err);
        }
        bool lone_cr =
            byte == '\r' && (reading->at + 1 >= text.len || text.ptr[reading->at + 1] != '\n');
        reading->lines += byte == '\n' || lone_cr ? 1 : 0;
        quotes += doubled ? 1 : 0;
        reading->at += doubled ? 2 : 1;
    }
    reading->cut = true;
    return reject(reading, err, "a quoted field has no end");
}

/* Unquoted: to the separator or the line end. A quote inside is taken as it is. */
static struct str read_plain(struct reading *reading)
{
    size_t start = reading->at;
    while (!at_end(reading) && peek(reading) != reading->csv->separator && peek(reading) != '\n' &&
           peek(reading) != '\r') {
        reading->at++;
    }
    return str_slice(reading->csv->text, start, reading->at);
}

static bool add_field(struct reading *reading, struct str field, struct err *err)
{
    if (field.len > CSV_FIELD_LEN_MAX) {
        return reject(reading, err, "a field of more than 1 MiB");
    }
    if (reading->count == CSV_FIELDS_MAX) {
        return reject(reading, err, "more than 1024 columns");
    }
    if (reading->count == reading->room) {
        size_t room = reading->room == 0 ? 16 : 2 * reading->room;
        struct str *grown = arena_array(reading->arena, room, sizeof *grown);
        if (grown == NULL) {
            return no_memory(err);
        }
        if (reading->count > 0) {
            memcpy(grown, reading->fields, reading->count * sizeof *grown);
        }
        reading->fields = grown;
        reading->room = room;
    }
    reading->fields[reading->count++] = field;
    return true;
}

static bool read_field(struct reading *reading, struct err *err)
{
    struct str field = {0};
    if (at_end(reading) || peek(reading) != '"') {
        return add_field(reading, read_plain(reading), err);
    }
    if (!read_quoted(reading, &field, err)) {
        return false;
    }
    bool ends = at_end(reading) || peek(reading) == reading->csv->separator ||
                peek(reading) == '\n' || peek(reading) == '\r';
    if (!ends) {
        return reject(reading, err, "text behind the closing quote");
    }
    return add_field(reading, field, err);
}

static bool read_row(struct reading *reading, struct err *err)
{
    for (;;) {
        if (!read_field(reading, err)) {
            return false;
        }
        if (at_end(reading)) {
            reading->cut = true;
            return true;
        }
        if (peek(reading) != reading->csv->separator) {
            bool last_byte = reading->at + 1 == reading->csv->text.len;
            reading->cut = peek(reading) == '\r' && last_byte; /* Perhaps half of CR LF. */
            pass_line_end(reading);
            return true;
        }
        reading->at++;
    }
}

static void settle(struct reading *reading)
{
    struct csv *csv = reading->csv;
    csv->used = reading->at;
    csv->row++;
    csv->line = csv->next_line;
    csv->next_line += reading->lines;
}

/* A CR at the end of a piece may be half of a CR LF: what it is, the next piece tells. */
static bool may_be_half(const struct reading *reading)
{
    return reading->csv->more && peek(reading) == '\r' && reading->at + 1 == reading->csv->text.len;
}

/* After a wrong row, go on behind the end of its line. */
static void pass_bad_row(struct reading *reading)
{
    while (!at_end(reading) && peek(reading) != '\n' && peek(reading) != '\r') {
        reading->at++;
    }
    reading->cut = at_end(reading) || may_be_half(reading);
    if (!at_end(reading)) {
        pass_line_end(reading);
    }
}

/* False when the text ends with them. */
static bool pass_empty_lines(struct csv *csv)
{
    struct reading reading = {.csv = csv, .at = csv->used};
    while (!at_end(&reading) && (peek(&reading) == '\n' || peek(&reading) == '\r')) {
        if (may_be_half(&reading)) {
            break;
        }
        pass_line_end(&reading);
    }
    csv->used = reading.at;
    csv->next_line += reading.lines;
    return !at_end(&reading) && !may_be_half(&reading);
}

bool csv_next(struct csv *csv, struct arena *arena, struct csv_row *row, bool *got, struct err *err)
{
    *got = false;
    *row = (struct csv_row){0};
    if (!csv->begun && !begin(csv)) {
        return true;
    }
    if (!pass_empty_lines(csv)) {
        return true;
    }
    struct reading reading = {.csv = csv, .arena = arena, .at = csv->used};
    struct err why = {0};
    bool sound = read_row(&reading, &why);
    if (!sound) {
        pass_bad_row(&reading);
    }
    bool too_long = reading.at - csv->used > CSV_ROW_LEN_MAX;
    if (reading.cut && csv->more && !too_long) { /* The rest of the row is in the next piece. */
        return true;
    }
    if (sound && too_long) {
        sound = reject(&reading, &why, "a row of more than 8 MiB");
    }
    if (!sound) {
        settle(&reading);
        *err = why;
        return false;
    }
    settle(&reading);
    *row = (struct csv_row){.count = reading.count, .fields = reading.fields};
    *got = true;
    return true;
}

bool csv_is_formula(struct str field)
{
    return field.len > 0 && memchr("=+-@\t\r", field.ptr[0], 6) != NULL;
}

void csv_write_begin(struct buf *buf, const struct csv_style *style)
{
    if (style->mark) {
        buf_add(buf, STR("\xEF\xBB\xBF"));
    }
}

static bool must_quote(struct str field, char separator)
{
    if (field.len > 0 && (field.ptr[0] == ' ' || field.ptr[field.len - 1] == ' ')) {
        return true;
    }
    for (size_t i = 0; i < field.len; i++) {
        char byte = field.ptr[i];
        if (byte == separator || byte == '"' || byte == '\n' || byte == '\r') {
            return true;
        }
    }
    return false;
}

static void write_field(struct buf *buf, const struct csv_style *style, struct str field,
                        char separator)
{
    bool guarded = style->guard && csv_is_formula(field);
    bool quoted = must_quote(field, separator);
    if (quoted) {
        buf_add_byte(buf, '"');
    }
    if (guarded) {
        buf_add_byte(buf, '\'');
    }
    size_t quote = 0;
    for (size_t from = 0; from < field.len; from = quote + 1) {
        quote = str_find_byte(field, '"', from);
        if (quote == STR_NONE) {
            buf_add(buf, str_slice(field, from, field.len));
            break;
        }
        buf_add(buf, str_slice(field, from, quote + 1));
        buf_add_byte(buf, '"');
    }
    if (quoted) {
        buf_add_byte(buf, '"');
    }
}

void csv_write_row(struct buf *buf, const struct csv_style *style, const struct str *fields,
                   size_t count)
{
    char separator = style->separator != 0 ? style->separator : ',';
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_add_byte(buf, separator);
        }
        if (count == 1 && fields[i].len == 0) { /* Else the row would be an empty line. */
            buf_add(buf, STR("\"\""));
        } else {
            write_field(buf, style, fields[i], separator);
        }
    }
    buf_add(buf, style->crlf ? STR("\r\n") : STR("\n"));
}

struct str csv_bare(struct str text)
{
    static const struct str marks[] = {
        STR_INIT("\xEF\xBB\xBF"), STR_INIT("\xE2\x80\x8E"), STR_INIT("\xE2\x80\x8F"),
        STR_INIT("\xC2\xA0"),     STR_INIT("\xE2\x80\x8B"),
    };
    size_t before = text.len + 1;
    while (before != text.len) {
        before = text.len;
        text = str_trim(text);
        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
            if (str_starts(text, marks[i])) {
                text = str_slice(text, marks[i].len, text.len);
            }
            if (str_ends(text, marks[i])) {
                text = str_slice(text, 0, text.len - marks[i].len);
            }
        }
    }
    return text;
}
