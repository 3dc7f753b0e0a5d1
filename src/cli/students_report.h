/*
 * students_report: the figures of a school's report, and the forms that they are shown in.
 *
 * A line is one lesson of one student. Practices over time come from the days that the op keeps
 * (domain/student_days.h), put into periods: days, weeks from Sunday, or months. What was counted
 * without a day (by another program, before it was adopted) is in the sums and in no period.
 */
#ifndef SLUICE_CLI_STUDENTS_REPORT_H
#define SLUICE_CLI_STUDENTS_REPORT_H

#include "cli/students.h"

enum { REPORT_PERIODS_MAX = 1100, REPORT_LABEL_MAX = 16 };

enum report_by { BY_MONTH = 0, BY_WEEK, BY_DAY };

struct report_line {
    const struct pupil *pupil;
    const struct student_lesson *lesson;
    enum paid paid;
    int64_t in_range; /* Practices. */
    int64_t dated;    /* Of all practices, those that have a day. */
    uint32_t *series; /* Practices of each period. */
};

struct report_student {
    const struct pupil *pupil;
    size_t first; /* Of the lines. */
    size_t count;
    int64_t in_range;
    int64_t silent_days; /* Since the last sign of life; -1: there never was one. */
    bool silent;         /* In the roster, and for too long. */
};

struct report_teacher {
    struct str name;
    int64_t students; /* Who are with this teacher now. */
    int64_t silent;
    int64_t lessons; /* Lines. */
    int64_t practices;
    int64_t in_range;
    int64_t unpaid;
    uint32_t *series;
};

struct school_report {
    struct school school;
    enum report_by by;
    int64_t since_ms;     /* INT64_MIN: from the beginning. */
    int64_t until_ms;     /* INT64_MAX: to the end. */
    int64_t silent_after; /* Days. */
    struct str teacher;   /* Only lessons with this one; absent: all. */
    int64_t first;        /* Number of the first period; see report_label(). */
    size_t periods;
    struct report_line *lines; /* In the order of the students. */
    size_t line_count;
    struct report_student *students; /* By their names. */
    size_t student_count;
    struct report_teacher *teachers; /* By their names. */
    size_t teacher_count;
    uint32_t *series; /* Of all. */
    int64_t practices;
    int64_t in_range;
    int64_t silent;
    int64_t unpaid;
};

/* Work it out from the school's pupils and the store. */
bool report_make(struct school_report *report, struct err *err);

/* "2025-12", or the first day of a week, or a day. */
struct str report_label(const struct school_report *report, size_t period,
                        char out[REPORT_LABEL_MAX]);

/* Something was done in the lesson, and it is known not to be paid. */
bool report_is_unpaid(const struct report_line *line);

/* The whole of it into `out`. */
void report_html(struct school_report *report, struct buf *out);
void report_json(struct school_report *report, struct buf *out);

#endif
