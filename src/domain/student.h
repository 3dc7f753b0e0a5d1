/*
 * student: what is known of one student, and the row that it makes.
 *
 * It lives in the state of op `students` as JSON, with times as numbers; the row has them as texts.
 */
#ifndef SLUICE_DOMAIN_STUDENT_H
#define SLUICE_DOMAIN_STUDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "text/timepattern.h"
#include "text/zone.h"

/* Times are 0 where there is none. */
struct student_lesson {
    struct str lesson;
    struct str teacher;
    int64_t practices;
    int64_t messages;
    int64_t first_ms; /* Practices. */
    int64_t last_ms;
};

struct student {
    struct str id;    /* uniq_id */
    struct str phone; /* As it is written: "972 55-000-0001". */
    struct str name;
    struct str current; /* Lesson. */
    int64_t practice_ms;
    int64_t message_ms;
    int64_t adopted_practice_ms; /* Practices up to here were counted by somebody else. */
    int64_t adopted_message_ms;
    struct student_lesson *lessons;
    size_t count;
    size_t room;
};

/* How times are written and read. */
struct student_times {
    const struct zone *zone;
    const struct timepattern *stamp;
};

/* From the state, and into it; texts of `out` lie in the arena. Absent when the arena is full. */
bool student_read(struct arena *arena, struct str text, struct student *out, struct err *err);
struct str student_write(struct arena *arena, const struct student *student);

/* From a row that another program kept, as a table has it. What cannot be read counts as absent. */
bool student_adopt(struct arena *arena, struct str row, const struct student_times *times,
                   struct student *out, struct err *err);

/* A new one, with its key. */
bool student_new(struct arena *arena, struct str phone, struct str name, struct student *out,
                 struct err *err);

/* The key of a phone and a name; absent when the arena is full. */
struct str student_id(struct arena *arena, struct str phone, struct str name);

/* The lesson of that name; NULL for none. */
struct student_lesson *student_find_lesson(const struct student *student, struct str lesson);

/* The lesson of that name, made if there is none; it is then the current one. NULL with the reason
 * when there is no room. */
struct student_lesson *student_move(struct arena *arena, struct student *student, struct str lesson,
                                    struct str teacher, struct err *err);

/* The body that says of one of the student's lessons whether it is paid, and nothing else of what a
 * row that is there holds. Absent when the arena is full. */
struct str student_paid_body(struct arena *arena, const struct student *student,
                             const struct student_lesson *lesson, bool paid,
                             const struct student_times *times, int64_t now_ms);

/* The body of the student's row; absent when the arena is full. */
struct str student_body(struct arena *arena, const struct student *student,
                        const struct student_times *times, int64_t now_ms);

#endif
