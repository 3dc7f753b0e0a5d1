#include <math.h>
#include <string.h>

#include "base/must.h"
#include "text/datetime.h"
#include "text/json.h"
#include "text/utf8.h"

/* ---- Strings: what needs no escape is found in words of eight bytes and copied in runs ---- */

static const uint64_t ONES = 0x0101010101010101U;
static const uint64_t HIGHS = 0x8080808080808080U;

/* Not zero when a byte of the word is a control, a quote, a backslash or beyond ASCII. */
static uint64_t special(uint64_t word)
{
    uint64_t quote = word ^ (ONES * '"');
    uint64_t slash = word ^ (ONES * '\\');
    uint64_t hits = (word - ONES * 0x20) & ~word;
    hits |= (quote - ONES) & ~quote;
    hits |= (slash - ONES) & ~slash;
    return (hits | word) & HIGHS;
}

static bool is_plain(unsigned byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Length of the well-formed character at `at` that needs no escape, beyond ASCII; or 0. */
static size_t wide_len(struct str text, size_t at)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr + at;
    size_t left = text.len - at;
    if (bytes[0] >= 0xC2 && bytes[0] <= 0xDF && left >= 2 && (bytes[1] & 0xC0U) == 0x80) {
        return 2; /* Hebrew, Arabic, Cyrillic: most of what is written. */
    }
    uint32_t code = 0;
    size_t len = utf8_next(text, at, &code);
    return code == UTF8_BAD || code == 0x2028 || code == 0x2029 ? 0 : len;
}

/* The end of the run that starts at `at` and is copied as it is. */
static size_t run_end(struct str text, size_t at)
{
    while (at < text.len) {
        uint64_t word = 0;
        while (text.len - at >= sizeof word) {
            memcpy(&word, text.ptr + at, sizeof word);
            if (special(word) != 0) {
                break;
            }
            at += sizeof word;
        }
        while (at < text.len && is_plain((unsigned char)text.ptr[at])) {
            at++;
        }
        size_t len = 0;
        while (at < text.len && (unsigned char)text.ptr[at] >= 0x80 &&
               (len = wide_len(text, at)) > 0) {
            at += len;
        }
        if (at < text.len && !is_plain((unsigned char)text.ptr[at])) {
            break;
        }
    }
    return at;
}

/* What stands at the end of a run; the number of bytes that it replaces. */
static size_t escape(struct buf *buf, struct str text, size_t at)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "\"\\\b\f\n\r\t";
    static const char names[] = "\"\\bfnrt";
    unsigned byte = (unsigned char)text.ptr[at];
    if (byte >= 0x80) {
        uint32_t code = 0;
        size_t len = utf8_next(text, at, &code);
        bool bad = code == UTF8_BAD;
        buf_add(buf, bad ? STR("\xEF\xBF\xBD") : code == 0x2028 ? STR("\\u2028") : STR("\\u2029"));
        return len;
    }
    const char *letter = byte == 0 ? NULL : strchr(letters, (int)byte);
    if (letter != NULL) {
        char pair[2] = {'\\', names[letter - letters]};
        buf_add(buf, (struct str){pair, sizeof pair});
        return 1;
    }
    char code[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15U]};
    buf_add(buf, (struct str){code, sizeof code});
    return 1;
}

void json_quote(struct buf *buf, struct str text)
{
    (void)buf_reserve(buf, text.len + 2);
    buf_add_byte(buf, '"');
    size_t at = 0;
    while (at < text.len) {
        size_t end = run_end(text, at);
        buf_add(buf, str_slice(text, at, end));
        at = end;
        at += at < text.len ? escape(buf, text, at) : 0;
    }
    buf_add_byte(buf, '"');
}

/* ---- Structure ---- */

void json_writer_init(struct json_writer *json, struct buf *buf)
{
    *json = (struct json_writer){.buf = buf};
}

static bool in_object(const struct json_writer *json)
{
    return json->depth > 0 && (json->objects >> (json->depth - 1) & 1U) != 0;
}

/* Before every value: the place must be one for a value, and a comma may be due. */
static void value_begin(struct json_writer *json)
{
    must(json->has_key == in_object(json));
    must(json->depth > 0 || !json->filled);
    if (json->filled && !json->has_key) {
        buf_add_byte(json->buf, ',');
    }
    json->filled = true;
    json->has_key = false;
}

static void level_begin(struct json_writer *json, bool object)
{
    value_begin(json);
    must(json->depth < JSON_LEVELS_MAX);
    uint64_t bit = (uint64_t)1 << json->depth;
    json->objects = object ? json->objects | bit : json->objects & ~bit;
    json->depth++;
    json->filled = false;
    buf_add_byte(json->buf, object ? '{' : '[');
}

static void level_end(struct json_writer *json, bool object)
{
    must(json->depth > 0 && in_object(json) == object && !json->has_key);
    json->depth--;
    json->filled = true;
    buf_add_byte(json->buf, object ? '}' : ']');
}

