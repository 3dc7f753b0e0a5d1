#include "sink/postgres_line.h"

#include <string.h>

#include "sink/postgres_shape.h"
#include "text/datetime.h"
#include "text/json.h"

enum {
    WORD = 8,
    COUNT_BYTES = 2,
    LENGTH_BYTES = 4,
    NUMBER_BYTES = 8,
    DIGITS_MAX = 18,   /* Any such number is an int64_t. */
    MANTISSA_MAX = 15, /* Any such number is a double, and so are the powers up to 10^15: */
    JSON_VERSION = 1,  /* of jsonb, in front of its text */
    DEPTH_MAX = 32,
    DAYS_TO_2000 = 10957, /* From 1970, where PostgreSQL's time begins. */
};

#define DAY_US INT64_C(86400000000)

/* ---- What a shape's bodies look like ---- */

static enum postgres_line_kind kind_of(const struct postgres_column *column,
                                       struct postgres_line_field *field)
{
    static const struct {
        struct str type;
        enum postgres_holds holds;
        enum column_type declared;
        enum postgres_line_kind kind;
        uint32_t oid;
        size_t bytes;
    } kinds[] = {
        {STR_INIT("pg_catalog.text"), HOLDS_TEXT, COLUMN_TEXT, LINE_TEXT, POSTGRES_TEXT, 0},
        {STR_INIT("pg_catalog.\"varchar\""), HOLDS_TEXT, COLUMN_TEXT, LINE_TEXT, POSTGRES_VARCHAR,
         0},
        {STR_INIT("pg_catalog.int2"), HOLDS_INT, COLUMN_INT, LINE_INT, POSTGRES_INT2, 2},
        {STR_INIT("pg_catalog.int4"), HOLDS_INT, COLUMN_INT, LINE_INT, POSTGRES_INT4, 4},
        {STR_INIT("pg_catalog.int8"), HOLDS_INT, COLUMN_INT, LINE_INT, POSTGRES_INT8, 8},
        {STR_INIT("pg_catalog.float8"), HOLDS_NUMBER, COLUMN_DOUBLE, LINE_FLOAT, POSTGRES_FLOAT8,
         0},
        {STR_INIT("pg_catalog.bool"), HOLDS_BOOL, COLUMN_BOOL, LINE_BOOL, POSTGRES_BOOL, 0},
        {STR_INIT("pg_catalog.timestamptz"), HOLDS_TIME, COLUMN_TIME, LINE_TIME,
         POSTGRES_TIMESTAMPTZ, 0},
        {STR_INIT("pg_catalog.date"), HOLDS_TEXT, COLUMN_DATE, LINE_DATE, POSTGRES_DATE, 0},
        {STR_INIT("pg_catalog.jsonb"), HOLDS_JSON, COLUMN_JSON, LINE_JSON, POSTGRES_JSONB, 0},
    };
    enum column_type declared =
        column->declared != NULL ? column->declared->type : COLUMN_TEXT; /* The key. */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].declared == declared && kinds[i].holds == column->holds &&
            str_equal(kinds[i].type, column->type)) {
            field->kind = kinds[i].kind;
            field->type = kinds[i].oid;
            field->bytes =
                kinds[i].kind == LINE_TEXT ? (size_t)column->characters_max : kinds[i].bytes;
            return field->kind;
        }
    }
    return LINE_SLOW;
}

/* `{"set":{"a":` before the first value, `,"b":` before the next, `},"insert":{"c":` … */
static struct str text_before(const struct postgres_shape *shape, size_t index, struct arena *arena)
{
    enum body_group group = shape->fields[index].group;
    struct buf buf;
    buf_init(&buf, arena, 96);
    if (index == 0 || group != shape->fields[index - 1].group) {
        buf_printf(&buf, "%s\"%s\":{", index == 0 ? "{" : "},", body_group_name(group));
    } else {
        buf_add_byte(&buf, ',');
    }
    json_quote(&buf, shape->fields[index].name);
    buf_add_byte(&buf, ':');
    return buf_str(&buf);
}

bool postgres_line_make(const struct postgres_shape *shape, struct arena *arena,
                        const struct postgres_line **out, struct err *err)
{
    struct postgres_line *line = arena_alloc(arena, sizeof *line);
    struct postgres_line_field *fields = arena_array(arena, shape->count + 1, sizeof *fields);
    *out = NULL;
    if (line == NULL || fields == NULL) {
        return err_set(err, ERR_RETRY, "postgres: out of memory for a statement");
    }
    *line = (struct postgres_line){
        .fields = fields, .count = shape->count, .after = STR("}}"), .columns = 1};
    if (shape->count == 0 || kind_of(&shape->table->key, &line->key) != LINE_TEXT) {
        return true;
    }
    for (size_t i = 0; i < shape->count; i++) {
        fields[i] = (struct postgres_line_field){.before = text_before(shape, i, arena),
                                                 .is_key = shape->fields[i].is_key};
        if (fields[i].before.ptr == NULL) {
            return err_set(err, ERR_RETRY, "postgres: out of memory for a statement");
        }
        if (!fields[i].is_key && kind_of(shape->fields[i].column, &fields[i]) == LINE_SLOW) {
            return true;
        }
        line->columns += !fields[i].is_key;
    }
    *out = line;
    return true;
}

