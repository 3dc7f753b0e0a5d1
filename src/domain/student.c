#include "domain/student.h"

#include <string.h>

#include "base/buf.h"
#include "crypto/digest.h"
#include "domain/students.h"
#include "text/json.h"

enum { LESSONS_FIRST = 8, STATE_ROOM = 512, BODY_ROOM = 1024 };

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "students: out of step memory");
}

static bool copy(struct arena *arena, struct str text, struct str *out)
{
    *out = arena_copy(arena, text.ptr != NULL ? text : STR(""));
    return out->ptr != NULL;
}

/* Room for one lesson more. */
static bool grow(struct arena *arena, struct student *student, struct err *err)
{
    if (student->count < student->room) {
        return true;
    }
    if (student->count >= STUDENT_LESSONS_MAX) {
        return err_set(err, ERR_REJECT, "students: a student has more than %d lessons",
                       STUDENT_LESSONS_MAX);
    }
    size_t room = student->room == 0 ? LESSONS_FIRST : student->room * 2;
    struct student_lesson *lessons = arena_array(arena, room, sizeof *lessons);
    if (lessons == NULL) {
        return no_memory(err);
    }
    if (student->count > 0) {
        memcpy(lessons, student->lessons, student->count * sizeof *lessons);
    }
    student->lessons = lessons;
    student->room = room;
    return true;
}

static struct student_lesson *add(struct arena *arena, struct student *student, struct err *err)
{
    if (!grow(arena, student, err)) {
        return NULL;
    }
    struct student_lesson *lesson = &student->lessons[student->count++];
    *lesson = (struct student_lesson){0};
    return lesson;
}

static int64_t number(const struct json_value *object, struct str key)
{
    int64_t value = 0;
    (void)json_int(json_get(object, key), &value);
    return value;
}

bool student_read(struct arena *arena, struct str text, struct student *out, struct err *err)
{
    const struct json_value *root = NULL;
    const struct json_value *item = NULL;
    struct json_iter iter;
    const struct json_limits limits = {.innocent = true};
    *out = (struct student){0};
    if (!json_parse(arena, text, &limits, &root, err)) {
        return err_prefix(err, "students: what is known of a student: ");
    }
    out->id = json_str(json_get(root, STR("id")));
    out->phone = json_str(json_get(root, STR("phone")));
    out->name = json_str(json_get(root, STR("name")));
    out->current = json_str(json_get(root, STR("current")));
    out->practice_ms = number(root, STR("practice"));
    out->message_ms = number(root, STR("message"));
    out->adopted_practice_ms = number(root, STR("adopted_practice"));
    out->adopted_message_ms = number(root, STR("adopted_message"));
    json_iter_init(&iter, json_get(root, STR("lessons")));
    while (json_next(&iter, NULL, &item)) {
        struct student_lesson *lesson = add(arena, out, err);
        if (lesson == NULL) {
            return false;
        }
        lesson->lesson = json_str(json_get(item, STR("lesson")));
        lesson->teacher = json_str(json_get(item, STR("teacher")));
        lesson->practices = number(item, STR("practices"));
        lesson->messages = number(item, STR("messages"));
        lesson->first_ms = number(item, STR("first"));
        lesson->last_ms = number(item, STR("last"));
    }
    return true;
}

static void put_number(struct json_writer *json, struct str key, int64_t value)
{
    if (value != 0) {
        json_field_int(json, key, value);
    }
}

