/*
 * student_days: on which days a student practised, for those who look at practices over time.
 *
 * One entry of the state of op `students` for each month and student, beside what is known of the
 * student (student.h), which has only sums. The month comes first, so that what is written at one
 * time lies together:
 *
 *     h 2025-12 972550000001      {"7":{"11":2,"12":1},"8":{"30":1}}       lesson, day, practices
 *
 * A day is one on the wall of the op's zone. What another program counted has no days, nor has what
 * was counted before there were such entries (a replay makes them).
 */
#ifndef SLUICE_DOMAIN_STUDENT_DAYS_H
#define SLUICE_DOMAIN_STUDENT_DAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/op.h"
#include "text/zone.h"

/* With it all entries begin; behind it the month, a blank, and the digits. */
#define STUDENT_DAYS_PREFIX STR("h ")

enum { STUDENT_DAYS_MAX = 31 };

/* One practice more. */
bool student_days_add(struct op_env *env, struct str digits, struct str lesson,
                      const struct zone *zone, int64_t sent_ms, struct err *err);

/* One day of one lesson. */
struct student_day {
    struct str digits;
    struct str lesson;
    int32_t year;
    int32_t month;
    int32_t day;
    int64_t practices;
};

/* Calls `each` for what an entry says; one that is of another form says nothing. False: no memory.
 */
bool student_days_read(struct arena *arena, struct str key, struct str value,
                       void (*each)(void *context, const struct student_day *day), void *context);

#endif
