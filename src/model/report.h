/*
 * report: how a kind says what is wrong with its own options.
 *
 * A kind may have a `check`, which is called once all options of an instance are filled and found
 * to fit their types, with nothing opened. It looks at what the types cannot know (is this a
 * regular expression, do these two fit together) and reports every mistake by the name of the
 * option; whoever reads the configuration knows the line and the column.
 *
 *     static void drops_check(const struct op *op, struct report *report)
 *     {
 *         struct err err = {0};
 *         if (!regex_open(&regex, drops->pattern, 0, &err)) {
 *             report_err(report, "pattern", &err);
 *         }
 */
#ifndef SLUICE_MODEL_REPORT_H
#define SLUICE_MODEL_REPORT_H

#include <stddef.h>

#include "base/err.h"

struct report {
    void *context;
    /* `option` is NULL for a mistake of several together; `character` of its text, from 1; 0: the
       whole. */
    void (*fault)(struct report *report, const char *option, size_t character, const char *text);
};

/* What a parser said; "at character 7" in it becomes the place. */
void report_err(struct report *report, const char *option, const struct err *err);

#endif
