/*
 * The report as one page: no script, nothing from outside, made to be printed. Whatever people
 * wrote is escaped, and each such cell finds its own direction.
 */
#include <inttypes.h>

#include "cli/students_report.h"
#include "text/bidi.h"

enum {
    CHART_WIDTH = 960,
    CHART_HEIGHT = 180,
    SPARK_WIDTH = 120,
    SPARK_HEIGHT = 20,
    BAR_TENTHS_MAX = 600,
    DAY_LEN = 10
};

enum { ENGLISH = 0, HEBREW = 1 };

/* What the page itself says. */
enum word {
    TITLE = 0,
    STUDENTS,
    TEACHERS,
    PRACTICES,
    OVER_TIME,
    STUDENT,
    PHONE,
    LESSON,
    TEACHER,
    MESSAGES,
    IN_RANGE,
    LAST_ACTIVITY,
    SILENT,
    UNPAID,
    PAID,
    YES,
    NO,
    NEVER,
    DAYS,
    NOT_KNOWN,
    MADE,
};

static const char *const words[][2] = {
    [TITLE] = {"Students", "דוח תלמידים"},
    [STUDENTS] = {"Students", "תלמידים"},
    [TEACHERS] = {"Teachers", "מורים"},
    [PRACTICES] = {"Practices", "תרגולים"},
    [OVER_TIME] = {"Practices over time", "תרגולים לאורך זמן"},
    [STUDENT] = {"Student", "תלמיד"},
    [PHONE] = {"Phone", "טלפון"},
    [LESSON] = {"Lesson", "שיעור"},
    [TEACHER] = {"Teacher", "מורה"},
    [MESSAGES] = {"Messages", "הודעות"},
    [IN_RANGE] = {"In this time", "בתקופה"},
    [LAST_ACTIVITY] = {"Last activity", "פעילות אחרונה"},
    [SILENT] = {"Silent", "לא פעילים"},
    [UNPAID] = {"Unpaid lessons", "שיעורים שלא שולמו"},
    [PAID] = {"Paid", "שולם"},
    [YES] = {"yes", "כן"},
    [NO] = {"no", "לא"},
    [NEVER] = {"never", "אף פעם"},
    [DAYS] = {"days", "ימים"},
    [NOT_KNOWN] = {"Whether lessons are paid is not known", "לא ידוע אילו שיעורים שולמו"},
    [MADE] = {"Made", "הופק"},
};

static const char style[] =
    "body{font:14px/1.4 system-ui,'Segoe UI',Arial,sans-serif;margin:2em auto;max-width:70em;"
    "padding:0 1em;color:#1c2430;background:#fff}"
    "h1{font-size:1.6em;margin:0}h2{font-size:1.15em;margin:2em 0 .5em}"
    "p{margin:.3em 0;color:#566}ul{display:flex;flex-wrap:wrap;gap:1em;list-style:none;padding:0}"
    "li{border:1px solid #d5dbe3;border-radius:6px;padding:.5em 1em;min-width:7em}"
    "li b{display:block;font-size:1.5em}table{border-collapse:collapse;width:100%}"
    "th,td{padding:.3em .6em;border-bottom:1px solid #e3e8ee;text-align:start;vertical-align:top}"
    "th{background:#f3f6f9;font-weight:600}td.n,th.n{text-align:end;"
    "font-variant-numeric:tabular-nums}td.l{white-space:nowrap}tr.s "
    "td:first-child{border-inline-start:3px solid #c47f17}"
    "svg{display:block}.b{fill:#2f6fb3}text{font-size:11px;fill:#566}.w{color:#a34a00}"
    "@media print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}"
    "tr,li,svg{break-inside:avoid}thead{display:table-header-group}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}@page{margin:12mm}";

struct page {
    struct school_report *report;
    struct buf *out;
    int language;
};

static void say(const struct page *page, enum word word)
{
    buf_add(page->out, str_of(words[word][page->language]));
}

/* Text of people. Controls become blanks: they mean nothing here. */
static void escape(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        switch (byte) {
        case '&':
            buf_add(out, STR("&amp;"));
            break;
        case '<':
            buf_add(out, STR("&lt;"));
            break;
        case '>':
            buf_add(out, STR("&gt;"));
            break;
        case '"':
            buf_add(out, STR("&quot;"));
            break;
        case '\'':
            buf_add(out, STR("&#39;"));
            break;
        default:
            buf_add_byte(out, (unsigned char)byte < ' ' || byte == 0x7f ? ' ' : byte);
            break;
        }
    }
}

