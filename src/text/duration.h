/*
 * duration: lengths of time as people write them.
 *
 *     250ms   15s   2h   1h30m   30d   1w   1h 30m
 *
 * A number and a unit (w, d, h, m, s, ms), larger units first, each once; one space may stand
 * between two of them. A day is 24 hours and a week is seven days, whatever the clocks do. Zero may
 * be written without a unit. There are no fractions, signs, months or years.
 */
#ifndef SLUICE_TEXT_DURATION_H
#define SLUICE_TEXT_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { DURATION_TEXT_MAX = 48 };

/* A hundred years; longer is a mistake in writing, and shorter never overflows a sum of times. */
#define DURATION_MAX_MS INT64_C(3155760000000)

/* ERR_CONFIG with the offset and what is allowed there. */
bool duration_parse(struct str text, int64_t *ms, struct err *err);

/*
 * The shortest exact form without weeks, such as "1h30m" or "30d", which is read back as the same
 * number. Below zero is written as "0s", above DURATION_MAX_MS as that.
 */
struct str duration_format(int64_t ms, char out[DURATION_TEXT_MAX]);

#endif
