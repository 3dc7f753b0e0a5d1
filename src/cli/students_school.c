#include <stdlib.h>
#include <string.h>

#include "cli/students.h"
#include "engine/targets.h"
#include "store/state.h"
#include "text/fold.h"

enum { FIRST_ROOM = 256, CANDIDATES_SHOWN = 10 };

static const enum phone_country countries[] = {PHONE_ISRAEL, PHONE_SOUTH_AFRICA, PHONE_ANYWHERE};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for the students");
}

const struct plan_pipeline *school_pipeline(const struct plan *plan, const struct cli *cli)
{
    struct str wanted = cli_value(cli, "--pipeline");
    const struct plan_pipeline *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct plan_pipeline *pipeline = &plan->pipelines[i];
        if (pipeline->op->type == &op_students &&
            (wanted.ptr == NULL || str_equal(wanted, pipeline->name))) {
            found = pipeline;
            count++;
        }
    }
    if (count != 1) {
        (void)cli_misused(cli,
                          count == 0 ? "there is no pipeline of kind students%s"
                                     : "there are several pipelines of kind students%s: name one "
                                       "with --pipeline",
                          wanted.ptr != NULL ? " of that name" : "");
    }
    return count == 1 ? found : NULL;
}

/* ---- Everybody ---- */

struct loading {
    struct school *school;
    size_t room;
    bool roster;
    struct err *err;
    bool failed;
};

static struct pupil *add_pupil(struct loading *loading, struct str digits)
{
    struct school *school = loading->school;
    if (school->count == loading->room) {
        size_t room = loading->room == 0 ? FIRST_ROOM : loading->room * 2;
        struct pupil *pupils = arena_array(&school->arena, room, sizeof *pupils);
        if (pupils == NULL) {
            loading->failed = !no_memory(loading->err);
            return NULL;
        }
        if (school->count > 0) {
            memcpy(pupils, school->pupils, school->count * sizeof *pupils);
        }
        school->pupils = pupils;
        loading->room = room;
    }
    struct pupil *pupil = &school->pupils[school->count++];
    *pupil = (struct pupil){.digits = digits};
    return pupil;
}

static bool add_student(void *context, struct str key, struct str value)
{
    struct loading *loading = context;
    struct pupil *pupil = add_pupil(loading, str_slice(key, 2, key.len));
    if (pupil == NULL) {
        return false;
    }
    if (!student_read(&loading->school->arena, value, &pupil->student, loading->err)) {
        loading->failed = true;
        return false;
    }
    struct student *student = &pupil->student;
    const struct student_lesson *lesson = student_find_lesson(student, student->current);
    pupil->name = student->name;
    pupil->lesson = student->current;
    pupil->teacher = lesson != NULL ? lesson->teacher : STR("");
    pupil->paid = arena_array(&loading->school->arena, student->count + 1, sizeof *pupil->paid);
    loading->failed = pupil->paid == NULL && !no_memory(loading->err);
    return !loading->failed;
}

static int by_digits(const void *left, const void *right)
{
    return str_compare(((const struct pupil *)left)->digits, ((const struct pupil *)right)->digits);
}

static struct pupil *find_digits(struct school *school, size_t count, struct str digits)
{
    struct pupil key = {.digits = digits};
    return count == 0 ? NULL
                      : bsearch(&key, school->pupils, count, sizeof *school->pupils, by_digits);
}

struct rostering {
    struct loading loading; /* First. */
    size_t counted;         /* Pupils that the state knew. */
};

/* The roster's rows come in the order of the same digits. */
static bool add_listed(void *context, struct str key, struct str value)
{
    struct rostering *rostering = context;
    struct school *school = rostering->loading.school;
    const struct json_limits limits = {.innocent = true};
    const struct json_value *row = NULL;
    struct str digits = str_slice(key, 2, key.len);
    struct pupil *pupil = find_digits(school, rostering->counted, digits);
    if (!json_parse(&school->arena, value, &limits, &row, rostering->loading.err)) {
        rostering->loading.failed = true;
        return false;
    }
    pupil = pupil != NULL ? pupil : add_pupil(&rostering->loading, digits);
    if (pupil != NULL) {
        pupil->listed = true;
        pupil->name = json_str(json_get(row, STR("name")));
        pupil->lesson = json_str(json_get(row, STR("lesson")));
        pupil->teacher = json_str(json_get(row, STR("teacher")));
    }
    return pupil != NULL;
}