void postgres_line_types(const struct postgres_line *line, uint32_t *types)
{
    *types++ = line->key.type;
    for (size_t i = 0; i < line->count; i++) {
        if (!line->fields[i].is_key) {
            *types++ = line->fields[i].type;
        }
    }
}

/* ---- Reading ---- */

/* Where reading and writing stand. What is written has room for all that can come. */
struct pass {
    const char *at;
    const char *end;
    char *to;
};

/* Word by word: this is asked for each name of each body. */
static bool follows(struct pass *pass, struct str text)
{
    const char *at = pass->at;
    size_t left = text.len;
    if ((size_t)(pass->end - at) < left) {
        return false;
    }
    const char *wanted = text.ptr;
    for (; left >= WORD; left -= WORD, at += WORD, wanted += WORD) {
        uint64_t a = 0;
        uint64_t b = 0;
        memcpy(&a, at, WORD);
        memcpy(&b, wanted, WORD);
        if (a != b) {
            return false;
        }
    }
    while (left > 0 && *at == *wanted) {
        at++;
        wanted++;
        left--;
    }
    pass->at = left == 0 ? at : pass->at;
    return left == 0;
}

static void put_number(char *to, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (char)(unsigned char)(number >> 8 * (bytes - 1 - i));
    }
}

/* Does any byte of the word end a run of plain letters: a quote, a backslash, a control? */
static uint64_t special_bytes(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t highs = UINT64_C(0x8080808080808080);
    uint64_t quote = word ^ ones * '"';
    uint64_t back = word ^ ones * '\\';
    return (((quote - ones) & ~quote) | ((back - ones) & ~back) | ((word - ones * ' ') & ~word)) &
           highs;
}

static bool copy_escape(struct pass *pass)
{
    static const char meant[UINT8_MAX + 1] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    char letter = pass->end - pass->at < 2 ? '\0' : meant[(unsigned char)pass->at[1]];
    if (letter == '\0') { /* Also \u…, which may be a NUL, or half of a pair. */
        return false;
    }
    *pass->to++ = letter;
    pass->at += 2;
    return true;
}

/* Where the first special byte of a word stands. */
static size_t first_special(uint64_t found)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    found = __builtin_bswap64(found);
#endif
    return (size_t)__builtin_ctzll(found) / 8;
}

/* Plain letters up to the next special byte. */
static void copy_plain(struct pass *pass)
{
    while (pass->end - pass->at >= WORD) {
        uint64_t word = 0;
        memcpy(&word, pass->at, WORD);
        memcpy(pass->to, &word, WORD);
        uint64_t found = special_bytes(word);
        size_t plain = found == 0 ? WORD : first_special(found);
        pass->to += plain;
        pass->at += plain;
        if (found != 0) {
            return;
        }
    }
    while (pass->at < pass->end && *pass->at != '"' && *pass->at != '\\' &&
           (unsigned char)*pass->at >= ' ') {
        *pass->to++ = *pass->at++;
    }
}

/* A string, behind its first quote: its letters are copied. */
static bool copy_string(struct pass *pass)
{
    for (;;) {
        copy_plain(pass);
        if (pass->at == pass->end) {
            return false;
        }
        if (*pass->at == '"') {
            pass->at++;
            return true;
        }
        if (*pass->at != '\\' || !copy_escape(pass)) {
            return false;
        }
    }
}

/* Digits as sluice writes them: no sign but '-', no zero in front. */
static bool read_int(struct pass *pass, int64_t *out)
{
    bool negative = pass->at < pass->end && *pass->at == '-';
    const char *first = pass->at + negative;
    const char *at = first;
    int64_t value = 0;
    while (at < pass->end && *at >= '0' && *at <= '9' && at - first < DIGITS_MAX) {
        value = value * 10 + (*at++ - '0');
    }
    if (at == first || (*first == '0' && (at - first > 1 || negative))) {
        return false;
    }
    pass->at = at;
    *out = negative ? -value : value;
    return true;
}

static bool put_int(struct pass *pass, size_t bytes)
{
    int64_t value = 0;
    int64_t most = INT64_MAX >> 8 * (NUMBER_BYTES - bytes);
    if (!read_int(pass, &value) || value > most || value < -most) {
        return false;
    }
    put_number(pass->to, (uint64_t)value, bytes);
    pass->to += bytes;
    return true;
}

