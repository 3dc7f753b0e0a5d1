/*
 * lookup: fields from a table, by key.
 *
 *     - kind: lookup
 *       reference: cities          a source of the configuration that brings a table
 *       key: "{city}"
 *       add: {region: region, manager: "שם מנהל"}
 *       on_miss: keep
 *
 *     - kind: lookup
 *       table: {חיפה: צפון, עכו: צפון, אילת: דרום}
 *       key: "{city}"
 *       as: region
 *       fold: true
 *
 * A small table that never changes by itself may stand in the configuration: names and the value of
 * each, which goes to the field `as`. With `fold`, names are compared as people read them.
 *
 * Otherwise the row is the one that was current at the message's place in the archive, today and in
 * a replay; the pipeline waits until the table has arrived once. Each field of `add` gets a column
 * of the row, as text; a column that is not there, or empty, leaves its field absent.
 *
 * When the table has no such key, `on_miss` says what happens: `keep` passes the item on with the
 * fields absent, `drop` leaves it out with a reason, and `park` keeps the whole item until a later
 * version of the table has the key. Then it goes on, once, from here, with the fields that it had,
 * and `now` as the time at which that version arrived. An edit of a parked message takes its place;
 * an edit whose key is found lets the parked one go. At most LOOKUP_PARKED_MAX items wait; one more
 * refuses its message, which lists it. (Steps behind a parking lookup should not `reject`: that
 * would refuse the version of the table.) An item whose key lacks a value is a miss that is never
 * parked.
 *
 * State: "<name>:p:<item>" is a parked item, "<name>:n:" how many there are.
 */
#ifndef SLUICE_PIPELINE_LOOKUP_H
#define SLUICE_PIPELINE_LOOKUP_H

#include "pipeline/compose.h"

enum { LOOKUP_PARKED_MAX = 500, LOOKUP_ADDS_MAX = 64 };

enum lookup_miss { LOOKUP_KEEP = 0, LOOKUP_DROP, LOOKUP_PARK };

struct lookup {
    struct step step; /* First. */

    /* Options. */
    struct str reference;
    struct str key;
    struct str_map add;
    struct str_map table;
    struct str as;
    bool fold;
    int on_miss;

    /* Made by prepare. */
    struct compose key_text;
    size_t fields[LOOKUP_ADDS_MAX]; /* By entry of `add`; of a table the only one. */
    struct str_pair *rows;          /* Of `table`, sorted by name. */
};

extern const struct step_type step_lookup;

#endif
