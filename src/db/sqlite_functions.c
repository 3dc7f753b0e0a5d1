#include "db/sqlite_functions.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "text/json.h"
#include "text/json_merge.h"

enum { PARSE_FACTOR = 40, PARSE_LEAST = 64 * 1024 };

/* The statement fails with this text, and is graded as a value that cannot stand there. */
static void refuse(sqlite3_context *context, const char *why)
{
    sqlite3_result_error(context, why, -1);
    sqlite3_result_error_code(context, SQLITE_MISMATCH);
}

static void add(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    int held = sqlite3_value_type(values[0]);
    int more = sqlite3_value_type(values[1]);
    sqlite3_int64 sum = 0;
    if (held == SQLITE_NULL) {
        sqlite3_result_value(context, values[1]);
    } else if (held != SQLITE_INTEGER && held != SQLITE_FLOAT) {
        refuse(context, "a column holds no number, so nothing can be added to it");
    } else if (held == SQLITE_FLOAT || more == SQLITE_FLOAT) {
        sqlite3_result_double(context,
                              sqlite3_value_double(values[0]) + sqlite3_value_double(values[1]));
    } else if (__builtin_add_overflow(sqlite3_value_int64(values[0]),
                                      sqlite3_value_int64(values[1]), &sum)) {
        refuse(context, "the sum in a column is too large for a whole number");
    } else {
        sqlite3_result_int64(context, sum);
    }
}

static struct str text_of(sqlite3_value *value)
{
    const unsigned char *text = sqlite3_value_text(value);
    return text != NULL ? (struct str){(const char *)text, (size_t)sqlite3_value_bytes(value)}
                        : STR("");
}

/* "[1,2]" and "3" make "[1,2,3]": what is there stays as it was written. */
static void put_joined(sqlite3_context *context, struct str list, bool empty, struct str item)
{
    sqlite3_str *out = sqlite3_str_new(sqlite3_context_db_handle(context));
    list = str_trim(list);
    sqlite3_str_append(out, list.ptr, (int)list.len - 1);
    sqlite3_str_appendall(out, empty ? "" : ",");
    sqlite3_str_append(out, item.ptr, (int)item.len);
    sqlite3_str_appendchar(out, 1, ']');
    int code = sqlite3_str_errcode(out);
    int len = sqlite3_str_length(out);
    char *text = sqlite3_str_finish(out);
    if (code != SQLITE_OK || text == NULL) {
        sqlite3_free(text);
        sqlite3_result_error_code(context, code != SQLITE_OK ? code : SQLITE_NOMEM);
        return;
    }
    sqlite3_result_text(context, text, len, sqlite3_free);
}

static void push(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct arena arena;
    struct err ignored = {0};
    const struct json_value *root = NULL;
    const struct json_limits limits = {.innocent = true};
    (void)count;
    struct str list = sqlite3_value_type(values[0]) == SQLITE_NULL ? STR("[]") : text_of(values[0]);
    struct str item = text_of(values[1]);
    arena_init(&arena, list.len * PARSE_FACTOR + PARSE_LEAST);
    bool ok = json_parse(&arena, list, &limits, &root, &ignored);
    bool is_list = ok && json_kind(root) == JSON_ARRAY;
    if (is_list) {
        put_joined(context, list, json_count(root) == 0, item);
    } else if (!ok && ignored.kind == ERR_RETRY) {
        sqlite3_result_error_nomem(context);
    } else {
        refuse(context, "a column holds no list, so nothing can be pushed into it");
    }
    arena_free(&arena);
}

static void merge(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct arena arena;
    struct buf buf;
    struct json_writer json;
    struct err why = {0};
    const struct json_value *held = NULL;
    const struct json_value *more = NULL;
    const struct json_limits limits = {.innocent = true};
    (void)count;
    struct str list = sqlite3_value_type(values[0]) == SQLITE_NULL ? STR("[]") : text_of(values[0]);
    struct str items = text_of(values[1]);
    arena_init(&arena, (list.len + items.len) * PARSE_FACTOR + PARSE_LEAST);
    buf_init(&buf, &arena, list.len + items.len);
    json_writer_init(&json, &buf);
    bool ok = json_parse(&arena, list, &limits, &held, &why) &&
              json_parse(&arena, items, &limits, &more, &why) &&
              json_put_merged(&json, held, more, &why);
    struct str text = buf_str(&buf);
    if (ok && text.ptr != NULL) {
        sqlite3_result_text64(context, text.ptr, text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    } else if (ok || why.kind == ERR_RETRY) {
        sqlite3_result_error_nomem(context);
    } else {
        refuse(context, "a column holds no list of objects, so nothing can be merged into it");
    }
    arena_free(&arena);
}

bool sqlite_functions_add(sqlite3 *handle)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    return sqlite3_create_function_v2(handle, "sluice_add", 2, flags, NULL, add, NULL, NULL,
                                      NULL) == SQLITE_OK &&
           sqlite3_create_function_v2(handle, "sluice_push", 2, flags, NULL, push, NULL, NULL,
                                      NULL) == SQLITE_OK &&
           sqlite3_create_function_v2(handle, "sluice_merge", 2, flags, NULL, merge, NULL, NULL,
                                      NULL) == SQLITE_OK;
}
