/*
 * meter: durable counts of what the workers did, for metrics and health.
 *
 * One row of `counter` each, under "meter/<what>/<whose>" or "meter/<what>/<whose>/<part>". Added
 * to within the change that makes it true.
 */
#ifndef SLUICE_STORE_METER_H
#define SLUICE_STORE_METER_H

#include "store/store.h"

enum meter {
    METER_FETCHED = 0,   /* By source: messages archived, new and changed. */
    METER_LOOKS_FAILED,  /* By source. */
    METER_REFUSED,       /* By pipeline: messages that its op refused. */
    METER_COUNTED,       /* By pipeline and what the op calls it. */
    METER_WRITTEN,       /* By pipeline and target. */
    METER_UNWRITTEN,     /* By pipeline: records refused, or put off for a reason of their own. */
    METER_WRITES_FAILED, /* By sink: as a whole. */
    METER_CYCLES,        /* By pipeline: runs that ended, */
    METER_CYCLES_MS,     /* how long all of them took, */
    METER_CYCLE_MS,      /* and the last one. */
    METER_GOOD_MS,       /* By sink: when it last took something. */
    METER_RUN_WRITTEN, /* By pipeline and target, since its last run that was listened to ended. */
};

enum { METER_NAME_MAX = 512 };

/* Needs an open change. `part` may be absent. */
bool store_meter_add(struct store *store, enum meter meter, struct str whose, struct str part,
                     int64_t by, struct err *err);
bool store_meter_set(struct store *store, enum meter meter, struct str whose, int64_t value,
                     struct err *err);

/* The count so far, and it begins anew at 0. Needs an open change. */
bool store_meter_take(struct store *store, enum meter meter, struct str whose, struct str part,
                      int64_t *out, struct err *err);

/* 0 for what was never counted. */
bool store_meter_get(struct store *store, enum meter meter, struct str whose, struct str part,
                     int64_t *out, struct err *err);

#endif
