#include "domain/students.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "domain/roster.h"
#include "domain/student.h"
#include "domain/student_days.h"
#include "text/fold.h"
#include "text/json.h"

/*
 * The state, one for all chats of the pipeline:
 *
 *     p, n      the roster (roster.h)
 *     s DIGITS  a student (student.h)
 *     h YYYY-MM DIGITS  the student's practices by day (student_days.h)
 *     d DIGITS  a row that is still to be written; "s" when the sheet's is, too; `dn`: there are
 * some m CHAT/ID a message that counted w WHO/CHAT/ID  one that waits until the roster has its
 * writer; `wn` says how many there are x SUBJECT a warning that is open, and what it says begun the
 * roster was read
 */

enum { WAITING_FIRST = 16, FUTURE_MS = 24 * 60 * 60 * 1000, MINUTE_MS = 60 * 1000, MS_DIGITS = 24 };

static const enum phone_country countries[] = {PHONE_ISRAEL, PHONE_SOUTH_AFRICA, PHONE_ANYWHERE};
static const char *const country_names[] = {"israel", "south-africa", "none", NULL};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "students: out of step memory");
}

static enum phone_country home_of(const struct students *students)
{
    return countries[students->home];
}

static struct student_times times_of(const struct students *students)
{
    return (struct student_times){students->zone, &students->stamp};
}

/* Kind of entry and what it is about. */
static struct str entry(struct op_env *env, char kind, struct str about)
{
    return arena_printf(env->arena, "%c %.*s", kind, STR_ARG(about));
}

static bool put_entry(struct op_env *env, char kind, struct str about, struct str value,
                      struct err *err)
{
    struct str key = entry(env, kind, about);
    return key.ptr != NULL ? env->put(env, key, value, err) : no_memory(err);
}

static bool get_entry(struct op_env *env, char kind, struct str about, struct str *value,
                      struct err *err)
{
    struct str key = entry(env, kind, about);
    return key.ptr != NULL ? env->get(env, key, value, err) : no_memory(err);
}

static bool del_entry(struct op_env *env, char kind, struct str about, struct err *err)
{
    struct str key = entry(env, kind, about);
    return key.ptr != NULL ? env->del(env, key, err) : no_memory(err);
}

/* ---- Warnings ---- */

static bool emit_warning(const struct students *students, struct op_env *env, struct str subject,
                         struct str detail, bool open, int64_t now_ms, struct err *err)
{
    char now[DATETIME_TEXT_MAX];
    struct buf buf;
    struct json_writer json;
    size_t colon = str_find_byte(subject, ':', 0);
    struct str at = datetime_format_iso(now_ms, now);
    buf_init(&buf, env->arena, 512);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_key(&json, STR("set"));
    json_object_begin(&json);
    json_field_str(&json, STR("kind"), str_slice(subject, 0, colon));
    if (open) {
        json_field_str(&json, STR("detail"), detail);
    }
    json_field_bool(&json, STR("open"), open);
    json_field_str(&json, STR("last_at"), at);
    json_object_end(&json);
    json_key(&json, STR("insert"));
    json_object_begin(&json);
    json_field_str(&json, STR("first_at"), at);
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    struct record record = {.kind = RECORD_ABSOLUTE,
                            .sink = students->sink,
                            .target = STR("student_warnings"),
                            .entity = subject,
                            .body = buf_str(&buf)};
    return record.body.ptr != NULL ? env->emit(env, &record, err) : no_memory(err);
}

/* A warning that says what it says already is not said again. */
static bool warn(const struct students *students, struct op_env *env, struct str subject,
                 struct str detail, int64_t now_ms, struct err *err)
{
    struct str before = {0};
    if (subject.ptr == NULL || detail.ptr == NULL) {
        return no_memory(err);
    }
    subject = str_slice(subject, 0, RECORD_ENTITY_MAX);
    if (!get_entry(env, 'x', subject, &before, err)) {
        return false;
    }
    return (before.ptr != NULL && str_equal(before, detail)) ||
           (put_entry(env, 'x', subject, detail, err) &&
            emit_warning(students, env, subject, detail, true, now_ms, err));
}

static bool close_warning(const struct students *students, struct op_env *env, struct str subject,
                          int64_t now_ms, struct err *err)
{
    struct str before = {0};
    if (subject.ptr == NULL) {
        return no_memory(err);
    }
    subject = str_slice(subject, 0, RECORD_ENTITY_MAX);
    if (!get_entry(env, 'x', subject, &before, err)) {
        return false;
    }
    return before.ptr == NULL || (del_entry(env, 'x', subject, err) &&
                                  emit_warning(students, env, subject, before, false, now_ms, err));
}

/* ---- Rows ---- */