static void cell(const struct page *page, struct str text)
{
    buf_add(page->out, STR("<td><bdi dir=\"auto\">"));
    escape(page->out, text);
    buf_add(page->out, STR("</bdi></td>"));
}

static void cell_left(const struct page *page, struct str text)
{
    buf_add(page->out, STR("<td class=\"l\"><bdi dir=\"ltr\">"));
    escape(page->out, text);
    buf_add(page->out, STR("</bdi></td>"));
}

static void cell_count(const struct page *page, int64_t count)
{
    char text[SHOW_MAX];
    buf_add(page->out, STR("<td class=\"n\">"));
    buf_add(page->out, show_count(count, text));
    buf_add(page->out, STR("</td>"));
}

static void cell_time(const struct page *page, int64_t ms)
{
    char text[SHOW_MAX];
    if (ms == 0) {
        buf_add(page->out, STR("<td>"));
        say(page, NEVER);
        buf_add(page->out, STR("</td>"));
    } else {
        struct str day = show_time(&page->report->school.look.screen, ms, text);
        cell_left(page, str_slice(day, 0, DAY_LEN));
    }
}

static void head(const struct page *page, const enum word *columns, size_t count, size_t numbers)
{
    buf_add(page->out, STR("<table><thead><tr>"));
    for (size_t i = 0; i < count; i++) {
        bool number = (numbers >> i & 1U) != 0;
        buf_add(page->out, number ? STR("<th class=\"n\">") : STR("<th>"));
        say(page, columns[i]);
        buf_add(page->out, STR("</th>"));
    }
    buf_add(page->out, STR("</tr></thead><tbody>\n"));
}

static void heading(const struct page *page, enum word word)
{
    buf_add(page->out, STR("<h2>"));
    say(page, word);
    buf_add(page->out, STR("</h2>\n"));
}

/* ---- Charts: time runs from left to right, in every language ---- */

static uint32_t highest(const uint32_t *series, size_t count)
{
    uint32_t most = 1;
    for (size_t i = 0; i < count; i++) {
        most = series[i] > most ? series[i] : most;
    }
    return most;
}

/* How far the bars reach in a chart of this width, in tenths of a pixel. */
static uint64_t reach(const struct page *page, int width)
{
    uint64_t wide = (uint64_t)width * 10 / page->report->periods;
    return (wide < BAR_TENTHS_MAX ? wide : BAR_TENTHS_MAX) * page->report->periods;
}

/* All bars as one path, in tenths of a pixel. */
static void bars(const struct page *page, const uint32_t *series, int width, int height)
{
    size_t count = page->report->periods;
    uint64_t most = highest(series, count);
    uint64_t wide = reach(page, width) / count;
    uint64_t gap = wide > 20 ? wide / 5 : 0;
    buf_add(page->out, STR("<path class=\"b\" transform=\"scale(.1)\" d=\""));
    for (size_t i = 0; i < count; i++) {
        uint64_t high = series[i] * (uint64_t)height * 10 / most;
        if (high > 0) {
            uint64_t left = wide * i;
            uint64_t thick = wide - gap;
            buf_printf(page->out, "M%" PRIu64 " %dv-%" PRIu64 "h%" PRIu64 "v%" PRIu64 "z", left,
                       height * 10, high, thick, high);
        }
    }
    buf_add(page->out, STR("\"/>"));
}

static void spark(const struct page *page, const uint32_t *series)
{
    buf_printf(page->out, "<td dir=\"ltr\"><svg width=\"%d\" height=\"%d\" role=\"img\">",
               SPARK_WIDTH, SPARK_HEIGHT);
    bars(page, series, SPARK_WIDTH, SPARK_HEIGHT);
    buf_add(page->out, STR("</svg></td>"));
}

