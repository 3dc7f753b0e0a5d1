#include "sink/mongodb_read.h"

#include "base/buf.h"
#include "db/document.h"
#include "text/datetime.h"
#include "text/json.h"

enum { ROW_ROOM = 1024, ASK_MAX = 512, ROW_JSON_MAX = 4 * 16 * 1024 * 1024 };

/* {"$date": "…"}, or the number of milliseconds where a calendar has no such year. */
static bool put_date(struct json_writer *json, const struct json_value *date)
{
    char text[DATETIME_TEXT_MAX];
    int64_t ms = 0;
    struct err ignored = {0};
    struct str number = json_str(json_get(date, STR("$numberLong")));
    bool good = number.ptr != NULL ? str_to_int64(number, &ms)
                                   : datetime_parse_iso_ms(json_str(date), &ms, &ignored);
    if (good) {
        json_put_str(json, datetime_format_iso(ms, text));
    }
    return good;
}

/* A value that JSON has no form of its own for. False when it is none of those. */
static bool put_special(struct json_writer *json, const struct json_value *value)
{
    if (json_kind(value) != JSON_OBJECT || json_count(value) != 1) {
        return false;
    }
    const struct json_value *date = json_get(value, STR("$date"));
    if (json_kind(date) != JSON_ABSENT) {
        return put_date(json, date);
    }
    static const struct str texts[] = {STR_INIT("$oid"), STR_INIT("$numberDecimal"),
                                       STR_INIT("$symbol")};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str text = json_str(json_get(value, texts[i]));
        if (text.ptr != NULL) {
            json_put_str(json, text);
            return true;
        }
    }
    if (json_kind(json_get(value, STR("$numberDouble"))) != JSON_ABSENT) {
        json_put_null(json); /* NaN and the infinities. */
        return true;
    }
    return false;
}

bool mongodb_row_make(const struct target *target, const struct json_value *document,
                      struct arena *arena, struct str *entity, struct str *body, struct err *err)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, ROW_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        const struct json_value *value = json_get(document, str_of(column->name));
        json_key(&json, str_of(column->name));
        if (json_kind(value) == JSON_ABSENT) {
            json_put_null(&json);
        } else if (!put_special(&json, value)) {
            json_put_value(&json, value);
        }
    }
    json_object_end(&json);
    json_writer_done(&json);
    *body = buf_str(&buf);
    *entity = json_str(json_get(document, str_of(target->key)));
    return body->ptr != NULL ||
           err_set(err, ERR_RETRY, "a document is larger than the memory of a step");
}

static bool next_document(struct mongo *db, struct arena *arena, const struct json_value **document,
                          struct err *err)
{
    const struct json_limits limits = {
        .size_max = ROW_JSON_MAX, .allow_duplicate_keys = true, .innocent = true};
    struct str text = {0};
    *document = NULL;
    return mongo_next(db, arena, &text, err) &&
           (text.ptr == NULL || json_parse(arena, text, &limits, document, err));
}

/* {key: {$in: […]}} */
static bool filter_of(const struct target *target, const struct held *rows, size_t count,
                      struct arena *arena, struct str *filter, struct err *err)
{
    struct buf buf;
    struct document doc;
    buf_init(&buf, arena, ROW_ROOM);
    document_begin(&doc, &buf);
    document_object(&doc, str_of(target->key));
    document_array(&doc, STR("$in"));
    for (size_t i = 0; i < count; i++) {
        document_str(&doc, (struct str){0}, rows[i].entity);
    }
    document_close(&doc);
    document_close(&doc);
    return document_end(&doc, DOCUMENT_BATCH_MAX, filter, err);
}

/* Only the declared columns. */
static bool options_of(const struct target *target, struct arena *arena, struct str *options,
                       struct err *err)
{
    struct buf buf;
    struct document doc;
    buf_init(&buf, arena, ROW_ROOM);
    document_begin(&doc, &buf);
    document_object(&doc, STR("projection"));
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        document_int(&doc, str_of(column->name), 1);
    }
    document_close(&doc);
    return document_end(&doc, DOCUMENT_BATCH_MAX, options, err);
}

static bool take_row(const struct target *target, const struct json_value *document,
                     struct held *rows, size_t count, struct arena *arena, struct err *err)
{
    struct str entity = {0};
    struct str body = {0};
    if (!mongodb_row_make(target, document, arena, &entity, &body, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_equal(rows[i].entity, entity)) {
            rows[i].body = body;
        }
    }
    return true;
}

static bool read_some(struct mongo *db, const struct target *target, struct held *rows,
                      size_t count, struct arena *arena, int64_t deadline_ms, struct err *err)
{
    struct str filter = {0};
    struct str options = {0};
    const struct json_value *document = NULL;
    for (size_t i = 0; i < count; i++) {
        rows[i].body = (struct str){0};
    }
    bool ok = filter_of(target, rows, count, arena, &filter, err) &&
              options_of(target, arena, &options, err) &&
              mongo_query(db, str_of(target->name), filter, options, deadline_ms, err);
    while (ok) {
        ok = next_document(db, arena, &document, err);
        if (!ok || document == NULL) {
            break;
        }
        ok = take_row(target, document, rows, count, arena, err);
    }
    mongo_end(db);
    return ok;
}

bool mongodb_read_rows(struct mongo *db, const struct target *target, struct held *rows,
                       size_t count, struct arena *arena, int64_t deadline_ms, struct err *err)
{
    for (size_t at = 0; at < count; at += ASK_MAX) {
        size_t some = count - at < ASK_MAX ? count - at : ASK_MAX;
        if (!read_some(db, target, rows + at, some, arena, deadline_ms, err)) {
            return false;
        }
    }
    return true;
}

static bool text_keys(const struct target *target, struct arena *arena, struct str *filter,
                      struct err *err)
{
    struct buf buf;
    struct document doc;
    buf_init(&buf, arena, ROW_ROOM);
    document_begin(&doc, &buf);
    document_object(&doc, str_of(target->key));
    document_str(&doc, STR("$type"), STR("string"));
    document_close(&doc);
    return document_end(&doc, DOCUMENT_BATCH_MAX, filter, err);
}

bool mongodb_read_each(struct mongo *db, const struct target *target, struct arena *arena,
                       int64_t deadline_ms, sink_row *each, void *context, struct err *err)
{
    struct str filter = {0};
    struct str options = {0};
    bool more = true;
    bool ok = text_keys(target, arena, &filter, err) && options_of(target, arena, &options, err) &&
              mongo_query(db, str_of(target->name), filter, options, deadline_ms, err);
    while (ok && more) {
        struct arena_mark mark = arena_mark(arena);
        const struct json_value *document = NULL;
        struct str entity = {0};
        struct str body = {0};
        ok = next_document(db, arena, &document, err);
        more = ok && document != NULL;
        if (more) {
            ok = mongodb_row_make(target, document, arena, &entity, &body, err) &&
                 each(context, entity, body, err);
        }
        arena_rewind(arena, mark);
    }
    mongo_end(db);
    return ok;
}