static bool emit_student(const struct students *students, struct op_env *env,
                         const struct student *student, int64_t now_ms, struct err *err)
{
    struct student_times times = times_of(students);
    struct record record = {.kind = RECORD_ABSOLUTE,
                            .sink = students->sink,
                            .target = STR("student_stats"),
                            .entity = student->id,
                            .body = student_body(env->arena, student, &times, now_ms)};
    return record.body.ptr != NULL ? env->emit(env, &record, err) : no_memory(err);
}

/* The day of the last practice, in the row of the sheet that has this phone. */
static bool emit_sheet(const struct students *students, struct op_env *env,
                       const struct student *student, struct str cell, struct err *err)
{
    char day[DATETIME_TEXT_MAX];
    struct buf buf;
    struct json_writer json;
    if (students->sheet.len == 0 || student->practice_ms == 0 || cell.len == 0) {
        return true;
    }
    buf_init(&buf, env->arena, 128);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_key(&json, STR("set"));
    json_object_begin(&json);
    json_field_str(&json, STR("last_practice"),
                   timepattern_write(&students->day, students->zone, student->practice_ms, day));
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    struct record record = {.kind = RECORD_ABSOLUTE,
                            .sink = students->sheet,
                            .target = STR("main"),
                            .entity = cell,
                            .body = buf_str(&buf)};
    return record.body.ptr != NULL ? env->emit(env, &record, err) : no_memory(err);
}

/* ---- One student ---- */

/* The phone as the document writes it: WhatsApp's look, without plus, whatever source saw it. */
static struct str look_of(struct op_env *env, const struct phone *phone, struct str sender)
{
    char text[PHONE_LOOK_MAX];
    struct str look = phone_format(phone, text);
    if (str_find_byte(look, ' ', 0) == STR_NONE) {
        struct str seen = phone_look(env->arena, sender);
        struct phone same;
        struct err ignored = {0};
        if (str_find_byte(seen, ' ', 0) != STR_NONE &&
            phone_parse(seen, PHONE_ANYWHERE, &same, &ignored) && phone_equal(&same, phone)) {
            return seen;
        }
    }
    return arena_copy(env->arena, look);
}

/* The row that another program kept, if there is one. */
static bool adopt(const struct students *students, struct op_env *env, struct student *student,
                  struct err *err)
{
    struct student_times times = times_of(students);
    struct student kept;
    struct str row = {0};
    if (students->adopt.len == 0) {
        return true;
    }
    if (!env->reference(env, students->adopt, student->id, &row, err)) {
        return false;
    }
    if (row.ptr == NULL) {
        return true;
    }
    if (!student_adopt(env->arena, row, &times, &kept, err)) {
        return false;
    }
    kept.id = student->id;
    kept.phone = student->phone;
    kept.name = student->name;
    *student = kept;
    return true;
}

/* What is known of the student, with the name and the lesson that the roster has. */
static bool load_student(const struct students *students, struct op_env *env,
                         const struct roster_row *row, struct str sender, struct student *out,
                         struct student_lesson **lesson, struct err *err)
{
    struct str text = {0};
    if (!get_entry(env, 's', phone_str(&row->phone), &text, err)) {
        return false;
    }
    if (text.ptr != NULL) {
        if (!student_read(env->arena, text, out, err)) {
            return false;
        }
        out->name = row->name;
    } else {
        struct str look = look_of(env, &row->phone, sender);
        if (look.ptr == NULL) {
            return no_memory(err);
        }
        if (!student_new(env->arena, look, row->name, out, err) ||
            !adopt(students, env, out, err)) {
            return false;
        }
    }
    *lesson = student_move(env->arena, out, row->lesson, row->teacher, err);
    return *lesson != NULL;
}

static bool save_student(struct op_env *env, const struct roster_row *row,
                         const struct student *student, struct err *err)
{
    struct str text = student_write(env->arena, student);
    return text.ptr != NULL ? put_entry(env, 's', phone_str(&row->phone), text, err)
                            : no_memory(err);
}

/* False when somebody else has counted it before we came. */
static bool count(struct student *student, struct student_lesson *lesson, bool practice,
                  int64_t sent_ms)
{
    int64_t minute_ms = sent_ms - sent_ms % MINUTE_MS;
    must(lesson != NULL);
    if (minute_ms <= (practice ? student->adopted_practice_ms : student->adopted_message_ms)) {
        return false;
    }
    if (!practice) {
        lesson->messages++;
        student->message_ms = sent_ms > student->message_ms ? sent_ms : student->message_ms;
        return true;
    }
    lesson->practices++;
    lesson->first_ms =
        lesson->first_ms == 0 || sent_ms < lesson->first_ms ? sent_ms : lesson->first_ms;
    lesson->last_ms = sent_ms > lesson->last_ms ? sent_ms : lesson->last_ms;
    student->practice_ms = sent_ms > student->practice_ms ? sent_ms : student->practice_ms;
    return true;
}

