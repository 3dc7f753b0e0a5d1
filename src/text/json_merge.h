/*
 * json_merge: a list of objects that several write, each his own fields.
 *
 *     held    [{"lesson": "7", "practice_count": 4, "paid": true}]
 *     more    {"by": "lesson",
 *              "items": [{"set": {"lesson": "7", "practice_count": 5}, "insert": {"paid": false}},
 *                        {"set": {"lesson": "8", "practice_count": 1}, "insert": {"paid": false}}]}
 *
 *     gives   [{"lesson": "7", "practice_count": 5, "paid": true},
 *              {"lesson": "8", "practice_count": 1, "paid": false}]
 *
 * An object is found by the value of its field `by`, a text or a whole number. One that is there
 * gets the fields of "set" and keeps all others (two of the same value get them both); one that is
 * not comes behind the others, with "insert" as well. Nothing is ever taken out. Doing it twice is
 * doing it once.
 */
#ifndef SLUICE_TEXT_JSON_MERGE_H
#define SLUICE_TEXT_JSON_MERGE_H

#include <stdbool.h>

#include "base/err.h"
#include "text/json.h"

enum { JSON_MERGE_ITEMS_MAX = 1024 };

/* Is `more` of the form above? ERR_REJECT says what is not. */
bool json_merge_check(const struct json_value *more, struct err *err);

/* The merged list; `held` may be NULL or null, which count as the empty list. ERR_REJECT when it is
 * something else, and where `more` is not of its form. */
bool json_put_merged(struct json_writer *json, const struct json_value *held,
                     const struct json_value *more, struct err *err);

#endif