bool school_load(struct school *school, struct store *store, struct err *err)
{
    int64_t pipeline = 0;
    struct rostering all = {.loading = {.school = school, .err = err}};
    school->op = (const struct students *)school->pipeline->op;
    school->home = countries[school->op->home];
    arena_init(&school->arena, STUDENTS_ARENA_LIMIT);
    if (!zone_parse(school->op->zone_name, &school->zone, err) ||
        (store != NULL && !store_name_find(store, school->pipeline->name, &pipeline, err))) {
        return false;
    }
    if (pipeline == 0) {
        return true; /* It never ran. */
    }
    bool ok = store_state_scan(store, &school->arena, pipeline, 0, STR("s "), add_student,
                               &all.loading, err) &&
              !all.loading.failed;
    all.counted = school->count;
    ok = ok &&
         store_state_scan(store, &school->arena, pipeline, 0, STR("p "), add_listed, &all, err) &&
         !all.loading.failed;
    if (ok && school->count > 0) {
        qsort(school->pupils, school->count, sizeof *school->pupils, by_digits);
    }
    return ok;
}

int school_begin(struct school *school, const struct cli *cli)
{
    struct err err = {0};
    *school = (struct school){0};
    int code = look_begin_configured(&school->look, cli);
    if (code != CLI_OK) {
        return code;
    }
    school->pipeline = school_pipeline(&school->look.config.plan, cli);
    if (school->pipeline == NULL) {
        return CLI_USAGE;
    }
    struct store *store = school->look.store;
    bool ok = (store == NULL || store_begin_read(store, &err)) && school_load(school, store, &err);
    if (store != NULL) {
        store_rollback(store);
    }
    return ok ? CLI_OK : cli_fail(&err);
}

int school_end(struct school *school, int code)
{
    struct err err = {0};
    if (code != CLI_OK && code != CLI_PARTIAL) {
        school->look.out.len = 0;
    }
    int end = look_end(&school->look, true, &err);
    arena_free(&school->arena);
    return code != CLI_OK ? code : end;
}

/* ---- What the sink says ---- */

struct asking {
    struct school *school;
    struct pupil **by_id;
    size_t count;
    struct arena scratch;
};

static int by_id(const void *left, const void *right)
{
    return str_compare((*(struct pupil *const *)left)->student.id,
                       (*(struct pupil *const *)right)->student.id);
}

static struct pupil *pupil_of(const struct asking *asking, struct str id)
{
    struct pupil key = {.student = {.id = id}};
    struct pupil *pointer = &key;
    struct pupil **found = asking->count == 0 ? NULL
                                              : bsearch(&pointer, asking->by_id, asking->count,
                                                        sizeof(struct pupil *), by_id);
    return found != NULL ? *found : NULL;
}

/* A lesson may be a number in rows of others. */
static bool same_lesson(const struct json_value *value, struct str lesson)
{
    return str_equal(json_kind(value) == JSON_STRING ? json_str(value) : json_raw(value), lesson);
}

static void note_paid(struct pupil *pupil, const struct json_value *lessons)
{
    struct json_iter iter;
    const struct json_value *item = NULL;
    json_iter_init(&iter, lessons);
    while (json_next(&iter, NULL, &item)) {
        const struct json_value *name = json_get(item, STR("lesson"));
        bool paid = false;
        (void)json_bool(json_get(item, STR("paid")), &paid);
        for (size_t i = 0; name != NULL && i < pupil->student.count; i++) {
            if (same_lesson(name, pupil->student.lessons[i].lesson)) {
                pupil->paid[i] = paid ? PAID_YES : PAID_NO;
            }
        }
    }
}

