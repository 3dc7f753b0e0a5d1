#include "domain/student_days.h"

#include "base/buf.h"
#include "text/json.h"

enum { VALUE_ROOM = 256, YEAR_LEN = 4, MONTH_LEN = 7, MONTHS = 12 };

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "students: out of step memory");
}

static const struct json_value *parse(struct arena *arena, struct str value)
{
    const struct json_limits limits = {.innocent = true};
    const struct json_value *root = NULL;
    struct err ignored = {0};
    return value.ptr != NULL && json_parse(arena, value, &limits, &root, &ignored) ? root : NULL;
}

/* The days of a lesson, with one more practice on one of them. */
static void put_days(struct json_writer *json, const struct json_value *days, struct str more)
{
    struct json_iter iter;
    struct str day = {0};
    const struct json_value *item = NULL;
    bool placed = more.len == 0;
    json_object_begin(json);
    json_iter_init(&iter, days);
    while (json_next(&iter, &day, &item)) {
        int64_t count = 0;
        bool same = str_equal(day, more);
        (void)json_int(item, &count);
        json_field_int(json, day, count + same);
        placed = placed || same;
    }
    if (!placed) {
        json_field_int(json, more, 1);
    }
    json_object_end(json);
}

static struct str add_one(struct arena *arena, struct str before, struct str lesson, struct str day)
{
    struct buf buf;
    struct json_writer json;
    struct json_iter iter;
    struct str name = {0};
    const struct json_value *days = NULL;
    bool placed = false;
    buf_init(&buf, arena, before.len + VALUE_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_iter_init(&iter, parse(arena, before));
    while (json_next(&iter, &name, &days)) {
        bool same = str_equal(name, lesson);
        json_key(&json, name);
        put_days(&json, days, same ? day : STR(""));
        placed = placed || same;
    }
    if (!placed) {
        json_key(&json, lesson);
        put_days(&json, NULL, day);
    }
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

bool student_days_add(struct op_env *env, struct str digits, struct str lesson,
                      const struct zone *zone, int64_t sent_ms, struct err *err)
{
    struct civil civil;
    struct str before = {0};
    if (!zone_to_civil(zone, sent_ms, &civil)) {
        return true; /* A time that no calendar has. */
    }
    struct str key =
        arena_printf(env->arena, "h %04d-%02d %.*s", civil.year, civil.month, STR_ARG(digits));
    struct str day = arena_printf(env->arena, "%d", civil.day);
    if (key.ptr == NULL || day.ptr == NULL) {
        return no_memory(err);
    }
    if (!env->get(env, key, &before, err)) {
        return false;
    }
    struct str after = add_one(env->arena, before, lesson, day);
    return after.ptr != NULL ? env->put(env, key, after, err) : no_memory(err);
}

/* "h YYYY-MM DIGITS" */
static bool read_key(struct str key, struct student_day *out)
{
    int64_t year = 0;
    int64_t month = 0;
    if (!str_starts(key, STUDENT_DAYS_PREFIX) || key.len < 2 + 1 + MONTH_LEN) {
        return false;
    }
    struct str text = str_slice(key, 2, 2 + MONTH_LEN);
    out->digits = str_slice(key, 2 + MONTH_LEN + 1, key.len);
    if (!str_to_int64(str_slice(text, 0, YEAR_LEN), &year) ||
        !str_to_int64(str_slice(text, YEAR_LEN + 1, MONTH_LEN), &month) || month < 1 ||
        month > MONTHS) {
        return false;
    }
    out->year = (int32_t)year;
    out->month = (int32_t)month;
    return true;
}

bool student_days_read(struct arena *arena, struct str key, struct str value,
                       void (*each)(void *context, const struct student_day *day), void *context)
{
    struct student_day day = {0};
    struct json_iter lessons;
    struct json_iter iter;
    struct str name = {0};
    const struct json_value *days = NULL;
    const struct json_value *item = NULL;
    const struct json_limits limits = {.innocent = true};
    const struct json_value *root = NULL;
    struct err err = {0};
    if (!read_key(key, &day)) {
        return true;
    }
    if (!json_parse(arena, value, &limits, &root, &err)) {
        return err.kind != ERR_RETRY;
    }
    json_iter_init(&lessons, root);
    while (json_next(&lessons, &day.lesson, &days)) {
        json_iter_init(&iter, days);
        while (json_next(&iter, &name, &item)) {
            int64_t number = 0;
            if (str_to_int64(name, &number) && number >= 1 && number <= STUDENT_DAYS_MAX &&
                json_int(item, &day.practices)) {
                day.day = (int32_t)number;
                each(context, &day);
            }
        }
    }
    return true;
}
