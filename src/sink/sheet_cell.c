#include "sink/sheet_cell.h"

#include <inttypes.h>
#include <stdio.h>

#include "net/sheets.h"
#include "text/datetime.h"

enum { DATE_LEN = 10 };

#define EXACT_MAX (INT64_C(1) << 53)

/* As UTF-16: a letter beyond the first 65,536 counts twice. */
size_t sheet_cell_letters(struct str text)
{
    size_t letters = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        letters += (byte & 0xC0) != 0x80;
        letters += byte >= 0xF0;
    }
    return letters;
}

/* A date or a time in the form of the sheet; a text that is none stays as it is. */
static struct str dated(const struct sheet_forms *forms, enum column_type type, struct str text,
                        char out[DATETIME_TEXT_MAX])
{
    struct stamp stamp;
    struct err ignored = {0};
    if (!datetime_parse_iso(text, &stamp, &ignored)) {
        return text;
    }
    if (type == COLUMN_DATE) {
        return timepattern_write(&forms->date, zone_utc(), datetime_from_civil(&stamp.civil), out);
    }
    int64_t moment_ms = zone_stamp_ms(zone_utc(), &stamp, NULL);
    return timepattern_write(&forms->time, forms->zone, moment_ms, out);
}

static bool put_text(const struct target *target, const struct column *column, struct str text,
                     struct json_writer *json, struct err *err)
{
    size_t letters = sheet_cell_letters(text);
    json_put_str(json, text);
    return letters <= SHEETS_CELL_MAX ||
           err_set(err, ERR_REJECT,
                   "table %s: the text for column %s has %zu letters, and a cell holds %d",
                   target->name, column->name, letters, SHEETS_CELL_MAX);
}

/* Lists and objects. */
static bool put_json(const struct target *target, const struct column *column,
                     const struct json_value *value, struct arena *arena, struct json_writer *json,
                     struct err *err)
{
    struct json_writer inner;
    struct buf buf;
    buf_init(&buf, arena, 256);
    json_writer_init(&inner, &buf);
    json_put_value(&inner, value);
    json_writer_done(&inner);
    if (!buf_ok(&buf)) {
        return err_set(err, ERR_RETRY, "out of step memory for a cell");
    }
    return put_text(target, column, buf_str(&buf), json, err);
}

bool sheet_cell_put(const struct sheet_forms *forms, const struct target *target,
                    const struct column *column, const struct json_value *value,
                    struct arena *arena, struct json_writer *json, struct err *err)
{
    char memory[DATETIME_TEXT_MAX];
    int64_t whole = 0;
    bool dates = column->type == COLUMN_DATE || column->type == COLUMN_TIME;
    if (column->type == COLUMN_JSON && json_kind(value) != JSON_NULL) {
        return put_json(target, column, value, arena, json, err);
    }
    switch (json_kind(value)) {
    case JSON_STRING:
        return put_text(target, column,
                        dates ? dated(forms, column->type, json_str(value), memory)
                              : json_str(value),
                        json, err);
    case JSON_INT:
        (void)json_int(value, &whole);
        if (whole > EXACT_MAX || whole < -EXACT_MAX) {
            (void)snprintf(memory, sizeof memory, "%" PRId64, whole);
            json_put_str(json, str_of(memory));
            return true;
        }
        json_put_int(json, whole);
        return true;
    case JSON_DOUBLE:
    case JSON_BOOL:
        json_put_value(json, value);
        return true;
    case JSON_ARRAY:
    case JSON_OBJECT:
    case JSON_UINT:
    case JSON_BIG:
        return put_json(target, column, value, arena, json, err);
    case JSON_ABSENT:
    case JSON_NULL:
        break;
    }
    json_put_str(json, STR("")); /* Empties the cell. */
    return true;
}

/* A date or a time as records carry it; false for a text that is none. */
static bool get_dated(const struct sheet_forms *forms, enum column_type type, struct str text,
                      struct json_writer *json)
{
    char memory[DATETIME_TEXT_MAX];
    struct stamp stamp;
    struct err ignored = {0};
    const struct timepattern *pattern = type == COLUMN_DATE ? &forms->date : &forms->time;
    if (!pattern->reads || !timepattern_read(pattern, text, &stamp, &ignored)) {
        return false;
    }
    bool date = type == COLUMN_DATE;
    int64_t moment_ms =
        date ? datetime_from_civil(&stamp.civil) : zone_stamp_ms(forms->zone, &stamp, NULL);
    struct str iso = datetime_format_iso(moment_ms, memory);
    json_put_str(json, date ? str_slice(iso, 0, DATE_LEN) : iso);
    return true;
}

/* A text in a column of something else: what it would be if it had been written by us. */
static bool get_text(const struct sheet_forms *forms, const struct column *column, struct str text,
                     struct arena *arena, struct json_writer *json)
{
    const struct json_value *value = NULL;
    struct err ignored = {0};
    int64_t whole = 0;
    switch (column->type) {
    case COLUMN_DATE:
    case COLUMN_TIME:
        return get_dated(forms, column->type, text, json);
    case COLUMN_INT:
        if (!str_to_int64(text, &whole)) {
            return false;
        }
        json_put_int(json, whole);
        return true;
    case COLUMN_JSON:
        if (!json_parse(arena, text, NULL, &value, &ignored)) {
            return false;
        }
        json_put_value(json, value);
        return true;
    case COLUMN_TEXT:
    case COLUMN_DOUBLE:
    case COLUMN_BOOL:
        break;
    }
    return false;
}

bool sheet_cell_get(const struct sheet_forms *forms, const struct column *column,
                    const struct json_value *cell, struct arena *arena, struct json_writer *json,
                    struct err *err)
{
    struct str text = json_str(cell);
    int64_t whole = 0;
    bool number = column->type == COLUMN_INT && json_int(cell, &whole);
    if (json_kind(cell) == JSON_ABSENT || json_kind(cell) == JSON_NULL ||
        (text.ptr != NULL && text.len == 0)) {
        json_put_null(json);
        return true;
    }
    if (number) { /* 7.0 is 7. */
        json_put_int(json, whole);
        return true;
    }
    if (text.ptr != NULL) {
        if (!get_text(forms, column, text, arena, json)) {
            json_put_str(json, text);
        }
        return true;
    }
    if (column->type == COLUMN_TEXT) {
        text = sheets_text(cell, arena);
        json_put_str(json, text);
        return text.ptr != NULL || err_set(err, ERR_RETRY, "out of step memory for a cell");
    }
    json_put_value(json, cell);
    return true;
}
