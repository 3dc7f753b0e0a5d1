/*
 * students: what the students of a school post in its group, counted by lesson.
 *
 * The roster, a table that another source brings, says who is a student, in which lesson, with
 * which teacher. A message of a student that has one of `practice_words` is a practice; otherwise
 * one that has one of `message_words` is a message. It counts once, in the lesson that the roster
 * has for its writer at the message's place in the archive, and the student's row of
 * `student_stats` is written anew.
 *
 *   "972 55-000-0001: practiced chapter 4"      sender     972550000001
 *      roster      {name: Dana, current_lesson: 7, teacher: Noa}
 *      row         lessons: [… {lesson: 7, practice_count: 5, last_practice: "18:51, 12.12.2025"}]
 *      sheet       last_practice of that row of the roster: 12/12/2025
 *
 * Who: the digits of the sender's phone, in whatever look, else the exact name of a contact. Those
 * who are not in the roster are noted, and what they wrote is counted when the roster has them.
 *
 * Lessons: when the roster moves a student on, a lesson is appended to the row and counted in; one
 * that is there already is taken up again. Only the counts and times of a lesson are ours: `paid`
 * and whatever else stands in it are left alone, wherever it was set.
 *
 * The row's key, `uniq_id`, is the MD5 of "<phone_number>_<name>" as they were at the first sight,
 * and stays; a corrected name changes `name` only.
 *
 * Adoption: with `adopt`, rows that another program kept are begun with as they are: their counts
 * are kept, and messages that are not newer than their last_practice_timedate (practices) or
 * last_message_timedate (messages) are taken for counted.
 *
 * An edit counts if the message did not count before; a deletion takes nothing back. Old messages
 * that come late count, and move no "last" backwards.
 *
 * What looks wrong is a row of `student_warnings`: phones in the roster that cannot be, numbers and
 * names that stand there twice, senders who are not in it, times in the future. Each is closed when
 * it is over.
 *
 * Times of the rows are texts, "HH:MM, DD.MM.YYYY", on the wall of `zone`.
 */
#ifndef SLUICE_DOMAIN_STUDENTS_H
#define SLUICE_DOMAIN_STUDENTS_H

#include <stdint.h>

#include "base/str.h"
#include "model/op.h"
#include "text/keywords.h"
#include "text/phone.h"
#include "text/timepattern.h"
#include "text/zone.h"

enum {
    STUDENTS_AT_ONCE = 1500, /* Rows that one version of the roster writes; the others follow, */
    STUDENTS_FOLLOWING = 50, /* so many with each message that counts. */
    STUDENTS_WARNINGS_MAX = 500, /* About the roster; of more than these the first are shown. */
    STUDENTS_PARKED_MAX = 10000, /* Messages that wait for their writers. */
    STUDENT_LESSONS_MAX = 512,
};

struct students {
    struct op op; /* First. */

    /* From the configuration. */
    struct str zone_name;
    struct str roster;
    struct str adopt;
    struct str practice_list;
    struct str message_list;
    struct str_map columns; /* Our names and the roster's headers. */
    bool whole_word;
    bool fold;
    int home; /* Index into the countries. */
    struct str sink;
    struct str sheet;

    /* Made by declare and open. */
    struct target targets[3];
    const struct target *target_list[4];
    const struct zone *zone;
    struct keywords *practices;
    struct keywords *messages;
    struct timepattern stamp;
    struct timepattern day;
};

extern const struct op_type op_students;

#endif