void json_object_begin(struct json_writer *json)
{
    level_begin(json, true);
}

void json_object_end(struct json_writer *json)
{
    level_end(json, true);
}

void json_array_begin(struct json_writer *json)
{
    level_begin(json, false);
}

void json_array_end(struct json_writer *json)
{
    level_end(json, false);
}

void json_key(struct json_writer *json, struct str key)
{
    must(in_object(json) && !json->has_key);
    if (json->filled) {
        buf_add_byte(json->buf, ',');
    }
    json_quote(json->buf, key);
    buf_add_byte(json->buf, ':');
    json->has_key = true;
}

void json_writer_done(const struct json_writer *json)
{
    must(json->depth == 0 && json->filled);
}

/* ---- Values ---- */

void json_put_raw(struct json_writer *json, struct str text)
{
    value_begin(json);
    buf_add(json->buf, text);
}

void json_put_str(struct json_writer *json, struct str text)
{
    value_begin(json);
    json_quote(json->buf, text);
}

void json_put_int(struct json_writer *json, int64_t value)
{
    value_begin(json);
    buf_add_int(json->buf, value);
}

void json_put_uint(struct json_writer *json, uint64_t value)
{
    value_begin(json);
    if (value > INT64_MAX) {
        buf_add_int(json->buf, (int64_t)(value / 10));
        value %= 10;
    }
    buf_add_int(json->buf, (int64_t)value);
}

void json_put_double(struct json_writer *json, double value)
{
    if (!isfinite(value)) {
        json_put_null(json);
        return;
    }
    char text[JSON_NUMBER_MAX];
    json_put_raw(json, json_double_text(value, text));
}

void json_put_bool(struct json_writer *json, bool value)
{
    json_put_raw(json, value ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *json)
{
    json_put_raw(json, STR("null"));
}

static void put_scalar(struct json_writer *json, const struct json_value *value)
{
    int64_t number = 0;
    uint64_t large = 0;
    double real = 0;
    bool truth = false;
    enum json_kind kind = json_kind(value);
    must(kind != JSON_ABSENT);
    if (kind == JSON_STRING) {
        json_put_str(json, json_str(value));
    } else if (kind == JSON_INT && json_int(value, &number)) {
        json_put_int(json, number);
    } else if (kind == JSON_UINT && json_uint(value, &large)) {
        json_put_uint(json, large);
    } else if (kind == JSON_DOUBLE && json_double(value, &real)) {
        json_put_double(json, real);
    } else if (kind == JSON_BIG) {
        json_put_raw(json, json_raw(value));
    } else if (kind == JSON_BOOL && json_bool(value, &truth)) {
        json_put_bool(json, truth);
    } else {
        json_put_null(json);
    }
}

/* True when a level was opened, and `iter` walks it. */
static bool put_open(struct json_writer *json, const struct json_value *value,
                     struct json_iter *iter)
{
    enum json_kind kind = json_kind(value);
    if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
        put_scalar(json, value);
        return false;
    }
    level_begin(json, kind == JSON_OBJECT);
    json_iter_init(iter, value);
    return true;
}

void json_put_value(struct json_writer *json, const struct json_value *value)
{
    struct json_iter levels[JSON_DEPTH_MAX];
    unsigned depth = put_open(json, value, &levels[0]) ? 1 : 0;
    while (depth > 0) {
        struct json_iter *level = &levels[depth - 1];
        struct str key;
        const struct json_value *item = NULL;
        if (!json_next(level, &key, &item)) {
            level_end(json, level->object);
            depth--;
            continue;
        }
        if (level->object) {
            json_key(json, key);
        }
        struct json_iter below;
        if (put_open(json, item, &below)) {
            must(depth < JSON_DEPTH_MAX); /* It was read, so it is not deeper. */
            levels[depth++] = below;
        }
    }
}

void json_field_str(struct json_writer *json, struct str key, struct str text)
{
    json_key(json, key);
    json_put_str(json, text);
}

void json_field_int(struct json_writer *json, struct str key, int64_t value)
{
    json_key(json, key);
    json_put_int(json, value);
}

void json_field_bool(struct json_writer *json, struct str key, bool value)
{
    json_key(json, key);
    json_put_bool(json, value);
}

void json_field_time(struct json_writer *json, struct str key, int64_t unix_ms)
{
    char text[DATETIME_TEXT_MAX];
    json_key(json, key);
    if (unix_ms == 0) {
        json_put_null(json);
    } else {
        json_put_str(json, datetime_format_iso(unix_ms, text));
    }
}

void json_field_text(struct json_writer *json, struct str key, struct str text)
{
    json_key(json, key);
    if (text.len == 0) {
        json_put_null(json);
    } else {
        json_put_str(json, text);
    }
}
