/* students list, show: who they are, where they stand, and when they were heard of last. */
#include "cli/students.h"

#include <stdlib.h>

#include "base/log.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 100000, MS_PER_DAY = 24 * 60 * 60 * 1000, DAYS_MAX = 36500 };

/* The latest first; those who never wrote come last, by their names. */
static int by_activity(const void *left, const void *right)
{
    const struct pupil *a = *(const struct pupil *const *)left;
    const struct pupil *b = *(const struct pupil *const *)right;
    int64_t a_ms = pupil_last_ms(a);
    int64_t b_ms = pupil_last_ms(b);
    if (a_ms != b_ms) {
        return a_ms > b_ms ? -1 : 1;
    }
    int order = str_compare(a->name, b->name);
    return order != 0 ? order : str_compare(a->digits, b->digits);
}

/* A phone as a listing shows it. */
static struct str shown_phone(struct school *school, const struct cli *cli,
                              const struct pupil *pupil)
{
    char room[SHOW_MAX];
    struct str phone = pupil_phone(&school->arena, pupil);
    return cli_given(cli, "--show-people")
               ? phone
               : arena_copy(&school->arena, log_mask(phone, room, sizeof room));
}

static int64_t lesson_practices(const struct pupil *pupil)
{
    const struct student_lesson *lesson = student_find_lesson(&pupil->student, pupil->lesson);
    return lesson != NULL ? lesson->practices : 0;
}

static int64_t lesson_messages(const struct pupil *pupil)
{
    const struct student_lesson *lesson = student_find_lesson(&pupil->student, pupil->lesson);
    return lesson != NULL ? lesson->messages : 0;
}

static void put_pupil(struct json_writer *json, struct school *school, const struct cli *cli,
                      const struct pupil *pupil)
{
    show_json_text(json, STR("uniq_id"), pupil->student.id);
    json_field_str(json, STR("name"), pupil->name);
    show_json_text(json, STR("phone_number"), shown_phone(school, cli, pupil));
    json_field_str(json, STR("current_lesson"), pupil->lesson);
    json_field_str(json, STR("teacher"), pupil->teacher);
    json_field_bool(json, STR("in_roster"), pupil->listed);
    json_field_int(json, STR("practices"), lesson_practices(pupil));
    json_field_int(json, STR("messages"), lesson_messages(pupil));
    json_field_int(json, STR("practices_in_all"), pupil_practices(pupil));
    json_field_int(json, STR("messages_in_all"), pupil_messages(pupil));
    show_json_time(json, STR("last_practice_at"), pupil->student.practice_ms);
    show_json_time(json, STR("last_message_at"), pupil->student.message_ms);
}

/* ---- list ---- */

struct listing {
    const struct pupil **pupils;
    size_t count;
    bool more;
};