static bool take_row(void *context, struct str entity, struct str body, struct err *err)
{
    struct asking *asking = context;
    struct pupil *pupil = pupil_of(asking, entity);
    const struct json_limits limits = {.innocent = true};
    const struct json_value *root = NULL;
    struct err ignored = {0};
    (void)err;
    asking->school->rows++;
    asking->school->rows_unknown += pupil == NULL;
    if (pupil != NULL && json_parse(&asking->scratch, body, &limits, &root, &ignored)) {
        const struct json_value *lessons = json_get(root, STR("lessons"));
        if (json_kind(lessons) == JSON_STRING &&
            !json_parse(&asking->scratch, json_str(lessons), &limits, &lessons, &ignored)) {
            lessons = NULL;
        }
        note_paid(pupil, lessons);
    }
    arena_reset(&asking->scratch);
    return true;
}

static const struct plan_sink *sink_of(const struct school *school)
{
    const struct plan *plan = &school->look.config.plan;
    for (size_t i = 0; i < plan->sink_count; i++) {
        if (str_equal(plan->sinks[i].name, school->op->sink)) {
            return &plan->sinks[i];
        }
    }
    return NULL;
}

static bool ask_sink(struct asking *asking, const struct plan_sink *sink, struct err *err)
{
    struct school *school = asking->school;
    struct arena dump;
    if (sink == NULL || sink->sink->type->dump == NULL) {
        return err_set(err, ERR_CONFIG, "the sink '%.*s' cannot be read row by row",
                       STR_ARG(school->op->sink));
    }
    if (!targets_lend(&school->look.config.plan, sink, school->look.config.data_dir,
                      &school->look.arena, err)) {
        return false;
    }
    arena_init(&dump, LOOK_ARENA_LIMIT);
    bool ok =
        sink->sink->type->dump(sink->sink, STR("student_stats"), &dump, take_row, asking, err);
    arena_free(&dump);
    targets_return(sink);
    return ok;
}

bool school_ask_paid(struct school *school, struct err *err)
{
    struct asking asking = {.school = school};
    struct err why = {0};
    asking.by_id = arena_array(&school->arena, school->count + 1, sizeof(struct pupil *));
    if (asking.by_id == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < school->count; i++) {
        if (school->pupils[i].student.id.len > 0) {
            asking.by_id[asking.count++] = &school->pupils[i];
        }
    }
    if (asking.count > 0) {
        qsort(asking.by_id, asking.count, sizeof(struct pupil *), by_id);
    }
    arena_init(&asking.scratch, LOOK_ARENA_LIMIT);
    school->paid_known = ask_sink(&asking, sink_of(school), &why);
    arena_free(&asking.scratch);
    if (!school->paid_known) {
        school->paid_why = arena_copy(&school->arena, str_of(why.text));
        for (size_t i = 0; i < asking.count; i++) {
            memset(asking.by_id[i]->paid, 0, asking.by_id[i]->student.count * sizeof(enum paid));
        }
    }
    return true;
}

/* ---- Who is meant ---- */

enum likeness { LIKE_ID = 0, LIKE_PHONE, LIKE_NAME, LIKE_FOLDED, LIKE_PART, LIKENESSES };

static bool holds_folded(struct arena *arena, struct str text, struct str part)
{
    struct arena_mark mark = arena_mark(arena);
    struct str whole = fold_text(arena, text, FOLD_NAME);
    struct str sought = fold_text(arena, part, FOLD_NAME);
    bool holds = whole.ptr != NULL && sought.len > 0 && str_find(whole, sought, 0) != STR_NONE;
    arena_rewind(arena, mark);
    return holds;
}

