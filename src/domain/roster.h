/*
 * roster: who is a student, as op `students` keeps it in its state.
 *
 * A version of the table is read whole: each row's phone is brought to its digits, its name to what
 * can be seen of it. The state then holds, for each student,
 *
 *     p DIGITS    {"key": …, "phone": …, "name": …, "lesson": …, "teacher": …}
 *     n NAME      DIGITS, or nothing for a name that two have
 *
 * and only what differs from the version before is written. Rows that cannot be used are told as
 * problems; of a phone that stands there twice the first row counts.
 */
#ifndef SLUICE_DOMAIN_ROSTER_H
#define SLUICE_DOMAIN_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/op.h"
#include "text/phone.h"

enum { ROSTER_ROWS_MAX = 100000, ROSTER_NAME_MAX = 200 };

struct roster_row {
    struct str key;  /* Of the table. */
    struct str cell; /* The phone as it stands there: finds the row in a sheet. */
    struct phone phone;
    struct str name;
    struct str lesson;
    struct str teacher;
};

enum roster_trouble {
    ROSTER_NO_PHONE = 0, /* The cell holds no phone that could be. */
    ROSTER_PHONE_TWICE,
    ROSTER_NAME_TWICE, /* A name alone does not tell them apart. */
    ROSTER_NO_NAME,
};

struct roster_problem {
    enum roster_trouble trouble;
    struct str key;    /* Of the row. */
    struct str detail; /* For people. */
};

struct roster {
    struct roster_row *rows; /* Usable ones, by their digits. */
    size_t count;
    struct roster_problem *problems;
    size_t problem_count;
};

/* How the headers are called. */
struct roster_columns {
    struct str phone;
    struct str name;
    struct str lesson;
    struct str teacher;
};

/* The version of table `name` that holds at the message. ERR_REJECT when it lacks a column. */
bool roster_load(struct op_env *env, struct str name, const struct roster_columns *columns,
                 enum phone_country home, struct roster *out, struct err *err);

/* Bring the state up to it. `changed` is called for each row that is new or says something else. */
bool roster_keep(struct op_env *env, const struct roster *roster,
                 bool (*changed)(void *context, const struct roster_row *row, struct err *err),
                 void *context, struct err *err);

/* Of a sender, by phone, else by name; `found->phone.len` is 0 for none. */
bool roster_find(struct op_env *env, struct str sender, enum phone_country home,
                 struct roster_row *found, struct err *err);

/* What a sender is known by: digits, else the name as it is seen. Absent without memory. */
struct str roster_sender(struct arena *arena, struct str sender, enum phone_country home);

#endif
