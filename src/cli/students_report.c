/* students report: the figures as CSV, as JSON, or as a page to print. */
#include "cli/students_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/draft.h"
#include "cli/when.h"
#include "text/csv.h"

enum {
    SILENT_DEFAULT = 14,
    SILENT_MAX = 36500,
    CELLS_MAX = 32 + REPORT_PERIODS_MAX,
    TEXT_FIRST = 65536
};

enum form { FORM_CSV = 0, FORM_JSON, FORM_HTML };

struct wanted {
    enum form form;
    bool teachers; /* CSV: a row for each teacher. */
    bool guard;
    bool mark;
    struct str path; /* Absent: standard output. */
};

static const char *const by_names[] = {[BY_MONTH] = "month", [BY_WEEK] = "week", [BY_DAY] = "day"};

/* The index of a flag's value among words; `*index` stays as it is without the flag. */
static int choose(const struct cli *cli, const char *flag, const char *const *words, size_t count,
                  int *index)
{
    struct str value = cli_value(cli, flag);
    if (value.ptr == NULL) {
        return CLI_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_equal(value, str_of(words[i]))) {
            *index = (int)i;
            return CLI_OK;
        }
    }
    char all[128] = "";
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(all);
        (void)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    return cli_misused(cli, "%s is one of %s, not '%.*s'", flag, all, STR_ARG(value));
}

static int read_wanted(const struct cli *cli, struct wanted *out, enum report_by *by)
{
    static const char *const forms[] = {"csv", "json", "html"};
    static const char *const whats[] = {"student", "teacher"};
    int form = -1;
    int what = 0;
    int period = BY_MONTH;
    *out = (struct wanted){.guard = !cli_given(cli, "--no-guard"), .mark = cli_given(cli, "--bom")};
    out->path = cli_given(cli, "--out") ? cli_value(cli, "--out") : cli_value(cli, "--output");
    if (cli_given(cli, "--out") && cli_given(cli, "--output")) {
        return cli_misused(cli, "--out and --output are the same: give one");
    }
    if (out->path.ptr != NULL && out->path.len == 0) {
        return cli_misused(cli, "--out needs the name of a file");
    }
    int code = choose(cli, "--format", forms, 3, &form);
    code = code == CLI_OK ? choose(cli, "--per", whats, 2, &what) : code;
    code = code == CLI_OK ? choose(cli, "--by", by_names, 3, &period) : code;
    if (code != CLI_OK) {
        return code;
    }
    if (cli->json && form > FORM_CSV && form != FORM_JSON) {
        return cli_misused(cli, "--json and --format html contradict each other");
    }
    bool json = cli->json || str_ends(out->path, STR(".json"));
    bool html = str_ends(out->path, STR(".html")) || str_ends(out->path, STR(".htm"));
    out->form = form >= 0 ? (enum form)form : json ? FORM_JSON : html ? FORM_HTML : FORM_CSV;
    out->form = cli->json ? FORM_JSON : out->form;
    out->teachers = what == 1;
    *by = (enum report_by)period;
    return CLI_OK;
}

/* ---- CSV ---- */

struct sheet {
    struct school_report *report;
    const struct wanted *wanted;
    struct csv_style style;
    struct buf *out;
    struct str *cells;
    size_t count;
};

static void put(struct sheet *sheet, struct str text)
{
    sheet->cells[sheet->count++] = text.ptr != NULL ? text : STR("");
}

/* What people wrote, so that no spreadsheet takes it for a formula. */
static void put_text(struct sheet *sheet, struct str text)
{
    bool formula = sheet->wanted->guard && csv_is_formula(text);
    put(sheet, formula ? arena_printf(&sheet->report->school.arena, "'%.*s", STR_ARG(text)) : text);
}

static void put_count(struct sheet *sheet, int64_t count)
{
    put(sheet, arena_printf(&sheet->report->school.arena, "%" PRId64, count));
}

/* In the zone of the owner, as a spreadsheet understands it. */
static void put_time(struct sheet *sheet, int64_t ms)
{
    char text[SHOW_MAX];
    struct str time = show_time(&sheet->report->school.look.screen, ms, text);
    put(sheet, ms == 0 ? STR("") : arena_copy(&sheet->report->school.arena, time));
}