static bool collect(struct school *school, const struct cli *cli, int64_t silent_days,
                    struct listing *out, struct err *err)
{
    struct str teacher = cli_value(cli, "--teacher");
    struct str lesson = cli_value(cli, "--lesson");
    out->pupils = arena_array(&school->arena, school->count + 1, sizeof(struct pupil *));
    if (out->pupils == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    int64_t before_ms = school->look.screen.now_ms - silent_days * MS_PER_DAY;
    for (size_t i = 0; i < school->count; i++) {
        const struct pupil *pupil = &school->pupils[i];
        if ((teacher.ptr == NULL || str_equal(teacher, pupil->teacher)) &&
            (lesson.ptr == NULL || str_equal(lesson, pupil->lesson)) &&
            (silent_days == 0 || pupil_last_ms(pupil) < before_ms)) {
            out->pupils[out->count++] = pupil;
        }
    }
    if (out->count > 0) {
        qsort(out->pupils, out->count, sizeof(struct pupil *), by_activity);
    }
    return true;
}

static void list_json(struct school *school, const struct cli *cli, const struct listing *list)
{
    struct json_writer json;
    json_writer_init(&json, &school->look.out);
    json_object_begin(&json);
    json_field_str(&json, STR("pipeline"), school->pipeline->name);
    json_key(&json, STR("students"));
    json_array_begin(&json);
    for (size_t i = 0; i < list->count; i++) {
        json_object_begin(&json);
        put_pupil(&json, school, cli, list->pupils[i]);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_field_bool(&json, STR("more"), list->more);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&school->look.out, '\n');
}

static void list_text(struct school *school, const struct cli *cli, const struct listing *list)
{
    static const struct table_column columns[] = {
        {"name", TABLE_LEFT, 12},   {"phone", TABLE_LEFT, 0},      {"lesson", TABLE_LEFT, 8},
        {"teacher", TABLE_LEFT, 8}, {"practices", TABLE_RIGHT, 0}, {"messages", TABLE_RIGHT, 0},
        {"in all", TABLE_RIGHT, 0}, {"last", TABLE_LEFT, 0},
    };
    struct table table;
    table_init(&table, &school->arena, &school->look.screen, columns,
               sizeof columns / sizeof columns[0]);
    table.privacy = SHOW_PEOPLE; /* Numbers are masked where they stand. */
    for (size_t i = 0; i < list->count; i++) {
        const struct pupil *pupil = list->pupils[i];
        table_text(&table, pupil->name);
        table_text(&table, shown_phone(school, cli, pupil));
        table_text(&table, pupil->lesson);
        table_text(&table, pupil->teacher);
        table_count(&table, lesson_practices(pupil));
        table_count(&table, lesson_messages(pupil));
        table_count(&table, pupil_practices(pupil) + pupil_messages(pupil));
        table_time(&table, pupil_last_ms(pupil));
    }
    table_print(&table, &school->look.out);
    if (list->count == 0) {
        cli_say("no student is known yet%s",
                school->count > 0 ? " that fits" : "; a run reads the roster and the group");
    } else if (list->more) {
        cli_say("others are left out; see more with --limit N");
    }
}

int cli_students_list(struct cli *cli)
{
    struct school school;
    struct err err = {0};
    struct listing list = {0};
    int64_t limit = LIST_DEFAULT;
    int64_t silent = 0;
    int code = cli_number(cli, "--limit", 1, LIST_MAX, &limit);
    code = code == CLI_OK ? cli_number(cli, "--silent", 1, DAYS_MAX, &silent) : code;
    if (code != CLI_OK) {
        return code;
    }
    code = school_begin(&school, cli);
    if (code == CLI_OK && !collect(&school, cli, silent, &list, &err)) {
        code = cli_fail(&err);
    }
    list.more = list.count > (size_t)limit;
    list.count = list.more ? (size_t)limit : list.count;
    if (code == CLI_OK && cli->json) {
        list_json(&school, cli, &list);
    } else if (code == CLI_OK) {
        list_text(&school, cli, &list);
    }
    return school_end(&school, code);
}

/* ---- show ---- */

static void put_paid(struct json_writer *json, enum paid paid)
{
    json_key(json, STR("paid"));
    if (paid == PAID_UNKNOWN) {
        json_put_null(json);
    } else {
        json_put_bool(json, paid == PAID_YES);
    }
}

static void show_json(struct school *school, const struct cli *cli, const struct pupil *pupil)
{
    struct json_writer json;
    json_writer_init(&json, &school->look.out);
    json_object_begin(&json);
    json_field_str(&json, STR("pipeline"), school->pipeline->name);
    put_pupil(&json, school, cli, pupil);
    json_key(&json, STR("lessons"));
    json_array_begin(&json);
    for (size_t i = 0; i < pupil->student.count; i++) {
        const struct student_lesson *lesson = &pupil->student.lessons[i];
        json_object_begin(&json);
        json_field_str(&json, STR("lesson"), lesson->lesson);
        json_field_str(&json, STR("teacher"), lesson->teacher);
        json_field_int(&json, STR("practice_count"), lesson->practices);
        json_field_int(&json, STR("message_count"), lesson->messages);
        show_json_time(&json, STR("first_practice_at"), lesson->first_ms);
        show_json_time(&json, STR("last_practice_at"), lesson->last_ms);
        put_paid(&json, pupil->paid[i]);
        json_object_end(&json);
    }
    json_array_end(&json);
    show_json_text(&json, STR("paid_unknown_because"), school->paid_why);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&school->look.out, '\n');
}