/* So few digits that the quotient of two exact doubles is the double next to what they say. */
static bool put_float(struct pass *pass)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    int64_t value = 0;
    const char *from = pass->at;
    uint64_t bits = 0;
    if (from < pass->end && *from == '-') { /* "-0.5" has an integer part that is not one. */
        pass->at++;
    }
    bool negative = pass->at > from;
    if (!read_int(pass, &value) || value < 0) {
        return false;
    }
    const char *point = pass->at;
    if (point < pass->end && *point == '.') {
        pass->at++;
        while (pass->at < pass->end && *pass->at >= '0' && *pass->at <= '9' &&
               pass->at - from <= MANTISSA_MAX) {
            value = value * 10 + (*pass->at++ - '0');
        }
    }
    ptrdiff_t decimals = pass->at > point ? pass->at - point - 1 : 0;
    if (pass->at - from > MANTISSA_MAX || pass->at == point + 1 || (negative && value == 0)) {
        return false;
    }
    double number = (double)(negative ? -value : value) / powers[decimals];
    memcpy(&bits, &number, sizeof bits);
    put_number(pass->to, bits, NUMBER_BYTES);
    pass->to += NUMBER_BYTES;
    return true;
}

static bool put_bool(struct pass *pass)
{
    bool truth = follows(pass, STR("true"));
    *pass->to++ = truth;
    return truth || follows(pass, STR("false"));
}

/* The digits at `places` of "dddd-dd-dd…"; false when one is none. */
static bool read_digits(const char *at, int count, int *out)
{
    *out = 0;
    for (int i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return false;
        }
        *out = *out * 10 + (at[i] - '0');
    }
    return true;
}

/* "2025-12-09, with its quote in front: the days since 1970. */
static bool read_day(const char *at, int64_t *days)
{
    int year = 0;
    int month = 0;
    int day = 0;
    if (at[0] != '"' || at[5] != '-' || at[8] != '-' || !read_digits(at + 1, 4, &year) ||
        !read_digits(at + 6, 2, &month) || !read_digits(at + 9, 2, &day) || year < 1 || month < 1 ||
        month > 12 || day < 1 || day > datetime_month_days(year, month)) {
        return false;
    }
    *days = datetime_days(year, month, day) - DAYS_TO_2000;
    return true;
}

static bool put_date(struct pass *pass)
{
    enum { SIZE = sizeof "\"2025-12-09\"" - 1, BYTES = 4 };
    int64_t days = 0;
    if (pass->end - pass->at < SIZE || pass->at[SIZE - 1] != '"' || !read_day(pass->at, &days)) {
        return false;
    }
    put_number(pass->to, (uint64_t)days, BYTES);
    pass->at += SIZE;
    pass->to += BYTES;
    return true;
}

/* As sluice writes a moment, and in no other way. */
static bool put_time(struct pass *pass)
{
    enum { SIZE = sizeof "\"2025-12-09T18:51:42.998Z\"" - 1 };
    const char *at = pass->at;
    int64_t days = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int milli = 0;
    if (pass->end - at < SIZE || !read_day(at, &days) || at[11] != 'T' || at[14] != ':' ||
        at[17] != ':' || at[20] != '.' || at[24] != 'Z' || at[25] != '"' ||
        !read_digits(at + 12, 2, &hour) || !read_digits(at + 15, 2, &minute) ||
        !read_digits(at + 18, 2, &second) || !read_digits(at + 21, 3, &milli) || hour > 23 ||
        minute > 59 || second > 59) {
        return false;
    }
    int64_t millis = ((hour * 60 + minute) * INT64_C(60) + second) * 1000 + milli;
    put_number(pass->to, (uint64_t)(days * DAY_US + millis * 1000), NUMBER_BYTES);
    pass->at += SIZE;
    pass->to += NUMBER_BYTES;
    return true;
}

/* The letters of a string as they stand there, quotes and all. */
static bool copy_quoted(struct pass *pass)
{
    *pass->to++ = *pass->at++;
    while (pass->at < pass->end && (unsigned char)*pass->at >= ' ') {
        char byte = *pass->at++;
        *pass->to++ = byte;
        if (byte == '"') {
            return true;
        }
        if (byte == '\\') {
            if (pass->at == pass->end || *pass->at == 'u' || (unsigned char)*pass->at < ' ') {
                return false;
            }
            *pass->to++ = *pass->at++;
        }
    }
    return false;
}

/* A whole number as it stands there. */
static bool copy_int(struct pass *pass)
{
    int64_t value = 0;
    const char *from = pass->at;
    bool ok = read_int(pass, &value);
    memcpy(pass->to, from, (size_t)(pass->at - from));
    pass->to += pass->at - from;
    return ok;
}

