/* The figures of the report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/students_report.h"
#include "domain/student_days.h"
#include "store/state.h"
#include "text/fold.h"

enum {
    DAYS_FIRST = 4096,
    DAYS_OF_WEEK = 7,
    THURSDAY = 4, /* 1970-01-01, from Sunday. */
    MONTHS = 12,
    MS_PER_DAY = 24 * 60 * 60 * 1000,
    SCRATCH_MAX = 16 * 1024 * 1024,
};

/* So many practices of a line in a period. */
struct dated {
    uint32_t line;
    uint32_t practices;
    int64_t period;
};

struct figuring {
    struct school_report *report;
    struct arena scratch;
    struct dated *items;
    size_t count;
    size_t room;
    size_t *first_line; /* Of each pupil, in the school's order; lines by lesson. */
    int64_t first_day;  /* Of the range. */
    int64_t last_day;
    int64_t least; /* Periods that were seen. */
    int64_t most;
    bool failed;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for the report");
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t period_of(const struct school_report *report, int year, int month, int64_t day)
{
    switch (report->by) {
    case BY_MONTH:
        return (int64_t)year * MONTHS + month - 1;
    case BY_WEEK:
        return floor_div(day + THURSDAY, DAYS_OF_WEEK);
    case BY_DAY:
        break;
    }
    return day;
}

struct str report_label(const struct school_report *report, size_t period,
                        char out[REPORT_LABEL_MAX])
{
    struct civil civil = {0};
    int64_t number = report->first + (int64_t)period;
    int len = 0;
    if (report->by == BY_MONTH) {
        len = snprintf(out, REPORT_LABEL_MAX, "%04d-%02d", (int)(number / MONTHS) % 10000,
                       (int)(number % MONTHS) + 1);
    } else {
        int64_t day = report->by == BY_DAY ? number : number * DAYS_OF_WEEK - THURSDAY;
        (void)datetime_to_civil(day * MS_PER_DAY, &civil);
        len = snprintf(out, REPORT_LABEL_MAX, "%04d-%02d-%02d", civil.year % 10000,
                       civil.month % 100, civil.day % 100);
    }
    return (struct str){out, len > 0 ? (size_t)len : 0};
}

bool report_is_unpaid(const struct report_line *line)
{
    return line->paid == PAID_NO && line->lesson->practices + line->lesson->messages > 0;
}

/* ---- Days into periods ---- */

static bool add_dated(struct figuring *figuring, const struct dated *item)
{
    if (figuring->count == figuring->room) {
        struct arena *arena = &figuring->report->school.arena;
        size_t room = figuring->room == 0 ? DAYS_FIRST : figuring->room * 2;
        struct dated *items = arena_array(arena, room, sizeof *items);
        if (items == NULL) {
            return false;
        }
        if (figuring->count > 0) {
            memcpy(items, figuring->items, figuring->count * sizeof *items);
        }
        figuring->items = items;
        figuring->room = room;
    }
    figuring->items[figuring->count++] = *item;
    return true;
}

static int by_digits(const void *left, const void *right)
{
    return str_compare(((const struct pupil *)left)->digits, ((const struct pupil *)right)->digits);
}

static void take_day(void *context, const struct student_day *day)
{
    struct figuring *figuring = context;
    struct school_report *report = figuring->report;
    struct pupil key = {.digits = day->digits};
    const struct pupil *pupil = bsearch(&key, report->school.pupils, report->school.count,
                                        sizeof *report->school.pupils, by_digits);
    if (pupil == NULL || day->day > datetime_month_days(day->year, day->month)) {
        return;
    }
    size_t line = figuring->first_line[pupil - report->school.pupils];
    const struct student_lesson *lesson = student_find_lesson(&pupil->student, day->lesson);
    if (lesson == NULL) {
        return;
    }
    line += (size_t)(lesson - pupil->student.lessons);
    report->lines[line].dated += day->practices;
    int64_t number = datetime_days(day->year, day->month, day->day);
    if (number < figuring->first_day || number > figuring->last_day) {
        return;
    }
    struct dated item = {.line = (uint32_t)line,
                         .practices = (uint32_t)day->practices,
                         .period = period_of(report, day->year, day->month, number)};
    figuring->least =
        figuring->count == 0 || item.period < figuring->least ? item.period : figuring->least;
    figuring->most =
        figuring->count == 0 || item.period > figuring->most ? item.period : figuring->most;
    figuring->failed = figuring->failed || !add_dated(figuring, &item);
}

static bool take_entry(void *context, struct str key, struct str value)
{
    struct figuring *figuring = context;
    if (!student_days_read(&figuring->scratch, key, value, take_day, figuring)) {
        figuring->failed = true;
    }
    arena_reset(&figuring->scratch);
    return !figuring->failed;
}

static int64_t day_of(const struct zone *zone, int64_t ms, int64_t otherwise)
{
    struct civil civil;
    return zone_to_civil(zone, ms, &civil) ? datetime_days(civil.year, civil.month, civil.day)
                                           : otherwise;
}

static bool read_days(struct figuring *figuring, struct err *err)
{
    struct school_report *report = figuring->report;
    struct store *store = report->school.look.store;
    int64_t pipeline = 0;
    figuring->first_day = report->since_ms == INT64_MIN
                              ? INT64_MIN
                              : day_of(report->school.zone, report->since_ms, INT64_MIN);
    figuring->last_day = report->until_ms == INT64_MAX
                             ? INT64_MAX
                             : day_of(report->school.zone, report->until_ms - 1, INT64_MAX);
    arena_init(&figuring->scratch, SCRATCH_MAX);
    bool ok = store == NULL || report->school.count == 0 ||
              (store_name_find(store, report->school.pipeline->name, &pipeline, err) &&
               store_state_scan(store, &report->school.arena, pipeline, 0, STUDENT_DAYS_PREFIX,
                                take_entry, figuring, err) &&
               (!figuring->failed || no_memory(err)));
    arena_free(&figuring->scratch);
    return ok;
}

/* The periods from the first practice (or --since) to the last (or today). */
static bool lay_periods(struct figuring *figuring, struct err *err)
{
    struct school_report *report = figuring->report;
    struct civil civil;
    int64_t until_ms = report->school.look.screen.now_ms;
    until_ms = report->until_ms < until_ms ? report->until_ms - 1 : until_ms;
    if (!zone_to_civil(report->school.zone, until_ms, &civil)) {
        return err_set(err, ERR_CONFIG, "--until is not in the calendar");
    }
    int64_t last = period_of(report, civil.year, civil.month,
                             datetime_days(civil.year, civil.month, civil.day));
    int64_t first = figuring->count > 0 ? figuring->least : last;
    last = figuring->count > 0 && figuring->most > last ? figuring->most : last;
    if (report->since_ms != INT64_MIN &&
        zone_to_civil(report->school.zone, report->since_ms, &civil)) {
        int64_t since = period_of(report, civil.year, civil.month,
                                  datetime_days(civil.year, civil.month, civil.day));
        first = since < first ? since : first;
    }
    if (last - first >= REPORT_PERIODS_MAX) {
        return err_set(err, ERR_CONFIG,
                       "more than %d periods; take --by month, or less time with --since",
                       REPORT_PERIODS_MAX);
    }
    report->first = first;
    report->periods = (size_t)(last - first) + 1;
    return true;
}

static bool fill_series(struct figuring *figuring, struct err *err)
{
    struct school_report *report = figuring->report;
    struct arena *arena = &report->school.arena;
    uint32_t *all = arena_array(arena, (report->line_count + 1) * report->periods, sizeof *all);
    if (all == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < report->line_count; i++) {
        report->lines[i].series = all + i * report->periods;
    }
    report->series = all + report->line_count * report->periods;
    for (size_t i = 0; i < figuring->count; i++) {
        const struct dated *item = &figuring->items[i];
        struct report_line *line = &report->lines[item->line];
        line->series[item->period - report->first] += item->practices;
        line->in_range += item->practices;
    }
    return true;
}

/* ---- Lines ---- */

static bool lay_lines(struct figuring *figuring, struct err *err)
{
    struct school_report *report = figuring->report;
    struct arena *arena = &report->school.arena;
    size_t count = 0;
    for (size_t i = 0; i < report->school.count; i++) {
        count += report->school.pupils[i].student.count;
    }
    report->lines = arena_array(arena, count + 1, sizeof *report->lines);
    figuring->first_line = arena_array(arena, report->school.count + 1, sizeof(size_t));
    if (report->lines == NULL || figuring->first_line == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < report->school.count; i++) {
        const struct pupil *pupil = &report->school.pupils[i];
        figuring->first_line[i] = report->line_count;
        for (size_t j = 0; j < pupil->student.count; j++) {
            report->lines[report->line_count++] = (struct report_line){
                .pupil = pupil, .lesson = &pupil->student.lessons[j], .paid = pupil->paid[j]};
        }
    }
    return true;
}

/* ---- Sums ---- */

static bool is_wanted(const struct school_report *report, struct str teacher)
{
    return report->teacher.ptr == NULL || fold_equal(teacher, report->teacher, FOLD_NAME);
}

/* Lines of other teachers go; the others close ranks. */
static size_t keep_lines(struct school_report *report, struct report_student *student, size_t kept)
{
    size_t from = student->first;
    student->first = kept;
    for (size_t i = from; i < from + student->count; i++) {
        if (is_wanted(report, report->lines[i].lesson->teacher)) {
            report->lines[kept++] = report->lines[i];
        }
    }
    student->count = kept - student->first;
    return kept;
}

static void judge_silence(const struct school_report *report, struct report_student *student)
{
    int64_t last_ms = pupil_last_ms(student->pupil);
    int64_t now = day_of(report->school.zone, report->school.look.screen.now_ms, 0);
    int64_t days = now - day_of(report->school.zone, last_ms, now);
    student->silent_days = last_ms == 0 ? -1 : days > 0 ? days : 0;
    student->silent =
        student->pupil->listed && (last_ms == 0 || student->silent_days >= report->silent_after);
}

static bool lay_students(struct figuring *figuring, struct err *err)
{
    struct school_report *report = figuring->report;
    size_t kept = 0;
    report->students =
        arena_array(&report->school.arena, report->school.count + 1, sizeof *report->students);
    if (report->students == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < report->school.count; i++) {
        const struct pupil *pupil = &report->school.pupils[i];
        struct report_student student = {
            .pupil = pupil, .first = figuring->first_line[i], .count = pupil->student.count};
        kept = keep_lines(report, &student, kept);
        if (student.count == 0 && !is_wanted(report, pupil->teacher)) {
            continue;
        }
        for (size_t j = student.first; j < kept; j++) {
            student.in_range += report->lines[j].in_range;
        }
        judge_silence(report, &student);
        report->students[report->student_count++] = student;
    }
    report->line_count = kept;
    return true;
}

static int by_name(const void *left, const void *right)
{
    const struct report_student *a = left;
    const struct report_student *b = right;
    int order = str_compare(a->pupil->name, b->pupil->name);
    return order != 0 ? order : str_compare(a->pupil->digits, b->pupil->digits);
}

static int by_teacher(const void *left, const void *right)
{
    return str_compare(((const struct report_teacher *)left)->name,
                       ((const struct report_teacher *)right)->name);
}

static struct report_teacher *teacher_of(struct school_report *report, struct str name)
{
    struct report_teacher key = {.name = name};
    return bsearch(&key, report->teachers, report->teacher_count, sizeof key, by_teacher);
}

/* Every teacher of a line or of a student, once. */
static bool lay_teachers(struct school_report *report, struct err *err)
{
    struct arena *arena = &report->school.arena;
    size_t most = report->line_count + report->student_count;
    size_t count = 0;
    struct report_teacher *all = arena_array(arena, most + 1, sizeof *all);
    if (all == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < report->line_count; i++) {
        all[count++].name = report->lines[i].lesson->teacher;
    }
    for (size_t i = 0; i < report->student_count; i++) {
        if (is_wanted(report, report->students[i].pupil->teacher)) {
            all[count++].name = report->students[i].pupil->teacher;
        }
    }
    if (count > 0) {
        qsort(all, count, sizeof *all, by_teacher);
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !str_equal(all[i].name, all[report->teacher_count - 1].name)) {
            all[report->teacher_count++] = all[i];
        }
    }
    report->teachers = all;
    uint32_t *series =
        arena_array(arena, report->teacher_count * report->periods + 1, sizeof *series);
    for (size_t i = 0; series != NULL && i < report->teacher_count; i++) {
        all[i].series = series + i * report->periods;
    }
    return series != NULL || no_memory(err);
}

