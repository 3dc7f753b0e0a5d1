#include "store/meter.h"

#include <stdio.h>

#include "base/must.h"
#include "store/internal.h"

static const char *const names[] = {
    [METER_FETCHED] = "fetched",
    [METER_LOOKS_FAILED] = "looks-failed",
    [METER_REFUSED] = "refused",
    [METER_COUNTED] = "counted",
    [METER_WRITTEN] = "written",
    [METER_UNWRITTEN] = "unwritten",
    [METER_WRITES_FAILED] = "writes-failed",
    [METER_CYCLES] = "cycles",
    [METER_CYCLES_MS] = "cycles-ms",
    [METER_CYCLE_MS] = "cycle-ms",
    [METER_GOOD_MS] = "good-ms",
    [METER_RUN_WRITTEN] = "run-written",
};

/* Longer names than the room are cut: nothing that a configuration takes is that long. */
static const char *name_of(enum meter meter, struct str whose, struct str part,
                           char room[METER_NAME_MAX])
{
    must((size_t)meter < sizeof names / sizeof names[0]);
    (void)snprintf(room, METER_NAME_MAX, "meter/%s/%.*s%s%.*s", names[meter], STR_ARG(whose),
                   part.len > 0 ? "/" : "", STR_ARG(part));
    return room;
}

bool store_meter_add(struct store *store, enum meter meter, struct str whose, struct str part,
                     int64_t by, struct err *err)
{
    char room[METER_NAME_MAX];
    return by == 0 || store_count_add(store, name_of(meter, whose, part, room), by, err);
}

bool store_meter_set(struct store *store, enum meter meter, struct str whose, int64_t value,
                     struct err *err)
{
    char room[METER_NAME_MAX];
    must(store->changing);
    struct query *query = store_query(store,
                                      "INSERT INTO counter(name, value) VALUES(?1, ?2)"
                                      " ON CONFLICT DO UPDATE SET value=excluded.value",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, str_of(name_of(meter, whose, (struct str){0}, room)));
    query_bind_int(query, 2, value);
    return store_run(store, query, err);
}

bool store_meter_take(struct store *store, enum meter meter, struct str whose, struct str part,
                      int64_t *out, struct err *err)
{
    return store_meter_get(store, meter, whose, part, out, err) &&
           store_meter_add(store, meter, whose, part, -*out, err);
}

bool store_meter_get(struct store *store, enum meter meter, struct str whose, struct str part,
                     int64_t *out, struct err *err)
{
    char room[METER_NAME_MAX];
    return store_count_get(store, name_of(meter, whose, part, room), out, err);
}