/* A list or an object: strings, whole numbers, words and brackets; the server checks their order.
 */
static bool copy_nested(struct pass *pass)
{
    int depth = 0;
    do {
        if (pass->at == pass->end) {
            return false;
        }
        char byte = *pass->at;
        bool ok = true;
        if (byte == '"') {
            ok = copy_quoted(pass);
        } else if (byte == '-' || (byte >= '0' && byte <= '9')) {
            ok = copy_int(pass);
        } else if (strchr("[]{},:truefalsn", byte) != NULL && byte != '\0') {
            depth += byte == '[' || byte == '{';
            depth -= byte == ']' || byte == '}';
            ok = depth <= DEPTH_MAX;
            *pass->to++ = *pass->at++;
        } else {
            ok = false;
        }
        if (!ok) {
            return false;
        }
    } while (depth > 0);
    return true;
}

static bool put_json(struct pass *pass)
{
    *pass->to++ = JSON_VERSION;
    if (pass->at == pass->end) {
        return false;
    }
    return *pass->at == '"'                       ? copy_quoted(pass)
           : *pass->at == '[' || *pass->at == '{' ? copy_nested(pass)
                                                  : false;
}

static bool put_text(struct pass *pass, size_t bytes_max)
{
    const char *to = pass->to;
    if (pass->at < pass->end && *pass->at == '"') {
        pass->at++;
        return copy_string(pass) && (bytes_max == 0 || (size_t)(pass->to - to) <= bytes_max);
    }
    return copy_int(pass) && (bytes_max == 0 || (size_t)(pass->to - to) <= bytes_max);
}

static bool put_value(const struct postgres_line_field *field, struct pass *pass)
{
    switch (field->kind) {
    case LINE_TEXT:
        return put_text(pass, field->bytes);
    case LINE_INT:
        return put_int(pass, field->bytes);
    case LINE_FLOAT:
        return put_float(pass);
    case LINE_BOOL:
        return put_bool(pass);
    case LINE_TIME:
        return put_time(pass);
    case LINE_DATE:
        return put_date(pass);
    case LINE_JSON:
        return put_json(pass);
    case LINE_SLOW:
        break;
    }
    return false;
}

/* The key among the columns, which says again what the entity says. */
static bool skip_key(struct pass *pass, struct str entity)
{
    bool bare =
        str_find_byte(entity, '\\', 0) == STR_NONE && str_find_byte(entity, '"', 0) == STR_NONE;
    return bare && follows(pass, STR("\"")) && follows(pass, entity) && follows(pass, STR("\""));
}

static bool put_fields(const struct postgres_line *line, struct str entity, struct pass *pass)
{
    for (size_t i = 0; i < line->count; i++) {
        const struct postgres_line_field *field = &line->fields[i];
        if (!follows(pass, field->before)) {
            return false;
        }
        if (field->is_key) {
            if (!skip_key(pass, entity)) {
                return false;
            }
            continue;
        }
        char *length = pass->to;
        pass->to += LENGTH_BYTES;
        if (pass->at < pass->end && *pass->at == 'n' && follows(pass, STR("null"))) {
            put_number(length, UINT32_MAX, LENGTH_BYTES);
            continue;
        }
        if (!put_value(field, pass)) {
            return false;
        }
        put_number(length, (uint64_t)(pass->to - length - LENGTH_BYTES), LENGTH_BYTES);
    }
    return follows(pass, line->after) && pass->at == pass->end;
}

static bool put_entity(struct str entity, struct pass *pass)
{
    for (size_t i = 0; i < entity.len; i++) {
        if (entity.ptr[i] == '\0') {
            return false;
        }
        *pass->to++ = entity.ptr[i];
    }
    return true;
}

bool postgres_line_read(const struct postgres_line *line, struct str entity, struct str body,
                        struct buf *lines)
{
    /* A value is never longer than its JSON, but for numbers, which take eight bytes at most; and a
       word of letters may be copied where only its beginning counts. */
    size_t most = COUNT_BYTES + LENGTH_BYTES + entity.len + body.len + WORD +
                  line->count * (LENGTH_BYTES + NUMBER_BYTES);
    if ((line->key.bytes != 0 && entity.len > line->key.bytes) || !buf_reserve(lines, most)) {
        return false;
    }
    struct pass pass = {body.ptr, body.ptr + body.len, lines->ptr + lines->len};
    put_number(pass.to, line->columns, COUNT_BYTES);
    put_number(pass.to + COUNT_BYTES, entity.len, LENGTH_BYTES);
    pass.to += COUNT_BYTES + LENGTH_BYTES;
    if (!put_entity(entity, &pass) || !put_fields(line, entity, &pass)) {
        return false;
    }
    lines->len = (size_t)(pass.to - lines->ptr);
    return true;
}