static void put_series(struct sheet *sheet, const uint32_t *series)
{
    for (size_t i = 0; i < sheet->report->periods; i++) {
        put_count(sheet, series[i]);
    }
}

static void end_row(struct sheet *sheet)
{
    csv_write_row(sheet->out, &sheet->style, sheet->cells, sheet->count);
    sheet->count = 0;
}

static void put_headers(struct sheet *sheet, const char *const *names, size_t count)
{
    char label[REPORT_LABEL_MAX];
    for (size_t i = 0; i < count; i++) {
        put(sheet, str_of(names[i]));
    }
    for (size_t i = 0; i < sheet->report->periods; i++) {
        put(sheet, arena_copy(&sheet->report->school.arena, report_label(sheet->report, i, label)));
    }
    end_row(sheet);
}

static void teacher_rows(struct sheet *sheet)
{
    static const char *const names[] = {"teacher",   "students", "silent", "lessons",
                                        "practices", "in_range", "unpaid"};
    put_headers(sheet, names, sizeof names / sizeof names[0]);
    for (size_t i = 0; i < sheet->report->teacher_count; i++) {
        const struct report_teacher *teacher = &sheet->report->teachers[i];
        put_text(sheet, teacher->name);
        put_count(sheet, teacher->students);
        put_count(sheet, teacher->silent);
        put_count(sheet, teacher->lessons);
        put_count(sheet, teacher->practices);
        put_count(sheet, teacher->in_range);
        put_count(sheet, teacher->unpaid);
        put_series(sheet, teacher->series);
        end_row(sheet);
    }
}

static void student_cells(struct sheet *sheet, const struct report_student *student)
{
    const struct pupil *pupil = student->pupil;
    put(sheet, pupil->student.id);
    put_text(sheet, pupil->name);
    put(sheet, pupil_phone(&sheet->report->school.arena, pupil));
    put_time(sheet, pupil_last_ms(pupil));
    put(sheet, student->silent ? STR("true") : STR("false"));
    if (student->silent_days >= 0) {
        put_count(sheet, student->silent_days);
    } else {
        put(sheet, STR(""));
    }
    put_text(sheet, pupil->lesson);
}

static void line_cells(struct sheet *sheet, const struct report_line *line)
{
    static const struct str paid[] = {STR_INIT(""), STR_INIT("false"), STR_INIT("true")};
    put_text(sheet, line->lesson->lesson);
    put_text(sheet, line->lesson->teacher);
    put_count(sheet, line->lesson->practices);
    put_count(sheet, line->in_range);
    put_count(sheet, line->lesson->messages);
    put_time(sheet, line->lesson->first_ms);
    put_time(sheet, line->lesson->last_ms);
    put(sheet, paid[line->paid]);
    put_series(sheet, line->series);
}

/* A row for each lesson, and one for a student who has none yet. */
static void student_rows(struct sheet *sheet)
{
    static const char *const names[] = {
        "uniq_id",     "name",           "phone_number",   "last_activity", "silent",
        "silent_days", "current_lesson", "lesson",         "teacher",       "practices",
        "in_range",    "messages",       "first_practice", "last_practice", "paid"};
    struct school_report *report = sheet->report;
    put_headers(sheet, names, sizeof names / sizeof names[0]);
    for (size_t i = 0; i < report->student_count; i++) {
        const struct report_student *student = &report->students[i];
        for (size_t j = student->first; j < student->first + student->count; j++) {
            student_cells(sheet, student);
            line_cells(sheet, &report->lines[j]);
            end_row(sheet);
        }
        if (student->count == 0) {
            struct student_lesson none = {.teacher = student->pupil->teacher};
            struct report_line line = {.lesson = &none, .series = report->series};
            student_cells(sheet, student);
            line_cells(sheet, &line);
            sheet->count -= report->periods;
            end_row(sheet);
        }
    }
}

