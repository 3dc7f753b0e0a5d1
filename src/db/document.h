/*
 * document: writing BSON, MongoDB's binary form of JSON.
 *
 * A document is written into a `struct buf`, front to back, as a `struct json_writer` writes JSON:
 *
 *     struct document doc;
 *     document_begin(&doc, &buf);
 *     document_object(&doc, STR("$set"));        an operator: written by code, so it may have a "$"
 *     document_str(&doc, STR("city"), city);
 *     document_time(&doc, STR("seen"), now_ms);
 *     document_close(&doc);
 *     struct str bytes = document_end(&doc, err);
 *
 * What comes from outside goes in by document_json(), which keeps operators out: a key of data that
 * is empty, begins with "$", or holds a "." or a NUL is refused (ERR_REJECT), however deep it lies,
 * because MongoDB would take it for something to do. Queries of the configuration go in by
 * document_query(), where "$" is meant, and where {"$date": "…"} and {"$oid": "…"} become values.
 *
 * Whole numbers that fit become 32-bit ones, as other drivers do it, larger ones 64-bit.
 *
 * A failed write (no memory, too large) is remembered and told at the end. In an array the
 * keys are the writer's own: pass the absent view. Elsewhere keys that code names have no NUL.
 */
#ifndef SLUICE_DB_DOCUMENT_H
#define SLUICE_DB_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "text/json.h"

enum {
    DOCUMENT_DEPTH_MAX = 64,
    DOCUMENT_BYTES_MAX = 16 * 1024 * 1024, /* MongoDB's limit of one document. */
    DOCUMENT_BATCH_MAX = 48 * 1000 * 1000, /* And of one command. */
    DOCUMENT_KEY_MAX = 1024,
};

struct document {
    struct buf *buf;
    unsigned depth;
    struct {
        size_t start;
        uint32_t next; /* Of an array: the next index. */
        bool array;
    } levels[DOCUMENT_DEPTH_MAX];
    bool failed; /* More than 2 GiB. */
};

void document_begin(struct document *doc, struct buf *buf);

/* The bytes; `size_max` is DOCUMENT_BYTES_MAX, or DOCUMENT_BATCH_MAX for a command. */
bool document_end(struct document *doc, size_t size_max, struct str *bytes, struct err *err);

void document_object(struct document *doc, struct str key);
void document_array(struct document *doc, struct str key);
void document_close(struct document *doc);

void document_str(struct document *doc, struct str key, struct str value); /* Valid UTF-8. */
void document_int(struct document *doc, struct str key, int64_t value);
void document_int64(struct document *doc, struct str key, int64_t value); /* Never 32 bits. */
void document_double(struct document *doc, struct str key, double value);
void document_bool(struct document *doc, struct str key, bool value);
void document_null(struct document *doc, struct str key);
void document_time(struct document *doc, struct str key, int64_t unix_ms);
void document_binary(struct document *doc, struct str key, struct str bytes);

/* A whole document that was written before. */
void document_raw(struct document *doc, struct str key, struct str document);

/* Data from outside, see above. */
bool document_json(struct document *doc, struct str key, const struct json_value *value,
                   struct err *err);

/* The same, under a key of the code's own, which may be an operator ("$literal"). */
bool document_data(struct document *doc, struct str key, const struct json_value *value,
                   struct err *err);

/* From the configuration: operators are meant. */
bool document_query(struct document *doc, struct str key, const struct json_value *value,
                    struct err *err);

/* The same for the members of an object, into the level at hand. */
bool document_query_members(struct document *doc, const struct json_value *object, struct err *err);

/* May it be a key of data? */
bool document_key_is_plain(struct str key);

#endif