static bool same_day(const struct students *students, int64_t a_ms, int64_t b_ms)
{
    char a[DATETIME_TEXT_MAX];
    char b[DATETIME_TEXT_MAX];
    return str_equal(timepattern_write(&students->day, students->zone, a_ms, a),
                     timepattern_write(&students->day, students->zone, b_ms, b));
}

/* ---- Rows that wait to be written ---- */

struct due {
    struct str keys[STUDENTS_AT_ONCE];
    struct str values[STUDENTS_AT_ONCE];
    size_t count;
    size_t limit;
};

static bool note_due(void *context, struct str key, struct str value)
{
    struct due *due = context;
    due->keys[due->count] = key;
    due->values[due->count++] = value;
    return due->count < due->limit;
}

static bool write_due(const struct students *students, struct op_env *env, struct str key,
                      struct str value, int64_t now_ms, struct err *err)
{
    struct student student;
    struct roster_row row;
    struct str text = {0};
    struct str digits = str_slice(key, 2, key.len);
    if (!get_entry(env, 's', digits, &text, err)) {
        return false;
    }
    if (text.ptr != NULL &&
        (!student_read(env->arena, text, &student, err) ||
         !emit_student(students, env, &student, now_ms, err) ||
         !roster_find(env, digits, PHONE_ANYWHERE, &row, err) ||
         (str_equal(value, STR("s")) && !emit_sheet(students, env, &student, row.cell, err)))) {
        return false;
    }
    return env->del(env, key, err);
}

static bool write_all_due(const struct students *students, struct op_env *env, size_t limit,
                          int64_t now_ms, struct err *err)
{
    struct str some = {0};
    if (!env->get(env, STR("dn"), &some, err)) {
        return false;
    }
    if (some.ptr == NULL) {
        return true;
    }
    struct due *due = arena_alloc(env->arena, sizeof *due);
    if (due == NULL) {
        return no_memory(err);
    }
    due->count = 0;
    due->limit = limit;
    if (!env->scan(env, STR("d "), note_due, due, err)) {
        return false;
    }
    for (size_t i = 0; i < due->count; i++) {
        if (!write_due(students, env, due->keys[i], due->values[i], now_ms, err)) {
            return false;
        }
    }
    return due->count >= limit || env->del(env, STR("dn"), err);
}

/* ---- Messages of people who are not in the roster ---- */

static bool add_waiting(struct op_env *env, int64_t more, struct err *err)
{
    struct str text = {0};
    int64_t number = 0;
    struct buf buf;
    if (!env->get(env, STR("wn"), &text, err)) {
        return false;
    }
    (void)str_to_int64(text, &number);
    number += more;
    if (more > 0 && number > STUDENTS_PARKED_MAX) {
        return err_set(err, ERR_REJECT,
                       "students: %d messages wait for their writers to be in the roster; add them "
                       "there (student_warnings says who they are)",
                       STUDENTS_PARKED_MAX);
    }
    buf_init(&buf, env->arena, MS_DIGITS);
    buf_add_int(&buf, number > 0 ? number : 0);
    return buf_ok(&buf) ? env->put(env, STR("wn"), buf_str(&buf), err) : no_memory(err);
}

static struct str waiting_text(struct op_env *env, const struct message *message, bool practice)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, env->arena, 256);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_bool(&json, STR("practice"), practice);
    json_field_int(&json, STR("sent"), message->sent_ms);
    json_field_str(&json, STR("sender"), message->sender);
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static bool is_waiting(struct op_env *env, struct str about, bool *yes, struct err *err)
{
    struct str before = {0};
    if (about.ptr == NULL) {
        return no_memory(err);
    }
    if (!get_entry(env, 'w', about, &before, err)) {
        return false;
    }
    *yes = before.ptr != NULL;
    return true;
}

static bool wait_for_roster(const struct students *students, struct op_env *env,
                            const struct message *message, bool practice, struct err *err)
{
    bool already = false;
    struct str who = roster_sender(env->arena, message->sender, home_of(students));
    if (who.ptr == NULL) {
        return no_memory(err);
    }
    if (who.len == 0) { /* Our own messages, and those of nobody. */
        return true;
    }
    struct str about = arena_printf(env->arena, "%.*s/%.*s/%.*s", STR_ARG(who),
                                    STR_ARG(message->chat), STR_ARG(message->external_id));
    struct str text = waiting_text(env, message, practice);
    if (text.ptr == NULL) {
        return no_memory(err);
    }
    return is_waiting(env, about, &already, err) && (already || add_waiting(env, 1, err)) &&
           put_entry(env, 'w', about, text, err) &&
           warn(students, env, arena_printf(env->arena, "sender:%.*s", STR_ARG(who)),
                arena_printf(env->arena, "%.*s writes in the group and is not in the roster",
                             STR_ARG(message->sender)),
                message->archived_ms, err);
}

