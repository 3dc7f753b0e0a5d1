/*
 * json: reading what others wrote, and writing so that equal things are equal bytes.
 *
 * Reading turns a text into a tree of values that lives in the arena it was read into; the text
 * itself may go. The reader is strict (RFC 8259): no comments, no trailing commas, no NaN, valid
 * UTF-8 only, one value; a byte order mark in front is passed over. It refuses more than size_max
 * bytes, more than depth_max levels, and an object that names a key twice, because two readers of
 * such an object may believe two different things. Errors say line, column and why, and never
 * quote the text.
 *
 *     const struct json_value *root;
 *     if (!json_parse(arena, body, NULL, &root, err)) …
 *     struct str name = json_str(json_get(json_get(root, STR("sender")), STR("name")));
 *
 * Values are never NULL-checked by callers: asking an absent value, or one of another kind, for
 * something gives "absent" again (NULL, the absent view, false).
 *
 * Writing appends to a `struct buf`. The form is canonical: no white space, keys in the order in
 * which they are put, one escape for each character that needs one, shortest numbers that read
 * back the same. The same calls give the same bytes, so records are compared by bytes. Text that
 * is not UTF-8 gets U+FFFD; U+2028 and U+2029 are escaped, so the result may stand in a script.
 * What is put in a wrong place (a value without its key) is a bug and stops the process.
 *
 *     struct json_writer json;
 *     json_writer_init(&json, &buf);
 *     json_object_begin(&json);
 *     json_field_str(&json, STR("drop"), STR("DR12345678"));
 *     json_key(&json, STR("steps"));
 *     json_array_begin(&json);
 *     json_put_int(&json, 7);
 *     json_array_end(&json);
 *     json_object_end(&json);
 *     json_writer_done(&json);   and buf_ok() tells whether there was memory
 *
 * A value or a writer belongs to one thread at a time.
 */
#ifndef SLUICE_TEXT_JSON_H
#define SLUICE_TEXT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
    JSON_SIZE_MAX = 16 * 1024 * 1024, /* Bytes that are read unless limits say otherwise. */
    JSON_DEPTH_MAX = 48,              /* Levels that are read. */
    JSON_LEVELS_MAX = 64,             /* Levels that are written: what was read fits, wrapped. */
    JSON_NUMBER_MAX = 40,             /* Room for any number that is written, with its NUL. */
};

enum json_kind {
    JSON_ABSENT = 0,
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,    /* Fits an int64_t. */
    JSON_UINT,   /* An integer above that, fits a uint64_t. */
    JSON_DOUBLE, /* With a fraction or an exponent. */
    JSON_BIG,    /* Fits none of them; only json_raw() has it. */
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* Zeros mean the defaults. */
struct json_limits {
    size_t size_max;
    unsigned depth_max;        /* At most JSON_DEPTH_MAX. */
    bool allow_duplicate_keys; /* json_get() then gives the first; json_next() shows all. */
    bool innocent;             /* A lack of memory is ERR_RETRY: the text may fit another time. */
};

struct json_value;

/* `limits` may be NULL. A text that is wrong, or too large for the arena, is ERR_REJECT; but see
   `innocent`. */
bool json_parse(struct arena *arena, struct str text, const struct json_limits *limits,
                const struct json_value **root, struct err *err);

enum json_kind json_kind(const struct json_value *value);

/* The value of a key; NULL when `value` is no object or has no such key. */
const struct json_value *json_get(const struct json_value *value, struct str key);

/* The n-th item of an array, or NULL. Walk long arrays with json_next() instead. */
const struct json_value *json_at(const struct json_value *value, size_t index);

/* Down a path of keys and numbers: "messages/0/sender/name". Keys with a '/' need json_get(). */
const struct json_value *json_find(const struct json_value *value, struct str path);

/* Items of an array or keys of an object; 0 for others. */
size_t json_count(const struct json_value *value);

/* The text of a string, with a NUL behind it (and perhaps NULs inside); absent for others. */
struct str json_str(const struct json_value *value);

/* False, and `*out` as it was, when it is not one or does not fit. 3.0 and 1e3 are integers too. */
bool json_int(const struct json_value *value, int64_t *out);
bool json_uint(const struct json_value *value, uint64_t *out);
bool json_double(const struct json_value *value, double *out); /* Any number but JSON_BIG. */
bool json_bool(const struct json_value *value, bool *out);

/* The digits of a JSON_BIG as they were written; absent for others. */
struct str json_raw(const struct json_value *value);

/* Walks an array or an object in its order; nothing comes for other kinds. */
struct json_iter {
    const struct json_value *next;
    size_t left;
    bool object;
};

void json_iter_init(struct json_iter *iter, const struct json_value *value);

/* The next item; `*key` (may be NULL) is absent in arrays. False at the end. */
bool json_next(struct json_iter *iter, struct str *key, const struct json_value **value);

/* ---- Writing ---- */

struct json_writer {
    struct buf *buf;
    uint64_t objects; /* One bit a level: is it an object? */
    unsigned depth;
    bool filled;  /* The level has an item already. */
    bool has_key; /* A key waits for its value. */
};

void json_writer_init(struct json_writer *json, struct buf *buf);

void json_object_begin(struct json_writer *json);
void json_object_end(struct json_writer *json);
void json_array_begin(struct json_writer *json);
void json_array_end(struct json_writer *json);

void json_key(struct json_writer *json, struct str key);
void json_put_str(struct json_writer *json, struct str text);
void json_put_int(struct json_writer *json, int64_t value);
void json_put_uint(struct json_writer *json, uint64_t value);
void json_put_double(struct json_writer *json, double value); /* NaN and infinities: null. */
void json_put_bool(struct json_writer *json, bool value);
void json_put_null(struct json_writer *json);

/* A value that is canonical JSON already, such as another record's body; not checked. */
void json_put_raw(struct json_writer *json, struct str text);

/* A value that was read, in its order; `value` must not be absent. */
void json_put_value(struct json_writer *json, const struct json_value *value);

void json_field_str(struct json_writer *json, struct str key, struct str text);
void json_field_int(struct json_writer *json, struct str key, int64_t value);
void json_field_bool(struct json_writer *json, struct str key, bool value);

/* "2026-01-05T08:00:03.000Z", or null for 0. */
void json_field_time(struct json_writer *json, struct str key, int64_t unix_ms);

/* The text, or null for one that is absent or empty. */
void json_field_text(struct json_writer *json, struct str key, struct str text);

/* Exactly one whole value was written. */
void json_writer_done(const struct json_writer *json);

/* A JSON string with its quotes, for those who build a text by hand. */
void json_quote(struct buf *buf, struct str text);

/* The shortest text that reads back as this finite number. */
struct str json_double_text(double value, char out[JSON_NUMBER_MAX]);

#endif
