/*
 * fault: what is wrong with a configuration, all of it at once.
 *
 * Reading goes on after a mistake wherever it can, so that a person corrects a file in one round.
 * A fault has a code (codes.h), a place, a text and often a help; as one line it reads
 *
 *     config/drops.yaml:7:5: error[E0107]: unknown key 'pol'; did you mean 'poll'?
 *
 * and excerpt.h shows it with the line of the file. A code with a W makes a warning: it is listed
 * among the faults, and the configuration is sound nevertheless.
 *
 *     return fault_help(faults, "did you mean '%.*s'?", …)     after fault_add(), and also false
 *
 * Faults live in the arena they were given. Only FAULTS_MAX are kept; the others are counted. A
 * fault that says the same at the same place twice (an alias is read twice) is kept once.
 *
 * No value of a secret gets into a text: whoever reads one says so with faults_hide(), and no
 * excerpt shows what stands there.
 */
#ifndef SLUICE_CONFIG_FAULT_H
#define SLUICE_CONFIG_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "config/codes.h"

enum {
    FAULTS_MAX = 100,
    FAULTS_FILES_MAX = 128,
    FAULTS_HIDDEN_MAX = 512,
    FAULTS_FILLED_MAX = 256,
    FAULTS_FILLED_LEN = 8, /* Bytes from which on a variable's value may be a secret. */
};

/*
 * Line and column count from 1; 0 stands for the whole. Columns and lengths are code points.
 * No file: the text says where it is.
 */
struct place {
    struct str file;
    size_t line;
    size_t column;
    size_t length; /* What the caret marks; 0 counts as 1. */
};

struct fault {
    enum fault_code code;
    struct place place;
    struct str text;
    struct str help; /* What to write instead; may be empty. */
};

struct faults {
    struct arena *arena;
    struct fault *items;
    size_t kept;
    size_t count;    /* Errors; may be more than are kept. */
    size_t warnings; /* The same. */
    bool again;      /* The last one was there before: its help is there, too. */
    struct faults_file *files;
    size_t file_count;
    struct place *hidden;
    size_t hidden_count;
    struct faults_filled *filled;
    size_t filled_count;
};

/* What a variable put into a text. */
struct faults_filled {
    struct str name;
    struct str value;
};

/* The bytes of a file, for excerpts. They must live as long as the faults. */
struct faults_file {
    struct str name;
    struct str bytes;
};

void faults_init(struct faults *faults, struct arena *arena);

/* Always returns false. */
__attribute__((format(printf, 4, 5))) bool fault_add(struct faults *faults, enum fault_code code,
                                                     struct place place, const char *format, ...);

/* What another part of sluice said about a value that stands here. */
bool fault_add_err(struct faults *faults, enum fault_code code, struct place place,
                   const char *option, const struct err *err);

/* "what is wrong; what to do": what stands behind the semicolon is the help. `what` may be "". */
bool fault_add_advice(struct faults *faults, enum fault_code code, struct place place,
                      const char *what, const char *text);

/* More about the fault that was just added: what to write. Returns false, too. */
__attribute__((format(printf, 2, 3))) bool fault_help(struct faults *faults, const char *format,
                                                      ...);

/* The line "file:line:col: error[E0107]: text; help"; absent when the arena is full. */
struct str fault_line(const struct fault *fault, struct arena *arena);

/* The bytes of a file whose lines may be shown. */
void faults_source(struct faults *faults, struct str file, struct str bytes);

/* What stands here is, or may be, a secret. */
void faults_hide(struct faults *faults, struct place place);

/*
 * The value of a variable was put into a text, and any variable may hold a secret: wherever the
 * value would be said from now on, ${NAME} is said. Short values (15, true, LOUD) are said as they
 * are.
 */
void faults_fill(struct faults *faults, struct str name, struct str value);

/* "error" or "warning" */
const char *fault_severity(const struct fault *fault);

#endif
