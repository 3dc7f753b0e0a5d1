/*
 * students: what the verbs of a school share: everybody whom op `students` knows.
 *
 * All is read from what the op keeps in the store, so it is the same with any sink, beside a
 * running `serve` and without a server. Only whether a lesson is paid is not ours: people set it in
 * the rows, so it is asked of the sink, and is unknown where that cannot be had.
 */
#ifndef SLUICE_CLI_STUDENTS_H
#define SLUICE_CLI_STUDENTS_H

#include "cli/look.h"
#include "cli/table.h"
#include "domain/student.h"
#include "domain/students.h"

enum { STUDENTS_ARENA_LIMIT = 512 * 1024 * 1024 };

enum paid { PAID_UNKNOWN = 0, PAID_NO, PAID_YES };

struct pupil {
    struct str digits;      /* By which the op knows them. */
    struct student student; /* Without an id: in the roster, and never counted. */
    bool listed;            /* In the roster as it is now. */
    struct str name;        /* As the roster has it, else as it was. */
    struct str lesson;      /* Where it counts now. */
    struct str teacher;
    enum paid *paid; /* Of each lesson. */
};

struct school {
    struct look look;
    struct arena arena; /* Of the pupils. */
    const struct plan_pipeline *pipeline;
    const struct students *op; /* Not open. */
    const struct zone *zone;   /* Of the op. */
    enum phone_country home;
    struct pupil *pupils; /* By their digits. */
    size_t count;
    int64_t rows;         /* Of the sink, once students_ask_paid() was called; */
    int64_t rows_unknown; /* those of nobody whom the op knows; */
    bool paid_known;      /* and whether they could be had, */
    struct str paid_why;  /* or why not. */
};

/* The pipeline is the only one of kind students, or that of --pipeline. CLI_OK, or the code to end
   with; school_end() is due in both cases. */
int school_begin(struct school *school, const struct cli *cli);

/* Prints what is in school->look.out when the code is CLI_OK or CLI_PARTIAL. */
int school_end(struct school *school, int code);

/* The pipeline of kind students in a plan; NULL after saying why there is none. */
const struct plan_pipeline *school_pipeline(const struct plan *plan, const struct cli *cli);

/* The same for a store and a plan that somebody else has open: only pipeline, op, and pupils. */
bool school_load(struct school *school, struct store *store, struct err *err);

/* Fill in `paid`. False without memory only; a sink that cannot be had is remembered. */
bool school_ask_paid(struct school *school, struct err *err);

/* Who is meant by a name, a phone in any look, or a uniq_id; NULL after saying why nobody is. */
const struct pupil *school_find(struct school *school, struct str who);

int64_t pupil_practices(const struct pupil *pupil);
int64_t pupil_messages(const struct pupil *pupil);
int64_t pupil_last_ms(const struct pupil *pupil); /* 0: never. */

/* "972 55-000-0001", also of one who has no row yet. */
struct str pupil_phone(struct arena *arena, const struct pupil *pupil);

#endif
