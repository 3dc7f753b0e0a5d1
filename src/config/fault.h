/*
 * fault: what is wrong with a configuration, all of it at once.
 *
 * Reading goes on after a mistake wherever it can, so that a person corrects a file in one round.
 * A fault has a place and a text; as a line it reads
 *
 *     config/drops.yaml:7:5: unknown option 'pol'; did you mean 'poll'?
 *
 * Faults live in the arena they were given. Only FAULTS_MAX are kept; the others are counted.
 */
#ifndef SLUICE_CONFIG_FAULT_H
#define SLUICE_CONFIG_FAULT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { FAULTS_MAX = 100 };

/* Line and column count from 1; 0 stands for the whole. No file: the text says where it is. */
struct place {
    struct str file;
    size_t line;
    size_t column;
};

struct fault {
    struct place place;
    struct str text;
};

struct faults {
    struct arena *arena;
    struct fault *items;
    size_t count; /* May be more than are kept. */
};

void faults_init(struct faults *faults, struct arena *arena);

/* Always returns false. */
__attribute__((format(printf, 3, 4))) bool fault_add(struct faults *faults, struct place place,
                                                     const char *format, ...);

/* What another part of sluice said about a value that stands here. */
bool fault_add_err(struct faults *faults, struct place place, const char *option,
                   const struct err *err);

size_t faults_kept(const struct faults *faults);

/* "file:line:col: text"; absent when the arena is full. */
struct str fault_line(const struct fault *fault, struct arena *arena);

#endif