static bool write_csv(struct school_report *report, const struct wanted *wanted, struct buf *out,
                      struct err *err)
{
    struct sheet sheet = {.report = report,
                          .wanted = wanted,
                          .style = {.crlf = true, .mark = wanted->mark},
                          .out = out,
                          .cells =
                              arena_array(&report->school.arena, CELLS_MAX, sizeof(struct str))};
    if (sheet.cells == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for the report");
    }
    csv_write_begin(out, &sheet.style);
    if (wanted->teachers) {
        teacher_rows(&sheet);
    } else {
        student_rows(&sheet);
    }
    return true;
}

/* ---- JSON ---- */

static void json_series(struct json_writer *json, const struct school_report *report,
                        const uint32_t *series)
{
    json_key(json, STR("over_time"));
    json_array_begin(json);
    for (size_t i = 0; i < report->periods; i++) {
        json_put_int(json, series[i]);
    }
    json_array_end(json);
}

static void json_line(struct json_writer *json, const struct school_report *report,
                      const struct report_line *line)
{
    const struct student_lesson *lesson = line->lesson;
    json_object_begin(json);
    json_field_str(json, STR("lesson"), lesson->lesson);
    json_field_str(json, STR("teacher"), lesson->teacher);
    json_field_int(json, STR("practices"), lesson->practices);
    json_field_int(json, STR("practices_in_range"), line->in_range);
    json_field_int(json, STR("practices_without_a_day"),
                   lesson->practices > line->dated ? lesson->practices - line->dated : 0);
    json_field_int(json, STR("messages"), lesson->messages);
    show_json_time(json, STR("first_practice_at"), lesson->first_ms);
    show_json_time(json, STR("last_practice_at"), lesson->last_ms);
    json_key(json, STR("paid"));
    if (line->paid == PAID_UNKNOWN) {
        json_put_null(json);
    } else {
        json_put_bool(json, line->paid == PAID_YES);
    }
    json_field_bool(json, STR("unpaid"), report_is_unpaid(line));
    json_series(json, report, line->series);
    json_object_end(json);
}

static void json_student(struct json_writer *json, struct school_report *report,
                         const struct report_student *student)
{
    const struct pupil *pupil = student->pupil;
    json_object_begin(json);
    show_json_text(json, STR("uniq_id"), pupil->student.id);
    json_field_str(json, STR("name"), pupil->name);
    json_field_str(json, STR("phone_number"), pupil_phone(&report->school.arena, pupil));
    json_field_str(json, STR("current_lesson"), pupil->lesson);
    json_field_str(json, STR("teacher"), pupil->teacher);
    json_field_bool(json, STR("in_roster"), pupil->listed);
    show_json_time(json, STR("last_activity_at"), pupil_last_ms(pupil));
    json_field_bool(json, STR("silent"), student->silent);
    json_key(json, STR("silent_days"));
    if (student->silent_days >= 0) {
        json_put_int(json, student->silent_days);
    } else {
        json_put_null(json);
    }
    json_field_int(json, STR("practices"), pupil_practices(pupil));
    json_field_int(json, STR("practices_in_range"), student->in_range);
    json_key(json, STR("lessons"));
    json_array_begin(json);
    for (size_t i = student->first; i < student->first + student->count; i++) {
        json_line(json, report, &report->lines[i]);
    }
    json_array_end(json);
    json_object_end(json);
}

static void json_teacher(struct json_writer *json, const struct school_report *report,
                         const struct report_teacher *teacher)
{
    json_object_begin(json);
    json_field_str(json, STR("teacher"), teacher->name);
    json_field_int(json, STR("students"), teacher->students);
    json_field_int(json, STR("silent"), teacher->silent);
    json_field_int(json, STR("lessons"), teacher->lessons);
    json_field_int(json, STR("practices"), teacher->practices);
    json_field_int(json, STR("practices_in_range"), teacher->in_range);
    json_field_int(json, STR("unpaid"), teacher->unpaid);
    json_series(json, report, teacher->series);
    json_object_end(json);
}

static void json_periods(struct json_writer *json, const struct school_report *report)
{
    char label[REPORT_LABEL_MAX];
    json_key(json, STR("periods"));
    json_array_begin(json);
    for (size_t i = 0; i < report->periods; i++) {
        json_put_str(json, report_label(report, i, label));
    }
    json_array_end(json);
}

