#include "db/document.h"

#include <string.h>

#include "base/must.h"
#include "crypto/encode.h"
#include "text/datetime.h"

enum bson_type {
    BSON_DOUBLE = 0x01,
    BSON_STRING = 0x02,
    BSON_OBJECT = 0x03,
    BSON_ARRAY = 0x04,
    BSON_BINARY = 0x05,
    BSON_OBJECT_ID = 0x07,
    BSON_BOOL = 0x08,
    BSON_TIME = 0x09,
    BSON_NULL = 0x0A,
    BSON_INT32 = 0x10,
    BSON_INT64 = 0x12,
};

_Static_assert((int)JSON_DEPTH_MAX + 8 <= (int)DOCUMENT_DEPTH_MAX,
               "what was read fits, within operators");

enum { OBJECT_ID_BYTES = 12, INDEX_TEXT_MAX = 12, NAME_SHOWN = 64 };

/* Little-endian; unrolled where `count` is a constant. */
static inline void store(char *out, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (char)(value >> (8 * i) & 0xFFU);
    }
}

/* The next number of an array, as its item's name. */
static struct str next_index(struct document *doc, char room[INDEX_TEXT_MAX])
{
    uint32_t rest = doc->levels[doc->depth - 1].next++;
    size_t at = INDEX_TEXT_MAX;
    do {
        room[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    return (struct str){room + at, INDEX_TEXT_MAX - at};
}

/*
 * The type and the name of an element, and room for `size` bytes of its value: the caller fills
 * them, because a backlog writes some millions of elements a second. NULL when there is no memory.
 */
static char *put_element(struct document *doc, enum bson_type type, struct str key, size_t size)
{
    char room[INDEX_TEXT_MAX];
    must(doc->depth > 0);
    if (doc->levels[doc->depth - 1].array) {
        key = next_index(doc, room);
    }
    if (!buf_reserve(doc->buf, 2 + key.len + size)) {
        return NULL;
    }
    char *at = doc->buf->ptr + doc->buf->len;
    *at++ = (char)type;
    if (key.len > 0) {
        memcpy(at, key.ptr, key.len);
    }
    at += key.len;
    *at++ = '\0';
    doc->buf->len += 2 + key.len + size;
    return at;
}

static void put_word(struct document *doc, enum bson_type type, struct str key, uint64_t value)
{
    char *out = put_element(doc, type, key, 8);
    if (out != NULL) {
        store(out, value, 8);
    }
}

/* Its length is written when it ends. */
static void open_level(struct document *doc, bool array)
{
    must(doc->depth < DOCUMENT_DEPTH_MAX);
    doc->levels[doc->depth].start = doc->buf->len - 4;
    doc->levels[doc->depth].next = 0;
    doc->levels[doc->depth].array = array;
    doc->depth++;
}

void document_begin(struct document *doc, struct buf *buf)
{
    doc->buf = buf; /* Levels are filled in when they are opened. */
    doc->depth = 0;
    doc->failed = false;
    buf_add(buf, (struct str){"\0\0\0", 4});
    open_level(doc, false);
}

/* End a level and write its length to its front. */
void document_close(struct document *doc)
{
    must(doc->depth > 0);
    buf_add_byte(doc->buf, '\0');
    size_t start = doc->levels[--doc->depth].start;
    if (!buf_ok(doc->buf) || doc->failed) {
        return;
    }
    size_t len = doc->buf->len - start;
    doc->failed |= len > INT32_MAX;
    store(doc->buf->ptr + start, len, 4);
}

bool document_end(struct document *doc, size_t size_max, struct str *bytes, struct err *err)
{
    size_t start = doc->levels[0].start;
    if (doc->failed) {
        return err_set(err, ERR_REJECT, "mongodb: a document of more than 2 GiB");
    }
    must(doc->depth == 1);
    document_close(doc);
    if (!buf_ok(doc->buf)) {
        return err_set(err, ERR_RETRY, "mongodb: out of memory for a document");
    }
    *bytes = (struct str){doc->buf->ptr + start, doc->buf->len - start};
    return bytes->len <= size_max ||
           err_set(err, ERR_REJECT,
                   "mongodb: a document of %zu bytes is larger than MongoDB takes (%zu)",
                   bytes->len, size_max);
}

void document_object(struct document *doc, struct str key)
{
    (void)put_element(doc, BSON_OBJECT, key, 4);
    open_level(doc, false);
}

void document_array(struct document *doc, struct str key)
{
    (void)put_element(doc, BSON_ARRAY, key, 4);
    open_level(doc, true);
}

void document_str(struct document *doc, struct str key, struct str value)
{
    char *out = put_element(doc, BSON_STRING, key, 4 + value.len + 1);
    if (out != NULL) {
        store(out, value.len + 1, 4);
        if (value.len > 0) {
            memcpy(out + 4, value.ptr, value.len);
        }
        out[4 + value.len] = '\0';
    }
}

void document_int(struct document *doc, struct str key, int64_t value)
{
    if (value < INT32_MIN || value > INT32_MAX) {
        document_int64(doc, key, value);
        return;
    }
    char *out = put_element(doc, BSON_INT32, key, 4);
    if (out != NULL) {
        store(out, (uint64_t)value, 4);
    }
}

void document_int64(struct document *doc, struct str key, int64_t value)
{
    put_word(doc, BSON_INT64, key, (uint64_t)value);
}

void document_double(struct document *doc, struct str key, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    put_word(doc, BSON_DOUBLE, key, bits);
}

void document_bool(struct document *doc, struct str key, bool value)
{
    char *out = put_element(doc, BSON_BOOL, key, 1);
    if (out != NULL) {
        *out = value ? '\1' : '\0';
    }
}

void document_null(struct document *doc, struct str key)
{
    (void)put_element(doc, BSON_NULL, key, 0);
}

void document_time(struct document *doc, struct str key, int64_t unix_ms)
{
    put_word(doc, BSON_TIME, key, (uint64_t)unix_ms);
}

void document_binary(struct document *doc, struct str key, struct str bytes)
{
    char *out = put_element(doc, BSON_BINARY, key, 4 + 1 + bytes.len);
    if (out != NULL) {
        store(out, bytes.len, 4);
        out[4] = '\0'; /* Of no special kind. */
        if (bytes.len > 0) {
            memcpy(out + 5, bytes.ptr, bytes.len);
        }
    }
}

void document_raw(struct document *doc, struct str key, struct str document)
{
    (void)put_element(doc, BSON_OBJECT, key, 0);
    buf_add(doc->buf, document);
}

/* ---- From JSON ---- */

bool document_key_is_plain(struct str key)
{
    return key.len > 0 && key.len <= DOCUMENT_KEY_MAX && key.ptr[0] != '$' &&
           memchr(key.ptr, '.', key.len) == NULL && memchr(key.ptr, '\0', key.len) == NULL;
}

static bool check_key(struct str key, bool operators, struct err *err)
{
    bool nul = key.len > 0 && memchr(key.ptr, '\0', key.len) != NULL;
    if (operators ? key.len <= DOCUMENT_KEY_MAX && !nul : document_key_is_plain(key)) {
        return true;
    }
    return err_set(err, ERR_REJECT,
                   "mongodb: \"%.*s\" cannot be a field's name (empty, too long, with a dot or a "
                   "NUL, or beginning with $)",
                   STR_ARG(str_slice(key, 0, NAME_SHOWN)));
}

/* {"$date": "2025-…"} and {"$oid": "…"}: false when it is none of them. */
static bool put_special(struct document *doc, struct str key, const struct json_value *value)
{
    struct str date = json_str(json_get(value, STR("$date")));
    struct str oid = json_str(json_get(value, STR("$oid")));
    int64_t ms = 0;
    struct err ignored = {0};
    if (json_count(value) != 1) {
        return false;
    }
    if (date.ptr != NULL && datetime_parse_iso_ms(date, &ms, &ignored)) {
        document_time(doc, key, ms);
        return true;
    }
    struct str bytes = {0};
    if (oid.len == 2 * (size_t)OBJECT_ID_BYTES &&
        encode_from_hex(doc->buf->arena, oid, &bytes, &ignored)) {
        (void)put_element(doc, BSON_OBJECT_ID, key, 0);
        buf_add(doc->buf, bytes);
        return true;
    }
    return false;
}

static bool put_value(struct document *doc, struct str key, const struct json_value *value,
                      bool operators, struct err *err);

static bool put_members(struct document *doc, const struct json_value *value, bool operators,
                        struct err *err)
{
    struct json_iter iter;
    struct str key;
    const struct json_value *item = NULL;
    bool object = json_kind(value) == JSON_OBJECT;
    json_iter_init(&iter, value);
    while (json_next(&iter, &key, &item)) {
        if ((object && !check_key(key, operators, err)) ||
            !put_value(doc, key, item, operators, err)) {
            return false;
        }
    }
    return true;
}

/* No deeper than JSON_DEPTH_MAX. */
static bool put_value(struct document *doc, struct str key, const struct json_value *value,
                      bool operators, struct err *err)
{
    int64_t integer = 0;
    double real = 0;
    bool yes = false;
    bool ok = true;
    switch (json_kind(value)) {
    case JSON_ABSENT:
    case JSON_NULL:
        document_null(doc, key);
        return true;
    case JSON_BOOL:
        (void)json_bool(value, &yes);
        document_bool(doc, key, yes);
        return true;
    case JSON_INT:
        (void)json_int(value, &integer);
        document_int(doc, key, integer);
        return true;
    case JSON_DOUBLE:
        (void)json_double(value, &real);
        document_double(doc, key, real);
        return true;
    case JSON_UINT:
    case JSON_BIG:
        return err_set(err, ERR_REJECT,
                       "mongodb: field \"%.*s\" holds a number of more than 64 bits",
                       STR_ARG(str_slice(key, 0, NAME_SHOWN)));
    case JSON_STRING:
        document_str(doc, key, json_str(value));
        return true;
    case JSON_ARRAY:
        document_array(doc, key);
        ok = put_members(doc, value, operators, err);
        document_close(doc);
        return ok;
    case JSON_OBJECT:
        if (operators && put_special(doc, key, value)) {
            return true;
        }
        document_object(doc, key);
        ok = put_members(doc, value, operators, err);
        document_close(doc);
        return ok;
    }
    must_failed("unknown json_kind", __FILE__, __LINE__);
}

bool document_json(struct document *doc, struct str key, const struct json_value *value,
                   struct err *err)
{
    bool in_array = doc->levels[doc->depth - 1].array;
    return (in_array || check_key(key, false, err)) && put_value(doc, key, value, false, err);
}

bool document_data(struct document *doc, struct str key, const struct json_value *value,
                   struct err *err)
{
    return put_value(doc, key, value, false, err);
}

bool document_query(struct document *doc, struct str key, const struct json_value *value,
                    struct err *err)
{
    return put_value(doc, key, value, true, err);
}

bool document_query_members(struct document *doc, const struct json_value *object, struct err *err)
{
    return put_members(doc, object, true, err);
}