static void add_up(struct school_report *report)
{
    for (size_t i = 0; i < report->line_count; i++) {
        const struct report_line *line = &report->lines[i];
        struct report_teacher *teacher = teacher_of(report, line->lesson->teacher);
        bool unpaid = report_is_unpaid(line);
        for (size_t j = 0; j < report->periods; j++) {
            teacher->series[j] += line->series[j];
            report->series[j] += line->series[j];
        }
        teacher->lessons++;
        teacher->practices += line->lesson->practices;
        teacher->in_range += line->in_range;
        teacher->unpaid += unpaid;
        report->practices += line->lesson->practices;
        report->in_range += line->in_range;
        report->unpaid += unpaid;
    }
    for (size_t i = 0; i < report->student_count; i++) {
        const struct report_student *student = &report->students[i];
        struct report_teacher *teacher = teacher_of(report, student->pupil->teacher);
        if (teacher != NULL) {
            teacher->students++;
            teacher->silent += student->silent;
        }
        report->silent += student->silent;
    }
}

bool report_make(struct school_report *report, struct err *err)
{
    struct figuring figuring = {.report = report};
    if (!lay_lines(&figuring, err) || !read_days(&figuring, err) || !lay_periods(&figuring, err) ||
        !fill_series(&figuring, err) || !lay_students(&figuring, err) ||
        !lay_teachers(report, err)) {
        return false;
    }
    if (report->student_count > 0) {
        qsort(report->students, report->student_count, sizeof *report->students, by_name);
    }
    add_up(report);
    return true;
}
