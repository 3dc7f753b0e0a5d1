/*
 * count: how many there were, by key and by time.
 *
 *     - kind: count
 *       key: "{sender}"
 *       per: day
 *     - kind: write
 *       key: "{sender}/{count_period}"
 *       set: {who: "{sender}", day: "{count_period}", messages: "{count}"}
 *       …
 *
 * Each item adds one to the counter of its key, in the day, week, month or hour in which it was
 * sent (or arrived, `by: now`), on the clock of the pipeline's zone; and the fields `count` and
 * `count_period` say how many there are now and since when: 2025-11-09, 2025-W45, 2025-11,
 * 2025-11-09T13, or nothing for `per: total`. (`as` gives both other names.) These are absolute
 * values: a record of them can be repeated, replaced and replayed.
 *
 * An edit never counts twice. What a message added to a counter is noted, and an edit adds only
 * what it has more of: another key, or a second item of the same key. It takes nothing back. An
 * item whose key lacks a value is passed on uncounted, with both fields absent.
 *
 * State: "<name>:c:<period>/<key>" is a counter, "<name>:m:…" what one message added, about 80
 * bytes each. `key`, `per`, `by` and the zone decide what a counter means; changing them starts new
 * ones.
 */
#ifndef SLUICE_PIPELINE_COUNT_H
#define SLUICE_PIPELINE_COUNT_H

#include "pipeline/compose.h"

enum count_per { COUNT_TOTAL = 0, COUNT_HOUR, COUNT_DAY, COUNT_WEEK, COUNT_MONTH };

struct count {
    struct step step; /* First. */

    /* Options. */
    struct str key;
    int per;
    int by; /* sent, now */
    struct str as;

    /* Made by prepare. */
    struct compose key_text;
    size_t field;
    size_t period_field;
    struct zone_span span; /* The stretch of the zone that the last time lay in. */
};

extern const struct step_type step_count;

#endif