static void chart(const struct page *page)
{
    const struct school_report *report = page->report;
    char first[REPORT_LABEL_MAX];
    char last[REPORT_LABEL_MAX];
    struct str from = report_label(report, 0, first);
    struct str to = report_label(report, report->periods - 1, last);
    int right = (int)(reach(page, CHART_WIDTH) / 10);
    right = right > 150 ? right : 150; /* Room for both texts. */
    heading(page, OVER_TIME);
    buf_printf(page->out,
               "<div dir=\"ltr\"><svg viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\">"
               "<g transform=\"translate(0 16)\">",
               CHART_WIDTH, CHART_HEIGHT + 36);
    bars(page, report->series, CHART_WIDTH, CHART_HEIGHT);
    buf_printf(page->out,
               "</g><text x=\"0\" y=\"10\">max %u</text><text x=\"0\" y=\"%d\">%.*s</text>"
               "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.*s</text></svg></div>\n",
               (unsigned)highest(report->series, report->periods), CHART_HEIGHT + 32, STR_ARG(from),
               right, CHART_HEIGHT + 32, STR_ARG(to));
}

/* ---- Tables ---- */

static void teachers(const struct page *page)
{
    static const enum word columns[] = {TEACHER, STUDENTS, PRACTICES, IN_RANGE,
                                        SILENT,  UNPAID,   OVER_TIME};
    const struct school_report *report = page->report;
    heading(page, TEACHERS);
    head(page, columns, sizeof columns / sizeof columns[0], 0x3e);
    for (size_t i = 0; i < report->teacher_count; i++) {
        const struct report_teacher *teacher = &report->teachers[i];
        buf_add(page->out, STR("<tr>"));
        cell(page, teacher->name);
        cell_count(page, teacher->students);
        cell_count(page, teacher->practices);
        cell_count(page, teacher->in_range);
        cell_count(page, teacher->silent);
        cell_count(page, teacher->unpaid);
        spark(page, teacher->series);
        buf_add(page->out, STR("</tr>\n"));
    }
    buf_add(page->out, STR("</tbody></table>\n"));
}

static void cell_paid(const struct page *page, enum paid paid)
{
    buf_add(page->out, STR("<td>"));
    if (paid == PAID_UNKNOWN) {
        buf_add_byte(page->out, '?');
    } else {
        say(page, paid == PAID_YES ? YES : NO);
    }
    buf_add(page->out, STR("</td>"));
}

static void line_cells(const struct page *page, const struct report_line *line)
{
    cell(page, line->lesson->lesson);
    cell(page, line->lesson->teacher);
    cell_count(page, line->lesson->practices);
    cell_count(page, line->in_range);
    cell_count(page, line->lesson->messages);
    cell_paid(page, line->paid);
    spark(page, line->series);
}

static void students(const struct page *page)
{
    static const enum word columns[] = {STUDENT,   PHONE,    LAST_ACTIVITY, LESSON, TEACHER,
                                        PRACTICES, IN_RANGE, MESSAGES,      PAID,   OVER_TIME};
    struct school_report *report = page->report;
    heading(page, STUDENTS);
    head(page, columns, sizeof columns / sizeof columns[0], 0xe0);
    for (size_t i = 0; i < report->student_count; i++) {
        const struct report_student *student = &report->students[i];
        size_t lines = student->count > 0 ? student->count : 1;
        for (size_t j = 0; j < lines; j++) {
            buf_add(page->out, j == 0 && student->silent ? STR("<tr class=\"s\">") : STR("<tr>"));
            if (j == 0) {
                cell(page, student->pupil->name);
                cell_left(page, pupil_phone(&report->school.arena, student->pupil));
                cell_time(page, pupil_last_ms(student->pupil));
            } else {
                buf_add(page->out, STR("<td></td><td></td><td></td>"));
            }
            if (student->count > 0) {
                line_cells(page, &report->lines[student->first + j]);
            } else {
                cell(page, student->pupil->lesson);
                cell(page, student->pupil->teacher);
                buf_add(page->out, STR("<td class=\"n\">0</td><td class=\"n\">0</td>"
                                       "<td class=\"n\">0</td><td></td><td></td>"));
            }
            buf_add(page->out, STR("</tr>\n"));
        }
    }
    buf_add(page->out, STR("</tbody></table>\n"));
}