struct waiting {
    struct str key;
    struct str chat_and_id;
    struct str sender;
    int64_t sent_ms;
    bool practice;
};

struct waiting_list {
    struct arena *arena;
    size_t prefix;
    struct waiting *items;
    size_t count;
    size_t room;
    bool failed;
};

static bool note_waiting(void *context, struct str key, struct str value)
{
    struct waiting_list *list = context;
    const struct json_limits limits = {.innocent = true};
    const struct json_value *root = NULL;
    struct err ignored = {0};
    if (list->count == list->room) {
        size_t room = list->room == 0 ? WAITING_FIRST : list->room * 2;
        struct waiting *items = arena_array(list->arena, room, sizeof *items);
        if (items == NULL) {
            list->failed = true;
            return false;
        }
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof *items);
        }
        list->items = items;
        list->room = room;
    }
    struct waiting *item = &list->items[list->count++];
    *item = (struct waiting){.key = key, .chat_and_id = str_slice(key, list->prefix, key.len)};
    list->failed = list->failed || !json_parse(list->arena, value, &limits, &root, &ignored);
    (void)json_int(json_get(root, STR("sent")), &item->sent_ms);
    (void)json_bool(json_get(root, STR("practice")), &item->practice);
    item->sender = json_str(json_get(root, STR("sender")));
    return !list->failed;
}

static int by_time(const void *left, const void *right)
{
    const struct waiting *a = left;
    const struct waiting *b = right;
    return a->sent_ms != b->sent_ms ? (a->sent_ms < b->sent_ms ? -1 : 1)
                                    : str_compare(a->key, b->key);
}

/* Those of one writer, in the order in which they were sent. */
static bool list_waiting(struct op_env *env, struct str who, struct waiting_list *out,
                         struct err *err)
{
    struct str prefix = arena_printf(env->arena, "w %.*s/", STR_ARG(who));
    *out = (struct waiting_list){.arena = env->arena, .prefix = prefix.len};
    if (prefix.ptr == NULL) {
        return no_memory(err);
    }
    if (!env->scan(env, prefix, note_waiting, out, err)) {
        return false;
    }
    if (out->failed) {
        return no_memory(err);
    }
    if (out->count > 0) {
        qsort(out->items, out->count, sizeof *out->items, by_time);
    }
    return true;
}

/* ---- A new version of the roster ---- */

struct renewing {
    struct students *students;
    struct op_env *env;
    int64_t now_ms;
};

/* The student of a row that changed; without a lesson until something is to be done. */
struct renewed {
    const struct roster_row *row;
    struct student student;
    struct student_lesson *lesson;
    size_t counted;
    bool moved;
};

static bool count_one_waiting(const struct renewing *renewing, struct renewed *renewed,
                              const struct waiting *item, struct err *err)
{
    struct op_env *env = renewing->env;
    if (renewed->lesson == NULL &&
        !load_student(renewing->students, env, renewed->row, item->sender, &renewed->student,
                      &renewed->lesson, err)) {
        return false;
    }
    bool counted = count(&renewed->student, renewed->lesson, item->practice, item->sent_ms);
    renewed->counted += counted;
    return (!counted || !item->practice ||
            student_days_add(env, phone_str(&renewed->row->phone), renewed->lesson->lesson,
                             renewing->students->zone, item->sent_ms, err)) &&
           env->del(env, item->key, err) && put_entry(env, 'm', item->chat_and_id, STR("1"), err);
}

static bool count_waiting(const struct renewing *renewing, struct renewed *renewed, struct str who,
                          struct err *err)
{
    struct op_env *env = renewing->env;
    struct waiting_list list;
    if (!list_waiting(env, who, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!count_one_waiting(renewing, renewed, &list.items[i], err)) {
            return false;
        }
    }
    return list.count == 0 || (add_waiting(env, -(int64_t)list.count, err) &&
                               close_warning(renewing->students, env,
                                             arena_printf(env->arena, "sender:%.*s", STR_ARG(who)),
                                             renewing->now_ms, err));
}

/* The student as known, if the roster now says something else of them. */
static bool move_on(const struct renewing *renewing, struct renewed *renewed, struct err *err)
{
    struct str text = {0};
    struct op_env *env = renewing->env;
    if (!get_entry(env, 's', phone_str(&renewed->row->phone), &text, err)) {
        return false;
    }
    if (text.ptr == NULL) {
        return true;
    }
    if (!load_student(renewing->students, env, renewed->row, STR(""), &renewed->student,
                      &renewed->lesson, err)) {
        return false;
    }
    struct str now = student_write(env->arena, &renewed->student);
    renewed->moved = now.ptr != NULL && !str_equal(now, text);
    return now.ptr != NULL || no_memory(err);
}

