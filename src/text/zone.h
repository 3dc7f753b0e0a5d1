/*
 * zone: what the clocks on the wall show, everywhere and at any time.
 *
 * The zones of IANA's database are part of the binary; nothing is read from the machine, so every
 * installation computes the same times. A `const struct zone *` points into that constant data: it
 * is valid for ever, needs no closing and may be used by all threads at once.
 *
 * From a moment to the wall there is always one answer. From the wall to a moment there may be
 * none (the clock was put forward over it: a gap) or two (it was put back: a fold), and the caller
 * must say what it wants then:
 *
 *     struct zone_local local;
 *     if (zone_local_to_utc(zone, &civil, &local) == ZONE_FOLD) { ... first_ms, second_ms ... }
 *
 * Years beyond the listed changes follow the last rule of the zone for ever.
 */
#ifndef SLUICE_TEXT_ZONE_H
#define SLUICE_TEXT_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "text/datetime.h"

struct zone;

enum {
    ZONE_NAME_MAX = 64,   /* A longer name is not looked up. */
    ZONE_NEAREST_MAX = 3, /* Suggestions for a name that does not exist. */
};

/*
 * The zone of a name, or NULL. Names are IANA's in any case of letters ("Asia/Jerusalem", links
 * such as "Israel" included); "Z"; and offsets from UTC in quarters of an hour from -12:00 to
 * +14:00, as "+02:00", "+0200", "+2" or "UTC+02:00". East is plus. ("Etc/GMT-2" is IANA's own name
 * for the same clock, with the sign the other way round.)
 */
const struct zone *zone_find(struct str name);

/* The same for a configuration: ERR_CONFIG with the nearest names when there is none. */
bool zone_parse(struct str name, const struct zone **out, struct err *err);

const struct zone *zone_utc(void);

/* The zone's name as IANA spells it, or "+02:00" for an offset. */
struct str zone_name(const struct zone *zone);

/* IANA's names in byte order, for lists. */
size_t zone_count(void);
const struct zone *zone_at(size_t index);

/* The names nearest to one that may be misspelt, best first; returns how many. */
size_t zone_nearest(struct str name, struct str out[ZONE_NEAREST_MAX]);

/* The release of the database, such as "2026f". */
struct str zone_version(void);

struct zone_clock {
    int offset_s; /* Seconds east of UTC. */
    bool is_dst;
    struct str letters; /* "IST", "IDT", "+0545". */
};

/* What holds at a moment. */
struct zone_clock zone_offset_at(const struct zone *zone, int64_t utc_ms);

/* What the wall shows at a moment. False outside of the calendar's years. */
bool zone_to_civil(const struct zone *zone, int64_t utc_ms, struct civil *out);

enum zone_fit {
    ZONE_UNIQUE = 0, /* One moment. */
    ZONE_GAP,        /* No moment: the wall never showed this. */
    ZONE_FOLD,       /* Two moments: the wall showed this twice. */
};

struct zone_local {
    /*
     * Unique: the moment. Fold: the earlier one. Gap: counted on the clock from before the change,
     * which is as long after the change as the civil time is inside the gap.
     */
    int64_t first_ms;
    /* Unique: the same. Fold: the later one. Gap: counted on the clock from after the change. */
    int64_t second_ms;
    int64_t change_ms; /* Gap and fold: when the clock was changed. */
};

/* The moments at which the wall shows `civil`, which must be valid. */
enum zone_fit zone_local_to_utc(const struct zone *zone, const struct civil *civil,
                                struct zone_local *out);

/*
 * The moment of a stamp: by its own offset if it has one, else on the wall of `zone`, where a gap
 * and a fold mean first_ms. `fit` may be NULL; it says whether that was a choice.
 */
int64_t zone_stamp_ms(const struct zone *zone, const struct stamp *stamp, enum zone_fit *fit);

/* The next moment after `utc_ms` at which the distance from UTC changes; false when it never does.
 */
bool zone_next_change(const struct zone *zone, int64_t utc_ms, int64_t *change_ms);

/*
 * A stretch of time in which the clock is not changed: from begin_ms up to, not including, end_ms.
 * Whoever converts many moments keeps one and asks again only when a moment lies outside. The ends
 * of time are INT64_MIN and INT64_MAX.
 */
struct zone_span {
    int64_t begin_ms;
    int64_t end_ms;
    struct zone_clock clock;
};

void zone_span_at(const struct zone *zone, int64_t utc_ms, struct zone_span *out);

#endif