void report_json(struct school_report *report, struct buf *out)
{
    struct json_writer json;
    json_writer_init(&json, out);
    json_object_begin(&json);
    json_field_str(&json, STR("pipeline"), report->school.pipeline->name);
    show_json_time(&json, STR("made_at"), report->school.look.screen.now_ms);
    show_json_time(&json, STR("since"), report->since_ms == INT64_MIN ? 0 : report->since_ms);
    show_json_time(&json, STR("until"), report->until_ms == INT64_MAX ? 0 : report->until_ms);
    json_field_str(&json, STR("by"), str_of(by_names[report->by]));
    json_field_int(&json, STR("silent_after_days"), report->silent_after);
    show_json_text(&json, STR("paid_unknown_because"), report->school.paid_why);
    json_field_int(&json, STR("practices"), report->practices);
    json_field_int(&json, STR("practices_in_range"), report->in_range);
    json_field_int(&json, STR("silent"), report->silent);
    json_field_int(&json, STR("unpaid"), report->unpaid);
    json_periods(&json, report);
    json_series(&json, report, report->series);
    json_key(&json, STR("teachers"));
    json_array_begin(&json);
    for (size_t i = 0; i < report->teacher_count; i++) {
        json_teacher(&json, report, &report->teachers[i]);
    }
    json_array_end(&json);
    json_key(&json, STR("students"));
    json_array_begin(&json);
    for (size_t i = 0; i < report->student_count; i++) {
        json_student(&json, report, &report->students[i]);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(out, '\n');
}

/* ---- The verb ---- */

static bool give_out(const struct wanted *wanted, struct str text, struct err *err)
{
    struct draft draft = {.fd = -1};
    if (wanted->path.ptr == NULL) {
        (void)fwrite(text.ptr, 1, text.len, stdout);
        return true;
    }
    bool ok = draft_open(&draft, wanted->path, err) && draft_add(&draft, text, err) &&
              draft_keep(&draft, err);
    draft_drop(&draft);
    return ok;
}

static int make(struct school_report *report, const struct wanted *wanted)
{
    struct err err = {0};
    struct buf out;
    if (!school_ask_paid(&report->school, &err) || !report_make(report, &err)) {
        return cli_fail(&err);
    }
    buf_init(&out, &report->school.arena, TEXT_FIRST);
    bool ok = true;
    switch (wanted->form) {
    case FORM_CSV:
        ok = write_csv(report, wanted, &out, &err);
        break;
    case FORM_JSON:
        report_json(report, &out);
        break;
    case FORM_HTML:
        report_html(report, &out);
        break;
    }
    struct str text = buf_str(&out);
    if (ok && text.ptr == NULL) {
        ok = err_set(&err, ERR_RETRY, "out of memory for the report");
    }
    if (!ok || !give_out(wanted, text, &err)) {
        return cli_fail(&err);
    }
    if (wanted->path.ptr != NULL) {
        cli_say("%zu students in %.*s", report->student_count, STR_ARG(wanted->path));
    }
    if (!report->school.paid_known) {
        cli_say("whether lessons are paid is not known: %.*s", STR_ARG(report->school.paid_why));
        return CLI_PARTIAL;
    }
    return CLI_OK;
}

int cli_students_report(struct cli *cli)
{
    static struct school_report report; /* Large, and one a process. */
    struct wanted wanted;
    struct when_range range;
    report = (struct school_report){.silent_after = SILENT_DEFAULT};
    int code = read_wanted(cli, &wanted, &report.by);
    code = code == CLI_OK ? cli_number(cli, "--silent", 1, SILENT_MAX, &report.silent_after) : code;
    if (code != CLI_OK) {
        return code;
    }
    report.teacher = cli_value(cli, "--teacher");
    code = school_begin(&report.school, cli);
    const struct screen *screen = &report.school.look.screen;
    code = code == CLI_OK ? when_range(cli, report.school.zone, screen->now_ms, &range) : code;
    if (code == CLI_OK) {
        report.since_ms = range.since_ms;
        report.until_ms = range.until_ms;
        code = make(&report, &wanted);
    }
    return school_end(&report.school, code);
}
