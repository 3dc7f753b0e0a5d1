/*
 * select_rig: a source of rows with its options as text, and what its looks bring as lines.
 *
 *     select_rig_make(&source_sqlite, "path=/tmp/x.db|table=leads|cursor_column=id", &err)
 *     assert_string_equal(select_rig_look(100), "1 שלום\n2 …\n")
 *
 * A message is "ID TEXT", with `extra` behind it when select_rig_extra is set; a refusal "! WHERE:
 * WHY"; a row of a snapshot "= KEY BODY"; an error "error KIND TEXT". One source at a time.
 */
#ifndef SLUICE_TESTS_SOURCE_SELECT_RIG_H
#define SLUICE_TESTS_SOURCE_SELECT_RIG_H

#include <stdbool.h>

#include "model/source.h"

enum { SELECT_RIG_TEXT_MAX = 256 * 1024 };

extern bool select_rig_extra;
extern struct source *select_rig_source;

void select_rig_setup(void);
void select_rig_teardown(void);

/* Options are "name=text|name=text"; a map is "name=a:b,c:d", a list "name=a,b". */
bool select_rig_make(const struct source_type *type, const char *options, struct err *err);

/* The same, and fails the test where it cannot; the cursor begins anew. */
void select_rig_begin(const struct source_type *type, const char *options);

/* One look that may bring so many messages. */
const char *select_rig_look(size_t limit);

/* Looks until nothing is left; fails the test on an error. Gives the number of messages. */
size_t select_rig_count(size_t limit);

void select_rig_forget(void); /* The cursor. */

/* Fails the test, showing both, when the part is not in the text. */
void select_rig_has(const char *text, const char *part);

#endif
