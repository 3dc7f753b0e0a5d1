/*
 * template: texts with places for values.
 *
 *     Hello {name}, {city|20} is at {time|HH:MM}; {{this}} is not a place, {note?} may be missing.
 *
 * A place is a name in braces: letters of any script, digits, `_`, `.` and `-`. Behind a bar stands
 * either a number, which cuts the value to so many characters (never a part of one), or a format
 * that is handed to whoever gives the value. A question mark makes the place optional. Doubled
 * braces are braces.
 *
 * A template is compiled once and tells its mistakes then, with the character they were seen at;
 * its parts are views into the text it was made from. Values are put in as they are: they are never
 * looked at for places again, so a stranger's text cannot ask for other values. (Where the result
 * is HTML or a command, the value giver must escape.)
 */
#ifndef SLUICE_TEXT_TEMPLATE_H
#define SLUICE_TEXT_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { TEMPLATE_LEN_MAX = 64 * 1024, TEMPLATE_PARTS_MAX = 1024 };

/* Plain text, or a place when `name` is not empty. */
struct template_part {
    struct str plain;
    struct str name;
    struct str format; /* Behind the bar, unless it was a number. */
    size_t cut;        /* Characters; 0: whole. */
    size_t at;         /* Character of the template, from 1. */
    bool optional;
};

struct template
{
    size_t count;
    const struct template_part *parts;
};

/* Parts are made in the arena and point into `text`. False with ERR_CONFIG for a mistake. */
bool template_open(struct template *template, struct arena *arena, struct str text,
                   struct err *err);

/* Give the value of a name; false when there is none. `format` is empty when none was asked for. */
typedef bool template_get(void *context, struct str name, struct str format, struct str *value);

/*
 * Write the text with its values. False with ERR_REJECT when a value is missing that is not
 * optional; the error names it and where it is asked for. A full arena is remembered by `out`.
 */
bool template_write(const struct template *template, struct buf *out, template_get *get,
                    void *context, struct err *err);

#endif