static void show_head(struct school *school, const struct cli *cli, const struct pupil *pupil)
{
    static const struct table_column columns[] = {{NULL, TABLE_LEFT, 0}, {NULL, TABLE_LEFT, 20}};
    struct table table;
    table_init(&table, &school->arena, &school->look.screen, columns, 2);
    table.privacy = SHOW_PEOPLE;
    table_word(&table, STR("name"));
    table_text(&table, pupil->name);
    table_word(&table, STR("phone"));
    table_text(&table, shown_phone(school, cli, pupil));
    table_word(&table, STR("uniq_id"));
    table_text(&table, pupil->student.id.len > 0 ? pupil->student.id : STR("no row yet"));
    table_word(&table, STR("lesson"));
    table_text(&table, pupil->lesson);
    table_word(&table, STR("teacher"));
    table_text(&table, pupil->teacher);
    table_word(&table, STR("in the roster"));
    table_word(&table, pupil->listed ? STR("yes") : STR("no"));
    table_word(&table, STR("last practice"));
    table_time(&table, pupil->student.practice_ms);
    table_word(&table, STR("last message"));
    table_time(&table, pupil->student.message_ms);
    table_print(&table, &school->look.out);
}

static void show_text_of(struct school *school, const struct cli *cli, const struct pupil *pupil)
{
    static const struct table_column columns[] = {
        {"lesson", TABLE_LEFT, 8},    {"teacher", TABLE_LEFT, 8}, {"practices", TABLE_RIGHT, 0},
        {"messages", TABLE_RIGHT, 0}, {"first", TABLE_LEFT, 0},   {"last", TABLE_LEFT, 0},
        {"paid", TABLE_LEFT, 0},
    };
    static const struct str words[] = {STR_INIT("?"), STR_INIT("no"), STR_INIT("yes")};
    struct table table;
    show_head(school, cli, pupil);
    buf_add_byte(&school->look.out, '\n');
    table_init(&table, &school->arena, &school->look.screen, columns,
               sizeof columns / sizeof columns[0]);
    table.privacy = SHOW_PEOPLE;
    for (size_t i = 0; i < pupil->student.count; i++) {
        const struct student_lesson *lesson = &pupil->student.lessons[i];
        table_text(&table, lesson->lesson);
        table_text(&table, lesson->teacher);
        table_count(&table, lesson->practices);
        table_count(&table, lesson->messages);
        table_time(&table, lesson->first_ms);
        table_time(&table, lesson->last_ms);
        table_word(&table, words[pupil->paid[i]]);
    }
    table_print(&table, &school->look.out);
    if (!school->paid_known) {
        cli_say("whether lessons are paid is not known: %.*s", STR_ARG(school->paid_why));
    }
}

int cli_students_show(struct cli *cli)
{
    struct school school;
    struct err err = {0};
    int code = school_begin(&school, cli);
    const struct pupil *pupil = code == CLI_OK ? school_find(&school, cli->words[0]) : NULL;
    if (code == CLI_OK && pupil == NULL) {
        code = CLI_FAILED;
    }
    if (code == CLI_OK && !school_ask_paid(&school, &err)) {
        code = cli_fail(&err);
    }
    if (code == CLI_OK && cli->json) {
        show_json(&school, cli, pupil);
    } else if (code == CLI_OK) {
        show_text_of(&school, cli, pupil);
    }
    return school_end(&school, code);
}