static bool row_changed(void *context, const struct roster_row *row, struct err *err)
{
    struct renewing *renewing = context;
    struct op_env *env = renewing->env;
    struct renewed renewed = {.row = row};
    struct str only = {0};
    struct str digits = phone_str(&row->phone);
    struct arena_mark mark = arena_mark(env->arena);
    if (!move_on(renewing, &renewed, err)) {
        return false;
    }
    int64_t practice_ms = renewed.student.practice_ms;
    /* A name counts for one student only while no other has it. */
    if (!count_waiting(renewing, &renewed, digits, err) ||
        !get_entry(env, 'n', row->name, &only, err) ||
        (str_equal(only, digits) && !count_waiting(renewing, &renewed, row->name, err))) {
        return false;
    }
    bool later = renewed.student.practice_ms != practice_ms &&
                 !same_day(renewing->students, renewed.student.practice_ms, practice_ms);
    bool ok = renewed.lesson == NULL || (!renewed.moved && renewed.counted == 0) ||
              (save_student(env, row, &renewed.student, err) &&
               (put_entry(env, 'd', digits, later ? STR("s") : STR("r"), err) &&
                env->put(env, STR("dn"), STR("1"), err)));
    arena_rewind(env->arena, mark);
    return ok;
}

static const char *const trouble_names[] = {
    [ROSTER_NO_PHONE] = "phone",
    [ROSTER_PHONE_TWICE] = "phone-twice",
    [ROSTER_NAME_TWICE] = "name-twice",
    [ROSTER_NO_NAME] = "name",
};

struct open_list {
    struct str *subjects;
    size_t count;
    size_t room;
};

static bool note_open(void *context, struct str key, struct str value)
{
    struct open_list *list = context;
    struct str subject = str_slice(key, 2, key.len);
    (void)value;
    if (!str_starts(subject, STR("sender:")) && !str_starts(subject, STR("future:"))) {
        list->subjects[list->count++] = subject;
    }
    return list->count < list->room;
}

