/*
 * stamps: times as a table writes them, read by the options `time_format` and `zone`.
 *
 * Without a format they are ISO 8601. What has no offset was written by a clock in the zone.
 */
#ifndef SLUICE_SOURCE_STAMPS_H
#define SLUICE_SOURCE_STAMPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "text/timepattern.h"
#include "text/zone.h"

struct stamps {
    struct str format; /* The options. */
    struct str zone_name;

    const struct zone *zone;
    struct timepattern pattern;
};

/* Both options; `*option` is the one that a mistake is in. */
bool stamps_open(struct stamps *stamps, const char **option, struct err *err);

bool stamps_read(const struct stamps *stamps, struct str text, int64_t *time_ms, struct err *err);

#endif
