/*
 * codes: every kind of mistake that a configuration can have, by a code that stays.
 *
 * A code is what people search for and what scripts compare, so a code is never given to another
 * mistake, and one that is no longer raised keeps its number. Codes with an E stop sluice from
 * starting; those with a W are said and change nothing.
 *
 * The table in codes.c is the only place where codes are described: `sluice explain-error E0107`
 * and docs/reference/errors.md both print it. A test requires that each has an explanation, an
 * example, and a test that raises it.
 */
#ifndef SLUICE_CONFIG_CODES_H
#define SLUICE_CONFIG_CODES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum fault_code {
    FAULT_MEMORY = 0,
    /* Files and YAML. */
    FAULT_FILE_MISSING,
    FAULT_FILE_UNREADABLE,
    FAULT_FILE_LARGE,
    FAULT_ENCODING,
    FAULT_SYNTAX,
    FAULT_TAB,
    FAULT_UNKNOWN_KEY,
    FAULT_KEY_TWICE,
    FAULT_FILE_EMPTY,
    FAULT_YAML_FEATURE,
    FAULT_YAML_LIMIT,
    FAULT_INCLUDE_CYCLE,
    FAULT_INCLUDE_LIMIT,
    FAULT_INCLUDE_TWICE,
    FAULT_DEFINED_TWICE,
    /* Values. */
    FAULT_TYPE,
    FAULT_MISSING,
    FAULT_EMPTY,
    FAULT_NUMBER,
    FAULT_BOUNDS,
    FAULT_DURATION,
    FAULT_SIZE,
    FAULT_BOOL,
    FAULT_CHOICE,
    FAULT_ZONE,
    FAULT_COUNT,
    FAULT_NAME,
    FAULT_OPTION,
    FAULT_STEP,
    FAULT_OPS,
    /* What refers to something else. */
    FAULT_UNKNOWN_KIND,
    FAULT_UNKNOWN_SOURCE,
    FAULT_UNKNOWN_SINK,
    FAULT_COLUMN_TWICE,
    FAULT_CHATS_TWICE,
    FAULT_CHATS_NONE,
    FAULT_UNKNOWN_REFERENCE,
    /* Variables and .env. */
    FAULT_VARIABLE_MISSING,
    FAULT_VARIABLE_NAME,
    FAULT_VARIABLE_OPEN,
    FAULT_DOTENV,
    FAULT_VARIABLE_REFUSED,
    FAULT_VARIABLE_VALUE,
    FAULT_VARIABLE_DASH,
    /* Schedules. */
    FAULT_SCHEDULE,
    FAULT_CRON,
    FAULT_CRON_NEVER,
    FAULT_CRON_GAP,
    /* Chats and their names. */
    FAULT_CHAT_SUFFIX,
    FAULT_CHAT_NUMBER,
    FAULT_CHAT_TAKEN,
    FAULT_INVISIBLE,
    FAULT_INVISIBLE_VALUE,
    /* Secrets. */
    FAULT_SECRET_CLEAR,
    FAULT_SECRET_FORM,
    FAULT_SECRET_LOST,
    FAULT_SECRET_EXPOSED,
    FAULT_SECRET_UNKNOWN,
    FAULT_SECRET_UNUSED,
    FAULT_DOTENV_EXPOSED,
    FAULT_CODES, /* How many there are. */
};

struct code {
    const char *code;    /* "E0107" */
    const char *title;   /* "Unknown key", what `explain-error` lists. */
    const char *why;     /* One clause: the reason that is printed with each fault. */
    const char *text;    /* A paragraph or two; lines of at most 96 columns. */
    const char *example; /* Lines of a file that has the mistake, and how it is corrected. */
};

const struct code *code_of(enum fault_code code);

/* A warning is said, and stops nothing. */
bool code_is_warning(enum fault_code code);

/* By its text, in any case of letters; false when there is none such. */
bool code_find(struct str text, enum fault_code *code);

#endif