static void silent(const struct page *page)
{
    static const enum word columns[] = {STUDENT, TEACHER, LAST_ACTIVITY, DAYS};
    const struct school_report *report = page->report;
    if (report->silent == 0) {
        return;
    }
    heading(page, SILENT);
    head(page, columns, sizeof columns / sizeof columns[0], 0x8);
    for (size_t i = 0; i < report->student_count; i++) {
        const struct report_student *student = &report->students[i];
        if (student->silent) {
            buf_add(page->out, STR("<tr>"));
            cell(page, student->pupil->name);
            cell(page, student->pupil->teacher);
            cell_time(page, pupil_last_ms(student->pupil));
            if (student->silent_days >= 0) {
                cell_count(page, student->silent_days);
            } else {
                buf_add(page->out, STR("<td></td>"));
            }
            buf_add(page->out, STR("</tr>\n"));
        }
    }
    buf_add(page->out, STR("</tbody></table>\n"));
}

static void unpaid(const struct page *page)
{
    static const enum word columns[] = {STUDENT, LESSON, TEACHER, PRACTICES, MESSAGES};
    const struct school_report *report = page->report;
    if (report->unpaid == 0) {
        return;
    }
    heading(page, UNPAID);
    head(page, columns, sizeof columns / sizeof columns[0], 0x18);
    for (size_t i = 0; i < report->student_count; i++) {
        const struct report_student *student = &report->students[i];
        for (size_t j = student->first; j < student->first + student->count; j++) {
            const struct report_line *line = &report->lines[j];
            if (report_is_unpaid(line)) {
                buf_add(page->out, STR("<tr>"));
                cell(page, student->pupil->name);
                cell(page, line->lesson->lesson);
                cell(page, line->lesson->teacher);
                cell_count(page, line->lesson->practices);
                cell_count(page, line->lesson->messages);
                buf_add(page->out, STR("</tr>\n"));
            }
        }
    }
    buf_add(page->out, STR("</tbody></table>\n"));
}

static void figure(const struct page *page, int64_t count, enum word word)
{
    char text[SHOW_MAX];
    buf_add(page->out, STR("<li><b>"));
    buf_add(page->out, show_count(count, text));
    buf_add(page->out, STR("</b>"));
    say(page, word);
    buf_add(page->out, STR("</li>"));
}

static void summary(const struct page *page)
{
    const struct school_report *report = page->report;
    char text[SHOW_MAX];
    buf_add(page->out, STR("<h1>"));
    say(page, TITLE);
    buf_add(page->out, STR("</h1>\n<p>"));
    say(page, MADE);
    buf_add(page->out, STR(" <bdi dir=\"ltr\">"));
    buf_add(page->out,
            show_time(&report->school.look.screen, report->school.look.screen.now_ms, text));
    buf_add(page->out, STR("</bdi></p>\n"));
    if (!report->school.paid_known) {
        buf_add(page->out, STR("<p class=\"w\">"));
        say(page, NOT_KNOWN);
        buf_add(page->out, STR(": <bdi>"));
        escape(page->out, report->school.paid_why);
        buf_add(page->out, STR("</bdi></p>\n"));
    }
    buf_add(page->out, STR("<ul>"));
    figure(page, (int64_t)report->student_count, STUDENTS);
    figure(page, report->practices, PRACTICES);
    figure(page, report->in_range, IN_RANGE);
    figure(page, report->silent, SILENT);
    figure(page, report->unpaid, UNPAID);
    buf_add(page->out, STR("</ul>\n"));
}

/* As most of the names run. */
static bool is_hebrew(const struct school_report *report)
{
    size_t right = 0;
    for (size_t i = 0; i < report->student_count; i++) {
        right += bidi_is_rtl(report->students[i].pupil->name);
    }
    return right * 2 > report->student_count;
}

void report_html(struct school_report *report, struct buf *out)
{
    struct page page = {report, out, is_hebrew(report) ? HEBREW : ENGLISH};
    buf_printf(out, "<!DOCTYPE html>\n<html lang=\"%s\" dir=\"%s\">\n",
               page.language == HEBREW ? "he" : "en", page.language == HEBREW ? "rtl" : "ltr");
    buf_add(out, STR("<head><meta charset=\"utf-8\">"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'unsafe-inline'\">"
                     "<meta name=\"viewport\" content=\"width=device-width\"><title>"));
    say(&page, TITLE);
    buf_add(out, STR("</title><style>"));
    buf_add(out, str_of(style));
    buf_add(out, STR("</style></head>\n<body>\n"));
    summary(&page);
    chart(&page);
    teachers(&page);
    students(&page);
    silent(&page);
    unpaid(&page);
    buf_add(out, STR("</body></html>\n"));
}