/* Warnings about rows: those of today are open, the others are closed. */
static bool renew_warnings(const struct students *students, struct op_env *env,
                           const struct roster *roster, int64_t now_ms, struct err *err)
{
    struct str known[STUDENTS_WARNINGS_MAX];
    struct open_list open = {.subjects = known, .room = STUDENTS_WARNINGS_MAX};
    size_t shown = roster->problem_count < STUDENTS_WARNINGS_MAX ? roster->problem_count
                                                                 : STUDENTS_WARNINGS_MAX;
    struct str *subjects = arena_array(env->arena, shown + 1, sizeof *subjects);
    if (subjects == NULL) {
        return no_memory(err);
    }
    if (!env->scan(env, STR("x "), note_open, &open, err)) {
        return false;
    }
    for (size_t i = 0; i < shown; i++) {
        const struct roster_problem *problem = &roster->problems[i];
        subjects[i] = arena_printf(env->arena, "%s:%.*s", trouble_names[problem->trouble],
                                   STR_ARG(problem->key));
        if (!warn(students, env, subjects[i], problem->detail, now_ms, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < open.count; i++) {
        bool still = false;
        for (size_t j = 0; j < shown && !still; j++) {
            still = str_equal(open.subjects[i], subjects[j]);
        }
        if (!still && !close_warning(students, env, open.subjects[i], now_ms, err)) {
            return false;
        }
    }
    return true;
}

static struct str header(const struct students *students, const char *name)
{
    for (size_t i = 0; i < students->columns.count; i++) {
        if (str_equal(students->columns.items[i].name, str_of(name))) {
            return students->columns.items[i].text;
        }
    }
    return str_of(name);
}

static bool renew_roster(struct students *students, struct op_env *env,
                         const struct message *message, struct err *err)
{
    struct roster roster;
    struct renewing renewing = {students, env, message->archived_ms};
    struct roster_columns columns = {.phone = header(students, "phone_number"),
                                     .name = header(students, "name"),
                                     .lesson = header(students, "current_lesson"),
                                     .teacher = header(students, "teacher")};
    return env->put(env, STR("begun"), STR("1"), err) &&
           roster_load(env, students->roster, &columns, home_of(students), &roster, err) &&
           roster_keep(env, &roster, row_changed, &renewing, err) &&
           renew_warnings(students, env, &roster, message->archived_ms, err) &&
           write_all_due(students, env, STUDENTS_AT_ONCE, message->archived_ms, err);
}

/* ---- A message ---- */

/* What the words of a message make of it. */
static bool classify(const struct students *students, struct op_env *env,
                     const struct message *message, bool *practice, bool *counts, struct err *err)
{
    struct keywords_hit hit = {0};
    if (!keywords_find(students->practices, env->arena, message->text, &hit, err)) {
        return false;
    }
    *practice = hit.found;
    if (!hit.found && !keywords_find(students->messages, env->arena, message->text, &hit, err)) {
        return false;
    }
    *counts = hit.found;
    return true;
}

static bool warn_of_future(const struct students *students, struct op_env *env,
                           const struct message *message, struct str about, struct err *err)
{
    char sent[DATETIME_TEXT_MAX];
    if (message->sent_ms <= message->archived_ms + FUTURE_MS) {
        return true;
    }
    struct str when = datetime_format_iso(message->sent_ms, sent);
    return warn(
        students, env, arena_printf(env->arena, "future:%.*s", STR_ARG(about)),
        arena_printf(env->arena, "sent %.*s, which was not yet when it arrived", STR_ARG(when)),
        message->archived_ms, err);
}

static bool count_message(struct students *students, struct op_env *env,
                          const struct message *message, const struct roster_row *row,
                          struct str about, bool practice, struct err *err)
{
    struct student student = {0};
    struct student_lesson *lesson = NULL;
    if (!put_entry(env, 'm', about, STR("1"), err) ||
        !load_student(students, env, row, message->sender, &student, &lesson, err)) {
        return false;
    }
    int64_t practice_ms = student.practice_ms;
    bool counted = count(&student, lesson, practice, message->sent_ms);
    if (!save_student(env, row, &student, err) ||
        !warn_of_future(students, env, message, about, err)) {
        return false;
    }
    if (!counted) {
        return true;
    }
    if (practice && !student_days_add(env, phone_str(&row->phone), lesson->lesson, students->zone,
                                      message->sent_ms, err)) {
        return false;
    }
    bool later =
        student.practice_ms != practice_ms && !same_day(students, student.practice_ms, practice_ms);
    return emit_student(students, env, &student, message->archived_ms, err) &&
           (!later || emit_sheet(students, env, &student, row->cell, err)) &&
           write_all_due(students, env, STUDENTS_FOLLOWING, message->archived_ms, err);
}

/* An edit of a message that waits, or has counted, changes nothing. */
static bool has_counted(struct op_env *env, const struct message *message, struct str about,
                        bool *yes, struct err *err)
{
    struct str before = {0};
    *yes = false;
    if (message->revision == 0) {
        return true;
    }
    if (!get_entry(env, 'm', about, &before, err)) {
        return false;
    }
    *yes = before.ptr != NULL;
    return true;
}

/* Messages that were there before the first roster find it, too: then the state begins with it. */
static bool begin_roster(struct students *students, struct op_env *env,
                         const struct message *message, struct err *err)
{
    struct str there = {0};
    if (!env->get(env, STR("begun"), &there, err)) {
        return false;
    }
    if (there.ptr != NULL || renew_roster(students, env, message, err)) {
        return true;
    }
    if (err->kind != ERR_REJECT) {
        return false;
    }
    *err =
        (struct err){0}; /* It is told where the roster came; the message waits for a better one. */
    return true;
}

static bool hear(struct students *students, struct op_env *env, const struct message *message,
                 struct err *err)
{
    bool practice = false;
    bool counts = false;
    bool before = false;
    struct roster_row row;
    if (!classify(students, env, message, &practice, &counts, err)) {
        return false;
    }
    if (!counts) {
        return true;
    }
    struct str about = arena_printf(env->arena, "%.*s/%.*s", STR_ARG(message->chat),
                                    STR_ARG(message->external_id));
    if (about.ptr == NULL) {
        return no_memory(err);
    }
    if (!begin_roster(students, env, message, err) ||
        !has_counted(env, message, about, &before, err) ||
        !roster_find(env, message->sender, home_of(students), &row, err)) {
        return false;
    }
    if (before) {
        return true;
    }
    return row.phone.len > 0 ? count_message(students, env, message, &row, about, practice, err)
                             : wait_for_roster(students, env, message, practice, err);
}

/* ---- Acts of people ---- */

static bool emit_paid(const struct students *students, struct op_env *env,
                      const struct student *student, const struct student_lesson *lesson, bool paid,
                      int64_t now_ms, struct err *err)
{
    struct student_times times = times_of(students);
    struct record record = {
        .kind = RECORD_EFFECT,
        .sink = students->sink,
        .target = STR("student_stats"),
        .entity = student->id,
        .body = student_paid_body(env->arena, student, lesson, paid, &times, now_ms)};
    return record.body.ptr != NULL ? env->emit(env, &record, err) : no_memory(err);
}

/*
 * A lesson was paid, or was not after all. It is an effect, done once and never again: what people
 * set in the row later stays. The row comes first, for a student who pays before the first
 * practice.
 */
static bool take_paid(const struct students *students, struct op_env *env,
                      const struct message *message, const struct json_value *act, struct err *err)
{
    struct student student = {0};
    struct student_lesson *lesson = NULL;
    struct roster_row row;
    struct str text = {0};
    bool paid = false;
    struct str digits = json_str(json_get(act, STR("student")));
    if (!roster_find(env, digits, PHONE_ANYWHERE, &row, err)) {
        return false;
    }
    if (row.phone.len > 0) {
        if (!load_student(students, env, &row, STR(""), &student, &lesson, err) ||
            !save_student(env, &row, &student, err)) {
            return false;
        }
    } else if (!get_entry(env, 's', digits, &text, err) ||
               (text.ptr != NULL && !student_read(env->arena, text, &student, err))) {
        return false;
    }
    lesson = student_find_lesson(&student, json_str(json_get(act, STR("lesson"))));
    if (lesson == NULL || !json_bool(json_get(act, STR("paid")), &paid)) {
        return err_set(
            err, ERR_REJECT,
            "students: the act names a student or a lesson that is not known (any more); "
            "`sluice students show` says what is");
    }
    return emit_student(students, env, &student, message->archived_ms, err) &&
           emit_paid(students, env, &student, lesson, paid, message->archived_ms, err);
}

static bool take_act(struct students *students, struct op_env *env, const struct message *message,
                     struct err *err)
{
    const struct json_value *act = NULL;
    if (!json_parse(env->arena, message->text, NULL, &act, err)) {
        return err_prefix(err, "students: an act: ");
    }
    if (!str_equal(json_str(json_get(act, STR("act"))), STR("paid"))) {
        return err_set(err, ERR_REJECT, "students: an act that this version does not know");
    }
    return begin_roster(students, env, message, err) && take_paid(students, env, message, act, err);
}

static bool students_apply(struct op *op, struct op_env *env, const struct message *message,
                           struct err *err)
{
    struct students *students = (struct students *)op;
    if (message->kind == MESSAGE_REFERENCE) {
        return !str_equal(message->chat, students->roster) ||
               renew_roster(students, env, message, err);
    }
    if (message->kind == MESSAGE_ACT) {
        return take_act(students, env, message, err);
    }
    return message->kind != MESSAGE_CHAT || message->deleted || hear(students, env, message, err);
}

/* ---- Life ---- */

static const struct column stats_columns[] = {
    {"uniq_id", COLUMN_TEXT, true, NULL, "MD5 of <phone_number>_<name> at the first sight."},
    {"phone_number", COLUMN_TEXT, false, NULL, "As WhatsApp shows it, without the plus."},
    {"name", COLUMN_TEXT, false, NULL, "As the roster has it."},
    {"current_lesson", COLUMN_TEXT, false, NULL, "As the roster has it."},
    {"total_messages", COLUMN_INT, false, NULL, "Of the old program; never touched."},
    {"last_message_timedate", COLUMN_TEXT, false, NULL, "HH:MM, DD.MM.YYYY"},
    {"last_practice_timedate", COLUMN_TEXT, false, NULL, "HH:MM, DD.MM.YYYY"},
    {"lessons", COLUMN_JSON, false, NULL,
     "A list: lesson, teacher, practice_count, first_practice, last_practice, message_count, "
     "paid."},
    {"created_at", COLUMN_TEXT, false, NULL, "HH:MM, DD.MM.YYYY"},
    {"updated_at", COLUMN_TEXT, false, NULL, "HH:MM, DD.MM.YYYY"},
    {0},
};

static const char *const stats_indexes[] = {"phone_number", "name", "current_lesson", NULL};

static const struct column warning_columns[] = {
    {"subject", COLUMN_TEXT, true, NULL, "What it is about: phone:ROW, sender:NUMBER …"},
    {"kind", COLUMN_TEXT, false, NULL,
     "phone, name (a roster row without one), phone-twice, name-twice, sender, future."},
    {"detail", COLUMN_TEXT, false, NULL, "For people."},
    {"open", COLUMN_BOOL, false, NULL, "Still so."},
    {"first_at", COLUMN_TIME, false, NULL, "UTC."},
    {"last_at", COLUMN_TIME, false, NULL, "UTC; when it was opened, changed or closed last."},
    {0},
};

static const struct column sheet_columns[] = {
    {"phone_number", COLUMN_TEXT, true, NULL, "As it stands in the roster's cell."},
    {"last_practice", COLUMN_TEXT, false, NULL, "DD/MM/YYYY"},
    {0},
};

static const struct target stats = {
    .name = "student_stats", .key = "uniq_id", .columns = stats_columns, .indexes = stats_indexes};
static const struct target warnings = {
    .name = "student_warnings", .key = "subject", .columns = warning_columns};
static const struct target sheet = {
    .name = "main", .key = "phone_number", .columns = sheet_columns};

static bool students_declare(struct op *op, struct arena *arena)
{
    struct students *students = (struct students *)op;
    struct str sink = arena_copy(arena, students->sink);
    struct str name = arena_copy(arena, students->sheet);
    students->targets[0] = stats;
    students->targets[1] = warnings;
    students->targets[2] = sheet;
    students->targets[0].sink = sink.ptr;
    students->targets[1].sink = sink.ptr;
    students->targets[2].sink = name.ptr;
    students->target_list[0] = &students->targets[0];
    students->target_list[1] = &students->targets[1];
    students->target_list[2] = students->sheet.len > 0 ? &students->targets[2] : NULL;
    students->target_list[3] = NULL;
    op->targets = students->target_list;
    return sink.ptr != NULL && (students->sheet.len == 0 || name.ptr != NULL);
}

static bool open_words(const struct students *students, struct str list, struct keywords **out,
                       struct err *err)
{
    struct keywords_options options = {.whole_word = students->whole_word,
                                       .fold = students->fold ? FOLD_SEARCH : 0};
    return keywords_open_list(out, list, options, err);
}

static bool students_open(struct op *op, struct arena *arena, struct err *err)
{
    struct students *students = (struct students *)op;
    (void)arena;
    students->practices = NULL;
    students->messages = NULL;
    if (zone_parse(students->zone_name, &students->zone, err) &&
        timepattern_compile(TIMEPATTERN_STUDENTS, &students->stamp, err) &&
        timepattern_compile(TIMEPATTERN_SHEET, &students->day, err) &&
        open_words(students, students->practice_list, &students->practices, err) &&
        open_words(students, students->message_list, &students->messages, err)) {
        return true;
    }
    keywords_close(students->practices);
    students->practices = NULL;
    return err_prefix(err, "students: ");
}

static void students_close(struct op *op)
{
    struct students *students = (struct students *)op;
    keywords_close(students->practices);
    keywords_close(students->messages);
    students->practices = NULL;
    students->messages = NULL;
}

static bool has_word(struct str list)
{
    struct str word = {0};
    while (str_split(&list, ',', &word)) {
        if (str_trim(word).len > 0) {
            return true;
        }
    }
    return false;
}

static void check_words(const struct students *students, struct report *report, const char *option,
                        struct str list)
{
    struct keywords *keywords = NULL;
    struct err err = {0};
    if (!has_word(list)) {
        report->fault(report, option, 0, "there is no word in it: write some, with commas between");
    } else if (!open_words(students, list, &keywords, &err)) {
        report_err(report, option, &err);
    }
    keywords_close(keywords);
}

static void students_check(const struct op *op, struct report *report)
{
    static const char *const names[] = {"phone_number", "name", "current_lesson", "teacher"};
    const struct students *students = (const struct students *)op;
    check_words(students, report, "practice_words", students->practice_list);
    check_words(students, report, "message_words", students->message_list);
    for (size_t i = 0; i < students->columns.count; i++) {
        bool known = false;
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            known = known || str_equal(students->columns.items[i].name, str_of(names[j]));
        }
        if (!known) {
            report->fault(
                report, "columns", 0,
                "it maps phone_number, name, current_lesson and teacher to headers of the "
                "roster, and nothing else");
        }
    }
}

static const struct option options[] = {
    OPTION_REFERENCE(struct students, roster, "roster", "roster",
                     "The table of students: a source with `reference: true`."),
    OPTION_MAP(
        struct students, columns, "columns", NULL,
        "Headers of the roster for phone_number, name, current_lesson and teacher, where they "
        "are called otherwise."),
    OPTION_TEXT(struct students, practice_list, "practice_words", OPTION_REQUIRED,
                "Words that make a message a practice, with commas between them."),
    OPTION_TEXT(struct students, message_list, "message_words", OPTION_REQUIRED,
                "Words that make any other message count as a message."),
    OPTION_BOOL(struct students, whole_word, "whole_word", "false",
                "Words count only where they stand by themselves."),
    OPTION_BOOL(struct students, fold, "fold", "false",
                "Compare as people read: case, niqqud, final letters, geresh do not matter."),
    OPTION_CHOICE(struct students, home, "country", "israel", country_names,
                  "Where numbers without a country code are from."),
    OPTION_ZONE(struct students, zone_name, "zone", "Asia/Jerusalem", "Zone of all times."),
    OPTION_REFERENCE(struct students, adopt, "adopt", NULL,
                     "A table of rows that another program kept (by uniq_id), to begin with."),
    OPTION_SINK(struct students, sink, "sink", "records", "Sink of student_stats."),
    OPTION_SINK(struct students, sheet, "sheet", NULL,
                "Sink of the roster's sheet, which gets last_practice; none when left out."),
    OPTION_END,
};

static const char *const key_options[] = {"country", NULL};

const struct op_type op_students = {
    .kind = "students",
    .summary = "Count practices and messages of a roster's students, by lesson.",
    .options = options,
    .size = sizeof(struct students),
    .shared_state = true,
    .key_options = key_options,
    .check = students_check,
    .declare = students_declare,
    .open = students_open,
    .close = students_close,
    .apply = students_apply,
};