struct str student_write(struct arena *arena, const struct student *student)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, STATE_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("id"), student->id);
    json_field_str(&json, STR("phone"), student->phone);
    json_field_str(&json, STR("name"), student->name);
    json_field_str(&json, STR("current"), student->current);
    put_number(&json, STR("practice"), student->practice_ms);
    put_number(&json, STR("message"), student->message_ms);
    put_number(&json, STR("adopted_practice"), student->adopted_practice_ms);
    put_number(&json, STR("adopted_message"), student->adopted_message_ms);
    json_key(&json, STR("lessons"));
    json_array_begin(&json);
    for (size_t i = 0; i < student->count; i++) {
        const struct student_lesson *lesson = &student->lessons[i];
        json_object_begin(&json);
        json_field_str(&json, STR("lesson"), lesson->lesson);
        json_field_str(&json, STR("teacher"), lesson->teacher);
        put_number(&json, STR("practices"), lesson->practices);
        put_number(&json, STR("messages"), lesson->messages);
        put_number(&json, STR("first"), lesson->first_ms);
        put_number(&json, STR("last"), lesson->last_ms);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

/* "18:51, 12.12.2025"; in an hour that the wall showed twice the later one, so that nothing that
 * was counted counts again. */
static int64_t read_time(const struct json_value *value, const struct student_times *times)
{
    struct stamp stamp;
    struct zone_local local;
    struct err ignored = {0};
    if (json_kind(value) != JSON_STRING ||
        !timepattern_read(times->stamp, str_trim(json_str(value)), &stamp, &ignored)) {
        return 0;
    }
    (void)zone_local_to_utc(times->zone, &stamp.civil, &local);
    return local.second_ms;
}

/* A text, or a number that is written as one. */
static bool read_text(struct arena *arena, const struct json_value *value, struct str *out)
{
    int64_t whole = 0;
    if (json_int(value, &whole)) {
        *out = arena_printf(arena, "%lld", (long long)whole);
        return out->ptr != NULL;
    }
    return copy(arena, json_str(value), out);
}

static int64_t at_least_0(int64_t value)
{
    return value > 0 ? value : 0;
}

static bool adopt_lessons(struct arena *arena, const struct json_value *lessons,
                          const struct student_times *times, struct student *out, struct err *err)
{
    const struct json_value *item = NULL;
    struct json_iter iter;
    json_iter_init(&iter, lessons);
    while (json_next(&iter, NULL, &item)) {
        if (json_get(item, STR("lesson")) == NULL) {
            continue;
        }
        struct student_lesson *lesson = add(arena, out, err);
        if (lesson == NULL) {
            return false;
        }
        if (!read_text(arena, json_get(item, STR("lesson")), &lesson->lesson) ||
            !read_text(arena, json_get(item, STR("teacher")), &lesson->teacher)) {
            return no_memory(err);
        }
        lesson->practices = at_least_0(number(item, STR("practice_count")));
        lesson->messages = at_least_0(number(item, STR("message_count")));
        lesson->first_ms = read_time(json_get(item, STR("first_practice")), times);
        lesson->last_ms = read_time(json_get(item, STR("last_practice")), times);
    }
    return true;
}

bool student_adopt(struct arena *arena, struct str row, const struct student_times *times,
                   struct student *out, struct err *err)
{
    const struct json_value *root = NULL;
    const struct json_value *lessons = NULL;
    const struct json_limits limits = {.innocent = true};
    struct err ignored = {0};
    *out = (struct student){0};
    if (!json_parse(arena, row, &limits, &root, err)) {
        return err_prefix(err, "students: a row to adopt: ");
    }
    lessons = json_get(root, STR("lessons"));
    if (json_kind(lessons) == JSON_STRING &&
        !json_parse(arena, json_str(lessons), &limits, &lessons, &ignored)) {
        lessons = NULL;
    }
    if (!read_text(arena, json_get(root, STR("uniq_id")), &out->id) ||
        !read_text(arena, json_get(root, STR("phone_number")), &out->phone) ||
        !read_text(arena, json_get(root, STR("name")), &out->name) ||
        !read_text(arena, json_get(root, STR("current_lesson")), &out->current)) {
        return no_memory(err);
    }
    out->practice_ms = read_time(json_get(root, STR("last_practice_timedate")), times);
    out->message_ms = read_time(json_get(root, STR("last_message_timedate")), times);
    out->adopted_practice_ms = out->practice_ms;
    out->adopted_message_ms = out->message_ms;
    return adopt_lessons(arena, lessons, times, out, err);
}

struct str student_id(struct arena *arena, struct str phone, struct str name)
{
    char hex[DIGEST_HEX_MAX];
    struct str text = arena_printf(arena, "%.*s_%.*s", STR_ARG(phone), STR_ARG(name));
    return text.ptr != NULL ? arena_copy(arena, digest_hex(DIGEST_MD5, text, hex)) : text;
}

bool student_new(struct arena *arena, struct str phone, struct str name, struct student *out,
                 struct err *err)
{
    *out = (struct student){.phone = phone, .name = name, .id = student_id(arena, phone, name)};
    return out->id.ptr != NULL || no_memory(err);
}

struct student_lesson *student_find_lesson(const struct student *student, struct str lesson)
{
    for (size_t i = 0; i < student->count; i++) {
        if (str_equal(student->lessons[i].lesson, lesson)) {
            return &student->lessons[i];
        }
    }
    return NULL;
}

struct student_lesson *student_move(struct arena *arena, struct student *student, struct str lesson,
                                    struct str teacher, struct err *err)
{
    struct student_lesson *found = student_find_lesson(student, lesson);
    if (found == NULL) {
        found = add(arena, student, err);
        if (found == NULL) {
            return NULL;
        }
        found->lesson = lesson;
    }
    found->teacher = teacher;
    student->current = lesson;
    return found;
}

static void put_time(struct json_writer *json, struct str key, const struct student_times *times,
                     int64_t at_ms)
{
    char text[DATETIME_TEXT_MAX];
    json_key(json, key);
    if (at_ms == 0) {
        json_put_null(json);
    } else {
        json_put_str(json, timepattern_write(times->stamp, times->zone, at_ms, text));
    }
}

/* What of a lesson is the op's. */
static void put_counts(struct json_writer *json, const struct student_lesson *lesson,
                       const struct student_times *times)
{
    json_field_str(json, STR("teacher"), lesson->teacher);
    json_field_int(json, STR("practice_count"), lesson->practices);
    put_time(json, STR("first_practice"), times, lesson->first_ms);
    put_time(json, STR("last_practice"), times, lesson->last_ms);
    json_field_int(json, STR("message_count"), lesson->messages);
}

static void put_lessons(struct json_writer *json, const struct student *student,
                        const struct student_times *times)
{
    json_object_begin(json);
    json_field_str(json, STR("by"), STR("lesson"));
    json_key(json, STR("items"));
    json_array_begin(json);
    for (size_t i = 0; i < student->count; i++) {
        const struct student_lesson *lesson = &student->lessons[i];
        json_object_begin(json);
        json_key(json, STR("set"));
        json_object_begin(json);
        json_field_str(json, STR("lesson"), lesson->lesson);
        put_counts(json, lesson, times);
        json_object_end(json);
        json_key(json, STR("insert"));
        json_object_begin(json);
        json_field_bool(json, STR("paid"), false);
        json_object_end(json);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

static void put_person(struct json_writer *json, const struct student *student,
                       const struct student_times *times)
{
    json_field_str(json, STR("phone_number"), student->phone);
    json_field_str(json, STR("name"), student->name);
    json_field_str(json, STR("current_lesson"), student->current);
    put_time(json, STR("last_message_timedate"), times, student->message_ms);
    put_time(json, STR("last_practice_timedate"), times, student->practice_ms);
}

/* The lesson is found by its name; one that the row lacks comes with its counts. */
static void put_paid(struct json_writer *json, const struct student_lesson *lesson, bool paid,
                     const struct student_times *times)
{
    json_object_begin(json);
    json_field_str(json, STR("by"), STR("lesson"));
    json_key(json, STR("items"));
    json_array_begin(json);
    json_object_begin(json);
    json_key(json, STR("set"));
    json_object_begin(json);
    json_field_str(json, STR("lesson"), lesson->lesson);
    json_field_bool(json, STR("paid"), paid);
    json_object_end(json);
    json_key(json, STR("insert"));
    json_object_begin(json);
    put_counts(json, lesson, times);
    json_object_end(json);
    json_object_end(json);
    json_array_end(json);
    json_object_end(json);
}

struct str student_paid_body(struct arena *arena, const struct student *student,
                             const struct student_lesson *lesson, bool paid,
                             const struct student_times *times, int64_t now_ms)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, BODY_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_key(&json, STR("set"));
    json_object_begin(&json);
    put_time(&json, STR("updated_at"), times, now_ms);
    json_object_end(&json);
    json_key(&json, STR("insert"));
    json_object_begin(&json);
    put_person(&json, student, times);
    put_time(&json, STR("created_at"), times, now_ms);
    json_object_end(&json);
    json_key(&json, STR("merge"));
    json_object_begin(&json);
    json_key(&json, STR("lessons"));
    put_paid(&json, lesson, paid, times);
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

struct str student_body(struct arena *arena, const struct student *student,
                        const struct student_times *times, int64_t now_ms)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, BODY_ROOM);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_key(&json, STR("set"));
    json_object_begin(&json);
    put_person(&json, student, times);
    put_time(&json, STR("updated_at"), times, now_ms);
    json_object_end(&json);
    json_key(&json, STR("insert"));
    json_object_begin(&json);
    put_time(&json, STR("created_at"), times, now_ms);
    json_object_end(&json);
    json_key(&json, STR("merge"));
    json_object_begin(&json);
    json_key(&json, STR("lessons"));
    put_lessons(&json, student, times);
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}