static bool is_like(struct school *school, const struct pupil *pupil, struct str who,
                    const struct phone *phone, enum likeness how)
{
    switch (how) {
    case LIKE_ID:
        return pupil->student.id.len > 0 && str_equal_ascii_case(pupil->student.id, who);
    case LIKE_PHONE:
        return phone->len > 0 && str_equal(pupil->digits, phone_str(phone));
    case LIKE_NAME:
        return str_equal(pupil->name, who);
    case LIKE_FOLDED:
        return fold_equal(pupil->name, who, FOLD_NAME);
    case LIKE_PART:
        return holds_folded(&school->arena, pupil->name, who);
    case LIKENESSES:
        break;
    }
    return false;
}

/* Whoever it could be, each with what tells them apart. */
static void say_candidates(struct school *school, struct str who, const struct phone *phone,
                           enum likeness how, size_t count)
{
    struct arena *arena = &school->arena;
    size_t said = 0;
    cli_say("'%.*s' may be %zu students; say which by phone or uniq_id:", STR_ARG(who), count);
    for (size_t i = 0; i < school->count && said < CANDIDATES_SHOWN; i++) {
        const struct pupil *pupil = &school->pupils[i];
        if (is_like(school, pupil, who, phone, how)) {
            struct str id = pupil->student.id.len > 0 ? pupil->student.id : STR("no row yet");
            struct str name = show_text(arena, pupil->name, SHOW_PEOPLE);
            struct str looks = show_text(arena, pupil_phone(arena, pupil), SHOW_MASKED);
            struct str lesson = show_text(arena, pupil->lesson, SHOW_PEOPLE);
            cli_say("  %.*s  %.*s  lesson %.*s  %.*s", STR_ARG(name), STR_ARG(looks),
                    STR_ARG(lesson), STR_ARG(id));
            said++;
        }
    }
    if (count > said) {
        cli_say("  … and %zu more", count - said);
    }
}

const struct pupil *school_find(struct school *school, struct str who)
{
    struct phone phone = {0};
    struct err ignored = {0};
    who = str_trim(who);
    if (!phone_parse(who, school->home, &phone, &ignored)) {
        phone = (struct phone){0};
    }
    for (enum likeness how = LIKE_ID; who.len > 0 && how < LIKENESSES; how++) {
        const struct pupil *found = NULL;
        size_t count = 0;
        for (size_t i = 0; i < school->count; i++) {
            if (is_like(school, &school->pupils[i], who, &phone, how)) {
                found = &school->pupils[i];
                count++;
            }
        }
        if (count == 1) {
            return found;
        }
        if (count > 1) {
            say_candidates(school, who, &phone, how, count);
            return NULL;
        }
    }
    cli_say("no student is '%.*s': a name, a phone or a uniq_id is expected; `sluice students` "
            "lists them",
            STR_ARG(who));
    return NULL;
}

/* ---- Sums ---- */

int64_t pupil_practices(const struct pupil *pupil)
{
    int64_t sum = 0;
    for (size_t i = 0; i < pupil->student.count; i++) {
        sum += pupil->student.lessons[i].practices;
    }
    return sum;
}

int64_t pupil_messages(const struct pupil *pupil)
{
    int64_t sum = 0;
    for (size_t i = 0; i < pupil->student.count; i++) {
        sum += pupil->student.lessons[i].messages;
    }
    return sum;
}

int64_t pupil_last_ms(const struct pupil *pupil)
{
    const struct student *student = &pupil->student;
    return student->practice_ms > student->message_ms ? student->practice_ms : student->message_ms;
}

struct str pupil_phone(struct arena *arena, const struct pupil *pupil)
{
    struct phone phone = {0};
    char text[PHONE_LOOK_MAX];
    if (pupil->student.phone.len > 0) {
        return pupil->student.phone;
    }
    if (pupil->digits.len > PHONE_DIGITS_MAX) {
        return pupil->digits;
    }
    memcpy(phone.digits, pupil->digits.ptr, pupil->digits.len);
    phone.len = (uint8_t)pupil->digits.len;
    struct str look = arena_copy(arena, phone_format(&phone, text));
    return look.ptr != NULL ? look : pupil->digits;
}
