/*
 * rhythm: when a chat usually speaks, and how long it may be silent before that means something.
 *
 * Two things are learned from the times of messages, each over about eight weeks:
 *
 *   hours     how many messages each hour of the local week brings; a week counts 4/5 of the next
 *   silences  the longest of each week, measured in messages that should have come meanwhile
 *
 * In that measure a night, a Saturday and an hour that the clock skipped last no time at all, and a
 * chat that speaks in bursts has longer silences than one that speaks evenly, at any hour. The
 * limit is what the longest silences lead one to expect about once in a thousand times eight
 * weeks, whatever the two longest of them were: those may have been outages, or holidays. While few
 * weeks are known, it is higher. See docs/concepts/freshness.md.
 *
 * No clock, no memory, no store: `struct rhythm` is plain data of the caller, zeroed at first, and
 * travels as RHYTHM_BYTES bytes. Times are Unix ms.
 */
#ifndef SLUICE_STORE_RHYTHM_H
#define SLUICE_STORE_RHYTHM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "text/zone.h"

enum {
    RHYTHM_HOURS = 7 * 24, /* The first is Sunday, 00:00. */
    RHYTHM_WEEKS = 8,      /* Whose silences count. */
    RHYTHM_LONGEST = 6,    /* Silences that are kept of a week. */
    RHYTHM_BYTES = 1 + 4 + 4 + 8 + RHYTHM_HOURS * (4 + 2) + RHYTHM_WEEKS * RHYTHM_LONGEST * 4,

    /* Less than this is no habit. */
    RHYTHM_WEEKS_LEAST = 3, /* The first one may have begun in its middle. */
    RHYTHM_MESSAGES_LEAST = 50,
    RHYTHM_LIMIT_LEAST = 12,   /* Missing messages. */
    RHYTHM_WAIT_DAYS_MAX = 14, /* A limit that takes longer to reach says nothing to anybody. */
    RHYTHM_FORGET_DAYS_MAX = 12 * 7, /* Older messages are not looked at. */
};

struct rhythm {
    int64_t newest_ms; /* 0: nothing was heard yet. */
    int32_t week;      /* The newest message's. */
    int32_t first_week;
    uint16_t current[RHYTHM_HOURS];               /* Of `week`, which is not over. */
    float past[RHYTHM_HOURS];                     /* Of the weeks before, weighted. */
    float silences[RHYTHM_WEEKS][RHYTHM_LONGEST]; /* By week, in turns; longest first. */
};

/* A message was sent then. In any order; what is older than the newest one tells no silence. */
void rhythm_hear(struct rhythm *rhythm, const struct zone *zone, int64_t sent_ms);

/* When the silence that began with the newest message is too long; 0: there is no habit yet. */
int64_t rhythm_due_ms(const struct rhythm *rhythm, const struct zone *zone);

/* Messages that a week brings. */
double rhythm_weekly(const struct rhythm *rhythm);

/* How many messages would be missed by then; 0 while there is no habit. For tests. */
double rhythm_limit(const struct rhythm *rhythm);

void rhythm_write(const struct rhythm *rhythm, uint8_t out[RHYTHM_BYTES]);

/* False: these are not the bytes of a rhythm of this version. */
bool rhythm_read(struct str bytes, struct rhythm *out);

#endif
